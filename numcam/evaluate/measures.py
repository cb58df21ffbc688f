"""Each measure on drawn scenes: what it asks of a few scenes at a time, and the columns it answers in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from numcam import scenes
from numcam.evaluate import faithful, road, sanity, seeds
from numcam.evaluate.boxes import box_iou, box_of, energy_inside, largest_component, mask_iou
from numcam.evaluate.explanations import maps
from numcam.evaluate.localisation import TOLERANCE, distance_to_mask, peak
from numcam.evaluate.robust import SURE, changed, taken_for
from numcam.evaluate.table1 import located
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


def localisation(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """Two objects, each asked for in turn."""
    some, labels, trace = drawn(classifier, which, 2)
    records: Records = {m: {name: [] for name in MEASURES["localisation"].columns} for m in methods}
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


def table1(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """Errors, as in the paper: lower is better."""
    some, labels, trace = drawn(classifier, which, 1)
    truths = [[box_of(o.mask) or (0.0, 0.0, 0.0, 0.0) for o in scene.objects] for scene in some]
    sizes = [scene.image.shape[:2] for scene in some]
    names = ("class_1", "class_5", "box_1", "box_5", "known")
    records: Records = {}
    for method in methods:
        judged = located(trace, method, labels[:, 0].tolist(), truths, sizes)
        columns = zip(MEASURES["table1"].columns, names, strict=True)
        records[method] = {column: [float(not getattr(j, name)) for j in judged] for column, name in columns}
    return records


def faithfulness(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """The predicted class's probability, as the explanation is taken away or put in."""
    _, _, trace = drawn(classifier, which, 1)
    target = trace.output.argmax(axis=1)
    records: Records = {m: {name: [] for name in MEASURES["faithfulness"].columns} for m in methods}
    for method in methods:
        for i, map in enumerate(maps(trace, method, target)):
            x, score = trace["input"][i], scored(classifier, int(target[i]))
            before, after = score(np.stack([x, faithful.shown(x, map)]))
            values = (
                faithful.area(faithful.deletion(x, map, score, seed=which[i])),
                faithful.area(faithful.insertion(x, map, score, seed=which[i])),
                faithful.drop(before, after),
                float(after > before),
            )
            for column, value in zip(records[method].values(), values, strict=True):
                column.append(float(value))
    return records


