"""Under attack: does the right class's map stay on its object, and does the wrong class's point at anything?"""

from collections.abc import Iterator

import numpy as np

from numcam.attack import Reached, Walk, bim, loss_gradient, reach, rounded
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

STRENGTHS = ("none", "noise 2", "noise 8", "fgsm 1", "fgsm 2", "fgsm 4", "fgsm 8", "fgsm 16", "bim 2", "bim 4")
"""The kind of change and its epsilon in grey levels. noise: every value up or down by epsilon, at random."""


def changed(classifier: Classifier, pixels: Array, seed: int) -> Iterator[tuple[str, Array]]:
    """The pictures under each of STRENGTHS, rounded to whole grey levels, (n, 3, rows, cols)."""
    _, gradient = loss_gradient(classifier, pixels, engine="fast")
    sign = np.sign(gradient)
    coin = np.random.default_rng(seed).choice(np.array([-1, 1], pixels.dtype), pixels.shape)
    for strength in STRENGTHS:
        kind, _, epsilon = strength.partition(" ")
        if kind == "bim":
            yield strength, rounded(bim(classifier, pixels, epsilon=float(epsilon), engine="fast"))
        else:
            step = {"none": 0 * sign, "noise": coin, "fgsm": sign}[kind]
            yield strength, rounded(pixels + step * pixels.dtype.type(epsilon or 0))


SURE = 0.9999
"""The confidence of the Grad-CAM paper's figure 7."""


def taken_for(classifier: Classifier, pixels: Array, label: int) -> Reached:
    """One picture attacked until it is taken for class `label` with that confidence: steps of 1, epsilon 8."""
    walk = Walk(classifier, pixels, 8.0, "linf", 1.0, 50, targeted=True, engine="fast")
    return reach(classifier, walk, label, SURE)
