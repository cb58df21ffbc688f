"""How little is enough: the smallest epsilon at which an attack changes the answer."""

from collections.abc import Callable

import numpy as np

from numcam.attack.given import Label, answers, checked, labels_of, rounded
from numcam.errors import InputError
from numcam.models.classifier import Classifier
from numcam.nn.types import Array


def smallest_epsilon(
    classifier: Classifier,
    pixels: Array,
    attack: Callable[..., Array],
    label: Label = None,
    targeted: bool = False,
    highest: float = 64.0,
    within: float = 0.1,
    whole: bool = False,
    **options: object,
) -> Array:
    """The smallest epsilon that succeeds, one per picture, in grey levels; infinite where none up to `highest` does.

    Doubling from `within`, then halving the last gap until it is at most `within`: the attack succeeds at the epsilon
    returned, and failed at one not more than `within` below. (An attack may fail again between; nobody promises that
    more is worse.) whole: it must succeed after rounding to whole grey levels. options go to the attack.
    """
    pixels = checked(classifier, pixels, highest, "smallest_epsilon")
    if not 0 < within <= highest:
        raise InputError(f"within is a number of grey levels above 0, at most highest; got {within}")
    given = labels_of(classifier, len(pixels), label, targeted)
    labels = answers(classifier, pixels) if given is None else given
    found = []
    for one, index in zip(pixels, labels, strict=True):

        def succeeds(epsilon: float, one: Array = one, index: int = int(index)) -> bool:
            moved = attack(classifier, one[None], [index], epsilon=epsilon, targeted=targeted, **options)
            answer = answers(classifier, rounded(moved) if whole else moved)[0]
            return bool((answer == index) == targeted)

        found.append(_bracketed(succeeds, highest, within))
    return np.array(found)


def _bracketed(succeeds: Callable[[float], bool], highest: float, within: float) -> float:
    if succeeds(0.0):
        return 0.0
    low, high = 0.0, within
    while not succeeds(high):
        if high >= highest:
            return float("inf")
        low, high = high, min(2 * high, highest)
    while high - low > within:
        middle = (low + high) / 2
        low, high = (low, middle) if succeeds(middle) else (middle, high)
    return high
