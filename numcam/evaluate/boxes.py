"""Boxes, masks and maps: how much of a map lies inside, and what its largest connected part covers."""

import numpy as np
import scipy

from numcam.errors import InputError
from numcam.nn.types import Array

Box = tuple[float, float, float, float]
"""left, top, right, bottom; right and bottom are not included."""

NEIGHBOURS = {4: np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]), 8: np.ones((3, 3), int)}


def energy_inside(map: Array, mask: Array) -> float:
    """The share of the map's positive values that lies on the mask; both (rows, cols).

    0 for a map without positive values, and for an empty mask. Wang et al. 2020 (Score-CAM), section 4.3.
    """
    positive = np.maximum(map, 0).astype(np.float64)
    total = positive.sum()
    return float(positive[mask.astype(bool)].sum() / total) if total > 0 else 0.0


def largest_component(map: Array, threshold: float = 0.15, connectivity: int = 8) -> Array:
    """Where the map is at least `threshold` times its maximum, the largest connected part of it: bool (rows, cols).

    connectivity: 4, or 8 to count corners as touching. Of equally large parts the first in reading order. Empty for a
    map without positive values. InputError for another connectivity, or a threshold outside (0, 1].
    """
    if connectivity not in NEIGHBOURS:
        raise InputError(f"connectivity is 4 or 8; got {connectivity!r}")
    if not 0 < threshold <= 1:
        raise InputError(f"a threshold is a share of the maximum, above 0 and at most 1; got {threshold!r}")
    if not map.max() > 0:
        return np.zeros(map.shape, bool)
    parts, _ = scipy.ndimage.label(map >= threshold * map.max(), NEIGHBOURS[connectivity])
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == sizes.argmax())


def box_of(mask: Array) -> Box | None:
    """The smallest box round a mask (rows, cols); None for an empty one."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return float(cols[0]), float(rows[0]), float(cols[-1] + 1), float(rows[-1] + 1)


def mask_iou(a: Array, b: Array) -> float:
    """Intersection over union of two masks; 0 if both are empty."""
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 0.0


def box_iou(a: Box | None, b: Box | None) -> float:
    """Intersection over union of two boxes; 0 where there is none."""
    if a is None or b is None:
        return 0.0
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inside = max(wide, 0.0) * max(high, 0.0)
    union = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)) - inside
    return inside / union if union > 0 else 0.0


def scaled(box: Box | None, of: tuple[int, int], to: tuple[int, int]) -> Box | None:
    """A box in a picture of size `of` (rows, cols), in the same picture at size `to`."""
    if box is None:
        return None
    y, x = to[0] / of[0], to[1] / of[1]
    return box[0] * x, box[1] * y, box[2] * x, box[3] * y
