"""Linear layers. For one picture they are bound by memory: a weight is read for one multiplication."""

import numpy as np

from numcam.nn.fast.team import Scratch, Team
from numcam.nn.types import Array

PART = 32
"""Rows of a matrix that are gathered and multiplied together."""

SPARSE = 0.5
"""Up to this share of output gradients that are not 0, only the rows of the weights that they use are read. Measured
with 25088 inputs and 4096 outputs: all rows 14 ms; half of them 12, three tenths 8."""


SMALL = 1_000_000
"""Weights that one thread multiplies at once: 0.04 ms."""


def linear(team: Team, x: Array, w: Array, b: Array) -> Array:
    """x (n, inputs), w (outputs, inputs): the threads share the rows of w."""
    if w.size <= SMALL:
        return x @ w.T + b
    out = np.empty((len(x), len(w)), np.float32)

    def part(some: slice, _: Scratch) -> None:
        if len(x) == 1:
            np.matmul(w[some], x[0], out=out[0, some])
        else:
            np.matmul(x, w[some].T, out=out[:, some])

    team.share(len(w), _stretch(len(w)), part)
    out += b
    return out


def linear_backward(team: Team, dout: Array, w: Array) -> Array:
    """dx (n, inputs). A ReLU above has set part of dout to 0, and the rows of w that would meet it are not read."""
    if w.size <= SMALL:
        return dout @ w
    live = np.flatnonzero(dout.any(axis=0))
    if len(dout) == 1 and len(live) < SPARSE * len(w) and w.flags.c_contiguous:
        return _from_rows(team, dout[0, live], w, live)
    dx = np.empty((len(dout), w.shape[1]), np.float32)

    def part(some: slice, _: Scratch) -> None:
        if len(dout) == 1:
            np.matmul(dout[0], w[:, some], out=dx[0, some])
        else:
            np.matmul(dout, w[:, some], out=dx[:, some])

    team.share(w.shape[1], _stretch(w.shape[1]), part)
    return dx


def _from_rows(team: Team, g: Array, w: Array, live: Array) -> Array:
    """dx (1, inputs) = g (live,) times the live rows of w."""
    groups = np.array_split(np.arange(len(live)), 8)  # whatever the number of threads, the sums are the same
    sums = np.zeros((len(groups), w.shape[1]), np.float32)

    def part(some: slice, scratch: Scratch) -> None:
        for which in range(some.start, some.stop):
            group = groups[which]
            for at in range(0, len(group), PART):
                rows = group[at : at + PART]
                copy = scratch.array("v", (len(rows), w.shape[1]))
                np.take(w, live[rows], axis=0, out=copy, mode="clip")  # the other modes would copy twice
                sums[which] += g[rows] @ copy

    team.share(len(groups), 1, part)
    return sums.sum(axis=0, keepdims=True)


def _stretch(total: int) -> int:
    """How much of a matrix a thread takes at a time: the same for any number of threads, and so are the sums."""
    return max(256, -(-total // 8))
