"""Ways in which the numbers of an array of the right shape can be wrong."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.compare import differs, same
from numcam.exercises.patterns import Pairs, always, axes, subsets
from numcam.nn.types import Array


def sign(pairs: Pairs) -> Iterator[str]:
    if always(pairs, np.negative):
        yield "every number has the wrong sign"


def factor(pairs: Pairs) -> Iterator[str]:
    factors = [factor_of(got, right) for got, right in pairs]
    known = [(f, right) for f, (_, right) in zip(factors, pairs, strict=True) if f is not None]
    if None in factors or not known:
        return
    values = [f for f, _ in known if f is not None]
    if np.allclose(values, values[0], rtol=1e-4):
        yield f"every number is {values[0]:.6g} times what is expected"
        return
    for axis in range(min(right.ndim for _, right in known)):
        lengths = np.array([right.shape[axis] for _, right in known])
        for power, word in ((-1, "divided"), (1, "multiplied")):
            if np.allclose(values, lengths.astype(float) ** power, rtol=1e-4):
                yield f"every number is {word} by the length of axis {axis}"
    if any(np.count_nonzero(right) > 1 for _, right in known):  # of a single number that would say nothing
        yield f"in each case every number is off by one common factor ({', '.join(f'{v:.4g}' for v in values)})"


def factor_of(got: Array, right: Array) -> float | None:
    """c with got = c * right, or None. 1 where both are 0."""
    if not np.isfinite(got).all() or not np.isfinite(right).all():
        return None
    norm = float((right.astype(float) ** 2).sum())
    if norm == 0:
        return 1.0 if same(got, right) else None
    c = float((got.astype(float) * right).sum()) / norm
    return c if c and same(got / c, right.astype(float)) else None


def offset(pairs: Pairs) -> Iterator[str]:
    steps = [float(np.median(got.astype(float) - right)) if got.size else 0.0 for got, right in pairs]
    if np.allclose(steps, steps[0]) and all(
        same(got - step, right.astype(float)) for step, (got, right) in zip(steps, pairs, strict=True)
    ):
        yield f"every number is {abs(steps[0]):.6g} too {'large' if steps[0] > 0 else 'small'}"


def flipped(pairs: Pairs) -> Iterator[str]:
    for some in subsets(pairs[0][0].ndim):
        if always(pairs, lambda a, s=some: np.flip(a, s)):  # type: ignore[misc]
            yield f"the right numbers, back to front along {axes(some)}"


def shifted(pairs: Pairs) -> Iterator[str]:
    for axis in range(pairs[0][0].ndim):
        for by in (1, -1):

            def inner(a: Array, by: int, axis: int = axis) -> Array:
                return np.take(a, range(max(0, by), a.shape[axis] + min(0, by)), axis)

            if all(r.shape[axis] > 2 and same(inner(g, by), inner(r, -by)) for g, r in pairs):
                yield f"the right numbers, shifted by one along axis {axis}"


def clipped(pairs: Pairs) -> Iterator[str]:
    for sentence, change in (
        ("the right sizes, but all positive: the signs are lost", np.abs),
        ("negative numbers have become 0", lambda a: np.maximum(a, 0)),
        ("positive numbers have become 0", lambda a: np.minimum(a, 0)),
        ("the right numbers, squared", np.square),
        ("the fractions are cut off: the array holds whole numbers", np.trunc),
        ("the numbers are rounded", np.round),
    ):
        if all(same(got, change(right)) for got, right in pairs):
            yield sentence


def not_numbers(pairs: Pairs) -> Iterator[str]:
    legal = any(np.isinf(right).any() for _, right in pairs)  # infinity may be an answer
    for got, _ in pairs:
        bad = np.argwhere(np.isnan(got) if legal else ~np.isfinite(got))
        if len(bad):
            which = f"{len(bad)} of {got.size} numbers are no numbers" if got.ndim else "that is no number"
            yield f"{which} ({got[tuple(bad[0])]}): a division by 0, or an overflow"


def nothing(pairs: Pairs) -> Iterator[str]:
    if all(not got.any() for got, _ in pairs):
        yield "everything is 0"


def gaps(pairs: Pairs) -> Iterator[str]:
    if all(same(np.where(got != 0, right, 0), got) for got, right in pairs):
        yield "what is there is right, but some numbers have stayed 0"


def coarse(pairs: Pairs) -> Iterator[str]:
    largest = [np.abs(right).max(initial=0) or 1 for _, right in pairs]
    errors = [np.abs(got.astype(float) - right).max(initial=0) for got, right in pairs]
    error = max(e / m for e, m in zip(errors, largest, strict=True))
    if error < 5e-3:
        yield f"almost right (off by {error:.1g} of the largest number): rounding on the way, perhaps float16?"


def places(pairs: Pairs) -> Iterator[str]:
    """Is it only the border, one picture, one channel?"""
    for axis in range(pairs[0][0].ndim):
        found = [spot(differs(got, right), axis) for got, right in pairs if differs(got, right).any()]
        if len(found) and len(set(found)) == 1 and found[0]:
            yield f"along axis {axis} {found[0]}"
    for got, right in pairs:
        wrong = differs(got, right)
        if wrong.any():
            yield f"{int(wrong.sum())} of {wrong.size} numbers differ in this case"


def spot(wrong: Array, axis: int) -> str:
    """Which positions along an axis hold all the differences, if they are few."""
    lines = np.atleast_1d(wrong.any(axis=tuple(a for a in range(wrong.ndim) if a != axis)))
    size, where = len(lines), set(np.flatnonzero(lines).tolist())
    if size < 2 or len(where) == size:
        return ""
    return {
        frozenset({0}): "only the first is wrong",
        frozenset({size - 1}): "only the last is wrong",
        frozenset({0, size - 1}): "only the first and the last are wrong",
        frozenset(range(1, size)): "all but the first are wrong",
        frozenset(range(size - 1)): "all but the last are wrong",
    }.get(frozenset(where), "")
