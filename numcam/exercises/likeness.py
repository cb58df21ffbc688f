"""An answer that is no known mistake, but like one: by a factor, in most cases, or because it is an argument itself."""

from collections.abc import Iterator, Sequence

import numpy as np

from numcam.exercises.attempt import Outcome
from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.compare import part_same, right_outcomes, same, value, wrong_outcomes
from numcam.exercises.exercise import Mistake
from numcam.exercises.running import Answer
from numcam.exercises.values import factor_of


def likeness(answer: Answer, part: int) -> str:
    """One sentence on what a returned array is like, or ""."""
    return argument_itself(answer, part) or multiple(answer, part) or mostly(answer, part)


def cases(answer: Answer, part: int) -> Iterator[tuple[int, Outcome]]:
    """The cases in which the array was returned."""
    pairs = zip(answer.cases, answer.outcomes, strict=True)
    return ((i, o) for i, o in pairs if value(o, part) is not None)


def told(mistake: Mistake) -> str:
    return f"the known mistake {mistake.name} (page {mistake.page}): {mistake.about}"


def argument_itself(answer: Answer, part: int) -> str:
    """Was one of the arguments returned as it came?"""
    exercise = EXERCISES[answer.name]
    for position, name in enumerate(list(exercise.signature.parameters)[: len(exercise.cases[0].arguments)]):
        pairs = [(value(o, part), exercise.cases[i].arguments[position]) for i, o in cases(answer, part)]
        if all(got is not None and isinstance(given, np.ndarray) and same(got, given, 1e-12) for got, given in pairs):
            return f"that is the argument {name} as it came"
    return ""


def multiple(answer: Answer, part: int) -> str:
    """A wrong version that fits but for one constant factor."""
    exercise = EXERCISES[answer.name]
    for key, theirs in wrong_outcomes(answer.name).items():
        pairs = [(value(o, part), value(theirs[i], part)) for i, o in cases(answer, part)]
        known = [(a, b) for a, b in pairs if a is not None and b is not None and a.shape == b.shape]
        if not known or len(known) < len(pairs) or not evident(answer, theirs, part):
            continue
        factors = [factor_of(a, b) for a, b in known]
        if None not in factors and len({round(f, 4) for f in factors if f is not None}) == 1 and factors[0] != 1:
            return f"{factors[0]:.4g} times {told(exercise.mistakes[key])}"
    return ""


def evident(answer: Answer, theirs: Sequence[Outcome], part: int) -> bool:
    """Is a wrong version more than a multiple of the right one?"""
    right = right_outcomes(answer.name)
    pairs = [(value(theirs[i], part), value(right[i], part)) for i in answer.cases]
    return any(a is not None and b is not None and a.shape == b.shape and factor_of(a, b) is None for a, b in pairs)


def mostly(answer: Answer, part: int) -> str:
    """The one wrong version that explains the first wrong case, and more of them than any other does; two at least."""
    exercise, right = EXERCISES[answer.name], right_outcomes(answer.name)
    wrong = [(i, o) for i, o in cases(answer, part) if not part_same(exercise, o, right[i], part)]
    counts = {}
    for key, theirs in wrong_outcomes(answer.name).items():
        fits = [part_same(exercise, o, theirs[i], part) for i, o in wrong]
        counts[key] = sum(fits) if fits and fits[0] else 0
    best = max(counts.values(), default=0)
    names = [key for key, count in counts.items() if count == best]
    if best < 2 or len(names) > 1:
        return ""
    return f"in {best} of the {len(wrong)} cases that differ it is {told(exercise.mistakes[names[0]])}"
