"""Does a map point at the object, cover it, and keep silent about what is not there? On drawn scenes."""

from collections.abc import Sequence

import numpy as np

from numcam.evaluate.boxes import box_iou, box_of, energy_inside, largest_component, mask_iou
from numcam.evaluate.explanations import maps
from numcam.evaluate.localisation import peak
from numcam.evaluate.record import Records, drawn, empty, landing
from numcam.evaluate.table1 import located
from numcam.models.classifier import Classifier

LOCALISATION = {
    "on the object, %": "share",
    "within 15 px, %": "share",
    "on the other, %": "share",
    "blank, %": "share",
    "energy inside, %": "mean",
    "IoU of the largest part, %": "mean",
    "box IoU of at least half, %": "share",
}
REJECTING = {"right, %": "reject", "right without rejecting, %": "no reject"}
TABLE_1 = {
    "class, top 1, %": "share",
    "class, top 5, %": "share",
    "box, top 1, %": "share",
    "box, top 5, %": "share",
    "box, class known, %": "share",
}


def localisation(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """Two objects, each asked for in turn."""
    some, labels, trace = drawn(classifier, which, 2)
    records = empty(methods, LOCALISATION)
    for method in methods:
        for k in range(2):
            for scene, map in zip(some, maps(trace, method, labels[:, k]), strict=True):
                mask, other = scene.objects[k].mask, scene.objects[1 - k].mask
                on, near, blank = landing(map, mask)
                part = largest_component(map)
                box = box_iou(box_of(part), box_of(mask))
                values = (on, near, not blank and bool(other[peak(map)]), blank)
                numbers = (energy_inside(map, mask), mask_iou(part, mask), box >= 0.5)
                for column, value in zip(records[method].values(), (*values, *numbers), strict=True):
                    column.append(float(value))
    return records


def rejecting(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """For each of the five likeliest classes of a scene of two objects: [maximum, hit, present]."""
    some, labels, trace = drawn(classifier, which, 2)
    best = np.argsort(-trace.output, axis=1, kind="stable")[:, :5]
    records: Records = {m: {"right, %": [], "right without rejecting, %": []} for m in methods}
    for method in methods:
        answers: list[list[list[float]]] = [[] for _ in some]
        for column in best.T:
            for i, map in enumerate(maps(trace, method, column)):
                present = column[i] in labels[i]
                mask = some[i].objects[labels[i].tolist().index(column[i])].mask if present else None
                hit = mask is not None and landing(map, mask)[1]
                answers[i].append([float(map.max()), float(hit), float(present)])
        for column_values in records[method].values():
            column_values.extend(answers)
    return records


def table1(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """Errors, as in the paper: lower is better."""
    some, labels, trace = drawn(classifier, which, 1)
    truths = [[box_of(o.mask) or (0.0, 0.0, 0.0, 0.0) for o in scene.objects] for scene in some]
    sizes = [scene.image.shape[:2] for scene in some]
    names = ("class_1", "class_5", "box_1", "box_5", "known")
    records: Records = {}
    for method in methods:
        judged = located(trace, method, labels[:, 0].tolist(), truths, sizes)
        columns = zip(TABLE_1, names, strict=True)
        records[method] = {column: [float(not getattr(j, name)) for j in judged] for column, name in columns}
    return records
