"""Does the network rely on what a map points at? Take it away, or show nothing else, and see what the score does.

A score is a function (n, 3, rows, cols) -> (n,), the probability of one class.
"""

from collections.abc import Callable

import numpy as np
import scipy

from numcam.errors import InputError
from numcam.nn.types import Array

Score = Callable[[Array], Array]
STEPS = 20
BLUR = 10.0
"""Standard deviation in pixels of the blur that insertion starts from."""


def order(map: Array, seed: int = 0) -> Array:
    """Pixel numbers, the map's largest value first, (rows * cols,). Equal values come in random order.

    So a blank map takes pixels away at random, which is what it says about them.
    """
    values = map.ravel()
    shuffled = np.random.default_rng(seed).permutation(values.size)
    return np.asarray(shuffled[np.argsort(-values[shuffled], kind="stable")])


def curve(x: Array, start: Array, sequence: Array, score: Score, steps: int = STEPS) -> Array:
    """The score while the pixels of `start` are replaced by those of x, in `sequence`: (steps + 1,).

    x, start (3, rows, cols). After step i, the first i / steps of the pixels are those of x.
    """
    if steps < 1:
        raise InputError(f"a curve has at least one step; got {steps}")
    shape = x.shape
    flat, here = x.reshape(shape[0], -1), start.reshape(shape[0], -1)
    frames = np.empty((steps + 1, *flat.shape), x.dtype)
    for i, count in enumerate(np.rint(np.linspace(0, sequence.size, steps + 1)).astype(int)):
        frames[i] = here
        frames[i][:, sequence[:count]] = flat[:, sequence[:count]]
    return score(frames.reshape(-1, *shape))


def deletion(x: Array, map: Array, score: Score, steps: int = STEPS, seed: int = 0) -> Array:
    """The score while pixels turn into the picture's mean colour, the most important first. Petsiuk et al. 2018."""
    mean = np.broadcast_to(x.mean(axis=(1, 2), keepdims=True), x.shape).astype(x.dtype)
    return curve(mean, x, order(map, seed), score, steps)


def insertion(x: Array, map: Array, score: Score, steps: int = STEPS, seed: int = 0, blur: float = BLUR) -> Array:
    """The score while a blurred picture turns sharp, the most important pixels first. Petsiuk et al. 2018."""
    return curve(x, scipy.ndimage.gaussian_filter(x, (0, blur, blur)), order(map, seed), score, steps)


def area(values: Array) -> float:
    """The area under a curve whose steps are equally far apart on [0, 1]: the trapezoid rule."""
    values = np.asarray(values, np.float64)
    return float((values[:-1] + values[1:]).mean() / 2)


def shown(x: Array, map: Array) -> Array:
    """The picture where the map is at its maximum, its mean colour where the map is 0, and a mixture between.

    x (3, rows, cols), map (rows, cols). A blank map shows the mean colour alone.
    """
    positive = np.maximum(map, 0)
    share = positive / positive.max() if positive.max() > 0 else positive
    mean = x.mean(axis=(1, 2), keepdims=True)
    return np.asarray(mean + share * (x - mean), x.dtype)


def drop(before: float, after: float) -> float:
    """By which share of itself the score falls when only the explanation is shown; 0 where it rises.

    The mean over pictures, in percent, is the "average drop". Chattopadhay et al. 2018, section 5.1.
    """
    return max(0.0, before - after) / before if before > 0 else 0.0
