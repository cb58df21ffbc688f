"""MATLAB's files of version 5: a reader for the few kinds of values that a network has, with a bound on all of them."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from numcam.formats.checkpoint import Refused
from numcam.nn.types import Array, Shape

VERSION_5 = b"MATLAB 5.0 MAT-file"
MATRIX, PACKED = 14, 15
TYPES = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8", 16: "u1",
         17: "<u2", 18: "<u4"}  # fmt: skip
CELL, STRUCT, TEXT = 1, 2, 4
NUMBERS = range(6, 16)
DEEPEST = 12
MOST_VALUES = 50_000
MOST_UNPACKED = 4 << 30
MOST_RATIO = 8
"""How much larger than its bytes a packed element may be."""


@dataclass(frozen=True)
class Numbers:
    """An array of numbers: its shape, and where its values lie, in Fortran's order."""

    shape: Shape
    values: memoryview
    dtype: str

    @property
    def count(self) -> int:
        return prod(self.shape)

    def array(self) -> Array:
        """The values, in their shape."""
        flat = np.frombuffer(self.values, self.dtype)
        return flat.reshape(self.shape[::-1]).T

    def flat(self) -> list[float]:
        """A few numbers as a list."""
        return [float(v) for v in self.array().ravel()[:16]]


class Reader:
    """Elements of a file, with a bound on how many values and bytes they make."""

    def __init__(self) -> None:
        self.count = self.unpacked = 0

    def elements(self, data: memoryview) -> Iterator[tuple[int, memoryview]]:
        """The elements that lie one after the other, each its type and its bytes."""
        at = 0
        while at + 8 <= len(data):
            self.count += 1
            if self.count > MOST_VALUES:
                raise Refused(f"it holds more than {MOST_VALUES:,} values; expected the layers of a network")
            kind, count = (int(v) for v in np.frombuffer(data[at : at + 8], "<u4"))
            if kind >> 16:  # a small one: four bytes in the place of the count
                kind, count, begin, step = kind & 0xFFFF, kind >> 16, at + 4, 8
            else:
                begin, step = at + 8, 8 + (count if kind == PACKED else -(-count // 8) * 8)
            if begin + count > len(data) or (kind >> 16 and count > 4):
                raise Refused(f"an element of {count:,} bytes goes beyond the end; the file is cut off or damaged")
            piece = data[begin : begin + count]
            if kind == PACKED:
                yield from self.elements(self._unpacked(piece))
            else:
                yield kind, piece
            at += step

    def _unpacked(self, piece: memoryview) -> memoryview:
        unpacking = zlib.decompressobj()
        most = min(MOST_UNPACKED - self.unpacked, MOST_RATIO * len(piece) + (1 << 20))
        data = unpacking.decompress(piece, most)
        if unpacking.unconsumed_tail or not unpacking.eof:
            raise Refused(f"an element unpacks to more than {most:,} bytes, or is cut off; no weights do")
        self.unpacked += len(data)
        return memoryview(data)

    def named(self, kind: int, piece: memoryview, depth: int = 0) -> tuple[str, Any]:
        """A matrix's name and its value: dict for a structure, list for cells, str, or Numbers."""
        if depth > DEEPEST:
            raise Refused(f"its values lie more than {DEEPEST} deep in each other; expected a network")
        if kind != MATRIX:
            raise Refused("it holds an element that is no matrix; the file is damaged")
        if not len(piece):
            return "", None
        parts = self.elements(piece)
        flags, sides, name = (self._values(next(parts, None)) for _ in range(3))
        type, shape = int(flags[0]) & 0xFF, tuple(int(v) for v in sides)
        if not shape or not all(0 <= n < 1 << 31 for n in shape) or prod(shape) > 1 << 31:
            raise Refused(f"a matrix has the shape {shape}; the file is damaged")
        return bytes(name.astype(np.uint8)).decode("latin1"), self._value(type, shape, parts, depth)

    def _values(self, part: tuple[int, memoryview] | None) -> Array:
        if part is None or part[0] not in TYPES:
            raise Refused("a matrix lacks one of its parts; the file is damaged")
        dtype = TYPES[part[0]]
        return np.frombuffer(part[1][: len(part[1]) // np.dtype(dtype).itemsize * np.dtype(dtype).itemsize], dtype)

    def _value(self, type: int, shape: Shape, parts: Iterator[tuple[int, memoryview]], depth: int) -> Any:
        if type == CELL:
            return [self.named(*part, depth + 1)[1] for part in parts][: prod(shape)]
        if type == STRUCT:
            length, names = (self._values(next(parts, None)) for _ in range(2))
            width = int(length[0]) if len(length) == 1 else 0
            if not 0 < width <= 64 or len(names) % width:
                raise Refused("a structure has no names for its fields; the file is damaged")
            fields = [bytes(row).split(b"\0")[0].decode("latin1") for row in names.astype(np.uint8).reshape(-1, width)]
            rows = [self.named(*part, depth + 1)[1] for part in parts]
            if prod(shape) == 1:
                return dict(zip(fields, rows, strict=False))
            step = max(1, len(fields))
            return [dict(zip(fields, rows[i : i + step], strict=False)) for i in range(0, len(rows), step)]
        if type == TEXT:
            return "".join(chr(int(c)) for c in self._values(next(parts, None))[:4096])
        if type in NUMBERS:
            part = next(parts, None)
            if part is None or part[0] not in TYPES:
                raise Refused("a matrix of numbers has none; the file is damaged")
            dtype = TYPES[part[0]]
            if len(part[1]) != prod(shape) * np.dtype(dtype).itemsize:
                raise Refused(f"a matrix of shape {shape} has {len(part[1]):,} bytes; the file is damaged")
            return Numbers(shape, part[1], dtype)
        return None  # sparse matrices and objects: nothing of a network
