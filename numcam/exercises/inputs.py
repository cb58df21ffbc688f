"""What answers are tried on: readable numbers, and a small network with VGG's layer names."""

from functools import cache

import numpy as np

from numcam.models.classifier import Classifier
from numcam.models.preprocessing import Preprocessing
from numcam.nn import Conv2d, Flatten, Linear, MaxPool2d, Network, ReLU, Trace
from numcam.nn.types import Array, Layer

SIZE = (8, 12)


def numbers(seed: int, *shape: int) -> Array:
    """Eighths between -2 and 2, some exactly 0, some equal: short to print, and the same in float32."""
    return np.random.default_rng(seed).integers(-16, 17, shape) / 8


def integers(*rows: object) -> Array:
    """An array of small whole numbers, written out."""
    return np.array(rows, np.float64)


@cache
def small_network() -> Network:
    """VGG's last two blocks in small, float64, for pictures (n, 3, 8, 12); all channel counts different. Read-only."""
    rng = np.random.default_rng(4)

    def drawn(*shape: int) -> Array:
        return np.round(rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:])), 3)

    def bias(units: int) -> Array:
        return np.round(rng.standard_normal(units) * 0.2, 3)

    layers: dict[str, Layer] = {
        "conv4_3": Conv2d(drawn(4, 3, 3, 3), bias(4), padding=1),
        "relu4_3": ReLU(),
        "pool4": MaxPool2d(2),
        "conv5_3": Conv2d(drawn(5, 4, 3, 3), bias(5), padding=1),
        "relu5_3": ReLU(),
        "pool5": MaxPool2d(2),
        "flatten": Flatten(),
        "fc6": Linear(drawn(12, 30), bias(12)),
        "relu6": ReLU(),
        "fc8": Linear(drawn(4, 12), bias(4)),
    }
    return read_only(Network(layers))


def read_only(network: Network) -> Network:
    """The network, with parameters that refuse to be written into: all cases share them."""
    for parameter in network.parameters.values():
        parameter.flags.writeable = False
    return network


@cache
def small_trace(n: int = 3, seed: int = 1) -> Trace:
    """One forward pass of `n` pictures; the second half of the first one is empty, as a flat background is."""
    x = numbers(seed, n, 3, *SIZE)
    x[0, :, :, SIZE[1] // 2 :] = 0
    return small_network().forward(x)


@cache
def small_classifier() -> Classifier:
    """The network behind a preprocessing that reverses the channels and scales each of them differently."""
    preprocessing = Preprocessing((123.0, 117.0, 104.0), (64.0, 80.0, 50.0), "BGR")
    return Classifier(small_network(), ("cat", "dog", "bird", "fish"), preprocessing, SIZE, "small")


@cache
def small_pixels(n: int = 2, seed: int = 3) -> Array:
    """Pictures (n, 3, 8, 12) in 0-255 as the classifier takes them, some values at either end."""
    pixels = np.random.default_rng(seed).integers(0, 256, (n, 3, *SIZE)).astype(np.float64)
    pixels[:, :, 0], pixels[:, :, 1] = 0, 255
    return pixels
