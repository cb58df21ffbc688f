"""The fully connected layer, and the reshape that leads to it."""

from collections.abc import Mapping

import numpy as np

from numcam.nn.types import Array, Parameterless, Shape


def linear(x: Array, w: Array, b: Array) -> Array:
    """x (n, inputs), w (outputs, inputs), b (outputs,) -> (n, outputs)."""
    return x @ w.T + b


def linear_backward(dout: Array, x: Array, w: Array, b: Array) -> tuple[Array, Array, Array]:
    """The three gradients (dx, dw, db), shaped like x, w and b; dw and db are summed over the batch."""
    return dout @ w, dout.T @ x, dout.sum(axis=0)


class Linear:
    """A fully connected layer. weight (outputs, inputs), bias (outputs,)."""

    def __init__(self, weight: Array, bias: Array) -> None:
        self.weight, self.bias = np.asarray(weight), np.asarray(bias)
        if self.weight.ndim != 2 or self.bias.shape != self.weight.shape[:1]:
            raise ValueError(
                "Linear takes a weight (outputs, inputs) and a bias (outputs,); "
                f"got {self.weight.shape} and {self.bias.shape}"
            )

    @property
    def parameters(self) -> Mapping[str, Array]:
        return {"weight": self.weight, "bias": self.bias}

    def with_parameters(self, parameters: Mapping[str, Array]) -> "Linear":
        return Linear(parameters["weight"], parameters["bias"])

    def output_shape(self, shape: Shape) -> Shape:
        outputs, inputs = self.weight.shape
        if len(shape) != 2 or shape[1] != inputs:
            raise ValueError(
                f"a linear layer of {inputs} inputs takes (n, {inputs}); got {shape}. "
                "After convolutions this usually means a picture of another size than the head was made for."
            )
        return shape[0], outputs

    def forward(self, x: Array) -> Array:
        return linear(x, self.weight, self.bias)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return dout @ self.weight

    def parameter_gradients(self, dout: Array, x: Array) -> dict[str, Array]:
        return {"weight": dout.T @ x, "bias": dout.sum(axis=0)}

    def __repr__(self) -> str:
        return f"Linear({self.weight.shape[1]} -> {self.weight.shape[0]})"


class Flatten(Parameterless):
    """(n, c, rows, cols) -> (n, c * rows * cols), channel by channel."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape[0], int(np.prod(shape[1:]))

    def forward(self, x: Array) -> Array:
        return x.reshape(x.shape[0], -1)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return dout.reshape(x.shape)
