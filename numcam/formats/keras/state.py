"""What has been read of a Keras model so far, and how its settings and arrays are looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any

import numpy as np

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.keras.config import KerasLayer
from numcam.formats.steps import Parameter, Step, output_shape
from numcam.models.preprocessing import Affine
from numcam.nn.types import Array, Pair, Shape

MOST_VALUES = 1 << 30

FIRST, LAST = "channels_first", "channels_last"

ORDERED = (
    "Conv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "ZeroPadding2D",
)  # fmt: skip
"""Layers that state the order of the axes."""


@dataclass
class Model:
    """What has been read so far. shape: (c, rows, cols) or (units,), whatever the order that Keras keeps them in.

    flattened: (rows, cols, c) where units still stand in that order. end: the activation that came last, with its name
    in the file, as long as it may be what gives the probabilities. assumed: what the configuration leaves open.
    """

    tensors: Mapping[str, Tensor]
    shape: Shape
    order: str = LAST
    steps: list[Step] = field(default_factory=list)
    scaled: list[Affine] = field(default_factory=list)
    flattened: tuple[int, int, int] | None = None
    end: tuple[str, str] | None = None
    assumed: list[str] = field(default_factory=list)
    uneven: list[str] = field(default_factory=list)
    """Average poolings whose values at the edges Keras computes in two ways."""

    scales: bool = False
    """Whether its first layers scale pixels themselves."""

    def add(
        self, type: str, layer: KerasLayer, parameters: Mapping[str, Parameter] | None = None, **settings: Any
    ) -> None:
        """One more step."""
        self.go_on()
        self._add(Step(type, layer.name, settings, parameters or {}))

    def go_on(self) -> None:
        """What might have given the probabilities is followed by something, and so a layer among others."""
        if self.end:
            kind, source = self.end
            self.end = None
            if kind == "softmax" and len(self.shape) != 1:
                raise Refused(f"its layer {source!r} takes a softmax in each place, which numcam does not compute")
            self._add(Step({"softmax": "Softmax", "sigmoid": "Sigmoid"}[kind], source))

    def _add(self, step: Step) -> None:
        self.shape = output_shape(step, self.shape)
        if prod(self.shape) > MOST_VALUES:
            raise Refused(f"its layer {step.source!r} would give {prod(self.shape):,} values for one picture")
        self.steps.append(step)

    def arrays(self, layer: KerasLayer, *wanted: str) -> list[Tensor]:
        """The layer's arrays by Keras's names, in Keras's order."""
        return [array_of(self.tensors, layer, i, name) for i, name in enumerate(wanted)]

    def maps(self, layer: KerasLayer) -> tuple[int, int, int]:
        """(c, rows, cols) of the input of a layer that needs rows and columns in Keras's order of this model."""
        if len(self.shape) != 3:
            raise Refused(f"{layer.title} that takes maps, but gets {self.shape[0]:,} units")
        order = layer.config.get("data_format") or self.order
        if order != self.order:
            raise Refused(f"{layer.title} with data_format {order!r} in a model that is {self.order!r}")
        c, rows, cols = self.shape
        return c, rows, cols


def order_of(layers: Sequence[KerasLayer]) -> str:
    """Which axis has the channels: as layers state it, or else as the input's shape shows."""
    for one in layers:
        if one.kind in ORDERED and one.config.get("data_format"):
            return str(one.config["data_format"])
    shape = next((s for one in layers if isinstance(s := _input_shape(one.config), list)), [])
    return FIRST if len(shape) == 4 and shape[1] == 3 != shape[3] else LAST


def stated_size(layers: Sequence[KerasLayer], given: object) -> tuple[int | None, int | None, int]:
    """The rows and columns that the model's input states, None where it leaves them open, and its channels; Refused
    unless it takes pictures. given: the build_input_shape of a model whose layers say nothing."""
    shapes = (_input_shape(one.config) for one in layers)
    shape = next((s for s in shapes if s), None) or given
    order = order_of(layers)
    if not isinstance(shape, list) or len(shape) != 4:
        if shape is None:
            return None, None, 3
        raise Refused(f"its input has the shape {shape}; expected pictures, [None, rows, columns, 3]")
    rows, cols, c = (shape[2], shape[3], shape[1]) if order == FIRST else (shape[1], shape[2], shape[3])
    c = 3 if c is None else c
    if not isinstance(c, int) or not 1 <= c <= 4096:
        raise Refused(f"its input has {str(c)[:20]} channels; expected those of pictures")
    for side in (rows, cols):
        if side is not None and not (isinstance(side, int) and 1 <= side <= 4096):
            raise Refused(f"its input is {rows}x{cols}; expected sides from 1 to 4096")
    return rows, cols, c


def _input_shape(config: Mapping[str, Any]) -> object:
    return config.get("batch_shape") or config.get("batch_input_shape")


def array_of(tensors: Mapping[str, Tensor], layer: KerasLayer, index: int, name: str) -> Tensor:
    """In a .keras file by number in the layer's group, in an .h5 by name below the outermost layer's."""
    numbered = f"{layer.group}vars/{index}"
    if numbered in tensors:
        return tensors[numbered]
    top = layer.models[0] if layer.models else layer.name
    within = []
    for path in tensors:
        parts = path.removeprefix("model_weights/").split("/")
        if parts[0] == top and parts[-1].partition(":")[0] == name and len(parts) > 1:
            within.append((parts, path))
    own = [(parts, path) for parts, path in within if layer.name in parts[:-1]] or within
    if len(own) > 1:
        own = [(p, path) for p, path in own if p[-2] == layer.name and all(m in p for m in layer.models)] or own
    if len(own) != 1:
        many = f"{len(own)} arrays could be" if own else "the file lacks"
        raise Refused(f"{many} the {name} of its layer {layer.name!r} ({layer.kind})")
    return tensors[own[0][1]]


def pair_of(value: object, name: str, layer: KerasLayer) -> Pair:
    pair = [value, value] if isinstance(value, int) else value
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(v, int) and 1 <= v <= 4096 for v in pair)):
        raise Refused(f"its layer {layer.name!r} has {name} {value!r}; expected one or two whole numbers from 1")
    return pair[0], pair[1]


def count_of(value: object, name: str, layer: KerasLayer) -> int:
    if not isinstance(value, int) or not 1 <= value <= 1 << 20:
        raise Refused(f"its layer {layer.name!r} has {name} {value!r}; expected a whole number from 1")
    return value


def number_of(layer: KerasLayer, *names: str, default: float) -> float:
    value = next((layer.config[name] for name in names if layer.config.get(name) is not None), default)
    if isinstance(value, dict):  # Keras 2 wrote array scalars as {"class_name": "__numpy__", "config": {"value": ...}}
        value = value.get("value", value.get("config", {}).get("value"))
    if not isinstance(value, int | float) or not isfinite(value):
        raise Refused(f"its layer {layer.name!r} has {names[0]} {value!r}; expected a number")
    return float(value)


def numbers_of(layer: KerasLayer, key: str, default: float) -> Array:
    value = layer.config.get(key, default)
    if isinstance(value, dict):
        value = value.get("value", value.get("config", {}).get("value"))
    numbers = np.ravel(np.asarray(value if value is not None else default, dtype=np.float64))
    if numbers.size not in (1, 3, 4) or not np.isfinite(numbers).all():
        raise Refused(f"its layer {layer.name!r} has {key} {str(value)[:80]}; expected one number, or one a channel")
    return numbers
