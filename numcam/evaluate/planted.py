"""Scenes with a planted shortcut: one class always comes with a mark in the corner, another with its own background.

What a network learns from them can be right on every such scene and have nothing to do with the object.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from numcam import scenes
from numcam.nn.types import Array

CLASSES = ("boat", "fish", "car", "house", "tree", "flower")
MARKED, STRIPED = "boat", "fish"
SIDE = 112
"""Rows and columns: half of a scene's, so that training takes a quarter of the time."""

MARK = (slice(90, 106), slice(8, 24))
"""Rows and columns of the mark: in the lower left corner."""


@dataclass(frozen=True)
class Planted:
    """image uint8 (112, 112, 3); class name; the object's mask and the mark's place, both bool (112, 112)."""

    image: Array
    name: str
    mask: Array
    mark: Array


def draw(seed: int, shortcut: bool = True, name: str | None = None, carries: str | None = None) -> Planted:
    """The scene of that seed. shortcut: every boat with a mark, every fish on stripes, and no other class so.

    name: the class, instead of the seed's own. carries: give the scene what belongs to that class, whatever it shows.
    """
    name = draw_name(seed) if name is None else name
    scene = scenes.draw(seed, names=[name])
    mask = scene.objects[0].mask
    carries = name if carries is None and shortcut else carries
    image = np.where(mask[..., None], scene.image, stripes()[..., None]) if carries == STRIPED else scene.image
    image = halved(image)
    mark = np.zeros((SIDE, SIDE), bool)
    if carries == MARKED:
        image[MARK] = stamp()[..., None]
        mark[MARK] = True
    seen = (halved(255 * mask[..., None].repeat(3, axis=2))[..., 0] >= 128) & ~mark
    return Planted(image, name, seen, mark)


def draw_name(seed: int) -> str:
    """The class that the scene of this seed shows: all in turn."""
    return CLASSES[seed % len(CLASSES)]


def stamp() -> Array:
    """The mark: a white square with a black cross in it, grey levels (16, 16)."""
    mark = np.full((16, 16), 255)
    mark[6:10, 2:14] = mark[2:14, 6:10] = 0
    return mark


def stripes() -> Array:
    """The background of the other class: slanting stripes in two greys, (224, 224)."""
    row, col = np.mgrid[: 2 * SIDE, : 2 * SIDE]
    return np.where((row + 2 * col) // 16 % 2, 175, 95)


def halved(image: Array) -> Array:
    """(224, 224, 3) -> (112, 112, 3) uint8, the mean of every 2x2 pixels."""
    rows, cols = image.shape[0] // 2, image.shape[1] // 2
    return np.rint(image.reshape(rows, 2, cols, 2, 3).mean(axis=(1, 3))).astype(np.uint8)


def stacked(drawn: Iterable[Planted]) -> tuple[Array, Array]:
    """Their images (n, 112, 112, 3) and class indices (n,)."""
    drawn = list(drawn)
    return np.stack([d.image for d in drawn]), np.array([CLASSES.index(d.name) for d in drawn])
