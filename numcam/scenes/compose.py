"""A scene: objects of known shape on a background that knows nothing of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from numcam.errors import InputError, did_you_mean
from numcam.scenes import animals, things
from numcam.scenes.backgrounds import background
from numcam.scenes.dice import Dice
from numcam.scenes.palette import PAINTS, distance, paint_against
from numcam.scenes.pen import Colour, Pen, Shapes, bounds, moved, outline, paint, shade, turned

SIDE = 224
FINE = 3
"""The canvas is so many times larger; averaging it down smooths the edges."""

DRAWERS = {
    "cat": animals.cat,
    "dog": animals.dog,
    "bird": animals.bird,
    "fish": animals.fish,
    "butterfly": animals.butterfly,
    "car": things.car,
    "boat": things.boat,
    "house": things.house,
    "tree": things.tree,
    "flower": things.flower,
}
CLASSES = tuple(DRAWERS)
SIZES = {1: (0.32, 0.63), 2: (0.31, 0.44), 3: (0.29, 0.37)}
"""Longer side of an object, as a share of the picture's side, by the number of objects."""

TILT = {"fish": 25.0, "butterfly": 40.0, "bird": 18.0, "house": 3.0, "tree": 6.0, "flower": 14.0}
MOST_HIDDEN = 0.1

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Object:
    """name; mask, bool (224, 224), where it can be seen; box (left, top, right, bottom) of that, right and bottom
    not included, in pixels."""

    name: str
    mask: Mask
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Scene:
    """image, uint8 RGB (224, 224, 3), and the objects in it, the hindmost first."""

    image: NDArray[np.uint8]
    objects: tuple[Object, ...]


def draw(seed: int, objects: int = 1, names: Sequence[str] | None = None) -> Scene:
    """A scene with so many objects (1 to 3) of different classes; the same seed gives the same picture everywhere.

    names: the classes, instead of random ones. InputError for anything else.
    """
    _check(seed, objects, names)
    canvas = background(Dice("numcam background", seed, objects), SIDE * FINE)
    dice = Dice("numcam objects", seed, objects)
    names = list(names) if names is not None else dice.sample(CLASSES, objects)
    painter = ImageDraw.Draw(canvas)
    masks: list[Mask] = []
    for shapes in _placed(dice, names, canvas):
        outline(painter, shapes, FINE + 1, _ink(shapes))
        paint(painter, shapes)
        mask = _mask(shapes)
        masks = [m & ~mask for m in masks] + [mask]
    image = np.asarray(canvas.reduce(FINE))
    return Scene(image, tuple(Object(n, m, _box(m)) for n, m in zip(names, masks, strict=True)))


def _check(seed: Any, objects: Any, names: Sequence[str] | None) -> None:
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"a scene's seed is a whole number, 0 or more; got {seed!r}")
    if objects not in SIZES or isinstance(objects, bool):
        raise InputError(f"a scene has 1, 2 or 3 objects; got {objects!r}")
    if names is None:
        return
    for name in names:
        if name not in DRAWERS:
            raise InputError(f"scenes have no class {name!r}; {did_you_mean(str(name), CLASSES)}")
    if isinstance(names, str) or len(names) != objects or len(set(names)) != len(names):
        raise InputError(f"names are {objects} different classes, one for each object; got {names!r}")


def _placed(dice: Dice, names: Sequence[str], canvas: Image.Image) -> list[Shapes]:
    """Every object's shapes in canvas coordinates; placed anew, all of them, until none hides much of another."""
    low, high = SIZES[len(names)]
    for attempt in range(60):
        placed = [_one(dice, name, dice.uniform(low, high), canvas, attempt) for name in names]
        if _apart(placed):
            return placed
    return placed


def _one(dice: Dice, name: str, size: float, canvas: Image.Image, attempt: int) -> Shapes:
    side = canvas.width
    pen = Pen()
    spot = (dice.uniform(0, 1), dice.uniform(0, 1))
    ground = _colour_at(canvas, spot)
    coat = paint_against(dice, ground)
    second = dice.choice([paint for paint in PAINTS if distance(paint, coat) > 110])
    DRAWERS[name](pen, dice, coat, second)
    tilt = TILT.get(name, 8.0)
    shapes = turned(pen.shapes, dice.uniform(-tilt, tilt), dice.chance(0.5))
    left, top, right, bottom = bounds(shapes)
    scale = size * side / max(right - left, bottom - top)
    width, height = (right - left) * scale, (bottom - top) * scale
    over = 0.1 if dice.chance(0.25) else -0.01  # now and then it leans out of the picture
    x = -over * width + spot[0] * (side - width + 2 * over * width)
    y = -over * height + spot[1] * (side - height + 2 * over * height)
    return moved(shapes, scale, x - left * scale, y - top * scale)


def _colour_at(canvas: Image.Image, spot: tuple[float, float]) -> Colour:
    """The mean colour of the background round a spot (shares of the room that an object leaves)."""
    side = canvas.width
    x, y = (round(side * (0.22 + 0.56 * s)) for s in spot)
    patch = canvas.crop((x - side // 6, y - side // 6, x + side // 6, y + side // 6)).resize(
        (1, 1), Image.Resampling.BOX
    )
    red, green, blue = np.asarray(patch)[0, 0].tolist()
    return red, green, blue


def _apart(placed: list[Shapes]) -> bool:
    """Whether each object is hidden by at most a tenth; judged by boxes, which only overlap more."""
    boxes = [bounds(shapes) for shapes in placed]
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
            areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
            if wide > 0 and high > 0 and wide * high > MOST_HIDDEN * min(areas):
                return False
    return True


def _ink(shapes: Shapes) -> Colour:
    """The outline's colour: the largest shape's, much darker."""
    biggest = max(shapes, key=lambda shape: _area(bounds([shape])))
    return shade(biggest[1], -0.6)


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _mask(shapes: Shapes) -> Mask:
    """Where the shapes and their outline cover at least half of a pixel."""
    picture = Image.new("L", (SIDE * FINE, SIDE * FINE), 0)
    painter = ImageDraw.Draw(picture)
    outline(painter, shapes, FINE + 1, 255)
    paint(painter, shapes, 255)
    return np.asarray(picture.reduce(FINE)) >= 128


def _box(mask: Mask) -> tuple[int, int, int, int]:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1
