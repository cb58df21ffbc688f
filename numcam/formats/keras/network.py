"""From a Keras model's steps to a network: its size, what makes its pictures and its probabilities, and its names."""

from collections.abc import Mapping, Sequence
from typing import Any

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.keras.config import KerasLayer, layers_in_order
from numcam.formats.keras.model import model_steps
from numcam.formats.keras.state import Model, stated_size
from numcam.formats.network import Asked, Recognised
from numcam.formats.stated.network import finished
from numcam.models.preprocessing import CAFFE, FAMILY_NAMES, PIXELS, UNIT, Preprocessing
from numcam.models.vgg import INPUT_SIZE
from numcam.nn.types import Pair


def keras_network(config: Mapping[str, Any], tensors: Mapping[str, Tensor], asked: Asked) -> Recognised:
    """The network that a whole model's configuration states. Refused, by a layer's name, for what numcam cannot do."""
    layers = layers_in_order(config)
    model, size, channels, assumed = _sized(layers, config, tensors, asked)
    preprocessing, more = _preprocessing(model, layers, asked)
    assumed += more + model.assumed
    if model.uneven:
        assumed.append(
            f"at the edges {', '.join(model.uneven[:6])} average what lies inside, as Keras does on TensorFlow and JAX "
            "(on PyTorch it repeats the edge)"
        )
    steps, output, classes = list(model.steps), "softmax", 0
    if not steps:
        raise Refused("it has no layer that numcam could explain; expected convolutions")
    if len(model.shape) == 1:
        output, more = _output(model, layers, asked)
        assumed += more
        classes = model.shape[0]
    elif model.end:
        raise Refused(f"it ends in a {model.end[0]} of maps ({model.end[1]!r}); expected classes")
    return finished(steps, channels, classes, size, preprocessing, output, assumed, "Keras")


def _sized(
    layers: Sequence[KerasLayer], config: Mapping[str, Any], tensors: Mapping[str, Tensor], asked: Asked
) -> tuple[Model, Pair, int, list[str]]:
    """The model for pictures of the size that it states, or that is asked for, or else for ImageNet's."""
    content = config.get("config")
    rows, cols, c = stated_size(layers, content.get("build_input_shape") if isinstance(content, dict) else None)
    resized = next((one.config for one in layers if one.kind == "Resizing"), {})
    rows, cols = rows or resized.get("height"), cols or resized.get("width")
    if asked.input_size:
        size = asked.input_size
        try:
            return model_steps(layers, tensors, size, c), size, c, []
        except Refused as error:
            stated = f" (the model states {rows}x{cols})" if rows and cols else ""
            raise Refused(f"pictures of {size[0]}x{size[1]} do not fit{stated}: {error}") from None
    size = (rows or INPUT_SIZE[0], cols or INPUT_SIZE[1])
    if not all(isinstance(side, int) and 1 <= side <= 4096 for side in size):
        raise Refused(f"it resizes pictures to {str(rows)[:20]}x{str(cols)[:20]}; expected sides from 1 to 4096")
    open = f"pictures of {size[0]}x{size[1]} (no size is stated; --input-size says otherwise)"
    return model_steps(layers, tensors, size, c), size, c, [] if rows and cols else [open]


def _preprocessing(model: Model, layers: Sequence[KerasLayer], asked: Asked) -> tuple[Preprocessing, list[str]]:
    """What is done to pixels: before the model, and by its first layers."""
    assumed = []
    base = asked.preprocessing
    if base is None and model.scales:
        base = PIXELS
    if base is None:
        oxford = any(one.name == "block1_conv1" for one in layers)
        base = CAFFE if oxford else UNIT
        what = FAMILY_NAMES["caffe"] if oxford else "pixels divided by 255"
        assumed.append(f"{what} (there is no Rescaling layer; --preprocess says otherwise)")
    for more in model.scaled:
        base = base.then(more)
    return base, assumed


def _output(model: Model, layers: Sequence[KerasLayer], asked: Asked) -> tuple[str, list[str]]:
    """What makes probabilities of the last layer's numbers."""
    if model.end:
        kind, source = model.end
        if asked.output not in (None, kind):
            raise Refused(f"its layer {source!r} ends in a {kind}, and a {asked.output} was asked for; leave that out")
        return kind, []
    last = model.steps[-1]
    if last.type not in ("Linear", "GlobalAvgPool2d", "GlobalMaxPool2d", "Flatten", "BatchNorm1d"):
        raise Refused(
            f"its last layer {last.source!r} ends in {last.type}, which gives no classes; expected softmax, sigmoid or "
            "no activation"
        )
    if model.flattened:
        raise Refused(f"it ends in the flattened maps of {last.source!r}; expected classes, or maps as they are")
    if asked.output:
        return asked.output, []
    output = "sigmoid" if model.shape[0] == 1 else "softmax"
    return output, [f"a {output} at the end (the last layer has no activation; --output says otherwise)"]
