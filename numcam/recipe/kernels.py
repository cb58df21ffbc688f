"""What keeps features, and with them Grad-CAM, where the network found them."""

import numpy as np

from numcam.nn.training import Parameters

CELL = {"conv3": 4, "conv4": 8, "conv5": 16}
"""Pixels of the picture between neighbouring taps of a kernel."""


def towards_the_centre(parameters: Parameters, amount: float) -> Parameters:
    """Shrink the eight outer taps of every kernel from conv3_1 on, the more the further apart its taps are.

    Nothing in a class label tells a kernel where to keep what it found, so features drift by a constant, and with
    them the Grad-CAM. This makes the middle the cheapest place.
    """
    shrunk = dict(parameters)
    for name in _kernels(parameters):
        w = parameters[name]
        keep = np.full((3, 3), 1 - amount * CELL[name[:5]] / 16, w.dtype)
        keep[1, 1] = 1
        shrunk[name] = w * keep
    return shrunk


def towards_shared_positions(parameters: Parameters, amount: float) -> Parameters:
    """Move fc6's weights towards their mean over the 7x7 cells of pool5, so that the head treats all places alike.

    Grad-CAM averages the gradient over places; where that differs from place to place, the average describes none.
    """
    if not amount:
        return parameters
    w = parameters["fc6.weight"]
    cells = w.reshape(len(w), -1, 7 * 7)
    mean = cells.mean(axis=2, keepdims=True)
    return {**parameters, "fc6.weight": (cells + w.dtype.type(amount) * (mean - cells)).reshape(w.shape)}


def _kernels(parameters: Parameters) -> list[str]:
    return [name for name in parameters if name[:5] in CELL and name.endswith(".weight")]
