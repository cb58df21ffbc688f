"""A weights file of any format, read and checked, and its conversion into numcam's own."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numcam.errors import InputError
from numcam.formats.checkpoint import Refused
from numcam.formats.detect import kind_of, open_checkpoint, sentences
from numcam.formats.network import Asked, Recognised
from numcam.formats.own import Weights, is_own, read_own, write_views
from numcam.formats.recognise import finite, recognised
from numcam.models.chain import CHAIN, Described
from numcam.models.imagenet import NAMES
from numcam.models.vgg import ADAPTIVE, WINDOW
from numcam.nn import Dropout, Flatten
from numcam.nn.types import Pair

NOTHING = Asked()


def read_weights(path: str | os.PathLike[str], classes: Sequence[str] | None = None, asked: Asked = NOTHING) -> Weights:
    """The weights in a file of any format that numcam knows: its own, Keras's, PyTorch's, safetensors.

    classes: names, where the file has none; else ImageNet's for 1,000 and numbers for any other count. asked: what the
    caller says where the file says nothing. Arrays are memory-mapped where the format allows it, read-only. InputError
    with one sentence for a file that is damaged, hostile, unknown, or holds a network that numcam cannot compute;
    nothing in a file is ever executed.
    """
    path = Path(path)
    if is_numcams(path):
        with sentences(path):
            return as_asked(path, read_own(path), classes, asked)
    with sentences(path):
        checkpoint = open_checkpoint(path, asked.key)
        network = recognised(checkpoint, asked)
        for one in checkpoint.tensors.values():
            one.check()
        parameters = {name: p.array() for name, p in network.parameters.items()}
        for name, values in parameters.items():
            if not finite(values):
                raise Refused(f"{name} contains NaN or infinity; a trained network has neither")
    return replace(about(path, checkpoint.format, network, classes), parameters=parameters)


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    classes: Sequence[str] | None = None,
    progress: Callable[[int], Any] = lambda _: None,
    asked: Asked = NOTHING,
) -> Weights:
    """Write a file of any format as numcam's own, block by block, never holding the whole; progress(bytes)."""
    source = Path(source)
    if is_numcams(source):
        weights = read_weights(source, classes, asked)
        views = {name: (a.shape, lambda a=a: a) for name, a in weights.parameters.items()}
        write_views(target, weights, views, progress)
        return weights
    with sentences(source):
        checkpoint = open_checkpoint(source, asked.key)
        network = recognised(checkpoint, asked)
        for one in checkpoint.tensors.values():
            one.check()
        weights = about(source, checkpoint.format, network, classes)
        write_views(target, weights, {name: (p.shape, p.view) for name, p in network.parameters.items()}, progress)
    return weights


def is_numcams(path: Path) -> bool:
    """Whether the file is in numcam's own format."""
    if kind_of(path) != "hdf5":
        return False
    with sentences(path):
        return is_own(path)


def as_asked(path: Path, weights: Weights, classes: Sequence[str] | None, asked: Asked) -> Weights:
    """A file of numcam's own, with what the caller says otherwise. It states everything, so nothing is assumed for it
    but what was when it was converted."""
    if classes is not None:
        weights = replace(weights, classes=_named(path, len(weights.classes), classes, weights.output))
    if asked.output:
        weights = replace(weights, output=asked.output)
    if asked.preprocessing:
        weights = replace(weights, preprocessing=asked.preprocessing)
    if asked.input_size and asked.input_size != weights.input_size:
        if weights.training.get("family") == "torchvision" and not weights.layers:
            weights = averaged(weights, asked.input_size)
        network = weights.network()
        try:
            network.shapes((1, 3, *asked.input_size))
        except ValueError as error:
            own, other = ("x".join(map(str, size)) for size in (weights.input_size, asked.input_size))
            raise Refused(f"it is for {own}; {other} does not fit: {error}") from None
        weights = replace(weights, input_size=asked.input_size)
    return weights


def averaged(weights: Weights, size: Pair) -> Weights:
    """A VGG that may be torchvision's, for pictures of this size: where these give other maps than its first linear
    layer takes, with the pooling to 7x7 that torchvision has there, idle at its own size."""
    own, other = ((rows // WINDOW, cols // WINDOW) for rows, cols in (weights.input_size, size))
    inside = weights.network().layers
    if own != (ADAPTIVE, ADAPTIVE) or other == own or not any(isinstance(one, Flatten) for one in inside.values()):
        return weights
    layers: list[Described] = []
    for name, layer in inside.items():
        if isinstance(layer, Flatten):
            layers.append(Described("avgpool", "AdaptiveAvgPool2d", {"size": own}))
        if not isinstance(layer, Dropout):
            keys = {"Conv2d": ("stride", "padding"), "MaxPool2d": ("size", "stride")}.get(type(layer).__name__, ())
            layers.append(Described(name, type(layer).__name__, {key: getattr(layer, key) for key in keys}))
    said = (*weights.assumed, "maps averaged below fc6, as torchvision's VGGs do")
    return replace(weights, architecture=CHAIN, layers=tuple(layers), assumed=said)


def about(path: Path, format: str, network: Recognised, classes: Sequence[str] | None) -> Weights:
    """The network without its parameters."""
    assumed = network.assumed
    if network.classes == 1 and network.output == "softmax":
        assumed += ("a softmax of one output, which is 1 whatever the picture (--output sigmoid says otherwise)",)
    return Weights(
        network.architecture,
        {},
        _named(path, network.classes, network.names if classes is None else classes, network.output),
        network.preprocessing,
        network.input_size,
        {"read from": path.name, "format": format, "family": network.family},
        network.layers,
        network.output,
        assumed,
        network.sources,
    )


def _named(path: Path, count: int, classes: Sequence[str] | None, output: str) -> tuple[str, ...]:
    if classes is not None and output == "sigmoid" and count == 2 and len(classes) == 1:
        return f"not {classes[0]}", classes[0]
    if classes is not None and len(classes) != count:
        what = f"tells {count} classes apart" if count else "has no head to name classes for"
        raise InputError(f"{path} {what}, but {len(classes)} class names were given")
    if classes is not None:
        return tuple(classes)
    return NAMES if count == len(NAMES) else tuple(f"class {i}" for i in range(count))
