"""The convention dial: tools that say Grad-CAM agree on equation 2 and differ in everything around it."""

from dataclasses import dataclass, fields

import numpy as np

from numcam.errors import InputError, did_you_mean
from numcam.explain.target import seed, spatial_layer
from numcam.explain.upsample import MODES, bicubic, upsample
from numcam.nn import AvgPool2d, Conv2d, MaxPool2d, ReLU, Target, Trace
from numcam.nn.activations import Elementwise
from numcam.nn.softmax import probabilities_backward
from numcam.nn.types import Array

KINDS: dict[str, tuple[type, ...]] = {
    "last ReLU": (ReLU, Elementwise),
    "last convolution": (Conv2d,),
    "last pooling": (MaxPool2d, AvgPool2d),
}
CHOICES = {
    "score": ("logit", "probability"),
    "weights": ("mean", "sum"),
    "relu": ("cells", "pixels", "never"),
    "upsample": (*MODES, "bicubic", "never"),
    "normalise": ("never", "maximum", "min-max", "min-max of cells"),
}


@dataclass(frozen=True)
class Conventions:
    """How a tool turns equation 2 into a picture.

    score: "logit", or "probability", the softmax of it, in whose gradient the other classes take part.
    layer: "last ReLU", "last convolution" (before the ReLU), "last pooling", or a name.
    weights: the gradient's "mean" over positions, or its "sum".
    relu: on the layer's "cells", on the "pixels" after enlarging, or "never".
    upsample: as in `upsample`, "bicubic", or "never".
    normalise: divide by the "maximum"; "min-max": subtract the minimum first; the same "min-max of cells" before
    enlarging; "never". epsilon: what is added to the number that is divided by. InputError for another word.
    """

    score: str = "logit"
    layer: str = "last ReLU"
    weights: str = "mean"
    relu: str = "cells"
    upsample: str = "half-pixel"
    normalise: str = "maximum"
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(f"{name}={getattr(self, name)!r}: there are {', '.join(choices)}")

    def differences(self, other: "Conventions") -> dict[str, str]:
        """The dials that stand elsewhere than in `other`, and where; epsilon apart, which only faint maps notice."""
        names = [field.name for field in fields(self) if field.name != "epsilon"]
        return {name: getattr(self, name) for name in names if getattr(self, name) != getattr(other, name)}


PRESETS = {
    "paper": Conventions(),
    "original-torch7": Conventions(weights="sum", upsample="corner", normalise="min-max"),
    "pytorch-grad-cam": Conventions(layer="last pooling", normalise="min-max"),
    "captum": Conventions(relu="never", upsample="nearest", normalise="never"),
    "torch-cam": Conventions(layer="last pooling", upsample="bicubic", normalise="min-max of cells", epsilon=1e-8),
    "tf-keras-vis": Conventions(score="probability", upsample="corner", normalise="min-max", epsilon=1e-7),
    "keras-gradcam": Conventions(score="probability", relu="pixels"),
}
"""What each tool does with VGG16 unless told otherwise, at the layer that its documentation or its search takes.

paper: what the text says, as numcam does it. original-torch7: the authors' Lua code, whose comment says mean and whose
sum is taken. pytorch-grad-cam: its two divisions with an epsilon are one without. torch-cam: its map, enlarged as its
overlay does; the overlay then squares it. tf-keras-vis and keras-gradcam: a Keras model that ends in its softmax, as
those of keras.applications do.
"""


