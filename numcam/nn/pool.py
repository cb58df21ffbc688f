"""Max and average pooling, of windows and of whole maps.

Padding never takes part: a window that hangs over the edge has fewer values. Windows that do not fit at the right or
bottom are left out.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from numcam.nn.conv import window_count
from numcam.nn.pad import NONE, pad2d, pad2d_backward
from numcam.nn.types import Array, Edges, Pair, Parameterless, Shape, as_edges, as_pair


def max_pool2d(x: Array, size: Pair, stride: Pair, padding: Edges = NONE) -> Array:
    """The largest value of every window: (n, c, rows, cols) -> (n, c, out rows, out cols)."""
    x = pad2d(x, padding, -np.inf)
    taps = (x[tap] for tap in _taps(x.shape, size, stride))
    out = next(taps).copy()
    for values in taps:
        np.maximum(out, values, out=out)
    return out


def max_pool2d_backward(dout: Array, x: Array, out: Array, size: Pair, stride: Pair, padding: Edges = NONE) -> Array:
    """dx: each window's gradient goes to its maximum, to the first one where several are equal (as in PyTorch)."""
    x = pad2d(x, padding, -np.inf)
    dx = np.zeros(x.shape, dout.dtype)
    waiting = np.ones(out.shape, bool)  # windows whose maximum has not been met yet
    for tap in _taps(x.shape, size, stride):
        here = (x[tap] == out) & waiting
        waiting ^= here
        dx[tap] += dout * here
    return pad2d_backward(dx, padding)


def avg_pool2d(x: Array, size: Pair, stride: Pair, padding: Edges = NONE) -> Array:
    """The mean of every window: (n, c, rows, cols) -> (n, c, out rows, out cols)."""
    share = _share(x, size, stride, padding)
    x = pad2d(x, padding)
    taps = (x[tap] for tap in _taps(x.shape, size, stride))
    out = next(taps).copy()
    for values in taps:
        out += values
    return out / share


def avg_pool2d_backward(dout: Array, x: Array, size: Pair, stride: Pair, padding: Edges = NONE) -> Array:
    """dx: each window's gradient, shared equally among its cells."""
    share = dout / _share(x, size, stride, padding)
    dx = pad2d(np.zeros(x.shape, dout.dtype), padding)
    for tap in _taps(dx.shape, size, stride):
        dx[tap] += share
    return pad2d_backward(dx, padding)


def _share(x: Array, size: Pair, stride: Pair, padding: Edges) -> Any:
    """How many cells each window has: one number, or with padding (out rows, out cols)."""
    if padding == NONE:
        return size[0] * size[1]
    there = pad2d(np.ones((1, 1, *x.shape[2:]), x.dtype), padding)
    return sum(there[tap] for tap in _taps(there.shape, size, stride))[0, 0]


def _taps(shape: Shape, size: Pair, stride: Pair) -> Iterator[tuple[Any, ...]]:
    """For each position in the window, row by row: the index of that cell in all windows at once."""
    out_rows = window_count(shape[2], size[0], stride[0])
    out_cols = window_count(shape[3], size[1], stride[1])
    for i in range(size[0]):
        for j in range(size[1]):
            yield (..., slice(i, i + stride[0] * out_rows, stride[0]), slice(j, j + stride[1] * out_cols, stride[1]))


class _Pool2d(Parameterless):
    def __init__(self, size: int | Pair, stride: int | Pair | None = None, padding: int | Pair | Edges = 0) -> None:
        self.size = as_pair(size, "size", 1)
        self.stride = self.size if stride is None else as_pair(stride, "stride", 1)
        self.padding = as_edges(padding)
        if max(self.padding[:2]) >= self.size[0] or max(self.padding[2:]) >= self.size[1]:
            raise ValueError(
                f"windows of {self.size[0]}x{self.size[1]} would lie in the padding alone; got padding {padding!r}"
            )

    def output_shape(self, shape: Shape) -> Shape:
        top, bottom, left, right = self.padding
        rows, cols = (shape[2] + top + bottom, shape[3] + left + right) if len(shape) == 4 else (0, 0)
        if rows < self.size[0] or cols < self.size[1] or not (shape[2] and shape[3]):
            raise ValueError(f"pooling windows of {self.size[0]}x{self.size[1]} do not fit an input of shape {shape}")
        return (
            *shape[:2],
            window_count(rows, self.size[0], self.stride[0]),
            window_count(cols, self.size[1], self.stride[1]),
        )

    def __repr__(self) -> str:
        edges = "" if self.padding == NONE else f", padding={self.padding}"
        return f"{type(self).__name__}({self.size}, stride={self.stride}{edges})"


class MaxPool2d(_Pool2d):
    """Max pooling; size and stride an int or (rows, cols), stride None = size; padding as in `as_edges`."""

    def forward(self, x: Array) -> Array:
        return max_pool2d(x, self.size, self.stride, self.padding)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return max_pool2d_backward(dout, x, out, self.size, self.stride, self.padding)


class AvgPool2d(_Pool2d):
    """Average pooling; size and stride an int or (rows, cols), stride None = size; padding as in `as_edges`."""

    def forward(self, x: Array) -> Array:
        return avg_pool2d(x, self.size, self.stride, self.padding)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return avg_pool2d_backward(dout, x, self.size, self.stride, self.padding)


class _Global(Parameterless):
    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 4:
            raise ValueError(f"pooling over all positions takes (n, c, rows, cols); got {shape}")
        return shape[:2]


class GlobalAvgPool2d(_Global):
    """The mean over all positions: (n, c, rows, cols) -> (n, c)."""

    def forward(self, x: Array) -> Array:
        return x.mean(axis=(2, 3))

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        share = dout / (x.shape[2] * x.shape[3])  # (n, c)
        return np.broadcast_to(share[:, :, None, None], x.shape).copy()


class GlobalMaxPool2d(_Global):
    """The largest value of all positions: (n, c, rows, cols) -> (n, c). The first of equal ones takes the gradient."""

    def forward(self, x: Array) -> Array:
        return x.max(axis=(2, 3))

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        dx = np.zeros((*x.shape[:2], x.shape[2] * x.shape[3]), dout.dtype)
        first = x.reshape(dx.shape).argmax(axis=2)
        np.put_along_axis(dx, first[..., None], dout[..., None], axis=2)
        return dx.reshape(x.shape)
