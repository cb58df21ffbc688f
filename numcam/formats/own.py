"""numcam's own weights file: HDF5, one float32 dataset per parameter, and everything needed to use it.

/                       @format "numcam"  @version 1  @architecture "pocket"  @input_size (rows, cols)
                        @classes JSON list  @preprocessing JSON {mean, scale, order}  @training JSON, free
/conv1_1.weight         float32, contiguous, little-endian   @sha256 of its bytes
...
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from numcam.errors import InputError
from numcam.files import replacing
from numcam.models.preprocessing import Preprocessing
from numcam.models.vgg import ARCHITECTURES, parameter_shapes
from numcam.nn.types import Array, Shape

VERSION = 1
MOST_BYTES_OF_TEXT = 1 << 20


@dataclass(frozen=True)
class Weights:
    """Parameters by "conv1_1.weight", and what they are for."""

    architecture: str
    parameters: dict[str, Array]
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    input_size: tuple[int, int] = (224, 224)
    training: Mapping[str, Any] = field(default_factory=dict)


def write_weights(path: str | os.PathLike[str], weights: Weights) -> None:
    """Write the file whole or not at all: under another name first, then renamed. InputError if it cannot be."""
    path = Path(path)
    with replacing(path) as part, h5py.File(part, "w") as file:
        file.attrs.update(
            format=_bytes("numcam"),
            version=VERSION,
            architecture=_bytes(weights.architecture),
            input_size=np.array(weights.input_size, "<i4"),
            classes=_bytes(json.dumps(list(weights.classes))),
            preprocessing=_bytes(json.dumps(asdict(weights.preprocessing))),
            training=_bytes(json.dumps(dict(weights.training))),
        )
        for name, value in weights.parameters.items():
            array = np.ascontiguousarray(value, "<f4")
            file.create_dataset(name, data=array).attrs["sha256"] = _bytes(_digest(array))


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """Read and check a file: every tensor present, of the right shape, finite, and equal to its digest.

    InputError with one sentence for anything else.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"weights file {path} {what}; give a file written by numcam, such as pocket.h5")
    try:
        with _opened(path) as file:
            return _read(file, path)
    except InputError:
        raise
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, UnicodeDecodeError, MemoryError) as error:
        reason = error.strerror if isinstance(error, PermissionError) and error.strerror else "not a readable HDF5 file"
        raise InputError(f"{path}: {reason}; expected a weights file written by numcam") from error


def _opened(path: Path) -> h5py.File:
    """Without locks, so that a read-only folder or another process is no obstacle."""
    try:
        return h5py.File(path, "r", locking=False)
    except OSError:
        return h5py.File(path, "r")  # this process has it open already, with locks


def _read(file: h5py.File, path: Path) -> Weights:
    if _text(file, "format", path) != "numcam" or file.attrs.get("version") != VERSION:
        raise InputError(f"{path} is an HDF5 file, but not numcam's format of version {VERSION}")
    name = _text(file, "architecture", path)
    if name not in ARCHITECTURES:
        raise InputError(f"{path} holds a network {name!r}; this numcam knows {', '.join(ARCHITECTURES)}")
    classes = json.loads(_text(file, "classes", path))
    if not isinstance(classes, list) or not classes or not all(isinstance(c, str) for c in classes):
        raise InputError(f"{path}: its class names are not a list of names")
    rows, cols = (int(v) for v in file.attrs["input_size"])
    if not (32 <= rows <= 4096 and 32 <= cols <= 4096):
        raise InputError(f"{path}: its input size is {rows}x{cols}; expected 32 to 4096 a side")
    return Weights(
        architecture=name,
        parameters=_parameters(file, parameter_shapes(name, len(classes), (rows, cols)), path),
        classes=tuple(classes),
        preprocessing=_preprocessing(json.loads(_text(file, "preprocessing", path)), path),
        input_size=(rows, cols),
        training=dict(json.loads(_text(file, "training", path))),
    )


def _parameters(file: h5py.File, shapes: Mapping[str, Shape], path: Path) -> dict[str, Array]:
    unknown = sorted(set(file) - set(shapes))
    if unknown:
        raise InputError(f"{path}: unexpected {unknown[0]!r}; this network has {', '.join(shapes)}")
    return {name: _tensor(file, name, shape, path) for name, shape in shapes.items()}


def _tensor(file: h5py.File, name: str, shape: Shape, path: Path) -> Array:
    """One dataset, refused unless it is exactly what was expected and lies inside this very file."""
    if name not in file:
        raise InputError(f"{path}: {name} is missing; expected it with shape {shape}")
    if not isinstance(file.get(name, getlink=True), h5py.HardLink) or file.get(name, getclass=True) is not h5py.Dataset:
        raise InputError(f"{path}: {name} is a link or a group; expected a dataset in the file itself")
    dataset = file[name]
    if dataset.shape != shape or dataset.dtype != np.dtype("<f4"):
        raise InputError(f"{path}: {name} is {dataset.dtype} {dataset.shape}; expected float32 {shape}")
    if dataset.external or dataset.is_virtual or dataset.chunks or dataset.id.get_storage_size() != dataset.nbytes:
        raise InputError(f"{path}: {name} is not stored as one plain block; write the file again with numcam")
    array = np.asarray(dataset[()])
    if not np.isfinite(array).all():
        raise InputError(f"{path}: {name} contains NaN or infinity; a trained network has neither")
    if _digest(array) != _text(dataset, "sha256", path):
        raise InputError(f"{path}: {name} does not match its sha256; the file is damaged, fetch it again")
    return array


def _text(holder: h5py.File | h5py.Dataset, key: str, path: Path) -> str:
    if key not in holder.attrs:
        raise InputError(f"{path} is an HDF5 file, but not numcam's: it has no attribute {key!r}")
    kind = holder.attrs.get_id(key).dtype
    if kind.kind != "S" or kind.itemsize > MOST_BYTES_OF_TEXT or holder.attrs.get_id(key).shape != ():
        raise InputError(f"{path}: attribute {key!r} is not text of a fixed length")
    return bytes(holder.attrs[key]).decode()


def _bytes(text: str) -> np.bytes_:
    """Text of a fixed length: HDF5's other kind lives on a heap, and a damaged heap takes the library down."""
    return np.bytes_(text.encode())


def _digest(array: Array) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def _preprocessing(given: Any, path: Path) -> Preprocessing:
    try:
        mean, scale = (tuple(float(v) for v in given[key]) for key in ("mean", "scale"))
        if len(mean) == len(scale) == 3 and min(scale) > 0 and given["order"] in ("RGB", "BGR"):
            return Preprocessing(mean, scale, given["order"])
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError(f"{path}: its preprocessing is {given!r}; expected mean and scale per channel, and RGB or BGR")
