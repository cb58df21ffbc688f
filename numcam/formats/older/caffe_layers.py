"""Caffe's protocol: a layer's message with its name, its kind, what it reads, and its arrays."""

from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import Any

import numpy as np

from numcam.formats.checkpoint import Refused, Tensor, shown
from numcam.formats.older.protobuf import fields, varints
from numcam.nn.types import Array, Shape

KINDS = {
    3: "Concat", 4: "Convolution", 5: "Data", 6: "Dropout", 8: "Flatten", 9: "HDF5Data", 12: "ImageData",
    14: "InnerProduct", 15: "LRN", 17: "Pooling", 18: "ReLU", 19: "Sigmoid", 20: "Softmax", 21: "SoftmaxWithLoss",
    22: "Split", 23: "TanH", 24: "WindowData", 25: "Eltwise", 26: "Power", 29: "MemoryData", 1: "Accuracy",
}  # fmt: skip
"""V1LayerParameter's kinds by the names that they have since."""


@dataclass
class Layer:
    """What a layer's message says. settings: messages of its kind's own parameters, by their numbers."""

    name: str = ""
    kind: str = ""
    bottoms: list[str] = field(default_factory=list)
    tops: list[str] = field(default_factory=list)
    blobs: list[Tensor] = field(default_factory=list)
    settings: dict[int, memoryview] = field(default_factory=dict)


def layer_of(data: memoryview, old: bool) -> Layer:
    found = Layer()
    name, kind, bottom, top, blobs = (4, 5, 2, 3, 6) if old else (1, 2, 3, 4, 7)
    for number, value in fields(data):
        if number == kind:
            found.kind = KINDS.get(value, f"layer of kind {value}") if isinstance(value, int) else _text(value)
        elif number == name:
            found.name = _text(value)
        elif number == bottom:
            found.bottoms.append(_text(value))
        elif number == top:
            found.tops.append(_text(value))
        elif number == blobs and isinstance(value, memoryview):
            found.blobs.append(_blob(value))
        elif isinstance(value, memoryview):
            found.settings[number] = value
    return found


def _text(value: Any) -> str:
    if not isinstance(value, memoryview):
        raise Refused("a name in it is no text; the file is damaged")
    return shown(bytes(value[:200]).decode("utf-8", "replace"), 120)


def _blob(data: memoryview) -> Tensor:
    """An array: its sides as four numbers, or as a shape of its own, and its values in one piece."""
    sides, shape, values, width = [1, 1, 1, 1], None, None, 4
    for number, value in fields(data):
        if 1 <= number <= 4 and isinstance(value, int):
            sides[number - 1] = value
        elif number == 7 and isinstance(value, memoryview):
            shape = [
                n for at, v in fields(value) if at == 1 for n in (varints(v) if isinstance(v, memoryview) else [v])
            ]
        elif number in (5, 8):
            if values is not None or not isinstance(value, memoryview):
                raise Refused("the values of an array do not lie in one piece, as every Caffe writes them")
            values, width = value, 4 if number == 5 else 8
    known = tuple(int(n) for n in (sides if shape is None else shape))
    if values is None or not all(0 < n < 1 << 31 for n in known) or prod(known) * width != len(values):
        count = 0 if values is None else len(values) // width
        raise Refused(f"an array of shape {known} has {count:,} values; the file is damaged")
    return Tensor(known, "float32" if width == 4 else "float64", partial(_read, values, width, known))


def _read(values: memoryview, width: int, shape: Shape) -> Array:
    array = np.frombuffer(values, f"<f{width}").reshape(shape)
    return np.array(array, np.float32)  # aligned, which the bytes of a message are not
