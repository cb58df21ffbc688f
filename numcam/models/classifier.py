"""A network together with what it needs to meet a picture: preprocessing, class names, input size."""

import operator
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from numcam.errors import InputError, did_you_mean
from numcam.images import pictures_of
from numcam.models.familiar import Familiar
from numcam.models.labels import find, number
from numcam.models.preprocessing import Preprocessing, check_scale
from numcam.nn import Network, Trace
from numcam.nn.types import Array


class Classifier:
    """.network, .classes (names in index order), .input_size (rows, cols), .preprocessing; .name as in `load`.

    .assumed is what had to be assumed of a file that does not say it; .sources has its layers' names there, and what
    they are called here. .familiar knows what its training pictures look like, if its file holds that.

    .engine is how it computes unless a call says otherwise: "fast" or "plain", as in `Network.forward`.

    A network without a head has no classes. It can be explained, with a channel of its last layer for a class, and
    cannot classify.
    """

    def __init__(
        self,
        network: Network,
        classes: Sequence[str],
        preprocessing: Preprocessing,
        input_size: tuple[int, int] = (224, 224),
        name: str = "network",
        engine: str = "fast",
        assumed: Sequence[str] = (),
        sources: Mapping[str, str] = MappingProxyType({}),
        familiar: Familiar | None = None,
    ) -> None:
        outputs = network.shapes((1, 3, *input_size))
        last = next(reversed(outputs.values()))
        if last != (1, len(classes)) and (classes or len(last) != 4):
            raise InputError(f"the network has an output of {last[1:]}, but {len(classes)} class names were given")
        self.channels = last[1]
        self.network, self.classes, self.preprocessing = network, tuple(classes), preprocessing
        self.input_size, self.name, self.engine = input_size, name, engine
        self.assumed, self.sources, self.familiar = tuple(assumed), dict(sources), familiar

    def to_pixels(self, image: Any) -> Array:
        """One picture (rows, cols, 3), or several, uint8 or float in [0, 255] -> (n, 3, h, w) float32.

        Also paths, pictures of Pillow's, tensors, and lists of them, as in `pictures_of`. The whole picture is squashed
        to the input size (bilinear, smoothed when shrinking); one of exactly that size passes unchanged. InputError for
        another shape, range or NaN, and for floats that look like 0-1.
        """
        batch = pictures_of(image)
        if not batch:
            raise InputError("there is no picture in the list; give one or more")
        for one in batch:
            if not (one.min() >= 0 and one.max() <= 255):  # written so that NaN fails too
                raise InputError(f"pixels lie in 0-255; these run from {one.min()} to {one.max()}")
            check_scale(one)
        return np.stack([_resized(b, self.input_size) for b in batch])

    def preprocess(self, image: Array) -> Array:
        """A picture, as in `to_pixels` -> x (n, 3, h, w) float32, what the network takes."""
        return self.preprocessing.forward(self.to_pixels(image))

    def deprocess(self, x: Array) -> Array:
        """x (n, 3, h, w) -> pixels (n, 3, h, w) in [0, 255], float, RGB."""
        return np.clip(self.preprocessing.inverse(x), 0, 255)

    def pixel_gradient(self, dx: Array) -> Array:
        """d(score)/d(pixels) from d(score)/dx, both (n, 3, h, w)."""
        return self.preprocessing.backward(dx)

    def forward(self, x: Array, engine: str | None = None) -> Trace:
        """The trace of preprocessed pictures x (n, 3, h, w); engine: None for the classifier's own."""
        return self.network.forward(x, engine or self.engine)

    def predict(self, image: Any, top: int = 5) -> Any:
        """The `top` likeliest classes of a picture as (index, name, probability), the likeliest first; of a list or a
        batch of pictures, a list of these, one for each. Pictures and InputError as in `to_pixels`.
        """
        if not is_one(image):
            return [self.predict(one, top) for one in listed(image)]
        return self.ranked(self.forward(self.preprocess(image)), top)

    def ranked(self, trace: Trace, top: int = 5) -> list[tuple[int, str, float]]:
        """The `top` likeliest classes of the trace's first picture, as `predict` gives them."""
        probabilities = self.probabilities(trace)[0]
        best = np.argsort(-probabilities, kind="stable")[: max(1, top)]
        return [(int(i), self.classes[i], float(probabilities[i])) for i in best]

    def probabilities(self, trace: Trace) -> Array:
        """Of each picture's classes, (n, classes) float64; InputError for a network that cannot classify.

        The softmax of the logits; where the network's output is "sigmoid", each class has its own."""
        if not self.classes:
            raise InputError(
                f"{self.name} was loaded without its head, so it cannot classify; explain one of its "
                f"{self.channels} channels instead, or load weights that include the head"
            )
        if not np.isfinite(trace.output).all():
            raise InputError(f"{self.name} answers with NaN or infinity; check its weights with numcam weights verify")
        return trace.probabilities()

    def explain(
        self,
        picture: Any,
        target: Any = None,
        method: str = "grad_cam",
        layer: str | int | Sequence[str | int] | None = None,
        **options: Any,
    ) -> Any:
        """Where in a picture the evidence for a class is: an `Explained`, which shows itself in a notebook.

        picture: as in `pictures_of`, one or a list. target: a name or an index, None for the likeliest class. method: a
        name of METHODS, or as it is usually written. layer: as in `layer`; of several, the maps are fused. options go
        to the method. A list of pictures, or of targets, gives a list. InputError for what cannot be used.
        """
        door = import_module("numcam.front.explaining")  # here, for it stands above the rooms that it opens
        return door.explain(self, picture, target, method, layer, options)

    def attack(self, picture: Any, label: Any = None, method: str = "fgsm", to: Any = None, **options: Any) -> Any:
        """The picture changed a little, so that the network answers otherwise: an `Attacked`, or a list of them.

        picture: as in `pictures_of`, one or a list. label: the class to leave, None for the predicted one; to: the
        class to reach instead. method: a name of `numcam.attack.ATTACKS`; options go to it, such as epsilon=4 in grey
        levels of 255; with epsilon_scale=255 epsilon is of pictures in 0-1. InputError for what cannot be used.
        """
        return import_module("numcam.front.attacking").attack(self, picture, label, method, to, options)

    def layer(self, wanted: str | int) -> str:
        """The name of the layer that is meant: by its name, by that in the file which it was read from, by VGG's in
        Keras ("block5_conv3", after its ReLU) or torchvision ("features.29"), or counted from the end, -1 for the last
        with rows and columns. InputError with the names there are.
        """
        shapes = self.network.shapes((1, 3, *self.input_size))
        spatial = [name for name, shape in shapes.items() if len(shape) == 4]
        place = wanted if isinstance(wanted, str) else str(operator.index(wanted))
        if re.fullmatch(r"-[0-9]{1,4}", place) and -int(place) <= len(spatial):
            return spatial[int(place)]
        name = place.strip()
        if name in shapes:
            return name
        for known in (name, name.lower()):
            if found := self.sources.get(known) or usual_name(known, list(self.network.layers)):
                return found
        if re.fullmatch(r"[-+]?[0-9]+", place):
            raise InputError(
                f"a layer's index counts from the end, -1 for {spatial[-1]} to -{len(spatial)} for {spatial[0]}; got "
                f"{place}"
            )
        raise InputError(f"no layer {name!r}; {did_you_mean(name, [*spatial, *self.sources], most=60)}")

    def index(self, name_or_index: Any) -> int:
        """The index of a class given by index, by name (case does not matter), or by a part of it that is unique; also
        as numcam prints it, "dog (1)" or “dog”.

        InputError with the candidates, or with the nearest names. Without a head: the index of a channel.
        """
        if not isinstance(name_or_index, str):
            try:
                name_or_index = operator.index(name_or_index)
            except TypeError:
                raise InputError(
                    f"a class is a name or an index; got {type(name_or_index).__name__} {name_or_index!r:.60}"
                ) from None
        text, count = str(name_or_index).strip(), len(self.classes) or self.channels
        index = number(text)
        if index is not None:
            if 0 <= index < count:
                return index
            raise InputError(f"{'class' if self.classes else 'channel'} indices run from 0 to {count - 1}; got {text}")
        if not self.classes:
            raise InputError(f"{self.name} has no classes, but {count} channels; give a number, not {text!r}")
        printed = re.fullmatch(r"[“\"]?(.*?)[”\"]?(?:\s*\(([0-9]{1,6})\))?", text)
        if printed and printed[1] != text and printed[1] in self.classes:
            index = self.classes.index(printed[1]) if printed[2] is None else int(printed[2])
            if index < count and self.classes[index] == printed[1]:
                return index
        return find(text, self.classes, self.name)


