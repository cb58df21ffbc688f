"""Page 11: change one rule."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.nn.relu import deconvnet_relu_backward as deconvnet_rule
from numcam.nn.relu import guided_relu_backward as guided_rule
from numcam.nn.relu import relu_backward
from numcam.nn.types import Array


@exercise("11", "dx")
def guided_relu_backward(dout: Array, x: Array) -> Array:
    """Guided backpropagation at a ReLU: the gradient passes where both the input and the gradient are positive.

    dout and x have one shape, any; returns dx of that shape. dout and x are left as they are.
    """
    return guided_rule(dout, x)


@exercise("11", "dx")
def deconvnet_relu_backward(dout: Array, x: Array) -> Array:
    """The deconvnet rule at a ReLU: the gradient passes where the gradient is positive, whatever the input was.

    dout and x have one shape, any; returns dx of that shape. dout and x are left as they are.
    """
    return deconvnet_rule(dout, x)


@guided_relu_backward.inputs
@deconvnet_relu_backward.inputs
def _() -> Iterator[Case]:
    yield Case("all pairs of signs", (integers([5, -6, 0], [7, -8, 9]), integers([1, 2, 3], [0, -1, -2])))
    yield Case("a batch of maps", (numbers(110, 2, 3, 4, 5), numbers(111, 2, 3, 4, 5)))


@guided_relu_backward.wrong()
def deconvnet_called_guided(dout: Array, x: Array) -> Array:
    """That is the deconvnet rule, which looks at the gradient only; guided asks that the input was positive too."""
    return deconvnet_rule(dout, x)


@guided_relu_backward.wrong("kazuto1011/grad-cam-pytorch#2: with F.relu the guided rule is silently not applied")
def plain_called_guided(dout: Array, x: Array) -> Array:
    """That is the plain derivative; guided drops negative gradients too."""
    return relu_backward(dout, x)


@guided_relu_backward.wrong()
def open_at_zero(dout: Array, x: Array) -> Array:
    """`>=` where `>` belongs: the gate is open where x is exactly 0."""
    return np.maximum(dout, 0) * (x >= 0)


@guided_relu_backward.wrong()
def either(dout: Array, x: Array) -> Array:
    """The gradient passes where one *or* the other is positive; guided asks for both."""
    return dout * ((x > 0) | (dout > 0))


@guided_relu_backward.wrong()
def same_sign(dout: Array, x: Array) -> Array:
    """The gradient passes where x and dout have the same sign; two negatives must not open the gate."""
    return dout * (x * dout > 0)


@guided_relu_backward.wrong()
def gates_only(dout: Array, x: Array) -> Array:
    """That is the mask, 1 or 0; multiply it by dout."""
    return ((x > 0) & (dout > 0)).astype(dout.dtype)


@guided_relu_backward.wrong()
def absolute_gradient(dout: Array, x: Array) -> Array:
    """Negative gradients are made positive; they are dropped."""
    return np.abs(dout) * (x > 0)


@guided_relu_backward.wrong()
def relu_of_product(dout: Array, x: Array) -> Array:
    """The gradient is multiplied by the activation; a gate lets it pass unchanged."""
    return np.maximum(dout, 0) * np.maximum(x, 0)


@guided_relu_backward.wrong()
def guided_overwrites(dout: Array, x: Array) -> Array:
    """The numbers are right, but they are written into the caller's dout: copy it first."""
    dout[(x <= 0) | (dout <= 0)] = 0
    return dout


@guided_relu_backward.wrong()
def negative_kept(dout: Array, x: Array) -> Array:
    """The *negative* gradients pass; guided keeps the positive ones."""
    return np.minimum(dout, 0) * (x > 0)


@deconvnet_relu_backward.wrong()
def guided_called_deconvnet(dout: Array, x: Array) -> Array:
    """That is the guided rule; the deconvnet does not look at the input."""
    return guided_rule(dout, x)


@deconvnet_relu_backward.wrong("captum and kazuto1011/grad-cam-pytorch miss F.relu: the rule is silently not applied")
def plain_called_deconvnet(dout: Array, x: Array) -> Array:
    """That is the plain derivative, which looks at the input; the deconvnet looks at the gradient."""
    return relu_backward(dout, x)


@deconvnet_relu_backward.wrong()
def absolute(dout: Array, x: Array) -> Array:
    """Negative gradients are made positive; they are dropped."""
    return np.abs(dout)


@deconvnet_relu_backward.wrong()
def mask_only(dout: Array, x: Array) -> Array:
    """That is the mask, 1 or 0; the gradient itself passes."""
    return (dout > 0).astype(dout.dtype)


@deconvnet_relu_backward.wrong()
def nothing_dropped(dout: Array, x: Array) -> Array:
    """Everything passes; the rule drops negative gradients."""
    return dout.copy()


@deconvnet_relu_backward.wrong()
def relu_of_input(dout: Array, x: Array) -> Array:
    """That is the ReLU of the input; the deconvnet applies a ReLU to the *gradient*."""
    return np.maximum(x, 0)


@deconvnet_relu_backward.wrong()
def deconvnet_overwrites(dout: Array, x: Array) -> Array:
    """The numbers are right, but they are written into the caller's dout: copy it first."""
    dout[dout <= 0] = 0
    return dout


@deconvnet_relu_backward.wrong()
def negative_passes(dout: Array, x: Array) -> Array:
    """The *negative* gradients pass; the deconvnet keeps the positive ones."""
    return np.minimum(dout, 0)


@deconvnet_relu_backward.wrong()
def shut_where_negative(dout: Array, x: Array) -> Array:
    """The gradient passes where it is positive and x is not negative; x has no say in this rule."""
    return np.maximum(dout, 0) * (x >= 0)
