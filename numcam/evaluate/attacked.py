"""What explanations show of pictures under attack, on drawn scenes."""

from collections.abc import Sequence

import numpy as np

from numcam.evaluate.explanations import maps
from numcam.evaluate.record import ENGINE, Records, drawn, empty, landing
from numcam.evaluate.robust import SURE, changed, taken_for
from numcam.models.classifier import Classifier

ROBUSTNESS = {
    "answer changed, %": "share",
    "right class on object, %": "share",
    "right class within 15 px, %": "share",
    "right class blank, %": "share",
    "changed: right class on object, %": "share",
    "changed: right class within 15 px, %": "share",
    "changed: wrong class on object, %": "share",
    "changed: wrong class within 15 px, %": "share",
    "changed: wrong class blank, %": "share",
}
CONFIDENT = {
    "reached, %": "share",
    "steps": "plain",
    "own class on its object, %": "share",
    "own class within 15 px, %": "share",
    "own class blank, %": "share",
    "false class on either object, %": "share",
    "false class blank, %": "share",
}


def robustness(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """Rows are "method | attack": only scenes that are classified right before the attack count.

    The right class's map counts in every one of them; the wrong class's in those whose answer changes.
    """
    some, labels, trace = drawn(classifier, which, 1)
    kept = np.flatnonzero(trace.output.argmax(axis=1) == labels[:, 0])
    records: Records = {}
    if not len(kept):
        return records
    pixels = np.stack([some[i].image for i in kept]).transpose(0, 3, 1, 2).astype(np.float32)
    right = labels[kept, 0]
    for strength, moved in changed(classifier, pixels, int(which[0])):
        after = classifier.forward(classifier.preprocessing.forward(moved), engine=ENGINE)
        answer = after.output.argmax(axis=1)
        for method in methods:
            row = records[f"{method} | {strength}"] = {name: [] for name in ROBUSTNESS}
            both = zip(maps(after, method, right), maps(after, method, answer), strict=True)
            for i, (own, wrong) in enumerate(both):
                mask, flipped = some[kept[i]].objects[0].mask, bool(answer[i] != right[i])
                on, near, blank = landing(own, mask)
                at, beside, nothing = landing(wrong, mask)
                for name, value in zip(row, (flipped, on, near, blank), strict=False):
                    row[name].append(float(value))
                if flipped:
                    for name, value in zip(list(row)[4:], (on, near, at, beside, nothing), strict=True):
                        row[name].append(float(value))
    return records


def confident(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """Two objects, taken with great confidence for the class that was least likely; then all three are explained."""
    some, labels, trace = drawn(classifier, which, 2)
    records = empty(methods, CONFIDENT)
    for i, scene in enumerate(some):
        found = taken_for(classifier, classifier.to_pixels(scene.image), int(trace.output[i].argmin()))
        after = classifier.forward(classifier.preprocessing.forward(found.pixels), engine=ENGINE)
        for method, columns in records.items():
            columns["reached, %"].append(float(found.probability >= SURE))
            columns["steps"].append(float(found.steps))
            for k, thing in enumerate(scene.objects):
                on, near, blank = landing(maps(after, method, labels[i, k : k + 1])[0], thing.mask)
                for name, value in zip(list(columns)[2:5], (on, near, blank), strict=True):
                    columns[name].append(float(value))
            either = np.logical_or(*(thing.mask for thing in scene.objects))
            on, _, blank = landing(maps(after, method, trace.output[i : i + 1].argmin(axis=1))[0], either)
            for name, value in zip(list(columns)[5:], (on, blank), strict=True):
                columns[name].append(float(value))
    return records
