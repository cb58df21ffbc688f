"""Keras weights: the published HDF5 files, legacy weights and whole models, .weights.h5, and the .keras zip.

They differ in where they keep a layer's kernel and bias: /block1_conv1/block1_conv1_W_1:0 in the oldest,
/model_weights/block1_conv1/block1_conv1/kernel in whole models, /vgg16/block1_conv1/kernel where VGG16 is a layer of
another model, /layers/conv2d_1/vars/0 in the newest. All have one group a layer with nothing but these two in it.
"""

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED

from numcam.formats.checkpoint import Checkpoint, Refused, Tensor, check_apart
from numcam.formats.hdf5 import datasets, opened, tensor
from numcam.formats.zips import archive_at, begin_of, check_of

NOT_WEIGHTS = (
    "optimizer_weights",
    "optimizer",
    "top_level_model_weights",
    "metrics",
    "compile_metrics",
    "seed_generator",
)
MODEL = "model.weights.h5"


def open_hdf5(path: Path) -> Checkpoint:
    """Any of the HDF5 layouts."""
    with opened(path) as file:
        return Checkpoint(path, "Keras HDF5", "keras", _layers(file, path, 0))


def open_keras_zip(path: Path) -> Checkpoint:
    """A .keras file: an uncompressed zip with an HDF5 file in it, read where it lies."""
    with archive_at(path) as archive:
        member = archive.getinfo(MODEL)
    if member.compress_type != ZIP_STORED or member.compress_size != member.file_size:
        raise Refused(f"its {MODEL} is compressed; unzip it and give numcam that file")
    base = begin_of(path, member)
    check = check_of(path, base, member)  # of all of them together
    with path.open("rb") as raw, opened(io.BufferedReader(Part(raw, base, member.file_size))) as file:
        layers = {name: replace(one, check=check) for name, one in _layers(file, path, base).items()}
    return Checkpoint(path, "Keras zip", "keras", layers)


class Part(io.RawIOBase):
    """A stretch of an open file as a file of its own."""

    def __init__(self, raw: Any, base: int, size: int) -> None:
        self.raw, self.base, self.size, self.at = raw, base, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = max(0, offset + (0, self.at, self.size)[whence])
        return self.at

    def readinto(self, buffer: Any) -> int:
        self.raw.seek(self.base + self.at)
        piece = self.raw.read(max(0, min(len(buffer), self.size - self.at)))
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def _layers(file: Any, path: Path, base: int) -> dict[str, Tensor]:
    """Kernels and biases as "block1_conv1/kernel", by the path of the layer's own group."""
    found: dict[str, Tensor] = {}
    for name, dataset in datasets(file, NOT_WEIGHTS):
        layer = _layer(name)
        one = tensor(name, dataset, path, base)
        kind = {1: "bias", 2: "kernel", 4: "kernel"}.get(len(one.shape))
        if kind is None or f"{layer}/{kind}" in found:
            raise Refused(f"{name} of shape {one.shape} is not the kernel or bias of a convolution or dense layer")
        found[f"{layer}/{kind}"] = one
    check_apart(found.values())
    return found


def _layer(name: str) -> str:
    """The path of the layer's own group."""
    above = name.split("/")[1:-1]
    if above and above[-1] == "vars":
        above.pop()
    if not above:
        raise Refused(f"{name} belongs to no layer; expected /layer/kernel")
    return re.sub(r"[^ -~]", "?", "/".join(above))[:200]
