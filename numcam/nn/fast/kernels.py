"""Transformed kernels, made when a layer is first used and kept as long as the layer."""

import threading
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from numcam.nn.conv import Conv2d
from numcam.nn.fast.team import Team
from numcam.nn.fast.winograd import Kernel, backwards, transformed

_KEPT: WeakKeyDictionary[Conv2d, dict[bool, Kernel]] = WeakKeyDictionary()
_guard = threading.Lock()


def kernel(layer: Conv2d, back: bool = False) -> Kernel:
    """The layer's kernel for the forward pass, or for its input gradient."""
    with _guard:
        kept = _KEPT.setdefault(layer, {})
    if back not in kept:
        kept[back] = transformed(backwards(layer.weight), None) if back else transformed(layer.weight, layer.bias)
    return kept[back]


def prepare(team: Team, layers: Iterable[Conv2d], back: bool = False) -> None:
    """Make what is missing, the threads taking a layer each."""
    with _guard:
        missing = [layer for layer in layers if back not in _KEPT.get(layer, {})]
    missing.sort(key=lambda layer: -layer.weight.size)

    def make(some: slice, _: object) -> None:
        for layer in missing[some]:
            kernel(layer, back)

    team.share(len(missing), 1, make)
