"""Pictures in: any file Pillow reads, as the person who took it meant it to be seen."""

import os
import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from numcam.errors import InputError
from numcam.nn.types import Array

MOST_PIXELS = 100_000_000
MOST_LEVEL = 65535
USUAL = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MORE = ("AVIF", "JPEG2000", "PPM", "ICO", "ICNS", "PCX", "PSD", "QOI", "DDS", "SGI", "SUN", "DIB", "MSP", "FITS")
"""What else Pillow opens by how it begins. Not EPS and WMF, which other programs have to draw."""
BY_NAME = {".tga": "TGA", ".vda": "TGA", ".icb": "TGA", ".vst": "TGA", ".xbm": "XBM", ".xpm": "XPM"}
"""Those that begin with nothing of their own, or are text: opened by the ending of the file's name."""
KINDS = "PNG, JPEG, WebP, GIF, BMP or TIFF"
MAKER = "numcam"
"""The Software that numcam's own figures name."""


class NoPicture(InputError):
    """A file that is no picture at all, or of a kind that Pillow does not open."""


def read_image(path_or_file: str | os.PathLike[str] | IO[bytes], white: int | None = None) -> Array:
    """A picture file as uint8 RGB (rows, cols, 3), its first frame, turned upright as its EXIF orientation says.

    Of any kind that the installed Pillow opens by itself; HEIC with pillow-heif.

    Grey, palette, CMYK and 16-bit pictures become RGB; transparent ones are laid on white. white: the level of greys of
    more than 8 bits that is white, 65535 unless said; it must be said where no value needs more than 14 bits.
    InputError with one sentence for a file that is missing, not a picture, damaged, or of more than 100 million pixels.
    """
    if white is not None and not 1 <= white <= MOST_LEVEL:
        raise InputError(f"white is a level from 1 to {MOST_LEVEL:,}; got {white}")
    name = "the data given"
    if isinstance(path_or_file, str | os.PathLike):
        name = str(path_or_file)
    try:
        if isinstance(path_or_file, str | os.PathLike):
            _check_path(Path(path_or_file))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own, lower limit and of odd metadata
            with Image.open(path_or_file, formats=_formats(name)) as picture:
                return rgb(picture, name, white)
    except InputError:
        raise
    except UnidentifiedImageError:
        raise NoPicture(f"{name} is {_other(path_or_file)}") from None
    except Image.DecompressionBombError:
        raise InputError(f"{name} has too many pixels; the limit is {MOST_PIXELS:,}. Make it smaller first.") from None
    except OSError as error:
        if error.strerror:  # the file system's, not Pillow's
            raise InputError(f"{name} cannot be read: {error.strerror.lower()}") from None
        raise InputError(f"{name} is damaged ({error}); expected a whole {KINDS} file") from error
    except (ValueError, SyntaxError, EOFError, MemoryError, TypeError, IndexError, KeyError) as error:
        raise InputError(f"{name} is damaged ({error}); expected a whole {KINDS} file") from error


def rgb(picture: Image.Image, name: str = "the picture", white: int | None = None) -> Array:
    """An open picture of Pillow's as `read_image` gives it."""
    _check_size(picture, name)
    return _rgb(ImageOps.exif_transpose(picture), name, white)


def pictures_of(given: Any) -> list[Array]:
    """Pictures as people have them -> arrays (rows, cols, 3), RGB, with the values that they had.

    given: a path, a picture of Pillow's, an array or tensor (rows, cols, 3), (3, rows, cols), (rows, cols) of greys or
    (rows, cols, 4) with opacity, which is laid on white; a batch (n, ...) of them; or a list of any of these.
    InputError for anything else.
    """
    if isinstance(given, str | os.PathLike):
        return [read_image(given)]
    if isinstance(given, Image.Image):
        return [rgb(given)]
    if not hasattr(given, "__array__"):
        if not isinstance(given, Iterable):
            raise InputError(f"a picture is a path, an array, or a picture of Pillow's; got {type(given).__name__}")
        return [one for item in given for one in pictures_of(item)]
    a = array_of(given)
    return [_upright(one, a) for one in (a if a.ndim == 4 else a[None])]


def array_of(given: Any) -> Array:
    """An array, or a tensor of PyTorch's on any device, as an array."""
    if hasattr(given, "detach"):
        given = given.detach().cpu()
        given = given.float() if str(given.dtype) == "torch.bfloat16" else given
    return np.asarray(given)


def _upright(a: Array, whole: Array) -> Array:
    if a.ndim == 2:
        a = a[..., None]
    if a.ndim != 3 or not {a.shape[0], a.shape[2]} & {1, 3, 4} or not a.size or a.dtype.kind not in "uif":
        raise InputError(
            f"a picture is an array (rows, cols, 3) or (3, rows, cols) of RGB values in 0-255; got {whole.dtype} "
            f"{whole.shape}"
        )
    if a.shape[2] not in (1, 3, 4):
        a = a.transpose(1, 2, 0)
    if a.shape[2] == 4:
        opacity = a[..., 3:] / 255
        return np.asarray(a[..., :3] * opacity + 255 * (1 - opacity), a.dtype)
    return np.broadcast_to(a, (*a.shape[:2], 3))


