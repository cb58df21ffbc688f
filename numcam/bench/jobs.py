"""The jobs that are timed, done by numcam through its public names."""

from collections.abc import Mapping

import numpy as np

from numcam import scenes
from numcam.bench.timing import Job
from numcam.explain import grad_cam, guided_backprop
from numcam.loading import load
from numcam.models.classifier import Classifier
from numcam.nn import Network
from numcam.nn.training import SGD, train
from numcam.nn.types import Array

JOBS = ("forward", "Grad-CAM", "guided backprop", "FGSM gradient", "training step")
TARGET = 7
RATE = 1e-4


def subject(model: str) -> Classifier:
    """pocket, or another network with random weights: the time does not depend on them."""
    return load(model, weights=None if model == "pocket" else "random")


def pictures(classifier: Classifier, n: int) -> Array:
    """n scenes as the network takes them."""
    return np.concatenate([classifier.preprocess(scenes.draw(seed % 32).image) for seed in range(n)])


def by_numcam(network: Network, x: Array, engine: str) -> Mapping[str, Job]:
    """Every job on the pictures x, by one of the engines."""
    targets = np.full(len(x), TARGET)

    def step() -> object:
        return list(train(network, [(x, targets)], SGD(), lambda _: RATE, workers=2, engine=engine))

    return {
        "forward": lambda: network.forward(x, engine),
        "Grad-CAM": lambda: grad_cam(network.forward(x, engine), TARGET),
        "guided backprop": lambda: guided_backprop(network.forward(x, engine), TARGET),
        "FGSM gradient": lambda: network.forward(x, engine).backward(TARGET)["input"],
        "training step": step,
    }


def warm(network: Network, x: Array) -> None:
    """Use every kernel once: what the fast engine makes of it is kept from the second use on, in no run that counts."""
    network.forward(x).backward(TARGET)["input"]


def operations(network: Network, job: str, n: int) -> float:
    """Multiplications and additions of a job on n pictures of 224x224, counted as direct convolution.

    Going back to the pixels costs what going forward does; going back to all the weights as much again.
    """
    shapes = network.shapes((n, 3, 224, 224))
    work = {}
    for name, layer in network.layers.items():
        if "weight" in layer.parameters:
            work[name] = 2.0 * layer.parameters["weight"][0].size * float(np.prod(shapes[name]))
    forward = sum(work.values())
    head = sum(amount for name, amount in work.items() if len(shapes[name]) == 2)
    back = {"forward": 0.0, "Grad-CAM": head, "training step": 2 * forward}
    return forward + back.get(job, forward)
