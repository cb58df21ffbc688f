"""Page 12: how far must a picture be pushed?"""

from collections.abc import Iterator, Sequence

import numpy as np

from numcam.attack import fgsm as attack
from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import small_classifier, small_pixels
from numcam.exercises.pages.fooling import classify, clip
from numcam.models.classifier import Classifier
from numcam.nn.softmax import softmax
from numcam.nn.types import Array


@exercise("12", "smallest")
def smallest_epsilon(classifier: Classifier, pixels: Array, epsilons: Sequence[float]) -> float:
    """The first of `epsilons` for which FGSM changes the network's answer.

    pixels (1, 3, rows, cols); epsilons in rising order, in grey levels. The attack leaves the class that is predicted
    for the clean pixels. Returns a number, float("inf") where none of them does it.
    """
    label = classify(classifier, pixels).output.argmax(axis=1)
    for epsilon in epsilons:
        moved = attack(classifier, pixels, label, epsilon)
        if classify(classifier, moved).output.argmax() != label[0]:
            return float(epsilon)
    return float("inf")


@smallest_epsilon.inputs
def _() -> Iterator[Case]:
    for seed in (3, 4, 5, 6, 7):
        pixels = small_pixels(1, seed)
        yield Case(f"picture {seed}", (small_classifier(), pixels, (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)))
    yield Case("epsilons too small to change anything", (small_classifier(), small_pixels(1, 3), (1e-6, 1e-5)))


def flips(classifier: Classifier, pixels: Array, epsilons: Sequence[float]) -> list[bool]:
    """For each epsilon: is the answer another?"""
    label = classify(classifier, pixels).output.argmax(axis=1)
    moved = [attack(classifier, pixels, label, e) for e in epsilons]
    return [bool(classify(classifier, m).output.argmax() != label[0]) for m in moved]


@smallest_epsilon.wrong()
def index_for_epsilon(classifier: Classifier, pixels: Array, epsilons: Sequence[float]) -> float:
    """That is the place in the list; asked for is the epsilon that stands there."""
    found = flips(classifier, pixels, epsilons)
    return float(found.index(True)) if any(found) else float("inf")


@smallest_epsilon.wrong()
def last_harmless(classifier: Classifier, pixels: Array, epsilons: Sequence[float]) -> float:
    """That is the largest epsilon that does *not* change the answer; the next one does."""
    found = flips(classifier, pixels, epsilons)
    at = found.index(True) if any(found) else len(found)
    return float(epsilons[at - 1]) if at else float("inf")


@smallest_epsilon.wrong()
def largest(classifier: Classifier, pixels: Array, epsilons: Sequence[float]) -> float:
    """That is the last epsilon that changes the answer, the loop went on; stop at the first."""
    found = flips(classifier, pixels, epsilons)
    return float(max([e for e, f in zip(epsilons, found, strict=True) if f], default=float("inf")))


@smallest_epsilon.wrong()
def last_instead_of_infinity(classifier: Classifier, pixels: Array, epsilons: Sequence[float]) -> float:
    """Where no epsilon changes the answer, the last one is returned all the same; return float("inf")."""
    found = smallest_epsilon.right(classifier, pixels, epsilons)
    return float(epsilons[-1]) if found == float("inf") else found


@smallest_epsilon.wrong()
def noise_for_gradient(classifier: Classifier, pixels: Array, epsilons: Sequence[float]) -> float:
    """The pixels were moved at random: noise of that size hardly ever changes the answer, the gradient's sign does."""
    label = classify(classifier, pixels).output.argmax(axis=1)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], pixels.shape)
    for epsilon in epsilons:
        if classify(classifier, clip(pixels + epsilon * signs)).output.argmax() != label[0]:
            return float(epsilon)
    return float("inf")


@smallest_epsilon.wrong()
def towards_the_label(classifier: Classifier, pixels: Array, epsilons: Sequence[float]) -> float:
    """No step changes the answer: either it goes towards the predicted class (targeted=True) and makes it surer, or it
    is the clean picture that is asked again.
    """
    label = classify(classifier, pixels).output.argmax(axis=1)
    for epsilon in epsilons:
        moved = attack(classifier, pixels, label, epsilon, targeted=True)
        if classify(classifier, moved).output.argmax() != label[0]:
            return float(epsilon)
    return float("inf")


@smallest_epsilon.wrong()
def below_half(classifier: Classifier, pixels: Array, epsilons: Sequence[float]) -> float:
    """That is where the probability falls below one half; the answer changes where another class is higher."""
    label = classify(classifier, pixels).output.argmax(axis=1)
    for epsilon in epsilons:
        moved = attack(classifier, pixels, label, epsilon)
        if softmax(classify(classifier, moved).output)[0, label[0]] < 0.5:
            return float(epsilon)
    return float("inf")


@smallest_epsilon.wrong()
def steps_added_up(classifier: Classifier, pixels: Array, epsilons: Sequence[float]) -> float:
    """Each step starts from the pixels that the one before it left; start from the clean picture every time."""
    label, moved = classify(classifier, pixels).output.argmax(axis=1), pixels
    for epsilon in epsilons:
        moved = attack(classifier, moved, label, epsilon)
        if classify(classifier, moved).output.argmax() != label[0]:
            return float(epsilon)
    return float("inf")
