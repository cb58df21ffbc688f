"""Does an explanation point at the object? The pointing game (Zhang et al. 2018), on pictures whose masks are known."""

from math import sqrt
from statistics import NormalDist

import numpy as np
import scipy

from numcam.nn.types import Array

TOLERANCE = 15.0
"""Pixels beside the object that still count as a hit, at a picture side of 224."""


def peak(map: Array) -> tuple[int, int]:
    """(row, col) of a map's maximum, the first one in reading order. map (rows, cols)."""
    row, col = np.unravel_index(int(np.argmax(map)), map.shape)
    return int(row), int(col)


def distance_to_mask(mask: Array, point: tuple[int, int]) -> float:
    """Pixels from a point to the nearest pixel of the mask (rows, cols); 0 inside, infinite for an empty mask."""
    if not mask.any():
        return float("inf")
    return float(scipy.ndimage.distance_transform_edt(~mask.astype(bool))[point])


def points_at(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """Whether the map's maximum lies on the mask, or within `tolerance` pixels of it. Both (rows, cols).

    A map that is 0 everywhere points nowhere: False.
    """
    return bool(map.max() > map.min()) and distance_to_mask(mask, peak(map)) <= tolerance


def chance(mask: Array, tolerance: float = 0.0) -> float:
    """The probability that a pixel drawn at random would hit."""
    if not mask.any():
        return 0.0
    return float((scipy.ndimage.distance_transform_edt(~mask.astype(bool)) <= tolerance).mean())


def wilson_interval(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The confidence interval of a share hits / n (Wilson 1927); (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, spread = hits / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)
