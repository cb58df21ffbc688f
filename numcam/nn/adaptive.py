"""Average pooling to a given number of windows, whatever the size: how torchvision's VGG takes pictures of any size."""

import numpy as np

from numcam.nn.types import Array, Pair, Parameterless, Shape, as_pair


def windows(size: int, count: int) -> Array:
    """The matrix (count, size) that averages `size` values into `count` windows, as even as they can be: window i
    reaches from floor(i size / count) to ceil((i + 1) size / count), so that neighbours may share a value."""
    place = np.arange(count)[:, None]
    first, last = place * size // count, -(-(place + 1) * size // count)
    inside = (np.arange(size) >= first) & (np.arange(size) < last)
    return inside / inside.sum(axis=1, keepdims=True)


def adaptive_avg_pool2d(x: Array, size: Pair) -> Array:
    """(n, c, rows, cols) -> (n, c, *size): a product with the windows' matrix from either side."""
    rows, cols = (windows(a, b).astype(x.dtype) for a, b in zip(x.shape[2:], size, strict=True))
    return rows @ x @ cols.T


def adaptive_avg_pool2d_backward(dout: Array, x: Array, size: Pair) -> Array:
    """dx: the same matrices, transposed."""
    rows, cols = (windows(a, b).astype(dout.dtype) for a, b in zip(x.shape[2:], size, strict=True))
    return rows.T @ dout @ cols


class AdaptiveAvgPool2d(Parameterless):
    """Average pooling to maps of `size`, an int or (rows, cols); maps of that very size pass, and smaller ones
    are repeated, as in PyTorch."""

    def __init__(self, size: int | Pair) -> None:
        self.size = as_pair(size, "size", 1)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 4 or not (shape[2] and shape[3]):
            raise ValueError(f"adaptive pooling takes (n, c, rows, cols); got {shape}")
        return (*shape[:2], *self.size)

    def forward(self, x: Array) -> Array:
        return adaptive_avg_pool2d(x, self.size)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return adaptive_avg_pool2d_backward(dout, x, self.size)

    def __repr__(self) -> str:
        return f"AdaptiveAvgPool2d({self.size})"
