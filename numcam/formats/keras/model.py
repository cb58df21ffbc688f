"""A whole Keras model as steps: what its configuration states is computed, or refused by its name.

One function for each class of layer, in the table CLASSES. They follow Keras 3.15's layers and 2.15's, whose spellings
differ here and there.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.keras.activations import LAYERS, activate
from numcam.formats.keras.config import KerasLayer
from numcam.formats.keras.scaling import check_axis, normalization, rescaling, resizing
from numcam.formats.keras.state import FIRST, LAST, Model, count_of, number_of, order_of, pair_of
from numcam.formats.steps import Parameter, channels_first, constant
from numcam.nn.types import Array, Pair, Shape


def model_steps(layers: Sequence[KerasLayer], tensors: Mapping[str, Tensor], size: Pair, channels: int = 3) -> Model:
    """The steps of a model for pictures of this size and so many channels."""
    model = Model(tensors, (channels, *size), order_of(layers))
    for one in layers:
        rule = CLASSES.get(one.kind)
        if rule is None:
            raise Refused(f"{one.title}, which numcam does not compute; {_hint(one.kind)}")
        rule(model, one)
    return model


def _hint(kind: str) -> str:
    if kind == "Lambda":
        return "for it is a piece of program; put a Rescaling or Normalization layer in its place"
    if kind in ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer") or kind in OPERATIONS:
        return "for it is a calculation on tensors; put a Rescaling or Normalization layer in its place"
    return "it computes chains of convolutions, pooling, dense layers, activations and batch normalisation"


OPERATIONS = ("GetItem", "TrueDivide", "Divide", "Subtract", "Add", "Multiply", "Cast", "Stack", "Transpose")
"""Keras 3's names for arithmetic in the middle of a functional model."""


def _kernel(model: Model, layer: KerasLayer, shape: Shape, bias: bool) -> tuple[Tensor, Parameter]:
    kernel, *rest = model.arrays(layer, "kernel", *(["bias"] if bias else []))
    if kernel.shape != shape:
        raise Refused(
            f"the kernel of its layer {layer.name!r} has shape {kernel.shape}; the configuration says {shape}"
        )
    if rest and rest[0].shape != shape[-1:]:
        raise Refused(f"the bias of its layer {layer.name!r} has shape {rest[0].shape}; expected {shape[-1:]}")
    return kernel, Parameter(shape[-1:], rest[0].read) if rest else constant(np.zeros(shape[-1], np.float32))


def _turned(kernel: Tensor) -> Array:
    """(rows, cols, c, k) -> (k, c, rows, cols), a view."""
    return kernel.read().transpose(3, 2, 0, 1)


def _transposed(kernel: Tensor) -> Array:
    return kernel.read().T


def _same(size: int, kernel: int, stride: int) -> Pair:
    """What "same" adds before and after: as little as makes ceil(size / stride) windows, the odd one after."""
    more = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return more // 2, more - more // 2


def _edges(model: Model, layer: KerasLayer, kernel: Pair, stride: Pair) -> tuple[int, int, int, int]:
    padding = layer.config.get("padding", "valid")
    if padding not in ("valid", "same"):
        raise Refused(f"its layer {layer.name!r} has padding {padding!r}; numcam computes 'valid' and 'same'")
    if padding == "valid":
        return 0, 0, 0, 0
    _, rows, cols = model.maps(layer)
    return *_same(rows, kernel[0], stride[0]), *_same(cols, kernel[1], stride[1])


def _nothing(model: Model, layer: KerasLayer) -> None:
    """A layer that does nothing when the model is used."""
    if layer.call.get("training") is True and layer.kind in AT_RANDOM:
        raise Refused(f"its layer {layer.name!r} ({layer.kind}) is called with training=True: it acts at random in use")