def is_one(image: Any) -> bool:
    """Whether a single picture is given, and not a list or a batch."""
    if isinstance(image, str | os.PathLike | Image.Image):
        return True
    return hasattr(image, "__array__") and np.ndim(image) < 4


def listed(images: Any) -> list[Any]:
    """The single pictures of a list or a batch. InputError for what is none."""
    if not hasattr(images, "__array__") and not isinstance(images, Iterable):
        raise InputError(f"a picture is a path, an array, or a picture of Pillow's; got {type(images).__name__}")
    return list(images)


def usual_name(wanted: str, names: Sequence[str]) -> str | None:
    """A layer of VGG by its name in Keras or torchvision, where there is one in a network of these layers."""
    if keras := re.fullmatch(r"block([1-9])_(conv|pool)([1-9]?)", wanted):
        name = f"pool{keras[1]}" if keras[2] == "pool" else f"relu{keras[1]}_{keras[3]}"
        return name if name in names else None
    torchvision = re.fullmatch(r"(?:model\.)?features[.\[]([0-9]{1,3})\]?", wanted)
    if torchvision and list(names[:2]) == ["conv1_1", "relu1_1"] and "flatten" in names:
        spatial = list(names[: names.index("flatten")])
        if int(torchvision[1]) < len(spatial):
            return spatial[int(torchvision[1])]
    return None


def _resized(picture: Array, size: tuple[int, int]) -> Array:
    """(rows, cols, 3) -> (3, *size) float32."""
    if picture.shape[:2] != size:
        channels = (Image.fromarray(np.ascontiguousarray(picture[..., c], np.float32)) for c in range(3))
        planes = [np.asarray(c.resize((size[1], size[0]), Image.Resampling.BILINEAR)) for c in channels]
        return np.clip(np.stack(planes), 0, 255)
    return np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)
