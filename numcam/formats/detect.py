"""Which format a file has, told by its content; and one way to open them all."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from numcam.errors import InputError
from numcam.formats import hdf5, safetensors
from numcam.formats.checkpoint import MOST_TENSORS, Checkpoint, Refused, shown
from numcam.formats.keras import files as keras
from numcam.formats.older import caffe, mat5, matconvnet, numpys
from numcam.formats.others import folder_kind, other_kind, zip_kind
from numcam.formats.torch import files as pytorch
from numcam.formats.zips import ZIP, archive_at

KNOWN = (
    "numcam reads its own .h5, Keras .h5 and .keras, PyTorch .pth, .safetensors, NumPy .npz and .npy, Caffe "
    ".caffemodel and MatConvNet .mat"
)
TROUBLE = (
    OSError, KeyError, ValueError, RuntimeError, TypeError, IndexError, EOFError, MemoryError, RecursionError,
    OverflowError, NotImplementedError, AttributeError, struct.error, zlib.error, zipfile.BadZipFile,
)  # fmt: skip
"""What the standard library and h5py raise over a damaged file."""


def kind_of(path: Path) -> str:
    """ "hdf5", "zip", "stream", "safetensors"; InputError for anything else, saying what it is where that is known."""
    try:
        if not path.exists():
            raise InputError(f"weights file {path} does not exist; {KNOWN}")
        if path.is_dir():
            raise InputError(f"weights file {path} is {folder_kind(path)}")
        if not path.is_file():  # opening a pipe would wait for whoever writes into it
            raise InputError(f"{path} is a pipe or a device; weights are read from a file, save them as one")
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise InputError(
            f"{str(path)[:200]}: {error.strerror or error}; give a weights file that you may read"
        ) from None
    if head.startswith(hdf5.SIGNATURE):
        return "hdf5"
    if head.startswith(ZIP):
        return "zip"
    if head.startswith(pytorch.STREAM):
        return "stream"
    if len(head) > 8 and head[8:9] == b"{":
        return "safetensors"
    if head.startswith(numpys.NPY):
        return "npy"
    if head.startswith(mat5.VERSION_5):
        return "mat"
    if caffe.is_caffe(head):
        return "caffe"
    known = other_kind(head)
    raise InputError(f"{path} is {known}" if known else f"{path} is {_other(head)}; {KNOWN}")


def _other(head: bytes) -> str:
    if not head:
        return "empty (0 bytes)"
    if head.startswith((b"version https://git-lfs", b"version http://git-media")):
        return "a Git LFS pointer, not the file itself; fetch it with git lfs pull"
    if head.lstrip()[:1] == b"<":
        return "a web page, perhaps the answer of a failed download"
    if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        return "a pickle, which could run any program"
    if head[257:262] == b"ustar":
        return "a tar archive, perhaps of PyTorch before 0.2; save it again with a newer one"
    if head.startswith(b"\x1f\x8b"):
        return "compressed with gzip; unpack it first"
    return "no weights file that numcam knows"


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Whatever goes wrong with a file becomes one sentence that begins with its name."""
    try:
        yield
    except InputError:
        raise
    except Refused as error:
        raise InputError(f"{path}: {shown(str(error))}") from None
    except TROUBLE as error:
        reason = (error.strerror if isinstance(error, PermissionError) else "") or "it is damaged or cut off"
        raise InputError(f"{path}: {reason}; fetch it again, or give another file") from error


def _of_arrays(names: Sequence[str]) -> bool:
    """Whether the members of a zip are NumPy's arrays."""
    return bool(names) and all(name.endswith(".npy") for name in names)


def open_checkpoint(path: Path, key: str | None = None) -> Checkpoint:
    """The tensors of a foreign file. InputError in one sentence for a file that is damaged, hostile or unknown."""
    kind = kind_of(path)
    with sentences(path):
        if kind == "zip":
            with archive_at(path) as archive:
                names = archive.namelist()
                if known := zip_kind(names):
                    raise Refused(f"it is {known}")
                kind = "keras" if keras.MODEL in names else "npz" if _of_arrays(names) else "zip"
        openers: Mapping[str, Callable[[Path], Checkpoint]] = {
            "hdf5": keras.open_hdf5,
            "npz": numpys.open_npz,
            "npy": numpys.open_npy,
            "mat": matconvnet.open_mat,
            "caffe": caffe.open_caffe,
            "keras": keras.open_keras_zip,
            "safetensors": safetensors.open_safetensors,
            "stream": partial(pytorch.open_stream, key=key),
            "zip": partial(pytorch.open_zip, key=key),
        }
        checkpoint = openers[kind](path)
        if not 0 < len(checkpoint.tensors) <= MOST_TENSORS:
            raise Refused(f"it holds {len(checkpoint.tensors):,} tensors; expected a few dozen")
    return checkpoint
