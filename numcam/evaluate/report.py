"""From records to a table: every number with its 95 % confidence interval and how many it rests on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from numcam.evaluate.intervals import bootstrap
from numcam.evaluate.localisation import wilson_interval
from numcam.evaluate.measures import MEASURES
from numcam.evaluate.record import Records
from numcam.evaluate.rejecting import best_threshold, right
from numcam.evaluate.seeds import mean_iou
from numcam.nn.types import Array

TUNING = 5
"""One scene in so many chooses the threshold below which a map rejects its class; the others are measured."""


@dataclass(frozen=True)
class Cell:
    """A value with its interval, in percent where the column's name says so; n: how many values it sums up."""

    value: float
    low: float
    high: float
    n: int

    def text(self) -> str:
        """ "97.3 (96.1-98.1)", or "-" where there was nothing to measure."""
        if not self.n:
            return "-"
        digits = 1 if max(abs(self.value), abs(self.high)) > 1.5 or self.value == 0 else 2
        value, low, high = (f"{round(v, digits) + 0.0:.{digits}f}" for v in (self.value, self.low, self.high))
        between = " to " if low.startswith("-") else "-"
        return f"{value} ({low}{between}{high})".replace("-", "−" if between == " to " else "-")


Table = dict[str, dict[str, Cell]]
"""Cells by row and column."""


def table(measure: str, records: Records) -> Table:
    """The records of a measure, summed up."""
    return summed(MEASURES[measure].columns, records)


def summed(kinds: dict[str, str], records: Records) -> Table:
    """Each column summed up as its kind says."""
    return {
        row: {name: _cell(kinds[name], values) for name, values in columns.items()} for row, columns in records.items()
    }


def _cell(kind: str, values: list[object]) -> Cell:
    found = np.array(values, float)
    if kind == "share":
        low, high = wilson_interval(int(found.sum()), len(found))
        return Cell(100 * float(found.mean()) if len(found) else float("nan"), 100 * low, 100 * high, len(found))
    scale, statistic = KINDS[kind]
    if kind in ("reject", "no reject"):
        found = _judged(found, kind == "reject")
    value = statistic(found) if len(found) else float("nan")
    low, high = bootstrap(found, statistic)
    return Cell(scale * value, scale * low, scale * high, len(found))


def _mean(found: Array) -> float:
    return float(found.mean())


def _ratio(found: Array) -> float:
    """Of [part, whole] by scene: all parts in all wholes."""
    part, whole = found.sum(axis=0)
    return float(part / whole) if whole else float("nan")


KINDS: dict[str, tuple[float, Callable[[Array], float]]] = {
    "mean": (100.0, _mean),
    "plain": (1.0, _mean),
    "ratio": (100.0, _ratio),
    "miou": (100.0, mean_iou),
    "reject": (100.0, _mean),
    "no reject": (100.0, _mean),
}


def _judged(found: Array, rejecting: bool) -> Array:
    """The share of right answers in each scene (n,) from [maximum, hit, present] by scene and class (n, 5, 3)."""
    tuning = np.arange(len(found)) % TUNING == 0
    tops, hits, present = found[..., 0], found[..., 1] > 0, found[..., 2] > 0
    threshold = best_threshold(tops[tuning], hits[tuning], present[tuning]) if rejecting else 0.0
    return right(tops, hits, present, threshold)[~tuning].mean(axis=1)


def lines(about: str, found: Table) -> list[str]:
    """The table as text, under a line about it; "-" where a row has no such column."""
    names = list(dict.fromkeys(name for columns in found.values() for name in columns))
    rows = ([row, *(_text(columns, name) for name in names)] for row, columns in found.items())
    cells = [["", *names], *rows]
    widths = [max(len(line[k]) for line in cells) for k in range(len(names) + 1)]
    return [about, *(_aligned(line, widths) for line in cells)]


def markdown(found: Table) -> list[str]:
    """The table in Markdown."""
    names = list(dict.fromkeys(name for columns in found.values() for name in columns))
    head = ["|  | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    rows = (f"| {', '.join(row.split(' | '))} | " for row in found)
    return [
        *head,
        *(r + " | ".join(_text(c, n) for n in names) + " |" for r, c in zip(rows, found.values(), strict=True)),
    ]


def _text(columns: dict[str, Cell], name: str) -> str:
    return columns[name].text() if name in columns else "-"


def _aligned(line: list[str], widths: list[int]) -> str:
    return "  ".join(c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(zip(line, widths, strict=True)))
