"""Explanations by covering parts of the picture and looking at the score: forward passes only."""

from collections.abc import Callable

import numpy as np

from numcam.errors import InputError
from numcam.explain.forward_passes import Progress, chunks, quiet, scores_from
from numcam.explain.target import scores
from numcam.explain.target import seed as seed_of
from numcam.explain.upsample import upsample
from numcam.nn import Target, Trace
from numcam.nn.softmax import probabilities
from numcam.nn.types import Array


def occlusion(
    trace: Trace,
    target: Target | None = None,
    size: int | None = None,
    stride: int | None = None,
    fill: float = 0.0,
    progress: Progress = quiet,
) -> Array:
    """How much the score falls where a patch covers the picture, signed: (n, rows, cols) of the input.

    Each pixel gets the mean fall over the patches that cover it. size: the patch's side in pixels (an eighth of the
    shorter side); stride: from patch to patch (half a patch); the last ones may stick out. fill: the patch's value in
    the network's input space, where 0 is the mean colour. Zeiler and Fergus 2014, section 4.2.
    """
    x, asked = trace["input"], seed_of(trace, target)
    size = max(1, min(x.shape[2:]) // 8) if size is None else size
    stride = max(1, size // 2) if stride is None else stride
    if size < 1 or not 1 <= stride <= size:
        raise InputError(f"occlusion takes a patch of 1 pixel or more and a stride from 1 to it; got {size}, {stride}")
    tops, lefts = (range(0, max(side - size, 0) + stride, stride) for side in x.shape[2:])
    places = [(slice(top, top + size), slice(left, left + size)) for top in tops for left in lefts]
    whole = scores(trace.output, asked)
    fall = np.zeros((len(x), *x.shape[2:]), x.dtype)
    cover = np.zeros(x.shape[2:], x.dtype)
    for place in places:
        cover[place] += 1
    for i in range(len(x)):

        def covered(some: slice, i: int = i) -> Array:
            copies = np.repeat(x[i][None], len(places[some]), axis=0)
            for copy, (rows, cols) in zip(copies, places[some], strict=True):
                copy[:, rows, cols] = fill
            return copies

        left = scores_from(trace, "input", asked[i], len(places), covered, progress, "occlusion")
        for place, score in zip(places, left, strict=True):
            fall[i][place] += whole[i] - score
    return np.divide(fall, cover, out=np.zeros_like(fall), where=cover > 0)


def rise(
    trace: Trace,
    target: Target | None = None,
    masks: int = 500,
    cells: int = 7,
    keep: float = 0.5,
    seed: int = 0,
    progress: Progress = quiet,
) -> Array:
    """The mean of random masks, each weighted by the class's probability where it is seen through the mask.

    (n, rows, cols) of the input, >= 0: the expected probability given that a pixel is seen. masks: the authors take
    4,000 for VGG16; cells: of a mask, along each side; keep: the probability that a cell is seen. The masks are the
    same for every picture of a batch. In a network that ends in maps the score itself takes the place of the
    probability. Petsiuk et al. 2018.
    """
    if masks < 1 or cells < 1 or not 0 < keep <= 1:
        raise InputError(f"RISE takes masks and cells of at least 1, keep in (0, 1]; got {masks}, {cells}, {keep}")
    x, asked = trace["input"], seed_of(trace, target)
    draws = random_masks(np.random.default_rng(seed), masks, (x.shape[2], x.shape[3]), cells, keep)
    found = np.zeros((len(x), *x.shape[2:]), x.dtype)
    for some in progress(chunks(trace, "input", masks), "RISE"):
        seen = draws(some).astype(x.dtype)  # (m, rows, cols)
        for i in range(len(x)):
            output = trace.network.forward(x[i] * seen[:, None]).output
            shown = probabilities(output, trace.network.output) if output.ndim == 2 else output
            weight = scores(shown, asked[i])  # (m,)
            found[i] += np.tensordot(weight, seen, axes=1)
    return found / x.dtype.type(masks * keep)


def random_masks(
    rng: np.random.Generator, count: int, size: tuple[int, int], cells: int, keep: float
) -> Callable[[slice], Array]:
    """Coarse random grids, enlarged to smooth masks in [0, 1] and shifted by up to a cell.

    All is drawn here; masks(some) enlarges those asked for, (m, *size).
    """
    cell = [-(-side // cells) for side in size]
    grids = (rng.random((count, cells + 1, cells + 1)) < keep).astype(np.float64)
    shifts = rng.integers(0, cell, (count, 2))

    def masks(some: slice) -> Array:
        large = upsample(grids[some], ((cells + 1) * cell[0], (cells + 1) * cell[1]))
        moved = zip(large, shifts[some], strict=True)
        return np.stack([m[top : top + size[0], left : left + size[1]] for m, (top, left) in moved])

    return masks
