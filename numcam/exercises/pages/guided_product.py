"""Page 11: guided Grad-CAM is a product."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import small_trace
from numcam.exercises.pages.walking import Classes, targets
from numcam.explain import grad_cam, upsample
from numcam.explain import guided_grad_cam as explain_guided_grad_cam
from numcam.nn import DECONVNET, GUIDED, STANDARD, ReLU, Rules, Trace
from numcam.nn.relu import guided_relu_backward as guided_rule
from numcam.nn.types import Array


@exercise("11", "product")
def guided_grad_cam(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """Guided backpropagation, times Grad-CAM enlarged to the picture's size with numcam.upsample.

    trace: a Trace of numcam; target: a class index, or one for each picture; layer: of the Grad-CAM map.
    Returns (n, 3, rows, cols), signed, not normalised.
    """
    return explain_guided_grad_cam(trace, target, layer)


@guided_grad_cam.inputs
def _() -> Iterator[Case]:
    yield Case("one picture, class 1", (small_trace(1), 1), {"layer": "relu5_3"})
    yield Case("three pictures, class 2", (small_trace(), 2), {"layer": "relu5_3"})
    yield Case("three pictures, a class for each", (small_trace(), np.array([3, 0, 1])), {"layer": "relu5_3"})
    yield Case("an earlier layer", (small_trace(), np.array([1, 3, 2])), {"layer": "relu4_3"})


def product(trace: Trace, target: Classes, cam: Array, rules: Rules = GUIDED, mode: str = "half-pixel") -> Array:
    """The pixel gradient under `rules`, times a map enlarged in `mode`."""
    pixels = trace.backward(target, rules)["input"]
    return pixels * upsample(cam, pixels.shape[2:], mode)[:, None]


@guided_grad_cam.wrong(
    "captum's GuidedGradCam enlarges in blocks, though its docstring says that the paper uses bilinear"
)
def enlarged_in_blocks(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The map is enlarged in blocks (nearest); the paper and numcam interpolate bilinearly."""
    return product(trace, target, grad_cam(trace, target, layer), mode="nearest")


@guided_grad_cam.wrong("ramprs/grad-cam, the paper's own code, and scipy.ndimage.zoom place the corners so")
def corners_aligned(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The map's corner cells lie on the picture's corners; numcam's bilinear works between cell centres (half-
    pixel).
    """
    return product(trace, target, grad_cam(trace, target, layer), mode="corner")


@guided_grad_cam.wrong("kazuto1011/grad-cam-pytorch#2: with F.relu the guided rule is silently not applied")
def plain_gradient(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The plain gradient is multiplied by the map; guided backpropagation uses the guided rule, numcam.GUIDED."""
    return product(trace, target, grad_cam(trace, target, layer), STANDARD)


