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


def towards_symmetry(parameters: Parameters, amount: float) -> Parameters:
    """Move every kernel from conv3_1 on towards its mean over left-right and up-down reflections.

    A symmetric kernel sees as far as any other, but cannot move what it found to one side.
    """
    moved = dict(parameters)
    for name in _kernels(parameters) if amount else ():
        w = parameters[name]
        mean = (w + w[..., ::-1] + w[..., ::-1, :] + w[..., ::-1, ::-1]) / 4
        moved[name] = w + w.dtype.type(amount) * (mean - w)
    return moved


def _kernels(parameters: Parameters) -> list[str]:
    return [name for name in parameters if name[:5] in CELL and name.endswith(".weight")]
