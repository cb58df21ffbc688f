"""numcam's own weights file: HDF5, one float32 dataset per parameter, and everything needed to use it.

/                       @format "numcam"  @version 1  @architecture "pocket"  @input_size (rows, cols)
                        @classes JSON list, empty for a network without a head
                        @preprocessing JSON {mean, scale, order}  @training JSON, free
                        @network JSON {layers, output, assumed}, from version 2 on: the layers of a "chain", what makes
                        probabilities, and what had to be assumed of the file that it was converted from
                        @familiar JSON {layer, mean, whitening, most}, if known: statistics of its training pictures
/conv1_1.weight         float32, contiguous, little-endian   @sha256 of its bytes
...
Each parameter is one plain block of the file, so that it can be used where it lies.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from numcam.errors import InputError
from numcam.files import replacing
from numcam.formats.checkpoint import Refused, Tensor, check_apart, shown
from numcam.formats.hdf5 import end_of, inside, opened, tensor
from numcam.formats.steps import sources_of
from numcam.models.chain import CHAIN, TYPES, Described, chained
from numcam.models.familiar import Familiar, check, from_json
from numcam.models.labels import is_name
from numcam.models.preprocessing import Preprocessing
from numcam.models.vgg import ARCHITECTURES, assemble, head_of, parameter_shapes
from numcam.nn import Network
from numcam.nn.softmax import OUTPUTS
from numcam.nn.types import Array, Shape

VERSIONS = (1, 2)
"""The first says nothing of a network but the row of the table, and is written wherever that is enough."""

MOST_BYTES_OF_TEXT = 1 << 20
BLOCK = 1 << 22
"""Values that are written or checked together."""

MOST_VALUES = 1 << 30
"""In one layer's output for one picture."""

CHECKED_AT_ONCE = 64 << 20
"""Bytes of a file up to which every digest is checked when it is read; larger files are checked on demand."""


@dataclass(frozen=True)
class Weights:
    """Parameters by "conv1_1.weight", and what they are for. No classes: a network without a head."""

    architecture: str
    parameters: Mapping[str, Array]
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    input_size: tuple[int, int] = (224, 224)
    training: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[Described, ...] = ()
    output: str = "softmax"
    assumed: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    familiar: Familiar | None = None

    def network(self) -> Network:
        """The network, of these parameters."""
        if self.layers:
            return chained(self.layers, self.parameters, self.output)
        return assemble(self.architecture, self.parameters, self.output)


def write_weights(path: str | os.PathLike[str], weights: Weights) -> None:
    """Write the file whole or not at all: under another name first, then renamed. InputError if it cannot be."""
    views = {name: (value.shape, _give(value)) for name, value in weights.parameters.items()}
    write_views(path, weights, views, lambda _: None)


Views = Mapping[str, tuple[Shape, Callable[[], Array]]]
"""The shape of each parameter, and a function that gives it, perhaps still to be reshaped."""


def write_views(path: str | os.PathLike[str], about: Weights, views: Views, progress: Callable[[int], Any]) -> None:
    """write_weights for parameters that are read while they are written; progress(bytes) is called on the way."""
    if odd := [name for name in about.classes if not is_name(name)]:
        raise InputError(f"the class name {odd[0][:80]!r} is not one line of plain text; give another")
    more: dict[str, Any] = {}
    if about.layers or about.output != "softmax" or about.assumed:
        layers = [[one.name, one.type, dict(one.settings), one.source] for one in about.layers]
        more = {"layers": layers, "output": about.output, "assumed": list(about.assumed)}
    with replacing(Path(path)) as part, h5py.File(part, "w") as file:
        file.attrs.update(
            format=_bytes("numcam"),
            version=VERSIONS[bool(more)],
            architecture=_bytes(about.architecture),
            input_size=np.array(about.input_size, "<i4"),
            classes=_bytes(json.dumps(list(about.classes))),
            preprocessing=_bytes(json.dumps(asdict(about.preprocessing))),
            training=_bytes(json.dumps(dict(about.training))),
            **({"network": _bytes(json.dumps(more))} if more else {}),
            **({"familiar": _bytes(json.dumps(about.familiar.as_json()))} if about.familiar else {}),
        )
        for name, (shape, view) in views.items():
            _write(file, name, shape, view(), progress)


def _write(file: h5py.File, name: str, shape: Shape, view: Array, progress: Callable[[int], Any]) -> None:
    dataset = file.create_dataset(name, shape, "<f4")
    digest = hashlib.sha256()
    for start, stop in _blocks(shape):
        block = np.ascontiguousarray(view[start:stop], "<f4").reshape(-1, *shape[1:])
        if not np.isfinite(block).all():
            raise InputError(f"{name} contains NaN or infinity; a trained network has neither")
        dataset[start:stop] = block
        digest.update(block.data)
        progress(block.nbytes)
    dataset.attrs["sha256"] = _bytes(digest.hexdigest())