@guided_grad_cam.wrong()
def deconvnet_gradient(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The deconvnet rule was used; guided backpropagation also asks that the input was positive."""
    return product(trace, target, grad_cam(trace, target, layer), DECONVNET)


@guided_grad_cam.wrong(
    "utkuozbulak/pytorch-cnn-visualizations#46, #89: only the ReLUs among the convolutions are changed"
)
def head_not_guided(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The guided rule is missing at the ReLUs of the fully connected layers; it holds at every ReLU."""
    middle = trace.backward(target, stop="pool5")["pool5"]
    pixels = guided_below_pool5(trace, middle)
    return pixels * upsample(grad_cam(trace, target, layer), pixels.shape[2:])[:, None]


def guided_below_pool5(trace: Trace, gradient: Array) -> Array:
    """Walk from pool5 down to the input, guided at every ReLU."""
    names = list(trace)
    for i in range(names.index("pool5"), 0, -1):
        network_layer, x = trace.network.layers[names[i]], trace[names[i - 1]]
        guided = isinstance(network_layer, ReLU)
        gradient = guided_rule(gradient, x) if guided else network_layer.backward(gradient, x, trace[names[i]])
    return gradient


@guided_grad_cam.wrong(
    "jacobgil/pytorch-grad-cam, kazuto1011/grad-cam-pytorch, eclique/keras-gradcam; a constant factor for each picture"
)
def normalised_map(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The map was divided by its maximum before the product; normalising is for drawing, at the very end."""
    cam = grad_cam(trace, target, layer)
    return product(trace, target, cam / np.maximum(cam.max(axis=(1, 2), keepdims=True), 1e-12))


@guided_grad_cam.wrong()
def map_not_clipped(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The map has no ReLU: where it is negative, the product changes sign."""
    gradient = trace.backward(target, stop=layer)[layer]
    return product(trace, target, (gradient.mean(axis=(2, 3), keepdims=True) * trace[layer]).sum(axis=1))


@guided_grad_cam.wrong()
def relu_after_enlarging(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The ReLU comes after the enlarging: a negative cell pulls its neighbours down first. ReLU, then enlarge."""
    gradient = trace.backward(target, stop=layer)[layer]
    signed = (gradient.mean(axis=(2, 3), keepdims=True) * trace[layer]).sum(axis=1)
    pixels = trace.backward(target, GUIDED)["input"]
    return pixels * np.maximum(upsample(signed, pixels.shape[2:]), 0)[:, None]


@guided_grad_cam.wrong()
def positive_pixels(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The pixel gradient was clipped at 0; conv1_1 is linear, and guided backpropagation stays signed in the
    picture.
    """
    return np.maximum(explain_guided_grad_cam(trace, target, layer), 0)


@guided_grad_cam.wrong()
def absolute_pixels(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The sign is lost; the product stays signed."""
    return np.abs(explain_guided_grad_cam(trace, target, layer))


@guided_grad_cam.wrong()
def channels_summed(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The colour channels are added up; the product has three, (n, 3, rows, cols)."""
    return explain_guided_grad_cam(trace, target, layer).sum(axis=1)


@guided_grad_cam.wrong()
def guided_only(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """That is guided backpropagation alone; multiply it by the enlarged Grad-CAM map."""
    return trace.backward(target, GUIDED)["input"]


@guided_grad_cam.wrong("eclique/keras-gradcam walks back the sum of block5_conv3: the same for every class")
def classless_pixels(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """Guided backpropagation started at the sum of the layer's activations, not at the class: it is the same for
    every class.
    """
    names, gradient = list(trace), np.ones_like(trace["relu5_3"])
    for i in range(names.index("relu5_3"), 0, -1):
        network_layer, x = trace.network.layers[names[i]], trace[names[i - 1]]
        guided = isinstance(network_layer, ReLU)
        gradient = guided_rule(gradient, x) if guided else network_layer.backward(gradient, x, trace[names[i]])
    return gradient * upsample(grad_cam(trace, target, layer), gradient.shape[2:])[:, None]


@guided_grad_cam.wrong()
def guided_in_both(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The guided rule was used for the Grad-CAM weights too; they need the derivative itself, STANDARD."""
    gradient = trace.backward(target, GUIDED, stop=layer)[layer]
    cam = np.maximum((gradient.mean(axis=(2, 3), keepdims=True) * trace[layer]).sum(axis=1), 0)
    return product(trace, target, cam)


@guided_grad_cam.wrong()
def other_class_in_pixels(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The pixel gradient is that of the predicted class, the map that of the class asked for; use one target for
    both.
    """
    return product(trace, trace.output.argmax(axis=1), grad_cam(trace, target, layer))


@guided_grad_cam.wrong()
def added(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """Map and pixel gradient are added; guided Grad-CAM is their product."""
    pixels = trace.backward(target, GUIDED)["input"]
    return pixels + upsample(grad_cam(trace, target, layer), pixels.shape[2:])[:, None]


@guided_grad_cam.wrong("jacobgil/pytorch-grad-cam#400, #530: only output[0, target] is walked back")
def first_picture_guided(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """Only the first picture's logit was walked back to the pixels; the others are 0: seed every row."""
    seed = np.zeros_like(trace.output)
    seed[0, targets(trace, target)[0]] = 1
    pixels = trace.backward(seed, GUIDED)["input"]
    return pixels * upsample(grad_cam(trace, target, layer), pixels.shape[2:])[:, None]
