"""The last step of the backward pass: from many channels to the few of a picture."""

import numpy as np

from numcam.nn.fast.maps import Map
from numcam.nn.fast.team import Scratch, Team
from numcam.nn.types import Array

CHANNELS = 4
"""Up to so many, one matrix product and col2im beat Winograd's transforms."""

BAND = 16


def stem_gradient(team: Team, dout: Map, w: Array) -> Array:
    """dx (n, c, rows, cols) of the first convolution: its columns by a matrix product, then col2im."""
    k, c = w.shape[:2]
    kernels = np.ascontiguousarray(w.reshape(k, -1).T)  # (9 c, k)
    padded = np.zeros((dout.n, c, dout.rows + 2, dout.cols + 2), np.float32)
    columns = team.scratch[0].array("v", (dout.rows, c, 3, 3, dout.cols))
    for image in range(dout.n):
        grads = dout.inside[image]  # (rows, cols, k)

        def product(some: slice, _: Scratch, grads: Array = grads) -> None:
            into = columns[some].reshape(-1, 9 * c, dout.cols)
            np.matmul(kernels, grads[some].transpose(0, 2, 1), out=into)

        def gather(some: slice, _: Scratch, into: Array = padded[image]) -> None:
            for i in range(3):
                for j in range(3):
                    taps = columns[:, some, i, j].transpose(1, 0, 2)
                    into[some, i : i + dout.rows, j : j + dout.cols] += taps

        team.share(dout.rows, BAND, product)
        team.halves(c, gather)
    return padded[:, :, 1:-1, 1:-1]