def preset(name: str) -> Conventions:
    """The conventions of a tool; InputError with the names there are."""
    if name not in PRESETS:
        raise InputError(f"no conventions {name!r}; {did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def conventional(trace: Trace, target: Target | None = None, conventions: Conventions | str = "paper") -> Array:
    """Grad-CAM as a tool draws it: (n, rows, cols) of the input, or of the layer where nothing is enlarged.

    target: as in `grad_cam`. conventions: a name of PRESETS, or your own. Where a tool would divide by 0, the map is 0.
    """
    dial = preset(conventions) if isinstance(conventions, str) else conventions
    layer = layer_of(trace, dial.layer)
    gradient = trace.backward(score_seed(trace, target, dial.score), stop=layer)[layer]
    alpha = (gradient.mean if dial.weights == "mean" else gradient.sum)(axis=(2, 3), keepdims=True)
    map = (alpha * trace[layer]).sum(axis=1)  # (n, rows, cols)
    if dial.relu == "cells":
        map = np.maximum(map, 0)
    if dial.normalise == "min-max of cells":
        map = normalised(map, "min-max", dial.epsilon)
    map = enlarged(map, (trace["input"].shape[2], trace["input"].shape[3]), dial.upsample)
    if dial.relu == "pixels":
        map = np.maximum(map, 0)
    return normalised(map, dial.normalise, dial.epsilon)


def score_seed(trace: Trace, target: Target | None, score: str) -> Array:
    """d(score)/d(output); "probability" goes through softmax or sigmoid, in the trace's precision, which may round."""
    asked = seed(trace, target)
    if score == "logit":
        return asked
    return probabilities_backward(asked, trace.probabilities(trace.output.dtype), trace.network.output)


def layer_of(trace: Trace, layer: str) -> str:
    """The name of the layer that the dial's word means in this network."""
    if layer not in KINDS:
        return spatial_layer(trace, layer)
    shapes = trace.network.shapes(trace["input"].shape)
    layers = trace.network.layers.items()
    found = [name for name, one in layers if isinstance(one, KINDS[layer]) and len(shapes[name]) == 4]
    if not found:
        raise InputError(f"this network has no {layer.removeprefix('last ')}; name a layer instead")
    return found[-1]


def enlarged(map: Array, size: tuple[int, int], mode: str) -> Array:
    """`upsample`, or its two neighbours of the dial."""
    if mode == "never":
        return map
    if mode == "bicubic":
        rows, cols = (bicubic(s, b).astype(map.dtype) for s, b in zip(map.shape[1:], size, strict=True))
        return rows @ map @ cols.T
    return upsample(map, size, mode)


def normalised(map: Array, how: str, epsilon: float) -> Array:
    """Each map (n, rows, cols) divided by its maximum plus epsilon, for "min-max" after its minimum is subtracted."""
    if how not in ("maximum", "min-max"):
        return map
    low = map.min(axis=(1, 2), keepdims=True) if how == "min-max" else np.zeros_like(map[:, :1, :1])
    span = (map - low).max(axis=(1, 2), keepdims=True) + map.dtype.type(epsilon)
    return np.divide(map - low, span, out=np.zeros_like(map), where=span > 0)


def effects(trace: Trace, target: Target | None, conventions: Conventions, reference: Conventions) -> dict[str, float]:
    """What each dial that differs does on its own: the correlation of the first picture's map with the reference's,
    when only this dial is turned. 1 means that nothing can be seen of it; NaN, that a map is flat."""
    size = trace["input"].shape[2:]
    plain, *turned = (
        upsample(conventional(trace, target, dial)[0], (size[0], size[1]), "nearest")  # where the dial left it small
        for dial in (reference, *(_turned(reference, *d) for d in conventions.differences(reference).items()))
    )
    return {name: correlation(plain, m) for name, m in zip(conventions.differences(reference), turned, strict=True)}


def _turned(conventions: Conventions, name: str, value: str) -> Conventions:
    values = {field.name: getattr(conventions, field.name) for field in fields(conventions)}
    return Conventions(**{**values, name: value})


def correlation(a: Array, b: Array) -> float:
    """Pearson's, over all pixels; NaN where one of the two is flat."""
    a, b = (v.astype(np.float64).ravel() - v.mean(dtype=np.float64) for v in (a, b))
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if size > 0 else float("nan")
