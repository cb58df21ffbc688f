"""Page 06: the three gradients of a convolution."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.exercises.pages.columns import NONE, ONE
from numcam.exercises.pages.convolution import layers
from numcam.nn.conv import conv2d_backward as convolution_gradients
from numcam.nn.conv import conv2d_shape
from numcam.nn.types import Array, Pair

Three = tuple[Array, Array, Array]


@exercise("06", "dx", "dw", "db", optional=("stride",))
def conv2d_backward(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """The three gradients of out = conv2d(x, w, b, stride, padding), given dout, shaped like out.

    x (n, c, rows, cols), w (k, c, kernel rows, kernel cols), b (k,); stride and padding are (rows, cols).
    Returns (dx, dw, db), shaped like x, w and b; dw and db are summed over the n pictures. stride may be left out.
    """
    return convolution_gradients(dout, x, w, b, stride, padding)


@conv2d_backward.inputs
def _() -> Iterator[Case]:
    for seed, (about, x, w, b, options) in enumerate(layers()):
        shape = conv2d_shape(x.shape, w.shape, **options)
        dout = integers([[1, 0], [2, -1]])[None] if seed == 0 else numbers(60 + seed, *shape)
        yield Case(about, (dout, x, w, b), options)


def padded(x: Array, padding: Pair) -> Array:
    return np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))


def input_gradient(dout: Array, x: Array, w: Array, stride: Pair, padding: Pair, assign: bool = False) -> Array:
    """dx by loops over the output's places, the border of padding still there."""
    dx = np.zeros(padded(x, padding).shape)
    kr, kc = w.shape[2:]
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            place = (..., slice(i * stride[0], i * stride[0] + kr), slice(j * stride[1], j * stride[1] + kc))
            term = np.tensordot(dout[:, :, i, j], w, axes=1)  # (n, c, kr, kc)
            dx[place] = term if assign else dx[place] + term
    return dx


def without_border(dx: Array, x: Array, padding: Pair) -> Array:
    return dx[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]]


