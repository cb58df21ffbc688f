"""FullGrad: the ledger as a picture. What the input and every convolution's biases contribute, where they do."""

import numpy as np

from numcam.explain.ledger import bias_part
from numcam.explain.target import predicted
from numcam.explain.upsample import upsample
from numcam.nn import Target, Trace
from numcam.nn.types import Array


def full_grad(trace: Trace, target: Target | None = None, mode: str = "corner") -> Array:
    """The sum over the input and all layers of |contribution|, each stretched to 0-1: (n, rows, cols), >= 0.

    At the input's resolution. The contributions are those whose sum is the logit (`ledger`), without those of linear
    layers, which have no place.
    target as in `grad_cam`. mode: how layers are enlarged, as in `upsample`; "corner" is what the authors' code does.
    InputError for a network that is not linear piece by piece. Srinivas and Fleuret 2019.
    """
    grads = trace.backward(predicted(trace) if target is None else target)
    x = trace["input"]
    parts = [x * grads["input"]]
    for name, layer in trace.network.layers.items():
        part = bias_part(layer, name, grads[name])
        if part is not None and part.ndim == 4:
            parts.append(part)
    return np.sum([upsample(rescaled(part), (x.shape[2], x.shape[3]), mode) for part in parts], axis=0)


def rescaled(part: Array) -> Array:
    """|part| of each picture, (n, c, rows, cols), moved and scaled to run from 0 to 1, summed over the channels."""
    size = np.abs(part)
    low = size.min(axis=(1, 2, 3), keepdims=True)
    span = size.max(axis=(1, 2, 3), keepdims=True) - low
    return np.divide(size - low, span, out=np.zeros_like(size), where=span > 0).sum(axis=1)  # (n, rows, cols)
