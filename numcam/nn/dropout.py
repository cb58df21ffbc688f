"""Dropout (Srivastava et al. 2014) without a training mode: a seeded layer *is* one thinned network."""

import numpy as np

from numcam.nn.types import Array, Parameterless


def dropout_mask(shape: tuple[int, ...], rate: float, seed: int, dtype: np.dtype[np.floating]) -> Array:
    """0 with probability `rate`, else 1 / (1 - rate), so that the mean activation stays what it was."""
    keep = np.random.default_rng(seed).random(shape) >= rate
    return keep.astype(dtype) / dtype.type(1 - rate)


class Dropout(Parameterless):
    """The identity, unless a seed is given: then units are dropped, the same ones on every call."""

    def __init__(self, rate: float, seed: int | None = None) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"a dropout rate lies in [0, 1); got {rate}")
        self.rate, self.seed = rate, seed

    def thinned(self, seed: int) -> "Dropout":
        """The same layer with a draw of units removed."""
        return Dropout(self.rate, seed)

    def forward(self, x: Array) -> Array:
        return x if self.seed is None else x * dropout_mask(x.shape, self.rate, self.seed, x.dtype)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return dout if self.seed is None else dout * dropout_mask(x.shape, self.rate, self.seed, x.dtype)

    def __repr__(self) -> str:
        return f"Dropout({self.rate})" if self.seed is None else f"Dropout({self.rate}, seed={self.seed})"
