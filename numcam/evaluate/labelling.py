"""From class names to labels for pixels, on drawn scenes."""

from collections.abc import Sequence

import numpy as np

from numcam.evaluate import seeds
from numcam.evaluate.explanations import maps
from numcam.evaluate.record import Records, drawn, empty
from numcam.models.classifier import Classifier

SEEDS = {
    "mean IoU, %": "miou",
    "foreground right, %": "ratio",
    "background right, %": "ratio",
    "objects covered, %": "ratio",
}


def weak_supervision(classifier: Classifier, which: Sequence[int], methods: Sequence[str], seed: int) -> Records:
    """Two objects; background from the gradient of both logits together."""
    some, labels, trace = drawn(classifier, which, 2)
    both = np.zeros_like(trace.output)
    np.put_along_axis(both, labels, 1, axis=1)
    saliency = np.abs(trace.backward(both)["input"]).max(axis=1)
    count = len(classifier.classes)
    records = empty(methods, SEEDS)
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
