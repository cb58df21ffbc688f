"""Every class's map of one picture in one figure, the likeliest first."""

from collections.abc import Sequence
from math import ceil, sqrt
from textwrap import shorten
from typing import TYPE_CHECKING

import numpy as np

from numcam.explain import upsample
from numcam.figures.paint import grey_mixed, heat
from numcam.figures.panels import DPI, bar, sheet
from numcam.nn.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TILE = {24: (260, 9.5, 30), 150: (144, 6.5, 22), 10**9: (80, 4.2, 19)}
"""Up to so many classes: the width of a tile in pixels, the size of the letters, the letters that fit."""


def atlas(image: Array, maps: Array, names: Sequence[str], numbers: Sequence[str], title: str) -> "Figure":
    """All maps over the picture, on one scale: full colour is the largest value of any class.

    image: uint8 (rows, cols, 3). maps: (classes, any rows, any cols), >= 0, in the order to draw them, as are names and
    numbers, which stand below each.
    """
    count = len(maps)
    tile, letters, fit = next(row for most, row in TILE.items() if count <= most)
    wide = min(count, 5) if count <= 10 else ceil(sqrt(1.35 * count))
    size = round(tile * min(max(image.shape[0] / image.shape[1], 0.4), 2.5)), tile
    step = size[0] + round(3.4 * letters / 72 * DPI), round(1.06 * tile)
    canvas = mosaic(painted(image, maps, size), wide, step)
    rows, cols = canvas.shape[0], max(canvas.shape[1] + 30, 700)
    above, below = 70, 85
    figure = sheet(cols / DPI, (rows + above + below) / DPI)
    height = rows + above + below
    figure.text(0.5, 1 - 16 / height, title, ha="center", va="top", fontsize=14, fontweight="bold")
    axes = figure.add_axes(((1 - canvas.shape[1] / cols) / 2, below / height, canvas.shape[1] / cols, rows / height))
    axes.imshow(canvas, interpolation="none")
    axes.set_axis_off()
    for i, (name, number) in enumerate(zip(names, numbers, strict=True)):
        at = (i % wide) * step[1] + tile / 2, (i // wide) * step[0] + size[0] + 3
        words = f"{shorten(name, fit, placeholder='…')}\n{number}"
        axes.text(*at, words, ha="center", va="top", fontsize=letters, parse_math=False)
    strip = figure.add_axes((0.5 - 150 / cols, 60 / height, 300 / cols, 14 / height))
    bar(figure, strip, "atlas")
    return figure


def painted(image: Array, maps: Array, size: tuple[int, int]) -> Array:
    """Each map over a small copy of the picture, (classes, *size, 3) uint8; all divided by the largest value."""
    rows, cols = (np.arange(s) * side // s for s, side in zip(size, image.shape, strict=False))
    grey = grey_mixed(image[rows][:, cols], 0.8)
    top = float(maps.max()) or 1.0
    tiles = np.empty((len(maps), *size, 3), np.uint8)
    for i, map in enumerate(maps):
        share = np.clip(upsample(map.astype(np.float64), size) / top, 0, 1)
        opacity = 0.9 * share[..., None]
        tiles[i] = np.rint(grey * (1 - opacity) + 255 * heat()(share)[..., :3] * opacity)
    return tiles


def mosaic(tiles: Array, wide: int, step: tuple[int, int]) -> Array:
    """Tiles (n, rows, cols, 3) on white, `wide` side by side, step (down, right) pixels apart."""
    tall = -(-len(tiles) // wide)
    canvas = np.full((tall * step[0], (wide - 1) * step[1] + tiles.shape[2], 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = (i // wide) * step[0], (i % wide) * step[1]
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return canvas
