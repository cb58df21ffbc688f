"""Kernels in the forms that the two ways of convolving want, made when first used and kept as long as the layer."""

import threading
from collections.abc import Iterable
from typing import TypeGuard
from weakref import WeakKeyDictionary

from numcam.nn.conv import Conv2d
from numcam.nn.fast import rows, wide
from numcam.nn.fast.gates import After
from numcam.nn.fast.maps import Map, Rows
from numcam.nn.fast.team import Scratch, Team
from numcam.nn.fast.winograd import Kernel, backwards, transformed
from numcam.nn.types import Array, Layer

NARROW = 32
"""Up to so many channels go row by row, and more by Winograd's tiles. Measured on one core: from 32 to 32 channels at
56x56 0.70 and 0.9 ms, from 64 to 64 at 28x28 0.94 and 0.6 ms."""

_TILES: WeakKeyDictionary[Conv2d, dict[bool, Kernel]] = WeakKeyDictionary()
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
        wide.conv(team, x, _tiles(layer, back), out, after)
    else:
        rows.conv(team, x if isinstance(x, Rows) else Rows.of(x.pictures), _flat(layer, back), out, after)


def parameter_gradients(team: Team, dout: Map | Rows, x: Map | Rows) -> tuple[Array, Array]:
    """dw (k, c, 3, 3) and db (k,)."""
    if isinstance(x, Map) and isinstance(dout, Map):
        return wide.parameter_gradients(team, dout, x)
    both = [a if isinstance(a, Rows) else Rows.of(a.pictures) for a in (dout, x)]
    return rows.parameter_gradients(team, *both)


def prepare(team: Team, layers: Iterable[Layer], back: bool = False) -> None:
    """Make the transformed kernels that are missing, the threads taking a layer each."""
    tiled = [layer for layer in layers if suits(layer) and layout(min(layer.weight.shape[:2])) is Map]
    with _guard:
        missing = [layer for layer in tiled if back not in _TILES.get(layer, {})]
    missing.sort(key=lambda layer: -layer.weight.size)

    def make(some: slice, _: Scratch) -> None:
        for layer in missing[some]:
            _tiles(layer, back)

    team.share(len(missing), 1, make)


def _tiles(layer: Conv2d, back: bool) -> Kernel:
    with _guard:
        kept = _TILES.setdefault(layer, {})
    if back not in kept:
        kept[back] = transformed(backwards(layer.weight), None) if back else transformed(layer.weight, layer.bias)
    return kept[back]


def _flat(layer: Conv2d, back: bool) -> Array:
    with _guard:
        kept = _FLAT.setdefault(layer, {})
    if back not in kept:
        w, bias = (backwards(layer.weight), None) if back else (layer.weight, layer.bias)
        kept[back] = rows.flat_kernel(w, bias)
    return kept[back]
