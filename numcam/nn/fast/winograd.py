"""Convolution with fewer multiplications, in which every step is a matrix product.

Two polynomials can be multiplied by evaluating both at enough points, multiplying value by value, and interpolating.
A convolution of a row by a kernel of 3 is such a product. F(4, 3) gets 4 outputs from 6 inputs with 6 products where
sliding the kernel takes 12; nested in both directions, F(4x4, 3x3) takes 36 for 144 (Winograd 1980; Lavin and Gray
2016). Three small matrices do it, and they follow from the points alone (Toom 1963, Cook 1966): G evaluates the
kernel, BT what comes from the input, AT goes back to the outputs:

    y = AT [ (G w) * (BT x) ]                      one row of 4 outputs
    Y = AT [ (G w G') * (BT x BT') ] AT'           a tile of 4 by 4

For all channels at once the middle is 36 matrix products of (tiles, c) by (c, k): see `steps`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from numcam.nn.fast.team import Scratch, Team
from numcam.nn.fast.ways import chosen
from numcam.nn.types import Array


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
    """The Kernel of w (k, c, 3, 3), cut along k as suits the processor; in memory of its own or of `scratch`."""
    k, c = w.shape[:2]
    piece = chosen().piece(c, k)
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
