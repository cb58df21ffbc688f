"""Cat, dog, bird, fish and butterfly. Each draws itself into a pen in one of a few poses."""

from math import cos, pi, sin

from numcam.scenes.dice import Dice
from numcam.scenes.pen import INK, WHITE, Colour, Pen, shade

PINK = (238, 150, 150)


def cat(pen: Pen, dice: Dice, coat: Colour, second: Colour) -> None:
    """Pointed ears, slit eyes, whiskers, a long slim tail; sitting or walking."""
    light, dark = shade(coat, 0.45), shade(coat, -0.35)
    markings = dice.choice((dark, second, shade(coat, 0.3)))
    if dice.chance(0.55):
        lift = dice.uniform(-0.5, 0.1)
        pen.stroke([(0.25, 0.85), (0.75, 0.8), (0.85, 0.3 + lift / 2), (0.7, lift)], 0.15, coat, 0.1)
        pen.blob([(-0.22, -0.2), (0.22, -0.2), (0.42, 0.4), (0.46, 0.8), (0, 0.95), (-0.46, 0.8), (-0.42, 0.4)], coat)
        pen.ellipse(0, 0.4, 0.2, 0.36, light)
        for x in (-0.17, 0.17):
            pen.stroke([(x, 0.4), (x, 0.85)], 0.17, coat)
            pen.ellipse(x, 0.9, 0.13, 0.08, light)
        _cat_head(pen, dice, 0, -0.42, 1.0, coat, markings)
        return
    tail = dice.uniform(-0.9, -0.5)
    pen.stroke([(0.6, 0.05), (0.95, 0), (1.05, tail / 2), (0.9, tail)], 0.14, coat, 0.09)
    for x in (-0.42, 0.32):
        pen.stroke([(x + 0.14, 0.2), (x + 0.14 + dice.uniform(-0.1, 0.1), 0.78)], 0.17, dark)
    pen.blob([(-0.6, -0.12), (-0.1, -0.2), (0.5, -0.14), (0.72, 0.1), (0.55, 0.36), (-0.1, 0.34), (-0.55, 0.3)], coat)
    for k in range(dice.choice((0, 4))):
        pen.stroke([(-0.2 + 0.2 * k, -0.16), (-0.17 + 0.2 * k, 0.12)], 0.08, markings, 0.03)
    for x in (-0.46, 0.44):
        pen.stroke([(x, 0.2), (x + dice.uniform(-0.1, 0.1), 0.78)], 0.18, coat)
    _cat_head(pen, dice, -0.68, -0.3, 0.82, coat, markings)


def _cat_head(pen: Pen, dice: Dice, x: float, y: float, size: float, coat: Colour, markings: Colour) -> None:
    first = Pen()
    first.polygon([(-0.37, -0.02), (-0.36, -0.56), (-0.06, -0.26)], coat)
    first.polygon([(-0.32, -0.12), (-0.32, -0.45), (-0.13, -0.26)], PINK)
    first.mirrored(0)
    first.ellipse(0, 0, 0.4, 0.33, coat)
    if dice.chance(0.5):
        for k in (-0.1, 0, 0.1):
            first.stroke([(k, -0.3), (k * 0.8, -0.16)], 0.05, markings, 0.02)
    first.ellipse(0, 0.14, 0.17, 0.12, shade(coat, 0.55))
    eye = dice.choice(((196, 214, 90), (244, 200, 70), (120, 200, 200)))
    mark = len(first.shapes)
    first.ellipse(0.17, -0.04, 0.1, 0.085, eye)
    first.ellipse(0.17, -0.04, 0.03, 0.08, INK)
    for k in (-0.05, 0.02, 0.09):
        first.stroke([(0.14, 0.13 + k / 3), (0.52, 0.1 + k * 1.6)], 0.022, INK, 0.012)
    first.mirrored(mark)
    first.polygon([(-0.06, 0.07), (0.06, 0.07), (0, 0.14)], PINK)
    first.stroke([(-0.09, 0.2), (-0.03, 0.21), (0, 0.15), (0.03, 0.21), (0.09, 0.2)], 0.025, INK)
    pen.shapes += [([(x + size * u, y + size * v) for u, v in points], colour) for points, colour in first.shapes]


