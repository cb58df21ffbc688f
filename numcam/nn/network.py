"""A network is a chain of layers; a trace is the record of one forward pass through it, and backpropagation walks
that record in reverse.

Using a network never changes it: what the backward pass needs is in the trace, and how it treats a ReLU is an
argument of `Trace.backward`, a table from layer type to rule.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from numpy.typing import DTypeLike

from numcam.nn.fast import Pass, Value, Walk
from numcam.nn.relu import ReLU, deconvnet_relu_backward, guided_relu_backward, relu_backward
from numcam.nn.softmax import OUTPUTS, probabilities
from numcam.nn.types import Array, Layer, Random, Shape

Rule = Callable[[Array, Array], Array]
"""rule(dout, x) -> dx, where x is the layer's input."""

Rules = Mapping[type, Rule]

STANDARD: Rules = MappingProxyType({ReLU: relu_backward})
GUIDED: Rules = MappingProxyType({ReLU: guided_relu_backward})
DECONVNET: Rules = MappingProxyType({ReLU: deconvnet_relu_backward})

Target = int | Iterable[int] | Array
ENGINES = ("plain", "fast")


class Network:
    """A chain of named layers, given as a mapping or as pairs (name, layer), first to last.

    output: what makes probabilities of its logits, "softmax", or "sigmoid" where each class has its own.
    """

    def __init__(self, layers: Mapping[str, Layer] | Iterable[tuple[str, Layer]], output: str = "softmax") -> None:
        if output not in OUTPUTS:
            raise ValueError(f'the output is "softmax" or "sigmoid"; got {output!r}')
        self.output = output
        pairs = list(layers.items() if isinstance(layers, Mapping) else layers)
        names = [name for name, _ in pairs]
        if not pairs or "input" in names or len(set(names)) != len(names):
            raise ValueError(f'a network needs layers of different names, none called "input"; got {names}')
        self.layers: Mapping[str, Layer] = MappingProxyType(dict(pairs))

    @property
    def parameters(self) -> dict[str, Array]:
        """Every learned array, as "conv1_1.weight"."""
        return {f"{name}.{key}": a for name, layer in self.layers.items() for key, a in layer.parameters.items()}

    def with_parameters(self, parameters: Mapping[str, Array]) -> "Network":
        """The same chain with other arrays, all of `parameters` replaced."""
        layers = (
            (name, layer.with_parameters({key: parameters[f"{name}.{key}"] for key in layer.parameters}))
            for name, layer in self.layers.items()
        )
        return Network(layers, self.output)

    def astype(self, dtype: DTypeLike) -> "Network":
        """The network in another precision; itself where it is that already."""
        if all(a.dtype == dtype for a in self.parameters.values()):
            return self
        return self.with_parameters({name: a.astype(dtype) for name, a in self.parameters.items()})

    def thinned(self, seed: int) -> "Network":
        """One draw of what is random in training: a network whose Dropout layers drop fixed units."""
        layers = (
            (name, layer.thinned(seed + i) if isinstance(layer, Random) else layer)
            for i, (name, layer) in enumerate(self.layers.items())
        )
        return Network(layers, self.output)

    def shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """The shape of "input" and of every layer's output; ValueError naming the layer that does not fit."""
        shapes = {"input": tuple(input_shape)}
        shape = shapes["input"]
        for name, layer in self.layers.items():
            try:
                shape = layer.output_shape(shape)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
            shapes[name] = shape
        return shapes

    def forward(self, x: Array, engine: str = "fast") -> "Trace":
        """Run a batch through all layers. x (n, ...) float32 or float64; every array of the trace has its dtype.

        engine: "plain", each layer's own forward and backward, as its file tells it; "fast", the same numbers in
        float32, to rounding, in a fraction of the time (`numcam.nn.fast`). float64 is always plain. Gates and
        pooling windows that rounding decides may fall the other way, which moves single values of a gradient.
        ValueError for another name, and for a batch without pictures.
        """
        if engine not in ENGINES:
            raise ValueError(f'engine is "plain" or "fast"; got {engine!r}')
        x = np.asarray(x)
        if x.dtype not in (np.float32, np.float64):
            raise ValueError(f"the network takes float32 or float64; got {x.dtype}. Preprocess pictures first.")
        if x.size == 0:
            raise ValueError(f"a batch holds one picture or more, and none of them empty; got shape {x.shape}")
        self.shapes(x.shape)
        network = self.astype(x.dtype)
        x = x.copy()  # the caller may go on writing into theirs
        if x.dtype == np.float32 and engine == "fast":
            record = Pass(network.layers, x)
            return Trace(network, record.values, record)
        arrays = {"input": x}
        for name, layer in network.layers.items():
            x = arrays[name] = layer.forward(x)
        return Trace(network, arrays)

    def __repr__(self) -> str:
        return "Network(\n" + "".join(f"  {name}: {layer!r}\n" for name, layer in self.layers.items()) + ")"


