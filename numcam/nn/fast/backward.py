"""The backward pass over a Pass: what `Trace.backward` does, faster.

The gradient goes through a convolution and the ReLU below it, or through pooling and the ReLU below that, in one step.
The gradient between the two is not kept, and computed once more if somebody asks for it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from numcam.nn.conv import Conv2d
from numcam.nn.dropout import Dropout
from numcam.nn.fast.dense import linear_backward
from numcam.nn.fast.forward import Pass, Value, halves, over_rows
from numcam.nn.fast.gates import Gate, unpool
from numcam.nn.fast.kernels import convolve, layout, parameter_gradients, suits
from numcam.nn.fast.maps import Map, Rows
from numcam.nn.fast.stem import CHANNELS, stem_gradient
from numcam.nn.fast.team import Team, team
from numcam.nn.linear import Flatten, Linear
from numcam.nn.relu import ReLU, deconvnet_relu_backward, guided_relu_backward, relu_backward
from numcam.nn.types import Array, Layer

GATES: Mapping[object, Gate] = {
    relu_backward: Gate(by_activation=True, by_gradient=False),
    guided_relu_backward: Gate(by_activation=True, by_gradient=True),
    deconvnet_relu_backward: Gate(by_activation=False, by_gradient=True),
}

Into = Callable[[Team, Map | Rows, Map | Rows, Gate | None], None]
"""into(team, dx, x, gate): compute dx, the gradient with respect to the map x, through the gate if there is one."""


class Walk:
    """One backward pass: the gradient with respect to every value, from the seed down to `stop`."""

    def __init__(
        self, record: Pass, read: Callable[[str], Array], seed: Array, rules: Mapping[type, object], stop: str
    ) -> None:
        self.record, self.read, self.rules, self.stop = record, read, rules, stop
        self.names = ["input", *record.names]
        self.values: dict[str, Value] = {self.names[-1]: seed}
        self.maps: dict[str, Map | Rows] = {}
        with team() as together:
            at = len(self.names) - 1
            while self.names[at] != stop:
                at = self._step(together, at)

    def _step(self, together: Team, at: int) -> int:
        """Through the layer number `at`; the number of the value whose gradient is known then."""
        name, before = self.names[at], self.names[at - 1]
        layer = self.record.layers[name]
        rule = self.rules.get(type(layer))
        below = self.record.maps.get(before)
        if rule is None and below is not None and suits(layer):
            return self._through(together, at, below, partial(_back_convolution, self.map(name), layer))
        if rule is None and below is not None and halves(layer) and name in self.record.maps:
            equal = self.record.labels.equal_corners(together, before)
            into = partial(_back_pool, self.map(name), self.record.maps[name], equal)
            return self._through(together, at, below, into)
        self.values[before] = self._plainly(together, layer, rule, name, before)
        return at - 1

    def _through(self, together: Team, at: int, below: Map | Rows, into: Into) -> int:
        """The gradient below the layer, and where that is a ReLU with a known rule, below the ReLU as well."""
        before = self.names[at - 1]
        relu = self.record.layers.get(before)
        gate = GATES.get(self.rules.get(ReLU, relu_backward)) if isinstance(relu, ReLU) else None
        dx = below.like()
        if gate is None or before == self.stop:
            into(together, dx, below, None)
            return self._keep(at - 1, dx)
        into(together, dx, below, gate)
        self.values[before] = partial(_ungated, into, below)
        return self._keep(at - 2, dx)

    def _keep(self, at: int, dx: Map | Rows) -> int:
        self.maps[self.names[at]] = dx
        self.values[self.names[at]] = dx.pictures
        return at

    def map(self, name: str) -> Map | Rows:
        """The gradient with respect to this value as a map."""
        if name not in self.maps:
            gradient = self.gradient(name)
            self.maps[name] = layout(gradient.shape[1]).of(gradient)
        return self.maps[name]

    def gradient(self, name: str) -> Array:
        """The gradient with respect to this value."""
        value = self.values[name]
        return value() if callable(value) else value

    def _plainly(self, together: Team, layer: Layer, rule: object, name: str, before: str) -> Array:
        """What the plain engine does, or a matrix product shared among the threads."""
        if rule is None and suits(layer):
            return _first(together, self.map(name), layer)
        dout = self.gradient(name)
        if rule is not None:
            return rule(dout, self.read(before))  # type: ignore[operator]  # Rules are functions
        if isinstance(layer, Linear):
            return linear_backward(together, dout, layer.weight)
        if isinstance(layer, Flatten | Dropout | ReLU):  # these need no more of x than its shape, or x itself
            return layer.backward(dout, self.read(before), dout)
        return layer.backward(dout, self.read(before), self.read(name))

    def parameter_gradients(self, name: str, before: str) -> dict[str, Array]:
        """d(score)/d(parameter) of the layer `name`, whose output gradient is known."""
        layer = self.record.layers[name]
        if not suits(layer):
            return layer.parameter_gradients(self.gradient(name), self.read(before))
        dout = self.map(name)
        x = self.record.maps.get(before) or layout(layer.weight.shape[1]).of(self.read(before))
        with team() as together:
            dw, db = parameter_gradients(together, dout, x)
        return {"weight": dw, "bias": db}


def _first(together: Team, dout: Map | Rows, layer: Conv2d) -> Array:
    """The gradient of an input that is no map: mostly the pixels."""
    c = layer.weight.shape[1]
    if isinstance(dout, Map) and c <= CHANNELS:
        return stem_gradient(together, dout, layer.weight)
    dx = layout(c)(dout.n, c, dout.rows, dout.cols)
    convolve(together, dout, layer, dx, back=True)
    return dx.pictures


def _back_convolution(
    dout: Map | Rows, layer: Conv2d, together: Team, dx: Map | Rows, x: Map | Rows, gate: Gate | None
) -> None:
    convolve(together, dout, layer, dx, gate.on(dx, x) if gate else None, back=True)


def _back_pool(
    dout: Map | Rows,
    out: Map | Rows,
    equal: Sequence[tuple[int, int, Array]],
    together: Team,
    dx: Map | Rows,
    x: Map | Rows,
    gate: Gate | None,
) -> None:
    over_rows(together, out, unpool(dout, x, out, dx, gate, equal))


def _ungated(into: Into, below: Map | Rows) -> Array:
    """The gradient with respect to a ReLU's output, before its rule."""
    dx = below.like()
    with team() as together:
        into(together, dx, below, None)
    return dx.pictures
