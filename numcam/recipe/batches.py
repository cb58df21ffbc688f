"""Training batches: pictures drawn from the pools by the step's number, varied in ways that keep their classes."""

from collections.abc import Sequence

import numpy as np

from numcam.models.preprocessing import CENTRED
from numcam.nn.types import Array
from numcam.recipe.pool import Pool

Batch = tuple[Array, Array]
MOST_SHIFT = 12
"""Pixels by which a whole picture is moved at most; its border is repeated."""


def whole(pools: Sequence[Pool], shares: Sequence[float], size: int, classes: int, rng: np.random.Generator) -> Batch:
    """Whole pictures from several pools, so many of each: x (size, 3, 224, 224), target (size, classes).

    The target of a picture of two objects is one half for each of their classes.
    """
    which = rng.choice(len(pools), size, p=shares)
    images, target = [], np.zeros((size, classes), np.float32)
    for row, pool in enumerate(pools[k] for k in which):
        i = rng.integers(len(pool.labels))
        images.append(_varied(_shifted(pool.images[i], rng), rng))
        target[row, pool.labels[i]] = 1 / pool.labels.shape[1]
    return _as_input(images), target


def crops(pool: Pool, side: int, size: int, classes: int, rng: np.random.Generator) -> Batch:
    """Squares of `side` pixels that hold most of their one object: x (size, 3, side, side), target (size, classes)."""
    images, target = [], np.zeros((size, classes), np.float32)
    for row, i in enumerate(rng.integers(len(pool.labels), size=size)):
        images.append(_varied(_cropped(pool.images[i], pool.boxes[i, 0], side, rng), rng))
        target[row, pool.labels[i, 0]] = 1
    return _as_input(images), target


def _cropped(image: Array, box: Array, side: int, rng: np.random.Generator) -> Array:
    """A square round the middle of the box (left, top, right, bottom), off by up to a tenth of the side."""
    middle = (box[[1, 0]] + box[[3, 2]]) / 2 + rng.uniform(-0.1, 0.1, 2) * side
    top, left = np.clip(np.rint(middle - side / 2).astype(int), 0, np.array(image.shape[:2]) - side)
    return image[top : top + side, left : left + side]


def _shifted(image: Array, rng: np.random.Generator) -> Array:
    rows, cols = image.shape[:2]
    down, right = rng.integers(-MOST_SHIFT, MOST_SHIFT + 1, 2)
    row, col = (np.clip(np.arange(n) - by, 0, n - 1) for n, by in ((rows, down), (cols, right)))
    return image[row[:, None], col]


def _varied(image: Array, rng: np.random.Generator) -> Array:
    """Mirrored half of the time, with its colour channels in any order: neither changes what it shows."""
    flipped = image[:, ::-1] if rng.random() < 0.5 else image
    return flipped[:, :, rng.permutation(3)]


def _as_input(images: list[Array]) -> Array:
    return CENTRED.forward(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2), np.float32))
