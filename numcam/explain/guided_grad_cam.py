"""Guided Grad-CAM: what guided backpropagation draws, where Grad-CAM points."""

from numcam.explain.cams import grad_cam
from numcam.explain.pixels import guided_backprop
from numcam.explain.target import predicted
from numcam.explain.upsample import upsample
from numcam.nn import Target, Trace
from numcam.nn.types import Array


def guided_grad_cam(trace: Trace, target: Target | None = None, layer: str | int | None = None) -> Array:
    """Guided backpropagation times upsampled Grad-CAM: (n, 3, rows, cols), signed, not normalised.

    target and layer as in `grad_cam`. Selvaraju et al. 2017, section 3.2.
    """
    target = predicted(trace) if target is None else target
    pixels = guided_backprop(trace, target)  # (n, 3, rows, cols)
    cam = upsample(grad_cam(trace, target, layer), pixels.shape[2:])  # (n, rows, cols)
    return pixels * cam[:, None]
