"""Winograd's convolution on maps: forth to the points, 36 matrix products, and back to the outputs.

What makes it fast in NumPy is that the small matrices of `winograd` need no loop either. With pictures kept as (rows,
columns, channels), BT times six rows is one matrix product, whatever the number of columns and channels; what overlaps
is a view with strides; and `out=` puts each result where the next step reads it. All let other threads run meanwhile.

Along the other direction, six columns of a tile lie apart, and there are two ways. Product by product, a row of tiles
passes through five calls of np.matmul:

    (6, cols c)  BT->  (6, tiles, 6, c)  BT->  v (36, tiles, c)  u->  m (36, tiles, k)  AT->  AT->  4 rows of outputs

but for each tile BLAS is called once for a product that is tiny. Where that costs more than it saves (see `ways`), the
columns of all tiles are gathered first, one copy, and each step is a few long products:

    (6, rows, tiles, c)  BT->  (6, rows, tiles, c)  BT->  v  u->  m  AT->  AT->  (4, 4 rows, tiles, k), copied
"""

import numpy as np

from numcam.nn.fast.maps import Map, strided
from numcam.nn.fast.team import Scratch
from numcam.nn.fast.ways import chosen
from numcam.nn.fast.winograd import Form, Kernel
from numcam.nn.types import Array

FLOAT = np.dtype(np.float32).itemsize


def transform(x: Map, form: Form, image: int, row: int, v: Array, scratch: Scratch) -> None:
    """v (side, side, g, nr, tiles, c) from nr tile rows of g pictures."""
    (_transform_gathered if chosen().gathered else _transform)(x, form, image, row, v, scratch)


def _transform(x: Map, form: Form, image: int, row: int, v: Array, scratch: Scratch) -> None:
    """BT on the rows, then on the columns of each tile."""
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


def _transform_gathered(x: Map, form: Form, image: int, row: int, v: Array, scratch: Scratch) -> None:
    """BT on the columns of all tiles, which are gathered for it, then on the rows."""
    side, _, g, nr, tw, c = v.shape
    tile, height = form.tile, form.tile * nr + 2
    per_image, per_row, per_place = x.data.strides[:3]
    p, t = (scratch.array(name, (side, g, height, tw, c)) for name in ("p", "t"))
    apart = (per_place, per_image, per_row, tile * per_place, FLOAT)
    np.copyto(p, strided(x.data, p.shape, apart, image * per_image + tile * row * per_row))
    np.matmul(form.bt, p.reshape(side, -1), out=t.reshape(side, -1))
    down = (*t.strides[:2], tile * t.strides[2], t.strides[2], FLOAT)
    windows = strided(t, (side, g, nr, side, tw * c), down)
    np.matmul(form.bt, windows, out=v.reshape(side, side, g, nr, tw * c).transpose(1, 2, 3, 0, 4))


def multiply(v: Array, u: Array, m: Array) -> None:
    """m (points, tiles, k) = v (points, tiles, c) by u (points, k / piece, c, piece), in blocks of tiles."""
    points, tiles, c = v.shape
    pieces, piece = u.shape[1], u.shape[3]
    block = chosen().block(tiles, c, piece)
    whole = tiles // block * block
    for start, stop, size in ((0, whole, block), (whole, tiles, tiles - whole)):
        if stop > start:
            left = v[:, start:stop].reshape(points, -1, 1, size, c)
            into = m[:, start:stop].reshape(points, -1, size, pieces, piece)
            np.matmul(left, u[:, None], out=into.transpose(0, 1, 3, 2, 4))


def back(m: Array, kernel: Kernel, out: Map, image: int, row: int, scratch: Scratch) -> None:
    """nr tile rows of g output pictures from m (side, side, g, nr, tiles, k)."""
    if kernel.bias is not None:
        m[kernel.form.one, kernel.form.one] += kernel.bias
    (_back_gathered if chosen().gathered else _back)(m, kernel.form, out, image, row, scratch)


def _back(m: Array, form: Form, out: Map, image: int, row: int, scratch: Scratch) -> None:
    """AT on the columns of each tile, then on the rows."""
    side, _, g, nr, tw, k = m.shape
    o = scratch.array("t", (g, nr, side, tw, form.tile, k))
    np.matmul(form.at, m.transpose(2, 3, 0, 4, 1, 5), out=o)
    per_image, per_row = out.data.strides[:2]
    strides = (per_image, form.tile * per_row, per_row, FLOAT)
    start = image * per_image + (1 + form.tile * row) * per_row + k * FLOAT
    y = strided(out.data, (g, nr, form.tile, tw * form.tile * k), strides, start)
    np.matmul(form.at, o.reshape(g, nr, side, tw * form.tile * k), out=y)


def _back_gathered(m: Array, form: Form, out: Map, image: int, row: int, scratch: Scratch) -> None:
    """AT on the rows, then on the columns of all tiles, which go to their places together."""
    side, _, g, nr, tw, k = m.shape
    tile = form.tile
    o, q = scratch.array("t", (side, g, tile, nr * tw * k)), scratch.array("p", (tile, g, tile, nr, tw, k))
    np.matmul(form.at, m.reshape(side, side, g, nr * tw * k).transpose(1, 2, 0, 3), out=o)
    np.matmul(form.at, o.reshape(side, -1), out=q.reshape(tile, -1))
    per_image, per_row, per_place = out.data.strides[:3]
    strides = (per_place, per_image, per_row, tile * per_row, tile * per_place, FLOAT)
    start = image * per_image + (1 + tile * row) * per_row + per_place
    np.copyto(strided(out.data, q.shape, strides, start), q)
