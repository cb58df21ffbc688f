"""Pages 03 and 04: the linear layer and the gate."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.nn.linear import linear_backward as linear_gradients
from numcam.nn.types import Array

Three = tuple[Array, Array, Array]


@exercise("03", "dx", "dw", "db")
def linear_backward(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """The three gradients of out = x @ w.T + b, given dout, the gradient of out.

    x (n, inputs), w (outputs, inputs), b (outputs,), dout (n, outputs).
    Returns (dx, dw, db), shaped like x, w and b; dw and db are summed over the n pictures.
    """
    return linear_gradients(dout, x, w, b)


@linear_backward.inputs
def _() -> Iterator[Case]:
    yield Case("one picture", (integers([1, 2]), integers([1, 2, 3]), integers([1, 0, 2], [3, 1, 1]), np.zeros(2)))
    yield Case(
        "two pictures",
        (integers([1, 2], [3, -1]), integers([1, 2, 3], [0, 1, 2]), integers([1, 0, 2], [3, 1, 1]), np.array([1.0, 2])),
    )
    yield Case("inputs = outputs = pictures", (numbers(0, 3, 3), numbers(1, 3, 3), numbers(2, 3, 3), numbers(3, 3)))
    yield Case("4 pictures, 5 inputs, 3 outputs", (numbers(4, 4, 3), numbers(5, 4, 5), numbers(6, 3, 5), numbers(7, 3)))


@linear_backward.wrong()
def dx_transposed(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """dx is dout @ w.T; w is (outputs, inputs), so the product that gives (n, inputs) is dout @ w."""
    return dout @ w.T, dout.T @ x, dout.sum(axis=0)


@linear_backward.wrong()
def dw_transposed(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """dw is x.T @ dout, which is (inputs, outputs); a gradient has the shape of its array: dout.T @ x."""
    return dout @ w, x.T @ dout, dout.sum(axis=0)


@linear_backward.wrong()
def dw_reshaped(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """dw has the right shape by a reshape, but the numbers in the wrong places; what is needed is a transpose."""
    return dout @ w, (x.T @ dout).reshape(w.shape), dout.sum(axis=0)


@linear_backward.wrong()
def dw_untransposed(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """dw is dout @ x, which fits only where n equals the outputs; the n pictures must be summed over: dout.T @ x."""
    return dout @ w, dout @ x, dout.sum(axis=0)


@linear_backward.wrong(page="07")
def parameters_batch_mean(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """dw and db are divided by n: a mean over the batch where the gradient is a sum (a mean loss puts 1/n into
    dout).
    """
    return dout @ w, dout.T @ x / len(x), dout.mean(axis=0)


@linear_backward.wrong()
def dw_batch_mean(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """dw is the mean over the pictures of the batch; the paths through all of them add up, so it is their sum."""
    return dout @ w, dout.T @ x / len(x), dout.sum(axis=0)


@linear_backward.wrong()
def db_batch_mean(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """db is the mean over the pictures of the batch; b is used by every one of them, so it is their sum."""
    return dout @ w, dout.T @ x, dout.mean(axis=0)


@linear_backward.wrong(page="07")
def everything_batch_mean(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """All three are divided by n: if the loss is a mean, that 1/n is in dout already."""
    n = len(x)
    return dout @ w / n, dout.T @ x / n, dout.sum(axis=0) / n


@linear_backward.wrong()
def db_not_summed(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """db is dout itself, a row for every picture; b has no such axis, so the rows are summed."""
    return dout @ w, dout.T @ x, dout.copy()


@linear_backward.wrong()
def db_wrong_axis(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """db is summed over the outputs (axis 1) and left with one number a picture; sum over the pictures (axis 0)."""
    return dout @ w, dout.T @ x, dout.sum(axis=1)


@linear_backward.wrong()
def db_kept_axis(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """db kept its summed axis and is (1, outputs); b is (outputs,), so leave keepdims out."""
    return dout @ w, dout.T @ x, dout.sum(axis=0, keepdims=True)


@linear_backward.wrong()
def first_picture_only(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """dw and db come from the first picture alone; the others of the batch use the same w and b."""
    return dout @ w, np.outer(dout[0], x[0]), dout[0].copy()


@linear_backward.wrong()
def other_order(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """The gradients are right and returned in another order; asked for is (dx, dw, db)."""
    return dout.T @ x, dout @ w, dout.sum(axis=0)


@linear_backward.wrong()
def x_and_w_swapped(dout: Array, x: Array, w: Array, b: Array) -> Three:
    """dx and dw use the wrong partner: in a product each factor's gradient holds the *other* factor."""
    return dout @ x, dout.T @ w, dout.sum(axis=0)


