"""Numbers and arguments as a reader is shown them."""

from typing import Any

import numpy as np

from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.compare import (
    differs,
    right_outcomes,
    same,
    value,
)
from numcam.exercises.exercise import Case, Exercise
from numcam.exercises.running import Answer


def first_difference(answer: Answer, part: int) -> list[str]:
    """ "dx[0, 2]: expected 0, got 6", and the case it is from."""
    exercise = EXERCISES[answer.name]
    for i, outcome in zip(answer.cases, answer.outcomes, strict=True):
        got, right = value(outcome, part), value(right_outcomes(answer.name)[i], part)
        if got is None or right is None or same(got, right, exercise.tolerance):
            continue
        name, case = exercise.returns[part], exercise.cases[i]
        if got.shape != right.shape:
            return [f"{name}: expected shape {right.shape}, got {got.shape} (with {case.about})"]
        at = tuple(int(k) for k in np.argwhere(differs(got, right, exercise.tolerance))[0])
        a, b = number(right[at], got[at])
        return [f"{name}{list(at) if at else ''}: expected {a}, got {b} (with {case.about})", *shown(exercise, case)]
    return []


def number(right: Any, got: Any) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see that they differ."""
    pairs = [(f"{right:.{d}g}", f"{got:.{d}g}") for d in (5, 8, 12)] if right.dtype.kind == "f" else []
    return next((p for p in pairs if p[0] != p[1]), (str(right), str(got)))


def shown(exercise: Exercise, case: Case) -> list[str]:
    """The arguments, where all of them are small enough to work the case out by hand."""
    if not all(isinstance(a, np.ndarray | int | float | tuple) for a in case.arguments):
        return []
    arguments = zip(exercise.signature.parameters, case.arguments, strict=False)
    text = ", ".join(" ".join(f"{name} = {brief(given)}".split()) for name, given in arguments)
    return [f"for {text}"] if len(text) <= 150 else []


def brief(given: Any) -> str:
    if not isinstance(given, np.ndarray):
        return str(given)
    return np.array2string(given, separator=", ", formatter={"float": "{:g}".format})
