"""The array type of the mechanics, and the one thing every layer can do."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""A floating-point array, float32 in use and float64 in gradient checks; pictures are (n, c, rows, cols)."""

Shape = tuple[int, ...]

Pair = tuple[int, int]
"""A size in both directions: (rows, cols)."""

Edges = tuple[int, int, int, int]
"""What is added at each edge: (top, bottom, left, right)."""


@runtime_checkable
class Layer(Protocol):
    """One step of a network: a pair of pure functions, and the arrays it needs for them.

    A layer keeps nothing of a call: `backward` is handed the forward pass's input `x` and output `out` again.
    """

    @property
    def parameters(self) -> Mapping[str, Array]:
        """The learned arrays by name ("weight", "bias"), empty for most layers."""

    def with_parameters(self, parameters: Mapping[str, Array]) -> "Layer":
        """The same layer with other arrays."""

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the output for an input of this shape; ValueError where they do not fit."""

    def forward(self, x: Array) -> Array:
        """The layer's output for input `x`."""

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        """d(score)/dx from dout = d(score)/d(out)."""

    def parameter_gradients(self, dout: Array, x: Array) -> dict[str, Array]:
        """d(score)/d(parameter) for each of `parameters`."""


@runtime_checkable
class Random(Protocol):
    """A layer that acts at random in training, and as a pure function again once a seed has been drawn."""

    def thinned(self, seed: int) -> "Layer":
        """The same layer with its draw fixed."""


class Parameterless:
    """What the layers without learned arrays share."""

    @property
    def parameters(self) -> Mapping[str, Array]:
        return {}

    def with_parameters(self, parameters: Mapping[str, Array]) -> "Layer":
        assert isinstance(self, Layer)
        return self

    def parameter_gradients(self, dout: Array, x: Array) -> dict[str, Array]:
        return {}

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def as_pair(value: int | tuple[int, int], name: str, least: int) -> tuple[int, int]:
    """A size given as one int for both directions or as (rows, cols); ValueError below `least`."""
    pair = (value, value) if isinstance(value, int | np.integer) else tuple(value)
    if len(pair) != 2 or not all(isinstance(v, int | np.integer) and v >= least for v in pair):
        raise ValueError(f"{name} must be an integer of at least {least}, or (rows, cols) of them; got {value!r}")
    return int(pair[0]), int(pair[1])


def as_edges(value: int | Pair | Edges) -> Edges:
    """What is added at each edge, given as an int for all, (rows, cols) at both ends each, or (top, bottom, left,
    right); ValueError for anything else."""
    given = (value,) * 4 if isinstance(value, int | np.integer) else tuple(value)
    edges = (given[0], given[0], given[1], given[1]) if len(given) == 2 else given
    if len(edges) != 4 or not all(isinstance(v, int | np.integer) and v >= 0 for v in edges):
        raise ValueError(
            f"padding must be 0 or more: an int, (rows, cols) or (top, bottom, left, right); got {value!r}"
        )
    top, bottom, left, right = (int(v) for v in edges)
    return top, bottom, left, right
