"""Page 05: the winner takes the gradient."""

from collections.abc import Callable, Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.nn.conv import window_count
from numcam.nn.pool import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from numcam.nn.types import Array


@exercise("05", "out")
def maxpool(x: Array, size: int, stride: int) -> Array:
    """The largest value of every window of size x size cells, `stride` cells apart.

    x (n, c, rows, cols) -> (n, c, out rows, out cols); windows that do not fit at the right or bottom are left out.
    """
    return max_pool2d(x, (size, size), (stride, stride))


@exercise("05", "dx")
def maxpool_backward(dout: Array, x: Array, size: int, stride: int) -> Array:
    """Each window's gradient goes to its maximum, to the first in reading order where several are equal.

    x (n, c, rows, cols), dout (n, c, out rows, out cols); size and stride are whole numbers, and windows overlap
    where stride < size. Returns dx, shaped like x; a cell that wins several windows receives the sum.
    """
    return max_pool2d_backward(dout, x, maxpool.right(x, size, stride), (size, size), (stride, stride))


def pictures() -> Iterator[tuple[str, Array, int, int]]:
    """What is special about it, x, size, stride."""
    grid = integers([1, 2, 5, 3], [4, 3, 1, 0], [2, 9, 6, 7], [5, 1, 8, 4])
    tied = integers([0, 0, 3, 1], [0, 0, 3, 3], [2, 5, 4, 6], [5, 5, 6, 4])
    yield "a 4x4 grid in windows of 2", grid[None, None], 2, 2
    yield "a 4x4 grid with ties", tied[None, None], 2, 2
    yield "negative values", -1 - grid[None, None], 2, 2
    yield "overlapping windows of 3, stride 1", grid[None, None], 3, 1
    yield "overlapping windows with ties, 2 pictures of 3 channels", np.round(numbers(10, 2, 3, 5, 8)), 3, 2
    yield "5x7 cells, of which the last row and column do not fit", numbers(11, 2, 2, 5, 7), 2, 2


@maxpool.inputs
def _() -> Iterator[Case]:
    for about, x, size, stride in pictures():
        yield Case(about, (x, size, stride))


@maxpool_backward.inputs
def _() -> Iterator[Case]:
    for seed, (about, x, size, stride) in enumerate(pictures()):
        shape = maxpool.right(x, size, stride).shape
        count = int(np.prod(shape))
        dout = np.arange(1.0, count + 1).reshape(shape) * 10 if count <= 4 else numbers(seed, *shape)
        yield Case(about, (dout, x, size, stride))


@maxpool.wrong()
def mean_for_maximum(x: Array, size: int, stride: int) -> Array:
    """That is the mean of each window, average pooling."""
    return avg_pool2d(x, (size, size), (stride, stride))


@maxpool.wrong()
def minimum(x: Array, size: int, stride: int) -> Array:
    """That is the smallest value of each window."""
    return -maxpool.right(-x, size, stride)


@maxpool.wrong()
def starting_at_zero(x: Array, size: int, stride: int) -> Array:
    """The running maximum starts at 0, so a window of negative values gives 0; start it at one of the window's own."""
    return np.maximum(maxpool.right(x, size, stride), 0)


@maxpool.wrong()
def by_magnitude(x: Array, size: int, stride: int) -> Array:
    """The value that is farthest from 0 wins; -9 is smaller than 1."""
    high, low = maxpool.right(x, size, stride), -maxpool.right(-x, size, stride)
    return np.where(-low > high, low, high)


@maxpool.wrong()
def stride_is_size(x: Array, size: int, stride: int) -> Array:
    """The windows stand `size` apart instead of `stride`; they may overlap."""
    return maxpool.right(x, size, size)


@maxpool.wrong()
def every_window(x: Array, size: int, stride: int) -> Array:
    """The windows stand one cell apart instead of `stride`."""
    return maxpool.right(x, size, 1)


@maxpool.wrong()
def border_windows_kept(x: Array, size: int, stride: int) -> Array:
    """Windows that hang over the right or bottom border are kept (ceil for floor); numcam leaves them out."""
    more = [-(size - s) % stride for s in x.shape[2:]]
    padded = np.pad(x, ((0, 0), (0, 0), (0, more[0]), (0, more[1])), constant_values=-np.inf)
    return maxpool.right(padded, size, stride)


@maxpool.wrong()
def across_channels(x: Array, size: int, stride: int) -> Array:
    """The maximum is taken over the channels too; every channel is pooled on its own."""
    return np.broadcast_to(
        maxpool.right(x, size, stride).max(axis=1, keepdims=True), maxpool.right(x, size, stride).shape
    )


@maxpool.wrong()
def out_transposed(x: Array, size: int, stride: int) -> Array:
    """Rows and columns of the output are exchanged."""
    return maxpool.right(x, size, stride).swapaxes(2, 3)


Share = Callable[[Array, Array], Array]


def scatter(dout: Array, x: Array, size: int, stride: int, share: Share, assign: bool = False) -> Array:
    """The loops that most wrong versions have in common. share(window, d): what the window's cells receive of d."""
    dx = np.zeros_like(x)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            place = (..., slice(i * stride, i * stride + size), slice(j * stride, j * stride + size))
            shares = share(x[place], dout[:, :, i, j])
            dx[place] = np.where(shares != 0, shares, dx[place]) if assign else dx[place] + shares
    return dx