@exercise("04", "dx")
def relu_backward(dout: Array, x: Array) -> Array:
    """The gradient behind a ReLU: it passes where the input was positive, and is 0 elsewhere, also where x is 0.

    dout and x have one shape, any; returns dx of that shape. dout and x are left as they are.
    """
    return dout * (x > 0)


@relu_backward.inputs
def _() -> Iterator[Case]:
    yield Case("one number below 0, one at 0, one above", (np.array([5.0, 6, 7]), np.array([-1.0, 0, 2])))
    yield Case("gradients of both signs", (integers([1, -2, 3], [-4, 5, -6]), integers([2, 3, -1], [0, -1, 0.5])))
    yield Case("a batch of maps", (numbers(8, 2, 3, 4, 5), numbers(9, 2, 3, 4, 5)))


@relu_backward.wrong()
def greater_or_equal(dout: Array, x: Array) -> Array:
    """The gate is open at exactly 0 (`x >= 0`, or `x < 0` where `x <= 0` belongs); numcam and PyTorch keep it shut."""
    return dout * (x >= 0)


@relu_backward.wrong()
def half_at_zero(dout: Array, x: Array) -> Array:
    """Half of the gradient passes where x is exactly 0: a lawful subgradient, but numcam's and PyTorch's choice is
    0.
    """
    return dout * np.heaviside(x, 0.5)


@relu_backward.wrong("oreilly-japan/deep-learning-from-scratch, common/layers.py, and its many copies")
def dout_overwritten(dout: Array, x: Array) -> Array:
    """The numbers are right, but they are written into the caller's dout, which others still need: copy it first."""
    dout[x <= 0] = 0
    return dout


@relu_backward.wrong()
def x_overwritten(dout: Array, x: Array) -> Array:
    """The numbers are right, but x is overwritten on the way, and the trace of the forward pass is spoilt."""
    x[x <= 0] = 0
    return dout * (x != 0)


@relu_backward.wrong()
def gate_forgotten(dout: Array, x: Array) -> Array:
    """The gradient passes everywhere: the gate x > 0 is missing."""
    return dout.copy()


@relu_backward.wrong()
def gate_only(dout: Array, x: Array) -> Array:
    """That is the gate, 1 or 0; the chain rule still multiplies it by dout."""
    return (x > 0).astype(dout.dtype)


@relu_backward.wrong()
def gate_reversed(dout: Array, x: Array) -> Array:
    """The gate is the wrong way round: the gradient passes where the input was *positive*."""
    return dout * (x < 0)


@relu_backward.wrong()
def times_activation(dout: Array, x: Array) -> Array:
    """dout is multiplied by relu(x); the derivative of ReLU is 1 where it is open, not x."""
    return dout * np.maximum(x, 0)


@relu_backward.wrong(page="11")
def deconvnet_rule(dout: Array, x: Array) -> Array:
    """The gate looks at the gradient's sign, not at the input's: that is the deconvnet rule, not the derivative."""
    return np.maximum(dout, 0)


@relu_backward.wrong(page="11")
def guided_rule(dout: Array, x: Array) -> Array:
    """Negative gradients are dropped as well: that is the guided rule, not the derivative."""
    return np.maximum(dout, 0) * (x > 0)


@relu_backward.wrong()
def leaky(dout: Array, x: Array) -> Array:
    """A tenth of the gradient leaks through the shut gate: that is leaky ReLU."""
    return np.where(x > 0, dout, 0.1 * dout)
