"""The pointing game for recall: a method may say of a class that it is not there, by a map that stays low.

Selvaraju et al. 2017, section 4.2: for each of the five likeliest classes, a map whose maximum is below a threshold
rejects the class. Right is: pointing at a class that is there, rejecting one that is not.
"""

import numpy as np

from numcam.nn.types import Array


def right(tops: Array, hits: Array, present: Array, threshold: float) -> Array:
    """Whether each answer is right, bool, all arrays of one shape.

    tops: the maps' maxima; hits: whether the maximum is at the class's object; present: whether the class is there. A
    blank map rejects at every threshold.
    """
    rejected = (tops < threshold) | (tops <= 0)
    return np.asarray(np.where(present, ~rejected & hits, rejected))


def best_threshold(tops: Array, hits: Array, present: Array) -> float:
    """The threshold with the most right answers, the lowest of several; 0 for no answers."""
    candidates = np.concatenate([[0.0], np.unique(tops) * (1 + 1e-9)])
    shares = [right(tops, hits, present, c).sum() for c in candidates]
    return float(candidates[int(np.argmax(shares))])