def maxima(window: Array) -> Array:
    return window == window.max(axis=(2, 3), keepdims=True)


def winner(window: Array, last: bool = False) -> Array:
    """True at the first (or last) maximum of each window, (n, c, size, size)."""
    flat = window.reshape(*window.shape[:2], -1)
    index = flat.shape[2] - 1 - flat[..., ::-1].argmax(axis=2) if last else flat.argmax(axis=2)
    return (np.arange(flat.shape[2]) == index[..., None]).reshape(window.shape)


@maxpool_backward.wrong()
def all_ties(dout: Array, x: Array, size: int, stride: int) -> Array:
    """Every cell equal to the maximum receives the whole gradient; only the first may, or ties multiply it."""
    return scatter(dout, x, size, stride, lambda window, d: maxima(window) * d[:, :, None, None])


@maxpool_backward.wrong()
def ties_split(dout: Array, x: Array, size: int, stride: int) -> Array:
    """Tied cells share the gradient: a lawful subgradient, but numcam and PyTorch give all of it to the first."""

    def share(window: Array, d: Array) -> Array:
        return maxima(window) * d[:, :, None, None] / maxima(window).sum(axis=(2, 3), keepdims=True)

    return scatter(dout, x, size, stride, share)


@maxpool_backward.wrong()
def last_tie(dout: Array, x: Array, size: int, stride: int) -> Array:
    """Among equal cells the last one wins (`>=` while searching); numcam and PyTorch take the first."""
    return scatter(dout, x, size, stride, lambda window, d: winner(window, last=True) * d[:, :, None, None])


@maxpool_backward.wrong()
def first_by_column(dout: Array, x: Array, size: int, stride: int) -> Array:
    """Among equal cells the first *down the columns* wins; reading order goes along the rows."""

    def share(window: Array, d: Array) -> Array:
        return winner(window.swapaxes(2, 3)).swapaxes(2, 3) * d[:, :, None, None]

    return scatter(dout, x, size, stride, share)


@maxpool_backward.wrong()
def assigned(dout: Array, x: Array, size: int, stride: int) -> Array:
    """`=` where `+=` belongs: a cell that wins two overlapping windows keeps only the last gradient."""
    return scatter(dout, x, size, stride, lambda window, d: winner(window) * d[:, :, None, None], assign=True)


@maxpool_backward.wrong()
def spread_evenly(dout: Array, x: Array, size: int, stride: int) -> Array:
    """Every cell of a window receives an equal share: that is average pooling; a maximum depends on one cell alone."""
    return avg_pool2d_backward(dout, x, (size, size), (stride, stride))


@maxpool_backward.wrong()
def to_all_cells(dout: Array, x: Array, size: int, stride: int) -> Array:
    """Every cell of a window receives the whole gradient; only the winner's change would change the output."""
    return avg_pool2d_backward(dout * size * size, x, (size, size), (stride, stride))


@maxpool_backward.wrong()
def dout_ignored(dout: Array, x: Array, size: int, stride: int) -> Array:
    """The winners hold 1: that is the local derivative; the chain rule multiplies it by dout."""
    return scatter(np.ones_like(dout), x, size, stride, lambda window, d: winner(window) * d[:, :, None, None])


@maxpool_backward.wrong()
def times_value(dout: Array, x: Array, size: int, stride: int) -> Array:
    """The gradient is multiplied by the winner's value; the derivative of a maximum at its winner is 1."""
    return maxpool_backward.right(dout, x, size, stride) * x


@maxpool_backward.wrong()
def magnitude_wins(dout: Array, x: Array, size: int, stride: int) -> Array:
    """The cell that is farthest from 0 receives the gradient; the forward pass took the largest value."""
    return maxpool_backward.right(dout, np.abs(x), size, stride)


@maxpool_backward.wrong()
def stride_taken_for_size(dout: Array, x: Array, size: int, stride: int) -> Array:
    """The windows are placed `size` apart instead of `stride`, and those that overlapped end up elsewhere."""
    dx = np.zeros_like(x)
    rows, cols = (min(d, window_count(s, size, size)) for d, s in zip(dout.shape[2:], x.shape[2:], strict=True))
    inner = scatter(dout[:, :, :rows, :cols], x, size, size, lambda w, d: winner(w) * d[:, :, None, None])
    dx += inner
    return dx


@maxpool_backward.wrong()
def one_winner_for_all_channels(dout: Array, x: Array, size: int, stride: int) -> Array:
    """One position wins for all channels; each channel of each picture has a winner of its own."""
    total = np.broadcast_to(x.sum(axis=1, keepdims=True), x.shape)
    return maxpool_backward.right(dout, np.ascontiguousarray(total), size, stride)


@maxpool_backward.wrong()
def first_of_batch_only(dout: Array, x: Array, size: int, stride: int) -> Array:
    """Only the first picture of the batch received a gradient."""
    right: Array = maxpool_backward.right(dout, x, size, stride)
    right[1:] = 0
    return right


@maxpool_backward.wrong()
def x_overwritten(dout: Array, x: Array, size: int, stride: int) -> Array:
    """The numbers are right, but they are written into x, which the caller still needs; make a new array of zeros."""
    x[...] = maxpool_backward.right(dout, x, size, stride)
    return x
