"""A network as a file states it, step by step, on its way to the chain of layers that numcam computes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from numcam.formats.checkpoint import Refused
from numcam.models.chain import TYPES, Described, chained, names
from numcam.models.preprocessing import Preprocessing
from numcam.models.vgg import assemble, row_with
from numcam.nn import Dropout, Network
from numcam.nn.types import Array, Layer, Shape

SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}
"""ELU's settings that make it SELU (Klambauer et al. 2017)."""


@dataclass(frozen=True)
class Parameter:
    """One of numcam's arrays: its shape, and view(), which gives it, perhaps still to be reshaped."""

    shape: Shape
    view: Callable[[], Array]

    def array(self) -> Array:
        """The values, in their shape."""
        return self.view().reshape(self.shape)


@dataclass(frozen=True)
class Step:
    """A layer: its type in `models.chain`, its name in the file, its settings, and its arrays in numcam's layout."""

    type: str
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    name: str = ""
    """Of its own, where it is none of the network's layers."""


def constant(values: Any) -> Parameter:
    """An array that no file holds."""
    array = np.asarray(values, np.float32)
    return Parameter(array.shape, lambda: array)


def channels_first(read: Callable[[], Array], places: tuple[int, int, int]) -> Array:
    """Keras flattens (rows, cols, c), numcam (c, rows, cols): (in, out) -> (out, in) in numcam's order, a view."""
    values = read()
    return values.reshape(*places, -1).transpose(3, 2, 0, 1)


LUMA = (0.299, 0.587, 0.114)
"""What red, green and blue add to grey (ITU-R BT.601), as Pillow and Keras make it."""


def coloured(channels: int, preprocessing: Preprocessing) -> tuple[list[Step], list[str]]:
    """A first layer that makes what a network of other channels than RGB takes, and a sentence about it: grey for one,
    opaque for four. It stands behind the preprocessing, so that one mean and one scale mean the same before and after.
    """
    if channels == 3:
        return [], []
    order = -1 if preprocessing.order == "BGR" else 1
    if channels == 1:
        weight, bias = np.reshape(LUMA[::order], (1, 3, 1, 1)), np.zeros(1)
        name, sentence = "grey", "pictures made grey for its one channel"
    elif channels == 4:
        opaque = (255 - preprocessing.mean[-1]) / preprocessing.scale[-1]
        weight, bias = np.eye(4, 3).reshape(4, 3, 1, 1), np.array([0, 0, 0, opaque])
        name, sentence = "opaque", "pictures that are opaque, for its fourth channel"
    else:
        raise Refused(f"its first layer takes {channels} channels; pictures have 3, from which 1 or 4 can be made")
    parameters = {"weight": constant(weight), "bias": constant(bias)}
    return [Step("Conv2d", "", {"stride": (1, 1), "padding": (0, 0)}, parameters, name)], [sentence]


def output_shape(step: Step, shape: Shape) -> Shape:
    """The shape behind a step for one of (c, rows, cols) or (units,) before it; Refused where they do not fit."""
    arrays = {key: np.broadcast_to(np.float32(0), p.shape) for key, p in step.parameters.items()}
    try:
        layer: Layer = TYPES[step.type](**arrays, **step.settings)
        return layer.output_shape((1, *shape))[1:]
    except (ValueError, TypeError) as error:
        raise Refused(f"its layer {step.source!r} does not fit: {error}") from None


def folded(steps: Sequence[Step]) -> list[Step]:
    """Batch normalisation right behind a convolution or linear layer put into its weights: another convolution (Ioffe
    and Szegedy 2015, section 3.2)."""
    found: list[Step] = []
    for step in steps:
        before = found[-1] if found else None
        if before and (before.type, step.type) in (("Conv2d", "BatchNorm2d"), ("Linear", "BatchNorm1d")):
            found[-1] = _folded(before, step)
        else:
            found.append(step)
    return found


def _folded(before: Step, norm: Step) -> Step:
    epsilon = np.float32(norm.settings["epsilon"])
    w, b = before.parameters["weight"], before.parameters["bias"]

    def gain() -> Array:
        values: Array = norm.parameters["weight"].array() / np.sqrt(norm.parameters["variance"].array() + epsilon)
        return values

    def weight() -> Array:
        return w.array() * gain().reshape(-1, *(1,) * (len(w.shape) - 1))

    def bias() -> Array:
        return (b.array() - norm.parameters["mean"].array()) * gain() + norm.parameters["bias"].array()

    parameters = {"weight": Parameter(w.shape, weight), "bias": Parameter(b.shape, bias)}
    return replace(before, parameters=parameters, source=norm.source)


def for_both(steps: Sequence[Step]) -> list[Step]:
    """A network of one sigmoid as one of two classes: -z for the first, z for the second."""
    last = steps[-1]
    if last.type != "Linear":
        negated = {"weight": constant([[-1], [1]]), "bias": constant([0, 0])}
        return [*steps, Step("Linear", "", {}, negated)]
    return [*steps[:-1], replace(last, parameters={key: both(p) for key, p in last.parameters.items()})]


def both(parameter: Parameter) -> Parameter:
    """One row of weights, or one bias, negated and as it is."""
    return Parameter((2, *parameter.shape[1:]), partial(_with_negated, parameter))


def _with_negated(parameter: Parameter) -> Array:
    values = parameter.array()
    return np.concatenate([-values, values])


def described(steps: Sequence[Step]) -> tuple[tuple[Described, ...], dict[str, Parameter]]:
    """The layers under numcam's names, and their arrays."""
    layers: list[Described] = []
    parameters: dict[str, Parameter] = {}
    found = names([step.type for step in steps if not step.name])
    for step in steps:
        name = step.name or next(found)
        layers.append(Described(name, step.type, dict(step.settings), step.source))
        parameters |= {f"{name}.{key}": parameter for key, parameter in step.parameters.items()}
    return tuple(layers), parameters


def sources_of(layers: Sequence[Described]) -> dict[str, str]:
    """Numcam's names of layers by their names in the file; by that of several, such as a convolution with its
    activation, the last: what the file calls that layer's output."""
    return {one.source: one.name for one in layers if one.source}


def row_of(layers: Sequence[Described], parameters: Mapping[str, Parameter]) -> str | None:
    """The row of the table of VGGs that these layers make, or None."""
    empty = {name: np.broadcast_to(np.float32(0), p.shape) for name, p in parameters.items()}
    row = row_with([p.shape[0] for name, p in parameters.items() if len(p.shape) == 4 and name.endswith(".weight")])
    try:
        found = assemble(row, empty) if row else None
    except KeyError:  # other blocks than that row's
        return None
    same = found and found.parameters.keys() == empty.keys() and _told(found) == _told(chained(layers, empty))
    return row if same else None


def _told(network: Network) -> list[tuple[str, str]]:
    """Its layers but for dropout, which does nothing when a network is used."""
    return [(name, repr(layer)) for name, layer in network.layers.items() if not isinstance(layer, Dropout)]
