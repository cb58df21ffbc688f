"""Car, boat, house, tree and flower. Each draws itself into a pen in one of a few shapes."""

from math import cos, pi, sin

from numcam.scenes.dice import Dice
from numcam.scenes.pen import INK, WHITE, Colour, Pen, arc, shade

GLASS = (176, 216, 232)
WOOD = (124, 84, 60)


def car(pen: Pen, dice: Dice, coat: Colour, second: Colour) -> None:
    """Two wheels, windows, lights: a saloon, a van or a pick-up, seen from the side."""
    glass = dice.choice((GLASS, (150, 190, 214), (214, 232, 236)))
    kind = dice.choice(("saloon", "saloon", "van", "pick-up"))
    if kind == "saloon":
        pen.blob([(-0.6, -0.02), (-0.4, -0.42), (-0.1, -0.52), (0.3, -0.48), (0.62, -0.02)], coat)
        pen.polygon([(-0.45, -0.06), (-0.32, -0.34), (-0.04, -0.4), (-0.04, -0.06)], glass)
        pen.polygon([(0.04, -0.06), (0.04, -0.4), (0.28, -0.36), (0.48, -0.06)], glass)
    elif kind == "van":
        pen.blob(
            [(-0.92, 0.1), (-0.9, -0.5), (-0.6, -0.58), (0.4, -0.58), (0.66, -0.44), (0.86, -0.02), (0.8, 0.2)], coat
        )
        for left, right in ((-0.78, -0.42), (-0.34, 0.02), (0.1, 0.4)):
            pen.polygon([(left, -0.08), (left, -0.42), (right, -0.42), (right, -0.08)], glass)
        pen.polygon([(0.48, -0.08), (0.48, -0.42), (0.58, -0.4), (0.74, -0.08)], glass)
    else:
        pen.polygon([(-0.05, 0.1), (-0.05, -0.5), (0.36, -0.5), (0.6, 0.0), (0.6, 0.1)], coat)
        pen.polygon([(0.06, -0.06), (0.06, -0.38), (0.3, -0.38), (0.46, -0.06)], glass)
        for x in (-0.75, -0.48, -0.22):
            pen.ellipse(x, -0.06, 0.17, 0.15, second)
    pen.blob(
        [(-0.98, 0.3), (-0.98, 0.06), (-0.7, -0.06), (0.6, -0.06), (0.94, 0.04), (1.0, 0.3), (0.7, 0.36), (-0.7, 0.36)],
        coat,
    )
    if dice.chance(0.5):
        pen.polygon([(-0.9, 0.14), (0.92, 0.14), (0.94, 0.22), (-0.92, 0.22)], second)
    pen.ellipse(0.9, 0.1, 0.08, 0.07, (255, 240, 170))
    pen.ellipse(-0.93, 0.12, 0.06, 0.07, (214, 60, 50))
    pen.polygon([(-0.02, -0.02), (0.02, -0.02), (0.02, 0.3), (-0.02, 0.3)], shade(coat, -0.3))
    for x in (-0.55, 0.55):
        pen.ellipse(x, 0.34, 0.25, 0.25, INK)
        pen.ellipse(x, 0.34, 0.13, 0.13, (206, 206, 210))
        pen.ellipse(x, 0.34, 0.05, 0.05, (90, 90, 100))