def _convolution(model: Model, layer: KerasLayer) -> None:
    config = layer.config
    c = model.maps(layer)[0]
    for key in ("dilation_rate", "groups"):
        value = config.get(key, 1)
        if value not in (1, [1, 1]):
            raise Refused(f"its layer {layer.name!r} is a Conv2D with {key} {value!r}, which numcam does not compute")
    kernel = pair_of(config.get("kernel_size"), "kernel_size", layer)
    stride = pair_of(config.get("strides", 1), "strides", layer)
    filters = count_of(config.get("filters"), "filters", layer)
    top, bottom, left, right = _edges(model, layer, kernel, stride)
    weight, bias = _kernel(model, layer, (*kernel, c, filters), config.get("use_bias", True) is not False)
    padding = (top, left)
    if (top, left) != (bottom, right):
        model.add("ZeroPad2d", layer, edges=(top, bottom, left, right))
        padding = (0, 0)
    parameters = {"weight": Parameter((filters, c, *kernel), partial(_turned, weight)), "bias": bias}
    model.add("Conv2d", layer, parameters, stride=stride, padding=padding)
    activate(model, layer, config.get("activation"))


def _dense(model: Model, layer: KerasLayer) -> None:
    units = count_of(layer.config.get("units"), "units", layer)
    with_bias = layer.config.get("use_bias", True) is not False
    if len(model.shape) == 3:  # in each place, along the last axis
        if model.order == FIRST:
            raise Refused(f"{layer.title} on maps that are channels_first: it would mix their columns")
        weight, bias = _kernel(model, layer, (model.shape[0], units), with_bias)
        parameters = {"weight": Parameter((units, model.shape[0], 1, 1), partial(_transposed, weight)), "bias": bias}
        model.add("Conv2d", layer, parameters, stride=(1, 1), padding=(0, 0))
    else:
        weight, bias = _kernel(model, layer, (model.shape[0], units), with_bias)
        places, model.flattened = model.flattened, None
        view = partial(channels_first, weight.read, places) if places else partial(_transposed, weight)
        model.add("Linear", layer, {"weight": Parameter((units, model.shape[0]), view), "bias": bias})
    activate(model, layer, layer.config.get("activation"))


def _pooling(type: str, model: Model, layer: KerasLayer) -> None:
    model.maps(layer)
    size = pair_of(layer.config.get("pool_size", 2), "pool_size", layer)
    given = layer.config.get("strides")
    stride = size if given is None else pair_of(given, "strides", layer)
    edges = _edges(model, layer, size, stride)
    if any(edges):
        model.add(type, layer, size=size, stride=stride, padding=edges)
        if type == "AvgPool2d" and edges[::2] != edges[1::2]:
            model.uneven.append(repr(layer.name))
    else:
        model.add(type, layer, size=size, stride=stride)


def _over_all(type: str, model: Model, layer: KerasLayer) -> None:
    _, rows, cols = model.maps(layer)
    if layer.config.get("keepdims"):
        model.add(type.removeprefix("Global"), layer, size=(rows, cols), stride=(1, 1))
    else:
        model.add(type, layer)


def _flatten(model: Model, layer: KerasLayer) -> None:
    if len(model.shape) == 1:
        return
    c, rows, cols = model.shape
    order = layer.config.get("data_format") or LAST
    if layer.kind == "Reshape":
        target = layer.config.get("target_shape")
        if target not in ([-1], [c * rows * cols]):
            raise Refused(f"its layer {layer.name!r} is a Reshape to {target!r}; numcam computes that to a single axis")
        order = LAST
    elif order == FIRST != model.order:
        raise Refused(f"{layer.title} with data_format 'channels_first' in a model that is channels_last")
    # With channels_first, Keras moves the channels to the end before it flattens
    model.flattened = None if (model.order == FIRST and order == LAST) or rows * cols == 1 else (rows, cols, c)
    model.add("Flatten", layer)


