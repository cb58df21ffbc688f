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
MOST_LEVEL = 65535
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
KINDS = "PNG, JPEG, WebP, GIF, BMP or TIFF"


def read_image(path_or_file: str | os.PathLike[str] | IO[bytes], white: int | None = None) -> Array:
    """A picture file as uint8 RGB (rows, cols, 3), its first frame, turned upright as its EXIF orientation says.

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
            with Image.open(path_or_file, formats=FORMATS) as picture:
                _check_size(picture, name)
                return _rgb(ImageOps.exif_transpose(picture), name, white)
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
