"""An exercise: the right function, the inputs it is tried on, and the wrong versions of it that are known."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)

TOLERANCE = 1e-4
"""Of the largest number in the right array. Single precision loses up to 3e-5 on these inputs (softmax at 1000), and
every known mistake is off by more than a hundred times the tolerance."""


@dataclass(frozen=True)
class Case:
    """One call: what is special about it, what is given by position, and what by keyword."""

    about: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mistake:
    """A wrong version that somebody could write: its name, one sentence on it, the page that explains it.

    published: where this very bug was once released, or "".
    """

    name: str
    about: str
    page: str
    published: str
    function: Function


class Exercise:
    """The right function of an exercise. `inputs` and `wrong` are decorators that add to it.

    returns: the names of what it returns, one or several. optional: options that a reader's function may lack.
    tolerance: how far a number may be off, relative to the largest.
    """

    def __init__(
        self,
        page: str,
        right: Function,
        returns: tuple[str, ...],
        optional: tuple[str, ...] = (),
        tolerance: float = TOLERANCE,
    ) -> None:
        self.page, self.right, self.returns, self.optional, self.tolerance = page, right, returns, optional, tolerance
        self.mistakes: dict[str, Mistake] = {}
        self._make: Callable[[], Iterable[Case]] = tuple

    @property
    def name(self) -> str:
        return self.right.__name__

    @property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.right)

    @property
    def doc(self) -> str:
        return inspect.cleandoc(self.right.__doc__ or "")

    def inputs(self, make: Callable[[], Iterable[Case]]) -> Callable[[], Iterable[Case]]:
        """Declare the generator of cases: the smallest first, since the first that differs is shown."""
        self._make = make
        return make

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        return tuple(self._make())

    def wrong(self, published: str = "", page: str | None = None) -> Callable[[F], F]:
        """Declare a wrong version; its docstring is the sentence that a reader who wrote it is shown."""

        def add(function: F) -> F:
            about = " ".join(inspect.cleandoc(function.__doc__ or "").split())
            self.mistakes[function.__name__] = Mistake(function.__name__, about, page or self.page, published, function)
            return function

        return add


def exercise(
    page: str, *returns: str, optional: tuple[str, ...] = (), tolerance: float = TOLERANCE
) -> Callable[[Function], Exercise]:
    """Make an exercise of a right function: its page, and the names of what it returns."""
    return lambda right: Exercise(page, right, returns, optional, tolerance)
