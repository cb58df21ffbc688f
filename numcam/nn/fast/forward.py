"""The forward pass of a network on maps: what `Network.forward` does, faster.

A 3x3 convolution, the ReLU after it and the 2x2 pooling after that are one step over rows that are still in the
cache. Only what cannot be had again is kept: the convolution's own output is computed once more if somebody asks for
it. What the engine does not know, it leaves to the layer itself.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeGuard

from numcam.nn.conv import Conv2d
from numcam.nn.fast.dense import linear
from numcam.nn.fast.gates import After, pool, rectify
from numcam.nn.fast.kernels import convolve, layout, suits
from numcam.nn.fast.maps import Map, Rows
from numcam.nn.fast.repeats import Labels
from numcam.nn.fast.team import Scratch, Team, team
from numcam.nn.linear import Linear
from numcam.nn.pool import GlobalMaxPool2d, MaxPool2d
from numcam.nn.relu import ReLU
from numcam.nn.types import Array, Layer

Value = Array | Callable[[], Array]
"""An array, or how to get it."""

CHUNK = 1 << 16
"""Values of an output that are pooled together, or taken back through pooling: few calls, all within the cache."""


class Pass:
    """One forward pass: every layer's output by name, and the maps among them."""

    def __init__(self, layers: Mapping[str, Layer], x: Array) -> None:
        self.layers = layers
        self.names = list(layers)
        self.values: dict[str, Value] = {"input": x}
        self.maps: dict[str, Map | Rows] = {}
        self.labels = Labels(layers, self.values)
        with team() as together:
            here: Array | Map | Rows = x
            at = 0
            while at < len(self.names):
                here, at = self._step(together, here, at)

    def _step(self, together: Team, here: Array | Map | Rows, at: int) -> tuple[Array | Map | Rows, int]:
        """The layer number `at`, and those after it that go with it; the new value and the next layer's number."""
        name, layer = self.names[at], self.layers[self.names[at]]
        if suits(layer):
            x = here if isinstance(here, Map | Rows) else layout(here.shape[1]).of(here)
            return self._convolution(together, x, layer, at)
        if isinstance(here, Map | Rows):
            if halves(layer):
                pooled = self._keep(name, _pooled(here))
                over_rows(together, pooled, pool(here, pooled), doubled=True)
                return pooled, at + 1
            if any(isinstance(self.layers[ahead], MaxPool2d | GlobalMaxPool2d) for ahead in self.names[at:]):
                self.labels.equalise(together, self.names[at - 1], here)
            here = here.pictures
        out = linear(together, here, layer.weight, layer.bias) if isinstance(layer, Linear) else layer.forward(here)
        self.values[name] = out
        return out, at + 1

    def _convolution(self, together: Team, x: Map | Rows, layer: Conv2d, at: int) -> tuple[Map | Rows, int]:
        k = len(layer.weight)
        out = last = layout(k)(x.n, k, x.rows, x.cols)
        if not isinstance(self._at(at + 1), ReLU):
            convolve(together, x, layer, self._keep(self.names[at], out))
            return out, at + 1
        self.values[self.names[at]] = partial(_again, x, layer)
        after = [rectify(out)]
        at += 1
        self._keep(self.names[at], out)
        if halves(self._at(at + 1)) and min(x.rows, x.cols) > 1:
            at += 1
            last = self._keep(self.names[at], _pooled(out))
            after.append(pool(out, last))
        convolve(together, x, layer, out, _all(after))
        return last, at + 1

    def _at(self, at: int) -> Layer | None:
        return self.layers[self.names[at]] if at < len(self.names) else None

    def _keep(self, name: str, out: Map | Rows) -> Map | Rows:
        self.maps[name] = out
        self.values[name] = out.pictures
        return out


def halves(layer: Layer | None) -> TypeGuard[MaxPool2d]:
    """Max pooling of 2x2 windows side by side."""
    return isinstance(layer, MaxPool2d) and layer.size == layer.stride == (2, 2) and not any(layer.padding)


def over_rows(together: Team, like: Map | Rows, after: After, doubled: bool = False) -> None:
    """Do to all rows of `like` what would be done after a convolution; doubled: to twice as many."""
    factor = 2 if doubled else 1

    def band(images: slice, rows: slice, _: Scratch) -> None:
        after(images, slice(factor * rows.start, factor * rows.stop))

    alone = like.n * like.rows * like.cols * like.c <= CHUNK
    together.bands(like.n, like.rows, max(1, CHUNK // (like.cols * like.c)), band, alone=alone)


def _pooled(x: Map | Rows) -> Map | Rows:
    return type(x)(x.n, x.c, x.rows // 2, x.cols // 2)


def _again(x: Map | Rows, layer: Conv2d) -> Array:
    """A convolution's output before the ReLU."""
    out = layout(len(layer.weight))(x.n, len(layer.weight), x.rows, x.cols)
    with team() as together:
        convolve(together, x, layer, out)
    return out.pictures


def _all(after: list[After]) -> After:
    def each(images: slice, rows: slice) -> None:
        for one in after:
            one(images, rows)

    return each
