"""The forward and backward pass of a network on maps: what `Network.forward` and `Trace.backward` do, faster.

A 3x3 convolution, the ReLU after it and the 2x2 pooling after that are one step over rows that are still in the
cache. Only what cannot be had again is kept: the convolution's own output is computed once more if somebody asks for
it, and so is the gradient between a layer and the ReLU below it. What the engine does not know, it leaves to the layer
itself.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeGuard

from numcam.nn.conv import Conv2d
from numcam.nn.dropout import Dropout
from numcam.nn.fast import layers as on_maps
from numcam.nn.fast.kernels import kernel, prepare
from numcam.nn.fast.layers import After, Gate
from numcam.nn.fast.maps import Map
from numcam.nn.fast.team import Team, team
from numcam.nn.linear import Flatten, Linear
from numcam.nn.pool import MaxPool2d
from numcam.nn.relu import ReLU, deconvnet_relu_backward, guided_relu_backward, relu_backward
from numcam.nn.types import Array, Layer

Value = Array | Callable[[], Array]
"""An array, or how to get it."""

STEM_CHANNELS = 4
"""Up to so many input channels, im2col beats Winograd's transforms."""

GATES = {
    relu_backward: Gate(by_activation=True, by_gradient=False),
    guided_relu_backward: Gate(by_activation=True, by_gradient=True),
    deconvnet_relu_backward: Gate(by_activation=False, by_gradient=True),
}


class Pass:
    """One forward pass: every layer's output by name, and the maps among them."""

    def __init__(self, layers: Mapping[str, Layer], x: Array) -> None:
        self.layers = layers
        self.names = list(layers)
        self.values: dict[str, Value] = {"input": x}
        self.maps: dict[str, Map] = {}
        with team() as together:
            prepare(together, self.convolutions())
            here: Array | Map = x
            at = 0
            while at < len(self.names):
                here, at = self._step(together, here, at)

    def convolutions(self) -> list[Conv2d]:
        """The layers that Winograd's way suits."""
        return [layer for layer in self.layers.values() if _suits(layer) and layer.weight.shape[1] > STEM_CHANNELS]

    def _step(self, together: Team, here: Array | Map, at: int) -> tuple[Array | Map, int]:
        """The layer number `at`, and those after it that go with it; the new value and the next layer's number."""
        name, layer = self.names[at], self.layers[self.names[at]]
        if _suits(layer) and (isinstance(here, Map) or here.ndim == 4):
            return self._convolution(together, here, layer, at)
        out: Array | Map
        if isinstance(here, Map):
            if _halves(layer):
                out = self._keep(name, _pooled(here))
                _by_rows(together, out.n, out.rows, on_maps.pool(here, out), doubled=True)
                return out, at + 1
            here = here.pictures
        if isinstance(layer, Linear):
            out = on_maps.linear(together, here, layer.weight, layer.bias)
        else:
            out = layer.forward(here)
        self.values[name] = out
        return out, at + 1

    def _convolution(self, together: Team, here: Array | Map, layer: Conv2d, at: int) -> tuple[Map, int]:
        name = self.names[at]
        n, _, rows, cols = (here.pictures if isinstance(here, Map) else here).shape
        out = Map(n, len(layer.weight), rows, cols)
        if isinstance(here, Map) or layer.weight.shape[1] > STEM_CHANNELS:
            here = here if isinstance(here, Map) else Map.of(here)
            run = partial(_wide, here, layer)
        else:
            run = partial(_narrow, here, layer)
        after: list[After] = []
        last = out
        if isinstance(self._at(at + 1), ReLU):
            self.values[name] = partial(_again, run, out)
            at += 1
            after.append(on_maps.rectify(out))
            self._keep(self.names[at], out)
            if _halves(self._at(at + 1)) and min(rows, cols) > 1:
                at += 1
                last = self._keep(self.names[at], _pooled(out))
                after.append(on_maps.pool(out, last))
        else:
            self._keep(name, out)
        run(together, out, _all(after))
        return last, at + 1

    def _at(self, at: int) -> Layer | None:
        return self.layers[self.names[at]] if at < len(self.names) else None

    def _keep(self, name: str, out: Map) -> Map:
        self.maps[name] = out
        self.values[name] = out.pictures
        return out


def _suits(layer: Layer | None) -> TypeGuard[Conv2d]:
    """A 3x3 convolution with stride 1 and padding 1."""
    if not isinstance(layer, Conv2d):
        return False
    return (layer.stride, layer.padding, layer.weight.shape[2:]) == ((1, 1), (1, 1), (3, 3))


def _halves(layer: Layer | None) -> bool:
    return isinstance(layer, MaxPool2d) and layer.size == layer.stride == (2, 2)