def boat(pen: Pen, dice: Dice, coat: Colour, second: Colour) -> None:
    """A hull, and sails on a mast or a cabin with a funnel."""
    hull = [(-0.9, 0.3), (0.95, 0.3), (0.62, 0.78), (-0.62, 0.78)]
    if dice.chance(0.6):
        top = dice.uniform(-1.05, -0.8)
        sail = dice.choice((WHITE, second, shade(second, 0.5)))
        pen.stroke([(0, 0.35), (0, top)], 0.13, WOOD)
        pen.polygon([(0.08, top + 0.1), (0.08, 0.18), (0.78, 0.18)], sail)
        pen.polygon([(-0.08, top + 0.02), (-0.08, 0.18), (-0.6, 0.18)], shade(sail, -0.14))
        if dice.chance(0.5):
            pen.polygon([(0.09, -0.2), (0.09, -0.02), (0.56, -0.02), (0.42, -0.2)], coat)
        pen.polygon([(0, top + 0.04), (0, top - 0.2), (-0.34, top - 0.08)], second if sail == WHITE else coat)
    else:
        pen.polygon([(0.18, -0.2), (0.22, -0.75), (0.48, -0.75), (0.52, -0.2)], second)
        pen.polygon([(0.21, -0.62), (0.22, -0.75), (0.48, -0.75), (0.49, -0.62)], INK)
        pen.polygon([(-0.6, 0.32), (-0.6, -0.06), (0.62, -0.06), (0.62, 0.32)], WHITE)
        pen.polygon([(-0.38, -0.04), (-0.38, -0.36), (0.14, -0.36), (0.14, -0.04)], shade(second, 0.4))
        for x in (-0.4, -0.06, 0.3):
            pen.ellipse(x, 0.13, 0.1, 0.1, GLASS)
        pen.polygon([(-0.28, -0.12), (-0.28, -0.28), (0.04, -0.28), (0.04, -0.12)], GLASS)
    pen.polygon(hull, coat)
    pen.polygon([(-0.9, 0.3), (0.95, 0.3), (0.88, 0.4), (-0.84, 0.4)], shade(coat, 0.4))
    if dice.chance(0.6):
        for x in (-0.4, -0.05, 0.3):
            pen.ellipse(x, 0.56, 0.07, 0.07, shade(coat, 0.65))
    if dice.chance(0.5):
        pen.polygon([(-0.66, 0.7), (0.68, 0.7), (0.62, 0.78), (-0.62, 0.78)], second)


def house(pen: Pen, dice: Dice, coat: Colour, second: Colour) -> None:
    """Walls, a roof with a chimney, a door and windows."""
    wide, tall = dice.uniform(0.6, 0.85), dice.uniform(0.5, 0.95)
    top, peak = 0.9 - tall * 1.1, dice.uniform(0.5, 0.75)
    chimney = wide * dice.choice((-0.5, 0.45))
    pen.polygon(
        [(chimney - 0.1, top), (chimney - 0.1, top - peak), (chimney + 0.1, top - peak), (chimney + 0.1, top)],
        shade(coat, -0.35),
    )
    pen.polygon([(-wide, 0.9), (-wide, top), (wide, top), (wide, 0.9)], coat)
    if dice.chance(0.4):
        y = top + 0.14
        while y < 0.85:
            pen.polygon([(-wide, y), (wide, y), (wide, y + 0.03), (-wide, y + 0.03)], shade(coat, -0.15))
            y += 0.15
    hip = dice.choice((0.0, 0.0, 0.35))
    pen.polygon(
        [(-wide - 0.14, top + 0.04), (-wide * hip, top - peak), (wide * hip, top - peak), (wide + 0.14, top + 0.04)],
        second,
    )
    for k in range(1, dice.choice((1, 4))):
        y = top + 0.04 - (peak + 0.04) * k / 4
        reach = (wide + 0.14) * (1 - k / 4) + wide * hip * k / 4
        pen.polygon([(-reach, y), (reach, y), (reach, y + 0.035), (-reach, y + 0.035)], shade(second, -0.2))
    door = dice.choice((-0.4, 0.0, 0.4)) * wide
    pen.polygon([(door - 0.14, 0.9), (door - 0.14, 0.42), (door + 0.14, 0.42), (door + 0.14, 0.9)], shade(second, -0.4))
    pen.ellipse(door + 0.08, 0.67, 0.03, 0.03, (244, 210, 90))
    pane = dice.choice((GLASS, (252, 226, 130)))
    rows = [0.5] if tall < 0.72 else [0.52, 0.08]
    for y in rows:
        for x in (-0.62 * wide, 0.0, 0.62 * wide):
            if y > 0.3 and abs(x - door) < 0.34:
                continue
            pen.polygon([(x - 0.15, y + 0.15), (x - 0.15, y - 0.15), (x + 0.15, y - 0.15), (x + 0.15, y + 0.15)], WHITE)
            for dx in (-0.065, 0.065):
                for dy in (-0.065, 0.065):
                    cell = [
                        (dx - 0.05, dy - 0.05),
                        (dx + 0.05, dy - 0.05),
                        (dx + 0.05, dy + 0.05),
                        (dx - 0.05, dy + 0.05),
                    ]
                    pen.polygon([(x + u, y + v) for u, v in cell], pane)


