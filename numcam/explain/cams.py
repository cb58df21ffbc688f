"""Class activation maps: weighted sums of a convolutional layer's channels. The methods differ in the weights alone.

For each there is a function of the weights w, (n, k, 1, 1) or (n, k, rows, cols), from the activations A and the
gradient g = d(score)/dA, both (n, k, rows, cols); the map is ReLU(sum over k of w A), at the layer's resolution, not
normalised: (n, rows, cols). Options that all share. target: class index, one per picture, or None for the predicted
class; the score is its logit, before softmax. layer: None for the last spatial ReLU (relu5_3 in VGG16). InputError for
a layer without rows and columns.
"""

from collections.abc import Callable

import numpy as np

from numcam.explain.every_class import mean_gradients
from numcam.explain.target import activations_and_gradient, spatial_layer
from numcam.nn import Target, Trace
from numcam.nn.types import Array

SPACE = (2, 3)
"""The axes of rows and columns."""

Weights = Callable[[Array, Array], Array]
"""weights(A, g) -> w."""


def signed_map(w: Array, a: Array) -> Array:
    """The sum over channels of w A: positive where the layer argues for the class, negative against it."""
    return (w * a).sum(axis=1)  # (n, rows, cols)


def grad_cam(trace: Trace, target: Target | str | None = None, layer: str | int | None = None) -> Array:
    """Where the layer's activations argue for the target class: (n, rows, cols), at the layer's resolution, >= 0.

    target: class index, one per picture, or None for the predicted class; the score is its logit, before softmax.
    "all": the maps of all classes, (n, classes, rows, cols), from this one forward pass. layer: None for the last
    spatial ReLU (relu5_3 in VGG16). Not normalised. InputError for a layer without rows and columns. Selvaraju et al.
    2017, equations 1 and 2.
    """
    if isinstance(target, str):
        layer = spatial_layer(trace, layer)
        alpha = mean_gradients(trace, target, layer)  # (n, classes, k)
        return np.maximum(np.einsum("nck,nkij->ncij", alpha, trace[layer], optimize=True), 0)
    return _map(trace, target, layer, grad_cam_weights)


def grad_cam_weights(a: Array, g: Array) -> Array:
    """The gradient's mean over all positions, alpha: equation 1."""
    return g.mean(axis=SPACE, keepdims=True)  # (n, k, 1, 1)


def counterfactual_grad_cam(trace: Trace, target: Target | None = None, layer: str | int | None = None) -> Array:
    """What, taken away, would make the class more certain: Grad-CAM of the negated gradient.

    Selvaraju et al. 2017, section 3.3.
    """
    return _map(trace, target, layer, counterfactual_weights)


def counterfactual_weights(a: Array, g: Array) -> Array:
    """-alpha."""
    return -grad_cam_weights(a, g)


def hires_cam(trace: Trace, target: Target | None = None, layer: str | int | None = None) -> Array:
    """Each cell weighted by its own gradient; before the ReLU the map sums to the layer's part of the logit.

    Draelos and Carin 2020.
    """
    return _map(trace, target, layer, hires_weights)


def hires_weights(a: Array, g: Array) -> Array:
    """The gradient itself, cell by cell."""
    return g


def layer_cam(trace: Trace, target: Target | None = None, layer: str | int | None = None) -> Array:
    """Each cell weighted by its own gradient where that is positive; made for early layers too.

    Jiang et al. 2021.
    """
    return _map(trace, target, layer, layer_cam_weights)


def layer_cam_weights(a: Array, g: Array) -> Array:
    """The positive part of the gradient, cell by cell."""
    return np.maximum(g, 0)


def xgrad_cam(trace: Trace, target: Target | None = None, layer: str | int | None = None) -> Array:
    """Each channel weighted by its gradient where it is active, so that the weights conserve the logit's share.

    Fu et al. 2020.
    """
    return _map(trace, target, layer, xgrad_weights)


def xgrad_weights(a: Array, g: Array) -> Array:
    """The gradient's mean, weighted with the activation: sum(A g) / sum(A); 0 for a channel that is silent."""
    return _divided((a * g).sum(axis=SPACE, keepdims=True), a.sum(axis=SPACE, keepdims=True))


def grad_cam_plus_plus(trace: Trace, target: Target | None = None, layer: str | int | None = None) -> Array:
    """Weights for several objects of one class: positions with positive gradient count, by their share of curvature.

    Chattopadhay et al. 2018, equation 19, and the normalisation of the authors' code. Its score is exp(logit):
    a factor of the whole map, left out here because it overflows beyond a logit of 88.
    """
    return _map(trace, target, layer, plus_plus_weights)


def plus_plus_weights(a: Array, g: Array) -> Array:
    """sum of share * ReLU(g); shares are g^2 / (2 g^2 + g^3 sum(A)) where g > 0, scaled to sum to 1 per channel."""
    curvature = 2 * g**2 + g**3 * a.sum(axis=SPACE, keepdims=True)  # the sum of A alone, not of A g^3
    share = np.where(g > 0, _divided(g**2, curvature), 0)
    share = _divided(share, share.sum(axis=SPACE, keepdims=True))
    return (share * np.maximum(g, 0)).sum(axis=SPACE, keepdims=True)


def _map(trace: Trace, target: Target | None, layer: str | int | None, weights: Weights) -> Array:
    a, g = activations_and_gradient(trace, target, layer)
    return np.maximum(signed_map(weights(a, g), a), 0)  # equation 2


def _divided(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape), a.dtype), where=b != 0)
