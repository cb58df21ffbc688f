"""Softmax, cross-entropy and binary cross-entropy over classes: arrays (n, classes)."""

import numpy as np

from numcam.nn.activations import sigmoid, sigmoid_backward
from numcam.nn.types import Array, Parameterless


def softmax(x: Array) -> Array:
    """exp(x) / sum(exp(x)) along each row, shifted by the row's maximum so that nothing overflows."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_backward(dout: Array, out: Array) -> Array:
    """dx from dout and the softmax's *output*: p_j (dout_j - sum_i dout_i p_i)."""
    return out * (dout - (dout * out).sum(axis=1, keepdims=True))


OUTPUTS = ("softmax", "sigmoid")


def probabilities(logits: Array, output: str) -> Array:
    """What the logits (n, classes) say: their softmax, one answer among all classes, or each class's own sigmoid."""
    return softmax(logits) if output == "softmax" else sigmoid(logits)


def probabilities_backward(dout: Array, out: Array, output: str) -> Array:
    """d(score)/d(logits) from d(score)/d(probabilities) and the probabilities."""
    return softmax_backward(dout, out) if output == "softmax" else sigmoid_backward(dout, out)


def log_softmax(x: Array) -> Array:
    """log(softmax(x)), exact also where the probability itself would round to 0."""
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def cross_entropy(logits: Array, target: Array) -> Array:
    """-sum target * log_softmax(logits), one loss per row; target: (n,) class indices or (n, classes) probabilities."""
    return -(as_probabilities(target, logits) * log_softmax(logits)).sum(axis=1)


def cross_entropy_backward(logits: Array, target: Array) -> Array:
    """d(loss)/d(logits) = p - target, (n, classes), for rows of `target` that sum to 1."""
    return softmax(logits) - as_probabilities(target, logits)


def binary_cross_entropy(logits: Array, present: Array) -> Array:
    """Every class on its own, is it in the picture? sum log(1 + exp(x)) - present * x, one loss per row.

    present: (n, classes), 0 or 1, any number of ones in a row.
    """
    return (np.logaddexp(0, logits) - present * logits).sum(axis=1)


def binary_cross_entropy_backward(logits: Array, present: Array) -> Array:
    """d(loss)/d(logits) = sigmoid(logits) - present, (n, classes)."""
    return sigmoid(logits) - present


def as_probabilities(target: Array, logits: Array) -> Array:
    """Class indices (n,) as one-hot rows (n, classes); rows of probabilities are returned as they are."""
    target = np.asarray(target)
    n, classes = logits.shape
    if target.shape == logits.shape:
        return target
    if target.shape != (n,) or target.dtype.kind not in "iu" or not ((target >= 0) & (target < classes)).all():
        raise ValueError(
            f"target must be {n} class indices in 0..{classes - 1}, or probabilities {logits.shape}; "
            f"got {target.dtype} {target.shape}"
        )
    return np.eye(classes, dtype=logits.dtype)[target]


class Softmax(Parameterless):
    """Softmax as a layer, for networks that end in probabilities; numcam's own end in logits."""

    def forward(self, x: Array) -> Array:
        return softmax(x)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return softmax_backward(dout, out)
