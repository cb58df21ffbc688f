"""A pen that collects filled shapes. Everything becomes a polygon: one primitive, drawn alike on every machine."""

from collections.abc import Iterable
from math import cos, hypot, pi, sin

from PIL import ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]

INK = (38, 32, 44)
WHITE = (252, 250, 244)


class Pen:
    """Shapes in an object's own coordinates, x to the right and y down; sizes do not matter, `placed` scales them."""

    def __init__(self) -> None:
        self.shapes: list[tuple[list[Point], Colour]] = []

    def polygon(self, points: Iterable[Point], colour: Colour) -> None:
        """A filled polygon."""
        self.shapes.append((list(points), colour))

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, turn: float = 0) -> None:
        """A filled ellipse round (x, y), turned by `turn` degrees clockwise."""
        self.polygon(arc(x, y, rx, ry, 0, 360, turn), colour)

    def blob(self, points: list[Point], colour: Colour) -> None:
        """A filled smooth shape through the points."""
        self.polygon(smooth(points, closed=True), colour)

    def stroke(self, points: list[Point], width: float, colour: Colour, end: float | None = None) -> None:
        """A smooth line through the points with round ends, `width` wide at first and `end` wide at last."""
        path = smooth(points, closed=False) if len(points) > 2 else points
        end = width if end is None else end
        left, right = [], []
        for i, (x, y) in enumerate(path):
            (x0, y0), (x1, y1) = path[max(i - 1, 0)], path[min(i + 1, len(path) - 1)]
            length = hypot(x1 - x0, y1 - y0) or 1
            half = (width + (end - width) * i / max(1, len(path) - 1)) / 2
            across = (-(y1 - y0) / length * half, (x1 - x0) / length * half)
            left.append((x + across[0], y + across[1]))
            right.append((x - across[0], y - across[1]))
        self.polygon(left + right[::-1], colour)
        for (x, y), w in ((path[0], width), (path[-1], end)):
            self.polygon(arc(x, y, w / 2, w / 2, 0, 360, steps=12), colour)

    def mirrored(self, first: int) -> None:
        """Repeat the shapes from number `first` on, mirrored left to right."""
        self.shapes += [([(-x, y) for x, y in points], colour) for points, colour in self.shapes[first:]]


Shapes = list[tuple[list[Point], Colour]]


def arc(
    x: float, y: float, rx: float, ry: float, start: float, stop: float, turn: float = 0, steps: int = 32
) -> list[Point]:
    """Points on an ellipse from `start` to `stop` degrees, clockwise from the right, turned by `turn` degrees."""
    c, s = cos(turn * pi / 180), sin(turn * pi / 180)
    points = []
    for i in range(steps + 1):
        angle = (start + (stop - start) * i / steps) * pi / 180
        px, py = rx * cos(angle), ry * sin(angle)
        points.append((x + px * c - py * s, y + px * s + py * c))
    return points


def smooth(points: list[Point], closed: bool, steps: int = 8) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    n = len(points)
    out = []
    for i in range(n if closed else n - 1):
        p = [points[j % n] if closed else points[min(max(j, 0), n - 1)] for j in range(i - 1, i + 3)]
        for k in range(steps):
            t = k / steps
            weights = (-t + 2 * t * t - t**3, 2 - 5 * t * t + 3 * t**3, t + 4 * t * t - 3 * t**3, t**3 - t * t)
            out.append(
                (
                    sum(w * q[0] for w, q in zip(weights, p, strict=True)) / 2,
                    sum(w * q[1] for w, q in zip(weights, p, strict=True)) / 2,
                )
            )
    return out if closed else [*out, points[-1]]


def turned(shapes: Shapes, angle: float, flip: bool) -> Shapes:
    """The shapes, mirrored if `flip`, then turned by `angle` degrees clockwise."""
    c, s, f = cos(angle * pi / 180), sin(angle * pi / 180), -1 if flip else 1
    return [([(f * x * c - y * s, f * x * s + y * c) for x, y in points], colour) for points, colour in shapes]


def bounds(shapes: Shapes) -> tuple[float, float, float, float]:
    """left, top, right, bottom of all shapes together."""
    xs = [x for points, _ in shapes for x, _ in points]
    ys = [y for points, _ in shapes for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def moved(shapes: Shapes, scale: float, right: float, down: float) -> Shapes:
    """The shapes scaled, then moved."""
    return [([(x * scale + right, y * scale + down) for x, y in points], colour) for points, colour in shapes]


def paint(draw: ImageDraw.ImageDraw, shapes: Shapes, colour: Colour | int | None = None) -> None:
    """Fill the shapes, in their own colours or all in one; coordinates are rounded to whole canvas pixels."""
    for points, own in shapes:
        draw.polygon([(round(x), round(y)) for x, y in points], fill=own if colour is None else colour)


def outline(draw: ImageDraw.ImageDraw, shapes: Shapes, width: int, colour: Colour | int) -> None:
    """A line round everything: painted before the shapes, it shows only outside them."""
    for points, _ in shapes:
        path = [(round(x), round(y)) for x, y in points]
        draw.line([*path, path[0], path[1]], fill=colour, width=width)


def shade(colour: Colour, by: float) -> Colour:
    """Darker for by < 0, lighter for by > 0, by at most 1."""
    end = 255 if by > 0 else 0
    red, green, blue = (round(c + (end - c) * abs(by)) for c in colour)
    return red, green, blue
