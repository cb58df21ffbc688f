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
    return Path(os.environ.get("NUMCAM_CACHE") or pooch.os_cache("numcam")).expanduser()


def places(one: Published) -> Iterator[tuple[str, Path]]:
    """Whose cache, and where in it the file would be, in the order in which numcam looks."""
    yield "numcam's cache", cache() / f"{one.name}.h5"  # converted, which loads fastest
    yield "numcam's cache", cache() / one.file
    if one.family == "torch":
        yield "PyTorch's cache", _torch_home() / "hub" / "checkpoints" / one.file
        for path in sorted(_hugging_face().glob(f"{HUGGING_FACE.get(one.name, '-')}/snapshots/*/model.safetensors")):
            yield "Hugging Face's cache", path
    else:
        yield "Keras's cache", Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models" / one.file


def found(one: Published) -> tuple[str, Path] | None:
    """The first file that is there and has the published size, where that is known; None if there is none."""
    for whose, path in places(one):
        if path.is_file() and (path.name != one.file or one.size in (None, path.stat().st_size)):
            return whose, path
    return None


def _torch_home() -> Path:
    return Path(
        os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    ).expanduser()


def _hugging_face() -> Path:
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()


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
