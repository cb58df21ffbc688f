"""Until the network is sure: a targeted attack that stops when the class has the confidence asked for."""

from dataclasses import dataclass

import numpy as np

from numcam.attack.given import rounded
from numcam.attack.iterated import Walk
from numcam.errors import InputError
from numcam.models.classifier import Classifier
from numcam.nn.types import Array


@dataclass(frozen=True)
class Reached:
    """The pixels (1, 3, rows, cols), whole grey levels; the class's probability there; the steps taken."""

    pixels: Array
    probability: float
    steps: int


def reach(classifier: Classifier, walk: Walk, label: int, confidence: float) -> Reached:
    """Walk until class `label` has at least this probability in the picture rounded to whole grey levels.

    One picture. Where the walk ends before, the best of its steps is returned. Selvaraju et al. 2017, figure 7, took
    0.9999. InputError for a confidence that no probability reaches.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence is a probability between 0 and 1, such as 0.9999; got {confidence}")
    best = Reached(rounded(walk.pixels), _probability(classifier, rounded(walk.pixels), label, walk.engine), 0)
    for count, moved in enumerate(walk.run(walk.pixels, [label]), 1):
        if best.probability >= confidence:
            break
        whole = rounded(moved)
        here = Reached(whole, _probability(classifier, whole, label, walk.engine), count)
        best = max(best, here, key=lambda one: one.probability)
    return best


def _probability(classifier: Classifier, pixels: Array, label: int, engine: str | None) -> float:
    trace = classifier.forward(classifier.preprocessing.forward(pixels), engine)
    return float(np.float64(classifier.probabilities(trace)[0, label]))
