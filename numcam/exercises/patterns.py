"""What the tests of `shapes` and `values` share."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations

from numcam.exercises.compare import same
from numcam.nn.types import Array

Pairs = Sequence[tuple[Array, Array]]
"""(got, right) for each case."""

MOST_AXES = 5
"""More than any exercise has; the orders of nine axes would take minutes to try."""

Test = Callable[[Pairs], Iterator[str]]


def always(pairs: Pairs, change: Callable[[Array], Array]) -> bool:
    """Does `change` make every answer right, although it was not?"""
    try:
        return all(same(change(got), right) for got, right in pairs)
    except (ValueError, IndexError):  # it does not fit this shape
        return False


def axes(names: Sequence[int]) -> str:
    return f"axis {names[0]}" if len(names) == 1 else f"axes {' and '.join(map(str, names))}"


def subsets(count: int) -> Iterator[tuple[int, ...]]:
    count = min(count, MOST_AXES)
    return chain.from_iterable(combinations(range(count), k) for k in range(1, count + 1))
