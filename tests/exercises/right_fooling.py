"""Page 12 in other styles."""

import numpy as np
from exercises.variants import right
from scipy import special

import numcam
from numcam.nn.softmax import cross_entropy_backward


def traced(classifier, pixels):
    return classifier.forward(classifier.preprocessing.forward(pixels))


def p_minus_one_hot(logits, label):
    return special.softmax(logits, axis=1) - np.eye(logits.shape[1])[label]


def gradient(classifier, pixels, label):
    trace = traced(classifier, pixels)
    return classifier.pixel_gradient(trace.backward(p_minus_one_hot(trace.output, label))["input"])


@right("fgsm")
def clip_of_a_step(classifier, pixels, label, epsilon):
    return np.clip(pixels + epsilon * np.sign(gradient(classifier, pixels, label)), 0, 255)


@right("fgsm")
def minimum_and_maximum(classifier, pixels, label, epsilon):
    g = gradient(classifier, pixels, label)
    return np.minimum(np.maximum(pixels + np.where(g > 0, epsilon, np.where(g < 0, -epsilon, 0)), 0), 255)


@right("fgsm")
def down_the_log_probability(classifier, pixels, label, epsilon):
    trace = traced(classifier, pixels)
    dx = trace.backward(-cross_entropy_backward(trace.output, label))["input"]
    return (pixels - epsilon * np.sign(classifier.pixel_gradient(dx))).clip(0, 255)


@right("fgsm")
def mean_loss(classifier, pixels, label, epsilon):
    trace = traced(classifier, pixels)
    dx = trace.backward(p_minus_one_hot(trace.output, label) / len(pixels))["input"]
    return np.clip(pixels + np.sign(classifier.pixel_gradient(dx)) * epsilon, 0.0, 255.0)


@right("fgsm")
def picture_by_picture(classifier, pixels, label, epsilon):
    return np.concatenate(
        [clip_of_a_step(classifier, p[None], np.array([t]), epsilon) for p, t in zip(pixels, label, strict=True)]
    )


@right("fgsm")
def the_chain_by_hand(classifier, pixels, label, epsilon):
    trace = traced(classifier, pixels)
    dx = trace.backward(p_minus_one_hot(trace.output, label))["input"]
    dx = dx[:, ::-1] if classifier.preprocessing.order == "BGR" else dx
    dx = dx / np.reshape(classifier.preprocessing.scale, (3, 1, 1))
    return np.clip(pixels + epsilon * dx / np.where(dx == 0, 1, np.abs(dx)), 0, 255)


@right("fgsm")
def on_a_copy(classifier, pixels, label, epsilon):
    moved = pixels.copy()
    g = gradient(classifier, pixels, label)
    moved[g > 0] += epsilon
    moved[g < 0] -= epsilon
    moved[moved < 0] = 0
    moved[moved > 255] = 255
    return moved


@right("fgsm")
def by_numcam(classifier, pixels, label, epsilon):
    return numcam.fgsm(classifier, pixels, label, epsilon)


@right("fgsm")
def by_numcam_with_a_list(classifier, pixels, label, epsilon):
    return numcam.fgsm(classifier, pixels, label=[int(t) for t in label], epsilon=float(epsilon), targeted=False)


@right("fgsm")
def in_single_precision(classifier, pixels, label, epsilon):
    return clip_of_a_step(classifier, pixels.astype(np.float32), label, np.float32(epsilon))


@right("fgsm")
def as_lists(classifier, pixels, label, epsilon):
    return clip_of_a_step(classifier, pixels, label, epsilon).tolist()


@right("fgsm")
def by_the_margin_of_loss(classifier, pixels, label, epsilon):
    trace = traced(classifier, pixels)
    seed = np.exp(trace.output - special.logsumexp(trace.output, axis=1, keepdims=True))
    for i, t in enumerate(label):
        seed[i, t] -= 1
    pixel = classifier.preprocessing.backward(trace.backward(seed)["input"])
    return np.clip(pixels + np.copysign(epsilon, pixel) * (pixel != 0), 0, 255)


def answer(classifier, pixels):
    return int(traced(classifier, pixels).output[0].argmax())


@right("smallest_epsilon")
def first_that_flips(classifier, pixels, epsilons):
    start = answer(classifier, pixels)
    for epsilon in epsilons:
        if answer(classifier, clip_of_a_step(classifier, pixels, [start], epsilon)) != start:
            return epsilon
    return np.inf


@right("smallest_epsilon")
def by_next(classifier, pixels, epsilons):
    start = answer(classifier, pixels)
    flips = (e for e in epsilons if answer(classifier, numcam.fgsm(classifier, pixels, epsilon=e)) != start)
    return next(flips, float("inf"))


@right("smallest_epsilon")
def by_minimum(classifier, pixels, epsilons):
    start = answer(classifier, pixels)
    return min(
        [e for e in epsilons if answer(classifier, numcam.fgsm(classifier, pixels, start, e)) != start], default=np.inf
    )


@right("smallest_epsilon")
def one_direction_for_all(classifier, pixels, epsilons):
    start = answer(classifier, pixels)
    direction = np.sign(gradient(classifier, pixels, [start]))
    for epsilon in epsilons:
        if answer(classifier, np.clip(pixels + epsilon * direction, 0, 255)) != start:
            return float(epsilon)
    return float("inf")


@right("smallest_epsilon")
def all_in_one_batch(classifier, pixels, epsilons):
    start = answer(classifier, pixels)
    batch = np.concatenate([numcam.fgsm(classifier, pixels, start, e) for e in epsilons])
    flipped = traced(classifier, batch).output.argmax(axis=1) != start
    return np.array(epsilons)[flipped][0] if flipped.any() else np.inf


@right("smallest_epsilon")
def from_the_largest_down(classifier, pixels, epsilons):
    start, found = answer(classifier, pixels), np.float64("inf")
    for epsilon in reversed(epsilons):
        if answer(classifier, numcam.fgsm(classifier, pixels, start, epsilon)) != start:
            found = epsilon
    return found


@right("smallest_epsilon")
def with_a_while_loop(classifier, pixels, epsilons):
    start, i = answer(classifier, pixels), 0
    while i < len(epsilons):
        if answer(classifier, on_a_copy(classifier, pixels, [start], epsilons[i])) != start:
            return np.float32(epsilons[i])
        i += 1
    return float("inf")


@right("smallest_epsilon")
def by_argmax_of_flags(classifier, pixels, epsilons):
    start = answer(classifier, pixels)
    flags = [answer(classifier, numcam.fgsm(classifier, pixels, start, e)) != start for e in epsilons]
    return [*epsilons, np.inf][int(np.argmax([*flags, True]))]


@right("smallest_epsilon")
def by_recursion(classifier, pixels, epsilons):
    if not epsilons:
        return float("inf")
    start = answer(classifier, pixels)
    if answer(classifier, numcam.fgsm(classifier, pixels, start, epsilons[0])) != start:
        return np.array(epsilons[0])
    return by_recursion(classifier, pixels, epsilons[1:])


@right("smallest_epsilon")
def by_margin(classifier, pixels, epsilons):
    logits = traced(classifier, pixels).output[0]
    start = int(logits.argmax())
    for epsilon in epsilons:
        moved = traced(classifier, numcam.fgsm(classifier, pixels, start, epsilon)).output[0]
        if np.delete(moved, start).max() > moved[start]:
            return epsilon
    return float("inf")


@right("smallest_epsilon")
def in_single_precision_search(classifier, pixels, epsilons):
    return first_that_flips(classifier, pixels.astype(np.float32), epsilons)
