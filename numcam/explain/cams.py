"""Class activation maps: weighted sums of a convolutional layer's channels."""

import numpy as np

from numcam.explain.target import predicted, spatial_layer
from numcam.nn import Target, Trace
from numcam.nn.types import Array


def grad_cam(trace: Trace, target: Target | None = None, layer: str | None = None) -> Array:
    """Where the layer's activations argue for the target class: (n, rows, cols), at the layer's resolution, >= 0.

    target: class index, one per picture, or None for the predicted class; the score is its logit, before softmax.
    layer: None for the last spatial ReLU (relu5_3 in VGG16). Not normalised. InputError for a layer without rows and
    columns. Selvaraju et al. 2017, equations 1 and 2.
    """
    layer = spatial_layer(trace, layer)
    gradient = trace.backward(predicted(trace) if target is None else target, stop=layer)[layer]  # (n, k, rows, cols)
    alpha = gradient.mean(axis=(2, 3), keepdims=True)  # (n, k, 1, 1), equation 1
    return np.maximum((alpha * trace[layer]).sum(axis=1), 0)  # (n, rows, cols), equation 2
