"""Which class, and which layer: the two questions every explanation begins with."""

import numpy as np

from numcam.errors import InputError, did_you_mean
from numcam.nn import ReLU, Target, Trace
from numcam.nn.activations import Elementwise
from numcam.nn.types import Array


def predicted(trace: Trace) -> Array:
    """The index of the highest score of each picture, (n,); InputError where it has no head."""
    if trace.output.ndim != 2:
        raise InputError(
            f"this network ends in maps of shape {trace.output.shape[1:]}, not in classes; "
            "give the number of a channel as target"
        )
    return trace.output.argmax(axis=1)


def seed(trace: Trace, target: Target | None = None) -> Array:
    """What is asked, as weights on the output and in its shape: the score is the sum of output * seed.

    One 1 a picture for a class, None for the predicted one. ValueError for a target that does not fit.
    """
    last = list(trace)[-1]
    return trace.backward(predicted(trace) if target is None else target, stop=last)[last]


def scores(output: Array, seed: Array) -> Array:
    """The score of each row of `output`, (n,)."""
    return (output * seed).sum(axis=tuple(range(1, output.ndim)))


def activations_and_gradient(trace: Trace, target: Target | None, layer: str | int | None) -> tuple[Array, Array]:
    """A and d(score)/dA of a layer with rows and columns, both (n, k, rows, cols)."""
    layer = spatial_layer(trace, layer)
    return trace[layer], trace.backward(predicted(trace) if target is None else target, stop=layer)[layer]


def spatial_layer(trace: Trace, layer: str | int | None = None) -> str:
    """The layer to explain at: the one named, or else the last ReLU, or other activation, that has rows and columns.

    That is relu5_3 in VGG16 and pocket, the layer of the paper's own code. An index counts such layers from the end, -1
    for the last. InputError for any other kind of layer.
    """
    spatial = [name for name, shape in trace.network.shapes(trace["input"].shape).items() if len(shape) == 4]
    if isinstance(layer, int | np.integer):
        if not -len(spatial) <= layer < 0:
            raise InputError(f"a layer's index counts from the end, -1 for {spatial[-1]}; got {layer}")
        layer = spatial[layer]
    if layer is not None and not isinstance(layer, str):
        raise InputError(f"give one layer, by its name, or several to fused(trace, layers=...); got {layer!r:.80}")
    if layer is None:
        layers = trace.network.layers
        bends = [name for name in spatial if name != "input" and isinstance(layers[name], ReLU | Elementwise)]
        return (bends or spatial)[-1]
    if layer not in trace:
        raise InputError(f"no layer {layer!r}; {did_you_mean(layer, spatial, most=60)}")
    if layer not in spatial:
        raise InputError(f"{layer} has shape {trace[layer].shape}, no rows and columns; use one up to {spatial[-1]}")
    return layer


def finite(values: Array) -> bool:
    """Whether there is neither NaN nor infinity."""
    return bool(np.isfinite(values).all())
