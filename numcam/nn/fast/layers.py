"""The layers of a VGG on maps: each function does the whole batch, shared among the team's threads."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import as_strided

from numcam.nn.fast.maps import TILE, Map
from numcam.nn.fast.team import Scratch, Team
from numcam.nn.fast.winograd import SIDE, Kernel, back, multiply, transform
from numcam.nn.types import Array

After = Callable[[slice, slice], None]
"""after(images, rows): what to do with rows of the output that have just been written and are still in the cache."""

TOGETHER = 64
"""Pictures of up to so many tiles go through a convolution as a whole, which reads the kernels once: they are larger
than the picture. Measured at 28x28 and 14x14 with 512 channels."""

BLOCK = 112
"""Tiles that go through a convolution together otherwise; what lies between the steps should stay in the cache."""

GROUP = 512
"""Tiles of several pictures that go through together."""


def conv(team: Team, x: Map, kernel: Kernel, out: Map, after: After | None = None) -> None:
    """out = the convolution of x with padding 1, and `after` on every stretch of rows."""

    def finish(images: slice, rows: slice) -> None:
        out.wipe(images, rows)
        if after:
            after(images, slice(TILE * rows.start, min(TILE * rows.stop, out.rows)))

    if x.tile_rows * x.tile_cols <= TOGETHER:
        group = max(1, GROUP // (x.tile_rows * x.tile_cols))
        for first in range(0, x.n, group):
            _in_stages(team, x, kernel, out, slice(first, min(first + group, x.n)), finish)
        return
    nr = max(1, BLOCK // x.tile_cols)
    bands = -(-x.tile_rows // nr)

    def block(units: slice, scratch: Scratch) -> None:
        for image, band in (divmod(u, bands) for u in range(units.start, units.stop)):
            rows = slice(band * nr, min((band + 1) * nr, x.tile_rows))
            height = rows.stop - rows.start
            v = scratch.array("v", (SIDE, SIDE, 1, height, x.tile_cols, kernel.c))
            m = scratch.array("m", (SIDE, SIDE, 1, height, x.tile_cols, kernel.k))
            transform(x, image, rows.start, v, scratch)
            multiply(_flat(v), kernel.u, _flat(m))
            back(m, kernel.bias, out, image, rows.start, scratch)
            finish(slice(image, image + 1), rows)

    team.share(x.n * bands, 1, block)


def _in_stages(
    team: Team, x: Map, kernel: Kernel, out: Map, images: slice, finish: Callable[[slice, slice], None]
) -> None:
    """A few small pictures: threads share the rows, then the 36 points, then the rows again."""
    g = images.stop - images.start
    shape = (SIDE, SIDE, g, x.tile_rows, x.tile_cols)
    v = team.scratch[0].array("v", (*shape, kernel.c))
    m = team.scratch[0].array("m", (*shape, kernel.k))
    by_image = g >= team.size
    total = g if by_image else x.tile_rows

    def part(some: slice) -> tuple[slice, slice]:
        """The pictures (within the group) and the tile rows of a share."""
        return (some, slice(0, x.tile_rows)) if by_image else (slice(0, g), some)

    def forth(some: slice, scratch: Scratch) -> None:
        pictures, rows = part(some)
        transform(x, images.start + pictures.start, rows.start, v[:, :, pictures, rows], scratch)

    def middle(some: slice, _: Scratch) -> None:
        multiply(_flat(v)[some], kernel.u[some], _flat(m)[some])

    def home(some: slice, scratch: Scratch) -> None:
        pictures, rows = part(some)
        back(m[:, :, pictures, rows], kernel.bias, out, images.start + pictures.start, rows.start, scratch)
        finish(slice(images.start + pictures.start, images.start + pictures.stop), rows)

    team.halves(total, forth)
    team.halves(SIDE * SIDE, middle)
    team.halves(total, home)


def _flat(a: Array) -> Array:
    """(6, 6, g, nr, tiles, c) -> (36, all tiles, c)."""
    return a.reshape(SIDE * SIDE, -1, a.shape[-1])


STEM_ROWS = 16


def stem(team: Team, x: Array, w: Array, bias: Array, out: Map, after: After | None) -> None:
    """The first convolution, of so few channels that im2col is the shortest way. x (n, c, rows, cols)."""
    n, c, rows, cols = x.shape
    padded = np.zeros((n, c, rows + 2, cols + 2), np.float32)
    padded[:, :, 1:-1, 1:-1] = x
    kernels = np.concatenate([w.reshape(len(w), -1).T, bias[None]]).astype(np.float32)  # (9 c + 1, k), the bias last
    bands = -(-rows // STEM_ROWS)

    def block(units: slice, scratch: Scratch) -> None:
        for image, band in (divmod(u, bands) for u in range(units.start, units.stop)):
            top, end = band * STEM_ROWS, min((band + 1) * STEM_ROWS, rows)
            columns = scratch.array("v", (9 * c + 1, end - top, cols))
            windows = _windows(padded[image], rows, cols)[:, :, :, top:end]
            columns[:-1].reshape(c, 3, 3, end - top, cols)[...] = windows
            columns[-1] = 1
            np.matmul(columns.transpose(1, 2, 0), kernels, out=out.inside[image, top:end])
            if after:
                after(slice(image, image + 1), slice(top, end))

    team.share(n * bands, 1, block)


def _windows(padded: Array, rows: int, cols: int) -> Array:
    """(c, 3, 3, rows, cols): the picture (c, rows + 2, cols + 2), shifted nine times; a view that may be written."""
    plane, row, value = padded.strides
    return as_strided(padded, (len(padded), 3, 3, rows, cols), (plane, row, value, row, value))


def stem_backward(team: Team, dout: Map, w: Array) -> Array:
    """dx (n, c, rows, cols) of the first convolution: its columns by a matrix product, then col2im."""
    k, c = w.shape[:2]
    kernels = np.ascontiguousarray(w.reshape(k, -1).T)  # (9 c, k)
    padded = np.zeros((dout.n, c, dout.rows + 2, dout.cols + 2), np.float32)
    columns = team.scratch[0].array("v", (dout.rows, c, 3, 3, dout.cols))
    for image in range(dout.n):
        grads = dout.inside[image]  # (rows, cols, k)

        def product(some: slice, _: Scratch, grads: Array = grads) -> None:
            into = columns[some].reshape(-1, 9 * c, dout.cols)
            np.matmul(kernels, grads[some].transpose(0, 2, 1), out=into)

        def gather(some: slice, _: Scratch, into: Array = padded[image]) -> None:
            for i in range(3):
                for j in range(3):
                    taps = columns[:, some, i, j].transpose(1, 0, 2)
                    into[some, i : i + dout.rows, j : j + dout.cols] += taps

        team.share(dout.rows, STEM_ROWS, product)
        team.halves(c, gather)
    return padded[:, :, 1:-1, 1:-1]


def rectify(out: Map) -> After:
    """ReLU in place."""

    def after(images: slice, rows: slice) -> None:
        y = out.inside[images, rows]
        np.maximum(y, 0, out=y)

    return after


def pool(x: Map, out: Map) -> After:
    """The largest of every 2x2 of x, into out; rows are even where they begin."""

    def after(images: slice, rows: slice) -> None:
        top, end = rows.start // 2, min(rows.stop // 2, out.rows)
        y = x.inside[images, 2 * top : 2 * end, : 2 * out.cols]
        across = np.maximum(y[:, 0::2], y[:, 1::2])
        np.maximum(across[:, :, 0::2], across[:, :, 1::2], out=out.inside[images, top:end])

    return after


def unpool(dout: Map, x: Map, out: Map, dx: Map, gate: "Gate | None") -> After:
    """dx: each 2x2's gradient goes to its first maximum, through a ReLU before it where `gate` says how."""

    def after(images: slice, rows: slice) -> None:
        g, largest = dout.inside[images, rows], out.inside[images, rows]
        if gate:
            g = gate.through(g.copy(), largest)
        y = x.inside[images, 2 * rows.start : 2 * rows.stop, : 2 * out.cols]
        into = dx.inside[images, 2 * rows.start : 2 * rows.stop, : 2 * out.cols]
        waiting = np.ones(largest.shape, bool)
        for i in (0, 1):
            for j in (0, 1):
                here = (y[:, i::2, j::2] == largest) & waiting
                waiting ^= here
                np.multiply(g, here, out=into[:, i::2, j::2])
        dx.inside[images, 2 * rows.start : 2 * rows.stop, 2 * out.cols :] = 0  # a last column that no window holds
        if rows.stop == out.rows:
            dx.inside[images, 2 * out.rows :] = 0

    return after


