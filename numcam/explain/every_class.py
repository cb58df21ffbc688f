"""All classes from one forward pass: the layers above are walked back once, with a row of seeds for each class."""

from collections.abc import Iterator
from itertools import pairwise
from math import prod

import numpy as np

from numcam.errors import InputError
from numcam.nn import Trace
from numcam.nn.types import Array

MOST = 2**24
"""So many numbers of one gradient are held at a time: 64 MB in float32."""


def mean_gradients(trace: Trace, target: str, layer: str) -> Array:
    """The mean over positions of d(logit of class c)/d(channel k of the layer): (n, classes, k).

    It is all that Grad-CAM needs of the gradient, and 196 times smaller at relu5_3. target: "all".
    """
    if target != "all":
        raise InputError(
            f'target is a class index, one per picture, None, or "all"; got {target!r}. '
            "classifier.index(name) gives the index of a class"
        )
    n, classes = trace.output.shape[:2]
    means = np.empty((n, classes, trace[layer].shape[1]), trace.output.dtype)
    for picture in range(n):
        for rows, gradient in class_gradients(trace, layer, picture):
            means[picture, rows] = gradient.mean(axis=(2, 3))
    return means


def class_gradients(trace: Trace, layer: str, picture: int = 0, most: int = MOST) -> Iterator[tuple[slice, Array]]:
    """d(logit)/d(trace[layer]) of one picture for some classes at a time: (which classes, gradient (m, ...)).

    The seeds are the rows of the identity matrix, so that what comes out is the Jacobian of the layers above. `most`
    numbers of the largest gradient are held at once.
    """
    names = list(trace)
    above = list(pairwise(names[names.index(layer) :]))
    classes = trace.output.shape[1]
    shapes = trace.network.shapes((1, *trace["input"].shape[1:]))
    chunk = max(1, most // max(prod(shapes[name]) for name in names[names.index(layer) :]))
    for start in range(0, classes, chunk):
        rows = slice(start, min(start + chunk, classes))
        m = rows.stop - rows.start
        gradient = np.zeros((m, *trace.output.shape[1:]), trace.output.dtype)
        gradient[np.arange(m), np.arange(rows.start, rows.stop)] = 1
        for before, name in reversed(above):
            x, out = (_repeated(trace[a][picture], m) for a in (before, name))
            gradient = trace.network.layers[name].backward(gradient, x, out)
        yield rows, gradient


def _repeated(a: Array, m: int) -> Array:
    """The same array m times, without a copy."""
    return np.broadcast_to(a, (m, *a.shape))
