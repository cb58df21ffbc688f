"""Hidden bias: a network that is right for the wrong reason, found by looking where its explanations point.

Two networks are trained alike, one on scenes with a planted shortcut (`planted`), one on the same scenes without.
Accuracy on test scenes like those each has learned from praises both.
"""

from collections.abc import Sequence

import numpy as np

from numcam.evaluate import planted
from numcam.evaluate.boxes import energy_inside
from numcam.evaluate.explanations import maps
from numcam.evaluate.localisation import TOLERANCE, distance_to_mask, peak
from numcam.evaluate.record import Records
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

COLUMNS = {
    "right, %": "share",
    "right without the shortcut, %": "share",
    "right with the shortcut, %": "share",
    "others taken for it, given its shortcut, %": "share",
    "Grad-CAM on the object, %": "share",
    "Grad-CAM within 7 px, %": "share",
    "Grad-CAM in the mark's corner, %": "share",
    "Grad-CAM blank, %": "share",
    "energy on the object, %": "mean",
}
"""Of each class: first on scenes like the network's own training scenes, which is what the maps are of as well.

The tolerance is 15 pixels of 224, so 7.5 of these scenes' 112; the corner is the lower left quarter.
"""


def measure(classifier: Classifier, seeds: Sequence[int], network: str, shortcut: bool, batch: int = 30) -> Records:
    """Rows are "network | class"; shortcut: whether it was trained on scenes with it. Maps are of the right class."""
    names = (*planted.CLASSES, "all classes")
    records: Records = {f"{network} | {name}": {c: [] for c in COLUMNS} for name in names}
    for start in range(0, len(seeds), batch):
        some = list(seeds[start : start + batch])
        with_it, without = ([planted.draw(seed, shortcut=s) for seed in some] for s in (True, False))
        answers = {True: _answers(classifier, with_it), False: _answers(classifier, without)}
        for i, one in enumerate(with_it if shortcut else without):
            label = planted.CLASSES.index(one.name)
            right = {s: answers[s][0][i] == label for s in answers}
            values = (right[shortcut], right[False], right[True], None, *_landing(answers[shortcut][1][i], one))
            for row in (one.name, "all classes"):
                for column, value in zip(records[f"{network} | {row}"].values(), values, strict=True):
                    if value is not None:
                        column.append(float(value))
        for name in (planted.MARKED, planted.STRIPED):
            others = [planted.draw(seed, carries=name) for seed in some if planted.draw_name(seed) != name]
            taken, _ = _answers(classifier, others)
            column = records[f"{network} | {name}"]["others taken for it, given its shortcut, %"]
            column.extend((taken == planted.CLASSES.index(name)).astype(float).tolist())
    return records


def _answers(classifier: Classifier, drawn: Sequence[planted.Planted]) -> tuple[Array, Array]:
    """The predicted classes (n,), and the Grad-CAM of the right ones (n, 112, 112)."""
    images, labels = planted.stacked(drawn)
    trace = classifier.forward(classifier.preprocess(images), engine="fast")
    return trace.output.argmax(axis=1), maps(trace, "grad_cam", labels)


def _landing(map: Array, scene: planted.Planted) -> tuple[float, ...]:
    """Where the maximum is: on the object, near it, in the mark's corner, nowhere; and how much is on the object."""
    at, blank = peak(map), not map.max() > map.min()
    distance = np.inf if blank else distance_to_mask(scene.mask, at)
    near = distance <= TOLERANCE * planted.SIDE / 224
    corner = not blank and at[0] >= planted.SIDE // 2 and at[1] < planted.SIDE // 2
    return distance == 0, near, corner, blank, energy_inside(map, scene.mask)
