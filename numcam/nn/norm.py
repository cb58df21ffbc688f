"""Batch normalisation at inference: one multiplication and one addition per channel (Ioffe and Szegedy 2015)."""

from collections.abc import Mapping

import numpy as np

from numcam.nn.types import Array, Shape

NAMES = ("mean", "variance", "weight", "bias")


def batch_norm2d(x: Array, mean: Array, variance: Array, w: Array, b: Array, epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon) * w + b, channel by channel.

    x (n, c, rows, cols), or (n, c) behind a Flatten; the others (c,).
    """
    scale = w / np.sqrt(variance + epsilon)
    return x * _along(scale, x) + _along(b - mean * scale, x)


def batch_norm2d_backward(
    dout: Array, x: Array, mean: Array, variance: Array, w: Array, epsilon: float
) -> tuple[Array, Array, Array]:
    """The gradients (dx, dw, db); mean and variance are constants at inference."""
    inverse = 1 / np.sqrt(variance + epsilon)  # (c,)
    standardised = (x - _along(mean, x)) * _along(inverse, x)
    dx = dout * _along(w * inverse, x)
    others = (0, 2, 3)[: x.ndim - 1]
    return dx, (dout * standardised).sum(axis=others), dout.sum(axis=others)


def _along(values: Array, x: Array) -> Array:
    """(c,) in a shape that meets the channels of x."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))


class BatchNorm2d:
    """Batch normalisation with fixed statistics. mean, variance, weight, bias: (c,), by name only, for other tools have
    them in other orders."""

    dimensions = 4

    def __init__(self, *, mean: Array, variance: Array, weight: Array, bias: Array, epsilon: float = 1e-5) -> None:
        arrays = [np.asarray(a) for a in (mean, variance, weight, bias)]
        if len({a.shape for a in arrays}) != 1 or arrays[0].ndim != 1:
            raise ValueError(f"{type(self).__name__} takes four arrays of shape (c,); got {[a.shape for a in arrays]}")
        self.mean, self.variance, self.weight, self.bias = arrays
        self.epsilon = epsilon

    @property
    def parameters(self) -> Mapping[str, Array]:
        return {name: getattr(self, name) for name in NAMES}

    def with_parameters(self, parameters: Mapping[str, Array]) -> "BatchNorm2d":
        return type(self)(**{name: parameters[name] for name in NAMES}, epsilon=self.epsilon)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != self.dimensions or shape[1] != self.mean.size:
            places = ", rows, cols" if self.dimensions == 4 else ""
            raise ValueError(f"this batch normalisation takes (n, {self.mean.size}{places}); got {shape}")
        return shape

    def forward(self, x: Array) -> Array:
        return batch_norm2d(x, self.mean, self.variance, self.weight, self.bias, self.epsilon)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return dout * _along(self.weight / np.sqrt(self.variance + self.epsilon), x)

    def parameter_gradients(self, dout: Array, x: Array) -> dict[str, Array]:
        _, dw, db = batch_norm2d_backward(dout, x, self.mean, self.variance, self.weight, self.epsilon)
        # the statistics are measured, not learned: their gradient is 0 for an optimiser
        return {"mean": np.zeros_like(self.mean), "variance": np.zeros_like(self.variance), "weight": dw, "bias": db}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.mean.size})"


class BatchNorm1d(BatchNorm2d):
    """Batch normalisation of units, behind a Flatten or between linear layers: (n, c)."""

    dimensions = 2
