"""load(): a network by name, with weights from the package, a file, somebody's cache or the net, or at random."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from numcam.errors import InputError, did_you_mean
from numcam.models.classifier import Classifier
from numcam.models.imagenet import NAMES
from numcam.models.preprocessing import CENTRED, TORCHVISION
from numcam.models.vgg import ARCHITECTURES, INPUT_SIZE, assemble, random_network
from numcam.published import PUBLISHED, published
from numcam.scenes import CLASSES

if TYPE_CHECKING:
    from numcam.formats import Weights


def say(line: str) -> None:
    """A line for the person at the terminal, beside the results."""
    print(line, file=sys.stderr)


def load(
    model: str = "pocket",
    weights: str | os.PathLike[str] | None = None,
    classes: Sequence[str] | None = None,
    say: Callable[[str], None] = say,
) -> Classifier:
    """A classifier, ready to use; it brings the preprocessing that its weights were trained with.

    model: "pocket"; published weights such as "vgg16" (torchvision's) or "vgg16-caffe" (Oxford's, which the Grad-CAM
    paper used; numcam weights list names all); or the path of a weights file.
    weights: the path of a file in any format that numcam reads; "random" for He initialisation with seed 0; None for
    the bundled ones (pocket), else the first of: the file that NUMCAM_WEIGHTS names, numcam's cache, the caches of
    PyTorch, Keras and Hugging Face, and a download into numcam's cache.
    classes: names in index order, for weights that have none. say(line) is told which file was taken.
    InputError for an unknown name, or a file that cannot be used.
    """
    from numcam.formats import read_weights  # here, because h5py and seven formats take a third of all importing

    if not str(model) or (weights is not None and not str(weights)):
        raise InputError("the name of a weights file is empty; give a file, or leave the option out")
    known = [*ARCHITECTURES, *(name for name in PUBLISHED if name not in ARCHITECTURES)]
    if model not in known:
        if not (Path(model).suffix or os.path.exists(model)):
            raise InputError(
                f"no model {model!r}; give a name, or the path of a weights file; {did_you_mean(model, known, most=20)}"
            )
        if weights is not None:
            raise InputError(
                f"{model} is a weights file already; leave out weights={str(weights)!r}, or name a network"
            )
        return from_weights(read_weights(model, classes))
    if weights == "random":
        return _random(model, classes)
    if weights is not None:
        say(f"weights: {weights} (as given)")
    path = Path(weights) if weights is not None else locate(model, say)
    read = read_weights(path, classes)
    architecture = PUBLISHED[model].architecture if model in PUBLISHED else model
    if read.architecture != architecture:
        raise InputError(f"{path} holds {read.architecture}, not {architecture}; ask for {read.architecture}")
    return from_weights(read, model)


def locate(model: str, say: Callable[[str], None] = say) -> Path:
    """The file with a named network's weights: bundled, named by NUMCAM_WEIGHTS, in a cache, or downloaded now."""
    if model == "pocket":
        return bundled_weights()
    given = os.environ.get("NUMCAM_WEIGHTS")
    if given:
        say(f"weights: {given} (NUMCAM_WEIGHTS)")
        return Path(given)
    from numcam.download import fetch  # here, because the libraries below take as long to import as all the rest
    from numcam.places import found

    one = published(model)
    place = found(one)
    if place:
        say(f"weights: {place[1]} ({place[0]})")
        return place[1]

    path = fetch(one, say)
    say(f"weights: {path} (downloaded)")
    return path


def from_weights(weights: "Weights", name: str | None = None) -> Classifier:
    """The classifier that a weights file describes."""
    network = assemble(weights.architecture, weights.parameters)
    return Classifier(network, weights.classes, weights.preprocessing, weights.input_size, name or weights.architecture)


def bundled_weights() -> Path:
    """Where pocket.h5 is: inside an installed package, or in weights/ of a checkout (also an editable install)."""
    packaged = Path(str(files("numcam"))) / "_weights" / "pocket.h5"
    checkout = Path(str(files("numcam"))).parent / "weights" / "pocket.h5"
    for path in (packaged, checkout):
        if path.is_file():
            return path
    raise InputError(f"pocket.h5 is missing: expected {packaged} or {checkout}. Install numcam again, or train it.")


def _random(model: str, classes: Sequence[str] | None) -> Classifier:
    if model not in ARCHITECTURES:
        raise InputError(f"random weights have no family; ask for {PUBLISHED[model].architecture}, not {model}")
    own = CLASSES if model == "pocket" else NAMES
    preprocessing = CENTRED if model == "pocket" else TORCHVISION
    network = random_network(model, len(classes or own))
    return Classifier(network, classes or own, preprocessing, INPUT_SIZE, model)
