"""The fast gradient sign method: one step for every pixel in the direction that hurts most."""

import numpy as np

from numcam.attack.given import Label, checked, labels_of, loss_direction, loss_gradient
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

__all__ = ["Label", "fgsm", "loss_direction"]


def fgsm(
    classifier: Classifier, pixels: Array, label: Label = None, epsilon: float = 2.0, targeted: bool = False
) -> Array:
    """Adversarial pixels: every value moved by epsilon, up or down, then clipped to [0, 255].

    pixels: (n, 3, rows, cols), RGB, 0-255, at the classifier's input size (`Classifier.to_pixels`); float in, the
    same dtype out; integers give float32. label: the class to leave (None = the predicted one), or with targeted=True
    the class to reach; a name, an index, or one index per picture. epsilon is on the 0-255 scale too.
    InputError for anything else. Goodfellow et al. 2015, equation 2 of section 4.
    """
    pixels = checked(classifier, pixels, epsilon, "fgsm")
    _, gradient = loss_gradient(classifier, pixels, labels_of(classifier, len(pixels), label, targeted))
    step = np.sign(gradient) * pixels.dtype.type(epsilon)
    return np.clip(pixels - step if targeted else pixels + step, 0, 255)
