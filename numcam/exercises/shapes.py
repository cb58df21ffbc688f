"""Ways in which an array can have the wrong shape, or its numbers the wrong places."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from numcam.exercises.compare import same
from numcam.exercises.patterns import MOST_AXES, Pairs, always, axes, subsets
from numcam.nn.types import Array


def reordered_axes(pairs: Pairs) -> Iterator[str]:
    if pairs[0][0].ndim > MOST_AXES:
        return
    for order in permutations(range(pairs[0][0].ndim)):
        if list(order) != sorted(order) and always(pairs, lambda a, o=order: a.transpose(o)):  # type: ignore[misc]
            yield f"the axes are in another order: transpose{order} of yours is right"


def reshaped(pairs: Pairs) -> Iterator[str]:
    if all(got.size == right.size for got, right in pairs) and all(
        same(got.reshape(right.shape), right) for got, right in pairs
    ):
        yield "the right numbers in the right order, but in another shape: a reshape is missing, or an axis too many"


def summed(pairs: Pairs) -> Iterator[str]:
    for some in subsets(min(got.ndim for got, _ in pairs)):
        for name, reduce in (("sum", np.sum), ("mean", np.mean)):
            if always(pairs, lambda a, r=reduce, s=some: r(a, axis=s)):  # type: ignore[misc]
                yield f"the {name} over {axes(some)} of yours is right: it is still missing"
    for some in subsets(min(right.ndim for _, right in pairs)):
        for name, reduce in (("summed", np.sum), ("averaged", np.mean)):
            if all(same(got, np.asarray(reduce(right, axis=some))) for got, right in pairs):
                yield f"the right numbers, but {name} over {axes(some)}, which should still be there"


def bordered(pairs: Pairs) -> Iterator[str]:
    def middle(got: Array, right: Array) -> Array:
        extra = [(g - r) // 2 for g, r in zip(got.shape, right.shape, strict=True)]
        return got[tuple(slice(e, e + r) for e, r in zip(extra, right.shape, strict=True))]

    def around(got: Array, right: Array) -> bool:
        return got.ndim == right.ndim and not (np.subtract(got.shape, right.shape) % 2).any()

    if all(around(got, right) and same(middle(got, right), right) for got, right in pairs):
        yield "the right numbers with a border around them: cut the padding off"


def scattered(pairs: Pairs) -> Iterator[str]:
    if all(got.size == right.size and same(np.sort(got, None), np.sort(right, None)) for got, right in pairs):
        yield "the right numbers in the wrong places: transpose the axes, and reshape only where their order stays"


def too_few_axes(pairs: Pairs) -> Iterator[str]:
    if all(got.ndim == 0 and right.ndim for got, right in pairs):
        yield "that is a single number; an array is expected"
    elif all(got.shape == right.shape[1:] for got, right in pairs):
        yield "the first axis, that of the pictures, is missing"
    elif all(sorted(got.shape) == sorted(right.shape) for got, right in pairs):
        yield "the shape has the right lengths in another order: a transpose too many or too few"


def lengths(pairs: Pairs) -> Iterator[str]:
    if any(got.ndim != right.ndim for got, right in pairs):
        return
    steps = np.array([np.subtract(got.shape, right.shape) for got, right in pairs])
    for axis in np.flatnonzero(steps.any(axis=0)):
        some = sorted({int(abs(s)) for s in steps[:, axis] if s})
        if (steps[:, axis] <= 0).all() or (steps[:, axis] >= 0).all():
            word = "short" if steps[:, axis].min() < 0 else "long"
            amount = " or ".join(map(str, some))
            yield f"axis {axis} is too {word}, by {amount}: the padding, the stride, the number of windows?"