@conv2d_backward.wrong()
def dx_not_flipped(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dx comes from the kernel the wrong way round: in a convolution of dout turn it by 180 degrees; with col2im leave
    it as it is, col2im turns it by itself.
    """
    _, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    dx, _, _ = convolution_gradients(dout, x, w[:, :, ::-1, ::-1], b, stride, padding)
    return dx, dw, db


@conv2d_backward.wrong()
def dx_flipped_once(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dx uses a kernel mirrored along one direction only; a turn by 180 degrees mirrors rows *and* columns."""
    _, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    dx, _, _ = convolution_gradients(dout, x, w[:, :, ::-1], b, stride, padding)
    return dx, dw, db


@conv2d_backward.wrong()
def dx_transposed_kernel(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dx uses a kernel whose rows and columns are exchanged; flipping is [::-1, ::-1], not a transpose."""
    _, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    dx, _, _ = convolution_gradients(dout, x, w.swapaxes(2, 3), b, stride, padding)
    return dx, dw, db


@conv2d_backward.wrong()
def dx_assigned(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """`=` where `+=` belongs in dx: a pixel that lies in several windows keeps only the last one's gradient."""
    _, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return without_border(input_gradient(dout, x, w, stride, padding, assign=True), x, padding), dw, db


@conv2d_backward.wrong()
def dx_border_kept(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dx still has the border of padding; cut it off, so that dx has the shape of x."""
    _, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return input_gradient(dout, x, w, stride, padding), dw, db


@conv2d_backward.wrong()
def dx_cropped_at_one_end(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dx is cut at the right and bottom only, so it is shifted by the padding; the border lies on both sides."""
    _, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return input_gradient(dout, x, w, stride, padding)[:, :, : x.shape[2], : x.shape[3]], dw, db


@conv2d_backward.wrong()
def dx_channels_swapped(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dx exchanges the two channel axes of w: an output channel's gradient goes back along w[k], to all c inputs."""
    _, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    dx, _, _ = convolution_gradients(dout, x, w.swapaxes(0, 1), b, stride, padding)
    return dx, dw, db


@conv2d_backward.wrong()
def dx_first_kernel_only(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dx comes through the first output channel alone; every output channel read the pixel, and their gradients add
    up.
    """
    _, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    dx, _, _ = convolution_gradients(dout[:, :1], x, w[:1], b[:1], stride, padding)
    return dx, dw, db


@conv2d_backward.wrong()
def dw_batch_mean(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dw is the mean over the pictures of the batch; every one of them used w, so it is their sum."""
    dx, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw / len(x), db


@conv2d_backward.wrong(page="07")
def parameters_batch_mean(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dw and db are divided by n: a mean over the batch where the gradient is a sum (a mean loss puts 1/n into
    dout).
    """
    dx, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw / len(x), db / len(x)


@conv2d_backward.wrong()
def dw_places_mean(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dw is averaged over the windows; the same weights were used at every place, so it is the sum over places."""
    dx, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw / (dout.shape[2] * dout.shape[3]), db


@conv2d_backward.wrong()
def dw_last_picture(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """`=` where `+=` belongs in dw: only the last picture of the batch is left in it."""
    dx, _, db = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, convolution_gradients(dout[-1:], x[-1:], w, b, stride, padding)[1], db


@conv2d_backward.wrong()
def dw_last_place(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """`=` where `+=` belongs in the loop over places: dw holds only what the last window brought."""
    dx, _, db = convolution_gradients(dout, x, w, b, stride, padding)
    last = np.zeros_like(dout)
    last[:, :, -1, -1] = dout[:, :, -1, -1]
    return dx, convolution_gradients(last, x, w, b, stride, padding)[1], db


@conv2d_backward.wrong()
def dw_first_picture(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dw comes from the first picture of the batch alone."""
    dx, _, db = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, convolution_gradients(dout[:1], x[:1], w, b, stride, padding)[1], db


@conv2d_backward.wrong()
def dw_flipped(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dw is turned by 180 degrees; the flip belongs to dx alone."""
    dx, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw[:, :, ::-1, ::-1], db


@conv2d_backward.wrong()
def dw_channels_swapped(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dw is (c, k, rows, cols), its channel axes exchanged; a gradient has the shape of its array, (k, c, rows,
    cols).
    """
    dx, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw.swapaxes(0, 1), db


@conv2d_backward.wrong()
def dw_transposed(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dw has rows and columns of each kernel exchanged."""
    dx, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw.swapaxes(2, 3), db


@conv2d_backward.wrong()
def dw_reshaped(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dw was computed as (c * rows * cols, k) and reshaped; it needs a transpose before the reshape."""
    dx, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw.reshape(len(w), -1).T.reshape(w.shape), db


@conv2d_backward.wrong()
def dw_edge_padded(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """dw was computed with a border that repeats the picture's edge; the forward pass saw zeros there."""
    dx, _, db = convolution_gradients(dout, x, w, b, stride, padding)
    bordered = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2), mode="edge")
    return dx, convolution_gradients(dout, bordered, w, b, stride)[1], db


@conv2d_backward.wrong()
def db_batch_mean(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """db is the mean over the pictures of the batch; every one of them used b, so it is their sum."""
    dx, dw, db = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw, db / len(x)


@conv2d_backward.wrong()
def db_mean(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """db is the mean over pictures and places; b was added at every one of them, so it is the sum."""
    dx, dw, _ = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw, dout.mean(axis=(0, 2, 3))


@conv2d_backward.wrong()
def db_not_over_batch(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """db is summed over the places only and has a row for every picture; sum over axis 0 too."""
    dx, dw, _ = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw, dout.sum(axis=(2, 3))


@conv2d_backward.wrong()
def db_first_picture(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """db comes from the first picture of the batch alone."""
    dx, dw, _ = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw, dout[0].sum(axis=(1, 2))


@conv2d_backward.wrong()
def db_not_over_places(dout: Array, x: Array, w: Array, b: Array, stride: Pair = ONE, padding: Pair = NONE) -> Three:
    """db is summed over the pictures only and still has rows and columns; b was added at every place, so sum them
    too.
    """
    dx, dw, _ = convolution_gradients(dout, x, w, b, stride, padding)
    return dx, dw, dout.sum(axis=0)
