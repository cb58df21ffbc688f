"""Page 10: Grad-CAM, equation 2, and the ways to get it wrong that are in use."""

from collections.abc import Callable, Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import small_trace
from numcam.exercises.pages.walking import Classes, probability_seed, targets
from numcam.explain import grad_cam as explain_grad_cam
from numcam.explain import upsample
from numcam.nn import GUIDED, STANDARD, Rules, Trace
from numcam.nn.types import Array


@exercise("10", "cam")
def grad_cam(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """Equations 1 and 2: ReLU of the sum over channels of weight * activation.

    trace: a Trace of numcam; target: a class index, or one for each picture; layer: a name in the trace. The score is
    the target's logit. Returns (n, rows, cols), at the layer's resolution, not normalised.
    """
    return explain_grad_cam(trace, target, layer)


@grad_cam.inputs
def _() -> Iterator[Case]:
    yield Case("one picture, class 1", (small_trace(1), 1), {"layer": "relu5_3"})
    yield Case("three pictures, class 2", (small_trace(), 2), {"layer": "relu5_3"})
    yield Case("three pictures, a class for each", (small_trace(), np.array([3, 0, 1])), {"layer": "relu5_3"})
    yield Case("an earlier layer", (small_trace(), np.array([1, 3, 2])), {"layer": "relu4_3"})


Pool = Callable[[Array], Array]


def mean(gradient: Array) -> Array:
    return gradient.mean(axis=(2, 3), keepdims=True)


def terms(trace: Trace, seed: Classes, layer: str, pool: Pool = mean, rules: Rules = STANDARD) -> Array:
    """weight * activation for every channel, (n, k, rows, cols): what equation 2 sums."""
    gradient = trace.backward(seed, rules, stop=layer)[layer]
    return pool(gradient) * trace[layer]


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


@grad_cam.wrong()
def relu_before_sum(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The ReLU stands before the sum, on each channel's term or its weight: nothing can argue against the class any
    more.
    """
    return relu(terms(trace, target, layer)).sum(axis=1)


@grad_cam.wrong("captum's LayerGradCam leaves it out unless relu_attributions=True")
def relu_forgotten(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The ReLU is missing: places that argue against the class stay negative."""
    return terms(trace, target, layer).sum(axis=1)


@grad_cam.wrong("tf-explain by default: not Grad-CAM, and nearly the same for every class (#146)")
def guided_gradients(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The gradient was walked back with the guided rule; Grad-CAM uses the derivative itself, STANDARD."""
    return relu(terms(trace, target, layer, rules=GUIDED).sum(axis=1))


@grad_cam.wrong("salesforce/LAVIS PR 809 asks about such a ReLU in released code")
def positive_gradients(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """Negative gradients are set to 0 before the mean, so that no weight is negative."""
    return terms(trace, target, layer, lambda g: mean(relu(g))).sum(axis=1)


@grad_cam.wrong()
def absolute_gradients(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The absolute value of the gradient is averaged: arguments for and against count alike."""
    return terms(trace, target, layer, lambda g: mean(np.abs(g))).sum(axis=1)


@grad_cam.wrong("ramprs/grad-cam, the paper's own code: a constant factor, 196 for VGG16")
def sum_for_mean_in_weights(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The weights are sums over the places; equation 1 takes the mean. A display hides the constant factor."""
    return relu(terms(trace, target, layer, lambda g: g.sum(axis=(2, 3), keepdims=True)).sum(axis=1))


@grad_cam.wrong()
def maximum_in_weights(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The weights are the largest gradients; equation 1 takes the mean."""
    return relu(terms(trace, target, layer, lambda g: g.max(axis=(2, 3), keepdims=True)).sum(axis=1))


@grad_cam.wrong()
def weights_of_whole_batch(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The weights are averaged over the batch; every picture has weights of its own."""
    return relu(terms(trace, target, layer, lambda g: g.mean(axis=(0, 2, 3), keepdims=True)).sum(axis=1))


@grad_cam.wrong("eclique/keras-gradcam, tf-explain, tf-keras-vis on networks that end in a softmax", page="07")
def of_probability(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The gradient of the probability, not of the logit: another direction, and a blank map once the network is
    certain.
    """
    return relu(terms(trace, probability_seed(trace, target), layer).sum(axis=1))


@grad_cam.wrong("the Grad-CAM paper itself does so for captions, and only there", page="07")
def of_log_probability(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The gradient of log p, onehot - p: the other classes take part; the score is the logit of one class."""
    p, index = probability_seed(trace, target), targets(trace, target)
    seed = p / np.exp(trace.output - trace.output.max(axis=1, keepdims=True))[np.arange(len(p)), index][:, None]
    total = np.exp(trace.output - trace.output.max(axis=1, keepdims=True)).sum(axis=1)[:, None]
    return relu(terms(trace, seed * total, layer).sum(axis=1))


@grad_cam.wrong("raghakot/keras-vis#23 chose pool5 silently; so does frgfm/torch-cam's automatic choice for VGG")
def from_pool5(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The map comes from the pooling layer above the one asked for: half the resolution, another gradient."""
    return explain_grad_cam(trace, target, {"relu5_3": "pool5", "relu4_3": "pool4"}.get(layer, layer))


@grad_cam.wrong()
def before_relu(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The map comes from the convolution *before* its ReLU: negative activations take part, and the gradient is
    masked.
    """
    return explain_grad_cam(trace, target, layer.replace("relu", "conv"))


@grad_cam.wrong()
def mixed_layers(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The gradient is that of the ReLU's output, the activation its input; both belong to the layer asked for."""
    gradient = trace.backward(target, stop=layer)[layer]
    return relu((mean(gradient) * trace[layer.replace("relu", "conv")]).sum(axis=1))


@grad_cam.wrong()
def layer_ignored(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """relu5_3 is written into the code; the layer is an argument."""
    return explain_grad_cam(trace, target, "relu5_3")


@grad_cam.wrong()
def target_ignored(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The class that was asked for is ignored; this is the map of the predicted one."""
    return explain_grad_cam(trace, None, layer)


@grad_cam.wrong()
def all_classes(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The sum of all logits is explained: the seed is 1 at the target and 0 elsewhere."""
    return relu(terms(trace, np.ones_like(trace.output), layer).sum(axis=1))


@grad_cam.wrong("jacobgil/pytorch-grad-cam#400, #530, in its guided backpropagation: only output[0] is walked back")
def first_picture_seeded(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """Only the first picture's logit was walked back, and the maps of the others are blank: seed every row."""
    seed = np.zeros_like(trace.output)
    seed[0, targets(trace, target)[0]] = 1
    return relu(terms(trace, seed, layer).sum(axis=1))


@grad_cam.wrong()
def first_target_for_all(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """Every picture was explained with the first one's class."""
    return explain_grad_cam(trace, int(targets(trace, target)[0]), layer)


@grad_cam.wrong(
    "utkuozbulak/pytorch-cnn-visualizations (#11, #14, #66, #94, #103), jacobgil/keras-grad-cam (PR 22), "
    "PAIR-code/saliency (PR 13, mended), apache/mxnet#11895"
)
def starting_at_ones(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The accumulator starts at ones: every place gets 1 for nothing. Start a sum at zeros."""
    return relu(1 + terms(trace, target, layer).sum(axis=1))


@grad_cam.wrong()
def channel_mean_for_sum(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The terms are averaged over the channels; equation 2 sums them. A display hides the constant factor."""
    return relu(terms(trace, target, layer).mean(axis=1))


@grad_cam.wrong()
def gradient_not_averaged(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """Each place is weighted by its own gradient (gradient times activation); equation 1 averages it over the places
    first.
    """
    return relu(terms(trace, target, layer, lambda g: g).sum(axis=1))


@grad_cam.wrong()
def weights_only(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The gradient is summed over the channels and never meets the activations."""
    return relu(trace.backward(target, stop=layer)[layer].sum(axis=1))


@grad_cam.wrong()
def unweighted(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The activations are summed without weights: the same map for every class."""
    return relu(trace[layer].sum(axis=1))


@grad_cam.wrong()
def absolute_map(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The absolute value of the sum stands where the ReLU belongs: evidence against the class looks like evidence
    for it.
    """
    return np.abs(terms(trace, target, layer).sum(axis=1))


@grad_cam.wrong("jacobgil/pytorch-grad-cam#267: the raw map is not to be had")
def divided_by_maximum(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The map is divided by its maximum; that is for drawing, and it hides how strong the evidence is."""
    cam = explain_grad_cam(trace, target, layer)
    return cam / np.maximum(cam.max(axis=(1, 2), keepdims=True), 1e-12)


@grad_cam.wrong()
def divided_by_batch_maximum(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """All maps are divided by the largest number in the batch; dividing is for drawing, and each map's own affair."""
    cam = explain_grad_cam(trace, target, layer)
    return cam / np.maximum(cam.max(), 1e-12)


@grad_cam.wrong("kazuto1011/grad-cam-pytorch: a blank map becomes NaN")
def min_max(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The map is stretched from its minimum to its maximum: the weakest place is called 0, and a blank map becomes
    NaN.
    """
    cam = explain_grad_cam(trace, target, layer)
    low, high = cam.min(axis=(1, 2), keepdims=True), cam.max(axis=(1, 2), keepdims=True)
    with np.errstate(all="ignore"):
        return (cam - low) / (high - low)


@grad_cam.wrong()
def enlarged(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The map is enlarged to the picture's size already; asked for is the layer's own resolution."""
    return upsample(explain_grad_cam(trace, target, layer), trace["input"].shape[2:])


@grad_cam.wrong()
def sign_reversed(trace: Trace, target: Classes, layer: str = "relu5_3") -> Array:
    """The gradient is negated: that is the counterfactual map, what argues *against* the class."""
    return relu(-terms(trace, target, layer).sum(axis=1))
