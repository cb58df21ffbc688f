"""numcam: VGG16 forward and backward in plain NumPy, Grad-CAM, guided Grad-CAM and FGSM on top of it."""

from numcam import scenes
from numcam.attack import fgsm
from numcam.errors import InputError
from numcam.explain import (
    METHODS,
    deconvnet,
    grad_cam,
    guided_backprop,
    guided_grad_cam,
    saliency,
    upsample,
)
from numcam.images import read_image
from numcam.loading import load
from numcam.models.classifier import Classifier
from numcam.nn import (
    DECONVNET,
    GUIDED,
    STANDARD,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    Network,
    ReLU,
    Softmax,
    Trace,
)

__version__ = "0.1.0"

__all__ = [
    "DECONVNET",
    "GUIDED",
    "METHODS",
    "STANDARD",
    "AvgPool2d",
    "BatchNorm2d",
    "Classifier",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "InputError",
    "Linear",
    "MaxPool2d",
    "Network",
    "ReLU",
    "Softmax",
    "Trace",
    "deconvnet",
    "fgsm",
    "grad_cam",
    "guided_backprop",
    "guided_grad_cam",
    "load",
    "read_image",
    "saliency",
    "scenes",
    "upsample",
]
