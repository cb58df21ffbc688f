"""Many panels in a few rows, so that panels in one column read the same colour bar."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from numcam.figures.panels import Panel

MOST = 6
"""Panels side by side."""


def arranged(named: Sequence[tuple[str, Panel]]) -> tuple[list[list[Panel]], list[str]]:
    """Panels with their titles -> rows of panels, and the headings of the columns.

    Up to six stand in one row. More are wrapped: each kind of colour bar gets columns of its own, and titles go into
    the captions.
    """
    if len(named) <= MOST:
        return [[panel for _, panel in named]], [title for title, _ in named]
    titled = [replace(panel, caption=f"{title}\n{panel.caption}") for title, panel in named]
    kinds = [
        [p for p in titled if (p.scale or "map") == kind] for kind in dict.fromkeys(p.scale or "map" for p in titled)
    ]
    rows = next(
        r for r in range(2, len(named) + 1) if sum(-(-len(kind) // r) for kind in kinds) <= max(MOST, len(kinds))
    )
    white = Panel(np.full_like(titled[0].picture, 255))
    grid: list[list[Panel]] = [[] for _ in range(rows)]
    for kind in kinds:
        wide = -(-len(kind) // rows)
        padded = [*kind, *[white] * (wide * rows - len(kind))]
        for i, row in enumerate(grid):
            row += padded[i * wide : (i + 1) * wide]
    return grid, []
