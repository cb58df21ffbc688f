"""The sheets to print for pages 02, 05 and 06: python tutorials/worksheets/make_worksheets.py [FOLDER].

Each is a PDF of two A4 pages, the tasks and their answers. No answer is written down here: numcam computes them, and
for the graphs the two rules of page 02.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from numcam.figures.board import BACKWARD, CELL, board, circle, edge, grid, say
from numcam.nn.conv import col2im, conv2d, conv2d_backward, im2col
from numcam.nn.pool import max_pool2d, max_pool2d_backward
from numcam.nn.types import Array

A4 = (29.7 / 2.54 / CELL, 21.0 / 2.54 / CELL)
"""Rows and columns of a board that fills the paper."""

SLOPES: dict[str, tuple[Callable[[float, float], float], Callable[[float, float], tuple[float, float]]]] = {
    "+": (lambda a, b: a + b, lambda a, b: (1, 1)),
    "·": (lambda a, b: a * b, lambda a, b: (b, a)),
}
"""What an operation gives, and its slope for each of its two inputs."""


@dataclass(frozen=True)
class Graph:
    """Inputs with their values; then each variable as (left, operation, right), in order; and where to draw them."""

    title: str
    inputs: dict[str, float]
    steps: dict[str, tuple[str, str, str]]
    places: dict[str, tuple[float, float]]

    def forward(self, inputs: dict[str, float]) -> dict[str, float]:
        """The black numbers."""
        values = dict(inputs)
        for name, (left, operation, right) in self.steps.items():
            values[name] = SLOPES[operation][0](values[left], values[right])
        return values

    def backward(self) -> dict[str, float]:
        """The red numbers: along a path multiply, where paths meet add."""
        values = self.forward(self.inputs)
        slopes = dict.fromkeys(values, 0.0)
        slopes[next(reversed(self.steps))] = 1.0
        for name, (left, operation, right) in reversed(self.steps.items()):
            of_left, of_right = SLOPES[operation][1](values[left], values[right])
            slopes[left] += slopes[name] * of_left
            slopes[right] += slopes[name] * of_right
        return slopes


GRAPHS = (
    Graph(
        "1   s = a · a,   f = s · a",
        {"a": 2},
        {"s": ("a", "·", "a"), "f": ("s", "·", "a")},
        {"a": (0, 2), "s": (1.8, 7), "f": (0, 12)},
    ),
    Graph(
        "2   d = a · b,   e = d + c,   f = e · a",
        {"a": 2, "b": 3, "c": 4},
        {"d": ("a", "·", "b"), "e": ("d", "+", "c"), "f": ("e", "·", "a")},
        {"a": (0, 2), "b": (3.2, 2), "c": (4.2, 6), "d": (1.6, 6), "e": (2.6, 10), "f": (0, 13)},
    ),
    Graph(
        "3   u = a + b,   v = a · b,   f = u · v",
        {"a": 2, "b": -1},
        {"u": ("a", "+", "b"), "v": ("a", "·", "b"), "f": ("u", "·", "v")},
        {"a": (0, 2), "b": (2.8, 2), "u": (0, 8), "v": (2.8, 8), "f": (1.4, 13)},
    ),
)
POOLS = (
    ("1   windows of 2×2", [[3, 1, 0, 2], [2, 5, 4, 1], [1, 0, 6, 3], [7, 2, 1, 8]], (2, 2), [[1, 2], [3, 4]]),
    (
        "2   windows of 2×2, with ties",
        [[0, 0, 3, 3], [0, 0, 1, 3], [5, 2, 0, 4], [1, 5, 4, 4]],
        (2, 2),
        [[10, 20], [30, 40]],
    ),
    (
        "3   windows of 3×3, two cells apart: they overlap",
        [[1, 0, 2, 1, 3], [4, 2, 0, 8, 1], [0, 1, 6, 2, 0], [2, 0, 1, 1, 5], [3, 7, 0, 2, 4]],
        (3, 2),
        [[1, 2], [3, 4]],
    ),
)
X, W, DOUT = np.array([[2, 0, 1], [1, 3, 0], [0, 1, 4]]), np.array([[1, 2], [0, -1]]), np.array([[1, 0], [2, -1]])


def paths(answers: bool) -> Figure:
    """Page 02: graphs to walk back through."""
    text = (
        "Fill in the black numbers from left to right, then the red ones from right to left.\n"
        "Along a path, multiply the slopes; where paths meet again, add."
    )
    figure, axes = sheet("02 · Add up the paths", text, answers)
    for top, graph in zip((5.6, 11, 18.6), GRAPHS, strict=True):
        values, slopes = graph.forward(graph.inputs), graph.backward()
        note(axes, graph.title, top - 1.3)
        places = {name: (row + top, col) for name, (row, col) in graph.places.items()}
        for name, (left, _, right) in graph.steps.items():
            for start in dict.fromkeys((left, right)):
                edge(axes, places[start], places[name], "twice" if left == right else "")
        for name, (row, col) in places.items():
            circle(axes, name, (row, col))
            known = answers or name in graph.inputs
            say(axes, f"{values[name]:g}" if known else "__", (row + 0.95, col - 0.45))
            known = answers or name == "f"
            say(axes, f"{slopes[name]:g}" if known else "__", (row + 0.95, col + 0.45), ink=BACKWARD)
    return figure


def pooling(answers: bool) -> Figure:
    """Page 05: who wins, and who gets the gradient."""
    text = (
        "Write the winner of each window into “out”. Then carry every gradient back to its winner.\n"
        "Ties go to the first in reading order; where a number wins twice, add."
    )
    figure, axes = sheet("05 · Let the winner take the gradient", text, answers, scale=1.06)
    for top, (title, numbers, (size, stride), gradients) in zip((5.7, 11.8, 18.2), POOLS, strict=True):
        x, dout = (np.array(a)[None, None] for a in (numbers, gradients))
        out = max_pool2d(x, (size, size), (stride, stride))
        dx = max_pool2d_backward(dout, x, out, (size, size), (stride, stride))
        note(axes, title, top - 1.3)
        half = x.shape[2] / 2 - 1
        grid(axes, x[0, 0], (top, 0.8), "x", size=12)
        grid(axes, shown(out[0, 0], answers), (top + half, 6.3), "out", size=12)
        grid(axes, dout[0, 0], (top + half, 8.8), "dout", ink=BACKWARD, size=12)
        grid(axes, shown(dx[0, 0], answers), (top, 11.4), "dx", ink=BACKWARD, size=12)
    return figure


def sliding(answers: bool) -> Figure:
    """Page 06: a convolution there, and back in two ways."""
    text = "A 3×3 picture, a 2×2 kernel. Slide, and lay out the columns.\nThen go back, in two ways that must agree."
    figure, axes = sheet("06 · Slide a window, then slide it back", text, answers, scale=1.2)
    x, w, dout, zero = X[None, None], W[None, None], DOUT[None, None], np.zeros(1, int)
    dx, dw, _ = conv2d_backward(dout, x, w, zero)
    dcolumns, padded, turned = np.outer(W, DOUT), np.pad(DOUT, 1), W[::-1, ::-1]
    put_back, slid = col2im(dcolumns, (1, 3, 3), (2, 2))[0], conv2d(padded[None, None], turned[None, None], zero)[0, 0]
    assert np.array_equal(put_back, dx[0, 0])
    assert np.array_equal(slid, dx[0, 0])
    note(axes, "1   slide", 4.3)
    grid(axes, X, (5.6, 0.8), "x")
    grid(axes, W, (6.1, 5.5), "w")
    grid(axes, shown(conv2d(x, w, zero)[0, 0], answers), (6.1, 9.5), "out")
    grid(axes, DOUT, (6.1, 14), "dout, given", ink=BACKWARD)
    note(axes, "2   columns: a window each, in reading order; then dw = dout · columnsᵀ", 9.5)
    grid(axes, shown(im2col(x[0], (2, 2)), answers), (10.8, 0.8), "columns")
    grid(axes, shown(dw[0, 0], answers), (11.8, 9.5), "dw", ink=BACKWARD)
    note(axes, "3   columns of slopes, wᵀ · dout; each put back to where it was read, and added", 15.5)
    grid(axes, shown(dcolumns, answers), (16.8, 0.8), "dcolumns", ink=BACKWARD)
    grid(axes, shown(put_back, answers), (17.3, 9.5), "dx", ink=BACKWARD)
    note(axes, "4   dout with a border of zeros, times the kernel turned by 180°", 21.5)
    grid(axes, padded, (22.8, 0.8), "dout, padded", ink=BACKWARD)
    grid(axes, shown(turned, answers), (23.8, 6), "w, turned", ink=BACKWARD)
    grid(axes, shown(slid, answers), (23.3, 9.5), "dx", ink=BACKWARD)
    return figure


def sheet(title: str, text: str, answers: bool, scale: float = 1.0) -> tuple[Figure, Axes]:
    """A sheet of A4 with its heading; scale > 1 puts more and smaller cells on it."""
    figure, axes = board(*A4, dpi=100)
    axes.set(xlim=(0, A4[1] * scale), ylim=(A4[0] * scale, 0))
    heading = f"{title}   {'answers' if answers else ''}"
    axes.text(0.8, 1.4, heading, fontsize=17, fontweight="bold", va="center")
    axes.text(0.8, 2.9, text, fontsize=11, va="center", linespacing=1.4)
    return figure, axes


def note(axes: Axes, text: str, row: float) -> None:
    """A line of text at the left edge."""
    axes.text(0.8, row, text, fontsize=11.5, fontweight="bold", va="center")


def shown(values: Array, answers: bool) -> Array:
    """The numbers, or as many empty cells."""
    return values if answers else np.full(values.shape, np.nan)


SHEETS: dict[str, Callable[[bool], Figure]] = {
    "02-add-up-the-paths": paths,
    "05-let-the-winner-take-the-gradient": pooling,
    "06-slide-a-window-then-slide-it-back": sliding,
}


def write(folder: Path) -> Iterator[Path]:
    """Every sheet as a PDF: the tasks, then the answers."""
    for name, make in SHEETS.items():
        path = folder / f"{name}.pdf"
        with PdfPages(path, metadata={"CreationDate": None}) as pdf:
            pdf.savefig(make(False))
            pdf.savefig(make(True))
        yield path


if __name__ == "__main__":
    for path in write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent):
        print("wrote", path)
