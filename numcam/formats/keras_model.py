"""A whole Keras model as steps: what its configuration states is computed, or refused by its name.

One function for each class of layer, in the table CLASSES. They follow Keras 3.15's layers and 2.15's, whose spellings
differ here and there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import isfinite, prod
from typing import Any

import numpy as np

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.keras_config import KerasLayer
from numcam.formats.steps import Parameter, Step, constant, output_shape
from numcam.models.preprocessing import Affine
from numcam.nn.types import Array, Pair, Shape

MOST_VALUES = 1 << 30
FIRST, LAST = "channels_first", "channels_last"
SELU = {"alpha": 1.6732632423543772, "scale": 1.0507009873554805}


@dataclass
class Model:
    """What has been read so far. shape: (c, rows, cols) or (units,), whatever the order that Keras keeps them in.

    flattened: (rows, cols, c) where units still stand in that order. end: the activation that came last, with its name
    in the file, as long as it may be what gives the probabilities. assumed: what the configuration leaves open.
    """

    tensors: Mapping[str, Tensor]
    shape: Shape
    order: str = LAST
    steps: list[Step] = field(default_factory=list)
    scaled: list[Affine] = field(default_factory=list)
    flattened: tuple[int, int, int] | None = None
    end: tuple[str, str] | None = None
    assumed: list[str] = field(default_factory=list)

    def add(
        self, type: str, layer: KerasLayer, parameters: Mapping[str, Parameter] | None = None, **settings: Any
    ) -> None:
        """One more step."""
        self.go_on()
        self._add(Step(type, layer.name, settings, parameters or {}))

    def go_on(self) -> None:
        """What might have given the probabilities is followed by something, and so a layer among others."""
        if self.end:
            kind, source = self.end
            self.end = None
            if kind == "softmax" and len(self.shape) != 1:
                raise Refused(f"its layer {source!r} takes a softmax in each place, which numcam does not compute")
            self._add(Step({"softmax": "Softmax", "sigmoid": "Sigmoid"}[kind], source))

    def _add(self, step: Step) -> None:
        self.shape = output_shape(step, self.shape)
        if prod(self.shape) > MOST_VALUES:
            raise Refused(f"its layer {step.source!r} would give {prod(self.shape):,} values for one picture")
        self.steps.append(step)

    def arrays(self, layer: KerasLayer, *wanted: str) -> list[Tensor]:
        """The layer's arrays by Keras's names, in Keras's order."""
        return [_found(self.tensors, layer, i, name) for i, name in enumerate(wanted)]

    def maps(self, layer: KerasLayer) -> tuple[int, int, int]:
        """(c, rows, cols) of the input of a layer that needs rows and columns in Keras's order of this model."""
        if len(self.shape) != 3:
            raise Refused(f"{layer.title} that takes maps, but gets {self.shape[0]:,} units")
        order = layer.config.get("data_format") or self.order
        if order != self.order:
            raise Refused(f"{layer.title} with data_format {order!r} in a model that is {self.order!r}")
        c, rows, cols = self.shape
        return c, rows, cols


def model_steps(layers: Sequence[KerasLayer], tensors: Mapping[str, Tensor], size: Pair) -> Model:
    """The steps of a model for pictures of this size."""
    model = Model(tensors, (3, *size), order_of(layers))
    for one in layers:
        rule = CLASSES.get(one.kind)
        if rule is None:
            raise Refused(f"{one.title}, which numcam does not compute; {_hint(one.kind)}")
        rule(model, one)
    return model


def order_of(layers: Sequence[KerasLayer]) -> str:
    """Which axis has the channels: as layers state it, or else as the input's shape shows."""
    for one in layers:
        if one.kind in ORDERED and one.config.get("data_format"):
            return str(one.config["data_format"])
    shape = next((s for one in layers if isinstance(s := _input_shape(one.config), list)), [])
    return FIRST if len(shape) == 4 and shape[1] == 3 != shape[3] else LAST


