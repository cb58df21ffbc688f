"""How exact the fast engine is: it and PyTorch in float32, both compared with PyTorch in float64."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from numcam import scenes
from numcam.bench.jobs import TARGET, subject
from numcam.bench.with_torch import module
from numcam.models.classifier import Classifier
from numcam.nn import MaxPool2d, Network
from numcam.nn.fast.gates import corners
from numcam.nn.types import Array

SCALES = {"inputs of 1, biases of 0.05": (1.0, 0.05), "inputs of 60, biases of 0.5": (60.0, 0.5)}
"""Published weights take pixels that are divided by their standard deviation (PyTorch), or only centred (Caffe)."""

LEGEND = """logits, gradient (of a logit by the pixels): L2 norm of the difference from float64, as a share of the norm
there; median and worst of the pictures. gates, winners: how many of a million ReLU gates, and of a million pooling
windows, fall another way than in float64."""


@dataclass
class Errors:
    """Of one engine: a number for each picture."""

    logits: list[float] = field(default_factory=list)
    gradient: list[float] = field(default_factory=list)
    gates: list[float] = field(default_factory=list)
    winners: list[float] = field(default_factory=list)

    def line(self, who: str) -> str:
        """A line of the table."""
        cells = [f"{np.median(e):10.1e} {np.max(e):8.1e}" for e in (self.logits, self.gradient)]
        flips = [f"{1e6 * np.mean(f):10.2f}" for f in (self.gates, self.winners)]
        return f"{who:10} {' '.join((*cells, *flips))}"


HEAD = f"{'':10} {'logits':>10} {'worst':>8} {'gradient':>10} {'worst':>8} {'gates':>10} {'winners':>10}"

Record = tuple[Array, Array, dict[str, Array]]
"""Logits, the target's gradient with respect to the pixels, and what each ReLU gives."""


def errors(model: str, count: int) -> Iterator[str]:
    """Measure on so many pictures, half of them drawn scenes and half smooth noise, and yield lines."""
    yield f"\n{model}, {count} pictures\n{LEGEND}"
    classifier = subject(model)
    for kind, network, scale in _networks(classifier):
        pictures = ((scale * _picture(classifier, number)).astype(np.float32) for number in range(count))
        yield f"\n{kind}\n{HEAD}"
        yield from (of.line(who) for who, of in measured(network, pictures).items())


def measured(network: Network, pictures: Iterable[Array]) -> dict[str, Errors]:
    """The errors of numcam and of PyTorch; each picture (1, 3, rows, cols) float32."""
    found = {"numcam": Errors(), "PyTorch": Errors()}
    single = module(network).requires_grad_(False)
    double = module(network).double().requires_grad_(False)
    layers = list(network.layers.items())
    pooled = [name for (name, _), (_, above) in pairwise(layers) if isinstance(above, MaxPool2d)]
    for x in pictures:
        exact = _by_torch(double, x.astype(np.float64))
        _add(found["numcam"], _by_numcam(network, x), exact, pooled)
        _add(found["PyTorch"], _by_torch(single, x), exact, pooled)
    return found


def _networks(classifier: Classifier) -> Iterator[tuple[str, Network, float]]:
    if classifier.name == "pocket":
        yield "its own weights", classifier.network, 1.0
        return
    for kind, (scale, bias) in SCALES.items():
        yield f"random weights, {kind}", with_biases(classifier.network, bias), scale


def with_biases(network: Network, spread: float) -> Network:
    """The network with biases drawn from a normal distribution of this standard deviation, always the same."""
    rng = np.random.default_rng(0)
    return network.with_parameters(
        {
            name: rng.normal(0, spread, a.shape).astype(np.float32) if name.endswith("bias") else a
            for name, a in network.parameters.items()
        }
    )


def _picture(classifier: Classifier, number: int) -> Array:
    """(1, 3, 224, 224) of variance near 1."""
    if number % 2 == 0:
        return classifier.preprocess(scenes.draw(number).image)
    noise = np.random.default_rng(number).standard_normal((1, 3, 224, 224)).cumsum(2).cumsum(3)
    return np.asarray(noise / noise.std())


def _by_numcam(network: Network, x: Array) -> Record:
    trace = network.forward(x)
    kept = {name: trace[name] for name in trace if name.startswith("relu")}
    return trace.output, trace.backward(TARGET)["input"], kept


def _by_torch(net: Any, x: Array) -> Record:
    leaf = here = torch.from_numpy(x).requires_grad_()
    kept = {}
    for name, layer in net.named_children():
        here = layer(here)
        if isinstance(layer, nn.ReLU):
            kept[name] = here.detach().numpy()
    (gradient,) = torch.autograd.grad(here[0, TARGET], leaf)
    return here.detach().numpy(), gradient.numpy(), kept


def _add(errors: Errors, found: Record, exact: Record, pooled: Iterable[str]) -> None:
    errors.logits.append(_apart(found[0], exact[0]))
    errors.gradient.append(_apart(found[1], exact[1]))
    errors.gates.append(_share((found[2][name] > 0) != (e > 0) for name, e in exact[2].items()))
    errors.winners.append(_share(_other_winners(found[2][name], exact[2][name]) for name in pooled))


def _share(flips: Iterable[Array]) -> float:
    counted = [(np.count_nonzero(flipped), flipped.size) for flipped in flips]
    return sum(some for some, _ in counted) / sum(of for _, of in counted)


def _apart(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def _other_winners(found: Array, exact: Array) -> Array:
    """For each 2x2 window: is its maximum where the exact value is less than the largest?"""
    f, e = (_windows(a) for a in (found, exact))
    chosen = np.take_along_axis(e, f.argmax(axis=1)[:, None], axis=1)[:, 0]
    largest = e.max(axis=1)
    return np.asarray(chosen < largest - 1e-12 * np.abs(largest))


def _windows(a: Array) -> Array:
    """(all 2x2 windows, 4) of a (n, c, rows, cols)."""
    return np.stack(corners(a.reshape(-1, *a.shape[2:])), axis=-1).reshape(-1, 4)
