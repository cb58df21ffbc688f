"""From pixels to what a network was trained on, and back: a scale and a shift per channel, perhaps BGR."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from numcam.errors import InputError, did_you_mean
from numcam.nn.types import Array

Triple = tuple[float, float, float]


def check_scale(pixels: Array) -> None:
    """InputError for floats that are none above 1 and not all 0: they are in 0-1, as other tools have pictures."""
    if pixels.dtype.kind == "f" and 0 < pixels.max(initial=0) <= 1:
        raise InputError(
            f"pixels lie in 0-255, and these floats run from {pixels.min():.3g} to {pixels.max():.3g}: multiply by 255 "
            "if they are in 0-1, or give uint8 if the picture is that black"
        )


@dataclass(frozen=True)
class Affine:
    """scale * x + offset, channel by channel, as a network's own first layer may do."""

    scale: Triple
    offset: Triple


@dataclass(frozen=True)
class Preprocessing:
    """x = (pixels - mean) / scale, channel by channel, with mean and scale in RGB order and in pixel units (0-255).

    order "BGR" reverses the channels of x afterwards, as the Caffe weights need it.
    """

    mean: Triple
    scale: Triple
    order: str = "RGB"

    def forward(self, pixels: Array) -> Array:
        """(n, 3, rows, cols) in [0, 255], RGB -> x, the same shape and dtype."""
        x = (pixels - self._column(self.mean, pixels.dtype)) / self._column(self.scale, pixels.dtype)
        return self._ordered(x)

    def inverse(self, x: Array) -> Array:
        """x -> pixels in RGB, not clipped."""
        return self._ordered(x) * self._column(self.scale, x.dtype) + self._column(self.mean, x.dtype)

    def backward(self, dx: Array) -> Array:
        """d(score)/d(pixels) from d(score)/dx."""
        return self._ordered(dx) / self._column(self.scale, dx.dtype)

    def then(self, more: Affine) -> "Preprocessing":
        """This, and what a network's first layer does to its result, as one."""
        step = -1 if self.order == "BGR" else 1
        a, b = more.scale[::step], more.offset[::step]
        mean = [m - o * s / f for m, s, f, o in zip(self.mean, self.scale, a, b, strict=True)]
        scale = [s / f for s, f in zip(self.scale, a, strict=True)]
        return Preprocessing(_triple(mean), _triple(scale), self.order)

    def __str__(self) -> str:
        mean, scale = (", ".join(f"{v:.6g}" for v in values) for values in (self.mean, self.scale))
        return f"(RGB - ({mean})) / ({scale}), as {self.order}"

    def _ordered(self, x: Array) -> Array:
        return x[:, ::-1] if self.order == "BGR" else x

    def _column(self, values: tuple[float, float, float], dtype: np.dtype[Any]) -> Array:
        return np.array(values, dtype)[:, None, None]


def _triple(values: list[float]) -> Triple:
    first, second, third = values
    return first, second, third


CENTRED = Preprocessing((127.5, 127.5, 127.5), (64.0, 64.0, 64.0))
"""What pocket was trained on."""

TORCHVISION = Preprocessing((0.485 * 255, 0.456 * 255, 0.406 * 255), (0.229 * 255, 0.224 * 255, 0.225 * 255))
CAFFE = Preprocessing((123.68, 116.779, 103.939), (1.0, 1.0, 1.0), "BGR")
FEATURES = Preprocessing((0.48235 * 255, 0.45882 * 255, 0.40784 * 255), (1.0, 1.0, 1.0))
"""Of torchvision's VGG16 features for detectors, a port of Oxford's."""

MEANS = Preprocessing(CAFFE.mean, CAFFE.scale)
"""Of vgg16_weights.npz, a port of Oxford's to TensorFlow that takes RGB."""

PIXELS = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
UNIT = Preprocessing((0.0, 0.0, 0.0), (255.0, 255.0, 255.0))

NAMED: Mapping[str, Preprocessing] = {
    "torchvision": TORCHVISION,
    "imagenet": TORCHVISION,
    "caffe": CAFFE,
    "0-1": UNIT,
    "-1-1": Preprocessing((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "0-255": PIXELS,
}
"""What people call the usual ones, with two names for torchvision's."""


def preprocessing_of(text: str) -> Preprocessing:
    """A name of NAMED, or six numbers "MEAN,MEAN,MEAN/SCALE,SCALE,SCALE" in 0-255, RGB. InputError for another."""
    name = text.strip().lower()
    if name in NAMED:
        return NAMED[name]
    numbers = re.split(r"[,/ ]+", name)
    try:
        mean, scale = [float(v) for v in numbers[:3]], [float(v) for v in numbers[3:]]
    except ValueError:
        mean, scale = [], []
    if len(mean) != 3 or len(scale) != 3 or name.count("/") != 1:
        raise InputError(
            f"no preprocessing {text!r}; {did_you_mean(name, NAMED, most=6)}; or give six numbers of grey levels as "
            "MEAN,MEAN,MEAN/SCALE,SCALE,SCALE, such as 123.7,116.3,103.5/58.4,57.1,57.4"
        )
    if not all(abs(v) < 1e6 for v in mean + scale) or not min(abs(v) for v in scale) > 1e-6:
        raise InputError(f"the preprocessing {text!r} divides by 0, or by no usual number; expected grey levels")
    return Preprocessing(_triple(mean), _triple(scale))


FAMILIES = {"torchvision": TORCHVISION, "caffe": CAFFE, "features": FEATURES, "pocket": CENTRED, "means": MEANS}
"""By who trained the weights, which a file's own names and values tell."""

FAMILY_NAMES = {
    "torchvision": "torchvision's preprocessing, ImageNet's mean and standard deviation",
    "caffe": "Oxford's preprocessing, BGR minus its means, as vgg16.preprocess_input does it",
    "features": "the preprocessing of torchvision's features for detectors",
    "means": "Oxford's means subtracted from RGB, as vgg16_weights.npz has it",
}
"""Those that may have to be assumed, in words."""
