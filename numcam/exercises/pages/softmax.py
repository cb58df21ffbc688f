"""Page 07: from logits to probabilities."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.nn.softmax import log_softmax
from numcam.nn.softmax import softmax as probabilities
from numcam.nn.types import Array


def quiet(*arrays: Array) -> np.errstate:
    """Wrong versions may overflow; that is what is wrong with them."""
    return np.errstate(all="ignore")


@exercise("07", "p")
def softmax(logits: Array) -> Array:
    """Probabilities: exp(logits) divided by its sum, along each row; logits of 1000 must not overflow.

    logits (n, classes) -> (n, classes), rows that sum to 1.
    """
    return probabilities(logits)


@softmax.inputs
def _() -> Iterator[Case]:
    yield Case("one picture, three classes", (integers([0, 1, 2]),))
    yield Case("three pictures, four classes", (numbers(70, 3, 4),))
    yield Case("as many pictures as classes", (numbers(71, 3, 3),))
    yield Case("logits of 1000", (integers([1000, 999, 0], [1, 2, 3]),))


@softmax.wrong()
def overflowing(logits: Array) -> Array:
    """exp(1000) overflows to infinity, and infinity / infinity is NaN: subtract each row's maximum first."""
    with quiet():
        e = np.exp(logits)
        return e / e.sum(axis=1, keepdims=True)


@softmax.wrong()
def common_maximum(logits: Array) -> Array:
    """The maximum of the whole batch is subtracted: a row far below it underflows to 0 / 0. Each row has its own
    maximum.
    """
    with quiet():
        e = np.exp(logits - logits.max())
        return e / e.sum(axis=1, keepdims=True)


@softmax.wrong()
def over_pictures(logits: Array) -> Array:
    """The sum runs over the pictures (axis 0); the probabilities of one picture's classes sum to 1 (axis 1)."""
    return probabilities(logits.T).T


@softmax.wrong()
def over_everything(logits: Array) -> Array:
    """The sum runs over the whole batch; every picture's row sums to 1 by itself."""
    e = np.exp(logits - logits.max())
    return e / e.sum()


@softmax.wrong()
def sigmoid(logits: Array) -> Array:
    """That is the sigmoid, which judges each class on its own; a softmax's row sums to 1."""
    return 0.5 * (1 + np.tanh(0.5 * logits))


@softmax.wrong()
def logarithm(logits: Array) -> Array:
    """That is the logarithm of the softmax."""
    return log_softmax(logits)


@softmax.wrong()
def keepdims_forgotten(logits: Array) -> Array:
    """The row sums lost their axis and are spread over the columns; keepdims=True keeps them a column."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1)


@softmax.wrong()
def not_normalised(logits: Array) -> Array:
    """The division by the row's sum is missing."""
    return np.exp(logits - logits.max(axis=1, keepdims=True))


@softmax.wrong()
def logits_overwritten(logits: Array) -> Array:
    """The numbers are right, but logits is changed in place (`-=`), and the caller still needs it."""
    logits -= logits.max(axis=1, keepdims=True)
    return probabilities(logits)
