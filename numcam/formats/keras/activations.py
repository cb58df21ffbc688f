"""Keras's activations: by name, as layers, and as what gives the probabilities at the end."""

from collections.abc import Callable, Mapping
from typing import Any

from numcam.formats.checkpoint import Refused
from numcam.formats.keras.config import KerasLayer
from numcam.formats.keras.state import Model, number_of
from numcam.formats.steps import SELU

FUNCTIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "relu": ("ReLU", {}),
    "relu6": ("ClippedReLU", {"most": 6.0}),
    "tanh": ("Tanh", {}),
    "elu": ("ELU", {"alpha": 1.0, "scale": 1.0}),
    "selu": ("ELU", SELU),
    "silu": ("SiLU", {}),
    "swish": ("SiLU", {}),
    "gelu": ("GELU", {"approximate": False}),
    "softplus": ("Softplus", {}),
    "leaky_relu": ("LeakyReLU", {"slope": 0.2}),
}
"""Keras's functions with their defaults: leaky_relu has a slope of 0.2, and gelu is not approximate."""


def _rectifier(model: Model, layer: KerasLayer) -> None:
    if number_of(layer, "threshold", default=0):
        raise Refused(f"its layer {layer.name!r} is a ReLU with a threshold, which numcam does not compute")
    slope, most = number_of(layer, "negative_slope", default=0), layer.config.get("max_value")
    if most is not None and slope:
        raise Refused(f"its layer {layer.name!r} is a ReLU with a slope and an end, which numcam does not compute")
    if most is not None:
        model.add("ClippedReLU", layer, most=number_of(layer, "max_value", default=6))
    elif slope:
        model.add("LeakyReLU", layer, slope=slope)
    else:
        model.add("ReLU", layer)


def activate(model: Model, layer: KerasLayer, given: object) -> None:
    """An activation by its name, or as Keras 3 writes functions and layers in its place."""
    if isinstance(given, dict):
        kind, config = given.get("class_name"), given.get("config")
        if isinstance(config, dict) and kind in LAYERS:
            inner = KerasLayer(layer.name, str(kind), config, layer.models, layer.group, {})
            LAYERS[str(kind)](model, inner)
            return
        given = config if isinstance(config, str) else kind
    if given in (None, "linear"):
        return
    if given in ("softmax", "sigmoid"):
        model.go_on()
        model.end = (str(given), layer.name)
        return
    if not isinstance(given, str) or given not in FUNCTIONS:
        raise Refused(f"its layer {layer.name!r} has the activation {str(given)[:60]!r}, which numcam does not compute")
    type, settings = FUNCTIONS[given]
    model.add(type, layer, **settings)


def _softmax(model: Model, layer: KerasLayer) -> None:
    axis = layer.config.get("axis", -1)
    if axis not in (-1, len(model.shape), [-1]):
        raise Refused(f"its layer {layer.name!r} is a softmax along axis {axis!r}; expected that of the classes")
    activate(model, layer, "softmax")


LAYERS: Mapping[str, Callable[[Model, KerasLayer], None]] = {
    "ReLU": _rectifier,
    "LeakyReLU": lambda model, layer: model.add(
        "LeakyReLU", layer, slope=number_of(layer, "negative_slope", "alpha", default=0.3)
    ),
    "ELU": lambda model, layer: model.add("ELU", layer, alpha=number_of(layer, "alpha", default=1), scale=1.0),
    "Softmax": _softmax,
    "Activation": lambda model, layer: activate(model, layer, layer.config.get("activation")),
}
"""Activations as layers, which may also stand where a name is expected."""