def dog(pen: Pen, dice: Dice, coat: Colour, second: Colour) -> None:
    """Hanging ears, a big muzzle with a dark nose, tongue, collar; sitting or standing in profile."""
    ear = dice.choice((shade(coat, -0.4), second, shade(coat, 0.4)))
    light, collar = shade(coat, 0.5), dice.choice(((206, 60, 60), (60, 110, 190), (64, 150, 96)))
    if dice.chance(0.5):
        pen.stroke([(0.35, 0.75), (0.7, 0.65), (0.8, 0.4)], 0.16, coat, 0.1)
        pen.blob([(-0.28, -0.2), (0.28, -0.2), (0.44, 0.4), (0.5, 0.85), (0, 0.95), (-0.5, 0.85), (-0.44, 0.4)], coat)
        pen.ellipse(0, 0.3, 0.22, 0.32, light)
        for x in (-0.2, 0.2):
            pen.stroke([(x, 0.35), (x, 0.84)], 0.21, coat)
            pen.ellipse(x * 1.15, 0.9, 0.17, 0.09, light)
        pen.stroke([(-0.28, -0.1), (0, -0.02), (0.28, -0.1)], 0.11, collar)
        pen.ellipse(0, 0.07, 0.06, 0.07, (240, 200, 80))
        pen.blob(
            [
                (-0.3, -0.8),
                (0, -0.86),
                (0.3, -0.8),
                (0.37, -0.5),
                (0.24, -0.2),
                (0, -0.12),
                (-0.24, -0.2),
                (-0.37, -0.5),
            ],
            coat,
        )
        if dice.chance(0.5):
            pen.ellipse(0.15, -0.56, 0.14, 0.17, ear)
        mark = len(pen.shapes)
        pen.blob([(-0.26, -0.8), (-0.44, -0.74), (-0.58, -0.4), (-0.52, -0.1), (-0.4, -0.14), (-0.34, -0.45)], ear)
        pen.ellipse(-0.15, -0.55, 0.065, 0.075, WHITE)
        pen.ellipse(-0.14, -0.54, 0.05, 0.06, INK)
        pen.mirrored(mark)
        if dice.chance(0.7):
            pen.blob([(-0.08, -0.2), (0.08, -0.2), (0.09, 0.04), (0, 0.1), (-0.09, 0.04)], (232, 96, 110))
        pen.ellipse(0, -0.3, 0.23, 0.17, light)
        pen.ellipse(0, -0.4, 0.11, 0.08, INK)
        pen.stroke([(-0.15, -0.27), (-0.07, -0.21), (0, -0.24), (0.07, -0.21), (0.15, -0.27)], 0.03, INK)
        return
    pen.stroke([(0.62, -0.05), (0.85, -0.25), (0.9, -0.5)], 0.15, coat, 0.08)
    for x in (-0.3, 0.42):
        pen.stroke([(x + 0.15, 0.2), (x + 0.15, 0.82)], 0.17, shade(coat, -0.25))
    pen.blob(
        [(-0.55, -0.2), (0, -0.16), (0.55, -0.16), (0.7, 0.1), (0.55, 0.36), (0, 0.3), (-0.5, 0.38), (-0.66, 0.1)], coat
    )
    for _ in range(dice.choice((0, 0, 3))):
        pen.ellipse(dice.uniform(-0.3, 0.45), dice.uniform(-0.03, 0.2), dice.uniform(0.07, 0.13), 0.09, ear)
    for x in (-0.42, 0.48):
        pen.stroke([(x, 0.2), (x, 0.8)], 0.2, coat)
        pen.ellipse(x - 0.05, 0.84, 0.15, 0.08, coat)
    pen.stroke([(-0.5, 0.1), (-0.68, -0.4)], 0.36, coat)
    pen.stroke([(-0.72, -0.02), (-0.56, -0.14), (-0.44, -0.1)], 0.1, collar)
    if dice.chance(0.6):
        pen.blob([(-1.06, -0.28), (-0.94, -0.3), (-0.94, -0.08), (-1.03, -0.04)], (232, 96, 110))
    pen.ellipse(-0.72, -0.5, 0.3, 0.26, coat)
    pen.blob([(-0.8, -0.62), (-1.1, -0.54), (-1.2, -0.4), (-1.1, -0.28), (-0.75, -0.28)], light)
    pen.ellipse(-1.17, -0.46, 0.08, 0.07, INK)
    pen.stroke([(-1.1, -0.33), (-0.88, -0.34)], 0.025, INK)
    pen.ellipse(-0.82, -0.57, 0.05, 0.06, INK)
    pen.blob([(-0.66, -0.72), (-0.5, -0.68), (-0.38, -0.36), (-0.44, -0.1), (-0.58, -0.14), (-0.66, -0.44)], ear)


