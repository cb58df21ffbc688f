"""Where the class asked for stands among the others, and how much of the answer rests on a convention."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from numcam.explain.target import scores, seed
from numcam.nn import MaxPool2d, Target, Trace
from numcam.nn.pad import pad2d


def standing(trace: Trace, target: Target, picture: int) -> dict[str, Any]:
    """Score, margin and probability of what is asked among the classes of the picture."""
    asked, out = seed(trace, target)[picture], trace.output[picture]
    found: dict[str, Any] = {"score": float(scores(out[None], asked[None])[0]), "index": None, "margin": None}
    found |= {"best": None, "probability": None, "saturated": False}
    if out.ndim != 1 or (asked != 0).sum() != 1 or asked.max() != 1:
        return found
    index = int(asked.argmax())
    others = np.delete(out, index)
    probability = float(trace.probabilities()[picture, index])
    found |= {"index": index, "best": int(out.argmax()), "probability": probability}
    found |= {"margin": float(out[index] - others.max()) if len(others) else None}
    return found | {"saturated": bool(trace.probabilities(np.float32)[picture, index] == 1)}


def pooling_ties(trace: Trace, layer: str, picture: int = 0) -> tuple[int, int]:
    """Of the max-pooling windows above a layer that hold something positive: how many hold their maximum twice or
    more, and how many there are. Which of the equal values gets the gradient is a convention: here the first."""
    names = list(trace)
    ties = windows = 0
    for before, name in zip(names[names.index(layer) :], names[names.index(layer) + 1 :], strict=False):
        pool = trace.network.layers[name]
        if isinstance(pool, MaxPool2d):
            out = trace[name][picture]
            edged = pad2d(trace[before][picture : picture + 1], pool.padding, -np.inf)[0]
            view = sliding_window_view(edged, pool.size, axis=(1, 2))
            held = view[:, :: pool.stride[0], :: pool.stride[1]] == out[..., None, None]
            ties += int(((held.sum(axis=(3, 4)) > 1) & (out > 0)).sum())
            windows += int((out > 0).sum())
    return ties, windows
