"""NumPy's own files of weights: .npz, a zip of arrays, and .npy, an array or, pickled, a dictionary of arrays.

Nothing is unpickled by Python: of a dictionary, numcam's own reader takes the arrays as the bytes that they are.
"""

import ast
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from numcam.formats.checkpoint import Checkpoint, Refused, Tensor, bytes_of, lying_at
from numcam.formats.torch.objects import Name, Shell
from numcam.formats.torch.pickles import unpickled
from numcam.formats.zips import archive_at, begin_of, check_of
from numcam.nn.types import Array, Shape

NPY = b"\x93NUMPY"
MOST_HEADER = 1 << 16
MOST_UNPACKED = 2 << 30
MOST_RATIO = 40
"""How much smaller than its values a packed member may be: weights hardly shrink, a bomb does by a thousand."""

MOST_PICKLE = 2 << 30
DTYPES = {"f4": "float32", "f2": "float16", "f8": "float64", "i8": "int64", "i4": "int32", "i2": "int16", "i1": "int8",
          "u1": "uint8", "b1": "bool"}  # fmt: skip
RECONSTRUCT = re.compile(r"numpy\.(_?core\.multiarray)\._reconstruct")
WEIGHT = re.compile(r"(.*?)[_/.:]?(W|w|weights?|kernel|filters?)(:0)?$")
BIAS = re.compile(r"(.*?)[_/.:]?(b|B|bias|biases)(:0)?$")
SIDE = 11
"""A convolution's kernel has at most so many rows; its channels are usually more."""


def open_npz(path: Path) -> Checkpoint:
    """A zip of .npy members: arrays alone."""
    with archive_at(path) as archive:
        tensors: dict[str, Tensor] = {}
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name in tensors:
                raise Refused(f"it has {name[:80]!r} twice; the file is damaged")
            tensors[name] = _member(path, archive, member)
    return _checkpoint(path, "NumPy zip", tensors)


def open_npy(path: Path) -> Checkpoint:
    """A dictionary of arrays, or of [weight, bias], that numpy.save has pickled."""
    with path.open("rb") as file:
        dtype, shape, _, begin = _header(file.read(MOST_HEADER))
    if dtype != "O" or shape != ():
        raise Refused(f"it is one array of {dtype} and shape {shape}; expected a dictionary of weights by layer")
    if path.stat().st_size > MOST_PICKLE:
        raise Refused(f"it has {path.stat().st_size:,} bytes; expected the weights of one network")
    found = unpickled(bytes_of(path), begin, long=True).value
    match found:  # numpy.save pickles an array of one object
        case Shell(state=(_, (), _, _, [inner])):
            found = inner
    if not isinstance(found, dict):
        raise Refused(f"it holds a {type(found).__name__}; expected a dictionary of weights by layer")
    return _checkpoint(path, "NumPy pickle", dict(_in_dictionary(found)))


def _in_dictionary(found: Mapping[Any, Any]) -> Iterator[tuple[str, Tensor]]:
    for name, value in found.items():
        text = str(name)[:200]
        if isinstance(value, dict):
            parts = {f"{text}/{str(k)[:80]}": v for k, v in value.items()}
        elif isinstance(value, list | tuple) and len(value) <= 8:
            ends = ("kernel", "bias") if len(value) <= 2 else tuple(map(str, range(len(value))))
            parts = {f"{text}/{end}": v for end, v in zip(ends, value, strict=False)}
        else:
            parts = {text: value}
        for part, one in parts.items():
            if isinstance(one, Shell):
                yield part, _of_pickle(part, one)


def _of_pickle(name: str, shell: Shell) -> Tensor:
    """An array as NumPy pickles it: _reconstruct, then a state (version, shape, dtype, in Fortran's order, bytes)."""
    state = shell.state
    if isinstance(state, tuple) and state and isinstance(state[-1], str):  # short ones of Python 2
        state = (*state[:-1], state[-1].encode("latin1", "replace"))
    match state:
        case (int(), tuple(shape), Shell() as kind, bool(fortran), bytes() | memoryview() as data) if (
            RECONSTRUCT.fullmatch(shell.title) and all(type(n) is int and 0 < n < 1 << 31 for n in shape)
        ):
            pass
        case _:
            raise Refused(f"its {name[:80]!r} is a {shell.title}; expected an array of numbers")
    code = kind.arguments[0] if kind.name == Name("numpy", "dtype") and kind.arguments else None
    order = kind.state[1] if isinstance(kind.state, tuple) and len(kind.state) > 1 else "<"
    code = code.decode("latin1") if isinstance(code, bytes) else code
    if code not in DTYPES or order not in ("<", "|", b"<", b"|"):
        raise Refused(f"its {name[:80]!r} has values of type {str(code)[:20]!r}; expected floating-point numbers")
    dtype = np.dtype(str(code))
    if len(data) != prod(shape) * dtype.itemsize:
        raise Refused(f"its {name[:80]!r} of shape {shape} has {len(data):,} bytes; the file is damaged")
    return Tensor(tuple(shape), DTYPES[str(code)], partial(_values, data, dtype, tuple(shape), fortran))


