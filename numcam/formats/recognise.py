"""Which network a checkpoint holds: its tensors by numcam's names, in numcam's layout.

A whole Keras model states it. Of tensors alone, names say which is which in PyTorch; in Keras, names and numbers do.
What decides then is that every shape agrees with one row of the table of architectures.
"""

from dataclasses import replace
from functools import partial
from math import isqrt

import numpy as np

from numcam.formats.checkpoint import Checkpoint, Refused
from numcam.formats.keras.found import Found
from numcam.formats.keras.layers import keras_layers
from numcam.formats.keras.network import keras_network
from numcam.formats.keras.words import keras_network_in_words, keras_suggestion
from numcam.formats.network import Asked, Recognised, output_of
from numcam.formats.steps import Parameter, both, channels_first
from numcam.formats.torch.state import torch_network
from numcam.models.preprocessing import FAMILIES, FAMILY_NAMES
from numcam.models.vgg import ARCHITECTURES, INPUT_SIZE, Head, parameter_shapes, row_with
from numcam.nn.types import Array, Pair, Shape

BLOCK = 1 << 22
"""Values that are looked at together."""


def recognised(checkpoint: Checkpoint, asked: Asked) -> Recognised:
    """The network that the checkpoint holds; Refused where numcam cannot compute it."""
    if checkpoint.config is not None:
        if asked.layers:
            raise Refused("it states its layers itself; leave out the line of layers")
        return keras_network(checkpoint.config, checkpoint.tensors, asked)
    if checkpoint.convention == "torch":
        found = torch_network(
            checkpoint.tensors,
            asked,
            checkpoint.format == "safetensors",
            checkpoint.pieces,
            "caffe" if checkpoint.format == "Caffe" else "torchvision",
            checkpoint.preprocessing,
        )
        assumed, names = checkpoint.said + found.assumed, checkpoint.classes
        if names and len(names) != found.classes:
            assumed += (f"numbers for the {found.classes} classes, for the file names {len(names)}",)
            names = None
        return replace(found, assumed=assumed, names=names)
    family = "means" if checkpoint.format == "NumPy zip" else "caffe"
    if asked.layers:
        return keras_network_in_words(checkpoint.tensors, asked, checkpoint.preprocessing, family)
    try:
        return _of_keras_weights(checkpoint, asked, family)
    except Refused as error:
        raise Refused(f"{error}{keras_suggestion(checkpoint.tensors, asked)}") from None


def _of_keras_weights(checkpoint: Checkpoint, asked: Asked, family: str) -> Recognised:
    """Weights without a configuration: names and shapes decide, and the rest is assumed."""
    convolutions, dense = keras_layers(checkpoint.tensors)
    name = _architecture([layer.shape for layer in convolutions])
    channels = convolutions[-1].shape[0]
    head, input_size = _head(dense, channels)
    if asked.input_size and asked.input_size != input_size:
        input_size = _fitting(asked.input_size, input_size, head, dense)
    shapes = parameter_shapes(name, input_size=input_size, head=head)
    parameters: dict[str, Parameter] = {}
    layers = [key.removesuffix(".weight") for key in shapes if key.endswith(".weight")]
    for layer, found in zip(layers, convolutions + dense, strict=True):
        shape = shapes[f"{layer}.weight"]
        if found.shape != shape:
            raise Refused(f"{found.name} should be {layer}, but has shape {found.shape}; expected {shape}")
        view = found.weight
        if layer == "fc6" and head.pooling == "flatten":
            places = (input_size[0] // 32, input_size[1] // 32, channels)
            view = partial(channels_first, partial(_as_stored, found), places)
        parameters[f"{layer}.weight"] = Parameter(shape, view)
        parameters[f"{layer}.bias"] = Parameter(shape[:1], found.bias or partial(np.zeros, shape[:1], np.float32))
    classes = head.units[-1] if head.units else 0
    assumed = [] if asked.preprocessing else [f"{FAMILY_NAMES[family]} (--preprocess says otherwise)"]
    output, more = output_of(classes, asked)
    assumed += more
    if classes == 1 and output == "sigmoid":
        last = f"fc{5 + len(head.units)}"
        parameters |= {key: both(parameters[key]) for key in (f"{last}.weight", f"{last}.bias")}
        classes = 2
    preprocessing = asked.preprocessing or FAMILIES[family]
    return Recognised(name, (), parameters, input_size, preprocessing, output, classes, tuple(assumed), family)


def _fitting(asked: Pair, own: Pair, head: Head, dense: list[Found]) -> Pair:
    if head.pooling == "flatten" and head.units and (asked[0] // 32, asked[1] // 32) != (own[0] // 32, own[1] // 32):
        raise Refused(
            f"its {dense[0].name} takes what {own[0]}x{own[1]} gives, and {asked[0]}x{asked[1]} gives another "
            f"number of values; leave out the input size, or say {own[0]}x{own[1]}"
        )
    return asked


def finite(values: Array) -> bool:
    """Whether no value is NaN or infinite, without a second copy of a large array."""
    rows = max(1, BLOCK // max(1, values[:1].size))
    return all(bool(np.isfinite(values[i : i + rows]).all()) for i in range(0, len(values), rows))


def _architecture(shapes: list[Shape]) -> str:
    """The row of the table with these convolutions."""
    channels = [shape[0] for shape in shapes]
    if name := row_with(channels):
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


def _as_stored(layer: Found) -> Array:
    """(in, out), as Keras has it."""
    return layer.weight().T
