"""Page 13: do two maps say the same? Rank correlation."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.nn.types import Array


@exercise("13", "correlation")
def rank_correlation(a: Array, b: Array) -> float:
    """Spearman's rank correlation over all cells of two arrays of one shape: the correlation of their ranks.

    Equal values share the mean of their ranks. Returns a number from -1 to 1; 0.0 where one of the arrays is constant.
    """
    return pearson(ranks(a), ranks(b))


def ranks(a: Array) -> Array:
    """The rank of every cell, from 1; ties share their mean rank. Flat."""
    _, inverse, counts = np.unique(a, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse.ravel()]


def pearson(a: Array, b: Array) -> float:
    """The correlation of two flat arrays; 0 where one is constant."""
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / norm) if norm > 1e-12 else 0.0


@rank_correlation.inputs
def _() -> Iterator[Case]:
    yield Case("four numbers each", (np.array([1.0, 2, 3, 10]), np.array([2.0, 1, 7, 8])))
    yield Case("with ties", (integers([1, 0, 0], [3, 0, 2]), integers([0, 0, 5], [4, 1, 1])))
    yield Case("two maps", (numbers(130, 4, 6), np.exp(numbers(131, 4, 6))))
    yield Case("maps of opposite signs", (numbers(132, 3, 5), -(numbers(132, 3, 5) ** 3) + numbers(133, 3, 5)))
    yield Case("a constant map", (np.zeros((2, 3)), numbers(134, 2, 3)))


def order(a: Array) -> Array:
    """Ranks from 0 in which ties are broken by reading order."""
    return a.ravel().argsort(kind="stable").argsort(kind="stable").astype(float)


@rank_correlation.wrong()
def values_for_ranks(a: Array, b: Array) -> float:
    """That is Pearson's correlation of the values; replace them by their ranks first."""
    return pearson(a.ravel(), b.ravel())


@rank_correlation.wrong()
def ties_by_order(a: Array, b: Array) -> float:
    """Equal values got different ranks, by their place in the array; in a map full of zeros that makes up a
    correlation.
    """
    return pearson(order(a), order(b))


@rank_correlation.wrong()
def argsort_once(a: Array, b: Array) -> float:
    """One argsort gives the cells in order, not the order of the cells: take argsort of the argsort."""
    return pearson(a.ravel().argsort(kind="stable").astype(float), b.ravel().argsort(kind="stable").astype(float))


@rank_correlation.wrong()
def lowest_rank_for_ties(a: Array, b: Array) -> float:
    """Equal values all got the lowest of their ranks; they share the mean."""
    low = [(np.sort(m.ravel()).searchsorted(m.ravel())).astype(float) for m in (a, b)]
    return pearson(*low)


@rank_correlation.wrong()
def dense_ranks(a: Array, b: Array) -> float:
    """The ranks count distinct values (1, 2, 2, 3); with ties shared it is 1, 2.5, 2.5, 4."""
    dense = [np.unique(m, return_inverse=True)[1].ravel().astype(float) for m in (a, b)]
    return pearson(*dense)


@rank_correlation.wrong()
def of_absolute_values(a: Array, b: Array) -> float:
    """The absolute values were ranked: a map and its negative then look the same."""
    return rank_correlation.right(np.abs(a), np.abs(b))


@rank_correlation.wrong()
def absolute_correlation(a: Array, b: Array) -> float:
    """The sign is lost; a correlation of -1 is not one of 1."""
    return abs(rank_correlation.right(a, b))


@rank_correlation.wrong()
def squared(a: Array, b: Array) -> float:
    """That is the square of it, the share of variance explained."""
    return float(rank_correlation.right(a, b) ** 2)


@rank_correlation.wrong()
def shortcut_formula(a: Array, b: Array) -> float:
    """1 - 6 sum d^2 / (n (n^2 - 1)) is exact only without ties; correlate the ranks instead."""
    d, n = ranks(a) - ranks(b), a.size
    return float(1 - 6 * (d * d).sum() / (n * (n * n - 1)))


@rank_correlation.wrong()
def covariance(a: Array, b: Array) -> float:
    """That is the covariance of the ranks; divide it by both standard deviations."""
    u, v = ranks(a), ranks(b)
    return float(((u - u.mean()) * (v - v.mean())).mean())


@rank_correlation.wrong()
def cosine(a: Array, b: Array) -> float:
    """The means of the ranks were not subtracted: that is their cosine, close to 1 for any two maps."""
    u, v = ranks(a), ranks(b)
    return float((u * v).sum() / np.sqrt((u * u).sum() * (v * v).sum()))


@rank_correlation.wrong("kazuto1011/grad-cam-pytorch divides a blank map so, and shows NaN")
def constant_is_nan(a: Array, b: Array) -> float:
    """A constant map has no ranks to correlate and gave 0 / 0, NaN; return 0.0 for it."""
    return rank_correlation.right(a, b) if np.ptp(a) > 0 and np.ptp(b) > 0 else float("nan")
