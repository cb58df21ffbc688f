"""The mechanics: layers as pairs of pure functions, a network, its trace. NumPy only; knows nothing of pictures."""

from numcam.nn.activations import ELU, GELU, ClippedReLU, LeakyReLU, Sigmoid, SiLU, Softplus, Tanh
from numcam.nn.adaptive import AdaptiveAvgPool2d
from numcam.nn.conv import Conv2d
from numcam.nn.dropout import Dropout
from numcam.nn.linear import Flatten, Linear
from numcam.nn.network import DECONVNET, GUIDED, STANDARD, Network, Rule, Rules, Target, Trace
from numcam.nn.norm import BatchNorm1d, BatchNorm2d
from numcam.nn.pad import ZeroPad2d
from numcam.nn.pool import AvgPool2d, GlobalAvgPool2d, GlobalMaxPool2d, MaxPool2d
from numcam.nn.relu import ReLU
from numcam.nn.softmax import Softmax
from numcam.nn.types import Array, Layer

__all__ = [
    "DECONVNET",
    "ELU",
    "GELU",
    "GUIDED",
    "STANDARD",
    "AdaptiveAvgPool2d",
    "Array",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "ClippedReLU",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "GlobalMaxPool2d",
    "Layer",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "Network",
    "ReLU",
    "Rule",
    "Rules",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Target",
    "Trace",
    "ZeroPad2d",
]
