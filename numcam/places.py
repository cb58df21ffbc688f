"""Where weights may lie already: numcam's own cache, and what PyTorch, Keras and Hugging Face have left."""

import os
from collections.abc import Iterator
from pathlib import Path

import pooch

from numcam.published import Published

HUGGING_FACE = {name: f"models--timm--{name}.tv_in1k" for name in ("vgg11", "vgg13", "vgg16", "vgg19")}
"""timm's copies of torchvision's weights."""


def cache() -> Path:
    """numcam's cache folder: NUMCAM_CACHE, or the platform's usual place."""
    return _at(os.environ.get("NUMCAM_CACHE") or pooch.os_cache("numcam"))


def places(one: Published) -> Iterator[tuple[str, Path]]:
    """Whose cache, and where in it the file would be, in the order in which numcam looks."""
    yield "numcam's cache", cache() / f"{one.name}.h5"  # converted, which loads fastest
    yield "numcam's cache", cache() / one.file
    if one.family == "torch":
        yield "PyTorch's cache", _torch_home() / "hub" / "checkpoints" / one.file
        for path in _snapshots(HUGGING_FACE.get(one.name, "-")):
            yield "Hugging Face's cache", path
    else:
        yield "Keras's cache", _at(os.environ.get("KERAS_HOME") or "~/.keras") / "models" / one.file


def found(one: Published) -> tuple[str, Path] | None:
    """The first file that is there and is not cut off, as far as its size tells; None if there is none."""
    for whose, path in places(one):
        try:
            if path.is_file() and (path.name != one.file or one.has_size(path.stat().st_size)):
                return whose, path
        except OSError:  # somebody else's folder, which may not be looked into
            continue
    return None


def _at(place: str | Path) -> Path:
    try:
        return Path(place).expanduser()
    except RuntimeError:  # ~somebody who is not here
        return Path(place)


def _torch_home() -> Path:
    return _at(os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch")


def _hugging_face() -> Path:
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return _at(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")


def _snapshots(repository: str) -> list[Path]:
    try:
        return sorted(_hugging_face().glob(f"{repository}/snapshots/*/model.safetensors"))
    except OSError:
        return []


def address(one: Published) -> str:
    """Where the file is fetched from: NUMCAM_MIRROR, a folder on another server, or where it was published."""
    mirror = os.environ.get("NUMCAM_MIRROR")
    return f"{mirror.rstrip('/')}/{one.file}" if mirror else one.url


def offer(one: Published) -> str:
    """What would be fetched, from where, and where it would go."""
    size = f"{one.size:,} bytes" if one.size else f"about {one.megabytes} MB"
    return f"{one.name}: {address(one)} ({size}) to {cache() / one.file}"


def by_hand(one: Published) -> str:
    """How to get the file without numcam."""
    return (
        f"fetch {address(one)} ({one.digest}) by other means and put it at {cache() / one.file}, or give --weights PATH"
    )
