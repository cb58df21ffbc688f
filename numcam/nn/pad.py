"""A border of zeros, for what no convolution's own padding can say: more on one side than on the other."""

import numpy as np

from numcam.nn.types import Array, Edges, Pair, Parameterless, Shape, as_edges

NONE: Edges = (0, 0, 0, 0)


def pad2d(x: Array, edges: Edges, value: float = 0) -> Array:
    """(n, c, rows, cols) -> (n, c, top + rows + bottom, left + cols + right); x itself where there is no border."""
    top, bottom, left, right = edges
    return x if edges == NONE else np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)


def pad2d_backward(dout: Array, edges: Edges) -> Array:
    """dx: what is inside the border, a view."""
    top, bottom, left, right = edges
    return dout[:, :, top : dout.shape[2] - bottom, left : dout.shape[3] - right]


class ZeroPad2d(Parameterless):
    """A border of zeros: an int, (rows, cols) at both ends each, or (top, bottom, left, right)."""

    def __init__(self, edges: int | Pair | Edges) -> None:
        self.edges = as_edges(edges)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 4:
            raise ValueError(f"a border goes round (n, c, rows, cols); got {shape}")
        top, bottom, left, right = self.edges
        return (*shape[:2], top + shape[2] + bottom, left + shape[3] + right)

    def forward(self, x: Array) -> Array:
        return pad2d(x, self.edges)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return pad2d_backward(dout, self.edges)

    def __repr__(self) -> str:
        return f"ZeroPad2d({self.edges})"
