"""Numbers to colours: maps over a picture, and signed gradients round a middle grey."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from numcam.explain import upsample
from numcam.nn.types import Array

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

STRENGTH = 0.85
"""Opacity of an overlay at the map's maximum."""

STRIP = 256
"""Rows that are painted together."""

MOST_SHOWN = 2000
"""Longer side in pixels above which a picture is made smaller for a figure, whose panels are a few hundred wide."""


def colours(name: str) -> "Colormap":
    """Matplotlib's colour map of that name."""
    import matplotlib  # here and wherever something is drawn, because it takes as long to import as all the rest

    return matplotlib.colormaps[name]


def heat() -> "Colormap":
    """The colour map of overlays: perceptually uniform, and readable in grey."""
    return colours("inferno")


def overlay(image: Array, map: Array) -> Array:
    """A map over its picture: uint8 (rows, cols, 3).

    image: uint8 (rows, cols, 3). map: (any rows, any cols), >= 0; enlarged to the picture's size and divided by its
    maximum. Its value decides colour and opacity, so that the picture shows where the map is 0; no minimum is
    subtracted, and a map of zeros leaves the picture as it is.
    """
    value = shares(upsample(np.asarray(map, np.float64), image.shape[:2]))
    out = np.empty(image.shape, np.uint8)
    for first in range(0, len(image), STRIP):  # a photo of 50 million pixels would fill gigabytes at once
        rows = slice(first, first + STRIP)
        opacity = STRENGTH * value[rows, :, None]
        out[rows] = np.rint(grey_mixed(image[rows]) * (1 - opacity) + 255 * heat()(value[rows])[..., :3] * opacity)
    return out


def shares(map: Array) -> Array:
    """A map as shares of its maximum, in [0, 1]; zeros stay zeros."""
    top = map.max()
    return np.clip(map / top, 0, 1) if top > 0 else np.zeros_like(map)


def grey_mixed(image: Array, share: float = 0.45) -> Array:
    """The picture with part of its colour taken out, float in [0, 255], so that a map's own colours stand out."""
    grey = image @ np.array([0.299, 0.587, 0.114])
    return image * (1 - share) + grey[..., None] * share


def signed(gradient: Array) -> Array:
    """A signed gradient (3, rows, cols) as a colour picture, uint8 (rows, cols, 3).

    Middle grey is 0; brighter is positive, darker negative, channel by channel. Scaled by `signed_scale`.
    """
    share = np.clip(gradient / (signed_scale(gradient) or 1), -1, 1)
    return np.rint(127.5 + 127.5 * share.transpose(1, 2, 0)).astype(np.uint8)


def signed_scale(gradient: Array) -> float:
    """The 99th percentile of the absolute values: a few single pixels should not darken all the others."""
    return float(np.percentile(np.abs(gradient), 99) or np.abs(gradient).max(initial=0))


def shrunk(image: Array) -> Array:
    """A picture, uint8 (rows, cols, 3), made smaller by a whole factor where its longer side exceeds MOST_SHOWN."""
    factor = -(-max(image.shape[:2]) // MOST_SHOWN)
    return image if factor == 1 else np.asarray(Image.fromarray(image).reduce(factor))
