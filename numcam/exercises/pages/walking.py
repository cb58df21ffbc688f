"""Page 09: all the way back to the pixels, and a check along one direction."""

from collections.abc import Callable, Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import numbers, small_network, small_trace
from numcam.nn import DECONVNET, GUIDED, Trace
from numcam.nn.gradcheck import directional_derivative as along
from numcam.nn.softmax import cross_entropy_backward, softmax
from numcam.nn.types import Array

Score = Callable[[Array], float]
Classes = int | Array


def targets(trace: Trace, target: Classes) -> Array:
    """One class index for each picture, (n,)."""
    return np.broadcast_to(np.asarray(target), (len(trace.output),))


def probability_seed(trace: Trace, target: Classes) -> Array:
    """The gradient of the probability of the target at the logits, which seeds a walk that should start at a logit."""
    p, index = softmax(trace.output), targets(trace, target)
    chosen = np.eye(p.shape[1])[index]
    return p[np.arange(len(p)), index][:, None] * (chosen - p)


def traces() -> Iterator[tuple[str, Trace, Classes]]:
    """What is special about it, a trace, the class or classes."""
    yield "one picture, class 1", small_trace(1), 1
    yield "three pictures, class 2", small_trace(), 2
    yield "three pictures, a class for each", small_trace(), np.array([3, 0, 1])


@exercise("09", "gradient")
def saliency(trace: Trace, target: Classes) -> Array:
    """The gradient of the target's logit with respect to the input, signed.

    trace: a Trace of numcam; target: a class index, or one for each picture. Returns (n, 3, rows, cols).
    """
    return trace.backward(target)["input"]


@saliency.inputs
def _() -> Iterator[Case]:
    for about, trace, target in traces():
        yield Case(about, (trace, target))


@saliency.wrong("tf-explain, tf-keras-vis on networks that end in a softmax, eclique/keras-gradcam", page="07")
def of_probability(trace: Trace, target: Classes) -> Array:
    """The gradient of the probability, not of the logit: another direction, and 0 where the network is certain."""
    return trace.backward(probability_seed(trace, target))["input"]


@saliency.wrong(page="07")
def of_loss(trace: Trace, target: Classes) -> Array:
    """The gradient of the loss, p - onehot at the logits; what is explained here is the logit."""
    return trace.backward(cross_entropy_backward(trace.output, targets(trace, target)))["input"]


@saliency.wrong()
def of_all_classes(trace: Trace, target: Classes) -> Array:
    """The gradient of the sum of all logits: the seed is 1 at the target and 0 elsewhere."""
    return trace.backward(np.ones_like(trace.output))["input"]


@saliency.wrong()
def of_predicted(trace: Trace, target: Classes) -> Array:
    """The class that was asked for is ignored; this is the gradient of the predicted one."""
    return trace.backward(trace.output.argmax(axis=1))["input"]


@saliency.wrong()
def absolute(trace: Trace, target: Classes) -> Array:
    """The sign is lost; take the absolute value when it is drawn, not here."""
    return np.abs(trace.backward(target)["input"])


@saliency.wrong()
def positive_only(trace: Trace, target: Classes) -> Array:
    """Negative gradients are set to 0; ReLU belongs to Grad-CAM's map, a saliency map keeps its sign."""
    return np.maximum(trace.backward(target)["input"], 0)


@saliency.wrong()
def largest_channel(trace: Trace, target: Classes) -> Array:
    """The colour channels are already reduced to their largest absolute value, which is done for drawing."""
    return np.abs(trace.backward(target)["input"]).max(axis=1)


@saliency.wrong(page="11")
def guided(trace: Trace, target: Classes) -> Array:
    """That is guided backpropagation; the saliency map walks back by the derivative, STANDARD."""
    return trace.backward(target, GUIDED)["input"]


@saliency.wrong(page="11")
def deconvnet(trace: Trace, target: Classes) -> Array:
    """That is the deconvnet rule; the saliency map walks back by the derivative, STANDARD."""
    return trace.backward(target, DECONVNET)["input"]


@saliency.wrong()
def times_input(trace: Trace, target: Classes) -> Array:
    """The gradient is multiplied by the input; that is another method, gradient times input."""
    return trace.backward(target)["input"] * trace["input"]


