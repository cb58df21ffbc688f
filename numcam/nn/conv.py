"""Convolution as one matrix product: im2col lays every window out as a column.

Every function takes one batch, (n, c, rows, cols), and works through it picture by picture, because the columns
of a single VGG16 picture already fill 116 MB at conv1_2.
"""

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from numcam.nn.repeats import first_alike, of_values, of_windows
from numcam.nn.types import Array, Pair, Shape, as_pair


def window_count(size: int, kernel: int, stride: int, padding: int = 0) -> int:
    """How many windows of `kernel` cells, `stride` apart, fit along `size` cells padded on both sides."""
    return (size + 2 * padding - kernel) // stride + 1


def im2col(image: Array, kernel: Pair, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> Array:
    """Every window of one picture (c, rows, cols) as a column: (c * kernel rows * kernel cols, windows).

    Windows run left to right, then down; within a column the order is that of a flattened (c, rows, cols) kernel.
    """
    windows = sliding_window_view(_pad(image, padding), kernel, axis=(1, 2))  # (c, all rows, all cols, kr, kc)
    windows = windows[:, :: stride[0], :: stride[1]]  # (c, out rows, out cols, kr, kc)
    return windows.transpose(0, 3, 4, 1, 2).reshape(image.shape[0] * kernel[0] * kernel[1], -1)


def col2im(columns: Array, shape: Shape, kernel: Pair, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> Array:
    """Add every column back to where im2col read it: (c * kr * kc, windows) to a picture of `shape` (c, rows, cols).

    The transpose of im2col, not its inverse: a pixel that lies in nine windows receives nine terms.
    """
    c, rows, cols = shape
    out_rows = window_count(rows, kernel[0], stride[0], padding[0])
    out_cols = window_count(cols, kernel[1], stride[1], padding[1])
    taps = columns.reshape(c, kernel[0], kernel[1], out_rows, out_cols)
    padded = np.zeros((c, rows + 2 * padding[0], cols + 2 * padding[1]), columns.dtype)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            padded[:, i : i + stride[0] * out_rows : stride[0], j : j + stride[1] * out_cols : stride[1]] += taps[
                :, i, j
            ]
    return padded[:, padding[0] : padding[0] + rows, padding[1] : padding[1] + cols]


def conv2d(x: Array, w: Array, b: Array, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> Array:
    """Slide every kernel over every picture: x (n, c, rows, cols), w (k, c, kr, kc), b (k,).

    Returns (n, k, out rows, out cols). A cross-correlation, as in every deep-learning library: no kernel is flipped.
    Equal windows of a picture get equal values, to the last digit.
    """
    k = w.shape[0]
    shape = conv2d_shape(x.shape, w.shape, stride, padding)
    out = np.empty((x.shape[0], k, shape[2] * shape[3]), np.result_type(x, w))  # (n, k, windows)
    kernels = w.reshape(k, -1)  # (k, c*kr*kc)
    for i, image in enumerate(x):
        np.matmul(kernels, im2col(image, w.shape[2:], stride, padding), out=out[i])
        labels = of_windows(of_values(image[None]), w.shape[2:], stride, padding)
        if (first := first_alike(labels)) is not None:  # BLAS may sum the last columns in another order than the rest,
            out[i] = np.take(out[i], first, axis=1)  # and which of equal values is the largest must not hang on that
    out += b[:, None]
    return out.reshape(shape)


def conv2d_backward(
    dout: Array, x: Array, w: Array, b: Array, stride: Pair = (1, 1), padding: Pair = (0, 0)
) -> tuple[Array, Array, Array]:
    """The three gradients (dx, dw, db), shaped like x, w and b, from dout, shaped like the output."""
    dw, db = conv2d_parameter_gradients(dout, x, w.shape, stride, padding)
    return conv2d_input_gradient(dout, x.shape, w, stride, padding), dw, db


def conv2d_input_gradient(
    dout: Array, x_shape: Shape, w: Array, stride: Pair = (1, 1), padding: Pair = (0, 0)
) -> Array:
    """dx: each output gradient, weighted by its kernel, goes back to the window it came from."""
    dx = np.empty(x_shape, np.result_type(dout, w))
    kernels = w.reshape(w.shape[0], -1)  # (k, c*kr*kc)
    for i, d in enumerate(dout):
        columns = kernels.T @ d.reshape(d.shape[0], -1)  # (c*kr*kc, windows)
        dx[i] = col2im(columns, x_shape[1:], w.shape[2:], stride, padding)
    return dx


def conv2d_parameter_gradients(
    dout: Array, x: Array, w_shape: Shape, stride: Pair = (1, 1), padding: Pair = (0, 0)
) -> tuple[Array, Array]:
    """dw and db, summed over the windows of the whole batch."""
    k, _, *kernel = w_shape
    dw = np.zeros((k, int(np.prod(w_shape[1:]))), np.result_type(dout, x))
    for d, image in zip(dout, x, strict=True):
        dw += (
            d.reshape(k, -1) @ im2col(image, (kernel[0], kernel[1]), stride, padding).T
        )  # (k, windows) @ (windows, c*kr*kc)
    return dw.reshape(w_shape), dout.sum(axis=(0, 2, 3))


def conv2d_shape(x_shape: Shape, w_shape: Shape, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> Shape:
    """Output shape (n, k, out rows, out cols); ValueError where input and kernel do not fit."""
    if len(x_shape) != 4 or x_shape[1] != w_shape[1]:
        raise ValueError(f"a convolution of {w_shape[1]} channels takes (n, {w_shape[1]}, rows, cols); got {x_shape}")
    n, _, rows, cols = x_shape
    out_rows = window_count(rows, w_shape[2], stride[0], padding[0])
    out_cols = window_count(cols, w_shape[3], stride[1], padding[1])
    if out_rows < 1 or out_cols < 1:
        raise ValueError(f"a {w_shape[2]}x{w_shape[3]} kernel does not fit {rows}x{cols} with padding {padding}")
    return n, w_shape[0], out_rows, out_cols


def _pad(image: Array, padding: Pair) -> Array:
    """A border of zeros: np.pad does the same, several times slower."""
    if padding == (0, 0):
        return image
    c, rows, cols = image.shape
    padded = np.zeros((c, rows + 2 * padding[0], cols + 2 * padding[1]), image.dtype)
    padded[:, padding[0] : padding[0] + rows, padding[1] : padding[1] + cols] = image
    return padded


class Conv2d:
    """A convolution layer. weight (k, c, kr, kc), bias (k,); stride and padding an int or (rows, cols)."""

    def __init__(self, weight: Array, bias: Array, stride: int | Pair = 1, padding: int | Pair = 0) -> None:
        self.weight, self.bias = np.asarray(weight), np.asarray(bias)
        if self.weight.ndim != 4 or self.bias.shape != self.weight.shape[:1]:
            raise ValueError(
                "Conv2d takes a weight (k, c, rows, cols) and a bias (k,); "
                f"got {self.weight.shape} and {self.bias.shape}"
            )
        self.stride, self.padding = as_pair(stride, "stride", 1), as_pair(padding, "padding", 0)

    @property
    def parameters(self) -> Mapping[str, Array]:
        return {"weight": self.weight, "bias": self.bias}

    def with_parameters(self, parameters: Mapping[str, Array]) -> "Conv2d":
        return Conv2d(parameters["weight"], parameters["bias"], self.stride, self.padding)

    def output_shape(self, shape: Shape) -> Shape:
        return conv2d_shape(shape, self.weight.shape, self.stride, self.padding)

    def forward(self, x: Array) -> Array:
        return conv2d(x, self.weight, self.bias, self.stride, self.padding)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return conv2d_input_gradient(dout, x.shape, self.weight, self.stride, self.padding)

    def parameter_gradients(self, dout: Array, x: Array) -> dict[str, Array]:
        dw, db = conv2d_parameter_gradients(dout, x, self.weight.shape, self.stride, self.padding)
        return {"weight": dw, "bias": db}

    def __repr__(self) -> str:
        k, c, rows, cols = self.weight.shape
        return f"Conv2d({c} -> {k}, {rows}x{cols}, stride={self.stride}, padding={self.padding})"