class Values(Mapping[str, Array]):
    """Arrays by name, of which some are computed when they are first asked for."""

    def __init__(self, values: Mapping[str, Value], writeable: bool, walk: Walk | None = None) -> None:
        self._values, self._writeable, self.walk = dict(values), writeable, walk
        for name, value in values.items():
            if not callable(value):
                self._set(name, value)

    def __getitem__(self, name: str) -> Array:
        value = self._values[name]
        return self._set(name, value()) if callable(value) else value

    def __contains__(self, name: object) -> bool:
        return name in self._values  # without computing it

    def _set(self, name: str, value: Array) -> Array:
        self._values[name] = view = value.view()
        view.flags.writeable = self._writeable and value.flags.writeable
        return view

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Trace(Mapping[str, Array]):
    """The record of one forward pass: trace["input"], then every layer's output by name, all read-only."""

    def __init__(self, network: Network, arrays: Mapping[str, Value], record: Pass | None = None) -> None:
        self.network = network
        self._record = record
        self._arrays = Values(arrays, writeable=False)

    def __getitem__(self, name: str) -> Array:
        try:
            return self._arrays[name]
        except KeyError:
            raise KeyError(f"no layer {name!r}; there are {', '.join(self._arrays)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def output(self) -> Array:
        """The last layer's output, (n, classes) for a classifier."""
        return self._arrays[list(self._arrays)[-1]]

    def probabilities(self, dtype: DTypeLike = np.float64) -> Array:
        """What the network makes of its logits, (n, classes): softmax, or sigmoids, in this precision."""
        return probabilities(self.output.astype(dtype), self.network.output)

    def backward(self, target: Target, rules: Rules = STANDARD, stop: str = "input") -> Mapping[str, Array]:
        """d(score)/d(trace[name]) for every name from the last layer down to `stop`; nothing below it is computed.

        target: a class index, one index per picture, or an array shaped like the output, which seeds the walk (the
        score is then the sum of output * target). Where the network ends in maps, an index is a channel, and the
        score its sum over all places. rules: how to go back through a type of layer, where not by its
        derivative. ValueError for an unknown `stop` or a target that does not fit.
        """
        self._require(stop)
        strays = [key for key in rules if not isinstance(key, type)]
        if strays:
            raise ValueError(f"rules are given by type of layer, as in {{ReLU: rule}}; got {strays[0]!r}")
        names = list(self._arrays)
        if self._record:
            walk = Walk(self._record, self.__getitem__, self._seed(target), rules, stop)
            return Values(walk.values, writeable=True, walk=walk)
        grads = {names[-1]: self._seed(target)}
        for name, before in pairwise(reversed(names)):
            if name == stop:
                break
            layer, x = self.network.layers[name], self._arrays[before]
            rule = rules.get(type(layer))
            grads[before] = rule(grads[name], x) if rule else layer.backward(grads[name], x, self._arrays[name])
        return grads

    def parameter_gradients(self, grads: Mapping[str, Array]) -> dict[str, Array]:
        """d(score)/d(parameter) by "conv1_1.weight", for the layers whose output gradient is in `grads`."""
        walk = grads.walk if isinstance(grads, Values) else None
        found: dict[str, Array] = {}
        for before, name in pairwise(self._arrays):
            layer = self.network.layers[name]
            if name in grads and layer.parameters:
                plain = layer.parameter_gradients
                of = walk.parameter_gradients(name, before) if walk else plain(grads[name], self._arrays[before])
                found |= {f"{name}.{key}": gradient for key, gradient in of.items()}
        return found

    def _require(self, name: str) -> None:
        if name not in self._arrays:
            raise ValueError(f"no layer {name!r} to stop at; there are {', '.join(self._arrays)}")

    def _seed(self, target: Target) -> Array:
        """The gradient of the score with respect to the output."""
        out = self.output
        if isinstance(target, str):
            raise ValueError(f"target is a class index; classifier.index({target!r}) gives that of a name")
        given = np.asarray(target if isinstance(target, int) or hasattr(target, "__array__") else list(target))
        if given.shape == out.shape and given.dtype.kind == "f":
            return given.astype(out.dtype)
        n, classes = out.shape[:2]
        if given.dtype.kind not in "iu" or given.shape not in ((), (n,)):
            raise ValueError(
                f"target must be a class index, {n} indices, or a float array {out.shape}; "
                f"got {given.dtype} of shape {given.shape}"
            )
        if (given < 0).any() or (given >= classes).any():
            raise ValueError(f"class indices run from 0 to {classes - 1}; got {given.tolist()}")
        seed = np.zeros_like(out)
        seed[np.arange(n), given] = 1
        return seed
