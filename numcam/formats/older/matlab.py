"""MatConvNet's networks in MATLAB's files (version 5): layers with their settings and arrays, mean and class names.

A reader of its own for the few kinds of values that such a network has; everything is data, and depth is bounded.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from numcam.formats.checkpoint import Checkpoint, Refused, Tensor, bytes_of, shown
from numcam.formats.stated.pieces import Piece
from numcam.models.preprocessing import Preprocessing
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


def open_mat(path: Path) -> Checkpoint:
    """The network of a MatConvNet file: SimpleNN, a list of layers."""
    data = bytes_of(path)
    if bytes(data[126:128]) != b"IM":
        raise Refused("it was written on a big-endian machine; save it again on another")
    reader = _Reader(len(data))
    content: dict[str, Any] = {}
    for kind, piece in reader.elements(data[128:]):
        name, value = reader.named(kind, piece)
        content[name] = value
    net = content.get("net", content)
    layers = net.get("layers") if isinstance(net, dict) else None
    if isinstance(layers, dict):
        raise Refused("it is a DagNN of MatConvNet's, a graph; numcam computes chains, as SimpleNN has them")
    if not isinstance(layers, list) or not layers:
        keys = ", ".join(list(content)[:8]) or "nothing"
        raise Refused(f"it holds {shown(keys, 200)}; expected a network of MatConvNet's, with its layers")
    meta = net.get("meta") if isinstance(net.get("meta"), dict) else net
    tensors, pieces = _network(layers)
    return Checkpoint(
        path,
        "MatConvNet",
        "torch",
        tensors,
        said=tuple(_said(meta)),
        classes=_classes(meta),
        pieces=tuple(pieces),
        preprocessing=_preprocessing(meta),
    )


class _Reader:
    """Elements of a file, with a bound on how many values and bytes they make."""

    def __init__(self, size: int) -> None:
        self.size, self.count, self.unpacked = size, 0, 0

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


def _network(layers: list[Any]) -> tuple[dict[str, Tensor], list[Piece]]:
    tensors: dict[str, Tensor] = {}
    pieces: list[Piece] = []
    for i, layer in enumerate(layers):
        if not isinstance(layer, dict) or not isinstance(layer.get("type"), str):
            raise Refused(f"its layer {i} is no structure with a type; expected a network of MatConvNet's")
        kind, given = layer["type"], layer.get("name")
        name = given if isinstance(given, str) and given else f"layer{i}"
        if kind == "conv":
            pieces.append(_convolution(layer, name, tensors))
        elif kind == "pool":
            pieces.append(_pooling(layer, name))
        elif kind in PLAIN:
            pieces.append(Piece(PLAIN[kind], name))
        else:
            raise Refused(f"its layer {name!r} ({shown(kind, 40)}) is nothing that numcam computes")
    last = next((i for i in reversed(range(len(pieces))) if pieces[i].kind == "Conv2d"), len(pieces))
    pieces.insert(last + 1, Piece("Flatten", "", {"of_one": True}))  # MatConvNet's classes are maps of 1x1
    return tensors, pieces


PLAIN = {"relu": "ReLU", "sigmoid": "Sigmoid", "dropout": "Dropout", "softmax": "Softmax", "softmaxloss": "Softmax"}


def _convolution(layer: Mapping[str, Any], name: str, tensors: dict[str, Tensor]) -> Piece:
    weights = layer.get("weights")
    given = weights if isinstance(weights, list) else [layer.get("filters"), layer.get("biases")]
    arrays = [one for one in given if isinstance(one, Numbers) and one.count]
    if not arrays or f"{name}.weight" in tensors:
        raise Refused(f"its layer {name!r} has no kernel, or there are two of that name")
    rows, cols, c, k = (*arrays[0].shape, 1, 1)[:4]
    shape: Shape = (rows, cols, c, k)
    tensors[f"{name}.weight"] = Tensor((k, c, rows, cols), "float32", partial(_kernel, arrays[0], shape))
    if len(arrays) > 1:
        tensors[f"{name}.bias"] = Tensor((prod(arrays[1].shape),), "float32", partial(_vector, arrays[1]))
    dilate = _whole(layer, name, "dilate", 1)
    if any(v != 1 for v in dilate):
        raise Refused(f"its layer {name!r} is dilated, which numcam does not compute")
    top, bottom, left, right = _four(layer, name)
    if (top, left) != (bottom, right):
        raise Refused(f"its layer {name!r} has a border of {(top, bottom, left, right)}; numcam knows even ones here")
    stride = _whole(layer, name, "stride", 1)
    return Piece("Conv2d", name, {"stride": (stride[0], stride[-1]), "padding": (top, left), "dense": True})


def _kernel(numbers: Numbers, shape: Shape) -> Array:
    """(rows, cols, c, k) -> (k, c, rows, cols), a view."""
    return numbers.array().reshape(shape, order="F").transpose(3, 2, 0, 1).astype(np.float32)


def _vector(numbers: Numbers) -> Array:
    return numbers.array().ravel(order="F").astype(np.float32)


def _pooling(layer: Mapping[str, Any], name: str) -> Piece:
    size, stride = _whole(layer, name, "pool", 1), _whole(layer, name, "stride", 1)
    top, bottom, left, right = _four(layer, name)
    how = layer.get("method", "max")
    if how not in ("max", "avg"):
        raise Refused(f"its layer {name!r} pools by {str(how)[:20]!r}, which numcam does not compute")
    settings: dict[str, Any] = {"kernel_size": (size[0], size[-1]), "stride": (stride[0], stride[-1])}
    settings |= {"edges": (top, bottom, left, right), "count_include_pad": False}
    return Piece("MaxPool2d" if how == "max" else "AvgPool2d", name, settings)


def _whole(layer: Mapping[str, Any], name: str, key: str, default: int) -> list[int]:
    value = layer.get(key)
    found = value.flat() if isinstance(value, Numbers) and value.count else [float(default)]
    if not all(v == int(v) and 0 <= v <= 4096 for v in found) or len(found) > 4:
        raise Refused(f"its layer {name!r} has {key} {found[:4]}; expected small whole numbers")
    return [int(v) for v in found]


def _four(layer: Mapping[str, Any], name: str) -> tuple[int, int, int, int]:
    pad = _whole(layer, name, "pad", 0)
    top, bottom, left, right = pad * 4 if len(pad) == 1 else pad if len(pad) == 4 else [pad[0]] * 2 + [pad[-1]] * 2
    return top, bottom, left, right


def _preprocessing(meta: Any) -> Preprocessing | None:
    """RGB less the mean that the network brings: three numbers, or a whole picture, of which the mean is taken."""
    normal = meta.get("normalization") if isinstance(meta, dict) else None
    mean = normal.get("averageImage") if isinstance(normal, dict) else None
    if not isinstance(mean, Numbers) or not prod(mean.shape) or (mean.shape[-1] != 3 and prod(mean.shape) != 3):
        return None
    values = mean.array().reshape(-1, 3, order="F").mean(axis=0)
    if not np.isfinite(values).all():
        raise Refused("its averageImage holds NaN or infinity")
    red, green, blue = (float(v) for v in values)
    return Preprocessing((red, green, blue), (1.0, 1.0, 1.0))


def _said(meta: Any) -> Iterator[str]:
    normal = meta.get("normalization") if isinstance(meta, dict) else None
    mean = normal.get("averageImage") if isinstance(normal, dict) else None
    if isinstance(mean, Numbers) and prod(mean.shape) > 3 and mean.shape[-1] == 3:
        yield "the mean colour of its averageImage for every place"


def _classes(meta: Any) -> tuple[str, ...] | None:
    classes = meta.get("classes") if isinstance(meta, dict) else None
    names = classes.get("description") if isinstance(classes, dict) else None
    if isinstance(names, list) and names and all(isinstance(one, str) and one.strip() for one in names):
        return tuple(shown(one, 200) for one in names)
    return None
