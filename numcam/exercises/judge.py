"""From what a function did to a verdict: it passes, or the first number that differs and which mistake it is."""

from dataclasses import dataclass, field
from typing import Any

from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.compare import (
    named,
    part_same,
    right_outcomes,
    same,
    value,
    wrong_parts,
)
from numcam.exercises.diagnose import diagnosis
from numcam.exercises.exercise import Mistake
from numcam.exercises.likeness import likeness
from numcam.exercises.order import another_order
from numcam.exercises.running import Answer
from numcam.exercises.stubs import parameters
from numcam.exercises.words import first_difference

PASSES = "passes"

WINDOWS = ("05", "06")
"""The pages whose functions slide a window."""

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
    order, places = another_order(answer)
    found = named(answer.name, answer.outcomes, answer.cases)
    mistakes = {part: mistake for part, mistake in found.items() if part not in places}
    verdict = Verdict(answer.name, "differs", mistakes=list(dict.fromkeys(mistakes.values())))
    raised = [(i, o.error) for i, o in zip(answer.cases, answer.outcomes, strict=True) if o.error]
    if raised:
        verdict.status = "raises"
        verdict.message.append(f"with {exercise.cases[raised[0][0]].about}: {raised[0][1]}")
        if "TypeError" in raised[0][1] and "argument" in raised[0][1]:
            verdict.message.append(f"it is called as {exercise.name}{parameters(exercise)}")
    verdict.message += [order] if order else []
    for part in [p for p in parts if p not in places]:
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
    text = "" if known else likeness(answer, part) or diagnosis(pairs, windows=exercise.page in WINDOWS)
    return first_difference(answer, part) + ([f"{name}: {text}"] if text else [])


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
