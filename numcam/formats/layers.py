"""The convolutions and linear layers of a PyTorch checkpoint, in their order, whatever the names are."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from numcam.formats.checkpoint import Refused, Tensor
from numcam.nn.types import Array, Shape

EPSILON = 1e-5
"""Of PyTorch's batch normalisation."""


@dataclass(frozen=True)
class Found:
    """A layer by its name in the file; shape and weight() as (k, c, rows, cols) or (out, in)."""

    name: str
    shape: Shape
    weight: Callable[[], Array]
    bias: Callable[[], Array] | None


Layers = tuple[list[Found], list[Found], str]
"""Convolutions, linear layers, and the family that the names suggest."""


def torch_layers(tensors: Mapping[str, Tensor]) -> Layers:
    """From features.0.weight, classifier.0.weight and the like, under any prefix (module., model., backbone.)."""
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        layer, _, kind = name.rpartition(".")
        layers.setdefault(layer.replace(".module", "").removeprefix("module."), {})[kind] = tensor
    features = {name: parts for name, parts in layers.items() if re.search(r"(^|\.)features\.\d+$", name)}
    if not features:
        names = ", ".join(list(tensors)[:3])
        raise Refused(f"its tensors are called {names[:120]}; expected VGG's features.0.weight and so on")
    prefix = next(iter(features)).rpartition("features.")[0]
    head = {name.removeprefix(prefix): parts for name, parts in layers.items() if name not in features}
    convolutions = _convolutions(dict(sorted(features.items(), key=_number)))
    known = ("pre_logits.fc1", "pre_logits.fc2", "head.fc", "classifier", "head", "fc")
    dense = []
    for name, parts in sorted(head.items(), key=lambda item: _place_in_head(item[0], known)):
        if "running_mean" in parts or len(parts["weight"].shape if "weight" in parts else ()) not in (2, 4):
            raise Refused(
                f"its head has {name!r}, which is no linear layer; numcam knows heads of linear layers and ReLU"
            )
        dense.append(_linear(name, parts))
    caffe = {"classifier.1", "classifier.4", "classifier.6"} == set(head)
    return convolutions, dense, "caffe" if caffe else "torchvision"


def _number(item: tuple[str, object]) -> int:
    return int(item[0].rpartition(".")[2])


def _place_in_head(name: str, known: tuple[str, ...]) -> tuple[int, ...]:
    """Where a layer of the head stands: by the numbers in its name, or in the list of known names."""
    if name in known:
        return (known.index(name),)
    return tuple(int(n) for n in re.findall(r"\d+", name)) or (0,)


def _linear(name: str, parts: Mapping[str, Tensor]) -> Found:
    """A linear layer; timm keeps its own as convolutions (out, in, rows, cols)."""
    shape = parts["weight"].shape
    flat = (shape[0], int(np.prod(shape[1:])))
    return Found(name, flat, partial(_flat, parts["weight"]), parts["bias"].read if "bias" in parts else None)


def _flat(tensor: Tensor) -> Array:
    return tensor.read().reshape(tensor.shape[0], -1)


def _convolutions(features: Mapping[str, dict[str, Tensor]]) -> list[Found]:
    """The convolutions, each with the batch normalisation that follows it put into its weights."""
    found = []
    for (name, parts), (_, after) in pairwise([*features.items(), ("", {})]):
        if "running_mean" in parts:
            continue
        if "weight" not in parts or len(parts["weight"].shape) != 4:
            raise Refused(f"its {name!r} is no convolution; expected those of a VGG")
        shape, bias = parts["weight"].shape, parts.get("bias")
        if "running_mean" not in after:
            found.append(Found(name, shape, parts["weight"].read, bias.read if bias else None))
            continue
        if set(after) - {"num_batches_tracked"} != {"weight", "bias", "running_mean", "running_var"} or any(
            t.shape != shape[:1] for key, t in after.items() if key != "num_batches_tracked"
        ):
            raise Refused(f"the batch normalisation after {name!r} is not complete")
        found.append(Found(name, shape, partial(_folded, parts["weight"], after), partial(_folded_bias, bias, after)))
    return found


def _gain(norm: Mapping[str, Tensor]) -> Array:
    return norm["weight"].read() / np.sqrt(np.maximum(norm["running_var"].read(), 0) + np.float32(EPSILON))


def _folded(weight: Tensor, norm: Mapping[str, Tensor]) -> Array:
    """gain * w: normalising a convolution's output is another convolution (Ioffe and Szegedy 2015, section 3.2)."""
    return weight.read() * _gain(norm)[:, None, None, None]


def _folded_bias(bias: Tensor | None, norm: Mapping[str, Tensor]) -> Array:
    before = bias.read() if bias else np.float32(0)
    return (before - norm["running_mean"].read()) * _gain(norm) + norm["bias"].read()
