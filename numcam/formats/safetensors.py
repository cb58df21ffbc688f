"""safetensors: a length, a JSON header that names each tensor's type, shape and place, and the bytes."""

import json
import struct
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from numcam.formats.checkpoint import MOST_TENSORS, STORED, Checkpoint, Refused, Tensor, lying_at

MOST_HEADER = 4 << 20
MOST_SIGNS = 12 * MOST_TENSORS
"""Brackets and commas: a tensor takes about ten, and each can make an object thirty times its own size."""

DTYPES = {
    "F32": "float32", "F16": "float16", "F64": "float64", "BF16": "bfloat16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


def open_safetensors(path: Path) -> Checkpoint:
    """The tensors, after checking that their places fill the file without a hole and without overlap."""
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        size = file.seek(0, 2)
        if not 2 <= length <= min(MOST_HEADER, size - 8):
            raise Refused(f"its header should have {length:,} bytes, in a file of {size:,}; the file is damaged")
        file.seek(8)
        text = file.read(length)
    if sum(text.count(sign) for sign in b"[{,") > MOST_SIGNS:
        raise Refused("its header is not a list of tensors")
    header = json.loads(text.decode(), object_pairs_hook=_each_once)
    if not isinstance(header, dict) or len(header) > MOST_TENSORS:
        raise Refused("its header is not a list of tensors")
    header.pop("__metadata__", None)
    data = 8 + length
    places = {name: _place(name, entry) for name, entry in header.items()}
    end = 0
    for name, (start, stop) in sorted(places.items(), key=lambda item: item[1]):
        if start != end:
            raise Refused(
                f"{name[:80]} begins at byte {start:,} of the data; expected {end:,}: tensors lie side by side"
            )
        end = stop
    if data + end != size:
        raise Refused(f"it has {size:,} bytes; its header describes {data + end:,}: the file is cut off or damaged")
    return Checkpoint(
        path, "safetensors", "torch", {name: _tensor(path, data, header[name], places[name]) for name in places}
    )


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    once = dict(pairs)
    if len(once) != len(pairs):
        raise Refused("its header names something twice")
    return once


def _place(name: str, entry: Any) -> tuple[int, int]:
    """Where a tensor begins and ends, which must be as far apart as its shape and type say."""
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(start), int(stop)]} if dtype in DTYPES:
            if all(type(n) is int and 0 < n < 1 << 40 for n in shape) and len(shape) <= 8:
                nbytes = prod(shape) * np.dtype(STORED[DTYPES[dtype]]).itemsize
                if stop - start == nbytes and start >= 0:
                    return start, stop
                raise Refused(f"{name[:80]} of shape {shape} needs {nbytes:,} bytes, but has {stop - start:,}")
        case {"dtype": str(dtype)} if dtype not in DTYPES:
            raise Refused(f"{name[:80]} has the type {dtype[:20]!r}; numcam reads {', '.join(DTYPES)}")
    raise Refused(f"{name[:80]} has no proper type, shape and place in the header")


def _tensor(path: Path, data: int, entry: dict[str, Any], place: tuple[int, int]) -> Tensor:
    return lying_at(path, data + place[0], tuple(entry["shape"]), DTYPES[entry["dtype"]])
