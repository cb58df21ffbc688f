"""Several arrays, returned in another order than was asked for."""

from collections.abc import Callable, Sequence
from itertools import permutations

from numcam.exercises.attempt import Outcome
from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.compare import right_outcomes, same, value, whole
from numcam.exercises.running import Answer
from numcam.nn.types import Array

Order = tuple[int, ...]
Fits = Callable[[Array, Array], bool]


def another_order(answer: Answer) -> tuple[str, Order]:
    """One sentence, and the places that it accounts for; ("", ()) where the order is right, or cannot be told."""
    exercise = EXERCISES[answer.name]
    if any(o.error for o in answer.outcomes) or whole(answer.name, answer.outcomes, answer.cases):
        return "", ()
    asked = f"return {', '.join(exercise.returns)}"
    if order := fitting(answer, lambda got, right: same(got, right, exercise.tolerance)):
        return f"right numbers in another order: {asked}", moved(order)
    if not (order := fitting(answer, lambda got, right: got.shape == right.shape)):
        return "", ()
    places = moved(order)
    if len(places) == 2:
        return f"{' and '.join(exercise.returns[p] for p in places)} are exchanged: {asked}", places
    return f"the shapes are right, but in another order: {asked}", places


def moved(order: Order) -> Order:
    return tuple(place for place, source in enumerate(order) if place != source)


def fitting(answer: Answer, fits: Fits) -> Order | None:
    """For each place, where its array stands in what was returned; None if each stands where it should, or nowhere."""
    count = range(len(EXERCISES[answer.name].returns))
    right = [right_outcomes(answer.name)[i] for i in answer.cases]
    table = [[goes(answer, right, source, place, fits) for source in count] for place in count]
    if all(table[place][place] for place in count):
        return None
    orders = (o for o in permutations(count) if all(table[place][source] for place, source in enumerate(o)))
    return min(orders, key=lambda order: len(moved(order)), default=None)


def goes(answer: Answer, right: Sequence[Outcome], source: int, place: int, fits: Fits) -> bool:
    """Does what was returned at `source` belong at `place`, in every case?"""
    pairs = [(value(o, source), value(r, place)) for o, r in zip(answer.outcomes, right, strict=True)]
    return all(got is not None and wanted is not None and fits(got, wanted) for got, wanted in pairs)
