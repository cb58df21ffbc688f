"""A chain of any layers, described so that a file can hold it: names, types and settings, with the arrays beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numcam.nn import (
    ELU,
    GELU,
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    ClippedReLU,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Network,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    ZeroPad2d,
)
from numcam.nn.types import Array, Layer

CHAIN = "chain"
"""The architecture of a network that is none of the table in `vgg`."""

TYPES: Mapping[str, type] = {
    kind.__name__: kind
    for kind in (
        AdaptiveAvgPool2d, AvgPool2d, BatchNorm1d, BatchNorm2d, ClippedReLU, Conv2d, ELU, Flatten, GELU,
        GlobalAvgPool2d, GlobalMaxPool2d, LeakyReLU, Linear, MaxPool2d, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh,
        ZeroPad2d,
    )
}  # fmt: skip

ARRAYS: Mapping[str, tuple[str, ...]] = {
    "Conv2d": ("weight", "bias"),
    "Linear": ("weight", "bias"),
    "BatchNorm1d": ("mean", "variance", "weight", "bias"),
    "BatchNorm2d": ("mean", "variance", "weight", "bias"),
}
"""The parameters of the types that have some, which are also the names of their arguments."""

STEMS = {
    "Conv2d": "conv", "Linear": "fc", "BatchNorm1d": "norm", "BatchNorm2d": "norm", "MaxPool2d": "pool",
    "AvgPool2d": "pool", "ZeroPad2d": "pad", "GlobalAvgPool2d": "avgpool", "GlobalMaxPool2d": "maxpool",
    "ClippedReLU": "relu", "AdaptiveAvgPool2d": "avgpool",
}  # fmt: skip
"""What a layer's name begins with, where it is not its type in small letters."""


WHOLE = ("Flatten", "GlobalAvgPool2d", "GlobalMaxPool2d")
"""What ends the rows and columns."""


@dataclass(frozen=True)
class Described:
    """One layer: its name, the name of its type, and its type's arguments but for arrays. source: its name in the file
    that it was read from, if it has one there."""

    name: str
    type: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its arrays in the network: "conv1_1.weight"."""
        return tuple(f"{self.name}.{key}" for key in ARRAYS.get(self.type, ()))


def chained(layers: Sequence[Described], parameters: Mapping[str, Array], output: str = "softmax") -> Network:
    """The network of these layers. ValueError where a setting or an array does not fit its type."""
    return Network(((one.name, _layer(one, parameters)) for one in layers), output)


def _layer(one: Described, parameters: Mapping[str, Array]) -> Layer:
    arrays = {key: parameters[f"{one.name}.{key}"] for key in ARRAYS.get(one.type, ())}
    layer: Layer = TYPES[one.type](**arrays, **one.settings)
    return layer


def names(types: Sequence[str]) -> Iterator[str]:
    """Names as VGG's for layers of these types, in their order: conv1_1, relu1_1, pool1 ... flatten, fc6, relu6, fc7.

    A pooling layer ends a block; linear layers count on from the blocks.
    """
    block, conv, fc, flat = 1, 0, 0, False
    taken: set[str] = set()
    for type in types:
        stem = STEMS.get(type, type.lower())
        flat |= type in WHOLE
        if type == "Linear":
            fc = max(fc, block - (conv == 0)) + 1
        conv += type == "Conv2d"
        if fc or flat or type == "AdaptiveAvgPool2d":
            name = f"{stem}{fc}" if fc else stem
        else:
            name = f"{stem}{block}" if stem == "pool" else f"{stem}{block}_{conv + (type == 'ZeroPad2d')}"
        if stem == "pool":
            block, conv = block + 1, 0
        first, again = name, 1
        while name in taken:
            again += 1
            name = f"{first}-{again}"
        taken.add(name)
        yield name
