"""Max, average and global average pooling. No padding; windows that do not fit at the right or bottom are left out."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from numcam.nn.conv import window_count
from numcam.nn.types import Array, Pair, Parameterless, Shape, as_pair


def max_pool2d(x: Array, size: Pair, stride: Pair) -> Array:
    """The largest value of every window: (n, c, rows, cols) -> (n, c, out rows, out cols)."""
    taps = (x[tap] for tap in _taps(x.shape, size, stride))
    out = next(taps).copy()
    for values in taps:
        np.maximum(out, values, out=out)
    return out


def max_pool2d_backward(dout: Array, x: Array, out: Array, size: Pair, stride: Pair) -> Array:
    """dx: each window's gradient goes to its maximum, to the first one where several are equal (as in PyTorch)."""
    dx = np.zeros(x.shape, dout.dtype)
    waiting = np.ones(out.shape, bool)  # windows whose maximum has not been met yet
    for tap in _taps(x.shape, size, stride):
        here = (x[tap] == out) & waiting
        waiting ^= here
        dx[tap] += dout * here
    return dx


def avg_pool2d(x: Array, size: Pair, stride: Pair) -> Array:
    """The mean of every window: (n, c, rows, cols) -> (n, c, out rows, out cols)."""
    taps = (x[tap] for tap in _taps(x.shape, size, stride))
    out = next(taps).copy()
    for values in taps:
        out += values
    return out / (size[0] * size[1])


def avg_pool2d_backward(dout: Array, x: Array, size: Pair, stride: Pair) -> Array:
    """dx: each window's gradient, shared equally among its cells."""
    dx = np.zeros(x.shape, dout.dtype)
    share = dout / (size[0] * size[1])
    for tap in _taps(x.shape, size, stride):
        dx[tap] += share
    return dx


def _taps(shape: Shape, size: Pair, stride: Pair) -> Iterator[tuple[Any, ...]]:
    """For each position in the window, row by row: the index of that cell in all windows at once."""
    out_rows = window_count(shape[2], size[0], stride[0])
    out_cols = window_count(shape[3], size[1], stride[1])
    for i in range(size[0]):
        for j in range(size[1]):
            yield (..., slice(i, i + stride[0] * out_rows, stride[0]), slice(j, j + stride[1] * out_cols, stride[1]))


class _Pool2d(Parameterless):
    def __init__(self, size: int | Pair, stride: int | Pair | None = None) -> None:
        self.size = as_pair(size, "size", 1)
        self.stride = self.size if stride is None else as_pair(stride, "stride", 1)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 4 or shape[2] < self.size[0] or shape[3] < self.size[1]:
            raise ValueError(f"pooling windows of {self.size[0]}x{self.size[1]} do not fit an input of shape {shape}")
        out_rows = window_count(shape[2], self.size[0], self.stride[0])
        return (*shape[:2], out_rows, window_count(shape[3], self.size[1], self.stride[1]))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size}, stride={self.stride})"


class MaxPool2d(_Pool2d):
    """Max pooling; size and stride an int or (rows, cols), stride None = size."""

    def forward(self, x: Array) -> Array:
        return max_pool2d(x, self.size, self.stride)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return max_pool2d_backward(dout, x, out, self.size, self.stride)


class AvgPool2d(_Pool2d):
    """Average pooling; size and stride an int or (rows, cols), stride None = size."""

    def forward(self, x: Array) -> Array:
        return avg_pool2d(x, self.size, self.stride)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return avg_pool2d_backward(dout, x, self.size, self.stride)


class GlobalAvgPool2d(Parameterless):
    """The mean over all positions: (n, c, rows, cols) -> (n, c)."""

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 4:
            raise ValueError(f"global average pooling takes (n, c, rows, cols); got {shape}")
        return shape[:2]

    def forward(self, x: Array) -> Array:
        return x.mean(axis=(2, 3))

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        share = dout / (x.shape[2] * x.shape[3])  # (n, c)
        return np.broadcast_to(share[:, :, None, None], x.shape).copy()
