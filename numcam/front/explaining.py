"""classifier.explain: a method's answer for one class of one picture, with the picture, ready to be looked at."""

import html
import io
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from numcam.errors import InputError
from numcam.explain import TITLES, Finding, find, predicted, remarks, upsample
from numcam.explain.export import SUFFIXES, entry, write
from numcam.explain.finding import find_fused, has_layer
from numcam.explain.fused import shares
from numcam.explain.methods import method_named
from numcam.explain.picture import picture_remarks
from numcam.figures import save
from numcam.figures.evidence import drawn, finding_panel, place
from numcam.figures.findings import ClassFindings, findings_figure
from numcam.front.provenance import provenance
from numcam.images import pictures_of
from numcam.models.classifier import Classifier, is_one, listed
from numcam.nn import Target, Trace
from numcam.nn.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 640
"""Pixels of the longer side of a picture in a notebook."""


@dataclass(frozen=True, eq=False)
class Explained(Finding):
    """A finding together with its picture: .map, .heatmap(), .overlay(), .save(path); a notebook draws it.

    All numbers of a `Finding` are its own too: .score, .probability, .margin, .kept, .removed. name: the class. image:
    uint8 (rows, cols, 3). remarks: what there is to say where something is off. photo: the picture's file, if any.
    """

    name: str
    image: Array
    classifier: Classifier
    remarks: tuple[str, ...]
    photo: str | None = None

    @property
    def finding(self) -> Finding:
        """The same without the picture."""
        return Finding(**{field.name: getattr(self, field.name) for field in fields(Finding)})

    @property
    def map(self) -> Array:
        """Where the evidence is, (rows, cols): at the layer, or, of a method that answers for pixels, at the network's
        input, there the largest |value| of the three colours."""
        values = drawn(self.finding, self.classifier)
        return np.abs(values).max(axis=0) if values.ndim == 3 else values

    def heatmap(self, size: tuple[int, int] | None = None, mode: str = "half-pixel") -> Array:
        """The map enlarged to size (rows, cols), None for the picture's own, as shares of its maximum; `upsample`."""
        large = upsample(self.map.astype(np.float64), size or self.image.shape[:2], mode)
        return np.asarray(shares(large[None])[0])

    def overlay(self) -> Image.Image:
        """The map over the picture, at its own size; the signed picture of a method that answers for pixels."""
        return Image.fromarray(finding_panel(self.finding, self.classifier, self.image).picture)

    @cached_property
    def at(self) -> tuple[int, int] | None:
        """(row, col) of the maximum in the picture; None for a blank map."""
        return place(self.finding, self.classifier, (self.image.shape[0], self.image.shape[1]))

    @property
    def title(self) -> str:
        """What this is, in words."""
        where = f" at {self.layer}" if self.layer else ""
        return f"{self.name}, {TITLES[self.method]}{where}"

    def figure(self) -> "Figure":
        """The picture and the map side by side, with their numbers."""
        value = f"{self.probability:.1%}" if self.probability is not None else f"{self.score:.3g}"
        return findings_figure(self.classifier, self.image, [ClassFindings(self.name, value, [self.finding])])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the figure (.png, .jpg, .webp, .pdf, .svg) or the numbers (.npy, .csv, .npz, .h5, .json)."""
        path = Path(path)
        if path.suffix.lower() in SUFFIXES:
            about = provenance(self.classifier, self.image, self.photo)
            write(path, [entry(self.finding, name=self.name, remarks=list(self.remarks))], about)
        else:
            save(self.figure(), path)
        return path

    def __repr__(self) -> str:
        where = f"maximum at row {self.at[0]}, column {self.at[1]}" if self.at else "blank"
        share = "" if self.probability is None else f" {self.probability:.1%}"
        return f"<Explained {self.title}: {where};{share} score {self.score:.4g}>"

    def _repr_png_(self) -> bytes:
        return small_png(self.overlay())

    def _repr_html_(self) -> str:
        words = [repr(self)[len("<Explained ") : -1], *self.remarks]
        lines = "<br>".join(html.escape(line) for line in words)
        return shown(self._repr_png_(), lines)


def small_png(picture: Image.Image) -> bytes:
    """A picture as a notebook shows it."""
    picture.thumbnail((SHOWN, SHOWN))
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def shown(png: bytes, lines: str) -> str:
    """A picture with lines of HTML below it."""
    data = b64encode(png).decode()
    return f'<figure><img src="data:image/png;base64,{data}"><figcaption>{lines}</figcaption></figure>'


def explain(
    classifier: Classifier,
    picture: Any,
    target: Any,
    method: str,
    layer: str | int | Sequence[str | int] | None,
    options: Mapping[str, Any],
) -> Explained | list[Explained]:
    """As `Classifier.explain`."""
    method = method_named(method)
    several = not is_one(picture)
    pictures = listed(picture) if several else [picture]
    targets = _targets(target)
    if targets is None or not several:
        asked = [[target] if targets is None else targets for _ in pictures]
    elif len(targets) == len(pictures):
        asked = [[one] for one in targets]
    else:
        raise InputError(f"{len(pictures)} pictures take one target or {len(pictures)}; got {len(targets)}")
    found = [
        one
        for each, wanted in zip(pictures, asked, strict=True)
        for one in _of_one(classifier, each, wanted, method, layer, options)
    ]
    return found if several or targets is not None else found[0]


def _targets(target: Any) -> list[Any] | None:
    """Several targets; None for one."""
    if target is None or isinstance(target, str) or np.ndim(target) == 0:
        return None
    return list(target)


def _of_one(
    classifier: Classifier,
    picture: Any,
    targets: Sequence[Any],
    method: str,
    layer: str | int | Sequence[str | int] | None,
    options: Mapping[str, Any],
) -> Iterator[Explained]:
    given = pictures_of(picture)[0]
    trace = classifier.forward(classifier.preprocess(given))
    image = np.asarray(np.rint(given), np.uint8)
    photo = str(picture) if isinstance(picture, str | os.PathLike) else None
    layers = layers_of(classifier, method, layer)
    seen = list(picture_remarks(classifier, trace))
    for wanted in targets:
        target = classifier.index(wanted) if wanted is not None else int(predicted(trace)[0])
        finding = found_at(trace, target, method, layers, **options)
        yield answer(classifier, trace, image, finding, name_of(classifier, target), photo, seen)


def layers_of(classifier: Classifier, method: str, layer: str | int | Sequence[str | int] | None) -> list[str | None]:
    """The layers to explain at, by numcam's names; [None] for the method's own choice."""
    if layer is None:
        return [None]
    if not has_layer(method):
        raise InputError(f"{method} explains at no single layer; leave out layer")
    given = [layer] if isinstance(layer, str | int | np.integer) else list(layer)
    if not given:
        raise InputError("the list of layers is empty; name one or more, or leave out layer")
    return list(dict.fromkeys(classifier.layer(one) for one in given))


def found_at(trace: Trace, target: Target, method: str, layers: Sequence[str | None], **options: Any) -> Finding:
    """`find` at one layer, or at several, fused."""
    found = [find(trace, target, method, layer, **options) for layer in layers]
    return found[0] if len(found) == 1 else find_fused([str(one.layer) for one in found], found)


def answer(
    classifier: Classifier,
    trace: Trace,
    image: Array,
    finding: Finding,
    name: str,
    photo: str | None = None,
    notes: Sequence[str] = (),
) -> Explained:
    """A finding with its picture and all there is to say about it. notes: what has been found before."""
    said = (*notes, *remarks(finding, trace, classifier.classes))
    values = {field.name: getattr(finding, field.name) for field in fields(Finding)}
    return Explained(**values, name=name, image=image, classifier=classifier, remarks=said, photo=photo)


def name_of(classifier: Classifier, target: int) -> str:
    """What a target is called."""
    return classifier.classes[target] if classifier.classes else f"channel {target}"
