"""Keras's layers that move and scale: of pixels a part of the preprocessing, further on layers among others."""

import numpy as np

from numcam.formats.checkpoint import Refused
from numcam.formats.keras.config import KerasLayer
from numcam.formats.keras.state import FIRST, Model, numbers_of
from numcam.formats.steps import constant
from numcam.models.preprocessing import Affine
from numcam.nn.types import Array


def rescaling(model: Model, layer: KerasLayer) -> None:
    scale, offset = (numbers_of(layer, key, default) for key, default in (("scale", 1.0), ("offset", 0.0)))
    affine(model, layer, scale, offset)


def normalization(model: Model, layer: KerasLayer) -> None:
    axis = layer.config.get("axis", -1)
    if axis not in (None, []):
        check_axis(model, layer)
    stated = [layer.config.get(key) for key in ("mean", "variance")]
    if any(value is None for value in stated):
        mean, variance = (np.ravel(t.read()).astype(np.float64) for t in model.arrays(layer, "mean", "variance"))
    else:
        mean, variance = (numbers_of(layer, key, 0.0) for key in ("mean", "variance"))
    if (
        not all(v.size in (1, model.shape[0]) and np.isfinite(v).all() for v in (mean, variance))
        or (variance < 0).any()
    ):
        raise Refused(f"its layer {layer.name!r} (Normalization) has no mean and variance for each channel")
    spread = np.maximum(np.sqrt(variance), 1e-7)  # keras.backend.epsilon()
    if layer.config.get("invert"):
        affine(model, layer, spread, mean)
    else:
        affine(model, layer, 1 / spread, -mean / spread)


def affine(model: Model, layer: KerasLayer, scale: Array, offset: Array) -> None:
    """scale * x + offset: of pixels a part of the preprocessing, further on a layer."""
    model.scales |= not model.steps and not model.end
    if not model.steps and not model.end and max(scale.size, offset.size) in (1, 3):
        if not (np.abs(scale) > 0).all():
            raise Refused(f"its layer {layer.name!r} multiplies pixels by 0")
        scale, offset = np.broadcast_to(scale, 3), np.broadcast_to(offset, 3)
        model.scaled.append(Affine(tuple(scale.tolist()), tuple(offset.tolist())))
        return
    c = model.shape[0]
    if scale.size not in (1, c) or offset.size not in (1, c):
        raise Refused(f"its layer {layer.name!r} has numbers for {max(scale.size, offset.size)} channels; {c} come in")
    ones, zeros = constant(np.ones(c)), constant(np.zeros(c))
    weight, bias = (constant(np.broadcast_to(v, (c,)).copy()) for v in (scale, offset))
    type = "BatchNorm2d" if len(model.shape) == 3 else "BatchNorm1d"
    model.add(type, layer, {"mean": zeros, "variance": ones, "weight": weight, "bias": bias}, epsilon=0.0)


def resizing(model: Model, layer: KerasLayer) -> None:
    """numcam brings pictures to the model's size itself; one that then changes it again is another network."""
    size = tuple(layer.config.get(key) for key in ("height", "width"))
    if size != model.shape[1:]:
        raise Refused(
            f"{layer.title} to {size[0]}x{size[1]} of pictures of {'x'.join(map(str, model.shape[1:]))}; "
            "give the model an input of that size instead"
        )


def check_axis(model: Model, layer: KerasLayer) -> None:
    axis = layer.config.get("axis", -1)
    axes = axis if isinstance(axis, list) else [axis]
    last = 3 if len(model.shape) == 3 else 1
    right = 1 if len(model.shape) == 1 or model.order == FIRST else 3
    if len(axes) != 1 or axes[0] not in ((right, -1) if right == last else (right,)):
        raise Refused(f"its layer {layer.name!r} normalises along axis {axis!r}, which is not that of the channels")
