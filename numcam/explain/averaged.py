"""Gradients in pixel space averaged over many inputs: over noisy copies, and along the way from a blank picture."""

import numpy as np

from numcam.errors import InputError
from numcam.explain.forward_passes import Progress, quiet
from numcam.explain.target import predicted, scores
from numcam.explain.target import seed as seed_of
from numcam.nn import Target, Trace
from numcam.nn.types import Array


def smooth_grad(
    trace: Trace,
    target: Target | None = None,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
    progress: Progress = quiet,
) -> Array:
    """The mean gradient of `samples` noisy copies of each picture, signed: (n, 3, rows, cols).

    noise: the standard deviation of what is added, as a share of the picture's range. All pictures of a batch get the
    same draws, scaled. target None = the class predicted without noise. Smilkov et al. 2017.
    """
    if samples < 1 or noise < 0:
        raise InputError(f"SmoothGrad takes at least 1 sample and noise of 0 or more; got {samples} and {noise}")
    x = trace["input"]
    target = predicted(trace) if target is None else target
    deviation = noise * np.ptp(x, axis=(1, 2, 3))[:, None, None, None]  # (n, 1, 1, 1)
    rng = np.random.default_rng(seed)
    total = np.zeros_like(x)
    for _ in progress(range(samples), "SmoothGrad"):
        noisy = x + (deviation * rng.standard_normal(x.shape[1:])).astype(x.dtype)
        total += trace.network.forward(noisy).backward(target)["input"]
    return total / samples


def integrated_gradients(
    trace: Trace,
    target: Target | None = None,
    steps: int = 50,
    baseline: float | Array = 0.0,
    progress: Progress = quiet,
) -> Array:
    """What each value contributes to logit(x) - logit(baseline), signed: (n, 3, rows, cols).

    The gradient's mean along the straight line from the baseline to x, at the middles of `steps` equal pieces, times
    x - baseline. baseline: in the network's input space, where 0 is the mean colour; a number, or an array that
    broadcasts to x. What the finite number of steps leaves out, `completeness_gap` tells. Sundararajan et al. 2017.
    """
    if steps < 1:
        raise InputError(f"integrated gradients take at least 1 step; got {steps}")
    x = trace["input"]
    target = predicted(trace) if target is None else target
    way = x - np.asarray(baseline, x.dtype)
    total = np.zeros_like(x)
    for step in progress(range(steps), "integrated gradients"):
        here = x - way * x.dtype.type(1 - (step + 0.5) / steps)
        total += trace.network.forward(here).backward(target)["input"]
    return way * (total / steps)


def completeness_gap(
    trace: Trace, contributions: Array, target: Target | None = None, baseline: float | Array = 0.0
) -> Array:
    """The sum of integrated gradients less logit(x) - logit(baseline), which it should be: (n,)."""
    asked = seed_of(trace, target)
    blank = trace["input"] * 0 + np.asarray(baseline, trace["input"].dtype)
    before = scores(trace.network.forward(blank).output, asked)
    return contributions.sum(axis=(1, 2, 3)) - (scores(trace.output, asked) - before)
