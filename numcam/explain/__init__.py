"""Explanations: each reads a trace and its backward pass in a few lines."""

from collections.abc import Callable

from numcam.explain.cams import grad_cam
from numcam.explain.guided_grad_cam import guided_grad_cam
from numcam.explain.pixels import deconvnet, guided_backprop, saliency
from numcam.explain.target import predicted, spatial_layer
from numcam.explain.upsample import upsample
from numcam.nn.types import Array

METHODS: dict[str, Callable[..., Array]] = {
    "grad_cam": grad_cam,
    "guided_backprop": guided_backprop,
    "guided_grad_cam": guided_grad_cam,
    "saliency": saliency,
    "deconvnet": deconvnet,
}
"""Every method by name, called as method(trace, target=None, **options)."""

__all__ = [
    "METHODS",
    "deconvnet",
    "grad_cam",
    "guided_backprop",
    "guided_grad_cam",
    "predicted",
    "saliency",
    "spatial_layer",
    "upsample",
]
