"""Boards: grids of numbers, circles and arrows, for figures that are read number by number.

Positions are (row, col) in cells, row 0 on top; what belongs to the forward pass is black, to the backward pass red.
"""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from numcam.nn.types import Array

CELL = 0.5
"""Side of a cell in inches."""

FORWARD, BACKWARD = "black", "#c0241c"
MARKED = "#ffd966"

At = tuple[float, float]


def board(rows: float, cols: float, title: str = "", dpi: int = 130) -> tuple[Figure, Axes]:
    """An empty board of rows x cols cells, with its one message on top."""
    room = 0.3 * (title.count("\n") + 1) + 0.15 if title else 0.0
    width, height = cols * CELL, rows * CELL + room
    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    if title:
        figure.text(0.5, 1 - 0.1 / height, title, ha="center", va="top", fontsize=13, fontweight="bold")
    axes = figure.add_axes((0, 0, 1, rows * CELL / height))
    axes.set(xlim=(0, cols), ylim=(rows, 0))
    axes.axis("off")
    return figure, axes


def grid(
    axes: Axes,
    values: Array,
    at: At,
    heading: str = "",
    *,
    marked: Iterable[tuple[int, int]] = (),
    ink: str = FORWARD,
    size: float = 13,
) -> None:
    """A table of numbers, (rows, cols), its top left corner `at`; NaN leaves a cell empty. marked: cells to show."""
    values = np.atleast_2d(values)
    rows, cols = values.shape
    marks = set(marked)
    for (i, j), value in np.ndenumerate(values):
        chosen = (i, j) in marks
        fill = MARKED if chosen else "white"
        corner = (at[1] + j, at[0] + i)
        axes.add_patch(Rectangle(corner, 1, 1, facecolor=fill, edgecolor="#888888", linewidth=0.8))
        if value == value:
            say(axes, f"{value:g}", (at[0] + i + 0.5, at[1] + j + 0.5), ink=ink, size=size, bold=chosen)
    axes.add_patch(Rectangle((at[1], at[0]), cols, rows, fill=False, edgecolor=ink, linewidth=1.6))
    if heading:
        say(axes, heading, (at[0] - 0.4, at[1] + cols / 2), ink=ink)


def say(axes: Axes, text: str, at: At, *, ink: str = FORWARD, size: float = 13, bold: bool = False) -> None:
    """Text with its middle `at`, in front of arrows."""
    weight = "bold" if bold else "normal"
    axes.text(at[1], at[0], text, ha="center", va="center", color=ink, fontsize=size, fontweight=weight, zorder=4)


def arrow(axes: Axes, start: At, end: At, *, ink: str = FORWARD, bend: float = 0.0) -> None:
    """An arrow from `start` to `end`; bend > 0 curves it."""
    axes.add_patch(
        FancyArrowPatch(
            (start[1], start[0]),
            (end[1], end[0]),
            arrowstyle="-|>",
            mutation_scale=14,
            color=ink,
            linewidth=1.6,
            connectionstyle=f"arc3,rad={bend}",
            shrinkA=0,
            shrinkB=0,
        )
    )


def circle(axes: Axes, text: str, at: At, radius: float = 0.55) -> None:
    """A node of a graph: a variable or an operation."""
    axes.add_patch(Circle((at[1], at[0]), radius, facecolor="white", edgecolor=FORWARD, linewidth=1.6, zorder=3))
    axes.text(at[1], at[0], text, ha="center", va="center", fontsize=14, zorder=4)


def edge(axes: Axes, start: At, end: At, slope: str) -> None:
    """What leads from one circle to another: a black arrow there, a red one back, and the slope it multiplies by."""
    ends = np.array([start, end], float)
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    down = np.array([along[1], -along[0]])  # to the right of the way there, which is below it
    inner = ends + np.array([0.7 * along, -0.7 * along])  # between the circles
    there, back = inner - 0.13 * down, inner + 0.13 * down
    arrow(axes, (there[0, 0], there[0, 1]), (there[1, 0], there[1, 1]))
    arrow(axes, (back[1, 0], back[1, 1]), (back[0, 0], back[0, 1]), ink=BACKWARD)
    middle = back.mean(axis=0) + down * (0.35 + 0.09 * len(slope) * abs(along[0]))
    say(axes, slope, (middle[0], middle[1]), ink=BACKWARD, size=12)
