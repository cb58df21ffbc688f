"""Where no known mistake fits: what the difference between two arrays looks like, case after case.

Each test is one way to be wrong; it holds only if it holds in every case, so that chance is not taken for a pattern.
"""

from itertools import chain

import numpy as np

from numcam.exercises.patterns import Pairs, Test
from numcam.exercises.shapes import bordered, lengths, reordered_axes, reshaped, scattered, summed, too_few_axes
from numcam.exercises.values import (
    clipped,
    coarse,
    factor,
    flipped,
    gaps,
    not_numbers,
    nothing,
    offset,
    places,
    shifted,
    sign,
)

SHAPES: tuple[Test, ...] = (reordered_axes, reshaped, summed, bordered, scattered, too_few_axes)
NUMBERS: tuple[Test, ...] = (not_numbers, sign, factor, offset, clipped, coarse)
VALUES: tuple[Test, ...] = (
    *(not_numbers, nothing, sign, factor, offset, flipped, reordered_axes, shifted, clipped, gaps, scattered, coarse),
    places,
)


def diagnosis(pairs: Pairs, windows: bool = False) -> str:
    """One sentence that narrows the difference down, or "" where nothing general can be said.

    windows: does the function slide a window, so that a wrong length is one of padding and stride?
    """
    with np.errstate(all="ignore"):
        pairs = [(np.asarray(got, np.float64), np.asarray(right, np.float64)) for got, right in pairs]
        if any(got.size == 0 and right.size for got, right in pairs):
            return "the array is empty"
        shaped = any(got.shape != right.shape for got, right in pairs)
        if not shaped and all(right.ndim == 0 for _, right in pairs):
            return next(chain.from_iterable(test(pairs) for test in NUMBERS), "")
        tests = ((*SHAPES, lengths) if windows else SHAPES) if shaped else VALUES
        return next(chain.from_iterable(test(pairs) for test in tests), "")
