"""Convolution with fewer multiplications, in which every step is a matrix product.

Two polynomials can be multiplied by evaluating both at enough points, multiplying value by value, and interpolating.
A convolution of a row by a kernel of 3 is such a product. F(4, 3) gets 4 outputs from 6 inputs with 6 products where
sliding the kernel takes 12; nested in both directions, F(4x4, 3x3) takes 36 for 144 (Winograd 1980; Lavin and Gray
2016). Three small matrices do it, and they follow from the points alone (Toom 1963, Cook 1966): G evaluates the
kernel, BT what comes from the input, AT goes back to the outputs:

    y = AT [ (G w) * (BT x) ]                      one row of 4 outputs
    Y = AT [ (G w G') * (BT x BT') ] AT'           a tile of 4 by 4

For all channels at once the middle is 36 matrix products of (tiles, c) by (c, k). What makes it fast in NumPy is that
the small matrices need no loop either. With pictures kept as (rows, cols, channels), BT times six rows is one matrix
product, whatever the number of columns and channels; overlapping tiles are views with strides; and `out=` puts each
result where the next step reads it. A row of tiles passes through five calls of np.matmul, which all let other threads
run meanwhile:

    (6, cols c)  BT->  (6, tiles, 6, c)  BT->  v (36, tiles, c)  u->  m (36, tiles, k)  AT->  AT->  4 rows of outputs
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from numcam.nn.fast.maps import Map, strided
from numcam.nn.fast.team import Scratch, Team
from numcam.nn.types import Array

FLOAT = np.dtype(np.float32).itemsize


def toom_cook(points: tuple[float, ...], outputs: int, taps: int = 3) -> tuple[Array, Array, Array]:
    """AT (outputs, n), G (n, taps) and BT (n, n) in float64, for n - 1 points and infinity; n = outputs + taps - 1.

    Row i of G evaluates the kernel at point i, divided by what interpolation would divide by; column i of AT holds
    the point's powers; row i of BT the coefficients of the product of (x - other points).
    """
    n = outputs + taps - 1
    at, g, bt = np.zeros((outputs, n)), np.zeros((n, taps)), np.zeros((n, n))
    for i, point in enumerate(points):
        others = [p for k, p in enumerate(points) if k != i]
        at[:, i] = point ** np.arange(outputs)
        g[i] = point ** np.arange(taps) / np.prod([point - p for p in others])
        bt[i, :-1] = np.poly(others)[::-1]
    at[-1, -1] = g[-1, -1] = 1
    bt[-1] = np.poly(points)[::-1]
    scale = 2.0 ** np.round(np.log2(np.abs(bt).sum(axis=1, keepdims=True)) - 1.5)  # powers of two cost no accuracy
    return at, g * scale, bt / scale


@dataclass(frozen=True)
class Form:
    """F(tile x tile, 3x3): where it evaluates, besides infinity, and the matrices that follow from that."""

    tile: int
    points: tuple[float, ...]

    @property
    def side(self) -> int:
        """Rows and columns that a tile of outputs is made from."""
        return self.tile + 2

    @cached_property
    def at(self) -> Array:
        """(tile, side), float32."""
        return toom_cook(self.points, self.tile)[0].astype(np.float32)

    @cached_property
    def g(self) -> Array:
        """(side, 3), float64: it is used once in each direction before the result is rounded."""
        return toom_cook(self.points, self.tile)[1]

    @cached_property
    def bt(self) -> Array:
        """(side, side), float32."""
        return toom_cook(self.points, self.tile)[2].astype(np.float32)

    @property
    def one(self) -> int:
        """The number of the point whose powers are all 1: what is added there is added to every output."""
        return self.points.index(1.0)

    def tiles(self, side: int) -> int:
        """How many tiles it takes to cover so many rows or columns."""
        return -(-side // self.tile)


F4 = Form(4, (0.0, 1.0, -1.0, 0.5, -2.0))
"""These points gave the smallest error of the logits: 1.5e-6 of their norm, where 0, 1, -1, 2, -2 gave 1.9e-6 and 0, 1,
-1, 2, 1/2 gave 2.9e-6."""

F2 = Form(2, (0.0, 1.0, -1.0))

SMALL = 1_000_000
"""Products of m by k by n with m k n up to this many take OpenBLAS's kernels for small matrices where there are such
(AVX512): no packing. Measured on (49, 512) by (512, n): 102 GFLOP/s a core in pieces of n = 32, 72 in one of 512."""


@dataclass(frozen=True)
class Kernel:
    """A 3x3 kernel, transformed: u (points, k / piece, c, piece), and the bias."""

    u: Array
    bias: Array | None
    form: Form

    @property
    def c(self) -> int:
        """Channels that it takes."""
        return int(self.u.shape[2])

    @property
    def k(self) -> int:
        """Channels that it makes."""
        return int(self.u.shape[1] * self.u.shape[3])


def transformed(team: Team, w: Array, bias: Array | None, form: Form, scratch: Scratch | None = None) -> Kernel:
    """The Kernel of w (k, c, 3, 3), cut along k into pieces that suit `SMALL`; in memory of its own or of `scratch`."""
    k, c = w.shape[:2]
    piece = max(p for p in (1, 2, 4, 8, 16, 32, 64, k) if k % p == 0 and (p <= 32 or c * p <= SMALL // 32))
    shape = (form.side**2, k // piece, c, piece)
    u = scratch.array("u", shape) if scratch else np.empty(shape, np.float32)
    both = np.kron(form.g, form.g).astype(np.float32)  # (points, 9)

    def fill(some: slice, _: Scratch) -> None:
        for at in range(some.start, some.stop):
            taps = w[at * piece : (at + 1) * piece].transpose(2, 3, 1, 0).reshape(9, -1)
            np.matmul(both, taps, out=u[:, at].reshape(len(u), -1))

    team.share(len(u[0]), 1, fill)
    return Kernel(u, bias, form)


def backwards(w: Array) -> Array:
    """The kernel (c, k, 3, 3) whose convolution is the input gradient: turned by 180 degrees, channels exchanged."""
    return w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)


def transform(x: Map, form: Form, image: int, row: int, v: Array, scratch: Scratch) -> None:
    """v (side, side, g, nr, tiles, c) from nr tile rows of g pictures: BT on the rows, then on the columns."""
    side, _, g, nr, tw, c = v.shape
    per_image, per_row = x.data.strides[:2]
    length = (form.tile * tw + 2) * c
    strides = (per_image, form.tile * per_row, per_row, FLOAT)
    rows = strided(x.data, (g, nr, side, length), strides, image * per_image + form.tile * row * per_row)
    t = scratch.array("t", (g, nr, side, length))
    np.matmul(form.bt, rows, out=t)
    across = (*t.strides[:3], form.tile * c * FLOAT, c * FLOAT, FLOAT)
    windows = strided(t, (g, nr, side, tw, side, c), across)
    np.matmul(form.bt, windows, out=v.transpose(2, 3, 0, 4, 1, 5))


def multiply(v: Array, u: Array, m: Array) -> None:
    """m (points, tiles, k) = v (points, tiles, c) by u (points, k / piece, c, piece), in blocks of tiles."""
    points, tiles, c = v.shape
    pieces, piece = u.shape[1], u.shape[3]
    block = max(1, min(tiles, 64, SMALL // (c * piece)))
    block = max(b for b in range(1, block + 1) if tiles % b == 0 or b == block)
    whole = tiles // block * block
    for start, stop, size in ((0, whole, block), (whole, tiles, tiles - whole)):
        if stop > start:
            left = v[:, start:stop].reshape(points, -1, 1, size, c)
            into = m[:, start:stop].reshape(points, -1, size, pieces, piece)
            np.matmul(left, u[:, None], out=into.transpose(0, 1, 3, 2, 4))


def back(m: Array, kernel: Kernel, out: Map, image: int, row: int, scratch: Scratch) -> None:
    """nr tile rows of g output pictures from m (side, side, g, nr, tiles, k): AT on the columns, then on the rows."""
    form = kernel.form
    if kernel.bias is not None:
        m[form.one, form.one] += kernel.bias
    side, _, g, nr, tw, k = m.shape
    o = scratch.array("t", (g, nr, side, tw, form.tile, k))
    np.matmul(form.at, m.transpose(2, 3, 0, 4, 1, 5), out=o)
    per_image, per_row = out.data.strides[:2]
    strides = (per_image, form.tile * per_row, per_row, FLOAT)
    start = image * per_image + (1 + form.tile * row) * per_row + k * FLOAT
    y = strided(out.data, (g, nr, form.tile, tw * form.tile * k), strides, start)
    np.matmul(form.at, o.reshape(g, nr, side, tw * form.tile * k), out=y)
