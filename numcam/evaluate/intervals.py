"""Confidence intervals by bootstrap, for what is not a share; shares have `localisation.wilson_interval`."""

from collections.abc import Callable

import numpy as np

from numcam.nn.types import Array

RESAMPLES = 1_000


def bootstrap(
    values: Array, statistic: Callable[[Array], float] = np.mean, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """The percentile interval of a statistic over scenes (Efron 1979): values (n, ...), drawn anew 1,000 times.

    NaN for no values; with one value there is no telling, and the interval is that value.
    """
    n = len(values)
    if not n:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    found = [statistic(values[rng.integers(n, size=n)]) for _ in range(RESAMPLES)]
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
