"""PyTorch checkpoints, as torch.save writes them: the zip of version 1.6 and later, and the stream before it."""

import struct
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from math import prod
from pathlib import Path

import numpy as np

from numcam.formats.checkpoint import MOST_TENSORS, STORED, Checkpoint, Refused, Tensor, in_float32, mapped
from numcam.formats.torch.content import state_dict_in
from numcam.formats.torch.objects import Storage, View
from numcam.formats.torch.pickles import Unpickled, unpickled
from numcam.formats.zips import archive_at, begin_of, check_of
from numcam.nn.types import Array

STREAM = bytes.fromhex("80028a0a6cfc9c46f920")
"""How the older kind begins: a pickle of a number that nobody else would write first."""

MOST_PICKLE = 1 << 20


def open_stream(path: Path, key: str | None = None) -> Checkpoint:
    """The older kind: five pickles, then each storage's number of values and its bytes."""
    with path.open("rb") as file:
        head = file.read(MOST_PICKLE)
        version = unpickled(head, unpickled(head).end)  # after the number it begins with
        system = unpickled(head, version.end)
        if version.value != 1001 or not isinstance(system.value, dict) or system.value.get("little_endian") is not True:
            raise Refused("it was written by an unknown version, or on a big-endian machine; save it again")
        content = unpickled(head, system.end)
        keys = unpickled(head, content.end)
        if keys.value != sorted(content.storages):
            raise Refused("its list of storages does not agree with its tensors; the file is damaged")
        places, at = {}, keys.end
        for name in keys.value:
            storage = content.storages[name]
            file.seek(at)
            count = struct.unpack("<q", file.read(8).ljust(8, b"\xff"))[0]
            if count != storage.count:
                raise Refused(f"its storage {name!r} should have {storage.count:,} values, but says {count:,}")
            places[name] = at + 8
            at += 8 + _nbytes(storage)
        size = file.seek(0, 2)
    if at != size:
        raise Refused(
            f"it has {size:,} bytes; its tensors need {at:,}: the file is " + ("cut off" if at > size else "damaged")
        )
    return _checkpoint(path, "PyTorch stream", content, places, {}, key)


def open_zip(path: Path, key: str | None = None) -> Checkpoint:
    """The newer kind: an uncompressed zip of one pickle and a member for each storage."""
    with archive_at(path) as archive:
        members = {m.filename: m for m in archive.infolist()}
        if len(members) != len(archive.infolist()) or len(members) > MOST_TENSORS:
            raise Refused(
                f"as a zip it has {len(archive.infolist()):,} members, some twice or too many; expected a few"
            )
        root = next((name[: -len("data.pkl")] for name in members if name.endswith("/data.pkl")), None)
        if root is None:
            raise Refused("it is a zip without a data.pkl; expected a checkpoint of PyTorch or a .keras model")
        if f"{root}byteorder" in members and _small(archive, members[f"{root}byteorder"]).strip() != b"little":
            raise Refused("it was written on a big-endian machine; save it again on another")
        content = unpickled(_small(archive, members[f"{root}data.pkl"]))
    if any(f"{root}data/{key}" not in members for key in content.storages):
        raise Refused("a storage that its pickle names is missing; the file is damaged")
    held = {key: members[f"{root}data/{key}"] for key in content.storages}
    places = {key: _place(path, member, _nbytes(content.storages[key])) for key, member in held.items()}
    spans = sorted((at, at + held[key].file_size) for key, at in places.items())
    if any(end > start for (_, end), (start, _) in pairwise(spans)):
        raise Refused("two of its members lie over each other; the file is damaged")
    checks = {key: check_of(path, places[key], member) for key, member in held.items()}
    return _checkpoint(path, "PyTorch zip", content, places, checks, key)


def _small(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.compress_type != zipfile.ZIP_STORED or not 0 <= member.file_size <= MOST_PICKLE:
        raise Refused(f"its member {member.filename[:80]!r} is compressed or too large; torch.save does neither")
    return archive.read(member)


def _place(path: Path, member: zipfile.ZipInfo, nbytes: int) -> int:
    """Where the member of a storage begins, which must be there as it is and as long as the storage."""
    if member.compress_type != zipfile.ZIP_STORED or not member.compress_size == member.file_size == nbytes:
        raise Refused(
            f"its member {member.filename[:80]!r} has {member.file_size:,} bytes; expected {nbytes:,} as they are"
        )
    at = begin_of(path, member)
    if at + nbytes > path.stat().st_size:
        raise Refused(f"its member {member.filename[:80]!r} goes beyond the end; the file is cut off")
    return at


def _nbytes(storage: Storage) -> int:
    return storage.count * np.dtype(STORED[storage.dtype]).itemsize


def _checkpoint(
    path: Path,
    format: str,
    content: Unpickled,
    places: Mapping[str, int],
    checks: Mapping[str, Callable[[], None]],
    key: str | None,
) -> Checkpoint:
    found = state_dict_in(content.value, key)
    tensors = {}
    for name, view in found.tensors.items():
        reach = 1 + view.offset + sum((n - 1) * s for n, s in zip(view.shape, view.strides, strict=True))
        repeated = any(s == 0 and n > 1 for n, s in zip(view.shape, view.strides, strict=True))
        if 0 in view.shape or repeated or prod(view.shape) > view.storage.count or reach > view.storage.count:
            raise Refused(f"{name} of shape {view.shape} does not fit its storage of {view.storage.count:,} values")
        at = view.storage.key
        read = partial(_read, path, places[at], view)
        tensors[name] = Tensor(view.shape, view.storage.dtype, read, checks.get(at, _nothing))
    return Checkpoint(path, format, "torch", tensors, said=found.said, classes=found.classes, pieces=found.pieces)


def _read(path: Path, at: int, view: View) -> Array:
    dtype = np.dtype(STORED[view.storage.dtype])
    at += view.offset * dtype.itemsize
    if view.strides == _plain_strides(view.shape):
        return mapped(path, at, view.shape, view.storage.dtype)
    rest = view.storage.count - view.offset
    block = np.memmap(path, dtype, "r", at, (rest,))
    strided = np.lib.stride_tricks.as_strided(
        np.asarray(block), view.shape, [s * dtype.itemsize for s in view.strides], writeable=False
    )
    return in_float32(np.ascontiguousarray(strided), view.storage.dtype)


def _plain_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(prod(shape[i + 1 :]) for i in range(len(shape)))


def _nothing() -> None:
    """No checksum, nothing to check."""
