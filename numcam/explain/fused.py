"""Several layers in one map: the fine ones say where exactly, the late ones what."""

from collections.abc import Callable, Sequence

import numpy as np

from numcam.errors import InputError
from numcam.explain.cams import grad_cam
from numcam.explain.target import predicted, spatial_layer
from numcam.explain.upsample import upsample
from numcam.nn import Target, Trace
from numcam.nn.types import Array

WAYS: dict[str, Callable[..., Array]] = {"mean": np.mean, "maximum": np.max, "product": np.prod}


def fused(
    trace: Trace,
    target: Target | None = None,
    layers: Sequence[str] = (),
    method: Callable[..., Array] = grad_cam,
    how: str = "mean",
) -> Array:
    """The maps of several layers as one: (n, rows, cols) of the finest layer, in [0, 1].

    Layers have units of their own, so each map is divided by its maximum first; one that is blank stays 0. method: a
    class activation map, called as method(trace, target, layer). how: "mean" as in pytorch-grad-cam, "maximum" as in
    torch-cam, or "product". InputError for fewer than two layers, or one without rows and columns.
    """
    if len(layers) < 2 or how not in WAYS:
        raise InputError(f"fusing takes two layers or more, and {', '.join(WAYS)}; got {list(layers)} and {how!r}")
    target = predicted(trace) if target is None else target
    return fuse([method(trace, target, spatial_layer(trace, layer)) for layer in layers], how)


def fuse(maps: Sequence[Array], how: str = "mean") -> Array:
    """Maps (n, rows, cols) of several layers as one, as in `fused`."""
    size = max(m.shape[1] for m in maps), max(m.shape[2] for m in maps)
    return WAYS[how]([upsample(shares(m), size) for m in maps], axis=0)


def shares(maps: Array) -> Array:
    """Maps (n, rows, cols) >= 0, each divided by its maximum; zeros stay zeros."""
    top = maps.max(axis=(1, 2), keepdims=True)
    return np.divide(maps, top, out=np.zeros_like(maps), where=top > 0)