def stated_size(layers: Sequence[KerasLayer], given: object) -> tuple[int | None, int | None]:
    """The rows and columns that the model's input states, None where it leaves them open; Refused unless it takes
    pictures of three channels. given: the build_input_shape of a model whose layers say nothing."""
    shapes = (_input_shape(one.config) for one in layers)
    shape = next((s for s in shapes if s), None) or given
    order = order_of(layers)
    if not isinstance(shape, list) or len(shape) != 4:
        if shape is None:
            return None, None
        raise Refused(f"its input has the shape {shape}; expected pictures, [None, rows, columns, 3]")
    rows, cols, c = (shape[2], shape[3], shape[1]) if order == FIRST else (shape[1], shape[2], shape[3])
    if c not in (3, None):
        raise Refused(f"its input has {c} channels; numcam gives a network the 3 of RGB pictures")
    for side in (rows, cols):
        if side is not None and not (isinstance(side, int) and 1 <= side <= 4096):
            raise Refused(f"its input is {rows}x{cols}; expected sides from 1 to 4096")
    return rows, cols


def _input_shape(config: Mapping[str, Any]) -> object:
    return config.get("batch_shape") or config.get("batch_input_shape")


def _hint(kind: str) -> str:
    if kind == "Lambda":
        return "for it is a piece of program; put a Rescaling or Normalization layer in its place"
    if kind in ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer") or kind in OPERATIONS:
        return "for it is a calculation on tensors; put a Rescaling or Normalization layer in its place"
    return "it computes chains of convolutions, pooling, dense layers, activations and batch normalisation"


OPERATIONS = (
    "GetItem",
    "TrueDivide",
    "Divide",
    "Subtract",
    "Add",
    "Multiply",
    "NotEqual",
    "Cast",
    "Stack",
    "Transpose",
)


def _found(tensors: Mapping[str, Tensor], layer: KerasLayer, index: int, name: str) -> Tensor:
    """In a .keras file by number in the layer's group, in an .h5 by name below the outermost layer's."""
    numbered = f"{layer.group}vars/{index}"
    if numbered in tensors:
        return tensors[numbered]
    top = layer.models[0] if layer.models else layer.name
    within = []
    for path in tensors:
        parts = path.removeprefix("model_weights/").split("/")
        if parts[0] == top and parts[-1].partition(":")[0] == name and len(parts) > 1:
            within.append((parts, path))
    own = [(parts, path) for parts, path in within if layer.name in parts[:-1]] or within
    if len(own) > 1:
        own = [(p, path) for p, path in own if p[-2] == layer.name and all(m in p for m in layer.models)] or own
    if len(own) != 1:
        many = f"{len(own)} arrays could be" if own else "the file lacks"
        raise Refused(f"{many} the {name} of its layer {layer.name!r} ({layer.kind})")
    return tensors[own[0][1]]


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


def channels_first(read: Callable[[], Array], places: tuple[int, int, int]) -> Array:
    """Keras flattens (rows, cols, c), numcam (c, rows, cols): (in, out) -> (out, in) in numcam's order, a view."""
    values = read()
    return values.reshape(*places, -1).transpose(3, 2, 0, 1)


def _pair(value: object, name: str, layer: KerasLayer) -> Pair:
    pair = [value, value] if isinstance(value, int) else value
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(v, int) and 1 <= v <= 4096 for v in pair)):
        raise Refused(f"its layer {layer.name!r} has {name} {value!r}; expected one or two whole numbers from 1")
    return pair[0], pair[1]


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
    kernel = _pair(config.get("kernel_size"), "kernel_size", layer)
    stride = _pair(config.get("strides", 1), "strides", layer)
    filters = _count(config.get("filters"), "filters", layer)
    top, bottom, left, right = _edges(model, layer, kernel, stride)
    weight, bias = _kernel(model, layer, (*kernel, c, filters), config.get("use_bias", True) is not False)
    padding = (top, left)
    if (top, left) != (bottom, right):
        model.add("ZeroPad2d", layer, edges=(top, bottom, left, right))
        padding = (0, 0)
    parameters = {"weight": Parameter((filters, c, *kernel), partial(_turned, weight)), "bias": bias}
    model.add("Conv2d", layer, parameters, stride=stride, padding=padding)
    _activate(model, layer, config.get("activation"))


