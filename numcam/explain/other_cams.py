"""Class activation maps whose weights are not read from a gradient: CAM, Score-CAM, Ablation-CAM, Eigen-CAM.

Shapes and shared options as in `cams`. The weights of each, (n, k, 1, 1), have a function of their own.
"""

from itertools import pairwise

import numpy as np

from numcam.errors import InputError
from numcam.explain.cams import signed_map
from numcam.explain.forward_passes import Progress, quiet, scores_from
from numcam.explain.target import scores, seed, spatial_layer
from numcam.explain.upsample import upsample
from numcam.nn import Dropout, GlobalAvgPool2d, Linear, Target, Trace
from numcam.nn.softmax import softmax
from numcam.nn.types import Array


def cam(trace: Trace, target: Target | None = None, layer: str | int | None = None) -> Array:
    """The original: for networks that average each channel and have one linear layer after that, its weights.

    On such a network Grad-CAM is the same map, divided by the number of cells. InputError on others. Zhou et al. 2016.
    """
    below, weights = cam_weights(trace, target, layer)
    return np.maximum(signed_map(weights, trace[below]), 0)


def cam_weights(trace: Trace, target: Target | None = None, layer: str | int | None = None) -> tuple[str, Array]:
    """The layer below global average pooling, and the class's row of the linear layer's matrix."""
    names = list(trace)
    layers = trace.network.layers
    below = [before for before, name in pairwise(names) if isinstance(layers[name], GlobalAvgPool2d)]
    above = [layers[name] for name in names[names.index(below[0]) + 2 :]] if below else []
    linear = [one for one in above if isinstance(one, Linear)]
    if len(linear) != 1 or any(not isinstance(one, Linear | Dropout) for one in above):
        raise InputError(
            "CAM needs a network that ends in global average pooling and one linear layer; this one does not. "
            "Grad-CAM is its generalisation to any network"
        )
    if layer not in (None, below[0]):
        raise InputError(f"CAM reads {below[0]}, the layer below the pooling; leave out {layer!r}, or use Grad-CAM")
    return below[0], (seed(trace, target) @ linear[0].weight)[:, :, None, None]


def score_cam(
    trace: Trace,
    target: Target | None = None,
    layer: str | int | None = None,
    mode: str = "half-pixel",
    progress: Progress = quiet,
) -> Array:
    """Each channel weighted by the score of the picture seen through it: no gradient, a forward pass a channel.

    mode: how channels are enlarged, as in `upsample`. progress: told of the passes. Wang et al. 2020.
    """
    a = trace[spatial_layer(trace, layer)]
    return np.maximum(signed_map(score_weights(trace, target, layer, mode, progress), a), 0)


def score_weights(
    trace: Trace,
    target: Target | None = None,
    layer: str | int | None = None,
    mode: str = "half-pixel",
    progress: Progress = quiet,
) -> Array:
    """The softmax over channels of score(x * channel, enlarged and stretched to 0-1); a flat one hides everything."""
    a, x, asked = trace[spatial_layer(trace, layer)], trace["input"], seed(trace, target)
    k = a.shape[1]
    found = np.empty((len(x), k), x.dtype)
    for i in range(len(x)):

        def masked(some: slice, i: int = i) -> Array:
            large = upsample(a[i, some], (x.shape[2], x.shape[3]), mode)  # (m, rows, cols)
            return x[i] * stretched(large)[:, None]

        found[i] = scores_from(trace, "input", asked[i], k, masked, progress, "Score-CAM")
    return softmax(found)[:, :, None, None]


def stretched(maps: Array) -> Array:
    """Each of the maps (m, rows, cols) moved and scaled to run from 0 to 1; 0 where it is flat."""
    low = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - low
    return np.divide(maps - low, span, out=np.zeros_like(maps), where=span > 0)


def ablation_cam(
    trace: Trace, target: Target | None = None, layer: str | int | None = None, progress: Progress = quiet
) -> Array:
    """Each channel weighted by how much of the score is lost without it: no gradient, a pass of the layers above each.

    progress: told of the passes. Desai and Ramaswamy 2020.
    """
    a = trace[spatial_layer(trace, layer)]
    return np.maximum(signed_map(ablation_weights(trace, target, layer, progress), a), 0)


def ablation_weights(
    trace: Trace, target: Target | None = None, layer: str | int | None = None, progress: Progress = quiet
) -> Array:
    """(score - score without the channel) / |score|; the paper divides by the score itself, which turns the map of a
    negative one upside down. Channels that are silent everywhere lose nothing and are not run."""
    layer = spatial_layer(trace, layer)
    a, asked = trace[layer], seed(trace, target)
    drop = np.zeros(a.shape[:2], a.dtype)
    whole = scores(trace.output, asked)  # (n,)
    for i in range(len(a)):
        alive = np.flatnonzero(a[i].any(axis=(1, 2)))

        def without(some: slice, i: int = i, alive: Array = alive) -> Array:
            channels = alive[some]
            values = np.repeat(a[i][None], len(channels), axis=0)
            values[np.arange(len(channels)), channels] = 0
            return values

        left = scores_from(trace, layer, asked[i], len(alive), without, progress, "Ablation-CAM")
        drop[i, alive] = (whole[i] - left) / (abs(whole[i]) or 1)
    return drop[:, :, None, None]


def eigen_cam(trace: Trace, target: Target | None = None, layer: str | int | None = None) -> Array:
    """What the layer shows most, whatever the class: its activations along their first principal direction.

    The target changes nothing. Muhammad and Yeasin 2020.
    """
    a = trace[spatial_layer(trace, layer)]
    return np.maximum(signed_map(eigen_weights(a), a), 0)


def eigen_weights(a: Array) -> Array:
    """The first right singular vector of the cells x channels matrix, not centred, with the sign that makes the map's
    sum positive: a singular vector has none of its own."""
    cells = a.reshape(*a.shape[:2], -1).transpose(0, 2, 1)  # (n, cells, k)
    first = np.linalg.svd(cells, full_matrices=False)[2][:, 0]  # (n, k)
    side = np.sign((cells.sum(axis=1) * first).sum(axis=1, keepdims=True))  # (n, 1)
    return (first * np.where(side == 0, 1, side).astype(a.dtype))[:, :, None, None]
