"""Where a scene takes place. Drawn before anything is known of its objects, so it cannot give them away."""

from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw

from numcam.scenes.dice import Dice
from numcam.scenes.palette import PAINTS
from numcam.scenes.pen import WHITE, Colour, Pen, arc, moved, paint, shade, smooth

SKIES = (
    ((150, 200, 236), (224, 240, 246)),
    ((250, 196, 150), (252, 236, 200)),
    ((52, 60, 110), (120, 110, 160)),
    ((190, 214, 226), (238, 238, 232)),
    ((242, 176, 180), (250, 226, 206)),
    ((110, 180, 200), (206, 234, 226)),
)
GROUNDS = (
    (140, 180, 96),
    (198, 190, 110),
    (232, 210, 160),
    (150, 120, 92),
    (96, 150, 180),
    (226, 232, 238),
    (170, 150, 170),
    (120, 150, 110),
    (186, 130, 96),
)
WALLS = (
    (236, 222, 200),
    (206, 222, 226),
    (232, 206, 206),
    (214, 226, 200),
    (200, 200, 222),
    (244, 232, 190),
    (150, 166, 176),
    (110, 116, 140),
    (184, 150, 136),
)


def background(dice: Dice, side: int) -> Image.Image:
    """A picture of `side` x `side`, RGB, with nought to five things in it that belong to no class."""
    kind = dice.choice(("hills", "hills", "horizon", "room", "pattern", "blobs", "plain"))
    picture = {
        "hills": _hills,
        "horizon": _horizon,
        "room": _room,
        "pattern": _pattern,
        "blobs": _blobs,
        "plain": _plain,
    }[kind](dice, side)
    draw = ImageDraw.Draw(picture)
    for _ in range(dice.integer(0, 5)):
        pen = Pen()
        dice.choice((_sun, _cloud, _stone, _ball, _star, _box, _umbrella, _moon))(pen, dice)
        size = side * dice.uniform(0.04, 0.09)
        paint(draw, moved(pen.shapes, size, side * dice.uniform(0.03, 0.97), side * dice.uniform(0.03, 0.97)))
    return picture


def _gradient(side: int, top: Colour, bottom: Colour) -> Image.Image:
    """A column of `side` mixed colours, pulled wide: cheaper than mixing every pixel."""
    t = np.linspace(0, 1, side)[:, None]
    column = np.rint(np.array(top) * (1 - t) + np.array(bottom) * t).astype(np.uint8)
    return Image.fromarray(column[:, None]).resize((side, side), Image.Resampling.NEAREST)


def _sky(dice: Dice, side: int) -> Image.Image:
    return _gradient(side, *dice.choice(SKIES))


def _hills(dice: Dice, side: int) -> Image.Image:
    picture = _sky(dice, side)
    draw = ImageDraw.Draw(picture)
    ground, level = dice.choice(GROUNDS), dice.uniform(0.4, 0.7)
    for k in range(dice.integer(1, 3)):
        heights = [(x / 4, level + 0.14 * k + dice.uniform(-0.07, 0.07)) for x in range(-1, 6)]
        path = [(x * side, y * side) for x, y in smooth(heights, closed=False)]
        paint(draw, [([*path, (side * 1.3, side), (-side * 0.3, side)], shade(ground, 0.25 - 0.2 * k))])
    return picture


def _horizon(dice: Dice, side: int) -> Image.Image:
    picture = _sky(dice, side)
    ground, level = dice.choice(GROUNDS), round(side * dice.uniform(0.45, 0.75))
    picture.paste(_gradient(side, shade(ground, 0.3), ground).crop((0, 0, side, side - level)), (0, level))
    draw = ImageDraw.Draw(picture)
    for _ in range(dice.integer(0, 14)):
        x, y = side * dice.uniform(0, 1), level + (side - level) * dice.uniform(0.1, 1)
        reach = side * dice.uniform(0.02, 0.07)
        paint(draw, [(arc(x, y, reach, side * 0.005, 0, 360), shade(ground, dice.choice((-0.15, 0.35))))])
    return picture


