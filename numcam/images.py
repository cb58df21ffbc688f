"""Pictures in: any file Pillow reads, as the person who took it meant it to be seen."""

import os
import warnings
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from numcam.errors import InputError
from numcam.nn.types import Array

MOST_PIXELS = 100_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
KINDS = "PNG, JPEG, WebP, GIF, BMP or TIFF"


def read_image(path_or_file: str | os.PathLike[str] | IO[bytes]) -> Array:
    """A picture file as uint8 RGB (rows, cols, 3), its first frame, turned upright as its EXIF orientation says.

    Grey, palette, CMYK and 16-bit pictures become RGB; transparent ones are laid on white. InputError with one
    sentence for a file that is missing, not a picture, damaged, or of more than 100 million pixels.
    """
    name = "the data given"
    if isinstance(path_or_file, str | os.PathLike):
        name = str(path_or_file)
    try:
        if isinstance(path_or_file, str | os.PathLike):
            _check_path(Path(path_or_file))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own, lower limit and of odd metadata
            with Image.open(path_or_file, formats=FORMATS) as picture:
                _check_size(picture, name)
                return _rgb(ImageOps.exif_transpose(picture))
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"{name} is not a picture; expected {KINDS}") from None
    except Image.DecompressionBombError:
        raise InputError(f"{name} has too many pixels; the limit is {MOST_PIXELS:,}. Make it smaller first.") from None
    except OSError as error:
        if error.strerror:  # the file system's, not Pillow's
            raise InputError(f"{name} cannot be read: {error.strerror.lower()}") from None
        raise InputError(f"{name} is damaged ({error}); expected a whole {KINDS} file") from error
    except (ValueError, SyntaxError, EOFError, MemoryError, TypeError, IndexError, KeyError) as error:
        raise InputError(f"{name} is damaged ({error}); expected a whole {KINDS} file") from error


def _check_path(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a picture file ({KINDS})")
    if not path.exists():
        raise InputError(f"{path} does not exist; give a picture file ({KINDS})")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); give a picture file ({KINDS})")


def _check_size(picture: Image.Image, name: str) -> None:
    cols, rows = picture.size
    if rows * cols > MOST_PIXELS:
        raise InputError(
            f"{name} has {rows * cols:,} pixels ({cols}x{rows}); the limit is {MOST_PIXELS:,}. Make it smaller first."
        )


def _rgb(picture: Image.Image) -> Array:
    if picture.mode[0] in "IF":  # more than 8 bits of grey
        return _from_deep_grey(np.asarray(picture))
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return np.asarray(picture.convert("RGB")).copy()


def _from_deep_grey(values: Array) -> Array:
    """Integers use 0-65535; floating-point pictures 0-1 or, where something exceeds 1, 0-255."""
    scale = 255 / 65535
    if values.dtype.kind == "f":
        scale = 255.0 if np.nanmax(values) <= 1 else 1.0
    grey = np.clip(np.rint(np.nan_to_num(values) * scale), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