class Gate:
    """One of the three rules at a ReLU, by what each looks at: the sign of the activation, of the gradient, or both."""

    def __init__(self, by_activation: bool, by_gradient: bool) -> None:
        self.by_activation, self.by_gradient = by_activation, by_gradient

    def through(self, g: Array, out: Array) -> Array:
        """The gradient behind the ReLU whose output is `out`; g is changed in place."""
        if self.by_gradient:
            np.maximum(g, 0, out=g)
        return np.multiply(g, out > 0, out=g) if self.by_activation else g

    def on(self, g: Map, out: Map) -> After:
        """The same for rows of maps."""

        def after(images: slice, rows: slice) -> None:
            self.through(g.inside[images, rows], out.inside[images, rows])

        return after


def linear(team: Team, x: Array, w: Array, b: Array) -> Array:
    """x (n, inputs), w (outputs, inputs): memory-bound, so the threads share the rows of w."""
    out = np.empty((len(x), len(w)), np.float32)

    def part(some: slice, _: Scratch) -> None:
        if len(x) == 1:
            np.matmul(w[some], x[0], out=out[0, some])
        else:
            np.matmul(x, w[some].T, out=out[:, some])

    team.share(len(w), _stretch(len(w)), part)
    out += b
    return out


def linear_backward(team: Team, dout: Array, w: Array) -> Array:
    """dx (n, inputs); the threads share the columns of w."""
    dx = np.empty((len(dout), w.shape[1]), np.float32)

    def part(some: slice, _: Scratch) -> None:
        if len(dout) == 1:
            np.matmul(dout[0], w[:, some], out=dx[0, some])
        else:
            np.matmul(dout, w[:, some], out=dx[:, some])

    team.share(w.shape[1], _stretch(w.shape[1]), part)
    return dx


def _stretch(total: int) -> int:
    """How much of a matrix a thread takes at a time: the same for any number of threads, and so are the sums."""
    return max(256, -(-total // 8))
