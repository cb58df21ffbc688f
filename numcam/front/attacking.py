"""classifier.attack: the attacked picture, what the network answers before and after, and what a file keeps of it."""

import html
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from numcam.attack import ATTACKS, at_full_size, lasting, rms, rounded
from numcam.attack.given import checked, labels_of
from numcam.errors import InputError, did_you_mean
from numcam.figures.attacked import attacked_figure
from numcam.front.explaining import shown, small_png
from numcam.front.pictures import write_picture
from numcam.images import pictures_of
from numcam.models.classifier import Classifier, is_one, listed
from numcam.nn.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Ranking = list[tuple[int, str, float]]
TITLES = {"fgsm": "FGSM", "bim": "BIM", "pgd": "PGD", "pgd_l2": "PGD in L2", "deepfool": "DeepFool"}


@dataclass(frozen=True, eq=False)
class Attacked:
    """An attack on one picture: .image is what a file holds of it, .succeeded whether *that* is answered otherwise.

    photo: the picture, uint8 (rows, cols, 3). start: its pixels at the input size in whole grey levels, float (1, 3, h,
    w); moved: where the attack took them. label: the class to leave, or with `targeted` to reach. how: the attack's
    name and size.
    """

    classifier: Classifier
    photo: Array
    start: Array
    moved: Array
    label: int
    targeted: bool
    how: str

    @property
    def image(self) -> Array:
        """The attacked picture in whole grey levels, uint8 (h, w, 3), as the network takes it."""
        return np.asarray(rounded(self.moved)[0].transpose(1, 2, 0), np.uint8)

    @cached_property
    def before(self) -> Ranking:
        """The three likeliest classes of the picture."""
        return self._answer(self.photo)

    @cached_property
    def unrounded(self) -> Ranking:
        """Those of the attacked picture before it is rounded."""
        return self._answer(self.moved[0].transpose(1, 2, 0))

    @cached_property
    def after(self) -> Ranking:
        """Those of `image`."""
        return self._answer(self.image)

    @property
    def succeeded(self) -> bool:
        """Whether the label is left, or reached, by `image`."""
        return self.succeeds(self.after)

    def succeeds(self, answer: Ranking) -> bool:
        """Whether an answer is what the attack wants."""
        return bool((answer[0][0] == self.label) == self.targeted)

    @property
    def change(self) -> tuple[float, float]:
        """The largest change of a value and the root mean square of all, in grey levels of 255."""
        return _size(self.moved - self.start)

    @property
    def written_change(self) -> tuple[float, float]:
        """The same of `image`."""
        return _size(rounded(self.moved) - self.start)

    def full_size(self, exact: bool | None = None) -> Array:
        """The attacked photograph at its own size, uint8: the change enlarged, as in `at_full_size`.

        exact None: in blocks if that is answered as the attack wants after shrinking, else exactly.
        """
        change = (rounded(self.moved) - self.start)[0]
        blocks = at_full_size(self.photo, change, exact is True)
        if exact is not None or self.succeeds(self._answer(blocks)):
            return blocks
        return at_full_size(self.photo, change, exact=True)

    def figure(self) -> "Figure":
        """Grad-CAM before and after the attack, for both classes."""
        return attacked_figure(self.classifier, self.start, self.image, self.how)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write `image` without loss. InputError for a kind of file that would change its values, such as JPEG."""
        path = Path(path)
        write_picture(Image.fromarray(self.image), path, lossless=True)
        return path

    def _answer(self, image: Array) -> Ranking:
        answer: Ranking = self.classifier.predict(image, top=3)
        return answer

    def __repr__(self) -> str:
        most, mean = self.written_change
        words = f"{self.before[0][1]} {self.before[0][2]:.1%} -> {self.after[0][1]} {self.after[0][2]:.1%}"
        success = "succeeds" if self.succeeded else "fails"
        return f"<Attacked {self.how} {success}: {words}; change at most {most:g} of 255, root mean square {mean:.2f}>"

    def _repr_png_(self) -> bytes:
        return small_png(Image.fromarray(self.image))

    def _repr_html_(self) -> str:
        return shown(self._repr_png_(), html.escape(repr(self)[len("<Attacked ") : -1]))


def _size(change: Array) -> tuple[float, float]:
    return float(np.abs(change).max()), float(rms(change).item())


def attack(
    classifier: Classifier, picture: Any, label: Any, method: str, to: Any, options: Mapping[str, Any]
) -> Attacked | list[Attacked]:
    """As `Classifier.attack`."""
    options = _in_grey_levels(options)
    name = str(method).lower().replace("-", "_")
    if name not in ATTACKS:
        raise InputError(f"no attack {method!r}; {did_you_mean(name, ATTACKS)}")
    if label is not None and to is not None:
        raise InputError("label is the class to leave and to the class to reach; give one of them")
    if name == "deepfool" and to is not None:
        raise InputError("deepfool leaves a class for the nearest other one; leave out to, or choose another method")
    if not is_one(picture):
        return [_one(classifier, each, label, name, to, options) for each in listed(picture)]
    return _one(classifier, picture, label, name, to, options)


def _in_grey_levels(options: Mapping[str, Any]) -> dict[str, Any]:
    """epsilon times epsilon_scale, which is 255 for epsilons of pictures in 0-1."""
    found = dict(options)
    scale = found.pop("epsilon_scale", None)
    if scale is None:
        return found
    try:
        found["epsilon"] = float(found["epsilon"]) * float(scale)
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"epsilon_scale is what epsilon is multiplied by, as in epsilon=8/255, epsilon_scale=255; got "
            f"{scale!r:.40} and epsilon {found.get('epsilon')!r:.40}"
        ) from None
    return found


def _one(classifier: Classifier, picture: Any, label: Any, name: str, to: Any, options: Mapping[str, Any]) -> Attacked:
    photo, start = started(classifier, pictures_of(picture)[0])
    try:
        if name == "deepfool":
            moved = ATTACKS[name](classifier, start, label, **options)
        else:
            moved = ATTACKS[name](classifier, start, label if to is None else to, targeted=to is not None, **options)
    except TypeError as error:
        raise InputError(f"{name}: {error}") from None
    default = {"fgsm": 2.0, "pgd_l2": 2.0}.get(name, 8.0)
    how = f"ε = {options.get('epsilon', default):.3g}" if name != "deepfool" else "the nearest border"
    return attacked(classifier, photo, start, moved, label, to, f"{TITLES[name]}, {how}", draw_out=name == "deepfool")


def started(classifier: Classifier, image: Array) -> tuple[Array, Array]:
    """A picture as uint8 (rows, cols, 3), and its pixels at the input size in whole grey levels, where attacks begin:
    so that a change by a whole number of them is still that number in a file."""
    checked(classifier, np.zeros((1, 3, *classifier.input_size), np.float32), 0, "an attack")
    start = rounded(classifier.to_pixels(image))
    return np.asarray(np.rint(image), np.uint8), start


def attacked(
    classifier: Classifier,
    photo: Array,
    start: Array,
    moved: Array,
    label: Any,
    to: Any,
    how: str,
    draw_out: bool = False,
) -> Attacked:
    """The attack's result with all that belongs to it; draw_out: go on until a file keeps it, as in `lasting`."""
    asked = labels_of(classifier, 1, label if to is None else to, targeted=to is not None)
    index = int(asked[0]) if asked is not None else classifier.predict(start[0].transpose(1, 2, 0), top=1)[0][0]
    if draw_out:
        moved = lasting(classifier, start, moved, index)
    return Attacked(classifier, photo, start, moved, index, to is not None, how)