def _room(dice: Dice, side: int) -> Image.Image:
    wall, floor = dice.choice(WALLS), dice.choice((*WALLS, *GROUNDS))
    picture = _gradient(side, wall, shade(wall, -0.08))
    draw = ImageDraw.Draw(picture)
    level = round(side * dice.uniform(0.55, 0.8))
    if dice.chance(0.5):
        _stripes(dice, draw, side, shade(wall, dice.choice((-0.1, 0.25))), 0)
    draw.rectangle((0, level, side, side), fill=floor)
    draw.rectangle((0, level - side // 40, side, level), fill=shade(wall, 0.5))
    for k in range(1, dice.choice((1, 5))):
        y = level + (side - level) * k // 5
        draw.rectangle((0, y, side, y + side // 150), fill=shade(floor, -0.15))
    return picture


def _pattern(dice: Dice, side: int) -> Image.Image:
    base = dice.choice(WALLS)
    picture = Image.new("RGB", (side, side), base)
    draw = ImageDraw.Draw(picture)
    second = dice.choice((shade(base, 0.35), shade(base, -0.18), shade(base, -0.1)))
    if dice.chance(0.5):
        _stripes(dice, draw, side, second, dice.choice((0.0, 0.5, -0.5, 1.0)))
        return picture
    step, size = side * dice.uniform(0.07, 0.16), dice.uniform(0.15, 0.3)
    for row in range(-1, int(side / step) + 2):
        for col in range(-1, int(side / step) + 2):
            middle = ((col + 0.5 * (row % 2)) * step, row * step)
            paint(draw, [(arc(*middle, step * size, step * size, 0, 360, steps=14), second)])
    return picture


def _stripes(dice: Dice, draw: ImageDraw.ImageDraw, side: int, colour: Colour, slant: float) -> None:
    step = side * dice.uniform(0.06, 0.18)
    x = -side * abs(slant) - step
    while x < side * (1 + abs(slant)):
        lean = slant * side
        paint(draw, [([(x, 0), (x + step / 2, 0), (x + step / 2 + lean, side), (x + lean, side)], colour)])
        x += step


def _blobs(dice: Dice, side: int) -> Image.Image:
    base = dice.choice((*WALLS, *GROUNDS))
    picture = Image.new("RGB", (side, side), base)
    draw = ImageDraw.Draw(picture)
    for _ in range(dice.integer(6, 16)):
        x, y, reach = side * dice.uniform(0, 1), side * dice.uniform(0, 1), side * dice.uniform(0.06, 0.22)
        points = []
        for k in range(7):
            r = reach * dice.uniform(0.7, 1.2)
            points.append((x + r * cos(2 * pi * k / 7), y + r * sin(2 * pi * k / 7)))
        paint(draw, [(smooth(points, closed=True), shade(base, dice.uniform(-0.2, 0.35)))])
    return picture


def _plain(dice: Dice, side: int) -> Image.Image:
    colour = dice.choice((*WALLS, *GROUNDS, *PAINTS))
    return _gradient(side, shade(colour, 0.4), shade(colour, dice.uniform(-0.1, 0.2)))


def _sun(pen: Pen, dice: Dice) -> None:
    colour = dice.choice(((250, 214, 90), (250, 236, 190), (244, 160, 90)))
    pen.ellipse(0, 0, 1, 1, colour)


def _moon(pen: Pen, dice: Dice) -> None:
    outer = arc(0, 0, 1, 1, 60, 300)
    pen.polygon([*outer, *arc(0.45, 0, 0.9, 0.9, 285, 75)], dice.choice(((250, 240, 200), (226, 230, 240))))


def _cloud(pen: Pen, dice: Dice) -> None:
    colour = dice.choice((WHITE, (230, 236, 244), (206, 212, 224)))
    for x, y, r in ((-1, 0.1, 0.5), (-0.3, -0.25, 0.7), (0.5, -0.1, 0.6), (1.1, 0.15, 0.42)):
        pen.ellipse(x, y, r * 1.2, r, colour)
    pen.polygon([(-1.4, 0.2), (1.5, 0.2), (1.3, 0.58), (-1.2, 0.58)], colour)


def _stone(pen: Pen, dice: Dice) -> None:
    colour = dice.choice(((150, 146, 146), (120, 118, 126), (176, 160, 146)))
    pen.blob([(-1, 0.5), (-0.8, -0.1), (-0.1, -0.5), (0.7, -0.3), (1, 0.5), (0, 0.65)], colour)
    pen.blob([(-0.6, -0.05), (-0.1, -0.35), (0.4, -0.2), (-0.1, -0.05)], shade(colour, 0.3))


def _ball(pen: Pen, dice: Dice) -> None:
    colour = dice.choice(PAINTS)
    pen.ellipse(0, 0, 0.9, 0.9, colour)
    pen.polygon([*arc(0, 0, 0.9, 0.9, -25, 25), *arc(0, 0, 0.9, 0.9, 155, 205)], shade(colour, 0.55))


def _star(pen: Pen, dice: Dice) -> None:
    points = []
    for k in range(10):
        r = 0.9 if k % 2 == 0 else 0.38
        points.append((r * sin(k * pi / 5), -r * cos(k * pi / 5)))
    pen.polygon(points, dice.choice(((250, 224, 110), WHITE, *PAINTS)))


def _box(pen: Pen, dice: Dice) -> None:
    colour, ribbon = dice.choice(PAINTS), dice.choice(PAINTS)
    pen.polygon([(-0.8, -0.7), (0.8, -0.7), (0.8, 0.8), (-0.8, 0.8)], colour)
    pen.polygon([(-0.15, -0.7), (0.15, -0.7), (0.15, 0.8), (-0.15, 0.8)], ribbon)


def _umbrella(pen: Pen, dice: Dice) -> None:
    colour = dice.choice(PAINTS)
    pen.stroke([(0, -0.8), (0, 0.8), (0.2, 0.95), (0.35, 0.75)], 0.1, (90, 70, 60))
    pen.polygon(arc(0, 0.1, 1, 0.95, 180, 360), colour)
    pen.polygon(arc(0, 0.1, 0.35, 0.95, 180, 360), shade(colour, 0.35))