def _dense(model: Model, layer: KerasLayer) -> None:
    units = _count(layer.config.get("units"), "units", layer)
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
    _activate(model, layer, layer.config.get("activation"))


def _count(value: object, name: str, layer: KerasLayer) -> int:
    if not isinstance(value, int) or not 1 <= value <= 1 << 20:
        raise Refused(f"its layer {layer.name!r} has {name} {value!r}; expected a whole number from 1")
    return value


def _number(layer: KerasLayer, *names: str, default: float) -> float:
    value = next((layer.config[name] for name in names if layer.config.get(name) is not None), default)
    if isinstance(value, dict):  # Keras 2 wrote array scalars as {"class_name": "__numpy__", "config": {"value": ...}}
        value = value.get("value", value.get("config", {}).get("value"))
    if not isinstance(value, int | float) or not isfinite(value):
        raise Refused(f"its layer {layer.name!r} has {names[0]} {value!r}; expected a number")
    return float(value)


def _pooling(type: str, model: Model, layer: KerasLayer) -> None:
    model.maps(layer)
    size = _pair(layer.config.get("pool_size", 2), "pool_size", layer)
    given = layer.config.get("strides")
    stride = size if given is None else _pair(given, "strides", layer)
    edges = _edges(model, layer, size, stride)
    if any(edges):
        model.add(type, layer, size=size, stride=stride, padding=edges)
        if type == "AvgPool2d" and edges[::2] != edges[1::2] and not model.assumed:
            model.assumed.append(
                f"at the edges {layer.name!r} averages what lies inside, as Keras does on TensorFlow and JAX (on "
                "PyTorch it repeats the edge)"
            )
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
    _channel_axis(model, layer)
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
    epsilon = _number(layer, "epsilon", default=1e-3)
    model.add("BatchNorm2d" if len(model.shape) == 3 else "BatchNorm1d", layer, parameters, epsilon=epsilon)


def _along_flat(model: Model, vector: Tensor) -> Parameter:
    """One value for each channel or unit, in numcam's order of units."""
    places = model.flattened
    if places is None:
        return Parameter(vector.shape, vector.read)
    return Parameter(vector.shape, lambda: vector.read().reshape(places).transpose(2, 0, 1))


def _channel_axis(model: Model, layer: KerasLayer) -> None:
    axis = layer.config.get("axis", -1)
    axes = axis if isinstance(axis, list) else [axis]
    last = 3 if len(model.shape) == 3 else 1
    right = 1 if len(model.shape) == 1 or model.order == FIRST else 3
    if len(axes) != 1 or axes[0] not in ((right, -1) if right == last else (right,)):
        raise Refused(f"its layer {layer.name!r} normalises along axis {axis!r}, which is not that of the channels")


def _rescaling(model: Model, layer: KerasLayer) -> None:
    scale, offset = (_per_channel(layer, key, default) for key, default in (("scale", 1.0), ("offset", 0.0)))
    _affine(model, layer, scale, offset)


def _per_channel(layer: KerasLayer, key: str, default: float) -> Array:
    value = layer.config.get(key, default)
    if isinstance(value, dict):
        value = value.get("value", value.get("config", {}).get("value"))
    numbers = np.ravel(np.asarray(value if value is not None else default, dtype=np.float64))
    if numbers.size not in (1, 3) or not np.isfinite(numbers).all():
        raise Refused(f"its layer {layer.name!r} has {key} {str(value)[:80]}; expected one number, or one a channel")
    return numbers


def _normalization(model: Model, layer: KerasLayer) -> None:
    axis = layer.config.get("axis", -1)
    if axis not in (None, []):
        _channel_axis(model, layer)
    stated = [layer.config.get(key) for key in ("mean", "variance")]
    if any(value is None for value in stated):
        mean, variance = (np.ravel(t.read()).astype(np.float64) for t in model.arrays(layer, "mean", "variance"))
    else:
        mean, variance = (_per_channel(layer, key, 0.0) for key in ("mean", "variance"))
    if not all(v.size in (1, 3) and np.isfinite(v).all() for v in (mean, variance)) or (variance < 0).any():
        raise Refused(f"its layer {layer.name!r} (Normalization) has no mean and variance for each channel")
    spread = np.maximum(np.sqrt(variance), 1e-7)  # keras.backend.epsilon()
    if layer.config.get("invert"):
        _affine(model, layer, spread, mean)
    else:
        _affine(model, layer, 1 / spread, -mean / spread)


