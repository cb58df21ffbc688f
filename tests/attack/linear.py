"""Classifiers for which every attack has a closed form: one linear layer on pixels."""

import numpy as np

from numcam.models.classifier import Classifier
from numcam.models.preprocessing import Preprocessing
from numcam.nn import Flatten, Linear, Network

SIZE = (4, 5)
AS_IT_IS = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def linear(classes=2, seed=0, preprocessing=AS_IT_IS, lead=0.0, steep=None):
    """Logits w x + b in float64; b makes class 0 lead by `lead` over each other on the grey picture.

    steep: a class whose logit changes four times as fast, against class 0's, as the others do.
    """
    w = np.random.default_rng(seed).standard_normal((classes, 3 * SIZE[0] * SIZE[1]))
    if steep is not None:
        w[steep] = w[0] + 4 * (w[steep] - w[0])
    grey = preprocessing.forward(np.full((1, 3, *SIZE), 128.0)).reshape(-1)
    b = -w @ grey
    b[0] += lead
    network = Network({"flatten": Flatten(), "fc": Linear(w, b)})
    return Classifier(network, tuple("abcdefgh"[:classes]), preprocessing, SIZE), w


def grey(n=1):
    return np.full((n, 3, *SIZE), 128.0)


def logits(classifier, pixels):
    return classifier.forward(classifier.preprocessing.forward(pixels)).output
