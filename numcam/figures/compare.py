"""One explanation under several conventions, and how each differs from the first."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from numcam.evaluate.localisation import peak
from numcam.explain import PRESETS, upsample
from numcam.explain.conventions import correlation
from numcam.figures.evidence import evidence
from numcam.figures.panels import Panel, panels
from numcam.nn.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORDS = {"last ReLU": "relu", "last pooling": "pool", "last convolution": "conv", "never": "none"}


def compared(image: Array, maps: Mapping[str, Array], title: str) -> "Figure":
    """Maps by the names of PRESETS, the reference first, over the picture; below them the differences.

    image: uint8 (rows, cols, 3). Each map is divided by its largest |value|, as every tool's display does in the end;
    captions name the dials that stand elsewhere than the first one's.
    """
    size = image.shape[0], image.shape[1]
    large = {name: _scaled(upsample(np.asarray(map, np.float64), size)) for name, map in maps.items()}
    first, reference = next(iter(large.items()))
    tops, below = [], []
    for name, map in large.items():
        at = peak(map) if map.max() > 0 else None
        tops.append(Panel(evidence(image, map, 1.0), _dials(name, first), at, "evidence"))
        difference = map - reference
        words = (
            "the reference"
            if name == first
            else f"correlation {agreement(maps[first], maps[name]):.3f}\n"
            f"largest difference {np.abs(difference).max():.2f}"
        )
        below.append(Panel(evidence(image, difference, 1.0), words, None, "evidence"))
    return panels([tops, below], title, list(large), ["map", f"less “{first}”"])


def agreement(one: Array, other: Array) -> float:
    """The correlation of two maps, at the finer one's size where they have two: what is drawn, and printed."""
    size = max(one.shape[0], other.shape[0]), max(one.shape[1], other.shape[1])
    return correlation(upsample(one, size), upsample(other, size))


def _scaled(map: Array) -> Array:
    top = np.abs(map).max()
    return map / top if top > 0 else map


def _dials(name: str, first: str) -> str:
    """Up to four dials, one a line."""
    dials = PRESETS[name].differences(PRESETS[first])
    if not dials:
        one = PRESETS[name]
        return f"{one.score}; {one.layer}; {one.weights}\nReLU on {one.relu}\n{one.upsample}; {one.normalise}"
    return "\n".join(f"{dial}: {WORDS.get(value, value)}" for dial, value in dials.items())