def bird(pen: Pen, dice: Dice, coat: Colour, second: Colour) -> None:
    """A beak, a wing, a fanned tail, two legs; perched or flying."""
    belly, beak = shade(coat, 0.5), dice.choice(((240, 160, 50), (250, 200, 70), (200, 90, 60)))
    flying = dice.chance(0.45)
    for k in (-0.09, 0.0, 0.09):
        pen.polygon([(0.3, 0.06), (1.0, 0.22 + 2 * k), (0.96, 0.36 + 2 * k), (0.3, 0.25)], shade(second, -0.1 - k))
    if flying:
        pen.blob(
            [(0.1, 0.0), (0.5, -0.5), (0.75, -0.85), (0.4, -0.8), (0.0, -0.55), (-0.2, -0.05)], shade(second, -0.25)
        )
    else:
        for x in (-0.08, 0.12):
            pen.stroke([(x, 0.45), (x, 0.78)], 0.12, beak)
            pen.stroke([(x - 0.13, 0.82), (x, 0.79), (x + 0.1, 0.82)], 0.1, beak)
    pen.blob([(-0.55, -0.25), (-0.2, -0.25), (0.3, 0.02), (0.5, 0.2), (0.1, 0.5), (-0.35, 0.42), (-0.56, 0.1)], coat)
    pen.blob([(-0.5, 0.05), (-0.2, 0.15), (0.1, 0.42), (-0.15, 0.5), (-0.4, 0.36)], belly)
    pen.polygon([(-0.7, -0.48), (-1.08, -0.28), (-0.68, -0.12)], beak)
    pen.polygon([(-0.7, -0.29), (-1.08, -0.28), (-0.68, -0.12)], shade(beak, -0.25))
    pen.ellipse(-0.5, -0.32, 0.3, 0.28, coat)
    if dice.chance(0.4):
        for k in (-0.08, 0.05, 0.18):
            pen.stroke([(-0.45, -0.55), (-0.42 + k, -0.82)], 0.07, second, 0.03)
    pen.ellipse(-0.6, -0.36, 0.085, 0.085, WHITE)
    pen.ellipse(-0.62, -0.36, 0.05, 0.055, INK)
    if flying:
        pen.blob([(-0.25, 0.1), (-0.15, -0.5), (-0.25, -1.0), (0.15, -0.75), (0.4, -0.3), (0.35, 0.12)], second)
        for k in (0, 1, 2):
            pen.stroke([(-0.08 + 0.1 * k, -0.1), (-0.1 + 0.14 * k, -0.55 + 0.12 * k)], 0.05, shade(second, 0.35))
    else:
        pen.blob([(-0.25, 0.02), (0.15, -0.05), (0.6, 0.28), (0.35, 0.34), (-0.05, 0.34)], second)
        for k in (0, 1):
            pen.stroke([(-0.02, 0.08 + 0.1 * k), (0.3, 0.17 + 0.08 * k)], 0.05, shade(second, 0.35))


