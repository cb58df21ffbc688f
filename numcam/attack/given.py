"""What every attack is given: pictures as pixels, the classes to leave or to reach, and the loss's gradient there."""

from collections.abc import Iterable

import numpy as np

from numcam.errors import InputError
from numcam.explain.target import predicted
from numcam.models.classifier import Classifier
from numcam.models.preprocessing import check_scale
from numcam.nn.softmax import softmax
from numcam.nn.types import Array

HALF = 0.5
"""Of a grey level: less is lost in a picture file."""

Label = int | str | Iterable[int | str] | None


def checked(classifier: Classifier, pixels: Array, epsilon: float, attack: str) -> Array:
    """The pixels as floats; InputError where they are none, where epsilon is none, or where there is no answer."""
    if not classifier.classes:
        raise InputError(f"{classifier.name} has no head, so there is no answer to change; load weights with it")
    pixels = np.asarray(pixels)
    expected = (3, *classifier.input_size)
    if pixels.ndim != 4 or pixels.shape[1:] != expected or pixels.dtype.kind not in "uif":
        raise InputError(
            f"{attack} takes pixels (n, {', '.join(map(str, expected))}); got {pixels.dtype} {pixels.shape}. "
            "Classifier.to_pixels makes them from a picture."
        )
    if pixels.dtype.kind != "f":
        pixels = pixels.astype(np.float32)
    if not (pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= 255):
        raise InputError(f"pixels lie in 0-255; these run from {pixels.min()} to {pixels.max()}")
    check_scale(pixels)
    if not (np.isfinite(epsilon) and 0 <= epsilon <= 255):
        raise InputError(f"epsilon is a number of grey levels from 0 to 255; got {epsilon}")
    of_255 = round(255 * epsilon)
    if 0 < epsilon < HALF and of_255 and abs(epsilon - of_255 / 255) < 1e-8 and epsilon != round(epsilon, 2):
        raise InputError(
            f"epsilon is a number of grey levels from 0 to 255; got {epsilon:.5g}, which is {of_255}/255: give {of_255}"
        )
    return pixels


def labels_of(classifier: Classifier, n: int, label: Label, targeted: bool) -> Array | None:
    """One class index for each of n pictures; None for the predicted ones, which a targeted attack does not allow."""
    if label is None:
        if targeted:
            raise InputError("a targeted attack needs the class to reach; give label")
        return None
    if isinstance(label, str | int) or np.ndim(np.asarray(label, object)) == 0:
        return np.full(n, classifier.index(label))
    indices = np.array([classifier.index(one) for one in label])
    if len(indices) != n:
        raise InputError(f"{n} pictures need one label or {n}; got {len(indices)}")
    return indices


def loss_gradient(
    classifier: Classifier, pixels: Array, labels: Array | None = None, engine: str | None = None
) -> tuple[Array, Array]:
    """The logits, and where to move the pixels so that the loss of `labels` grows, (n, 3, rows, cols).

    That is the cross-entropy's gradient, but for a positive factor for each picture (`loss_direction`). labels: None
    for the predicted classes; engine as in `Classifier.forward`.
    """
    trace = classifier.forward(classifier.preprocessing.forward(pixels), engine)
    labels = predicted(trace) if labels is None else labels
    dx = trace.backward(loss_direction(trace.output, labels, trace.network.output))["input"]
    return trace.output, classifier.pixel_gradient(dx)


def loss_direction(logits: Array, labels: Array, output: str = "softmax") -> Array:
    """The gradient p - y of the cross-entropy, divided by the positive number 1 - p_label: (n, classes).

    The sign of the pixel gradient is the same, but it does not vanish when p_label rounds to 1: what remains is the
    softmax over the *other* classes, and -1 at the label. output "sigmoid": -1 at the label alone, for each class has
    its own probability and the others take no part in it.
    """
    rows = np.arange(len(logits))
    if output == "sigmoid":
        alone = np.zeros_like(logits)
        alone[rows, labels] = -1
        return alone
    others = logits.copy()
    others[rows, labels] = -np.inf
    direction = softmax(others)
    direction[rows, labels] = -1
    return direction


def answers(classifier: Classifier, pixels: Array, engine: str | None = None) -> Array:
    """The predicted class of each picture, (n,)."""
    return predicted(classifier.forward(classifier.preprocessing.forward(pixels), engine))


def rounded(pixels: Array) -> Array:
    """The pixels as a picture file holds them: whole grey levels from 0 to 255, in the same dtype.

    An attack that changes less than half a grey level is gone after this.
    """
    return np.clip(np.rint(pixels), 0, 255)
