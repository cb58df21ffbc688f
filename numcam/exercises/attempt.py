"""One call of a function on one case: what came back, what it raised, and which arguments it changed."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numcam.exercises.exercise import Case, Exercise, Function
from numcam.nn.types import Array

LARGEST = 200_000
"""More numbers than any exercise returns: of a larger array only the shape is passed on."""


@dataclass
class Outcome:
    """values: one array for each name that the exercise returns, None where it is not written yet; or no list at all.

    error: "" or a sentence on what was raised; complaint: on a return value that is none of what was asked for;
    changed: what happened to each argument that was written into.
    """

    values: list[Array | None] | None = None
    error: str = ""
    complaint: str = ""
    changed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def unwritten(self) -> bool:
        """Nothing is there yet: the placeholder of the stub came back."""
        return self.values is not None and all(v is None for v in self.values)


def attempt(
    exercise: Exercise, function: Function, case: Case, explain: Callable[[BaseException], str] = repr
) -> Outcome:
    """Call `function` on copies of the case's arguments."""
    given = tuple(a.copy() if isinstance(a, np.ndarray) else a for a in case.arguments)
    try:
        with np.errstate(all="ignore"):
            result = call(exercise, function, given, case.options)
    except NotImplementedError:
        return read(..., exercise.returns)
    except BaseException as error:
        return Outcome(error=explain(error))
    outcome = read(result, exercise.returns)
    for name, old, new in zip(exercise.signature.parameters, case.arguments, given, strict=False):
        if difference := first_change(old, new):
            outcome.changed[name] = difference
    return outcome


def call(exercise: Exercise, function: Function, given: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Options go by name; to a function that calls them otherwise, such as h for step, by position."""
    theirs = parameters_of(function)
    leading = list(exercise.signature.parameters)[len(given) : len(given) + len(options)]
    renamed = theirs is not None and not set(options) <= set(theirs) and len(theirs) >= len(given) + len(options)
    if renamed and list(options) == leading:
        return function(*given, *options.values())
    return function(*given, **options)


def parameters_of(function: Function) -> list[str] | None:
    """The names of a function's parameters; None where they cannot be told, or it takes any."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return None if any(p.kind is p.VAR_KEYWORD for p in parameters) else [p.name for p in parameters]


def first_change(before: Any, after: Any) -> str:
    """ "[0, 2] was 3 and is 0", or "" where nothing changed. Networks are read-only, so only arrays can change."""
    if not isinstance(before, np.ndarray):
        return ""
    if before.shape != after.shape:
        return f"its shape was {before.shape} and is {after.shape}"
    different = np.argwhere(~((before == after) | ((before != before) & (after != after))))
    if not len(different):
        return ""
    at = tuple(int(i) for i in different[0])
    return f"{list(at) if at else ''} was {before[at]:.4g} and is {after[at]:.4g}".strip()


def read(result: Any, names: tuple[str, ...]) -> Outcome:
    """A return value as one array for each name."""
    if result is ...:
        return Outcome([None] * len(names))
    if result is None:
        return Outcome(complaint="it returns None; is the line with return missing, or is return without a value?")
    if len(names) == 1:
        return gather([result], names)
    if not isinstance(result, tuple | list) or len(result) != len(names):
        return Outcome(complaint=f"it returns {described(result)}, and not {len(names)} arrays ({', '.join(names)})")
    return gather(result, names)


def gather(results: Iterable[Any], names: tuple[str, ...]) -> Outcome:
    outcome = Outcome([])
    assert outcome.values is not None
    for name, result in zip(names, results, strict=True):
        array = None if result is ... else as_array(result)
        if array is None and result is not ...:
            return Outcome(complaint=f"{name} is {described(result)}, and not an array of numbers")
        if array is not None and array.ndim and not isinstance(result, np.ndarray):
            outcome.notes.append(f"{name} is a {type(result).__name__}; numcam's own functions return arrays")
        outcome.values.append(array)
    return outcome


def as_array(value: Any) -> Array | None:
    """Numbers in any dress as an array; None for what is no numbers."""
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and array.size:
            array = array.astype(np.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
    if array.dtype.kind == "c":
        return array.real if not array.imag.any() else None
    return np.array(array) if array.dtype.kind in "biuf" else None


def described(value: Any) -> str:
    """A value in a few words: "a tuple of 2", "None", "the text 'abc'"."""
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, np.ndarray):
        return f"one array of shape {value.shape}"
    if isinstance(value, tuple | list | dict | set):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
