"""Does an explanation describe what the network relies on, and what it has learned? On drawn scenes."""

from collections.abc import Sequence

import numpy as np

from numcam.evaluate import faithful, road, sanity
from numcam.evaluate.explanations import maps
from numcam.evaluate.record import ENGINE, Records, drawn, empty
from numcam.models.classifier import Classifier

FAITHFULNESS = {
    "deletion (low), %": "mean",
    "insertion (high), %": "mean",
    "average drop (low), %": "mean",
    "increase (high), %": "share",
}
ROAD = {
    "most important removed (low), %": "mean",
    "least important removed (high), %": "mean",
    "ROAD (high), %": "mean",
}
SANITY = {"Spearman, absolute": "plain", "Spearman, signed": "plain", "SSIM": "plain"}


def faithfulness(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """The predicted class's probability, as the explanation is taken away or put in."""
    _, _, trace = drawn(classifier, which, 1)
    target = trace.output.argmax(axis=1)
    records = empty(methods, FAITHFULNESS)
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
    records = empty(methods, ROAD)
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
                names = SANITY
                records[f"{method} | {mode} | {layer}"] = {n: found[:, k].tolist() for k, n in enumerate(names)}
    return records
