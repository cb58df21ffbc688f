"""Pictures out: files of Pillow's, whole or not at all."""

from pathlib import Path
from typing import Any

from PIL import Image

from numcam.errors import InputError
from numcam.files import replacing

LOSSLESS = (".png", ".webp", ".tiff", ".tif", ".bmp")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tiff", ".tif", ".bmp")


def write_picture(picture: Image.Image, path: Path, lossless: bool = False) -> None:
    """Write it as the ending of the name says. lossless: InputError for a kind that would change its values."""
    known = LOSSLESS if lossless else PICTURES
    suffix = path.suffix.lower()
    if suffix not in known:
        kept = ", which keep every value" if lossless else ""
        raise InputError(f"this picture is written as {', '.join(known)}{kept}; got {path.name!r}")
    Image.init()
    kind = Image.EXTENSION[suffix]
    settings: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}
    with replacing(path) as part:
        picture.save(part, format=kind, **settings.get(kind, {}))
