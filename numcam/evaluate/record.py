"""What a measure is: questions asked of a few scenes at a time, and the columns its answers stand in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from numcam import scenes
from numcam.evaluate.localisation import TOLERANCE, distance_to_mask, peak
from numcam.models.classifier import Classifier
from numcam.nn import Trace
from numcam.nn.types import Array

Records = dict[str, dict[str, list[object]]]
"""Values by row (a method, or what else is compared) and column: one for each thing asked."""

Run = Callable[[Classifier, Sequence[int], Sequence[str], int], Records]
"""run(classifier, scene seeds, methods, seed of everything random) -> records"""

ENGINE = "fast"


@dataclass(frozen=True)
class Measure:
    """columns: name -> what its values are: "share" (0 or 1), "mean", or a kind that `report` sums up in its own way.

    scenes: how many are measured unless told. chunk: how many at a time; the unit of work, and of what Ctrl-C loses.
    """

    title: str
    columns: dict[str, str]
    run: Run
    scenes: int
    chunk: int = 10
    objects: int = 1


def empty(rows: Iterable[str], columns: Iterable[str]) -> Records:
    """Rows and columns still to be filled."""
    names = list(columns)
    return {row: {name: [] for name in names} for row in rows}


def drawn(classifier: Classifier, which: Sequence[int], objects: int) -> tuple[list[scenes.Scene], Array, Trace]:
    """The scenes, their class indices (n, objects), and the trace of all of them."""
    some = [scenes.draw(seed, objects=objects) for seed in which]
    labels = np.array([[classifier.index(o.name) for o in scene.objects] for scene in some])
    x = classifier.preprocess(np.stack([scene.image for scene in some]))
    return some, labels, classifier.forward(x, engine=ENGINE)


def landing(map: Array, mask: Array) -> tuple[bool, bool, bool]:
    """Whether the map's maximum is on the mask, whether it is within 15 pixels, and whether the map is blank."""
    if not map.max() > map.min():
        return False, False, True
    distance = distance_to_mask(mask, peak(map))
    return distance == 0, distance <= TOLERANCE, False
