"""From what a function did to a verdict: it passes, or the first number that differs and which mistake it is."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.compare import (
    differs,
    named,
    part_same,
    right_outcomes,
    same,
    value,
    wrong_parts,
)
from numcam.exercises.diagnose import diagnosis
from numcam.exercises.exercise import Case, Exercise, Mistake
from numcam.exercises.likeness import likeness
from numcam.exercises.running import Answer
from numcam.exercises.stubs import parameters

PASSES = "passes"
KEPT = (
    "a second call with the same arguments gives another result: something is kept from the first one (a global, or a "
    "default argument that is changed?), or drawn at random"
)


@dataclass
class Verdict:
    """What is said of one function. status: "passes", "differs", "changes its arguments", "raises", "hangs",
    "returns something else", "not written yet", "missing" or "numcam's own".
    """

    name: str
    status: str
    message: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return self.status == PASSES

    def as_json(self) -> dict[str, Any]:
        keys = ("name", "about", "page", "published")
        return {
            "function": self.name,
            "page": EXERCISES[self.name].page,
            "status": self.status,
            "passed": self.passed,
            "message": self.message,
            "mistakes": [{k: getattr(m, k) for k in keys} for m in self.mistakes],
            "notes": self.notes,
        }


def judge(answer: Answer) -> Verdict:
    """The verdict on one function."""
    verdict = judged(answer)
    if answer.printed:
        verdict.notes.append(f"it prints: {answer.printed.splitlines()[0][:80]}")
    if answer.lacking and answer.cases:
        verdict.notes.append(f"it takes no {' and no '.join(answer.lacking)}, so that was left at its usual value")
    for note in dict.fromkeys(n for o in answer.outcomes for n in o.notes):
        verdict.notes.append(note)
    return verdict


def judged(answer: Answer) -> Verdict:
    if answer.stopped:
        return Verdict(answer.name, "hangs", [answer.stopped])
    outcomes, cases = answer.outcomes, answer.cases
    if all(o.unwritten for o in outcomes):
        return Verdict(answer.name, "not written yet")
    for i, outcome in zip(cases, outcomes, strict=True):
        if outcome.complaint:
            about = EXERCISES[answer.name].cases[i].about
            return Verdict(answer.name, "returns something else", [f"with {about}: {outcome.complaint}"])
    parts = wrong_parts(answer.name, outcomes, cases)
    if parts or any(o.error for o in outcomes):
        return difference(answer, parts)
    if any(o.changed for o in outcomes):
        return mutation(answer)
    if forgets_not(answer):
        return Verdict(answer.name, "differs", [KEPT])
    return Verdict(answer.name, PASSES, notes=dtypes(answer))


def forgets_not(answer: Answer) -> bool:
    """Did the second call of the first case give something else?"""
    if answer.again is None or answer.again.error:
        return False
    exercise = EXERCISES[answer.name]
    return not all(part_same(exercise, answer.again, answer.outcomes[0], p) for p in range(len(exercise.returns)))


def difference(answer: Answer, parts: list[int]) -> Verdict:
    """Something is wrong: the first number that is, and why."""
    exercise = EXERCISES[answer.name]
    mistakes = named(answer.name, answer.outcomes, answer.cases)
    verdict = Verdict(answer.name, "differs", mistakes=list(dict.fromkeys(mistakes.values())))
    raised = [(i, o.error) for i, o in zip(answer.cases, answer.outcomes, strict=True) if o.error]
    if raised:
        verdict.status = "raises"
        verdict.message.append(f"with {exercise.cases[raised[0][0]].about}: {raised[0][1]}")
        if "TypeError" in raised[0][1] and "argument" in raised[0][1]:
            verdict.message.append(f"it is called as {exercise.name}{parameters(exercise)}")
    for part in parts:
        verdict.message += part_difference(answer, part, part in mistakes)
    if any(o.changed for o in answer.outcomes):
        verdict.message += mutation(answer).message
    if forgets_not(answer):
        verdict.message.append(KEPT)
    return verdict


def part_difference(answer: Answer, part: int, known: bool) -> list[str]:
    """What is said of one returned array that is wrong: its first wrong number, and a diagnosis unless it is known."""
    exercise = EXERCISES[answer.name]
    name, right = exercise.returns[part], right_outcomes(answer.name)
    returned = [(i, o) for i, o in zip(answer.cases, answer.outcomes, strict=True) if o.values]
    gaps = [i for i, o in returned if value(o, part) is None]
    if gaps:
        where = "" if len(gaps) == len(returned) else f" (with {exercise.cases[gaps[0]].about})"
        return [f"{name} is not written yet{where}"]
    both = [(value(o, part), value(right[i], part)) for i, o in returned]
    pairs = [(a, b) for a, b in both if a is not None and b is not None]
    if all(same(got, wanted, exercise.tolerance) for got, wanted in pairs):
        return []
    text = "" if known else likeness(answer, part) or diagnosis(pairs)
    return first_difference(answer, part) + ([f"{name}: {text}"] if text else [])


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


def mutation(answer: Answer) -> Verdict:
    """The numbers are right, but an argument is no longer what it was."""
    exercise = EXERCISES[answer.name]
    mistakes = list(named(answer.name, answer.outcomes, answer.cases).values())
    i, outcome = next((i, o) for i, o in zip(answer.cases, answer.outcomes, strict=True) if o.changed)
    texts = [
        f"it changes its argument {name}: {change} (with {exercise.cases[i].about}); work on a copy"
        for name, change in outcome.changed.items()
    ]
    return Verdict(answer.name, "changes its arguments", texts, mistakes)


def dtypes(answer: Answer) -> list[str]:
    """A note where float64 went in and another precision came out."""
    right = right_outcomes(answer.name)
    for i, outcome in zip(answer.cases, answer.outcomes, strict=True):
        for part, name in enumerate(EXERCISES[answer.name].returns):
            got, wanted = value(outcome, part), value(right[i], part)
            if got is None or wanted is None or not wanted.ndim or got.dtype.kind + wanted.dtype.kind != "ff":
                continue
            if got.dtype != wanted.dtype:
                return [f"{name} is {got.dtype} where {wanted.dtype} went in; numcam keeps the dtype"]
    return []
