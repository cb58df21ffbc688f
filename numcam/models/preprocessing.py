"""From pixels to what a network was trained on, and back: a scale and a shift per channel, perhaps BGR."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from numcam.nn.types import Array


@dataclass(frozen=True)
class Preprocessing:
    """x = (pixels - mean) / scale, channel by channel, with mean and scale in RGB order and in pixel units (0-255).

    order "BGR" reverses the channels of x afterwards, as the Caffe weights need it.
    """

    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
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

    def _ordered(self, x: Array) -> Array:
        return x[:, ::-1] if self.order == "BGR" else x

    def _column(self, values: tuple[float, float, float], dtype: np.dtype[Any]) -> Array:
        return np.array(values, dtype)[:, None, None]


CENTRED = Preprocessing((127.5, 127.5, 127.5), (64.0, 64.0, 64.0))
"""What pocket was trained on."""

TORCHVISION = Preprocessing((0.485 * 255, 0.456 * 255, 0.406 * 255), (0.229 * 255, 0.224 * 255, 0.225 * 255))
CAFFE = Preprocessing((123.68, 116.779, 103.939), (1.0, 1.0, 1.0), "BGR")
FEATURES = Preprocessing((0.48235 * 255, 0.45882 * 255, 0.40784 * 255), (1.0, 1.0, 1.0))
"""Of torchvision's VGG16 features for detectors, a port of Oxford's."""

FAMILIES = {"torchvision": TORCHVISION, "caffe": CAFFE, "features": FEATURES, "pocket": CENTRED}
"""By who trained the weights, which a file's own names and values tell."""
