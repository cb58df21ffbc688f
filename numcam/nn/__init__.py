"""The mechanics: layers as pairs of pure functions, a network, its trace. NumPy only; knows nothing of pictures."""

from numcam.nn.conv import Conv2d
from numcam.nn.dropout import Dropout
from numcam.nn.linear import Flatten, Linear
from numcam.nn.network import DECONVNET, GUIDED, STANDARD, Network, Rule, Rules, Target, Trace
from numcam.nn.norm import BatchNorm2d
from numcam.nn.pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from numcam.nn.relu import ReLU
from numcam.nn.softmax import Softmax
from numcam.nn.types import Array, Layer

__all__ = [
    "DECONVNET",
    "GUIDED",
    "STANDARD",
    "Array",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "Layer",
    "Linear",
    "MaxPool2d",
    "Network",
    "ReLU",
    "Rule",
    "Rules",
    "Softmax",
    "Target",
    "Trace",
]
