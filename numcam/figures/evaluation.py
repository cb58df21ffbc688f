"""Figures of measurements: dots with their intervals, curves over layers and strengths, and maps of biased networks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from numcam.evaluate.report import Cell, Table
from numcam.figures.paint import colours
from numcam.figures.panels import sheet
from numcam.nn.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INKS = (0.0, 0.4, 0.62, 0.82, 0.2)
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
WRAP = 26


def dots(found: Table, title: str, columns: Sequence[str] | None = None) -> "Figure":
    """One row of axes, one for each column of the table; a dot with its interval for each row of the table."""
    names = [n for n in (columns or next(iter(found.values()))) if any(n in row for row in found.values())]
    figure = sheet(1.7 + 1.9 * len(names), 1.5 + 0.3 * len(found), "constrained")
    figure.suptitle(title, fontsize=12, fontweight="bold")
    for at, (axes, name) in enumerate(zip(np.ravel(figure.subplots(1, len(names), sharey=True)), names, strict=True)):
        for height, cells in enumerate(found.values()):
            if name in cells and cells[name].n:
                _dot(axes, cells[name], height)
        axes.set_title(_wrapped(name), fontsize=9)
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.grid(axis="x", color="0.88")
        if name.endswith("%"):
            axes.set_xlim(-4, 104)
        if at == 0:
            axes.set_yticks(
                range(len(found)), [row.replace(" | ", ", ").replace("_", " ") for row in found], fontsize=9
            )
        axes.tick_params(axis="x", labelsize=8)
    return figure


def _dot(axes: "Axes", cell: Cell, height: float) -> None:
    axes.plot([cell.low, cell.high], [height, height], color="0.45", linewidth=2, solid_capstyle="butt")
    axes.plot(cell.value, height, "o", color=_ink(0), markersize=5)


def layers(found: Table, title: str) -> "Figure":
    """The sanity checks: likeness by layer, a line for each method, cascading above and independent below.

    Rows of the table are "method | mode | layer", the last layer first.
    """
    keys = [row.split(" | ") for row in found]
    methods, modes, names = (list(dict.fromkeys(key[k] for key in keys)) for k in range(3))
    measures = list(next(iter(found.values())))
    figure = sheet(4.1 * len(measures), 3.2 * len(modes) + 0.9, "constrained")
    figure.suptitle(title, fontsize=12, fontweight="bold")
    grid = figure.subplots(len(modes), len(measures), sharex=True, sharey=True, squeeze=False)
    for i, mode in enumerate(modes):
        for j, measure in enumerate(measures):
            axes = grid[i, j]
            for k, method in enumerate(methods):
                _line(axes, [found[f"{method} | {mode} | {name}"][measure] for name in names], k, method)
            axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
            axes.set_ylim(-0.75, 1.05)
            axes.grid(color="0.9")
            axes.set_title(f"{measure}, {mode}", fontsize=9.5)
    grid[-1, 0].set_xlabel("drawn anew, from the last layer down", fontsize=9)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(methods), fontsize=9, frameon=False)
    return figure


def strengths(found: Table, title: str) -> "Figure":
    """Under attack: how often the answer changes, and where each class's map lands when it does.

    Rows of the table are "method | attack", for one method.
    """
    shown = ["answer changed, %", "changed: right class on object, %", "changed: wrong class on object, %"]
    shown += ["changed: right class within 15 px, %", "changed: wrong class within 15 px, %"]
    titles = ["answer changed", "changed: maximum on the object", "changed: maximum within 15 px of it"]
    names = [row.split(" | ")[1] for row in found]
    figure = sheet(12, 3.9, "constrained")
    figure.suptitle(title, fontsize=12, fontweight="bold")
    for k, axes in enumerate(figure.subplots(1, 3, sharey=True)):
        for j, column in enumerate(shown[:1] if k == 0 else shown[2 * k - 1 : 2 * k + 1]):
            label = "" if k == 0 else ("right class's map", "wrong class's map")[j]
            _line(axes, [cells[column] for cells in found.values()], j, label, joined=False)
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=9)
        axes.set_title(titles[k], fontsize=10)
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.set_ylim(-3, 103)
        axes.grid(color="0.9")
    figure.axes[0].set_ylabel("%")
    figure.legend(*figure.axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def _line(axes: "Axes", cells: Sequence[Cell], which: int, label: str, joined: bool = True) -> None:
    """Values with their intervals, in an ink and with a mark of their own; what was not measured is left out."""
    at = [i for i, cell in enumerate(cells) if cell.n]
    values = np.array([[cells[i].value, cells[i].low, cells[i].high] for i in at]).reshape(-1, 3)
    shift = np.array(at) + (0 if joined else 0.12 * which)
    axes.errorbar(
        shift,
        values[:, 0],
        np.maximum(0, np.abs(values[:, 1:].T - values[:, 0])),
        color=_ink(which),
        marker=MARKS[which % len(MARKS)],
        markersize=5,
        linestyle=("-", "--", ":", "-.")[which % 4] if joined else "",
        linewidth=1.2,
        capsize=2,
        label=label.replace("_", " "),
    )


def _ink(which: int) -> Array:
    return np.asarray(colours("viridis")(INKS[which % len(INKS)]))


def _wrapped(text: str) -> str:
    """The text in lines of at most 26 letters."""
    lines = [""]
    for word in text.split():
        lines = [*lines[:-1], f"{lines[-1]} {word}".strip()] if len(lines[-1]) + len(word) < WRAP else [*lines, word]
    return "\n".join(lines)