def _pooled(x: Map) -> Map:
    return Map(x.n, x.c, x.rows // 2, x.cols // 2)


def _wide(x: Map, layer: Conv2d, together: Team, out: Map, after: After | None) -> None:
    on_maps.conv(together, x, kernel(layer), out, after)


def _narrow(x: Array, layer: Conv2d, together: Team, out: Map, after: After | None) -> None:
    on_maps.stem(together, x, layer.weight, layer.bias, out, after)


def _again(run: Callable[[Team, Map, After | None], None], like: Map) -> Array:
    """A convolution's output before the ReLU."""
    out = Map(like.n, like.c, like.rows, like.cols)
    with team() as together:
        run(together, out, None)
    return out.pictures


def _all(after: list[After]) -> After | None:
    def each(images: slice, rows: slice) -> None:
        for one in after:
            one(images, rows)

    return each if after else None


ROWS = 8


def _by_rows(together: Team, n: int, rows: int, after: After, doubled: bool = False) -> None:
    """Do what would be done after a convolution, without one; doubled: it counts the rows before pooling."""
    bands = -(-rows // ROWS)

    def block(units: slice, _: object) -> None:
        for image, band in (divmod(u, bands) for u in range(units.start, units.stop)):
            top, end = band * ROWS, min((band + 1) * ROWS, rows)
            after(slice(image, image + 1), slice(2 * top, 2 * end) if doubled else slice(top, end))

    together.share(n * bands, 1, block)


class Walk:
    """One backward pass over a Pass: the gradient with respect to every value, from the seed down to `stop`."""

    def __init__(
        self, record: Pass, read: Callable[[str], Array], seed: Array, rules: Mapping[type, object], stop: str
    ) -> None:
        self.record, self.read, self.rules, self.stop = record, read, rules, stop
        self.names = ["input", *record.names]
        self.values: dict[str, Value] = {self.names[-1]: seed}
        self.maps: dict[str, Map] = {}
        with team() as together:
            if record.maps:
                below = [self.names[i] for i in range(1, len(self.names)) if i > self.names.index(stop)]
                needed = [record.layers[n] for n in below if n in record.layers]
                prepare(together, [c for c in record.convolutions() if c in needed], back=True)
            at = len(self.names) - 1
            while self.names[at] != stop:
                at = self._step(together, at)

    def _step(self, together: Team, at: int) -> int:
        """Through the layer number `at`; the number of the value whose gradient is known then."""
        name, before = self.names[at], self.names[at - 1]
        layer = self.record.layers[name]
        rule = self.rules.get(type(layer))
        below = self.record.maps.get(before)
        if rule is None and below is not None and _suits(layer):
            into = partial(_back_wide, self._map(name), layer)
            return self._through(together, at, below, into)
        if rule is None and below is not None and _halves(layer) and name in self.record.maps:
            into = partial(_back_pool, self._map(name), below, self.record.maps[name])
            return self._through(together, at, below, into)
        self.values[before] = self._plainly(together, layer, rule, name, before)
        return at - 1

    def _through(self, together: Team, at: int, below: Map, into: "Into") -> int:
        """The gradient below the layer, and where that is a ReLU with a known rule, below the ReLU as well."""
        before = self.names[at - 1]
        relu = self.record.layers.get(before)
        gate = GATES.get(self.rules.get(ReLU, relu_backward)) if isinstance(relu, ReLU) else None  # type: ignore[call-overload]
        dx = Map(below.n, below.c, below.rows, below.cols)
        if gate is None or before == self.stop:
            into(together, dx, below, None)
            self.maps[before] = dx
            self.values[before] = dx.pictures
            return at - 1
        into(together, dx, below, gate)
        self.values[before] = partial(_ungated, into, below)
        self.maps[self.names[at - 2]] = dx
        self.values[self.names[at - 2]] = dx.pictures
        return at - 2

    def _map(self, name: str) -> Map:
        """The gradient with respect to this value as a map."""
        if name not in self.maps:
            self.maps[name] = Map.of(self._gradient(name))
        return self.maps[name]

    def _gradient(self, name: str) -> Array:
        value = self.values[name]
        return value() if callable(value) else value

    def _plainly(self, together: Team, layer: Layer, rule: object, name: str, before: str) -> Array:
        """What the plain engine does, or a matrix product shared among the threads."""
        dout = self._gradient(name)
        if rule is not None:
            return rule(dout, self.read(before))  # type: ignore[operator]  # Rules are functions
        if isinstance(layer, Linear):
            return on_maps.linear_backward(together, dout, layer.weight)
        if _suits(layer) and layer.weight.shape[1] <= STEM_CHANNELS:
            return on_maps.stem_backward(together, self._map(name), layer.weight)
        if isinstance(layer, Flatten | Dropout | ReLU):  # these need no more of x than its shape, or x itself
            return layer.backward(dout, self.read(before), dout)
        return layer.backward(dout, self.read(before), self.read(name))


Into = Callable[[Team, Map, Map, Gate | None], None]
"""into(team, dx, x, gate): compute dx, the gradient with respect to the map x, through the gate if there is one."""


def _back_wide(dout: Map, layer: Conv2d, together: Team, dx: Map, x: Map, gate: Gate | None) -> None:
    on_maps.conv(together, dout, kernel(layer, back=True), dx, gate.on(dx, x) if gate else None)


def _back_pool(dout: Map, x: Map, out: Map, together: Team, dx: Map, _: Map, gate: Gate | None) -> None:
    _by_rows(together, out.n, out.rows, on_maps.unpool(dout, x, out, dx, gate))


def _ungated(into: Into, below: Map) -> Array:
    """The gradient with respect to a ReLU's output, before its rule."""
    dx = Map(below.n, below.c, below.rows, below.cols)
    with team() as together:
        into(together, dx, below, None)
    return dx.pictures
