"""A layer of a Keras weights file, under its own name and in PyTorch's layout."""

from collections.abc import Callable
from dataclasses import dataclass

from numcam.nn.types import Array, Shape


@dataclass(frozen=True)
class Found:
    """A layer by its name in the file; shape and weight() as (k, c, rows, cols) or (out, in)."""

    name: str
    shape: Shape
    weight: Callable[[], Array]
    bias: Callable[[], Array] | None
