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
from numcam.formats.keras.config import MOST_TEXT, in_attribute, parsed
from numcam.formats.zips import archive_at, begin_of, check_of

NOT_WEIGHTS = (
    "optimizer_weights",
    "optimizer",
    "top_level_model_weights",
    "metrics",
    "compile_metrics",
    "seed_generator",
)
MODEL, CONFIG = "model.weights.h5", "config.json"


def open_hdf5(path: Path) -> Checkpoint:
    """Any of the HDF5 layouts."""
    with opened(path) as file:
        return Checkpoint(path, "Keras HDF5", "keras", _arrays(file, path, 0), in_attribute(file, path))


def open_keras_zip(path: Path) -> Checkpoint:
    """A .keras file: an uncompressed zip with an HDF5 file in it, read where it lies."""
    with archive_at(path) as archive:
        member = archive.getinfo(MODEL)
        config = None
        if CONFIG in archive.namelist():
            if archive.getinfo(CONFIG).file_size > MOST_TEXT:
                raise Refused(f"its {CONFIG} has {archive.getinfo(CONFIG).file_size:,} bytes; expected a description")
            config = parsed(archive.read(CONFIG))
    if member.compress_type != ZIP_STORED or member.compress_size != member.file_size:
        raise Refused(f"its {MODEL} is compressed; unzip it and give numcam that file")
    base = begin_of(path, member)
    check = check_of(path, base, member)  # of all of them together
    with path.open("rb") as raw, opened(io.BufferedReader(Part(raw, base, member.file_size))) as file:
        arrays = {name: replace(one, check=check) for name, one in _arrays(file, path, base).items()}
    return Checkpoint(path, "Keras zip", "keras", arrays, config)


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


def _arrays(file: Any, path: Path, base: int) -> dict[str, Tensor]:
    """Every array by its path in the file; whole numbers, such as counts and seeds, are no weights."""
    found: dict[str, Tensor] = {}
    for name, dataset in datasets(file, NOT_WEIGHTS):
        if dataset.dtype.kind not in "iu":
            found[re.sub(r"[^ -~]", "?", name.removeprefix("/"))[:400]] = tensor(name, dataset, path, base)
    check_apart(found.values())
    return found
