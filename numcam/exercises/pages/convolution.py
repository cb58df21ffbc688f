"""Page 06: convolution, and the ways to slide a window wrongly."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.exercises.pages.columns import NONE, ONE
from numcam.nn.conv import conv2d as convolve
from numcam.nn.types import Array, Pair


@exercise("06", "out", optional=("stride",))
def conv2d(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Slide every kernel over every picture.

    x (n, c, rows, cols), w (k, c, kernel rows, kernel cols), b (k,); stride and padding are (rows, cols).
    Returns (n, k, out rows, out cols). No kernel is flipped, as in every deep-learning library. stride may be left
    out: then only stride 1 is checked.
    """
    return convolve(x, w, b, stride, padding)


def layers() -> Iterator[tuple[str, Array, Array, Array, dict[str, Pair]]]:
    """What is special about it, x, w, b, stride and padding."""
    grid, kernel = integers([[1, 2, 0], [3, 1, 1], [0, 2, 4]]), integers([[1, 2], [3, 5]])
    yield "one picture, one channel, a 2x2 kernel", grid[None], kernel[None], np.array([0.0]), {}
    yield "the same with a bias", grid[None], kernel[None], np.array([10.0]), {}
    yield (
        "2 pictures, 3 channels, 4 kernels of 3x3, padding (1, 1)",
        *(numbers(40, 2, 3, 5, 6), numbers(41, 4, 3, 3, 3), numbers(42, 4)),
        {"padding": (1, 1)},
    )
    yield (
        "3 pictures, 2 channels, 2 kernels of 3x3",
        *(numbers(43, 3, 2, 4, 6), numbers(44, 2, 2, 3, 3), numbers(45, 2)),
        {},
    )
    yield (
        "kernels of 2x3, padding (0, 1)",
        *(numbers(46, 2, 2, 4, 5), numbers(47, 3, 2, 2, 3), numbers(48, 3)),
        {"padding": (0, 1)},
    )
    yield (
        "stride (2, 1), padding (1, 1)",
        *(numbers(49, 2, 2, 6, 5), numbers(50, 3, 2, 3, 3), numbers(51, 3)),
        {"stride": (2, 1), "padding": (1, 1)},
    )


@conv2d.inputs
def _() -> Iterator[Case]:
    for about, x, w, b, options in layers():
        yield Case(about, (x, w, b), options)


@conv2d.wrong()
def kernel_flipped(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The kernel is turned by 180 degrees, the mathematician's convolution; every deep-learning library leaves it as
    it is.
    """
    return convolve(x, w[:, :, ::-1, ::-1], b, stride, padding)


@conv2d.wrong()
def kernel_transposed(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Rows and columns of the kernel are exchanged."""
    return convolve(x, w.swapaxes(2, 3), b, stride, padding)


@conv2d.wrong()
def channel_axes_swapped(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The two channel axes of w are exchanged; w is (k, c, rows, cols), outputs first."""
    return convolve(x, w.swapaxes(0, 1), b, stride, padding)


@conv2d.wrong()
def bias_forgotten(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The bias is missing: add b[k] to every place of output channel k."""
    return convolve(x, w, 0 * b, stride, padding)


@conv2d.wrong()
def bias_in_channel_loop(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The bias is added once for every input channel; it stands outside that sum and is added once."""
    return convolve(x, w, w.shape[1] * b, stride, padding)


@conv2d.wrong()
def padding_forgotten(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The padding is ignored, and the output is too small: the picture gets a border of zeros first."""
    return convolve(x, w, b, stride)


@conv2d.wrong()
def padded_with_edge(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The border repeats the picture's edge; it is zeros."""
    rows, cols = padding
    return convolve(np.pad(x, ((0, 0), (0, 0), (rows, rows), (cols, cols)), mode="edge"), w, b, stride)


@conv2d.wrong()
def padded_on_one_side(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The zeros stand at the bottom and right only, twice as many; half of them belong at the top and left."""
    return convolve(np.pad(x, ((0, 0), (0, 0), (0, 2 * padding[0]), (0, 2 * padding[1]))), w, b, stride)


@conv2d.wrong()
def first_channel_only(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Only the first input channel is used; an output sums over all of them."""
    return convolve(x[:, :1], w[:, :1], b, stride, padding)


@conv2d.wrong()
def channels_averaged(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The products are averaged over the input channels; they are summed."""
    return convolve(x, w / w.shape[1], b, stride, padding)


@conv2d.wrong()
def windows_averaged(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The products are averaged over the window (np.mean); a convolution is their sum."""
    return convolve(x, w / w[0].size, b, stride, padding)


@conv2d.wrong()
def stride_ignored(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The stride is taken but not used."""
    return convolve(x, w, b, ONE, padding)


@conv2d.wrong()
def stride_swapped(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Rows and columns of the stride are exchanged; it is (rows, cols)."""
    return convolve(x, w, b, stride[::-1], padding)


@conv2d.wrong()
def first_picture_for_all(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Every picture of the batch shows the result of the first one."""
    return convolve(np.repeat(x[:1], len(x), axis=0), w, b, stride, padding)


@conv2d.wrong()
def output_reshaped(x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The matrix product is (windows, k) for each picture and was reshaped to (k, rows, cols) without a transpose."""
    out = convolve(x, w, b, stride, padding)  # (n, k, rows, cols)
    return out.transpose(0, 2, 3, 1).reshape(out.shape)
