"""load(): a network by name, with weights from the package, from a file, or drawn at random."""

import os
from importlib.resources import files
from pathlib import Path

from numcam.errors import InputError, did_you_mean
from numcam.formats import Weights, read_weights
from numcam.models.classifier import Classifier
from numcam.models.preprocessing import CENTRED, TORCHVISION
from numcam.models.vgg import ARCHITECTURES, INPUT_SIZE, assemble, random_network
from numcam.scenes import CLASSES


def load(model: str = "pocket", weights: str | os.PathLike[str] | None = None) -> Classifier:
    """A classifier, ready to use.

    model: "pocket", "vgg11", "vgg13", "vgg16" or "vgg19", or the path of a weights file, which says itself what it is.
    weights: None for the bundled ones (pocket), the path of a file written by numcam, or "random" for He
    initialisation with seed 0. InputError for an unknown name, or a file that cannot be used.
    """
    if model not in ARCHITECTURES and Path(model).suffix and weights is not None:
        raise InputError(f"{model} is a weights file already; leave out weights={str(weights)!r}, or name a network")
    if model not in ARCHITECTURES and Path(model).suffix:
        return from_weights(read_weights(model))
    if model not in ARCHITECTURES:
        raise InputError(
            f"no model {model!r}; give a name, or the path of a weights file; {did_you_mean(model, ARCHITECTURES)}"
        )
    if weights == "random":
        return _random(model)
    if weights is None:
        if model != "pocket":
            raise InputError(f"no weights for {model} are bundled; give weights=PATH to a file, or weights='random'")
        weights = bundled_weights()
    read = read_weights(weights)
    if read.architecture != model:
        raise InputError(f"{weights} holds {read.architecture}, not {model}; ask for {read.architecture}")
    return from_weights(read)


def from_weights(weights: Weights) -> Classifier:
    """The classifier that a weights file describes."""
    network = assemble(weights.architecture, weights.parameters)
    return Classifier(network, weights.classes, weights.preprocessing, weights.input_size, weights.architecture)


def bundled_weights() -> Path:
    """Where pocket.h5 is: inside an installed package, or in weights/ of a checkout (also an editable install)."""
    packaged = Path(str(files("numcam"))) / "_weights" / "pocket.h5"
    checkout = Path(str(files("numcam"))).parent / "weights" / "pocket.h5"
    for path in (packaged, checkout):
        if path.is_file():
            return path
    raise InputError(f"pocket.h5 is missing: expected {packaged} or {checkout}. Install numcam again, or train it.")


def _random(model: str) -> Classifier:
    count = ARCHITECTURES[model].classes
    classes = CLASSES if model == "pocket" else tuple(f"class {i}" for i in range(count))
    preprocessing = CENTRED if model == "pocket" else TORCHVISION
    return Classifier(random_network(model), classes, preprocessing, INPUT_SIZE, model)
