"""load(): a network by name, with weights from the package, a file, somebody's cache or the net, or at random."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numcam.errors import InputError, did_you_mean
from numcam.models.chain import CHAIN
from numcam.models.classifier import Classifier
from numcam.models.imagenet import NAMES
from numcam.models.labels import names_in
from numcam.models.preprocessing import CENTRED, TORCHVISION, Preprocessing, preprocessing_of
from numcam.models.vgg import ARCHITECTURES, INPUT_SIZE, random_network, row_with
from numcam.nn.softmax import OUTPUTS
from numcam.nn.types import as_pair
from numcam.published import PUBLISHED, published
from numcam.scenes import CLASSES

if TYPE_CHECKING:
    from numcam.formats import Weights
    from numcam.formats.network import Asked

MOST_SIDE = 4096


def say(line: str) -> None:
    """A line for the person at the terminal, beside the results."""
    print(line, file=sys.stderr)


def load(
    model: str = "pocket",
    weights: str | os.PathLike[str] | None = None,
    classes: Sequence[str] | Mapping[Any, Any] | None = None,
    say: Callable[[str], None] = say,
    preprocess: str | Preprocessing | None = None,
    input_size: int | tuple[int, int] | None = None,
    output: str | None = None,
    checkpoint_key: str | None = None,
    layers: str | None = None,
) -> Classifier:
    """A classifier, ready to use; it brings the preprocessing that its weights were trained with.

    model: "pocket"; published weights such as "vgg16" (torchvision's) or "vgg16-caffe" (Oxford's, which the Grad-CAM
    paper used; numcam weights list names all); or the path of a weights file.
    weights: the path of a file in any format that numcam reads; "random" for He initialisation with seed 0; None for
    the bundled ones (pocket), else the first of: the file that NUMCAM_WEIGHTS names, numcam's cache, the caches of
    PyTorch, Keras and Hugging Face, and a download into numcam's cache.
    classes: names in index order, or a mapping from or to indices, for weights that have none; of one sigmoid, both
    names or that of the second.
    say(line) is told which file was taken, and what had to be assumed because the file does not say it.
    preprocess: what is done to pixels before the network's own first layer: "torchvision" (or "imagenet"), "caffe",
    "0-1", "-1-1", "0-255", or six numbers "MEAN,MEAN,MEAN/SCALE,SCALE,SCALE" of grey levels. input_size: an int or
    (rows, cols). output: "softmax", or "sigmoid" where each class has a probability of its own. checkpoint_key: which
    state_dict, where a checkpoint has several. layers: which layers follow each other, where a file of tensors alone is
    no VGG: "conv1 relu pool conv2 relu pool flatten fc1 relu fc2", by the file's own names.
    InputError for an unknown name or setting, or a file that cannot be used.
    """
    from numcam.formats import read_weights  # here, because h5py and seven formats take a third of all importing

    if not str(model) or (weights is not None and not str(weights)):
        raise InputError("the name of a weights file is empty; give a file, or leave the option out")
    asked = asked_of(preprocess, input_size, output, checkpoint_key, layers)
    classes = None if classes is None else _names(classes)
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
        read = read_weights(model, classes, asked)
        return _told(from_weights(read, Path(model).stem if read.architecture == CHAIN else None), say)
    if weights == "random":
        return _random(model, classes)
    if weights is not None:
        say(f"weights: {weights} (as given)")
    path = Path(weights) if weights is not None else locate(model, say)
    read = read_weights(path, classes, asked)
    architecture = PUBLISHED[model].architecture if model in PUBLISHED else model
    row = _row(read)
    if row == CHAIN:
        raise InputError(f"{path} holds a network of its own, not {architecture}; give the file itself as the model")
    if row != architecture:
        raise InputError(f"{path} holds {row}, not {architecture}; ask for {row}")
    if weights is None and "NUMCAM_WEIGHTS" not in os.environ:
        read = replace(read, assumed=())  # of published weights, it is known
    return _told(from_weights(read, model), say)


def asked_of(
    preprocess: str | Preprocessing | None,
    input_size: int | tuple[int, int] | None,
    output: str | None,
    checkpoint_key: str | None = None,
    layers: str | None = None,
) -> "Asked":
    """What `load` is told of a network, checked."""
    from numcam.formats.network import Asked

    if isinstance(preprocess, str):
        preprocess = preprocessing_of(preprocess)
    if output not in (None, *OUTPUTS):
        raise InputError(f"no output {output!r}; {did_you_mean(str(output), OUTPUTS)}")
    try:
        size = None if input_size is None else as_pair(input_size, "the input size", 1)
    except (ValueError, TypeError):
        size = (0, 0)
    if size and not max(size) <= MOST_SIDE >= min(size) >= 1:
        raise InputError(f"the input size is one number or (rows, cols) from 1 to {MOST_SIDE}; got {input_size!r}")
    if layers is not None and not layers.strip():
        raise InputError("the line of layers is empty; give names, such as conv1 relu pool flatten fc1")
    return Asked(preprocess, size, output, checkpoint_key, layers)


def _names(classes: Sequence[str] | Mapping[Any, Any]) -> tuple[str, ...]:
    try:
        return names_in(classes)
    except ValueError as error:
        raise InputError(
            f"classes: {error}; give a list of names in index order, or a mapping such as {{'cat': 0, 'dog': 1}}"
        ) from None


def _row(read: "Weights") -> str:
    """The row of the table that a file holds, also of a VGG with torchvision's pooling for pictures of another size."""
    if not any(one.type == "AdaptiveAvgPool2d" for one in read.layers):
        return read.architecture
    return row_with([a.shape[0] for a in read.parameters.values() if a.ndim == 4]) or read.architecture


def _told(classifier: Classifier, say: Callable[[str], None]) -> Classifier:
    """The classifier, after what had to be assumed has been said."""
    if classifier.assumed:
        say(f"assumed: {'; '.join(classifier.assumed)}")
    return classifier


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
    return Classifier(
        weights.network(),
        weights.classes,
        weights.preprocessing,
        weights.input_size,
        name or weights.architecture,
        assumed=weights.assumed,
        sources=weights.sources,
        familiar=weights.familiar,
    )


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
