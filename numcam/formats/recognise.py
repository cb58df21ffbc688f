"""Which VGG a checkpoint holds: its tensors by numcam's names, in numcam's layout.

Names say which tensor is which in PyTorch; in Keras, names and numbers do. What decides in the end is that every
shape agrees with one row of the table of architectures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import isqrt

import numpy as np

from numcam.formats.checkpoint import Checkpoint, Refused
from numcam.formats.keras_layers import keras_layers
from numcam.formats.layers import Found, torch_layers
from numcam.models.vgg import ARCHITECTURES, INPUT_SIZE, Head, parameter_shapes
from numcam.nn.types import Array, Shape

BLOCK = 1 << 22
"""Values that are looked at together."""


@dataclass(frozen=True)
class Parameter:
    """One of numcam's arrays: its shape, and view(), which gives it, perhaps still to be reshaped."""

    shape: Shape
    view: Callable[[], Array]

    def array(self) -> Array:
        """The values, in their shape."""
        return self.view().reshape(self.shape)


@dataclass(frozen=True)
class Recognised:
    """A network: its architecture and head, its parameters, input size, and whose training it seems to have had.

    family: "torchvision", "features" (torchvision's features alone, ported from Oxford's) or "caffe".
    """

    architecture: str
    head: Head
    parameters: Mapping[str, Parameter]
    input_size: tuple[int, int]
    family: str

    @property
    def classes(self) -> int:
        """How many; 0 for a network without a head."""
        return self.head.units[-1] if self.head.units else 0


def recognised(checkpoint: Checkpoint) -> Recognised:
    """The network that the checkpoint holds; Refused where it is none of the family."""
    keras = checkpoint.convention == "keras"
    convolutions, dense, family = (keras_layers if keras else torch_layers)(checkpoint.tensors)
    if dense and all(_nothing_but_nan(layer) for layer in dense):  # how torchvision fills the head of features alone
        dense, family = [], family if keras else "features"
    name = _architecture([layer.shape for layer in convolutions])
    channels = convolutions[-1].shape[0]
    head, input_size = _head(dense, channels)
    shapes = parameter_shapes(name, input_size=input_size, head=head)
    parameters: dict[str, Parameter] = {}
    layers = [key.removesuffix(".weight") for key in shapes if key.endswith(".weight")]
    for layer, found in zip(layers, convolutions + dense, strict=True):
        shape = shapes[f"{layer}.weight"]
        if found.shape != shape:
            raise Refused(f"{found.name} should be {layer}, but has shape {found.shape}; expected {shape}")
        view = found.weight
        if keras and layer == "fc6" and head.pooling == "flatten":
            view = partial(_channels_first, found.weight, input_size[0] // 32, input_size[1] // 32)
        parameters[f"{layer}.weight"] = Parameter(shape, view)
        parameters[f"{layer}.bias"] = Parameter(shape[:1], found.bias or partial(np.zeros, shape[:1], np.float32))
    return Recognised(name, head, parameters, input_size, family)


def finite(values: Array) -> bool:
    """Whether no value is NaN or infinite, without a second copy of a large array."""
    rows = max(1, BLOCK // max(1, values[:1].size))
    return all(bool(np.isfinite(values[i : i + rows]).all()) for i in range(0, len(values), rows))


def _nothing_but_nan(layer: Found) -> bool:
    """Whether the layer has no number at all; a few NaN among numbers are damage, which is refused later."""
    arrays = [layer.weight(), *([layer.bias()] if layer.bias else [])]
    return all(bool(np.isnan(a[i : i + 16]).all()) for a in arrays for i in range(0, len(a), 16))


def _architecture(shapes: list[Shape]) -> str:
    """The row of the table with these convolutions."""
    channels = [shape[0] for shape in shapes]
    for name, a in ARCHITECTURES.items():
        expected = [k for count, k in zip(a.convolutions, a.channels, strict=True) for _ in range(count)]
        if channels == expected:
            return name
    raise Refused(
        f"its {len(shapes)} convolutions have {', '.join(map(str, channels[:20]))} channels; that is none of "
        f"{', '.join(ARCHITECTURES)}"
    )


def _head(dense: list[Found], channels: int) -> tuple[Head, tuple[int, int]]:
    """What kind of head the linear layers make, and which input size goes with it."""
    if not dense:
        return Head(()), INPUT_SIZE
    units, inputs = tuple(layer.shape[0] for layer in dense), dense[0].shape[1]
    side = isqrt(inputs // channels)
    if inputs != channels * side * side or not side:
        raise Refused(f"{dense[0].name} takes {inputs:,} values; expected pool5's {channels} channels times a square")
    if side == 1:
        return Head(units, "average"), INPUT_SIZE
    return Head(units), (32 * side, 32 * side)


def _channels_first(weight: Callable[[], Array], rows: int, cols: int) -> Array:
    """Keras flattens (rows, cols, channels), numcam (channels, rows, cols): the columns in numcam's order, a view."""
    w = weight()  # (out, rows * cols * channels)
    return w.T.reshape(rows, cols, -1, len(w)).transpose(3, 2, 0, 1)
