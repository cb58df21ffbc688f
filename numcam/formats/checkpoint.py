"""What a weights file holds before anybody asks which network it is: named tensors, read when they are wanted."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from numcam.nn.types import Array, Shape

MOST_TENSORS = 4096
STORED = {
    "float32": "<f4", "float16": "<f2", "float64": "<f8", "bfloat16": "<u2",
    "int64": "<i8", "int32": "<i4", "int16": "<i2", "int8": "i1", "uint8": "u1", "bool": "u1",
}  # fmt: skip
"""How each type lies in a file; bfloat16 is the upper half of a float32 and unknown to NumPy."""


class Refused(ValueError):
    """Why a file's content cannot be used, as the rest of a sentence that begins with the file's name."""


def shown(text: str, most: int = 500) -> str:
    """Text out of a file, fit for a terminal: one line, nothing that the terminal would obey, and not too long."""
    plain = "".join(c if c.isprintable() else "?" for c in text)
    return plain if len(plain) <= most else f"{plain[: most * 3 // 5]} ... {plain[-most * 2 // 5 :]}"


@dataclass(frozen=True)
class Tensor:
    """A tensor as the file declares it; read() gives float32, memory-mapped where the file allows it."""

    shape: Shape
    dtype: str
    read: Callable[[], Array]
    check: Callable[[], None] = lambda: None
    """Raises Refused where the file carries a checksum of this tensor that does not agree."""

    place: tuple[int, int] | None = None
    """Where in the file it begins and ends, if it lies in one plain block."""


@dataclass(frozen=True)
class Checkpoint:
    """A file's tensors by their own names, in the file's order.

    convention: "torch" (convolutions (k, c, rows, cols), linear (out, in)) or "keras" (the other way round).
    config: what a whole Keras model states of itself. said: what was assumed to find the tensors; classes: names that
    the file has beside them. pieces: the layers in their order, where the file states them (`stated.Piece`).
    preprocessing: what it states is done to pixels.
    """

    path: Path
    format: str
    convention: str
    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any] | None = None
    said: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    pieces: tuple[Any, ...] | None = None
    preprocessing: Any = None


def lying_at(path: Path, offset: int, shape: Shape, dtype: str) -> Tensor:
    """A tensor that lies in one plain block of the file, at this offset, in C order."""
    end = offset + prod(shape) * np.dtype(STORED[dtype]).itemsize
    return Tensor(shape, dtype, partial(mapped, path, offset, shape, dtype), place=(offset, end))


def bytes_of(path: Path) -> memoryview:
    """All bytes of a file, read when they are looked at."""
    return memoryview(np.memmap(path, np.uint8, "r").data)


def check_apart(tensors: Iterable[Tensor]) -> None:
    """Refused if two tensors share bytes of the file."""
    places = sorted(tensor.place for tensor in tensors if tensor.place)
    if any(end > start for (_, end), (start, _) in pairwise(places)):
        raise Refused("two of its tensors lie over each other; the file is damaged")


def mapped(path: Path, offset: int, shape: Shape, dtype: str) -> Array:
    """The block as float32 (or integers), read-only; a float32 block is not read before its values are used."""
    try:
        block = np.memmap(path, STORED[dtype], "r", offset, shape if shape else (1,))
    except (ValueError, OSError) as error:  # the file has become shorter since it was opened
        raise Refused(f"the file has changed while it was read ({error})") from None
    return in_float32(np.asarray(block).reshape(shape), dtype)


def in_float32(block: Array, dtype: str) -> Array:
    """What is stored as `dtype`, as float32; integers stay integers."""
    if dtype == "bfloat16":
        wide = block.astype(np.uint32)
        wide <<= 16  # in place: a second copy would be as large as fc6
        return wide.view(np.float32)
    if not dtype.startswith("float"):
        return block
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, which is refused as such
        return block.astype(np.float32, copy=False)
