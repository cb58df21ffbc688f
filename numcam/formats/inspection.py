"""Looking at a weights file without using it: what it holds, and whether all of it is sound."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from numcam.errors import InputError
from numcam.formats.checkpoint import Refused, shown
from numcam.formats.detect import open_checkpoint, sentences
from numcam.formats.network import Asked
from numcam.formats.own import Weights, read_own
from numcam.formats.reading import NOTHING, about, as_asked, is_numcams, read_weights
from numcam.formats.recognise import recognised
from numcam.nn.types import Shape


@dataclass(frozen=True)
class Contents:
    """A file's format, its tensors' shapes and types by their own names, and the network it is, or why it is none."""

    format: str
    tensors: Mapping[str, tuple[Shape, str]]
    network: Weights | None
    family: str = ""
    problem: str = ""
    nbytes: int = 0
    """Of the network's parameters as float32, which may be fewer than the file holds."""


def contents(path: Path, asked: Asked = NOTHING) -> Contents:
    """What is in a file of any format. InputError for a file that cannot be read as weights at all."""
    if is_numcams(path):
        with sentences(path):
            own = as_asked(path, read_own(path, check=False), None, asked)
        family = shown(str(own.training.get("family", "trained by numcam")), 40)
        tensors = {name: (a.shape, "float32") for name, a in own.parameters.items()}
        return Contents("numcam HDF5", tensors, own, family, nbytes=sum(a.nbytes for a in own.parameters.values()))
    checkpoint = open_checkpoint(path, asked.key)
    tensors = {name: (t.shape, t.dtype) for name, t in checkpoint.tensors.items()}
    try:
        with sentences(path):
            network = recognised(checkpoint, asked)
            nbytes = 4 * sum(prod(p.shape) for p in network.parameters.values())
            weights = about(path, checkpoint.format, network, None)
            return Contents(checkpoint.format, tensors, weights, network.family, nbytes=nbytes)
    except InputError as error:
        return Contents(checkpoint.format, tensors, None, problem=str(error).removeprefix(f"{path}: "))


def verify(path: Path, asked: Asked = NOTHING) -> str:
    """Read all of the file; what was found in order, in a few words. InputError naming the first thing that is not."""
    if is_numcams(path):
        with sentences(path):
            own = read_own(path, check=True)
        return f"all {len(own.parameters)} tensors are finite and match their digests"
    weights = read_weights(path, asked=asked)
    with sentences(path):
        summed = (
            "and match their checksums"
            if open_checkpoint(path).format.endswith("zip")
            else "(this format has no checksums)"
        )
        if not weights.parameters:
            raise Refused("it holds no parameters")
    return f"all {len(weights.parameters)} tensors have the right shapes, are finite {summed}"
