"""One method's answer for one class of one picture, with everything that it takes to trust or to doubt it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np

from numcam.errors import InputError, did_you_mean
from numcam.explain.cams import (
    counterfactual_weights,
    grad_cam_weights,
    hires_weights,
    layer_cam_weights,
    plus_plus_weights,
    signed_map,
    xgrad_weights,
)
from numcam.explain.fused import fuse
from numcam.explain.methods import EVERY
from numcam.explain.other_cams import ablation_weights, cam_weights, eigen_weights, score_weights
from numcam.explain.standing import pooling_ties, standing
from numcam.explain.target import activations_and_gradient, predicted, spatial_layer
from numcam.nn import Target, Trace
from numcam.nn.types import Array

OF_GRADIENT: dict[str, Callable[[Array, Array], Array]] = {
    "grad_cam": grad_cam_weights,
    "counterfactual_grad_cam": counterfactual_weights,
    "grad_cam_plus_plus": plus_plus_weights,
    "xgrad_cam": xgrad_weights,
    "hires_cam": hires_weights,
    "layer_cam": layer_cam_weights,
}
OF_PASSES: dict[str, Callable[..., Array]] = {"score_cam": score_weights, "ablation_cam": ablation_weights}


@dataclass(frozen=True)
class Finding:
    """A method's answer for one class of one picture, and what it rests on.

    values: what the method returns for the picture, (rows, cols) or (3, rows, cols). signed: the same before any ReLU.
    alpha: the weight of each channel, (k,), where the method has one. kept, removed: the sums of the signed map above
    and below 0, the latter being what the ReLU took away. score: the target's; margin: how far it is above the best
    other class, None in a network without classes; best: the likeliest class; probability: the target's softmax in
    float64; saturated: whether that rounds to 1 in float32, so that its gradient is 0. ties of windows: pooling windows
    between what is explained and the output that hold their (positive) maximum more than once. peaks: how many cells
    share the maximum of a layer's map. layer and index: None where there is none.
    """

    method: str
    layer: str | None
    index: int | None
    values: Array
    signed: Array
    alpha: Array | None
    kept: float
    removed: float
    score: float
    margin: float | None
    best: int | None
    probability: float | None
    saturated: bool
    ties: int
    windows: int
    peaks: int

    @property
    def blank(self) -> bool:
        """Whether the method found nothing at all."""
        return not self.values.any()


def find(
    trace: Trace,
    target: Target | None = None,
    method: str = "grad_cam",
    layer: str | int | None = None,
    picture: int = 0,
    **options: Any,
) -> Finding:
    """Explain one picture of the trace by a method of METHODS (or "cam"), and look at the answer.

    values are those of METHODS[method](trace, target, layer, **options)[picture]. InputError as there, and for a method
    or an option that does not exist.
    """
    _check(method, options)
    target = predicted(trace) if target is None else target
    of_layer = has_layer(method)
    if method == "cam":
        layer = cam_weights(trace, target, layer)[0]
    elif of_layer:
        layer = spatial_layer(trace, layer)
    else:
        layer = None
    w, a = _weights(trace, target, method, layer, options)
    if w is None:
        keywords = {**options, "layer": layer} if of_layer else options
        values = signed = EVERY[method](trace, target, **keywords)[picture]
    else:
        signed = signed_map(w, a)[picture]
        values = np.maximum(signed, 0)
    alpha = w[picture, :, 0, 0] if w is not None and w.shape[2:] == (1, 1) else None
    ties, windows = pooling_ties(trace, layer or "input", picture)
    top = values.max()
    return Finding(
        method=method,
        layer=layer,
        values=values,
        signed=signed,
        alpha=alpha,
        kept=float(np.maximum(signed, 0).sum(dtype=np.float64)),
        removed=float(-np.minimum(signed, 0).sum(dtype=np.float64)) if w is not None else 0.0,
        ties=ties,
        windows=windows,
        peaks=int((values == top).sum()) if top > 0 and w is not None else 0,
        **standing(trace, target, picture),
    )


def find_fused(layers: Sequence[str], found: Sequence[Finding]) -> Finding:
    """The findings of one method at several layers as one, fused as in `fused`; its layer is "relu4_3+relu5_3"."""
    values = fuse([one.values[None] for one in found])[0]
    return replace(
        found[-1],
        layer="+".join(layers),
        values=values,
        signed=values,
        alpha=None,
        kept=sum(one.kept for one in found),
        removed=sum(one.removed for one in found),
        peaks=int((values == values.max()).sum()) if values.any() else 0,
    )


def _check(method: str, options: Mapping[str, object]) -> None:
    if method not in EVERY:
        raise InputError(f"no method {method!r}; {did_you_mean(method, EVERY, most=30)}")
    takes = [name for name in signature(EVERY[method]).parameters if name not in ("trace", "target", "layer")]
    for name in options:
        if name not in takes:
            raise InputError(f"{method} takes {', '.join(takes) or 'no options'}; got {name}")


def has_layer(method: str) -> bool:
    """Whether the method explains at a layer that can be chosen."""
    return "layer" in signature(EVERY[method]).parameters


def _weights(
    trace: Trace, target: Target, method: str, layer: str | int | None, options: dict[str, Any]
) -> tuple[Array | None, Array]:
    """The method's channel weights and the activations they belong to; None for a method that is no weighted sum."""
    if method in OF_GRADIENT:
        a, g = activations_and_gradient(trace, target, layer)
        return OF_GRADIENT[method](a, g), a
    if method in OF_PASSES:
        return OF_PASSES[method](trace, target, layer, **options), trace[spatial_layer(trace, layer)]
    if method == "eigen_cam":
        a = trace[spatial_layer(trace, layer)]
        return eigen_weights(a), a
    if method == "cam":
        below, w = cam_weights(trace, target, layer)
        return w, trace[below]
    return None, trace.output
