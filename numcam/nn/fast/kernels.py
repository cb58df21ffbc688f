"""Kernels in the forms that the two ways of convolving want.

Those for Winograd's tiles are two to four times as large as the layer's own. The first time, one is made in memory that
the next layer's uses again: a process that explains one picture needs each once. Asked for again, it is made again and
kept as long as the layer.
"""

import mmap
import threading
from typing import TypeGuard
from weakref import WeakKeyDictionary

import numpy as np

from numcam.nn.conv import Conv2d
from numcam.nn.fast import rows, wide
from numcam.nn.fast.gates import After
from numcam.nn.fast.maps import Map, Rows
from numcam.nn.fast.team import Team
from numcam.nn.fast.winograd import Form, Kernel, backwards, transformed
from numcam.nn.types import Array, Layer

NARROW = 16
"""Up to so many channels go row by row, and more by Winograd's tiles. Measured on one core: from 16 to 16 channels at
112x112 0.86 and 1.1 ms, from 32 to 32 at 56x56 0.70 and 0.48 ms."""

_TILES: WeakKeyDictionary[Conv2d, dict[tuple[Form, bool], Kernel | None]] = WeakKeyDictionary()
_FLAT: WeakKeyDictionary[Conv2d, dict[bool, Array]] = WeakKeyDictionary()
_guard = threading.Lock()


def suits(layer: Layer | None) -> TypeGuard[Conv2d]:
    """A 3x3 convolution with stride 1 and padding 1."""
    if not isinstance(layer, Conv2d):
        return False
    return (layer.stride, layer.padding, layer.weight.shape[2:]) == ((1, 1), (1, 1), (3, 3))


def layout(channels: int) -> type[Map | Rows]:
    """How pictures of so many channels are kept."""
    return Rows if channels <= NARROW else Map


def convolve(
    team: Team, x: Map | Rows, layer: Conv2d, out: Map | Rows, after: After | None = None, back: bool = False
) -> None:
    """out = the layer's convolution of x, or with back=True the input gradient from output gradients x."""
    if isinstance(x, Map) and isinstance(out, Map):
        wide.conv(team, x, _tiles(team, layer, wide.form(x.rows, x.cols), back), out, after)
    else:
        rows.conv(team, x if isinstance(x, Rows) else Rows.of(x.pictures), _flat(layer, back), out, after)


def parameter_gradients(team: Team, dout: Map | Rows, x: Map | Rows) -> tuple[Array, Array]:
    """dw (k, c, 3, 3) and db (k,)."""
    if isinstance(x, Rows) and isinstance(dout, Rows):
        return rows.parameter_gradients(team, dout, x)
    # One of each kind: from 3 to 64 channels 57 ms here and 73 row by row, from 16 to 32 channels 3.1 and 3.8
    both = [a if isinstance(a, Map) else Map.of(a.pictures) for a in (dout, x)]
    return wide.parameter_gradients(team, *both)


def _tiles(team: Team, layer: Conv2d, form: Form, back: bool) -> Kernel:
    with _guard:
        kept = _TILES.setdefault(layer, {})
    kernel = kept.get((form, back))
    if kernel is None:
        again = (form, back) in kept
        w, bias = (backwards(layer.weight), None) if back else (layer.weight, layer.bias)
        kernel = transformed(team, w, bias, form, None if again else team.scratch[0])
        kept[form, back] = kernel if again else None
        _let_go(layer.weight)
        if again:
            team.scratch[0].drop("u")
    return kernel


def _let_go(w: Array) -> None:
    """Give the pages of a file that is mapped for reading back to the system; it reads them again if it must."""
    base: object = w
    while isinstance(base, np.ndarray):
        mapped = isinstance(base, np.memmap) and base.mode == "r"
        base = base.base
        if mapped and isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            base.madvise(mmap.MADV_DONTNEED)


def _flat(layer: Conv2d, back: bool) -> Array:
    with _guard:
        kept = _FLAT.setdefault(layer, {})
    if back not in kept:
        w, bias = (backwards(layer.weight), None) if back else (layer.weight, layer.bias)
        kept[back] = rows.flat_kernel(w, bias)
    return kept[back]
