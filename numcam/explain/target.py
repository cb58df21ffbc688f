"""Which class, and which layer: the two questions every explanation begins with."""

from numcam.errors import InputError, did_you_mean
from numcam.nn import ReLU, Trace
from numcam.nn.types import Array


def predicted(trace: Trace) -> Array:
    """The index of the highest score of each picture, (n,); InputError where it has no head."""
    if trace.output.ndim != 2:
        raise InputError(
            f"this network ends in maps of shape {trace.output.shape[1:]}, not in classes; "
            "give the number of a channel as target"
        )
    return trace.output.argmax(axis=1)


def spatial_layer(trace: Trace, layer: str | None = None) -> str:
    """The layer to explain at: the one named, or else the last ReLU that still has rows and columns.

    That is relu5_3 in VGG16 and pocket, the layer of the paper's own code. InputError for any other kind of layer.
    """
    spatial = [name for name, shape in trace.network.shapes(trace["input"].shape).items() if len(shape) == 4]
    if layer is None:
        relus = [name for name in spatial if name != "input" and isinstance(trace.network.layers[name], ReLU)]
        return (relus or spatial)[-1]
    if layer not in trace:
        raise InputError(f"no layer {layer!r}; {did_you_mean(layer, spatial, most=60)}")
    if layer not in spatial:
        raise InputError(f"{layer} has shape {trace[layer].shape}, no rows and columns; use one up to {spatial[-1]}")
    return layer
