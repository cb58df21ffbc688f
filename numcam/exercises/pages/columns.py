"""Page 06, first half: im2col, and the same thing seen from the other side."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.nn.conv import col2im as add_columns
from numcam.nn.conv import im2col as lay_out_columns
from numcam.nn.conv import window_count
from numcam.nn.types import Array, Pair, Shape

ONE, NONE = (1, 1), (0, 0)


@exercise("06", "columns", optional=("stride",))
def im2col(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Every window of one picture as a column.

    image (c, rows, cols); kernel, stride and padding are (rows, cols), and the padding is zeros on both sides.
    Returns (c * kernel rows * kernel cols, windows). Windows run left to right, then down; within a column the order
    is that of a flattened (c, rows, cols) window. stride may be left out: then only stride 1 is checked.
    """
    return lay_out_columns(image, kernel, stride, padding)


@exercise("06", "image", optional=("stride",))
def col2im(columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Add every column back to where im2col read it: its transpose, not its inverse.

    columns (c * kernel rows * kernel cols, windows), shape (c, rows, cols) of the picture; kernel, stride and
    padding are (rows, cols). Returns an array of that shape, without the padding. stride may be left out.
    """
    return add_columns(columns, shape, kernel, stride, padding)


def layouts() -> Iterator[tuple[str, Shape, Pair, dict[str, Pair]]]:
    """What is special about it, the picture's shape, the kernel, stride and padding."""
    yield "one channel, 3x3 cells, windows of 2x2", (1, 3, 3), (2, 2), {}
    yield "2 channels, 3x4 cells, windows of 2x2", (2, 3, 4), (2, 2), {}
    yield "windows of 2x3", (2, 4, 6), (2, 3), {}
    yield "windows of 3x3, padding (1, 1)", (2, 4, 5), (3, 3), {"padding": (1, 1)}
    yield "windows of 3x2, padding (2, 1)", (3, 3, 5), (3, 2), {"padding": (2, 1)}
    yield "stride (2, 1), padding (0, 1)", (2, 5, 4), (3, 2), {"stride": (2, 1), "padding": (0, 1)}
    yield "stride (1, 2)", (2, 4, 7), (2, 3), {"stride": (1, 2)}


@im2col.inputs
def _() -> Iterator[Case]:
    yield Case("one channel, 3x3 cells", (integers([[1, 2, 3], [4, 5, 6], [7, 8, 9]]), (2, 2)))
    for seed, (about, shape, kernel, options) in enumerate(layouts()):
        yield Case(about, (numbers(20 + seed, *shape), kernel), options)


@col2im.inputs
def _() -> Iterator[Case]:
    for seed, (about, shape, kernel, options) in enumerate(layouts()):
        wanted = lay_out_columns(np.zeros(shape), kernel, **options).shape
        columns = np.arange(1.0, 17).reshape(wanted) if seed == 0 else numbers(30 + seed, *wanted)
        yield Case(about, (columns, shape, kernel), options)


def sizes(shape: Shape, kernel: Pair, stride: Pair, padding: Pair) -> Shape:
    """(c, kernel rows, kernel cols, out rows, out cols)."""
    out = [window_count(shape[a + 1], kernel[a], stride[a], padding[a]) for a in (0, 1)]
    return (shape[0], *kernel, *out)


@im2col.wrong()
def windows_as_rows(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Each window is a row; as the right factor of kernels @ columns it has to be a column."""
    return im2col.right(image, kernel, stride, padding).T


@im2col.wrong()
def channels_last(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Within a column the channels run fastest (HWC); a flattened (c, rows, cols) kernel has them slowest."""
    c, kr, kc, *_ = sizes(image.shape, kernel, stride, padding)
    return (
        im2col.right(image, kernel, stride, padding)
        .reshape(c, kr, kc, -1)
        .transpose(1, 2, 0, 3)
        .reshape(c * kr * kc, -1)
    )


@im2col.wrong()
def kernel_by_columns(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Within a column the window's cells run down first; they run along the rows, like a flattened kernel."""
    c, kr, kc, *_ = sizes(image.shape, kernel, stride, padding)
    return im2col.right(image, kernel, stride, padding).reshape(c, kr, kc, -1).swapaxes(1, 2).reshape(c * kr * kc, -1)


@im2col.wrong()
def windows_by_columns(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The windows run down first; they run left to right, then down, so that a reshape gives the output's rows."""
    *_, rows, cols = sizes(image.shape, kernel, stride, padding)
    columns = im2col.right(image, kernel, stride, padding)
    return columns.reshape(-1, rows, cols).swapaxes(1, 2).reshape(columns.shape)


@im2col.wrong()
def windows_flipped(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Each window is read backwards, as a mathematician's convolution would; here nothing is flipped."""
    c, kr, kc, *_ = sizes(image.shape, kernel, stride, padding)
    columns = im2col.right(image, kernel, stride, padding)
    return columns.reshape(c, kr, kc, -1)[:, ::-1, ::-1].reshape(columns.shape)


@im2col.wrong()
def padding_forgotten(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The padding is ignored: the picture gets a border of zeros first."""
    return im2col.right(image, kernel, stride)


@im2col.wrong()
def padded_with_edge(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The border repeats the picture's edge; it is zeros."""
    rows, cols = padding
    return im2col.right(np.pad(image, ((0, 0), (rows, rows), (cols, cols)), mode="edge"), kernel, stride)


@im2col.wrong()
def padded_on_one_side(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The zeros stand on one side only, at the top and left; the padding is for both sides."""
    return im2col.right(np.pad(image, ((0, 0), (padding[0], 0), (padding[1], 0))), kernel, stride)


@im2col.wrong()
def padding_swapped(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Rows and columns of the padding are exchanged; it is (rows, cols)."""
    return im2col.right(image, kernel, stride, padding[::-1])


@im2col.wrong()
def stride_ignored(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The stride is taken but not used: every window is there."""
    return im2col.right(image, kernel, ONE, padding)


@im2col.wrong()
def stride_swapped(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Rows and columns of the stride are exchanged; it is (rows, cols)."""
    return im2col.right(image, kernel, stride[::-1], padding)


@im2col.wrong()
def last_window_missing(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """One window too few in each direction: there are size - kernel + 1 places, not size - kernel."""
    c, kr, kc, rows, cols = sizes(image.shape, kernel, stride, padding)
    columns = im2col.right(image, kernel, stride, padding).reshape(-1, rows, cols)[:, :-1, :-1]
    return columns.reshape(c * kr * kc, -1)


@im2col.wrong()
def channels_summed(image: Array, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The channels are added up; each brings its own rows, and the kernel weighs them differently."""
    c, kr, kc, *_ = sizes(image.shape, kernel, stride, padding)
    return im2col.right(image, kernel, stride, padding).reshape(c, kr * kc, -1).sum(axis=0)


def scattered(
    columns: Array, shape: Shape, kernel: Pair, stride: Pair, padding: Pair, assign: bool = False, flip: bool = False
) -> Array:
    """col2im by loops over the windows, with the border still there; with the two famous ways to get it wrong."""
    c, kr, kc, rows, cols = sizes(shape, kernel, stride, padding)
    padded = np.zeros((c, shape[1] + 2 * padding[0], shape[2] + 2 * padding[1]), columns.dtype)
    for i in range(rows):
        for j in range(cols):
            window = columns[:, i * cols + j].reshape(c, kr, kc)
            place = (..., slice(i * stride[0], i * stride[0] + kr), slice(j * stride[1], j * stride[1] + kc))
            window = window[:, ::-1, ::-1] if flip else window
            padded[place] = window if assign else padded[place] + window
    return padded


def cropped(padded: Array, shape: Shape, padding: Pair) -> Array:
    return padded[:, padding[0] : padding[0] + shape[1], padding[1] : padding[1] + shape[2]]


@col2im.wrong()
def assigned(columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """`=` where `+=` belongs: a pixel that lies in several windows keeps only what the last of them brought."""
    return cropped(scattered(columns, shape, kernel, stride, padding, assign=True), shape, padding)


@col2im.wrong()
def averaged(columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Each pixel's terms are averaged: that undoes im2col, its inverse; the gradient needs its transpose, the sum."""
    counts = col2im.right(np.ones_like(columns), shape, kernel, stride, padding)
    return col2im.right(columns, shape, kernel, stride, padding) / np.maximum(counts, 1)


@col2im.wrong()
def padding_kept(columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The border of padding is still there; what flowed into it belongs to no pixel, cut it off."""
    return scattered(columns, shape, kernel, stride, padding)


@col2im.wrong()
def cropped_at_one_end(columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The border is cut off at the right and bottom only, so everything is shifted; it lies on both sides."""
    return scattered(columns, shape, kernel, stride, padding)[:, : shape[1], : shape[2]]


@col2im.wrong()
def windows_by_columns_added(
    columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE
) -> Array:
    """The windows are taken to run down first; im2col let them run left to right, then down."""
    *_, rows, cols = sizes(shape, kernel, stride, padding)
    turned = columns.reshape(-1, cols, rows).swapaxes(1, 2).reshape(columns.shape)
    return col2im.right(turned, shape, kernel, stride, padding)


@col2im.wrong()
def channels_taken_last(columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Within a column the channels are taken to run fastest (HWC); im2col wrote them slowest, (c, rows, cols)."""
    c, kr, kc, *_ = sizes(shape, kernel, stride, padding)
    turned = columns.reshape(kr, kc, c, -1).transpose(2, 0, 1, 3).reshape(columns.shape)
    return col2im.right(turned, shape, kernel, stride, padding)


@col2im.wrong()
def cells_by_columns(columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Within a column the window's cells are taken to run down first; they run along the rows."""
    c, kr, kc, *_ = sizes(shape, kernel, stride, padding)
    turned = columns.reshape(c, kc, kr, -1).swapaxes(1, 2).reshape(columns.shape)
    return col2im.right(turned, shape, kernel, stride, padding)


@col2im.wrong()
def flipped(columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """Each window is put back turned by 180 degrees; the flip of the kernel happens by itself, do not add one."""
    return cropped(scattered(columns, shape, kernel, stride, padding, flip=True), shape, padding)


@col2im.wrong()
def counted(columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The sum is multiplied by the number of windows a pixel lies in; adding every column once has done that."""
    counts = col2im.right(np.ones_like(columns), shape, kernel, stride, padding)
    return col2im.right(columns, shape, kernel, stride, padding) * counts


@col2im.wrong()
def columns_overwritten(columns: Array, shape: Shape, kernel: Pair, stride: Pair = ONE, padding: Pair = NONE) -> Array:
    """The numbers are right, but columns is overwritten on the way; start from new zeros."""
    right: Array = col2im.right(columns, shape, kernel, stride, padding)
    columns[...] = 0
    return right
