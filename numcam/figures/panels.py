"""Grids of captioned pictures."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from numcam.errors import InputError
from numcam.figures.paint import colours, heat, shrunk
from numcam.files import replacing
from numcam.images import MAKER
from numcam.nn.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

CELL = 2.75
"""Width of a panel in inches."""

THIN = 20
"""A picture so many times as long as it is wide is stretched over its panel, or it would be a line, or nothing."""

DPI = 130
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".pdf", ".svg")
"""Of files that figures are written to."""

GAP = 0.08
LINE = 0.19


@dataclass(frozen=True)
class Panel:
    """A picture, uint8 (rows, cols, 3); a caption below; a (row, col) to mark with a cross; its colour bar."""

    picture: Array
    caption: str = ""
    mark: tuple[int, int] | None = None
    scale: str = ""


SCALES: dict[str, tuple[str, float]] = {
    "map": ("share of the map's maximum", 0.0),
    "atlas": ("share of the largest value of all classes", 0.0),
    "signed": ("share of the 99th percentile of |value|", -1.0),
    "evidence": ("against (−) and for (+) the class", -1.0),
}


def sheet(width: float, height: float, layout: Literal["constrained"] | None = None) -> "Figure":
    """An empty white figure; sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout=layout)


def panels(
    rows: Sequence[Sequence[Panel]], title: str, columns: Sequence[str] = (), labels: Sequence[str] = ()
) -> "Figure":
    """A figure of rows of panels: headings above the columns, labels left of the rows.

    Below stands a colour bar for each run of columns whose panels read the same one. All sizes are in inches, so that
    the panels line up whatever is written around them.
    """
    count = max(len(row) for row in rows)
    shape = rows[0][0].picture.shape
    tall = CELL * min(max(shape[0] / shape[1], 0.4), 2.5)
    caption = LINE * max(panel.caption.count("\n") + 1 for row in rows for panel in row) + 0.12
    left, top = 0.4 if labels else GAP, 0.2 + 0.3 * (title.count("\n") + 1) + (0.3 if columns else 0)
    scales = [panel.scale for panel in rows[0]]
    width = left + count * (CELL + GAP)
    height = top + len(rows) * (tall + caption) + (0.75 if any(scales) else 0.05)
    figure = sheet(width, height)
    heading = figure.text(0.5, 1 - 0.12 / height, title, ha="center", va="top", fontsize=14, fontweight="bold")
    heading.set(linespacing=1.3, parse_math=False)
    for i, row in enumerate(rows):
        for j, panel in enumerate(row):
            x, y = left + j * (CELL + GAP), height - top - i * (tall + caption) - tall
            axes = figure.add_axes((x / width, y / height, CELL / width, tall / height))
            _fill(axes, panel)
            if i == 0 and columns:
                axes.set_title(columns[j], fontsize=12, parse_math=False)
            if j == 0 and labels:
                axes.set_ylabel(labels[i], fontsize=13, parse_math=False)
    for first, last in _runs(scales):
        middle = left + (first + last + 1) * (CELL + GAP) / 2 - GAP / 2
        strip = figure.add_axes(((middle - 0.4 * CELL) / width, 0.5 / height, 0.8 * CELL / width, 0.11 / height))
        bar(figure, strip, scales[first])
    return figure


def _fill(axes: "Axes", panel: Panel) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    rows, cols = panel.picture.shape[:2]
    aspect: Literal["auto", "equal"] = "auto" if max(rows, cols) > THIN * min(rows, cols) else "equal"
    extent = (-0.5, cols - 0.5, rows - 0.5, -0.5)  # marks keep their coordinates
    axes.imshow(shrunk(panel.picture), extent=extent, aspect=aspect)
    axes.set_xlabel(panel.caption, fontsize=10.5, parse_math=False)  # a class may be called "$5 note"
    if panel.mark:
        for ink, width in (("black", 4.0), ("white", 2.0)):
            axes.plot(panel.mark[1], panel.mark[0], "+", color=ink, markersize=13, markeredgewidth=width)


def _runs(scales: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last index of each run of equal entries, without the empty ones."""
    first = 0
    for scale, run in groupby(scales):
        last = first + len(list(run)) - 1
        if scale:
            yield first, last
        first = last + 1


def bar(figure: "Figure", axes: "Axes", scale: str) -> None:
    """The colour bar of a scale, lying in axes of its own."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    label, low = SCALES[scale]
    drawn = figure.colorbar(ScalarMappable(Normalize(low, 1), _colours(scale)), cax=axes, orientation="horizontal")
    drawn.set_label(label, fontsize=9.5, labelpad=2)
    drawn.set_ticks([low, (low + 1) / 2, 1])


def _colours(scale: str) -> "Colormap":
    if scale in ("map", "atlas"):
        return heat()
    return colours("gray" if scale == "signed" else "RdBu_r")


def save(figure: "Figure", path: Path) -> None:
    """Write the figure, whole or not at all, as the ending of its name says; InputError where it cannot be written."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"figures are written as {', '.join(SUFFIXES)}; got {path.name!r}")
    about = {".png": {"Software": MAKER}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(suffix)
    with replacing(path) as part, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # a box stands for a letter the font lacks
        figure.savefig(part, format=suffix[1:], metadata=about)
