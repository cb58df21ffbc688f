"""ReLU, and the three ways to walk back through it.

All three are called as rule(dout, x) with the ReLU's input x; they differ in which sign they look at.
At x = 0 the gradient is 0, as in PyTorch.
"""

import numpy as np

from numcam.nn.types import Array, Parameterless


def relu(x: Array) -> Array:
    """max(x, 0), any shape."""
    return np.maximum(x, 0)


def relu_backward(dout: Array, x: Array) -> Array:
    """The derivative: the gradient passes where the input was positive. dout and x have one shape."""
    return dout * (x > 0)


def deconvnet_relu_backward(dout: Array, x: Array) -> Array:
    """Zeiler and Fergus 2013: the gradient passes where the gradient is positive, whatever the input was."""
    return np.maximum(dout, 0)


def guided_relu_backward(dout: Array, x: Array) -> Array:
    """Springenberg et al. 2015: the gradient passes where both the input and the gradient are positive."""
    return np.maximum(dout, 0) * (x > 0)


class ReLU(Parameterless):
    """The rectifier; its plain backward is the derivative. Other rules are given to Trace.backward."""

    def forward(self, x: Array) -> Array:
        return relu(x)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return relu_backward(dout, x)
