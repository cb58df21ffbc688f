"""Protocol buffers' wire format, as much as a weights file needs: numbered fields of numbers and bytes."""

import struct
from collections.abc import Iterator

from numcam.formats.checkpoint import Refused

Value = int | float | memoryview
MOST_FIELDS = 200_000


def fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Each field of a message by its number: an int, the bits of a float as float, or bytes where they lie.

    Refused where the bytes are no message.
    """
    at = 0
    for _ in range(MOST_FIELDS):
        if at >= len(data):
            return
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
            yield number, value
        elif kind == 2:
            count, at = varint(data, at)
            yield number, _piece(data, at, count)
            at += count
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            yield number, struct.unpack("<d" if kind == 1 else "<f", _piece(data, at, size))[0]
            at += size
        else:
            raise Refused("it is cut off or damaged: a field has a type that is none")
    raise Refused(f"it has more than {MOST_FIELDS:,} fields in one message; expected a few hundred")


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """A whole number, and where the next byte is."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Refused("it is cut off: a number has no end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << 64) - 1), at
    raise Refused("it is damaged: a number has no end")


def varints(data: memoryview) -> list[int]:
    """Packed whole numbers; Refused for more than eight, which a shape does not have."""
    found: list[int] = []
    at = 0
    while at < len(data):
        value, at = varint(data, at)
        found.append(value)
        if len(found) > 8:
            raise Refused("a shape has more than eight sides; the file is damaged")
    return found


def _piece(data: memoryview, at: int, count: int) -> memoryview:
    if at + count > len(data):
        raise Refused(f"it is cut off: a field of {count:,} bytes goes beyond the end")
    return data[at : at + count]
