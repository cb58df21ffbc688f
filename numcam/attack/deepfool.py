"""DeepFool: the shortest way over the nearest border between classes as if the network were linear, again and again."""

import numpy as np

from numcam.attack.given import Label, checked, labels_of
from numcam.errors import InputError
from numcam.explain.target import predicted
from numcam.models.classifier import Classifier
from numcam.nn.types import Array


def deepfool(
    classifier: Classifier,
    pixels: Array,
    label: Label = None,
    steps: int = 50,
    overshoot: float = 0.02,
    candidates: int = 10,
    engine: str | None = None,
) -> Array:
    """Adversarial pixels close to the picture in the L2 norm; a picture that stays in its class is returned as far as
    it came.

    Pictures as in `fgsm`; label: the class to leave, None for the predicted one. Each step goes to the nearest of the
    borders with the `candidates` likeliest classes; the picture stands `overshoot` of the whole way beyond, clipped to
    [0, 255]. Moosavi-Dezfooli et al. 2016, algorithm 2.
    """
    pixels = checked(classifier, pixels, 0, "deepfool")
    if steps < 0 or candidates < 2 or not overshoot >= 0:
        raise InputError("deepfool takes steps and an overshoot of 0 or more, and at least 2 candidates")
    labels = labels_of(classifier, len(pixels), label, targeted=False)
    return np.stack(
        [
            _one(classifier, p[None], None if labels is None else int(labels[i]), steps, overshoot, candidates, engine)[
                0
            ]
            for i, p in enumerate(pixels)
        ]
    )


def _one(
    classifier: Classifier,
    pixels: Array,
    label: int | None,
    steps: int,
    overshoot: float,
    most: int,
    engine: str | None,
) -> Array:
    way, here, others = np.zeros_like(pixels), pixels, None
    for _ in range(steps):
        trace = classifier.forward(classifier.preprocessing.forward(here), engine)
        label = int(predicted(trace)[0]) if label is None else label
        if predicted(trace)[0] != label:
            break
        if others is None:
            others = [int(k) for k in np.argsort(-trace.output[0], kind="stable") if k != label][: most - 1]
        slopes = np.concatenate(
            [classifier.pixel_gradient(trace.backward(_edge(trace.output, k, label))["input"]) for k in others]
        )
        way = way + to_the_nearest(slopes, trace.output[0, others] - trace.output[0, label])
        here = np.clip(pixels + pixels.dtype.type(1 + overshoot) * way, 0, 255)
    return here


def _edge(logits: Array, other: int, label: int) -> Array:
    """The seed for d(logit of other - logit of label)."""
    seed = np.zeros_like(logits)
    seed[0, other], seed[0, label] = 1, -1
    return seed


def to_the_nearest(slopes: Array, leads: Array) -> Array:
    """The shortest step to the nearest of k borders, (1, ...).

    slopes (k, ...): gradients of logit_k - logit_label; leads (k,): its values, negative where the label is ahead. The
    border of k is |leads_k| / ||slopes_k|| away. As in the authors' code the step is a ten-thousandth of a grey level
    longer, so that rounding does not stop on the border.
    """
    axes = tuple(range(1, slopes.ndim))
    norms = np.sqrt((slopes.astype(np.float64) ** 2).sum(axis=axes))
    distance = np.abs(leads) / np.maximum(norms, 1e-30)
    k = int(distance.argmin())
    return (slopes[k : k + 1] * ((distance[k] + 1e-4) / max(norms[k], 1e-30))).astype(slopes.dtype)