def removal(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """ROAD."""
    _, _, trace = drawn(classifier, which, 1)
    target = trace.output.argmax(axis=1)
    records: Records = {m: {name: [] for name in MEASURES["road"].columns} for m in methods}
    for method in methods:
        for i, map in enumerate(maps(trace, method, target)):
            found = road.road(trace["input"][i], map, scored(classifier, int(target[i])), seed=which[i])
            values = (*found.mean(axis=0), road.combined(found))
            for column, value in zip(records[method].values(), values, strict=True):
                column.append(float(value))
    return records


def scored(classifier: Classifier, target: int) -> faithful.Score:
    """The probability of one class for a batch of preprocessed pictures."""
    return lambda x: np.asarray(classifier.probabilities(classifier.forward(x, engine=ENGINE))[:, target])


def randomisation(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """Rows are "method | mode | layer": the layer down to which, or at which, parameters were drawn anew."""
    _, _, trace = drawn(classifier, which, 1)
    x, target = trace["input"], trace.output.argmax(axis=1)
    before = {method: sanity.views(classifier, x, method, target) for method in methods}
    records: Records = {}
    for mode in sanity.MODES:
        for layer, network in sanity.networks(classifier.network, mode, seed):
            other = Classifier(network, classifier.classes, classifier.preprocessing, classifier.input_size)
            for method in methods:
                found = sanity.compared(before[method], sanity.views(other, x, method, target))
                names = MEASURES["sanity"].columns
                records[f"{method} | {mode} | {layer}"] = {n: found[:, k].tolist() for k, n in enumerate(names)}
    return records


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
            row = records[f"{method} | {strength}"] = {name: [] for name in MEASURES["robustness"].columns}
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
    records: Records = {m: {name: [] for name in MEASURES["confident"].columns} for m in methods}
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


def weak_supervision(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """Two objects; background from the gradient of both logits together."""
    some, labels, trace = drawn(classifier, which, 2)
    both = np.zeros_like(trace.output)
    np.put_along_axis(both, labels, 1, axis=1)
    saliency = np.abs(trace.backward(both)["input"]).max(axis=1)
    count = len(classifier.classes)
    records: Records = {m: {name: [] for name in MEASURES["seeds"].columns} for m in methods}
    for method in methods:
        found = [maps(trace, method, labels[:, k]) for k in range(2)]
        for i, scene in enumerate(some):
            truth = seeds.truth_of([o.mask for o in scene.objects], labels[i])
            pair, names = np.stack([f[i] for f in found]), labels[i].tolist()
            sown = seeds.seeds(pair, names, saliency[i])
            row = records[method].values()
            values = (
                seeds.counts(seeds.complete(pair, names), truth, count).tolist(),
                [int(((sown > 0) & (sown == truth)).sum()), int((sown > 0).sum())],
                [int(((sown == 0) & (truth == 0)).sum()), int((sown == 0).sum())],
                [int(((sown > 0) & (sown == truth)).sum()), int((truth > 0).sum())],
            )
            for column, value in zip(row, values, strict=True):
                column.append(value)
    return records


MEASURES: dict[str, Measure] = {
    "localisation": Measure(
        "two objects, each asked for: where is the maximum, and what does the map cover?",
        {
            "on the object, %": "share",
            "within 15 px, %": "share",
            "on the other, %": "share",
            "blank, %": "share",
            "energy inside, %": "mean",
            "IoU of the largest part, %": "mean",
            "box IoU of at least half, %": "share",
        },
        localisation,
        1000,
        objects=2,
    ),
    "rejecting": Measure(
        "pointing with a reject option, the five likeliest classes of scenes of two objects",
        {"right, %": "reject", "right without rejecting, %": "no reject"},
        rejecting,
        500,
        objects=2,
    ),
    "table1": Measure(
        "the paper's Table 1: errors of weakly supervised localisation, lower is better",
        {
            "class, top 1, %": "share",
            "class, top 5, %": "share",
            "box, top 1, %": "share",
            "box, top 5, %": "share",
            "box, class known, %": "share",
        },
        table1,
        1000,
    ),
    "faithfulness": Measure(
        "what the score does as the explanation is taken away, put in, or shown alone",
        {
            "deletion (low), %": "mean",
            "insertion (high), %": "mean",
            "average drop (low), %": "mean",
            "increase (high), %": "share",
        },
        faithfulness,
        100,
        chunk=5,
    ),
    "road": Measure(
        "ROAD: the score with 20 to 80 % of the pixels removed and filled in from their neighbours",
        {
            "most important removed (low), %": "mean",
            "least important removed (high), %": "mean",
            "ROAD (high), %": "mean",
        },
        removal,
        40,
        chunk=2,
    ),
    "sanity": Measure(
        "likeness to the trained network's explanation once parameters are drawn anew",
        {"Spearman, absolute": "plain", "Spearman, signed": "plain", "SSIM": "plain"},
        randomisation,
        40,
    ),
    "robustness": Measure(
        "under attack: the right class's map and the wrong class's, on scenes of one object",
        {
            "answer changed, %": "share",
            "right class on object, %": "share",
            "right class within 15 px, %": "share",
            "right class blank, %": "share",
            "changed: right class on object, %": "share",
            "changed: right class within 15 px, %": "share",
            "changed: wrong class on object, %": "share",
            "changed: wrong class within 15 px, %": "share",
            "changed: wrong class blank, %": "share",
        },
        robustness,
        1000,
    ),
    "confident": Measure(
        "scenes of two objects taken for the least likely class with a probability of 0.9999",
        {
            "reached, %": "share",
            "steps": "plain",
            "own class on its object, %": "share",
            "own class within 15 px, %": "share",
            "own class blank, %": "share",
            "false class on either object, %": "share",
            "false class blank, %": "share",
        },
        confident,
        100,
        chunk=4,
        objects=2,
    ),
    "seeds": Measure(
        "segmentation seeds from class names alone, scenes of two objects",
        {
            "mean IoU, %": "miou",
            "foreground right, %": "ratio",
            "background right, %": "ratio",
            "objects covered, %": "ratio",
        },
        weak_supervision,
        500,
        objects=2,
    ),
}
"""Every measure by name."""
