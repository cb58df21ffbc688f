"""Where training starts from: He initialisation, then every unit brought to mean 0 and variance 1 on real pictures.

The deep narrow network learns three times as fast from there (compare Mishkin and Matas 2016).
"""

import numpy as np

from numcam.nn import Network
from numcam.nn.types import Array, Parameterless, Shape


def standardised(network: Network, x: Array, last_scale: float = 0.1) -> Network:
    """The network with each unit's pre-activation standardised over the pictures x, layer after layer.

    The last layer is scaled down by `last_scale` instead, so that the first predictions are undecided.
    """
    layers = dict(network.layers)
    last = [name for name, layer in layers.items() if layer.parameters][-1]
    for name, layer in layers.items():
        if name == last:
            layer = layer.with_parameters(
                {"weight": layer.parameters["weight"] * np.float32(last_scale), "bias": layer.parameters["bias"]}
            )
        elif layer.parameters:
            out = layer.forward(x)
            axes = (0, *range(2, out.ndim))  # every axis but the units'
            mean, sd = out.mean(axis=axes), out.std(axis=axes) + np.float32(1e-6)
            weight = layer.parameters["weight"]
            scaled = weight / sd.reshape(-1, *[1] * (weight.ndim - 1))
            layer = layer.with_parameters({"weight": scaled, "bias": -mean / sd})
        layers[name] = layer
        x = layer.forward(x)
    return Network(layers)


class PlaceOnMap(Parameterless):
    """Puts a small map somewhere on a map of zeros, so that a head made for 7x7 cells can learn from crops."""

    def __init__(self, size: tuple[int, int], seed: int = 0) -> None:
        self.size, self.seed = size, seed

    def thinned(self, seed: int) -> "PlaceOnMap":
        """The same layer with another place."""
        return PlaceOnMap(self.size, seed)

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:2], *self.size)

    def forward(self, x: Array) -> Array:
        out = np.zeros(self.output_shape(x.shape), x.dtype)
        out[self._place(x.shape)] = x
        return out

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return dout[self._place(x.shape)]

    def _place(self, shape: Shape) -> tuple[slice, ...]:
        rng = np.random.default_rng(self.seed)
        top, left = (int(rng.integers(size - small + 1)) for size, small in zip(self.size, shape[2:], strict=True))
        return (slice(None), slice(None), slice(top, top + shape[2]), slice(left, left + shape[3]))


def with_place(network: Network) -> Network:
    """The network with a PlaceOnMap after pool5, for crops."""
    pairs = []
    for name, layer in network.layers.items():
        pairs += [(name, layer), ("place", PlaceOnMap((7, 7)))] if name == "pool5" else [(name, layer)]
    return Network(pairs)


def without_place(network: Network) -> Network:
    """The network for whole pictures again."""
    return Network((name, layer) for name, layer in network.layers.items() if name != "place")