def _affine(model: Model, layer: KerasLayer, scale: Array, offset: Array) -> None:
    """scale * x + offset: of pixels a part of the preprocessing, further on a layer."""
    if not model.steps and not model.end:
        if not (np.abs(scale) > 0).all():
            raise Refused(f"its layer {layer.name!r} multiplies pixels by 0")
        scale, offset = np.broadcast_to(scale, 3), np.broadcast_to(offset, 3)
        model.scaled.append(Affine(tuple(scale.tolist()), tuple(offset.tolist())))
        return
    c = model.shape[0]
    if scale.size not in (1, c) or offset.size not in (1, c):
        raise Refused(f"its layer {layer.name!r} has numbers for {max(scale.size, offset.size)} channels; {c} come in")
    ones, zeros = constant(np.ones(c)), constant(np.zeros(c))
    weight, bias = (constant(np.broadcast_to(v, (c,)).copy()) for v in (scale, offset))
    type = "BatchNorm2d" if len(model.shape) == 3 else "BatchNorm1d"
    model.add(type, layer, {"mean": zeros, "variance": ones, "weight": weight, "bias": bias}, epsilon=0.0)


def _resizing(model: Model, layer: KerasLayer) -> None:
    """numcam brings pictures to the model's size itself; one that then changes it again is another network."""
    size = tuple(layer.config.get(key) for key in ("height", "width"))
    if size != model.shape[1:]:
        raise Refused(
            f"{layer.title} to {size[0]}x{size[1]} of pictures of {'x'.join(map(str, model.shape[1:]))}; "
            "give the model an input of that size instead"
        )


def _rectifier(model: Model, layer: KerasLayer) -> None:
    if _number(layer, "threshold", default=0):
        raise Refused(f"its layer {layer.name!r} is a ReLU with a threshold, which numcam does not compute")
    slope, most = _number(layer, "negative_slope", default=0), layer.config.get("max_value")
    if most is not None and slope:
        raise Refused(f"its layer {layer.name!r} is a ReLU with a slope and an end, which numcam does not compute")
    if most is not None:
        model.add("ClippedReLU", layer, most=_number(layer, "max_value", default=6))
    elif slope:
        model.add("LeakyReLU", layer, slope=slope)
    else:
        model.add("ReLU", layer)


def _activate(model: Model, layer: KerasLayer, given: object) -> None:
    """An activation by its name, or as Keras 3 writes functions and layers in its place."""
    if isinstance(given, dict):
        kind, config = given.get("class_name"), given.get("config")
        if isinstance(config, dict) and kind in ACTIVATION_LAYERS:
            inner = KerasLayer(layer.name, str(kind), config, layer.models, layer.group, {})
            CLASSES[str(kind)](model, inner)
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
    _activate(model, layer, "softmax")


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

ACTIVATION_LAYERS = ("ReLU", "LeakyReLU", "ELU", "Softmax", "Activation")

AT_RANDOM = ("Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout")

ORDERED = (
    "Conv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "ZeroPadding2D",
)  # fmt: skip
"""Layers that state the order of the axes."""

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
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    "Resizing": _resizing,
    "ReLU": _rectifier,
    "LeakyReLU": lambda model, layer: model.add(
        "LeakyReLU", layer, slope=_number(layer, "negative_slope", "alpha", default=0.3)
    ),
    "ELU": lambda model, layer: model.add("ELU", layer, alpha=_number(layer, "alpha", default=1), scale=1.0),
    "Softmax": _softmax,
    "Activation": lambda model, layer: _activate(model, layer, layer.config.get("activation")),
}  # fmt: skip