def suffixes() -> frozenset[str]:
    """The endings of picture files, in small letters: also of those that only a plugin opens."""
    Image.init()
    known = {*USUAL, *MORE, *BY_NAME.values()}
    return frozenset({s for s, kind in Image.registered_extensions().items() if kind in known} | {".heic", ".heif"})


def is_figure(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a figure that numcam has drawn; False for what cannot be read."""
    try:
        with warnings.catch_warnings(), Image.open(path, formats=("PNG",)) as picture:
            warnings.simplefilter("ignore")
            return picture.info.get("Software") == MAKER
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return False


def _formats(name: str) -> tuple[str, ...]:
    by_name = BY_NAME.get(Path(name).suffix.lower())
    known = (*USUAL, *MORE, *((by_name,) if by_name else ()))
    if find_spec("pillow_heif") and Path(name).suffix.lower() in (".heic", ".heif", ".hif"):
        import_module("pillow_heif").register_heif_opener()
        known += ("HEIF",)
    Image.init()
    return tuple(kind for kind in known if kind in Image.OPEN)


def _other(source: str | os.PathLike[str] | IO[bytes]) -> str:
    """What a file is that is no picture, by how it begins; and what to do."""
    try:
        with open(source, "rb") if isinstance(source, str | os.PathLike) else nullcontext(source) as file:
            if file.seekable():
                file.seek(0)
            head = file.read(64)
    except (OSError, ValueError):
        head = b""
    if head[4:8] == b"ftyp" and head[8:11] in (b"hei", b"hev", b"mif", b"msf"):
        return "a HEIC picture; python -m pip install pillow-heif lets numcam open those, or save it as JPEG"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return "an AVIF picture, which this Pillow does not open; python -m pip install -U pillow, or save it as JPEG"
    for begin, what in OTHERS.items():
        if head.startswith(begin):
            return f"{what}; save it as PNG or JPEG"
    if head[4:8] == b"ftyp":
        return "a film; give one of its pictures, as PNG or JPEG"
    return f"not a picture; expected {KINDS}"


OTHERS = {
    b"%!PS": "PostScript, which only a program of its own draws",
    b"\xc5\xd0\xd3\xc6": "PostScript, which only a program of its own draws",
    b"%PDF": "a PDF document, not a picture",
    b"<svg": "an SVG drawing, which only a program of its own draws",
    b"<?xml": "XML, perhaps an SVG drawing, which only a program of its own draws",
    b"<!DOC": "not a picture but a web page, perhaps of a failed download",
    b"<html": "not a picture but a web page, perhaps of a failed download",
    b"\x89HDF": "not a picture but an HDF5 file",
    b"\x93NUMPY": "not a picture but a NumPy array",
    b"PK\x03\x04": "not a picture but a zip",
    b"8BPB": "a large Photoshop document",
    b"\xff\x0a": "a JPEG XL picture, which Pillow does not open",
    b"\0\0\0\x0cJXL": "a JPEG XL picture, which Pillow does not open",
    b"FUJIFILM": "a raw picture of a camera",
    b"IIU\0": "a raw picture of a camera",
}


def _check_path(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a picture file ({KINDS})")
    if not path.exists():
        raise InputError(f"{path} does not exist; give a picture file ({KINDS})")
    if path.is_file() and path.stat().st_size == 0:
        raise NoPicture(f"{path} is empty (0 bytes); give a picture file ({KINDS})")


def _check_size(picture: Image.Image, name: str) -> None:
    cols, rows = picture.size
    if rows * cols > MOST_PIXELS:
        raise InputError(
            f"{name} has {rows * cols:,} pixels ({cols}x{rows}); the limit is {MOST_PIXELS:,}. Make it smaller first."
        )


def _rgb(picture: Image.Image, name: str, white: int | None) -> Array:
    if picture.mode[0] in "IF":  # more than 8 bits of grey
        return _from_deep_grey(np.asarray(picture), name, white)
    if white is not None:
        raise InputError(f"{name} has 8 bits a value, whose white is 255; white is said of greys of more bits")
    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    return np.asarray(picture.convert("RGB")).copy()


def _from_deep_grey(values: Array, name: str, white: int | None) -> Array:
    """Integers use 0-65535 unless said otherwise; floating-point pictures 0-1 or, where something exceeds 1, 0-255."""
    highest = np.nanmax(values) if values.size else 0
    if white is not None:
        if highest > white:
            raise InputError(f"{name} has values up to {highest:g}, above the white of {white:,}; give a higher one")
        scale = 255 / white
    elif values.dtype.kind == "f":
        scale = 255.0 if highest <= 1 else 1.0
    elif 0 < highest < 1 << 14:  # scanners and X-ray detectors give 10, 12 or 14 bits
        bits = next(b for b in (8, 10, 12, 14) if highest < 1 << b)
        raise InputError(
            f"{name} has greys of 16 bits and none above {highest:,}, as greys of {bits} bits in such a file have; "
            f"say --white {(1 << bits) - 1} (white= in Python) for these, or --white 65535 for a dark picture"
        )
    else:
        scale = 255 / MOST_LEVEL
    grey = np.clip(np.rint(np.nan_to_num(values) * scale), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
