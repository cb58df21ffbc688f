"""A network together with what it needs to meet a picture: preprocessing, class names, input size."""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from numcam.errors import InputError
from numcam.models.labels import find, number
from numcam.models.preprocessing import Preprocessing, check_scale
from numcam.nn import Network, Trace
from numcam.nn.types import Array

Pictures = Array | Iterable[Array]


class Classifier:
    """.network, .classes (names in index order), .input_size (rows, cols), .preprocessing; .name as in `load`.

    .assumed is what had to be assumed of a file that does not say it.

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
    ) -> None:
        outputs = network.shapes((1, 3, *input_size))
        last = next(reversed(outputs.values()))
        if last != (1, len(classes)) and (classes or len(last) != 4):
            raise InputError(f"the network has an output of {last[1:]}, but {len(classes)} class names were given")
        self.channels = last[1]
        self.network, self.classes, self.preprocessing = network, tuple(classes), preprocessing
        self.input_size, self.name, self.engine = input_size, name, engine
        self.assumed = tuple(assumed)

    def to_pixels(self, image: Array) -> Array:
        """One picture (rows, cols, 3), or several of one shape, uint8 or float in [0, 255] -> (n, 3, h, w) float32.

        The whole picture is squashed to the input size (bilinear, smoothed when shrinking); one of exactly that size
        passes unchanged. InputError for another shape, range or NaN, and for floats that look like 0-1.
        """
        batch = np.asarray(image)
        batch = batch[None] if batch.ndim == 3 else batch
        if batch.ndim != 4 or batch.shape[3] != 3 or not batch.size or batch.dtype.kind not in "uif":
            raise InputError(
                f"a picture is an array (rows, cols, 3) of RGB values in 0-255; got {batch.dtype} {np.shape(image)}"
            )
        if not (batch.min() >= 0 and batch.max() <= 255):  # written so that NaN fails too
            raise InputError(f"pixels lie in 0-255; these run from {batch.min()} to {batch.max()}")
        check_scale(batch)
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

    def predict(self, image: Array, top: int = 5) -> list[tuple[int, str, float]]:
        """The `top` likeliest classes of one picture as (index, name, probability), the likeliest first.

        InputError for several pictures at once, and as in `to_pixels`."""
        pixels = self.to_pixels(image)
        if len(pixels) > 1:
            raise InputError(f"predict answers for one picture, and got {len(pixels)}; call it for each of them")
        probabilities = self.probabilities(self.forward(self.preprocessing.forward(pixels)))[0]
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

    def index(self, name_or_index: str | int) -> int:
        """The index of a class given by index, by name (case does not matter), or by a part of it that is unique.

        InputError with the candidates, or with the nearest names. Without a head: the index of a channel.
        """
        text, count = str(name_or_index).strip(), len(self.classes) or self.channels
        index = number(text)
        if index is not None:
            if 0 <= index < count:
                return index
            raise InputError(f"{'class' if self.classes else 'channel'} indices run from 0 to {count - 1}; got {text}")
        if not self.classes:
            raise InputError(f"{self.name} has no classes, but {count} channels; give a number, not {text!r}")
        return find(text, self.classes, self.name)


def _resized(picture: Array, size: tuple[int, int]) -> Array:
    """(rows, cols, 3) -> (3, *size) float32."""
    if picture.shape[:2] != size:
        channels = (Image.fromarray(np.ascontiguousarray(picture[..., c], np.float32)) for c in range(3))
        planes = [np.asarray(c.resize((size[1], size[0]), Image.Resampling.BILINEAR)) for c in channels]
        return np.clip(np.stack(planes), 0, 255)
    return np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)
