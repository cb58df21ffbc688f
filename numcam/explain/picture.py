"""What there is to say about a picture before it is explained: nearly black, one colour, unlike all that was seen."""

from collections.abc import Iterator

import numpy as np

from numcam.models.classifier import Classifier
from numcam.nn import Trace

DARK = 16
"""Grey levels below which nearly all of a picture is nearly black."""

FLAT = 4
"""Grey levels: a picture that spreads less round its mean colour is one colour."""

NEARLY_ALL = 99
"""Percent of its values."""


def picture_remarks(classifier: Classifier, trace: Trace, picture: int = 0) -> Iterator[str]:
    """Sentences about one picture of the trace, as the network is given it; none if all is well."""
    pixels = classifier.deprocess(trace["input"][picture : picture + 1])[0]  # (3, rows, cols)
    spread = float(pixels.std(axis=(1, 2)).max())
    if np.percentile(pixels, NEARLY_ALL) < DARK:
        yield f"the picture is nearly black: {NEARLY_ALL} % of its values are below {DARK} of 255"
    elif spread < FLAT:
        yield f"the picture is nearly one colour: its values spread by {spread:.1f} of 255 round it"
    if classifier.familiar is not None:
        distance = float(classifier.familiar.distances(trace)[picture])
        if distance > classifier.familiar.most:
            yield (
                f"this picture is unlike those that {classifier.name} was trained on ({distance:.1f}; 99 of 100 of "
                f"them are within {classifier.familiar.most:.1f}), so its answer means little{_other(classifier)}"
            )


def _other(classifier: Classifier) -> str:
    return ": it knows drawn scenes; for photographs, --model vgg16" if classifier.name == "pocket" else ""
