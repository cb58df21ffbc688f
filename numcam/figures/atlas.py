"""Every class's map of one picture in one figure, the likeliest first."""

from collections.abc import Sequence
from math import ceil, sqrt
from textwrap import shorten

import numpy as np
from matplotlib.figure import Figure

from numcam.explain import upsample
from numcam.figures.paint import grey_mixed, heat
from numcam.figures.panels import bar
from numcam.nn.types import Array

TILE = {"few": (2.0, 9.5, 30), "some": (1.1, 6.5, 22), "many": (0.62, 4.2, 19)}
"""Width in inches, size of the letters, letters that fit."""

EDGE = 0.1
"""Inches left and right."""


def atlas(image: Array, maps: Array, names: Sequence[str], numbers: Sequence[str], title: str) -> Figure:
    """All maps over the picture, on one scale: full colour is the largest value of any class.

    image: uint8 (rows, cols, 3). maps: (classes, any rows, any cols), >= 0, in the order to draw them, as are names and
    numbers, which stand below each.
    """
    count = len(maps)
    inch, letters, fit = TILE["few" if count <= 24 else "some" if count <= 150 else "many"]
    wide = min(count, 5) if count <= 10 else ceil(sqrt(1.35 * count))
    tall = ceil(count / wide)
    ratio = min(max(image.shape[0] / image.shape[1], 0.4), 2.5)
    caption = 2.6 * letters / 72
    width, height = wide * inch * 1.05 + 2 * EDGE, tall * (inch * ratio + caption) + 1.2
    figure = Figure(figsize=(width, height), dpi=130, facecolor="white")
    figure.text(0.5, 1 - 0.1 / height, title, ha="center", va="top", fontsize=14, fontweight="bold")
    size = max(16, int(inch * 130 * ratio)), max(16, int(inch * 130))
    grey = grey_mixed(_shrunk(image, size), 0.8)
    top = float(maps.max()) or 1.0
    for i, map in enumerate(maps):
        x, y = EDGE + (i % wide) * inch * 1.05, height - 0.5 - (i // wide) * (inch * ratio + caption) - inch * ratio
        axes = figure.add_axes((x / width, y / height, inch / width, inch * ratio / height))
        axes.imshow(_painted(grey, upsample(map.astype(np.float64), size) / top), interpolation="none")
        axes.set_axis_off()
        words = f"{shorten(names[i], fit, placeholder='…')}\n{numbers[i]}"
        figure.text((x + inch / 2) / width, (y - 0.02) / height, words, ha="center", va="top", fontsize=letters)
    at = figure.add_axes((0.5 - 1.2 / width, 0.42 / height, 2.4 / width, 0.11 / height))
    bar(figure, at, "atlas")
    return figure


def _painted(grey: Array, share: Array) -> Array:
    opacity = 0.9 * share[..., None]
    return np.rint(grey * (1 - opacity) + 255 * heat()(share)[..., :3] * opacity).astype(np.uint8)


def _shrunk(image: Array, size: tuple[int, int]) -> Array:
    """The picture, smaller or larger, by taking every so-manieth pixel."""
    rows, cols = (np.arange(s) * side // s for s, side in zip(size, image.shape, strict=False))
    return image[rows][:, cols]
