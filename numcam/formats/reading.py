"""A weights file of any format, read and checked, and its conversion into numcam's own."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numcam.errors import InputError
from numcam.formats.checkpoint import Refused
from numcam.formats.detect import kind_of, open_checkpoint, sentences
from numcam.formats.own import Weights, is_own, read_own, write_views
from numcam.formats.recognise import Recognised, finite, recognised
from numcam.models.imagenet import NAMES
from numcam.models.preprocessing import FAMILIES


def read_weights(path: str | os.PathLike[str], classes: Sequence[str] | None = None) -> Weights:
    """The weights in a file of any format that numcam knows: its own, Keras's, PyTorch's, safetensors.

    classes: names, where the file has none; else ImageNet's for 1,000 and numbers for any other count. Arrays are
    memory-mapped where the format allows it, read-only. InputError with one sentence for a file that is damaged,
    hostile, unknown, or no VGG; nothing in a file is ever executed.
    """
    path = Path(path)
    if is_numcams(path):
        with sentences(path):
            weights = read_own(path)
        return weights if classes is None else replace(weights, classes=_named(path, len(weights.classes), classes))
    with sentences(path):
        checkpoint = open_checkpoint(path)
        network = recognised(checkpoint)
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
) -> Weights:
    """Write a file of any format as numcam's own, block by block, never holding the whole; progress(bytes)."""
    source = Path(source)
    if is_numcams(source):
        weights = read_weights(source, classes)
        views = {name: (a.shape, lambda a=a: a) for name, a in weights.parameters.items()}
        write_views(target, weights, views, progress)
        return weights
    with sentences(source):
        checkpoint = open_checkpoint(source)
        network = recognised(checkpoint)
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


def about(path: Path, format: str, network: Recognised, classes: Sequence[str] | None) -> Weights:
    """The network without its parameters."""
    return Weights(
        network.architecture,
        {},
        _named(path, network.classes, classes),
        FAMILIES[network.family],
        network.input_size,
        {"read from": path.name, "format": format, "family": network.family},
    )


def _named(path: Path, count: int, classes: Sequence[str] | None) -> tuple[str, ...]:
    if classes is not None and len(classes) != count:
        what = f"tells {count} classes apart" if count else "has no head to name classes for"
        raise InputError(f"{path} {what}, but {len(classes)} class names were given")
    if classes is not None:
        return tuple(classes)
    return NAMES if count == len(NAMES) else tuple(f"class {i}" for i in range(count))