@saliency.wrong("jacobgil/pytorch-grad-cam#400, #530: only output[0] is walked back")
def first_picture_seeded(trace: Trace, target: Classes) -> Array:
    """Only the first picture's logit was walked back, and the others received 0: seed every row."""
    seed = np.zeros_like(trace.output)
    seed[0, targets(trace, target)[0]] = 1
    return trace.backward(seed)["input"]


@saliency.wrong()
def first_target_for_all(trace: Trace, target: Classes) -> Array:
    """Every picture was explained with the first one's class."""
    return trace.backward(int(targets(trace, target)[0]))["input"]


@saliency.wrong()
def batch_averaged(trace: Trace, target: Classes) -> Array:
    """The gradient is divided by n, as that of a mean over the batch; each picture has a score of its own."""
    return trace.backward(target)["input"] / len(trace.output)


@saliency.wrong()
def stopped_early(trace: Trace, target: Classes) -> Array:
    """The walk stopped at conv4_3; the picture itself is one layer further down, "input"."""
    return trace.backward(target, stop="conv4_3")["conv4_3"]


@exercise("09", "slope")
def directional_derivative(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """How fast f changes at x along `direction`, by a central difference: two evaluations, whatever the size of x.

    f takes an array like x and returns a number; direction has the shape of x and is not normalised. Returns a number,
    to be compared with the sum of gradient * direction. x and direction are left as they are.
    """
    return along(f, x, direction, step)


def sum_of_cubes(x: Array) -> float:
    return float((x**3).sum())


def first_logit(x: Array) -> float:
    return float(small_network().forward(x).output[0, 0])


@directional_derivative.inputs
def _() -> Iterator[Case]:
    yield Case("sum of cubes, two numbers", (sum_of_cubes, np.array([1.0, 2.0]), np.array([1.0, -2.0])), {"step": 0.5})
    yield Case("sum of cubes, a 2x3 array", (sum_of_cubes, numbers(90, 2, 3), numbers(91, 2, 3)), {"step": 0.25})
    yield Case(
        "a logit of a small network",
        (first_logit, numbers(92, 1, 3, 8, 12), np.random.default_rng(93).standard_normal((1, 3, 8, 12))),
        {"step": 0.25},
    )


@directional_derivative.wrong()
def forward_difference(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """A forward difference: its error shrinks with the step, that of the central one with the step's square."""
    return (f(x + step * direction) - f(x)) / step


@directional_derivative.wrong()
def not_halved(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """Divided by step: between the two points lie 2 * step."""
    return (f(x + step * direction) - f(x - step * direction)) / step


@directional_derivative.wrong()
def step_forgotten(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """The whole direction is added, not `step` of it."""
    return (f(x + direction) - f(x - direction)) / (2 * step)


@directional_derivative.wrong()
def not_divided(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """That is the change of f; the derivative is the change *per* step: divide by 2 * step."""
    return f(x + step * direction) - f(x - step * direction)


@directional_derivative.wrong()
def normalised(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """The direction was scaled to length 1 first; then the sum of gradient * direction is another number."""
    return along(f, x, direction / np.linalg.norm(direction), step)


@directional_derivative.wrong()
def direction_ignored(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """`step` is added to every element alike; it is `step * direction` that is added."""
    return along(f, x, np.ones_like(x), step)


@directional_derivative.wrong()
def signs_only(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """Only the signs of the direction are used."""
    return along(f, x, np.sign(direction), step)


@directional_derivative.wrong()
def reversed_difference(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """The difference is taken the wrong way round."""
    return -along(f, x, direction, step)


@directional_derivative.wrong()
def x_left_moved(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """The number is right, but x was moved in place (`+=`) and not put back: the caller's array has changed."""
    slope = along(f, x, direction, step)
    x += step * direction
    return slope


@directional_derivative.wrong()
def not_put_back(f: Score, x: Array, direction: Array, step: float = 1e-5) -> float:
    """x is moved in place upwards and then by one step down, which only brings it back to the start: move two down."""
    x += step * direction
    up = f(x)
    x -= step * direction
    return (up - f(x)) / (2 * step)