def _values(data: Any, dtype: Any, shape: Shape, fortran: bool) -> Array:
    values = np.frombuffer(data, dtype)
    values = values.reshape(shape[::-1]).T if fortran else values.reshape(shape)
    return values.astype(np.float32) if dtype.kind == "f" else values  # a copy: the bytes may not be aligned


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Tensor:
    with archive.open(member) as file:
        head = file.read(MOST_HEADER)
    name = member.filename[:80]
    dtype, shape, fortran, begin = _header(head)
    if dtype == "O":
        raise Refused(f"its {name!r} is pickled; save arrays of numbers alone")
    if dtype not in DTYPES:
        raise Refused(f"its {name!r} has values of type {dtype[:20]!r}; expected floating-point numbers")
    nbytes = prod(shape) * np.dtype(dtype).itemsize
    if member.file_size != begin + nbytes or not all(n > 0 for n in shape):
        raise Refused(
            f"its {name!r} of shape {shape} should have {begin + nbytes:,} bytes, but has {member.file_size:,}"
        )
    if member.compress_type == zipfile.ZIP_STORED and not fortran:
        at = begin_of(path, member)
        check = check_of(path, at, member)
        plain = lying_at(path, at + begin, shape, DTYPES[dtype])
        return Tensor(shape, DTYPES[dtype], plain.read, check, plain.place)
    packed = member.file_size > MOST_RATIO * max(1, member.compress_size) and member.file_size > 1 << 20
    if packed or member.file_size > MOST_UNPACKED:
        raise Refused(
            f"its {name!r} unpacks from {member.compress_size:,} to {member.file_size:,} bytes; no weights do"
        )
    return Tensor(shape, DTYPES[dtype], partial(_unpacked, path, member.filename, begin, dtype, shape, fortran))


def _unpacked(path: Path, name: str, begin: int, dtype: str, shape: Shape, fortran: bool) -> Array:
    with archive_at(path) as archive, archive.open(name) as file:
        file.read(begin)
        return _values(file.read(), np.dtype(dtype), shape, fortran)


def _header(data: bytes) -> tuple[str, Shape, bool, int]:
    """Of an .npy: its dtype without the byte order, its shape, whether in Fortran's order, and where values begin."""
    size = {1: 2, 2: 4, 3: 4}.get(data[6] if len(data) > 8 and data.startswith(NPY) else 0)
    if size is None:
        raise Refused("a member is no array of NumPy's; expected those that numpy.savez writes")
    length = int.from_bytes(data[8 : 8 + size], "little")
    text = data[8 + size : 8 + size + length]
    if len(text) != length or text.count(b"(") > 32 or text.count(b"[") > 32:
        raise Refused("an array's header is too long or cut off; the file is damaged")
    try:
        fields = ast.literal_eval(text.decode("latin1"))  # of literals alone: nothing is called
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        fields = None
    match fields:
        case {"descr": str(kind), "fortran_order": bool(fortran), "shape": tuple(shape)} if all(
            type(n) is int and 0 <= n < 1 << 31 for n in shape
        ):
            if kind[:1] == ">":
                raise Refused("its values lie in big-endian order; save it again on another machine")
            return kind.lstrip("<|="), shape, fortran, 8 + size + length
    raise Refused("an array's header is none of NumPy's; the file is damaged")


def _checkpoint(path: Path, format: str, tensors: Mapping[str, Tensor]) -> Checkpoint:
    """PyTorch's layout (k, c, rows, cols) or TensorFlow's (rows, cols, c, k), as the kernels' shapes tell."""
    kernels = [one.shape for one in tensors.values() if len(one.shape) == 4]
    if not kernels:
        raise Refused(f"it holds no convolution; it has {', '.join(list(tensors)[:8])[:200] or 'no arrays'}")
    tensorflow, pytorch = (_likely(kernels, *axes) for axes in ((2, 3, 0), (1, 0, 2)))
    if tensorflow == pytorch:
        raise Refused("its kernels may be (k, c, rows, cols) or (rows, cols, c, k), and nothing tells which")
    if pytorch > tensorflow:
        return Checkpoint(path, format, "torch", _renamed(tensors, ".", "weight", "bias"))
    return Checkpoint(path, format, "keras", _renamed(tensors, "/", "kernel", "bias"))


def _likely(kernels: Sequence[Shape], inputs: int, outputs: int, rows: int) -> int:
    """How much speaks for these axes: small square kernels, as many channels in as came out before, RGB at first."""
    small = sum(shape[rows] == shape[rows + 1] <= SIDE for shape in kernels)
    chained = sum(a[outputs] == b[inputs] for a, b in pairwise(kernels))
    return small + chained + (kernels[0][inputs] in (1, 3, 4))


def _renamed(tensors: Mapping[str, Tensor], between: str, weight: str, bias: str) -> dict[str, Tensor]:
    """ "conv1_1_W" as "conv1_1/kernel" or "conv1_1.weight"."""
    found: dict[str, Tensor] = {}
    for name, one in tensors.items():
        matched = BIAS.fullmatch(name) if len(one.shape) == 1 else WEIGHT.fullmatch(name)
        end = bias if len(one.shape) == 1 else weight
        own = f"{matched[1]}{between}{end}" if matched and matched[1] else name
        if own in found:
            raise Refused(f"its {name[:80]!r} and another array would both be {own[:80]!r}; rename them")
        found[own] = one
    return found
