"""Convolution of many channels: Winograd's steps over a whole batch, shared among the team's threads."""

from collections.abc import Callable

import numpy as np

from numcam.nn.fast.gates import After
from numcam.nn.fast.maps import Map
from numcam.nn.fast.steps import back, multiply, transform
from numcam.nn.fast.team import ALONE, Scratch, Team
from numcam.nn.fast.ways import chosen
from numcam.nn.fast.winograd import F2, F4, Form, Kernel
from numcam.nn.types import Array

FEW = 16
"""Pictures of up to so many tiles of 4x4 are cut into tiles of 2x2: there, kernels weigh more than pictures, and those
of F(2x2) weigh less than half. Measured with 512 channels at 14x14: as fast, with 50 MB instead of 113."""

HEAVY = 1 << 20
"""Values of a transformed kernel that are worth being read seldom, once for many tiles."""

TOGETHER = 64
"""Pictures of up to so many tiles go through a convolution with a heavy kernel as a whole: the kernel is larger than
they are. Measured at 28x28 and 14x14 with 512 channels; with 64 channels and 32 pictures, blocks take a twentieth less
of pocket's whole forward pass."""

BLOCK, VALUES = 112, 14_336
"""Tiles that go through a convolution with a heavy kernel together, or tiles times channels of either side with a
light one: what lies between the steps should stay in the cache. Measured on two threads: 128 by 128 channels at 112x112
4.3 ms in blocks of 56 and 5.1 of 112; 64 by 64 at 224x224 5.0 of 112 and 6.1 of 56; 256 by 256 at 56x56 with Haswell
kernels 6.4 of 112 and 7.7 of 28."""

GROUP = 512
"""Tiles of several pictures that go through together."""

SHORT = 100
"""Places that are worth a product of their own when parameter gradients are summed. Measured with 32 by 32 channels at
56x56: 50 GFLOP/s in one product, 107 in pieces of 976; 64 by 64 at 28x28, 76 and 97 in pieces of 244."""


def form(rows: int, cols: int) -> Form:
    """How pictures of this size are convolved."""
    return F2 if F4.tiles(rows) * F4.tiles(cols) <= FEW else F4


def conv(team: Team, x: Map, kernel: Kernel, out: Map, after: After | None = None) -> None:
    """out = the convolution of x with padding 1, and `after` on every stretch of rows."""
    tile, side = kernel.form.tile, kernel.form.side
    tile_rows, tile_cols = kernel.form.tiles(x.rows), kernel.form.tiles(x.cols)

    def finish(images: slice, rows: slice) -> None:
        out.wipe(images, slice(tile * rows.start, tile * rows.stop))
        if after:
            after(images, slice(tile * rows.start, min(tile * rows.stop, out.rows)))

    heavy = kernel.u.size > HEAVY
    if heavy and tile_rows * tile_cols <= TOGETHER:
        group = max(1, GROUP // (tile_rows * tile_cols))
        for first in range(0, x.n, group):
            _in_stages(team, x, kernel, out, slice(first, min(first + group, x.n)), finish)
        return

    def block(images: slice, rows: slice, scratch: Scratch) -> None:
        shape = (side, side, images.stop - images.start, rows.stop - rows.start, tile_cols)
        v, m = scratch.array("v", (*shape, kernel.c)), scratch.array("m", (*shape, kernel.k))
        transform(x, kernel.form, images.start, rows.start, v, scratch)
        multiply(_flat(v), kernel.u, _flat(m))
        back(m, kernel, out, images.start, rows.start, scratch)
        finish(images, rows)

    alone = 2 * len(kernel.u) * x.n * tile_rows * tile_cols * kernel.c * kernel.k <= ALONE
    height = BLOCK // tile_cols if heavy else max(2, VALUES // (kernel.c + kernel.k) // tile_cols)
    team.bands(x.n, tile_rows, max(1, height), block, alone=alone)


def _in_stages(
    team: Team, x: Map, kernel: Kernel, out: Map, images: slice, finish: Callable[[slice, slice], None]
) -> None:
    """A few small pictures: threads share the rows, then the points, then the rows again."""
    g = images.stop - images.start
    points, tile_rows = len(kernel.u), kernel.form.tiles(x.rows)
    shape = (kernel.form.side, kernel.form.side, g, tile_rows, kernel.form.tiles(x.cols))
    v = team.scratch[0].array("v", (*shape, kernel.c))
    m = team.scratch[0].array("m", (*shape, kernel.k))
    by_image = g >= team.size
    total = g if by_image else tile_rows

    def part(some: slice) -> tuple[slice, slice]:
        """The pictures (within the group) and the tile rows of a share."""
        return (some, slice(0, tile_rows)) if by_image else (slice(0, g), some)

    def forth(some: slice, scratch: Scratch) -> None:
        pictures, rows = part(some)
        transform(x, kernel.form, images.start + pictures.start, rows.start, v[:, :, pictures, rows], scratch)

    def middle(some: slice, _: Scratch) -> None:
        multiply(_flat(v)[some], kernel.u[some], _flat(m)[some])

    def home(some: slice, scratch: Scratch) -> None:
        pictures, rows = part(some)
        back(m[:, :, pictures, rows], kernel, out, images.start + pictures.start, rows.start, scratch)
        finish(slice(images.start + pictures.start, images.start + pictures.stop), rows)

    if 2 * v.size * kernel.k <= ALONE / 3:  # three wakings
        for stage, count in ((forth, total), (middle, points), (home, total)):
            stage(slice(0, count), team.scratch[0])
        return
    team.halves(total, forth)
    team.halves(points, middle)
    team.halves(total, home)


def _flat(a: Array) -> Array:
    """(side, side, g, nr, tiles, c) -> (points, all tiles, c)."""
    return a.reshape(len(a) ** 2, -1, a.shape[-1])


def parameter_gradients(team: Team, dout: Map, x: Map) -> tuple[Array, Array]:
    """dw (k, c, 3, 3) and db (k,). Border and all, a tap is one matrix product of two flat maps, one of them shifted.

    The zeros round the output gradients see to it that nothing from beyond a picture's edge is counted.
    """
    g, y = dout.data.reshape(-1, dout.c), x.data.reshape(-1, x.c)  # (all places, k), (all places, c)
    width = x.data.shape[2]
    first, last = width + 1, len(g) - width - 1  # before and behind them g is zero
    dw = np.empty((9, dout.c, x.c), np.float32)

    def taps(some: slice, _: Scratch) -> None:
        for tap in range(some.start, some.stop):
            shift = (tap // 3 - 1) * width + tap % 3 - 1
            dw[tap] = _long_product(g[first:last], y[first + shift : last + shift])

    team.share(9, 1, taps)
    rows = dout.data.reshape(-1, width, dout.c)
    db = np.matmul(np.ones(width, np.float32), rows).sum(axis=0)  # by rows first: one long sum rounds more
    return np.ascontiguousarray(dw.transpose(1, 2, 0)).reshape(dout.c, x.c, 3, 3), db


def _long_product(g: Array, y: Array) -> Array:
    """g' y (k, c) of g (places, k) and y (places, c), in small pieces where those are long enough."""
    places, k, c = len(g), g.shape[1], y.shape[1]
    piece = chosen().small // (k * c)
    whole = places // piece * piece if piece >= SHORT else 0
    total = g[whole:].T @ y[whole:]
    if whole:
        left, right = g[:whole].reshape(-1, piece, k), y[:whole].reshape(-1, piece, c)
        total += np.matmul(left.transpose(0, 2, 1), right).sum(axis=0)
    return total
