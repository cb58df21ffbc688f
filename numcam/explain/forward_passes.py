"""Scores of many variants of one picture, or of what a layer made of it: forward passes, a chunk at a time."""

from collections.abc import Callable, Iterable
from math import prod
from typing import Protocol, TypeVar

import numpy as np

from numcam.explain.target import scores
from numcam.nn import Network, Trace
from numcam.nn.types import Array

T = TypeVar("T")
MOST = 2**25
"""So many activations of a chunk are held at a time: 128 MB in float32."""


class Progress(Protocol):
    """What is told of long work: progress(things, about) hands the things on, one by one."""

    def __call__(self, things: Iterable[T], about: str) -> Iterable[T]: ...


def quiet(things: Iterable[T], about: str) -> Iterable[T]:
    """Nothing is shown."""
    return things


def remaining(trace: Trace, layer: str) -> Network | None:
    """The layers above `layer` as a network that takes its output; None if there are none."""
    names = list(trace)
    above = names[names.index(layer) + 1 :]
    return Network((name, trace.network.layers[name]) for name in above) if above else None


def scores_from(
    trace: Trace,
    layer: str,
    seed: Array,
    count: int,
    variants: Callable[[slice], Array],
    progress: Progress = quiet,
    about: str = "",
) -> Array:
    """The scores of `count` variants of one picture at a layer ("input" for pixels): (count,).

    variants(some): those variants, (m, ...). seed: the picture's row of `target.seed`.
    """
    found = np.empty(count, trace.output.dtype)
    network = remaining(trace, layer)
    for some in progress(chunks(trace, layer, count), about):
        values = variants(some)
        found[some] = scores(network.forward(values).output if network else values, seed)
    return found


def chunks(trace: Trace, layer: str, count: int) -> list[slice]:
    """range(count) in pieces whose forward pass from `layer` fits into memory."""
    names = list(trace)
    shapes = trace.network.shapes((1, *trace["input"].shape[1:]))
    each = sum(prod(shapes[name]) for name in names[names.index(layer) :])
    size = max(1, min(64, MOST // each))
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
