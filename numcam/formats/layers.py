"""The convolutions and linear layers of a checkpoint, in their order, whatever the names are."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise, permutations

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


def keras_layers(tensors: Mapping[str, Tensor]) -> Layers:
    """From block1_conv1/kernel, or conv2d/kernel, conv2d_1/kernel ..., and dense layers that fit on each other."""
    convolutions: dict[str, Tensor] = {}
    dense: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        layer, _, kind = name.rpartition("/")
        if kind == "kernel":
            (convolutions if len(tensor.shape) == 4 else dense)[layer] = tensor
        elif f"{layer}/kernel" not in tensors:
            raise Refused(f"its layer {layer!r} has a bias and no kernel; numcam knows convolutions and dense layers")
    if not convolutions:
        raise Refused("it holds no convolutions; expected those of a VGG")
    if len(convolutions) + len(dense) > 100:
        raise Refused(f"it has {len(convolutions):,} convolutions; expected those of a VGG")
    ordered = _in_order([_keras_layer(name, kernel, tensors) for name, kernel in convolutions.items()])
    if ordered[0].shape[1] == 64 or ordered[0].shape[2:] != (3, 3):
        raise Refused(
            f"{ordered[0].name} has shape {convolutions[ordered[0].name].shape}; expected (3, 3, 3, channels): "
            "weights in Theano's order cannot be used"
        )
    heads = _in_order([_keras_layer(name, kernel, tensors) for name, kernel in dense.items()])
    return ordered, _chained(heads), "caffe"


def _keras_layer(name: str, kernel: Tensor, tensors: Mapping[str, Tensor]) -> Found:
    bias = tensors.get(f"{name}/bias")
    return Found(name, kernel.shape[:-3:-1] + kernel.shape[:-2], partial(_turned, kernel), bias.read if bias else None)


def _turned(kernel: Tensor) -> Array:
    """(rows, cols, c, k) -> (k, c, rows, cols), or (in, out) -> (out, in); a view."""
    values = kernel.read()
    return values.transpose(3, 2, 0, 1) if values.ndim == 4 else values.T


def _in_order(layers: list[Found]) -> list[Found]:
    """By name, numbers as numbers: block1_conv2 before block2_conv1, conv2d_9 before conv2d_10, fc1 before fc2.

    Refused where two layers could change places and their names, but for numbers, are not the same.
    """
    for a, b in combinations(layers, 2):
        if a.shape == b.shape and _without_numbers(a.name) != _without_numbers(b.name):
            raise Refused(
                f"its layers {a.name!r} and {b.name!r} have the same shape, and their names do not tell which comes "
                "first; name them with numbers, such as fc1 and fc2, and save it again"
            )
    return sorted(layers, key=lambda layer: _natural(_last(layer.name)))


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _without_numbers(name: str) -> str:
    return re.sub(r"_?[0-9]+", "", _last(name))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"[0-9]+|[^0-9]+", name)]


def _chained(dense: list[Found]) -> list[Found]:
    """The dense layers in an order in which each takes what the one before gives."""
    if len(dense) > 6:
        raise Refused(f"it has {len(dense)} dense layers; expected at most 6")
    for order in permutations(dense):
        if all(a.shape[0] == b.shape[1] for a, b in pairwise(order)):
            return list(order)
    shapes = ", ".join(f"{layer.name} {layer.shape}" for layer in dense)
    raise Refused(f"its dense layers do not fit on each other: {shapes[:200]}")
