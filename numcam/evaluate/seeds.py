"""Weak supervision: from class names alone to labels for pixels, the seeds that a segmentation network starts from.

Kolesnikov and Lampert 2016, section 3.2: foreground where a class's map is above 20 % of its maximum, background where
the picture's saliency is lowest.
"""

from collections.abc import Sequence

import numpy as np
import scipy

from numcam.nn.types import Array

FOREGROUND = 0.2
BACKGROUND = 0.1
NOTHING = -1
SMOOTH = 8.0


def seeds(maps: Array, classes: Sequence[int], saliency: Array, foreground: float = FOREGROUND) -> Array:
    """A label for each pixel: 0 background, class + 1, or -1 for none; int (rows, cols).

    maps (classes, rows, cols), one for each class in the picture; saliency (rows, cols). Foreground: more than
    `foreground` of the map's maximum; where several claim a pixel, the class with the smallest area has it. Background:
    the tenth of the picture where the smoothed saliency is lowest. A blank map claims nothing.
    """
    labels = np.full(saliency.shape, NOTHING)
    smooth = scipy.ndimage.gaussian_filter(saliency, SMOOTH)
    labels[smooth <= np.quantile(smooth, BACKGROUND)] = 0
    return _painted(labels, maps, classes, foreground)


def complete(maps: Array, classes: Sequence[int], foreground: float = FOREGROUND) -> Array:
    """The same with every pixel that no class claims as background."""
    return _painted(np.zeros(maps.shape[1:], int), maps, classes, foreground)


def _painted(labels: Array, maps: Array, classes: Sequence[int], foreground: float) -> Array:
    labels = labels.copy()
    claims = [(map > foreground * map.max()) & (map > 0) for map in maps]
    for k in np.argsort([-claim.sum() for claim in claims], kind="stable"):
        labels[claims[k]] = classes[k] + 1
    return labels


def counts(labels: Array, truth: Array, classes: int) -> Array:
    """Of each label 0 ... classes: pixels with it in both, and pixels with it in either, (classes + 1, 2).

    A pixel without a label (-1) is in no class, and so missing where the truth has one.
    """
    return np.array(
        [(((labels == k) & (truth == k)).sum(), ((labels == k) | (truth == k)).sum()) for k in range(classes + 1)]
    )


def mean_iou(counted: Array) -> float:
    """Intersection over union by class from counts summed over pictures (n, labels, 2), the mean over the classes.

    A class that occurs nowhere does not count; NaN where none does.
    """
    inside, either = counted.sum(axis=0).astype(float).T
    there = either > 0
    return float((inside[there] / either[there]).mean()) if there.any() else float("nan")


def truth_of(masks: Sequence[Array], classes: Sequence[int]) -> Array:
    """The true label of each pixel: 0 background, class + 1 on the masks, (rows, cols)."""
    labels = np.zeros(masks[0].shape, int)
    for mask, k in zip(masks, classes, strict=True):
        labels[mask] = k + 1
    return labels
