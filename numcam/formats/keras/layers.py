"""The convolutions and dense layers of a Keras model in their order, which names, numbers and shapes tell together."""

import re
from collections.abc import Mapping
from functools import partial
from itertools import combinations, pairwise, permutations

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.keras.found import Found
from numcam.nn.types import Array, Shape


def keras_layers(tensors: Mapping[str, Tensor]) -> tuple[list[Found], list[Found]]:
    """From block1_conv1/kernel, or conv2d/kernel, conv2d_1/kernel ..., and dense layers that fit on each other."""
    convolutions: dict[str, Tensor] = {}
    dense: dict[str, Tensor] = {}
    parts = _parts(tensors)
    for name, tensor in parts.items():
        layer, _, kind = name.rpartition("/")
        if kind == "kernel":
            (convolutions if len(tensor.shape) == 4 else dense)[layer] = tensor
        elif f"{layer}/kernel" not in parts:
            raise Refused(f"its layer {layer!r} has a bias and no kernel; numcam knows convolutions and dense layers")
    if not convolutions:
        raise Refused("it holds no convolutions; expected those of a VGG")
    if len(convolutions) + len(dense) > 100:
        raise Refused(f"it has {len(convolutions):,} convolutions; expected those of a VGG")
    ordered = _in_order([_keras_layer(name, kernel, parts) for name, kernel in convolutions.items()])
    if ordered[0].shape[1] == 64 or ordered[0].shape[2:] != (3, 3):
        raise Refused(
            f"{ordered[0].name} has shape {convolutions[ordered[0].name].shape}; expected (3, 3, 3, channels): "
            "weights in Theano's order cannot be used"
        )
    heads = _in_order([_keras_layer(name, kernel, parts) for name, kernel in dense.items()])
    return ordered, _chained(heads)


def _parts(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Kernels and biases as "block1_conv1/kernel", by the path of the layer's own group."""
    found: dict[str, Tensor] = {}
    for name, one in tensors.items():
        layer = group_of(name)
        kind = {1: "bias", 2: "kernel", 4: "kernel"}.get(len(one.shape))
        if kind == "bias" and f"{layer}/bias" in found:
            raise Refused(
                f"its layer {layer!r} has several vectors, as batch normalisation has, and a file of weights does not "
                "say where it stands; save the whole model, with model.save"
            )
        if kind is None or f"{layer}/{kind}" in found:
            raise Refused(f"{name} of shape {one.shape} is not the kernel or bias of a convolution or dense layer")
        found[f"{layer}/{kind}"] = one
    return found


def group_of(name: str) -> str:
    """The path of the layer's own group."""
    above = name.split("/")[:-1]
    if above and above[-1] == "vars":
        above.pop()
    if not above:
        raise Refused(f"{name} belongs to no layer; expected /layer/kernel")
    return "/".join(above)[:200]


def _keras_layer(name: str, kernel: Tensor, tensors: Mapping[str, Tensor]) -> Found:
    bias = tensors.get(f"{name}/bias")
    return Found(name, turned_shape(kernel.shape), partial(turned, kernel), bias.read if bias else None)


def turned_shape(shape: Shape) -> Shape:
    """Of a kernel as `turned` gives it."""
    return shape[:-3:-1] + shape[:-2]


def turned(kernel: Tensor) -> Array:
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
