"""When are two outcomes the same? And the search among the wrong versions."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from numcam.exercises.attempt import Outcome, attempt
from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.exercise import TOLERANCE, Exercise, Mistake
from numcam.nn.types import Array

Outcomes = Sequence[Outcome]


def same(got: Array, right: Array, tolerance: float = TOLERANCE) -> bool:
    """Equal up to the tolerance, shapes too; NaN equals NaN. Whole numbers and truth values must be equal exactly."""
    return got.shape == right.shape and not differs(got, right, tolerance).any()


def differs(got: Array, right: Array, tolerance: float = TOLERANCE) -> Array:
    """Where two arrays of one shape differ, bool."""
    finite = np.abs(right[np.isfinite(right)]).astype(np.float64)
    room = 1e-7 + tolerance * finite.max(initial=0) if right.dtype.kind == "f" else 0
    a, b = got.astype(np.float64), right.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return ~((a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= room))


def part_same(exercise: Exercise, got: Outcome, other: Outcome, part: int) -> bool:
    """Do two outcomes of one case agree in one of the returned arrays? Both raising is agreement too."""
    a, b = value(got, part), value(other, part)
    if a is None or b is None:
        return a is b and bool(got.error) == bool(other.error)
    return same(a, b, exercise.tolerance)


def value(outcome: Outcome, part: int) -> Array | None:
    return outcome.values[part] if outcome.values else None


@cache
def right_outcomes(name: str) -> list[Outcome]:
    """What the right function returns for each case."""
    exercise = EXERCISES[name]
    return [attempt(exercise, exercise.right, case) for case in exercise.cases]


@cache
def wrong_outcomes(name: str) -> dict[str, list[Outcome]]:
    """What each wrong version returns for each case."""
    exercise = EXERCISES[name]
    return {
        key: [attempt(exercise, mistake.function, case) for case in exercise.cases]
        for key, mistake in exercise.mistakes.items()
    }


def wrong_parts(name: str, outcomes: Outcomes, cases: Sequence[int]) -> list[int]:
    """Which of the returned arrays differ from the right ones in some case."""
    right = right_outcomes(name)
    parts = range(len(EXERCISES[name].returns))
    return [
        p
        for p in parts
        if any(not part_same(EXERCISES[name], o, right[i], p) for i, o in zip(cases, outcomes, strict=True))
    ]


def named(name: str, outcomes: Outcomes, cases: Sequence[int]) -> dict[int, Mistake]:
    """For each returned array that is wrong in `outcomes` (one for each of `cases`): which wrong version it is, if any.

    One version that agrees in everything is preferred; otherwise each wrong array is looked up by itself. Where the
    arrays are right and only an argument was changed, the version stands under -1.
    """
    exercise = EXERCISES[name]
    wrong = {key: [everything[i] for i in cases] for key, everything in wrong_outcomes(name).items()}
    right = [right_outcomes(name)[i] for i in cases]
    parts = wrong_parts(name, outcomes, cases)
    if one := whole(name, outcomes, cases):
        return dict.fromkeys(parts or [-1], one)
    found = {part: by_part(exercise, outcomes, wrong, right, part) for part in parts}
    return {part: mistake for part, mistake in found.items() if mistake}


def whole(name: str, outcomes: Outcomes, cases: Sequence[int]) -> Mistake | None:
    """The wrong version that agrees in everything, in every case, if there is one."""
    exercise, parts = EXERCISES[name], wrong_parts(name, outcomes, cases)
    right = [right_outcomes(name)[i] for i in cases]
    changed = [sorted(o.changed) for o in outcomes]
    for key, everything in wrong_outcomes(name).items():
        theirs = [everything[i] for i in cases]
        if changed == [sorted(o.changed) for o in theirs] and explains(outcomes, theirs, right, parts, exercise):
            return exercise.mistakes[key]
    return None


def explains(outcomes: Outcomes, theirs: Outcomes, right: Outcomes, parts: list[int], exercise: Exercise) -> bool:
    """Do two versions agree in every array of every case, with at least one number that is wrong (or an argument)?"""
    everywhere = all(
        part_same(exercise, a, b, p)
        for a, b in zip(outcomes, theirs, strict=True)
        for p in range(len(exercise.returns))
    )
    return everywhere and (evidence(exercise, theirs, right, parts) or any(o.changed for o in theirs))


def evidence(exercise: Exercise, theirs: Outcomes, right: Outcomes, parts: list[int]) -> bool:
    """Is there a returned array that differs from the right one? Raising alone is evidence of nothing in particular."""
    return any(
        value(a, p) is not None and not part_same(exercise, a, b, p)
        for a, b in zip(theirs, right, strict=True)
        for p in parts
    )


def by_part(
    exercise: Exercise, outcomes: Outcomes, wrong: dict[str, list[Outcome]], right: Outcomes, part: int
) -> Mistake | None:
    """The version that is wrong in this array in the same way; of several, the one that is wrong in the fewest arrays.

    Where the function raised, its arrays are unknown: such cases are left out, and the versions that fit the rest must
    then agree in this array.
    """
    returned = [i for i, o in enumerate(outcomes) if o.values]
    fits = [
        key
        for key, theirs in wrong.items()
        if all(part_same(exercise, outcomes[i], theirs[i], part) for i in returned)
        and evidence(exercise, [theirs[i] for i in returned], [right[i] for i in returned], [part])
    ]
    alike = [key for key in fits if [bool(o.error) for o in wrong[key]] == [bool(o.error) for o in outcomes]]
    fewest = sorted(
        alike or fits, key=lambda k: sum(evidence(exercise, wrong[k], right, [p]) for p in range(len(exercise.returns)))
    )
    if not fewest or (not alike and not all_same(exercise, [wrong[key] for key in fewest], part)):
        return None
    return exercise.mistakes[fewest[0]]


def all_same(exercise: Exercise, versions: Sequence[Outcomes], part: int) -> bool:
    """Do several versions agree in one returned array, in all cases?"""
    return all(part_same(exercise, a, b, part) for other in versions for a, b in zip(versions[0], other, strict=True))
