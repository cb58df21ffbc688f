"""Page 10: Grad-CAM, equation 1."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.nn.types import Array


@exercise("10", "weights")
def grad_cam_weights(gradient: Array) -> Array:
    """Equation 1: how much each channel matters, the mean of its gradient over all places.

    gradient (n, k, rows, cols) -> (n, k).
    """
    return gradient.mean(axis=(2, 3))


@grad_cam_weights.inputs
def _() -> Iterator[Case]:
    yield Case("one picture, two channels of 2x2", (integers([[[1, 2], [3, -2]], [[0, -8], [0, 4]]]),))
    yield Case("two pictures, three channels of 4x5", (numbers(100, 2, 3, 4, 5),))


@grad_cam_weights.wrong(
    "ramprs/grad-cam, the paper's own code: a comment says average, the code sums; 196 times too large"
)
def sum_for_mean(gradient: Array) -> Array:
    """That is the sum over the places; equation 1 divides by their number, Z."""
    return gradient.sum(axis=(2, 3))


@grad_cam_weights.wrong()
def batch_mean(gradient: Array) -> Array:
    """The mean runs over the pictures of the batch too; every picture has weights of its own, (n, k)."""
    return gradient.mean(axis=(0, 2, 3))


@grad_cam_weights.wrong()
def channel_mean(gradient: Array) -> Array:
    """The mean runs over the channels and leaves the places; it is the other way round."""
    return gradient.mean(axis=1)


@grad_cam_weights.wrong()
def maximum_for_mean(gradient: Array) -> Array:
    """That is the largest gradient of each channel; equation 1 takes the mean."""
    return gradient.max(axis=(2, 3))


@grad_cam_weights.wrong()
def of_absolute(gradient: Array) -> Array:
    """The absolute values are averaged; a channel that argues against the class must keep its minus sign."""
    return np.abs(gradient).mean(axis=(2, 3))


@grad_cam_weights.wrong("tf-explain averages guided gradients by default: no weight is ever negative (#146)")
def of_positive(gradient: Array) -> Array:
    """Only positive gradients are averaged; the ReLU of equation 2 stands on the map, not on the gradients."""
    return np.maximum(gradient, 0).mean(axis=(2, 3))


@grad_cam_weights.wrong()
def clipped(gradient: Array) -> Array:
    """Negative weights are set to 0; a channel that argues against the class must count against it."""
    return np.maximum(gradient.mean(axis=(2, 3)), 0)


@grad_cam_weights.wrong()
def mean_of_positive(gradient: Array) -> Array:
    """The sum is divided by the number of positive gradients; Z is the number of all places."""
    positive = gradient > 0
    return (gradient * positive).sum(axis=(2, 3)) / np.maximum(positive.sum(axis=(2, 3)), 1)


@grad_cam_weights.wrong()
def axes_kept(gradient: Array) -> Array:
    """Right numbers with two axes of length 1 left, (n, k, 1, 1); asked for is (n, k)."""
    return gradient.mean(axis=(2, 3), keepdims=True)


@grad_cam_weights.wrong()
def rows_only(gradient: Array) -> Array:
    """Averaged over one axis only; rows *and* columns are places."""
    return gradient.mean(axis=2)


@grad_cam_weights.wrong()
def divided_by_all(gradient: Array) -> Array:
    """Divided by the number of all elements, batch and channels included; Z is rows * cols."""
    return gradient.sum(axis=(2, 3)) / gradient.size


@grad_cam_weights.wrong()
def centre_only(gradient: Array) -> Array:
    """That is the gradient at the centre alone."""
    return gradient[:, :, gradient.shape[2] // 2, gradient.shape[3] // 2]
