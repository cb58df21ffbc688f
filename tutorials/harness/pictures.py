"""Is a figure, drawn again, the same picture? Not bit for bit: every Matplotlib sets its letters a little apart."""

from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

DRAWN_WITH = "3.11"
"""The series of Matplotlib that drew the committed figures."""


class Tolerance(NamedTuple):
    """Pictures are compared as averages over squares of so many pixels, which forgives the edges of letters.

    A square differs if its average moved by more than so many of 255 grey levels; so large a share of them may.
    """

    square: int
    levels: float
    share: float


CLOSE = Tolerance(8, 12, 0.0)
"""One changed digit moves a square by 17 levels or more."""

ROUGH = Tolerance(24, 45, 0.005)
"""For another Matplotlib: a changed curve or map is seen, a changed digit is not."""


def tolerance(matplotlib: str | None = None) -> Tolerance:
    """How closely figures that this Matplotlib draws can be compared with the committed ones."""
    return CLOSE if (matplotlib or version("matplotlib")).startswith(f"{DRAWN_WITH}.") else ROUGH


def unlike(committed: Path, drawn: Path, within: Tolerance) -> str | None:
    """How two PNGs differ, in words; None where they show the same."""
    a, b = (np.asarray(Image.open(path).convert("RGB"), np.float64) for path in (committed, drawn))
    if any(abs(p - q) > 3 for p, q in zip(a.shape, b.shape, strict=True)):
        return f"{committed.name} has {a.shape[1]}x{a.shape[0]} pixels, drawn again {b.shape[1]}x{b.shape[0]}"
    rows, cols = (min(p, q) // within.square for p, q in zip(a.shape[:2], b.shape[:2], strict=True))
    moved = np.abs(averages(a, rows, cols, within.square) - averages(b, rows, cols, within.square)).max(axis=2)
    differs = moved > within.levels
    if differs.mean() > within.share:
        row, col = np.argwhere(differs)[0] * within.square
        return (
            f"{committed.name} is stale: drawn again it differs in {differs.mean():.1%} of its area, "
            f"first at row {row}, column {col}; look at it, then run pytest tutorials --update-figures"
        )
    return None


def averages(picture: np.ndarray, rows: int, cols: int, square: int) -> np.ndarray:
    """(all rows, all cols, 3) -> (rows, cols, 3), each the mean of a square."""
    cut = picture[: rows * square, : cols * square]
    return cut.reshape(rows, square, cols, square, 3).mean(axis=(1, 3))
