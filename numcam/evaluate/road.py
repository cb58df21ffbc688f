"""ROAD, remove and debias: removed pixels are filled in from their neighbours, so that the hole itself says nothing.

Rong et al. 2022. The fill is the solution of a linear system: every missing pixel is the weighted mean of its eight
neighbours, plus a little noise.
"""

import numpy as np
import scipy

from numcam.errors import InputError
from numcam.evaluate.faithful import Score, order
from numcam.nn.types import Array

WEIGHTS = {
    **dict.fromkeys(((-1, 0), (1, 0), (0, -1), (0, 1)), 1 / 6),
    **dict.fromkeys(((-1, -1), (-1, 1), (1, -1), (1, 1)), 1 / 12),
}
"""Of the neighbours (down, right), as in the authors' code; at the border those that are there share them."""

SHARES = (0.2, 0.4, 0.6, 0.8)
NOISE = 0.01
"""Standard deviation, as a share of the picture's own range of values."""


def imputed(x: Array, missing: Array, noise: float = NOISE, seed: int = 0) -> Array:
    """The picture x (3, rows, cols) with the pixels of `missing`, bool (rows, cols), filled in from the others.

    Where all are missing, there is nothing to fill from: the picture's mean colour.
    """
    if missing.shape != x.shape[1:]:
        raise InputError(f"the mask is one value per pixel, {x.shape[1:]}; got {missing.shape}")
    count = int(missing.sum())
    if not count:
        return x.copy()
    out = x.astype(np.float64)
    if count == missing.size:
        out[:] = out.mean(axis=(1, 2), keepdims=True)
    else:
        weights, known = _system(missing)
        values = known @ out.reshape(len(x), -1).T  # (count, 3), what the known neighbours give
        out[:, missing] = _solved(weights, values).T
    jitter = np.random.default_rng(seed).standard_normal((len(x), count)) * noise * (x.max() - x.min())
    out[:, missing] += jitter
    return out.astype(x.dtype)


def _solved(weights: "scipy.sparse.csr_matrix", values: Array) -> Array:
    """The pixels that are `values` and the weighted sums of each other, (count, 3)."""
    from scipy.sparse.linalg import spsolve  # unlike SciPy's other parts it does not come when it is named

    system = scipy.sparse.identity(len(values), format="csc") - weights
    return np.asarray(spsolve(system.tocsc(), values)).reshape(values.shape)


def _system(missing: Array) -> "tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]":
    """Each missing pixel as weights of missing pixels (count, count), and of known ones (count, pixels)."""
    rows, cols = missing.shape
    at = np.flatnonzero(missing)
    number = np.full(missing.size, -1)
    number[at] = np.arange(len(at))
    row, col = np.divmod(at, cols)
    who, where, weight = [], [], []
    for (down, right), share in WEIGHTS.items():
        inside = (row + down >= 0) & (row + down < rows) & (col + right >= 0) & (col + right < cols)
        who.append(np.flatnonzero(inside))
        where.append(((row + down) * cols + col + right)[inside])
        weight.append(np.full(inside.sum(), share))
    i, j, w = map(np.concatenate, (who, where, weight))
    w = w / np.bincount(i, w, len(at))[i]
    gone = number[j] >= 0
    unknown = scipy.sparse.csr_matrix((w[gone], (i[gone], number[j[gone]])), shape=(len(at), len(at)))
    known = scipy.sparse.csr_matrix((w[~gone], (i[~gone], j[~gone])), shape=(len(at), missing.size))
    return unknown, known


def road(x: Array, map: Array, score: Score, shares: tuple[float, ...] = SHARES, seed: int = 0) -> Array:
    """The score with the most, and with the least important pixels removed: (shares, 2). Equal values in random order.

    A good map makes the first fall and the second stand.
    """
    sequence, frames = order(map, seed), []
    for share in shares:
        count = round(share * sequence.size)
        for gone in (sequence[:count], sequence[sequence.size - count :]):
            missing = np.zeros(map.size, bool)
            missing[gone] = True
            frames.append(imputed(x, missing.reshape(map.shape), seed=seed))
    return score(np.stack(frames)).reshape(len(shares), 2)


def combined(scores: Array) -> float:
    """(least removed - most removed) / 2, the mean over all shares: 0 for a map that knows nothing, at most 1/2."""
    return float((scores[:, 1] - scores[:, 0]).mean() / 2)