def _blocks(shape: Shape) -> list[tuple[int, int]]:
    """Rows from ... to ..., a few megabytes at a time."""
    rows = max(1, BLOCK // max(1, int(np.prod(shape[1:]))))
    return [(start, min(start + rows, shape[0])) for start in range(0, shape[0], rows)]


def is_own(path: Path) -> bool:
    """Whether an HDF5 file says that it is numcam's."""
    with opened(path) as file:
        return "format" in file.attrs


def read_own(path: Path, check: bool | None = None) -> Weights:
    """Every tensor present and of the right shape, memory-mapped, read-only. Refused for anything else.

    check: whether to compare each with its digest and look for NaN; None for files up to 64 MB.
    """
    with opened(path) as file:
        if end_of(path) != path.stat().st_size:
            raise Refused(f"it should end after {end_of(path):,} bytes, but has {path.stat().st_size:,}")
        weights, tensors = _read(file, path)
        check = path.stat().st_size <= CHECKED_AT_ONCE if check is None else check
        digests = {name: _text(inside(file, name), "sha256") for name in tensors} if check else {}
    for name, digest in digests.items():
        check_parameter(name, weights.parameters[name], digest)
    return weights


def check_parameter(name: str, values: Array, digest: str) -> None:
    """Refused if the values contain NaN or infinity, or do not have this sha256."""
    found = hashlib.sha256()
    for start, stop in _blocks(values.shape):
        block = np.ascontiguousarray(values[start:stop], "<f4")
        found.update(block.data)
        if not np.isfinite(block).all():
            raise Refused(f"{name} contains NaN or infinity; a trained network has neither")
    if found.hexdigest() != digest:
        raise Refused(f"{name} does not match its sha256; the file is damaged, fetch it again")


def _read(file: h5py.File, path: Path) -> tuple[Weights, Mapping[str, Tensor]]:
    version = _numbers(file, "version", ())[0]
    if _text(file, "format") != "numcam" or version not in VERSIONS:
        raise Refused(f"it is not numcam's format of version {VERSIONS[-1]}; a newer numcam may have written it")
    name = _text(file, "architecture")
    layers, output, assumed = _network(json.loads(_text(file, "network"))) if version > 1 else ((), "softmax", ())
    if name not in ARCHITECTURES and not (name == CHAIN and layers):
        raise Refused(f"it holds a network {name[:40]!r}; this numcam knows {', '.join(ARCHITECTURES)}")
    classes = json.loads(_text(file, "classes"))
    if not isinstance(classes, list) or not all(isinstance(c, str) and is_name(c) for c in classes):
        raise Refused("its class names are not a list of names")
    rows, cols = _numbers(file, "input_size", (2,))
    least = 1 if layers else 32
    if not (least <= rows <= 4096 and least <= cols <= 4096):
        raise Refused(f"its input size is {rows}x{cols}; expected {least} to 4096 a side")
    if layers:
        tensors = _of_chain(file, layers, classes, (rows, cols), path)
    else:
        tensors = _tensors(file, name, classes, (rows, cols), path)
    weights = Weights(
        architecture=name,
        parameters={key: t.read() for key, t in tensors.items()},
        classes=tuple(classes),
        preprocessing=_preprocessing(json.loads(_text(file, "preprocessing"))),
        input_size=(rows, cols),
        training=dict(json.loads(_text(file, "training"))),
        layers=layers,
        output=output,
        assumed=assumed,
        sources=sources_of(layers),
        familiar=_familiar(file),
    )
    if weights.familiar:
        try:
            check(weights.familiar, weights.network().shapes((1, 3, rows, cols)))
        except ValueError as error:
            raise Refused(f"what it says of its training pictures does not fit: {error}") from None
    return weights, tensors


def _familiar(file: h5py.File) -> Familiar | None:
    if "familiar" not in file.attrs:
        return None
    try:
        return from_json(json.loads(_text(file, "familiar")))
    except ValueError as error:
        raise Refused(f"what it says of its training pictures cannot be used: {error}") from None


def _network(given: Any) -> tuple[tuple[Described, ...], str, tuple[str, ...]]:
    """Layers, output and assumptions from their JSON."""
    try:
        layers = tuple(Described(name, type, settings, source) for name, type, settings, source in given["layers"])
        output, assumed = given["output"], tuple(given["assumed"])
    except (KeyError, TypeError, ValueError):
        raise Refused("its description of the network is not layers, output and assumed; the file is damaged") from None
    sound = all(
        isinstance(one.name, str) and is_name(one.name) and "/" not in one.name and isinstance(one.source, str)
        and one.type in TYPES and isinstance(one.settings, dict) and all(map(_is_setting, one.settings.values()))
        for one in layers
    )  # fmt: skip
    if not sound or len(layers) > 2000 or output not in OUTPUTS or not all(isinstance(a, str) for a in assumed):
        raise Refused("its description of the network holds layers or settings that numcam does not know")
    return layers, output, assumed


def _is_setting(value: Any) -> bool:
    """A number, or a few: a size, a stride, an epsilon."""
    many = value if isinstance(value, list) else [value]
    return len(many) <= 4 and all(isinstance(v, int | float) and abs(v) <= 4096 for v in many)  # not so for NaN


def _of_chain(
    file: h5py.File, layers: tuple[Described, ...], classes: list[str], size: tuple[int, int], path: Path
) -> dict[str, Tensor]:
    """Every array that the layers need and no other, in shapes that fit on each other."""
    wanted = [name for one in layers for name in one.parameters]
    if set(wanted) != set(file) or len(wanted) != len(set(wanted)):
        odd = sorted(set(wanted) ^ set(file))[:1] or ["a name that it has twice"]
        raise Refused(f"its layers and its arrays do not go together: {odd[0][:80]!r}")
    found = {name: _tensor(file, name, path) for name in wanted}
    for name, one in found.items():
        if one.dtype != "float32":
            raise Refused(f"{name} is {one.dtype}; expected float32")
    check_apart(found.values())
    empty = {name: np.broadcast_to(np.float32(0), one.shape) for name, one in found.items()}
    try:
        shapes = chained(layers, empty).shapes((1, 3, *size))
    except (ValueError, TypeError) as error:
        raise Refused(f"its layers do not fit on each other: {error}") from None
    if max(np.prod(shape, dtype=float) for shape in shapes.values()) > MOST_VALUES:
        raise Refused("a picture would take more memory in one of its layers than any such network needs")
    last = list(shapes.values())[-1]
    if last[1:] != (len(classes),) and (classes or len(last) != 4):
        raise Refused(f"it names {len(classes)} classes, and its layers give {last[1:]}")
    return found


def _tensors(file: h5py.File, name: str, classes: list[str], size: tuple[int, int], path: Path) -> dict[str, Tensor]:
    if len(file) > 200:
        raise Refused(f"it holds {len(file):,} datasets; expected a few dozen")
    found = {key: _tensor(file, key, path) for key in file}
    head = head_of(name, {key: t.shape for key, t in found.items() if len(t.shape) == 2})
    if (head.units[-1] if head.units else 0) != len(classes):
        head = ARCHITECTURES[name].head(len(classes)) if classes else head
    shapes = parameter_shapes(name, input_size=size, head=head)
    for key, shape in shapes.items():
        if key not in found:
            raise Refused(f"{key} is missing; expected it with shape {shape}")
        if found[key].shape != shape or found[key].dtype != "float32":
            raise Refused(f"{key} is {found[key].dtype} {found[key].shape}; expected float32 {shape}")
    check_apart(found.values())
    if unknown := sorted(set(found) - set(shapes)):
        raise Refused(f"unexpected {unknown[0][:80]!r}; this network has {', '.join(shapes)}")
    if len(classes) != (head.units[-1] if head.units else 0):
        raise Refused(f"it names {len(classes)} classes for a network without a head")
    return {key: found[key] for key in shapes}


def _tensor(file: h5py.File, name: str, path: Path) -> Tensor:
    """One dataset, refused unless it lies in one plain block of this very file."""
    dataset = inside(file, name)
    if not isinstance(dataset, h5py.Dataset):
        raise Refused(f"{name[:80]} is no dataset; expected one per parameter")
    if dataset.chunks or dataset.id.get_offset() is None or dataset.dtype.byteorder == ">":
        raise Refused(f"{name[:80]} is not stored as one plain block; write the file again with numcam")
    return tensor(name[:80], dataset, path)


def _text(holder: h5py.File | h5py.Dataset, key: str) -> str:
    if key not in holder.attrs:
        raise Refused(f"it is an HDF5 file, but not numcam's: it has no attribute {key!r}")
    kind = holder.attrs.get_id(key)
    if kind.dtype.kind != "S" or kind.dtype.itemsize > MOST_BYTES_OF_TEXT or kind.shape != ():
        raise Refused(f"its attribute {key!r} is not text of a fixed length")
    return bytes(holder.attrs[key]).decode()


def _numbers(holder: h5py.File, key: str, shape: Shape) -> list[int]:
    kind = holder.attrs.get_id(key)
    if kind.dtype.kind not in "iu" or kind.shape != shape:
        raise Refused(f"its attribute {key!r} is not {'a whole number' if shape == () else 'two whole numbers'}")
    return [int(v) for v in np.ravel(holder.attrs[key])]


def _bytes(text: str) -> np.bytes_:
    """Text of a fixed length: HDF5's other kind lives on a heap, and a damaged heap takes the library down."""
    return np.bytes_(text.encode())


def _give(value: Array) -> Callable[[], Array]:
    return lambda: value


def _preprocessing(given: Any) -> Preprocessing:
    try:
        mean, scale = (tuple(float(v) for v in given[key]) for key in ("mean", "scale"))
        sound = all(abs(v) < 1e6 for v in mean + scale) and min(scale) > 1e-6  # not so for NaN
        if len(mean) == len(scale) == 3 and sound and given["order"] in ("RGB", "BGR"):
            return Preprocessing(mean, scale, given["order"])
    except (KeyError, TypeError, ValueError):
        pass
    raise Refused(f"its preprocessing is {shown(str(given), 120)}; expected mean and scale per channel, and RGB or BGR")
