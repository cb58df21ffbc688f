"""Explanations as maps that can be compared, by name, and two that know nothing: a measure must be able to tell."""

import numpy as np

from numcam.errors import InputError, did_you_mean
from numcam.explain import METHODS, upsample
from numcam.nn import Trace
from numcam.nn.types import Array

CONTROLS = ("random", "centre")
"""Noise, drawn anew for each picture from its pixels; and a hill in the middle, whatever the picture."""


def names(asked: str | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Method names from a list "grad-cam,saliency", "all", or None for the default; InputError for an unknown one."""
    if asked is None:
        return default
    known = (*METHODS, *CONTROLS)
    if asked == "all":
        return known
    wanted = tuple(name.strip().lower().replace("-", "_") for name in asked.split(",") if name.strip())
    for name in wanted:
        if name not in known:
            raise InputError(f"no method {name!r}; {did_you_mean(name, known, most=40)}")
    if not wanted:
        raise InputError(f"no method named; there are {', '.join(known)}")
    return tuple(dict.fromkeys(wanted))


def native(trace: Trace, method: str, target: Array) -> Array:
    """The explanation as the method gives it: (n, rows, cols), or (n, 3, rows, cols) in pixel space."""
    if method == "random":
        return np.stack([noise(x) for x in trace["input"]])
    if method == "centre":
        return np.repeat(hill(trace["input"].shape[2:])[None], len(trace["input"]), axis=0)
    return METHODS[method](trace, target)


def strength(explanation: Array) -> Array:
    """One map per picture, (n, rows, cols): in pixel space the largest absolute value over the colour channels."""
    return np.abs(explanation).max(axis=1) if explanation.ndim == 4 else explanation


def maps(trace: Trace, method: str, target: Array) -> Array:
    """One map per picture at the input's resolution, (n, rows, cols), whatever kind of explanation it is."""
    return upsample(strength(native(trace, method, target)), trace["input"].shape[2:])


def noise(x: Array) -> Array:
    """Values drawn evenly from [0, 1), (rows, cols); the same picture x (3, rows, cols) gives the same."""
    seed = int(np.abs(x).sum(dtype=np.float64) * 1000) % 2**32
    return np.random.default_rng(seed).uniform(size=x.shape[1:]).astype(x.dtype)


def hill(size: tuple[int, int]) -> Array:
    """1 in the middle, falling off to 0.04 in the corners, (rows, cols) float32."""
    rows, cols = (np.linspace(-1, 1, n) ** 2 for n in size)
    return np.exp(-1.6 * (rows[:, None] + cols)).astype(np.float32)