def tree(pen: Pen, dice: Dice, coat: Colour, second: Colour) -> None:
    """A stout trunk with a big crown: round, in tiers like a fir, or tall like a poplar."""
    bark = dice.choice((WOOD, (96, 70, 58), (150, 112, 84), (110, 100, 96)))
    kind = dice.choice(("round", "round", "fir", "poplar"))
    pen.polygon([(-0.2, 0.1), (-0.2, 0.75), (-0.34, 0.98), (0.34, 0.98), (0.2, 0.75), (0.2, 0.1)], bark)
    pen.stroke([(-0.03, 0.4), (-0.04, 0.85)], 0.03, shade(bark, -0.3))
    if kind == "fir":
        tiers = dice.integer(3, 4)
        for k in range(tiers):
            y, half = 0.55 - 1.1 * k / tiers, 0.72 * (1 - 0.72 * k / tiers)
            pen.polygon(
                [(-half, y), (0, y - 0.75), (half, y), (half * 0.5, y + 0.07), (0, y - 0.02), (-half * 0.5, y + 0.07)],
                shade(coat, -0.12 if k % 2 else 0.05),
            )
        return
    if kind == "poplar":
        pen.blob(
            [(0, -1.1), (0.3, -0.7), (0.42, -0.1), (0.3, 0.4), (0, 0.5), (-0.3, 0.4), (-0.42, -0.1), (-0.3, -0.7)], coat
        )
        lumps = [(-0.12, -0.5), (0.12, -0.2), (-0.1, 0.1), (0.05, -0.8)]
    else:
        pen.stroke([(0, 0.4), (0.3, 0.1)], 0.1, bark)
        lumps = []
        for k in range(9):
            angle = k * 40 * pi / 180
            reach = dice.uniform(0.38, 0.5)
            lumps.append((reach * 1.15 * cos(angle), -0.4 + reach * sin(angle)))
        for x, y in lumps:
            pen.ellipse(x, y, 0.34, 0.32, shade(coat, -0.12 if y > -0.35 else 0))
        pen.ellipse(0, -0.42, 0.5, 0.45, coat)
    for x, y in lumps:
        pen.blob(arc(x * 0.75, y, 0.15, 0.1, 200, 340, steps=5), shade(coat, 0.22))
    if dice.chance(0.4):
        for _ in range(7):
            pen.ellipse(dice.uniform(-0.3, 0.3), dice.uniform(-0.75, 0.1), 0.06, 0.06, second)


def flower(pen: Pen, dice: Dice, coat: Colour, second: Colour) -> None:
    """Big petals round a disc, on a stem with leaves; or a tulip."""
    green = dice.choice(((92, 150, 76), (66, 128, 92), (136, 168, 70)))
    bend = dice.uniform(-0.22, 0.22)
    pen.stroke([(0, -0.3), (bend, 0.3), (bend * 0.4, 1.05)], 0.16, green)
    for side in (-1, 1):
        y = 0.45 + 0.12 * side
        pen.blob(
            [(bend * 0.9, y + 0.22), (side * 0.26, y - 0.18), (side * 0.66, y - 0.24), (side * 0.44, y + 0.18)],
            shade(green, 0.15 * side),
        )
    if dice.chance(0.25):
        pen.blob([(-0.45, -0.95), (-0.22, -0.72), (-0.3, -0.2), (-0.48, -0.4)], shade(coat, -0.15))
        pen.blob([(0.45, -0.95), (0.22, -0.72), (0.3, -0.2), (0.48, -0.4)], shade(coat, -0.15))
        pen.blob([(0, -1.02), (0.26, -0.65), (0.34, -0.3), (0, -0.08), (-0.34, -0.3), (-0.26, -0.65)], coat)
        pen.stroke([(0, -0.85), (0, -0.35)], 0.04, shade(coat, 0.35), 0.02)
        return
    petals, turn = dice.integer(5, 9), dice.uniform(0, 60)
    long, wide = dice.uniform(0.3, 0.38), dice.uniform(0.85, 1.1) * min(0.32, 1.3 / petals)
    for k in range(petals):
        angle = turn + 360 * k / petals
        x, y = 0.4 * cos(angle * pi / 180), -0.42 + 0.4 * sin(angle * pi / 180)
        pen.ellipse(x, y, long, wide, shade(coat, -0.1 if k % 2 else 0.08), angle)
        pen.ellipse(x * 0.8, -0.42 + (y + 0.42) * 0.8, long * 0.5, wide * 0.25, shade(coat, 0.35), angle)
    pen.ellipse(0, -0.42, 0.25, 0.25, second)
    for k in range(6):
        pen.ellipse(0.12 * cos(k * pi / 3), -0.42 + 0.12 * sin(k * pi / 3), 0.035, 0.035, shade(second, -0.3))
