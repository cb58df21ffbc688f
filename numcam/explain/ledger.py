"""Bookkeeping: a network of convolutions, ReLUs and pooling is linear piece by piece, so its logit is a sum that can be
written down at every layer: activations times gradient, plus what the biases above added."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from numcam.errors import InputError
from numcam.explain.target import predicted, scores, seed
from numcam.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Target,
    Trace,
    ZeroPad2d,
)
from numcam.nn.types import Array, Layer

WITHOUT_BIAS = (
    ReLU, LeakyReLU, MaxPool2d, AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool2d, GlobalMaxPool2d, ZeroPad2d, Flatten,
    Dropout,
)  # fmt: skip
"""Twice the input, twice the output: these add nothing of their own."""


@dataclass(frozen=True)
class Ledger:
    """score = positive + negative + bias at every layer, but for rounding.

    layers: the names from the output down to "input". positive, negative: the sums of the terms A g above and below 0
    at that layer; bias: what the layers above it add; each (layers, n), float64. score: (n,).
    """

    layers: tuple[str, ...]
    positive: Array
    negative: Array
    bias: Array
    score: Array

    @property
    def total(self) -> Array:
        """What each layer's line adds up to, (layers, n)."""
        return self.positive + self.negative + self.bias

    @property
    def gap(self) -> Array:
        """How far each line is from the score, (layers, n): rounding."""
        return self.total - self.score

    def lines(self, picture: int = 0) -> Iterator[str]:
        """The table of one picture, line by line."""
        yield f"{'layer':8} {'for':>12} {'against':>12} {'biases above':>13} {'sum':>12} {'off by':>9}"
        parts = self.positive, self.negative, self.bias, self.total, self.gap
        for i, name in enumerate(self.layers):
            plus, minus, bias, total, gap = (float(part[i, picture]) for part in parts)
            yield f"{name:8} {plus:12.4f} {minus:12.4f} {bias:13.4f} {total:12.6f} {gap:9.1e}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def ledger(trace: Trace, target: Target | None = None) -> Ledger:
    """The score of the target written as a sum at every layer.

    score = sum of A g at a layer + the biases of all layers above, each bias times the gradient at its layer's output.
    target as in `grad_cam`. InputError for a network that is not linear piece by piece, such as one with a softmax.
    """
    target = predicted(trace) if target is None else target
    grads = trace.backward(target)
    names = list(trace)
    n = len(trace.output)
    bias = np.zeros(n)
    rows = [(names[-1], *_terms(trace[names[-1]], grads[names[-1]]), bias)]
    for before, name in reversed(list(pairwise(names))):
        part = bias_part(trace.network.layers[name], name, grads[name])
        if part is not None:
            bias = bias + part.reshape(n, -1).sum(axis=1, dtype=np.float64)
        rows.append((before, *_terms(trace[before], grads[before]), bias))
    layers, positive, negative, biases = zip(*rows, strict=True)
    score = scores(trace.output.astype(np.float64), seed(trace, target))
    return Ledger(tuple(layers), np.stack(positive), np.stack(negative), np.stack(biases), score)


def bias_part(layer: Layer, name: str, gradient: Array) -> Array | None:
    """What a layer's bias adds to the score, unit by unit, in the shape of its output; None for a layer without one.

    gradient: d(score)/d(the layer's output). InputError for a layer that is not known to be linear piece by piece.
    """
    if isinstance(layer, Linear):
        return layer.bias * gradient
    if isinstance(layer, Conv2d):
        return layer.bias[:, None, None] * gradient
    if isinstance(layer, BatchNorm2d):
        shift = layer.bias - layer.mean * layer.weight / np.sqrt(layer.variance + layer.epsilon)
        return shift.reshape(-1, *(1,) * (gradient.ndim - 2)) * gradient
    if isinstance(layer, WITHOUT_BIAS):
        return None
    raise InputError(
        f"{name} is a {type(layer).__name__}, which is not known to be linear piece by piece: the score is no sum of "
        "activations times gradient. Explain a network that ends in logits"
    )


def _terms(a: Array, g: Array) -> tuple[Array, Array]:
    """The sums of the positive and of the negative A g, (n,) each."""
    terms = np.multiply(a, g, dtype=np.float64).reshape(len(a), -1)
    return np.maximum(terms, 0).sum(axis=1), np.minimum(terms, 0).sum(axis=1)
