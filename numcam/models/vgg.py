"""The VGG family (Simonyan and Zisserman 2015), each network one row of a table.

Pocket is VGG16 in small: the same layers, names and spatial shapes with an eighth of the channels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from numcam.nn import Conv2d, Dropout, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, Network, ReLU
from numcam.nn.types import Array, Layer

FULL = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class Head:
    """What stands on pool5: "flatten" or "average" (over all places), then linear layers of so many units, fc6 first.

    No units: no head, the network ends at pool5.
    """

    units: tuple[int, ...]
    pooling: str = "flatten"


@dataclass(frozen=True)
class Architecture:
    """convolutions and channels of each of the five blocks; units of fc6 and fc7; classes; dropout rate."""

    convolutions: tuple[int, int, int, int, int]
    channels: tuple[int, int, int, int, int] = FULL
    units: int = 4096
    classes: int = 1000
    dropout: float = 0.5

    def head(self, classes: int | None = None) -> Head:
        """VGG's own: fc6 and fc7 of `units`, then fc8."""
        return Head((self.units, self.units, classes or self.classes))


ARCHITECTURES = {
    "pocket": Architecture((2, 2, 3, 3, 3), (8, 16, 32, 64, 64), units=256, classes=10, dropout=0.25),
    "vgg11": Architecture((1, 1, 2, 2, 2)),
    "vgg13": Architecture((2, 2, 2, 2, 2)),
    "vgg16": Architecture((2, 2, 3, 3, 3)),
    "vgg19": Architecture((2, 2, 4, 4, 4)),
}
INPUT_SIZE = (224, 224)
ADAPTIVE = 7
"""Of torchvision's VGGs, which average their last maps to 7x7 whatever the size of a picture."""

WINDOW = 32
"""Rows and columns that five poolings make one of."""


def parameter_shapes(
    name: str, classes: int | None = None, input_size: tuple[int, int] = INPUT_SIZE, head: Head | None = None
) -> dict[str, tuple[int, ...]]:
    """Shape of every weight and bias, "conv1_1.weight" to "fc8.bias", convolutions (k, c, 3, 3), linear (out, in).

    head: another than VGG's own, which ends in `classes`. ValueError for an unknown name, or a size that does not
    survive five poolings.
    """
    a = architecture(name)
    head = a.head(classes) if head is None else head
    shapes: dict[str, tuple[int, ...]] = {}
    c = 3
    for block, (count, k) in enumerate(zip(a.convolutions, a.channels, strict=True), 1):
        for i in range(1, count + 1):
            shapes |= {f"conv{block}_{i}.weight": (k, c, 3, 3), f"conv{block}_{i}.bias": (k,)}
            c = k
    rows, cols = (size // 32 for size in input_size)
    if min(rows, cols) < 1:
        raise ValueError(f"five poolings halve a picture to nothing below 32x32; got {input_size[0]}x{input_size[1]}")
    inputs = c * rows * cols if head.pooling == "flatten" else c
    for i, units in enumerate(head.units, 6):
        shapes |= {f"fc{i}.weight": (units, inputs), f"fc{i}.bias": (units,)}
        inputs = units
    return shapes


def head_of(name: str, shapes: Mapping[str, tuple[int, ...]]) -> Head:
    """The head that parameters of these shapes make."""
    units: list[int] = []
    while (key := f"fc{6 + len(units)}.weight") in shapes:
        units.append(shapes[key][0])
    averaged = bool(units) and shapes["fc6.weight"][1:] == architecture(name).channels[-1:]
    return Head(tuple(units), "average" if averaged else "flatten")


def row_with(channels: Sequence[int]) -> str | None:
    """The row of the table whose convolutions have these numbers of channels, in order; None if there is none."""
    for name, a in ARCHITECTURES.items():
        if [k for count, k in zip(a.convolutions, a.channels, strict=True) for _ in range(count)] == list(channels):
            return name
    return None


def architecture(name: str) -> Architecture:
    """The row of the table; ValueError naming the rows there are."""
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise ValueError(f"no network {name!r}; there are {', '.join(ARCHITECTURES)}") from None


def assemble(name: str, parameters: Mapping[str, Array], output: str = "softmax") -> Network:
    """The network of that name from its arrays by "conv1_1.weight"."""
    head = head_of(name, {key: value.shape for key, value in parameters.items()})
    return Network(_layers(architecture(name), head, parameters), output)


def random_network(
    name: str, classes: int | None = None, input_size: tuple[int, int] = INPUT_SIZE, seed: int = 0
) -> Network:
    """The network with He initialisation (He et al. 2015): weights of variance 2 / inputs, biases 0, float32."""
    rng = np.random.default_rng(seed)
    parameters = {}
    for key, shape in parameter_shapes(name, classes, input_size).items():
        scale = np.sqrt(2 / np.prod(shape[1:])) if key.endswith(".weight") else 0
        parameters[key] = rng.standard_normal(shape, np.float32) * np.float32(scale)
    return assemble(name, parameters)


def _layers(a: Architecture, head: Head, parameters: Mapping[str, Array]) -> Iterator[tuple[str, Layer]]:
    for block, count in enumerate(a.convolutions, 1):
        for i in range(1, count + 1):
            conv = f"conv{block}_{i}"
            yield conv, Conv2d(parameters[f"{conv}.weight"], parameters[f"{conv}.bias"], padding=1)
            yield f"relu{block}_{i}", ReLU()
        yield f"pool{block}", MaxPool2d(2)
    if head.units:
        yield ("avgpool", GlobalAvgPool2d()) if head.pooling == "average" else ("flatten", Flatten())
    last = 5 + len(head.units)
    for i in range(6, last + 1):
        yield f"fc{i}", Linear(parameters[f"fc{i}.weight"], parameters[f"fc{i}.bias"])
        if i < last:
            yield f"relu{i}", ReLU()
            yield f"drop{i}", Dropout(a.dropout)
