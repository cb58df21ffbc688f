"""HDF5 as a file from a stranger: no links, nothing outside the file, no filters but the common ones.

HDF5 can make a dataset out of other files' bytes (external storage, external links, virtual datasets) and load code
by a filter's number. Attributes of variable length are not touched: a damaged heap takes the library down.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from numcam.formats.checkpoint import MOST_TENSORS, Refused, Tensor, in_float32, lying_at
from numcam.nn.types import Array

SIGNATURE = b"\x89HDF\r\n\x1a\n"
DEPTH = 10
FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
IEEE = (
    h5py.h5t.IEEE_F16LE, h5py.h5t.IEEE_F32LE, h5py.h5t.IEEE_F64LE,
    h5py.h5t.IEEE_F16BE, h5py.h5t.IEEE_F32BE, h5py.h5t.IEEE_F64BE,
)  # fmt: skip
"""HDF5 lets a file define its own numbers, with the sign or the exponent anywhere."""

COMPRESSION, SMALL = 2, 64 << 10
"""How many times larger than stored a compressed tensor may be, unless it is small: trained weights hardly shrink."""


@contextmanager
def opened(file: Any) -> Iterator[h5py.File]:
    """The file, without locks, so that a read-only folder or another process is no obstacle."""
    try:
        handle = h5py.File(file, "r", locking=False)
    except OSError:
        if not isinstance(file, Path):
            raise
        handle = h5py.File(file, "r")  # this process has it open already, with locks
    with handle:
        yield handle


def end_of(path: Path) -> int:
    """Where the file should end by its superblock (HDF5 file format specification, section II.A)."""
    with path.open("rb") as file:
        head = file.read(48)
    at = {0: 40, 1: 44, 2: 28, 3: 28}[head[8]]
    return int.from_bytes(head[at : at + 8], "little")


def datasets(group: h5py.Group, skip: tuple[str, ...] = (), path: str = "") -> Iterator[tuple[str, h5py.Dataset]]:
    """Every dataset below a group with its path, but for those below names in `skip`."""
    count = 0
    waiting: list[tuple[str, h5py.Group]] = [(path, group)]
    while waiting:
        path, group = waiting.pop(0)
        if path.count("/") > DEPTH:
            raise Refused(f"its groups lie more than {DEPTH} deep, or in a circle")
        for name in group:
            count += 1
            if count > MOST_TENSORS:
                raise Refused(f"it has more than {MOST_TENSORS:,} groups and datasets; expected a few dozen")
            if name in skip:
                continue
            child = inside(group, name)
            if isinstance(child, h5py.Group):
                waiting.append((f"{path}/{name}", child))
            elif isinstance(child, h5py.Dataset):
                yield f"{path}/{name}", child
            else:
                raise Refused(f"{path}/{name} is neither a group nor a dataset")


def inside(group: h5py.Group, name: str) -> Any:
    """The child of that name, refused unless it is a part of this very file."""
    if name in ("", ".", "..") or "/" in name or not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise Refused(f"{name[:80]!r} is a link to somewhere else; expected the data in the file itself")
    return group[name]


def tensor(name: str, dataset: h5py.Dataset, path: Path, base: int = 0) -> Tensor:
    """The dataset as a tensor; `base` is where the HDF5 file begins in the file at `path`."""
    dtype = dataset.dtype
    if dtype.kind != "f" or dtype.itemsize not in (2, 4, 8) or dataset.shape is None or 0 in dataset.shape:
        raise Refused(f"{name} holds {str(dtype)[:40]} of shape {dataset.shape}; expected float16, float32 or float64")
    if not any(dataset.id.get_type().equal(kind) for kind in IEEE):
        raise Refused(f"{name} holds numbers of a kind of its own; expected float16, float32 or float64")
    if dataset.external or dataset.is_virtual:
        raise Refused(f"{name} takes its values from other files; expected them in the file itself")
    shape, stored = dataset.shape, dataset.id.get_storage_size()
    nbytes = prod(shape) * dtype.itemsize
    if dataset.chunks is None and dataset.id.get_offset() is not None:
        if stored != nbytes:
            raise Refused(f"{name} says {nbytes:,} bytes, but {stored:,} are stored; the file is damaged")
        if dtype.byteorder != ">" and base + dataset.id.get_offset() + nbytes <= path.stat().st_size:
            return lying_at(path, base + dataset.id.get_offset(), shape, f"float{8 * dtype.itemsize}")
    elif dataset.chunks is not None:
        plist = dataset.id.get_create_plist()
        if {plist.get_filter(i)[0] for i in range(plist.get_nfilters())} - FILTERS:
            raise Refused(f"{name} is compressed by an uncommon filter; expected none, or gzip")
        if prod(dataset.chunks) * dtype.itemsize > max(nbytes, 1 << 20) or nbytes > max(SMALL, COMPRESSION * stored):
            raise Refused(f"{name} says {nbytes:,} bytes, but {stored:,} are stored; that is not believable")
    elif dataset.id.get_create_plist().get_layout() != h5py.h5d.COMPACT:  # which lies in its own header, 64 kB at most
        raise Refused(f"{name} says {nbytes:,} bytes, which are not there; the file is damaged")
    if base:
        raise Refused(f"{name} is compressed inside a zip; write the weights as .h5 and try again")
    return Tensor(shape, f"float{8 * dtype.itemsize}", partial(_read, path, dataset.name))


def _read(path: Path, name: str) -> Array:
    """Values that do not lie in one plain block."""
    with opened(path) as file:
        values: Array = np.asarray(file[name][()])
    return in_float32(values.astype(values.dtype.newbyteorder("="), copy=False), f"float{8 * values.dtype.itemsize}")
