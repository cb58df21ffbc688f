"""Is a figure, drawn again, the same picture? Not bit for bit: other Matplotlibs set letters a little apart."""

from pathlib import Path

import numpy as np
from PIL import Image

BLOCK = 8
"""Pictures are compared as averages over squares of so many pixels, which forgives the edges of letters."""

LEVELS = 20.0
"""A square differs if its average moved by more than this many of 255 grey levels in a channel."""

SHARE = 0.005
"""So many of the squares may differ."""


def unlike(committed: Path, drawn: Path) -> str | None:
    """How two PNGs differ, in words; None where they show the same."""
    a, b = (np.asarray(Image.open(path).convert("RGB"), np.float64) for path in (committed, drawn))
    if any(abs(p - q) > 3 for p, q in zip(a.shape, b.shape, strict=True)):
        return f"{committed.name} has {a.shape[1]}x{a.shape[0]} pixels, drawn again {b.shape[1]}x{b.shape[0]}"
    rows, cols = (min(p, q) // BLOCK for p, q in zip(a.shape[:2], b.shape[:2], strict=True))
    moved = np.abs(averages(a, rows, cols) - averages(b, rows, cols)).max(axis=2) > LEVELS
    if moved.mean() > SHARE:
        row, col = np.argwhere(moved)[0] * BLOCK
        return (
            f"{committed.name} is stale: drawn again it differs in {moved.mean():.1%} of its area, first at row {row}, "
            f"column {col}; look at it, then run pytest tutorials --update-figures"
        )
    return None


def averages(picture: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """(all rows, all cols, 3) -> (rows, cols, 3), each the mean of a square."""
    cut = picture[: rows * BLOCK, : cols * BLOCK]
    return cut.reshape(rows, BLOCK, cols, BLOCK, 3).mean(axis=(1, 3))