def _pad(model: Model, layer: KerasLayer) -> None:
    model.maps(layer)
    given = layer.config.get("padding", 1)
    pairs = [given, given] if isinstance(given, int) else given
    edges = [v for p in pairs for v in ([p, p] if isinstance(p, int) else p)] if isinstance(pairs, list) else []
    if len(edges) != 4 or not all(isinstance(v, int) and 0 <= v <= 4096 for v in edges):
        raise Refused(f"its layer {layer.name!r} has padding {given!r}; expected whole numbers from 0")
    model.add("ZeroPad2d", layer, edges=tuple(edges))


def _normalised(model: Model, layer: KerasLayer) -> None:
    if layer.call.get("training") is True:
        raise Refused(
            f"its layer {layer.name!r} is called with training=True: it normalises by each batch's statistics"
        )
    config = layer.config
    check_axis(model, layer)
    c = model.shape[0]
    names = ["gamma"] * (config.get("scale", True) is not False) + ["beta"] * (config.get("center", True) is not False)
    names += ["moving_mean", "moving_variance"]
    found = dict(zip(names, model.arrays(layer, *names), strict=True))
    for name, one in found.items():
        if one.shape != (c,):
            raise Refused(f"the {name} of its layer {layer.name!r} has shape {one.shape}; expected ({c},)")
    ones, zeros = constant(np.ones(c)), constant(np.zeros(c))
    parameters = {
        "mean": _along_flat(model, found["moving_mean"]),
        "variance": _along_flat(model, found["moving_variance"]),
        "weight": _along_flat(model, found["gamma"]) if "gamma" in found else ones,
        "bias": _along_flat(model, found["beta"]) if "beta" in found else zeros,
    }
    epsilon = number_of(layer, "epsilon", default=1e-3)
    model.add("BatchNorm2d" if len(model.shape) == 3 else "BatchNorm1d", layer, parameters, epsilon=epsilon)


def _along_flat(model: Model, vector: Tensor) -> Parameter:
    """One value for each channel or unit, in numcam's order of units."""
    places = model.flattened
    if places is None:
        return Parameter(vector.shape, vector.read)
    return Parameter(vector.shape, lambda: vector.read().reshape(places).transpose(2, 0, 1))


AT_RANDOM = ("Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout")

CLASSES: Mapping[str, Callable[[Model, KerasLayer], None]] = {
    **dict.fromkeys(
        (
            "InputLayer", "Identity", "ActivityRegularization", "RandomFlip", "RandomRotation", "RandomZoom",
            "RandomTranslation", "RandomContrast", "RandomBrightness", "RandomColorJitter", "RandomHue",
            "RandomSaturation", "RandomShear", "RandomSharpness", "RandomGrayscale", "RandomGaussianBlur",
            "RandomErasing", "RandomPerspective", "RandomInvert", "RandomPosterization", "RandomColorDegeneration",
            "RandomElasticTransform", *AT_RANDOM,
        ),
        _nothing,
    ),
    "Conv2D": _convolution,
    "Convolution2D": _convolution,
    "Dense": _dense,
    "MaxPooling2D": partial(_pooling, "MaxPool2d"),
    "MaxPool2D": partial(_pooling, "MaxPool2d"),
    "AveragePooling2D": partial(_pooling, "AvgPool2d"),
    "AvgPool2D": partial(_pooling, "AvgPool2d"),
    "GlobalAveragePooling2D": partial(_over_all, "GlobalAvgPool2d"),
    "GlobalAvgPool2D": partial(_over_all, "GlobalAvgPool2d"),
    "GlobalMaxPooling2D": partial(_over_all, "GlobalMaxPool2d"),
    "GlobalMaxPool2D": partial(_over_all, "GlobalMaxPool2d"),
    "Flatten": _flatten,
    "Reshape": _flatten,
    "ZeroPadding2D": _pad,
    "BatchNormalization": _normalised,
    "Rescaling": rescaling,
    "Normalization": normalization,
    "Resizing": resizing,
    **LAYERS,
}  # fmt: skip