def fish(pen: Pen, dice: Dice, coat: Colour, second: Colour) -> None:
    """A leaf-shaped body, a forked tail, fins, a round eye; stripes, spots or scales."""
    height = dice.uniform(0.32, 0.58)
    pen.blob([(0.5, 0), (0.95, -0.45), (1.08, -0.4), (0.9, 0), (1.08, 0.4), (0.95, 0.45)], second)
    pen.blob([(-0.3, -height * 0.8), (0.0, -height * 1.5), (0.35, -height * 1.2), (0.4, -height * 0.4)], second)
    pen.blob([(-0.05, height * 0.8), (0.15, height * 1.45), (0.35, height * 1.1), (0.3, height * 0.5)], second)
    pen.blob(
        [
            (-0.85, 0),
            (-0.5, -height * 0.85),
            (0, -height),
            (0.45, -height * 0.5),
            (0.72, 0),
            (0.45, height * 0.5),
            (0, height),
            (-0.5, height * 0.85),
        ],
        coat,
    )
    pattern = dice.choice(("stripes", "spots", "scales", "belly"))
    if pattern == "stripes":
        for x in (-0.25, 0.05, 0.33):
            reach = height * (0.92 - 1.2 * abs(x + 0.05) ** 1.5) * 0.85
            pen.stroke([(x, -reach), (x + 0.08, 0), (x, reach)], 0.12, second)
    elif pattern == "belly":
        pen.blob(
            [
                (-0.7, height * 0.3),
                (0, height * 0.4),
                (0.55, height * 0.12),
                (0.3, height * 0.6),
                (-0.1, height * 0.9),
                (-0.5, height * 0.72),
            ],
            shade(coat, 0.55),
        )
    else:
        for row in (-0.45, 0.0, 0.45):
            for k in range(4):
                x = -0.22 + 0.2 * k + (0.1 if row == 0 else 0)
                y = row * height * (1.1 - 0.2 * k)
                size = 0.055 if pattern == "spots" else 0.08
                pen.ellipse(x, y, size, size, second if pattern == "spots" else shade(coat, -0.22))
                if pattern == "scales":
                    pen.ellipse(x + 0.035, y, 0.07, 0.07, coat)
    pen.blob([(-0.2, 0.05), (0.12, 0.0), (0.2, 0.22), (0.0, 0.24)], shade(second, -0.15))
    pen.ellipse(-0.55, -0.1, 0.12, 0.12, WHITE)
    pen.ellipse(-0.57, -0.1, 0.065, 0.07, INK)
    pen.stroke([(-0.83, 0.1), (-0.72, 0.15), (-0.62, 0.12)], 0.035, INK)


def butterfly(pen: Pen, dice: Dice, coat: Colour, second: Colour) -> None:
    """Four wings round a slim body, two antennae; eyespots or bands on the wings."""
    spread, low = dice.uniform(0.85, 1.1), dice.uniform(0.55, 0.8)
    rim = dice.choice((INK, shade(coat, -0.45), second))
    for scale, fill in ((1.0, rim), (0.84, coat)):
        c = (0.45 * spread, -0.34)
        upper = [(0.05, -0.1), (0.35, -0.72), (0.85, -0.86), (1.02, -0.5), (0.78, -0.06), (0.3, 0.06)]
        pen.blob([(c[0] + (x * spread - c[0]) * scale, c[1] + (y - c[1]) * scale) for x, y in upper], fill)
        c = (0.38 * spread, 0.38)
        lower = [(0.05, 0.02), (0.45, 0.0), (0.8, 0.25), (0.72, low), (0.4, low + 0.15), (0.15, 0.5)]
        pen.blob([(c[0] + (x * spread - c[0]) * scale, c[1] + (y - c[1]) * scale) for x, y in lower], fill)
    if dice.chance(0.6):
        pen.ellipse(0.66 * spread, -0.5, 0.17, 0.17, second)
        pen.ellipse(0.66 * spread, -0.5, 0.08, 0.08, shade(second, 0.65))
        pen.ellipse(0.48 * spread, 0.38, 0.13, 0.13, second)
        pen.ellipse(0.48 * spread, 0.38, 0.06, 0.06, shade(second, 0.65))
    else:
        for k in range(4):
            angle = (-78 + 22 * k) * pi / 180
            pen.ellipse(0.2 + 0.62 * spread * cos(angle), -0.12 + 0.55 * sin(angle), 0.06, 0.06, shade(second, 0.3))
        pen.stroke([(0.2, 0.15), (0.5 * spread, 0.35), (0.5 * spread, 0.55)], 0.1, second, 0.05)
    pen.mirrored(0)
    for side in (-1, 1):
        pen.stroke([(side * 0.03, -0.4), (side * 0.1, -0.66), (side * 0.22, -0.84)], 0.1, INK, 0.07)
        pen.ellipse(side * 0.23, -0.86, 0.09, 0.09, INK)
    pen.stroke([(0, -0.3), (0, 0.1), (0, 0.55)], 0.2, shade(rim, -0.3), 0.12)
    pen.ellipse(0, -0.4, 0.14, 0.14, shade(rim, -0.3))
