"""Page 07: logit, probability, loss, and their gradients."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.exercises.pages.softmax import sigmoid
from numcam.nn.softmax import cross_entropy_backward, softmax_backward
from numcam.nn.softmax import softmax as probabilities
from numcam.nn.types import Array


def one_hot(target: Array, logits: Array) -> Array:
    """Row i is 1 at class target[i], else 0: (n, classes)."""
    return np.eye(logits.shape[1])[target]


def batches() -> Iterator[Case]:
    """Logits and a target class for each picture."""
    yield Case("one picture, three classes, all alike", (integers([0, 0, 0]), np.array([1])))
    yield Case("one picture, three classes", (integers([0, 1, 2]), np.array([2])))
    yield Case("three pictures, four classes", (numbers(72, 3, 4), np.array([1, 3, 0])))
    yield Case("as many pictures as classes", (numbers(73, 4, 4), np.array([2, 0, 3, 3])))


@exercise("07", "dlogits")
def softmax_cross_entropy_backward(logits: Array, target: Array) -> Array:
    """The gradient of the loss -log p[target] with respect to the logits: p - onehot.

    logits (n, classes), target (n,) whole numbers. Returns (n, classes): the losses of the pictures are summed, so
    nothing is divided by n.
    """
    return cross_entropy_backward(logits, target)


softmax_cross_entropy_backward.inputs(batches)


@softmax_cross_entropy_backward.wrong()
def divided_by_n(logits: Array, target: Array) -> Array:
    """Divided by n: that is the gradient of the *mean* loss, PyTorch's default; here the losses are summed."""
    return cross_entropy_backward(logits, target) / len(logits)


@softmax_cross_entropy_backward.wrong()
def sign_reversed(logits: Array, target: Array) -> Array:
    """onehot - p is the way *down* the loss, what a training step adds; the gradient is p - onehot."""
    return -cross_entropy_backward(logits, target)


@softmax_cross_entropy_backward.wrong()
def one_hot_forgotten(logits: Array, target: Array) -> Array:
    """That is p; at the target class 1 must be subtracted."""
    return probabilities(logits)


@softmax_cross_entropy_backward.wrong()
def one_subtracted_everywhere(logits: Array, target: Array) -> Array:
    """1 is subtracted at every class, as in `p[:, target] -= 1` for a batch; only p[i, target[i]] loses it."""
    p = probabilities(logits)
    p[:, target] -= 1
    return p


@softmax_cross_entropy_backward.wrong()
def target_entry_only(logits: Array, target: Array) -> Array:
    """Only the target's entry is there; raising any other logit lowers p[target] too, so those entries hold p."""
    return cross_entropy_backward(logits, target) * one_hot(target, logits)


@softmax_cross_entropy_backward.wrong()
def logits_for_probabilities(logits: Array, target: Array) -> Array:
    """1 is subtracted from the logits; take their softmax first."""
    return logits - one_hot(target, logits)


@softmax_cross_entropy_backward.wrong()
def softmax_twice(logits: Array, target: Array) -> Array:
    """p - onehot is sent back through the softmax once more; it is the gradient at the logits already."""
    return softmax_backward(cross_entropy_backward(logits, target), probabilities(logits))


@softmax_cross_entropy_backward.wrong()
def gradient_at_p(logits: Array, target: Array) -> Array:
    """-1 / p[target] is the gradient of the loss at the *probabilities*; it must still go back through the softmax."""
    return -one_hot(target, logits) / probabilities(logits)


@softmax_cross_entropy_backward.wrong()
def divided_by_everything(logits: Array, target: Array) -> Array:
    """Divided by the number of all entries, n * classes, as `.mean()` of the whole array does."""
    return cross_entropy_backward(logits, target) / logits.size


@softmax_cross_entropy_backward.wrong()
def summed_over_batch(logits: Array, target: Array) -> Array:
    """The rows are added up; every picture keeps its own gradient, (n, classes)."""
    return cross_entropy_backward(logits, target).sum(axis=0)


@softmax_cross_entropy_backward.wrong()
def logits_written_into(logits: Array, target: Array) -> Array:
    """The numbers are right, but they are written into logits, which the caller still needs."""
    logits[...] = cross_entropy_backward(logits, target)
    return logits


@softmax_cross_entropy_backward.wrong()
def probability_itself(logits: Array, target: Array) -> Array:
    """That is the gradient of the probability p[target], not of the loss -log p[target]."""
    return probability_backward.right(logits, target)


@softmax_cross_entropy_backward.wrong()
def sigmoid_for_softmax(logits: Array, target: Array) -> Array:
    """The sigmoid of each logit takes the place of the softmax: that is the gradient of *binary* cross-entropy."""
    return sigmoid(logits) - one_hot(target, logits)


@exercise("07", "dlogits")
def probability_backward(logits: Array, target: Array) -> Array:
    """The gradient of the probability p[target] itself with respect to the logits: p[target] * (onehot - p).

    logits (n, classes), target (n,) whole numbers. Returns (n, classes). It is nearly 0 where p[target] is nearly 1,
    which is why a probability explains nothing there.
    """
    return softmax_backward(one_hot(target, logits), probabilities(logits))


@probability_backward.inputs
def _() -> Iterator[Case]:
    yield from batches()
    yield Case("a probability near 1", (integers([5, 1, 0], [0, 1, 4]), np.array([0, 1])))


@probability_backward.wrong()
def loss_gradient(logits: Array, target: Array) -> Array:
    """p - onehot is the gradient of the loss -log p[target], not of p[target]."""
    return cross_entropy_backward(logits, target)


@probability_backward.wrong()
def log_probability(logits: Array, target: Array) -> Array:
    """onehot - p is the gradient of log p[target]; the factor p[target] is missing."""
    return -cross_entropy_backward(logits, target)


@probability_backward.wrong()
def target_only(logits: Array, target: Array) -> Array:
    """p (1 - p) at the target is right, but the others are not 0: raising another logit takes probability away."""
    return probability_backward.right(logits, target) * one_hot(target, logits)


@probability_backward.wrong()
def each_by_itself(logits: Array, target: Array) -> Array:
    """p_j (1 - p_j) for every class is the derivative of each by its own logit; asked for is that of p[target]
    alone.
    """
    p = probabilities(logits)
    return p * (1 - p)


@probability_backward.wrong()
def own_term_missing(logits: Array, target: Array) -> Array:
    """-p[target] p_j for every class: the target's own logit also stands in the numerator, which adds p[target]."""
    p = probabilities(logits)
    return -p[np.arange(len(p)), target][:, None] * p


@probability_backward.wrong()
def sign_turned(logits: Array, target: Array) -> Array:
    """The sign is reversed: raising the target's logit raises its probability."""
    return -probability_backward.right(logits, target)


@probability_backward.wrong()
def logit_gradient(logits: Array, target: Array) -> Array:
    """That is the gradient of the logit itself: 1 at the target, 0 elsewhere."""
    return one_hot(target, logits)


@probability_backward.wrong()
def wrong_factor(logits: Array, target: Array) -> Array:
    """Each entry is multiplied by its own p_j; the common factor is p[target]."""
    return probabilities(logits) * (one_hot(target, logits) - probabilities(logits))
