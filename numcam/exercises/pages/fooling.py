"""Page 12: the same gradient, used to fool."""

from collections.abc import Iterator

import numpy as np

from numcam.attack import fgsm as attack
from numcam.attack.fgsm import loss_direction
from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import small_classifier, small_pixels
from numcam.models.classifier import Classifier
from numcam.nn import Trace
from numcam.nn.softmax import cross_entropy_backward, softmax
from numcam.nn.types import Array


@exercise("12", "moved", tolerance=1e-6)  # pixels run to 255, and epsilon may be small
def fgsm(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The fast gradient sign method: every pixel value moves by epsilon in the direction that raises the label's loss.

    classifier: a Classifier of numcam; pixels (n, 3, rows, cols), RGB, 0-255; label (n,), the class to leave;
    epsilon on the 0-255 scale. Returns pixels of that shape, clipped to [0, 255].
    classifier.preprocessing.forward(pixels) is x, and classifier.pixel_gradient(dx) leads back to the pixels.
    """
    return attack(classifier, pixels, label, epsilon)


@fgsm.inputs
def _() -> Iterator[Case]:
    pixels = small_pixels()
    yield Case("one picture, epsilon 2", (small_classifier(), pixels[:1], answers(pixels[:1]), 2.0))
    yield Case("two pictures, epsilon 8", (small_classifier(), pixels, np.array([2, 0]), 8.0))
    yield Case("a quarter of a grey level", (small_classifier(), pixels[:1], answers(pixels[:1]), 0.25))


def answers(pixels: Array) -> Array:
    """The predicted classes, (n,)."""
    return classify(small_classifier(), pixels).output.argmax(axis=1)


def classify(classifier: Classifier, pixels: Array) -> Trace:
    return classifier.forward(classifier.preprocessing.forward(pixels))


def gradient(classifier: Classifier, pixels: Array, label: Array) -> Array:
    """The gradient of the loss at the pixels, up to a positive factor for each picture."""
    trace = classify(classifier, pixels)
    return classifier.pixel_gradient(trace.backward(loss_direction(trace.output, label))["input"])


def clip(pixels: Array) -> Array:
    return np.clip(pixels, 0, 255)


@fgsm.wrong("captum's FGSM counts epsilon in the tensor's units; ART#894: VGG16 \"succeeds\" only with epsilon 30")
def epsilon_in_network_units(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """epsilon was added to the preprocessed x, whose units differ from channel to channel; it counts grey levels of
    pixels.
    """
    trace = classify(classifier, pixels)
    dx = trace.backward(loss_direction(trace.output, label))["input"]
    return classifier.deprocess(trace["input"] + epsilon * np.sign(dx))


@fgsm.wrong("captum's FGSM has no bounds unless they are given")
def not_clipped(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The result leaves 0-255, where no picture can follow: clip it."""
    return pixels + epsilon * np.sign(gradient(classifier, pixels, label))


@fgsm.wrong("ART#894: black images when the range is set wrongly")
def clipped_to_one(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """Clipped to [0, 1]; these pixels run from 0 to 255."""
    return np.clip(pixels + epsilon * np.sign(gradient(classifier, pixels, label)), 0, 1)


@fgsm.wrong()
def downhill(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The step goes *down* the loss and makes the network more certain of the label; go up."""
    return clip(pixels - epsilon * np.sign(gradient(classifier, pixels, label)))


@fgsm.wrong()
def up_the_logit(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The step climbs the label's own logit, which makes it surer; climb the loss."""
    dx = classify(classifier, pixels).backward(label)["input"]
    return clip(pixels + epsilon * np.sign(classifier.pixel_gradient(dx)))


@fgsm.wrong()
def down_the_logit(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The step only lowers the label's logit; the loss also raises the others, so its gradient is p - onehot."""
    dx = classify(classifier, pixels).backward(label)["input"]
    return clip(pixels - epsilon * np.sign(classifier.pixel_gradient(dx)))


@fgsm.wrong()
def sign_forgotten(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The gradient itself was added, without its sign: most pixels hardly move."""
    trace = classify(classifier, pixels)
    dx = trace.backward(cross_entropy_backward(trace.output, label))["input"]
    return clip(pixels + epsilon * classifier.pixel_gradient(dx))


@fgsm.wrong()
def largest_step_epsilon(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The gradient was scaled so that its largest value is epsilon; the sign moves *every* pixel by epsilon."""
    g = gradient(classifier, pixels, label)
    return clip(pixels + epsilon * g / np.abs(g).max(axis=(1, 2, 3), keepdims=True))


@fgsm.wrong()
def length_epsilon(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The step has length epsilon over all pixels together (L2); FGSM moves each of them by epsilon."""
    g = gradient(classifier, pixels, label)
    return clip(pixels + epsilon * g / np.sqrt((g**2).sum(axis=(1, 2, 3), keepdims=True)))


@fgsm.wrong(page="08")
def channels_not_turned_back(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The gradient at x was added to the pixels as it is; x is BGR here, pixels are RGB: classifier.pixel_gradient
    turns it.
    """
    trace = classify(classifier, pixels)
    return clip(pixels + epsilon * np.sign(trace.backward(loss_direction(trace.output, label))["input"]))


@fgsm.wrong(page="08")
def not_preprocessed(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The network was given raw pixels; classifier.preprocessing.forward comes first."""
    trace = classifier.forward(pixels)
    dx = trace.backward(loss_direction(trace.output, label))["input"]
    return clip(pixels + epsilon * np.sign(classifier.pixel_gradient(dx)))


@fgsm.wrong("captum's FGSM: pixels whose gradient is below 1e-6 stay as they are (zero_thresh)")
def weak_pixels_left(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """Pixels with a small gradient were left alone; the sign does not ask how large the gradient is."""
    g = gradient(classifier, pixels, label)
    strong = np.abs(g) > np.quantile(np.abs(g), 0.5)
    return clip(pixels + epsilon * np.sign(g) * strong)


@fgsm.wrong()
def label_ignored(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The step leaves the predicted class; the class to leave was given."""
    return attack(classifier, pixels, None, epsilon)


@fgsm.wrong()
def moved_towards(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The step moves all classes but the label up together (minus the label's one-hot is missing)."""
    trace = classify(classifier, pixels)
    dx = trace.backward(softmax(trace.output))["input"]
    return clip(pixels + epsilon * np.sign(classifier.pixel_gradient(dx)))


@fgsm.wrong()
def sign_of_channel_sum(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The three colours of a pixel move together, by the sign of their sum; each has a sign of its own."""
    g = gradient(classifier, pixels, label)
    return clip(pixels + epsilon * np.sign(g.sum(axis=1, keepdims=True)))


@fgsm.wrong()
def perturbation_only(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """That is the perturbation; add it to the pixels."""
    return epsilon * np.sign(gradient(classifier, pixels, label))


@fgsm.wrong()
def half_epsilon(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """epsilon is treated as a fraction of 255; it counts grey levels already."""
    return clip(pixels + epsilon / 255 * np.sign(gradient(classifier, pixels, label)))


@fgsm.wrong()
def pixels_overwritten(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The numbers are right, but they are written into the caller's pixels (`+=`); make a new array."""
    pixels[...] = attack(classifier, pixels, label, epsilon)
    return pixels


@fgsm.wrong()
def rounded(classifier: Classifier, pixels: Array, label: Array, epsilon: float) -> Array:
    """The result is rounded to whole grey levels, in which a small epsilon is lost; a file rounds later."""
    return np.rint(attack(classifier, pixels, label, epsilon))
