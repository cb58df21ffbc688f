"""How alike two maps are: by the order of their values (Spearman), and by their structure (SSIM)."""

import numpy as np
import scipy

from numcam.nn.types import Array

SIGMA = 1.5


def spearman(a: Array, b: Array) -> float:
    """The rank correlation of two maps' values, equal ones sharing their mean rank.

    With a constant map there is no order to compare: 1 if both are constant, else 0. Spearman 1904.
    """
    ranks = [scipy.stats.rankdata(one.ravel()) for one in (a, b)]
    x, y = (r - r.mean() for r in ranks)
    size = np.sqrt((x @ x) * (y @ y))
    if size == 0:
        return float(not (x.any() or y.any()))
    return float(x @ y / size)


def ssim(a: Array, b: Array, span: float = 1.0) -> float:
    """The mean structural similarity of two maps (rows, cols) whose values lie in a range of `span`; 1 for equal ones.

    Gaussian windows of standard deviation 1.5 pixels, constants 0.01 and 0.03. Wang et al. 2004.
    """

    def mean(values: Array) -> Array:
        return np.asarray(scipy.ndimage.gaussian_filter(values, SIGMA, truncate=3.5))

    a, b = a.astype(np.float64), b.astype(np.float64)
    first, second = (0.01 * span) ** 2, (0.03 * span) ** 2
    of_a, of_b = mean(a), mean(b)
    var_a, var_b, both = mean(a * a) - of_a**2, mean(b * b) - of_b**2, mean(a * b) - of_a * of_b
    alike = (2 * of_a * of_b + first) * (2 * both + second)
    return float((alike / ((of_a**2 + of_b**2 + first) * (var_a + var_b + second))).mean())


def unit(map: Array) -> Array:
    """The map brought to [0, 1] by its minimum and maximum, as the sanity checks do; a constant map becomes 0."""
    low, high = map.min(), map.max()
    return (map - low) / (high - low) if high > low else np.zeros_like(map)
