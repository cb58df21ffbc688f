"""What a network's training pictures look like to itself, so that it can say of a picture that it is unlike them.

A network gives every picture one of its classes, with whatever probability. What it has never seen shows in its layers:
the averages and spreads of their channels are then far from those of its own pictures. The distance is Mahalanobis's,
as in Lee et al. 2018 (arXiv 1807.03888), of one normal distribution for all classes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from numcam.nn import Trace
from numcam.nn.types import Array

SHARE = 0.994
"""Of its own pictures that lie within the distance that is still familiar."""

RIDGE = 1e-3
"""Added to the variances, which are 1 after scaling: a channel that never fires has none."""

LEAST = 4
"""Pictures for each number that is kept, at least."""

DIGITS = 4


@dataclass(frozen=True)
class Familiar:
    """layer: whose channels are looked at. mean (2 channels,) and whitening (2 channels, 2 channels), lower triangular:
    they bring a picture's statistics to mean 0 and covariance 1. most: the root mean square of that which is familiar.
    """

    layer: str
    mean: Array
    whitening: Array
    most: float

    def distances(self, trace: Trace) -> Array:
        """Of each picture, (n,): about 1 for those it was trained on, and below `most` for nearly all of them."""
        white = (statistics(trace[self.layer]) - self.mean) @ self.whitening.T
        return np.asarray(np.sqrt((white**2).mean(axis=1)))

    def as_json(self) -> dict[str, Any]:
        """With a few digits each, so that it takes some kB."""
        rows = [[_short(v) for v in row[: i + 1]] for i, row in enumerate(self.whitening)]
        return {
            "layer": self.layer,
            "mean": [_short(v) for v in self.mean],
            "whitening": rows,
            "most": _short(self.most),
        }


def statistics(maps: Array) -> Array:
    """The mean and the standard deviation of each channel over all places: (n, c, rows, cols) -> (n, 2 c) float64."""
    wide = maps.astype(np.float64)
    return np.concatenate([wide.mean(axis=(2, 3)), wide.std(axis=(2, 3))], axis=1)


def familiar_with(found: Array, layer: str) -> Familiar | None:
    """What pictures with these statistics (n, 2 c) have in common; None for too few of them.

    Three quarters give the distribution, the last quarter the distance within which 994 of 1,000 lie.
    """
    seen, kept = np.split(found, [3 * len(found) // 4])
    if len(seen) < LEAST * found.shape[1]:
        return None
    mean, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-9
    covariance = np.cov(((seen - mean) / spread).T) + RIDGE * np.eye(found.shape[1])
    whitening = np.linalg.inv(np.linalg.cholesky(covariance)) / spread
    draft = Familiar(layer, mean, whitening, 1.0)
    white = (kept - draft.mean) @ draft.whitening.T
    most = float(np.quantile(np.sqrt((white**2).mean(axis=1)), SHARE))
    return from_json(Familiar(layer, mean, whitening, most).as_json())


def from_json(given: Any) -> Familiar:
    """The reverse of `as_json`. ValueError for anything else."""
    match given:
        case {"layer": str(layer), "mean": list(mean), "whitening": list(rows), "most": float() | int() as most}:
            n = len(mean)
            if 0 < n <= 4096 and len(rows) == n and _are_numbers(mean) and _are_numbers([most]) and most > 0:
                whitening = np.zeros((n, n))
                for i, row in enumerate(rows):
                    if not (isinstance(row, list) and len(row) == i + 1 and _are_numbers(row)):
                        break
                    whitening[i, : i + 1] = row
                else:
                    return Familiar(layer, np.array(mean, np.float64), whitening, float(most))
    raise ValueError("expected a layer, means, a triangle of numbers and a distance")


def check(familiar: Familiar, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """ValueError where a network of these shapes has no such layer, or another number of channels there."""
    shape = shapes.get(familiar.layer, ())
    if len(shape) != 4 or 2 * shape[1] != len(familiar.mean):
        raise ValueError(f"it is of a layer {familiar.layer[:40]!r} with {len(familiar.mean) // 2} channels")


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _are_numbers(values: list[Any]) -> bool:
    return all(type(v) in (int, float) and math.isfinite(v) and abs(v) < 1e12 for v in values)
