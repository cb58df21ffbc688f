"""Colours that go together. None belongs to a class."""

from numcam.scenes.dice import Dice
from numcam.scenes.pen import Colour

PAINTS: tuple[Colour, ...] = (
    (214, 76, 62),
    (235, 129, 61),
    (244, 186, 72),
    (247, 216, 120),
    (150, 186, 84),
    (88, 156, 92),
    (62, 148, 140),
    (84, 176, 196),
    (70, 128, 196),
    (78, 92, 170),
    (128, 98, 178),
    (180, 112, 186),
    (226, 122, 160),
    (240, 168, 172),
    (168, 104, 70),
    (122, 82, 66),
    (206, 168, 128),
    (232, 214, 184),
    (240, 236, 228),
    (166, 170, 180),
    (98, 104, 120),
    (62, 62, 76),
)


def paint_against(dice: Dice, ground: Colour, least: float = 110) -> Colour:
    """A paint that stands out from `ground`: the first of six draws that is far enough, else the farthest."""
    draws = [dice.choice(PAINTS) for _ in range(6)]
    far = [paint for paint in draws if distance(paint, ground) >= least]
    return far[0] if far else max(draws, key=lambda paint: distance(paint, ground))


def distance(a: Colour, b: Colour) -> float:
    """Between two colours, weighted roughly as eyes do."""
    red, green, blue = ((x - y) ** 2 for x, y in zip(a, b, strict=True))
    return float(2 * red + 4 * green + 3 * blue) ** 0.5 / 1.7
