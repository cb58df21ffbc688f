"""Where a picture repeats itself, and with it every map made from it.

In a flat part of a picture the four values of a max pooling window are equal, and the first of them takes the gradient.
Winograd's tiles round each of the four in another way, so that any of them may come out largest. So what is equal is
not asked of the rounded values but of the picture: each place gets a label, an exact sum (modulo 2**64) over all that
its values are made from. Where two places have the same label, their values are equal but for rounding.
"""

from functools import lru_cache

import numpy as np

from numcam.nn.fast.forward import Pass, halves
from numcam.nn.fast.gates import corners
from numcam.nn.fast.kernels import layout, suits
from numcam.nn.fast.maps import Map
from numcam.nn.fast.team import Scratch, Team
from numcam.nn.relu import ReLU
from numcam.nn.types import Array


@lru_cache
def _odd(count: int) -> Array:
    """Odd factors. Multiplied by one, different numbers stay different; two sums agree by chance in one of 2**64."""
    drawn: Array = np.random.default_rng(count).integers(1 << 62, size=count, dtype=np.uint64)
    return 2 * drawn + 1


LEFT, RIGHT, ABOVE, BELOW = _odd(4)
FIRST, *CORNERS = _odd(5)
"""FIRST tells a place that holds zeros from none: outside the picture, labels are 0."""


def equal_corners(team: Team, record: Pass, name: str) -> list[tuple[int, int, Array]]:
    """Which 2x2 windows (n, rows // 2, cols // 2) of a map hold equal values: for two corners, the later one first.

    Nothing for maps that are not made by Winograd's tiles: their values repeat themselves to the last digit.
    """
    if not isinstance(record.maps[name], Map):
        return []
    if record.labels is None:
        record.labels = labels(team, record)
    if name not in record.labels:
        return []
    found = corners(record.labels[name])
    pairs = ((later, first, found[later] == found[first]) for later in (3, 2, 1) for first in range(later))
    return [(later, first, equal) for later, first, equal in pairs if equal.any()]


def labels(team: Team, record: Pass) -> dict[str, Array]:
    """Labels (n, rows, cols) by name, from the last values that are exact on, as far as is known what a layer does."""
    names = ["input", *record.names]
    start = _smallest_exact(record)
    if start is None:
        return {}
    here = of_values(team, np.asarray(record.values[start]))
    found = {start: here}
    for name in names[names.index(start) + 1 :]:
        layer = record.layers[name]
        if suits(layer):
            here = through_convolution(team, here)
        elif halves(layer):
            here = through_pooling(here)
        elif not isinstance(layer, ReLU):
            break
        found[name] = here
    return found


def _smallest_exact(record: Pass) -> str | None:
    """The name of the smallest value before the first tiles from which all is known; None where there are no tiles."""
    sizes = {"input": np.asarray(record.values["input"]).size}
    for name, layer in record.layers.items():
        if suits(layer) and layout(min(layer.weight.shape[:2])) is Map:
            return min(sizes, key=lambda name: sizes[name])
        if not (suits(layer) or halves(layer) or isinstance(layer, ReLU)):
            sizes = {}
        value = record.values[name]
        if not callable(value):
            sizes[name] = value.size
    return None


def of_values(team: Team, values: Array) -> Array:
    """Labels (n, rows, cols) of values (n, c, rows, cols): of all channels together, bit by bit."""
    n, c, rows, cols = values.shape
    factors = _odd(c)
    labels = np.full((n, rows, cols), FIRST)

    def some(pictures: slice, _: Scratch) -> None:
        bits = values[pictures].view(np.uint32)
        for channel, factor in enumerate(factors):
            labels[pictures] += np.multiply(bits[:, channel], factor, dtype=np.uint64)

    team.share(n, 1, some)
    return labels


def through_convolution(team: Team, labels: Array) -> Array:
    """Of the outputs of a 3x3 convolution with padding 1: a label of the nine labels around each place."""
    out = np.empty_like(labels)

    def some(pictures: slice, _: Scratch) -> None:
        within = labels[pictures]
        across = within.copy()
        across[:, :, 1:] += within[:, :, :-1] * LEFT
        across[:, :, :-1] += within[:, :, 1:] * RIGHT
        out[pictures] = across
        out[pictures, 1:] += across[:, :-1] * ABOVE
        out[pictures, :-1] += across[:, 1:] * BELOW

    team.share(len(labels), 1, some)
    return out


def through_pooling(labels: Array) -> Array:
    """Of the outputs of 2x2 pooling."""
    total = np.zeros_like(labels, shape=corners(labels)[0].shape)
    for corner, factor in zip(corners(labels), CORNERS, strict=True):
        total += corner * factor
    return total
