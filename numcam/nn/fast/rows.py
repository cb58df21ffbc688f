"""Convolution of few channels: the picture row by row, every row of outputs one matrix product.

Where there are few channels, Winograd's transforms cost more than they save, and im2col copies each value nine times.
Kept as (rows, channels, cols), a picture needs three copies, shifted by one column to the left, not at all, and to the
right: the three rows of them round an output row already lie in memory as the matrix (3 rows * 3 shifts * c, cols)
that im2col would have made, and the next row's matrix begins a third further on. The bias is the weight of a channel of
ones.
"""

from functools import lru_cache

import numpy as np

from numcam.nn.fast.gates import After
from numcam.nn.fast.maps import Map, Rows, strided
from numcam.nn.fast.team import Scratch, Team
from numcam.nn.types import Array

CHUNK = 1 << 18
"""Values of a map that go through a convolution together: few calls, and copies that stay in the cache. Measured with a
training step of 32 pictures: 740 ms in blocks of 25,000, 650 of 50,000, 550 of 100,000, 510 of 200,000. This
many hold half a picture of 224x224 with 8 channels."""

ALONE = 1e7
"""Up to so many operations a thread does by itself: a tenth of a millisecond, as long as waking another takes. Measured
with every row of `ways`: as fast as 2.5e7 or up to 3 % faster, and 1e8 slower only without AVX-512."""

WORTH_COPYING = 16
"""From so many channels on, output gradients are turned before they are multiplied. Measured with 16 at 112x112: 0.87
and 0.53 ms, with 8 at 224x224: 0.62 and 0.68."""


def flat_kernel(w: Array, bias: Array | None) -> Array:
    """The kernels (k, c, 3, 3) as rows (k, 3 * (3 c + 1)), in the order of `shifted`; the bias in the middle row."""
    k, c = w.shape[:2]
    flat = np.zeros((k, 3, 3 * c + 1), np.float32)
    flat[:, :, :-1] = w.transpose(0, 2, 3, 1).reshape(k, 3, 3 * c)
    if bias is not None:
        flat[:, 1, -1] = bias
    return flat.reshape(k, -1)


def conv(team: Team, x: Rows, kernel: Array, out: Map | Rows, after: After | None = None) -> None:
    """out = the convolution of x with padding 1 by a `flat_kernel`, and `after` on every stretch of rows."""

    def block(images: slice, rows: slice, scratch: Scratch) -> None:
        windows = matrices(shifted(x, images, rows, scratch))
        if isinstance(out, Rows):
            np.matmul(kernel, windows, out=out.data[images, rows])  # (n, rows, k, cols)
        else:
            np.matmul(windows.transpose(0, 1, 3, 2), kernel.T, out=out.inside[images, rows])  # (n, rows, cols, k)
        if after:
            after(images, rows)

    alone = 2 * kernel.size * x.n * x.rows * x.cols <= ALONE
    team.bands(x.n, x.rows, _height(x, out), block, even=True, alone=alone)


@lru_cache
def repeats_exactly(c: int, k: int, cols: int, into: type[Map | Rows]) -> bool:
    """Whether equal columns get equal values, to the last digit: BLAS may sum the last ones in another order.

    Tried on a picture of one colour, from c channels to k.
    """
    dice = np.random.default_rng(0)
    x, out = Rows(1, c, 6, cols), into(1, k, 6, cols)
    x.inside[...] = dice.standard_normal(c, np.float32)
    conv(Team(1), x, dice.standard_normal((k, 3 * (3 * c + 1)), np.float32), out)
    within = out.inside[:, 1:-1, 1:-1]
    return bool((within == within[:, :1, :1]).all())


def parameter_gradients(team: Team, dout: Rows, x: Rows) -> tuple[Array, Array]:
    """dw (k, c, 3, 3) and db (k,): each row of output gradients times the matrix that its outputs were made from."""
    sums: dict[tuple[int, int], Array] = {}  # by first picture and first row

    def block(images: slice, rows: slice, scratch: Scratch) -> None:
        windows = matrices(shifted(x, images, rows, scratch))
        d = dout.data[images, rows].transpose(0, 1, 3, 2)  # (n, rows, cols, k)
        d = d if dout.c < WORTH_COPYING else np.ascontiguousarray(d)
        sums[images.start, rows.start] = np.matmul(windows, d).sum(axis=(0, 1))  # (3 (3 c + 1), k)

    alone = 2 * 9 * x.c * dout.data.size <= ALONE
    team.bands(x.n, x.rows, _height(x, dout), block, alone=alone)
    total = np.sum([sums[place] for place in sorted(sums)], axis=0)  # in that order, whichever came first
    flat = total.reshape(3, 3 * x.c + 1, dout.c)
    taps = flat[:, :-1].reshape(3, 3, x.c, dout.c)
    return np.ascontiguousarray(taps.transpose(3, 2, 0, 1)), flat[1, -1].copy()


def shifted(x: Rows, images: slice, rows: slice, scratch: Scratch) -> Array:
    """These rows of some pictures and one more on either side, (n, rows + 2, 3 c + 1, cols): 3 shifts, then ones."""
    c, cols = x.c, x.cols
    s = scratch.array("v", (images.stop - images.start, rows.stop - rows.start + 2, 3 * c + 1, cols))
    first, last = max(rows.start - 1, 0), min(rows.stop + 1, x.rows)
    top, end = first - (rows.start - 1), last - (rows.start - 1)
    s[:, :top] = s[:, end:] = 0
    pictures, into = x.data[images, first:last], s[:, top:end]
    into[:, :, :c, 1:] = pictures[..., :-1]
    into[:, :, :c, 0] = 0
    into[:, :, c : 2 * c] = pictures
    into[:, :, 2 * c : 3 * c, :-1] = pictures[..., 1:]
    into[:, :, 2 * c : 3 * c, -1] = 0
    s[:, :, -1] = 1
    return s


def matrices(s: Array) -> Array:
    """Three rows at a time of a contiguous (n, rows + 2, channels, cols): (n, rows, 3 * channels, cols), a view."""
    n, height, channels, cols = s.shape
    return strided(s, (n, height - 2, 3 * channels, cols), s.strides)


def _height(x: Rows, other: Map | Rows) -> int:
    return max(2, CHUNK // (x.cols * max(x.c, other.c)))
