"""Ties in the fast engine: which places of its maps hold equal values, whatever rounding says (see `nn.repeats`)."""

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

from numcam.nn.activations import Elementwise
from numcam.nn.conv import Conv2d
from numcam.nn.dropout import Dropout
from numcam.nn.fast import rows
from numcam.nn.fast.gates import corners
from numcam.nn.fast.kernels import layout, suits
from numcam.nn.fast.maps import Kept, Rows
from numcam.nn.fast.team import Scratch, Team
from numcam.nn.norm import BatchNorm2d
from numcam.nn.pad import ZeroPad2d, pad2d
from numcam.nn.pool import AvgPool2d, MaxPool2d
from numcam.nn.relu import ReLU
from numcam.nn.repeats import MADE, first_alike, of_values, of_windows
from numcam.nn.types import Array, Layer

KNOWN = (Conv2d, ReLU, MaxPool2d, AvgPool2d, BatchNorm2d, Dropout, Elementwise, ZeroPad2d)
"""Layers of which it is known what each of their values is made from."""


CHUNK = 1 << 16
"""Places whose labels are made together: few calls, and sums that stay in the cache."""


class Labels:
    """Labels of the values of one pass by name, made when they are first asked for."""

    def __init__(self, layers: Mapping[str, Layer], values: Mapping[str, Array | Callable[[], Array]]) -> None:
        self.layers, self.values = layers, values
        self.equalised: set[str] = set()
        self.made: dict[str, Array] = {}

    def of(self, team: Team, name: str) -> Array | None:
        """(n, rows, cols); None behind a layer of which nothing is known."""
        path = [] if name in self.made else self._path(name)
        if path:
            values = np.asarray(self.values[path[0]])
            found: dict[int, list[Array]] = {}

            def some(pictures: slice, _: Scratch) -> None:
                each = found[pictures.start] = [of_values(values[pictures])]
                for name in path[1:]:
                    each.append(_through(self.layers[name], each[-1]))

            team.share(len(values), max(1, CHUNK // values[0, 0].size), some)
            parts = [found[start] for start in sorted(found)]
            self.made |= {name: np.concatenate(labels) for name, *labels in zip(path, *parts, strict=True)}
        return self.made.get(name)

    def _path(self, name: str) -> list[str]:
        """The names from the smallest exact value, and the nearest of those, to this one; none if there is none."""
        exact = self._exact(name)
        names = ["input", *self.layers]
        start = min(reversed(exact), key=lambda name: exact[name], default=None)
        return names[names.index(start) : names.index(name) + 1] if start else []

    def _exact(self, name: str) -> dict[str, int]:
        """Values up to this one that repeat themselves to the last digit, and from which all is known: their sizes."""
        sizes, exact = {"input": np.asarray(self.values["input"]).size}, True
        for before, here in pairwise(["input", *self.layers]):
            if before == name:
                break
            layer, value = self.layers[here], self.values[here]
            if not isinstance(layer, KNOWN):
                sizes = {}
            exact = here in self.equalised or (exact and self._exactly(layer, before))
            if exact and isinstance(value, np.ndarray):
                sizes[here] = value.size
        return sizes

    def _exactly(self, layer: Layer, before: str) -> bool:
        """Whether equal values of its input give equal values, to the last digit."""
        if not suits(layer):
            return True
        k, c = layer.weight.shape[:2]
        return layout(c) is Rows and rows.repeats_exactly(c, k, np.asarray(self.values[before]).shape[-1], layout(k))

    def equal_corners(self, team: Team, name: str) -> list[tuple[int, int, Array]]:
        """For a corner (1 ... 3) of the 2x2 windows of a map and the first that is equal to it: in which windows
        (n, rows // 2, cols // 2)."""
        labels = None if name in self._exact(name) else self.of(team, name)
        if labels is None:
            return []
        pairs = []
        for later, label in enumerate(found := corners(labels)):
            waiting = np.ones_like(label, bool)
            for first in range(later):
                equal = (label == found[first]) & waiting
                if equal.any():
                    pairs.append((later, first, equal))
                    waiting ^= equal
        return pairs

    def equalise(self, team: Team, name: str, map: Kept) -> None:
        """Give equal places of a map the value of the first of them, for layers that compare the values themselves."""
        labels = None if name in self._exact(name) else self.of(team, name)
        if labels is None:
            return
        for inside, alike in zip(map.inside, labels, strict=True):
            if (first := first_alike(alike)) is not None:
                inside[...] = inside.reshape(-1, map.c)[first].reshape(inside.shape)
        self.equalised.add(name)


def _through(layer: Layer, labels: Array) -> Array:
    """The labels of a layer's outputs."""
    if isinstance(layer, Conv2d):
        return of_windows(labels, layer.weight.shape[2:], layer.stride, layer.padding) + MADE
    if isinstance(layer, ZeroPad2d):
        return pad2d(labels[:, None], layer.edges)[:, 0]
    if isinstance(layer, MaxPool2d | AvgPool2d):
        edged = pad2d(labels[:, None], layer.padding)[:, 0]
        return of_windows(edged, layer.size, layer.stride) + (MADE if any(layer.padding) else np.uint64(0))
    return labels + MADE if isinstance(layer, BatchNorm2d | Elementwise) else labels
