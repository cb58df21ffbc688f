"""The fast gradient sign method: one step for every pixel in the direction that hurts most."""

from collections.abc import Iterable

import numpy as np

from numcam.errors import InputError
from numcam.explain.target import predicted
from numcam.models.classifier import Classifier
from numcam.nn.softmax import softmax
from numcam.nn.types import Array

Label = int | str | Iterable[int] | None


def fgsm(
    classifier: Classifier, pixels: Array, label: Label = None, epsilon: float = 2.0, targeted: bool = False
) -> Array:
    """Adversarial pixels: every value moved by epsilon, up or down, then clipped to [0, 255].

    pixels: (n, 3, rows, cols), RGB, 0-255, at the classifier's input size (`Classifier.to_pixels`); float in, the
    same dtype out; integers give float32. label: the class to leave (None = the predicted one), or with targeted=True
    the class to reach; a name, an index, or one index per picture. epsilon is on the 0-255 scale too.
    InputError for anything else. Goodfellow et al. 2015, equation 2 of section 4.
    """
    if not classifier.classes:
        raise InputError(f"{classifier.name} has no head, so there is no answer to change; load weights with it")
    pixels = _checked(classifier, pixels)
    if not (np.isfinite(epsilon) and 0 <= epsilon <= 255):
        raise InputError(f"epsilon is a number of grey levels from 0 to 255; got {epsilon}")
    if targeted and label is None:
        raise InputError("a targeted attack needs the class to reach; give label")
    trace = classifier.forward(classifier.preprocessing.forward(pixels))
    labels = predicted(trace) if label is None else _indices(classifier, label, len(pixels))
    dx = trace.backward(loss_direction(trace.output, labels))["input"]
    step = np.sign(classifier.pixel_gradient(dx)) * pixels.dtype.type(epsilon)
    return np.clip(pixels - step if targeted else pixels + step, 0, 255)


def loss_direction(logits: Array, labels: Array) -> Array:
    """The gradient p - y of the cross-entropy, divided by the positive number 1 - p_label: (n, classes).

    The sign of the pixel gradient is the same, but it does not vanish when p_label rounds to 1: what remains is the
    softmax over the *other* classes, and -1 at the label.
    """
    rows = np.arange(len(logits))
    others = logits.copy()
    others[rows, labels] = -np.inf
    direction = softmax(others)
    direction[rows, labels] = -1
    return direction


def _checked(classifier: Classifier, pixels: Array) -> Array:
    pixels = np.asarray(pixels)
    expected = (3, *classifier.input_size)
    if pixels.ndim != 4 or pixels.shape[1:] != expected or pixels.dtype.kind not in "uif":
        raise InputError(
            f"fgsm takes pixels (n, {', '.join(map(str, expected))}); got {pixels.dtype} {pixels.shape}. "
            "Classifier.to_pixels makes them from a picture."
        )
    if pixels.dtype.kind != "f":
        pixels = pixels.astype(np.float32)
    if not (pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= 255):
        raise InputError(f"pixels lie in 0-255; these run from {pixels.min()} to {pixels.max()}")
    return pixels


def _indices(classifier: Classifier, label: int | str | Iterable[int], n: int) -> Array:
    if isinstance(label, int | np.integer | str):
        return np.full(n, classifier.index(label if isinstance(label, str) else int(label)))
    indices = np.array([classifier.index(int(one)) for one in label])
    if len(indices) != n:
        raise InputError(f"{n} pictures need one label or {n}; got {len(indices)}")
    return indices
