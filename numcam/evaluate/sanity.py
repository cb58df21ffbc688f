"""Sanity checks: an explanation of what a network has learned must change when that is replaced by noise.

Adebayo et al. 2018: parameters are drawn anew from the last layer down, cascading (all down to a layer) or independent
(that layer alone), and the explanations compared with the trained network's.
"""

from collections.abc import Iterator

import numpy as np

from numcam.evaluate.explanations import native
from numcam.evaluate.similarity import spearman, ssim, unit
from numcam.explain import upsample
from numcam.models.classifier import Classifier
from numcam.nn import Network
from numcam.nn.types import Array

MODES = ("cascading", "independent")


def learned(network: Network) -> list[str]:
    """The layers with parameters, the last first."""
    return [name for name, layer in reversed(list(network.layers.items())) if layer.parameters]


def randomised(network: Network, layers: list[str], seed: int = 0) -> Network:
    """The network with these layers drawn anew: weights normal, of variance 2 / inputs (He et al. 2015), biases 0.

    A layer's draw depends on its place in the network alone, so that cascading changes one layer at a time.
    """
    places = {name: i for i, name in enumerate(network.layers)}
    parameters = dict(network.parameters)
    for layer in layers:
        rng = np.random.default_rng([seed, places[layer]])
        for key, value in network.layers[layer].parameters.items():
            scale = np.sqrt(2 / np.prod(value.shape[1:])) if key == "weight" else 0.0
            parameters[f"{layer}.{key}"] = (scale * rng.standard_normal(value.shape)).astype(value.dtype)
    return network.with_parameters(parameters)


def networks(network: Network, mode: str, seed: int = 0) -> Iterator[tuple[str, Network]]:
    """For each learned layer, the last first: its name, and the network randomised down to it, or there alone."""
    layers = learned(network)
    for i, layer in enumerate(layers):
        yield layer, randomised(network, layers[: i + 1] if mode == "cascading" else [layer], seed)


def views(classifier: Classifier, x: Array, method: str, target: Array) -> tuple[Array, Array]:
    """The explanation of each picture as one signed and one absolute map, (n, rows, cols) both.

    In pixel space these are the sum over the colour channels, and the sum of the absolute values.
    """
    trace = classifier.forward(x, engine="fast")
    found = native(trace, method, target)
    if found.ndim == 4:
        return found.sum(axis=1), np.abs(found).sum(axis=1)
    map = upsample(found, x.shape[2:])
    return map, np.abs(map)


def compared(before: tuple[Array, Array], after: tuple[Array, Array]) -> Array:
    """For each picture: Spearman of the absolute and of the signed maps, and SSIM of the absolute ones, (n, 3)."""
    return np.array(
        [
            (spearman(absolute, other), spearman(signed, signed_other), ssim(unit(absolute), unit(other)))
            for signed, absolute, signed_other, other in zip(*before, *after, strict=True)
        ]
    )
