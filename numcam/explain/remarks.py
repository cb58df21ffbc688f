"""What there is to say about a finding when something is off: a blank map, a saturated softmax, a close call."""

from collections.abc import Iterator, Sequence

import numpy as np

from numcam.explain.conventions import correlation
from numcam.explain.finding import Finding
from numcam.explain.methods import EVERY, TITLES
from numcam.explain.target import finite
from numcam.nn import Trace

MUCH = 0.5
"""A ReLU that removes more than this share of a map's mass is mentioned."""

CLOSE = 0.5
"""Two classes whose logits are nearer than this are a close call."""

TIED = 0.05
"""More than this share of tied pooling windows is mentioned."""

ALIKE = 0.9
"""Explanations of two classes that correlate more than this are the same picture."""

WITHOUT_CLASS = ("eigen_cam",)
NEARLY_WITHOUT_CLASS = ("guided_backprop", "deconvnet")


def remarks(finding: Finding, trace: Trace, classes: Sequence[str] = (), picture: int = 0) -> list[str]:
    """Sentences, the most important first; none if all is well. classes: the names, in index order."""
    if not finite(finding.values):
        count = int((~np.isfinite(finding.values)).sum())
        return [f"{count:,} of {finding.values.size:,} values are NaN or infinite: check the weights and the picture"]
    return [
        *_blank(finding, trace, picture),
        *_relu(finding),
        *_standing(finding, classes),
        *_method(finding, trace, picture),
    ]


def _blank(finding: Finding, trace: Trace, picture: int) -> Iterator[str]:
    if not finding.blank:
        if finding.peaks > 1:
            yield f"{finding.peaks} places share the maximum; the first in reading order is named"
        return
    if finding.signed.any() and finding.signed.max() <= 0:
        cells = finding.signed.size
        against = int((finding.signed < 0).sum())
        which = (
            f"all {cells} cells are negative"
            if against == cells
            else f"{against} of {cells} cells are negative, the others 0"
        )
        yield f"{which}: this class is argued against everywhere" + (
            "; see --counterfactual" if finding.method == "grad_cam" else ""
        )
    elif finding.layer in trace and not trace[str(finding.layer)][picture].any():
        yield f"{finding.layer} is 0 everywhere: nothing was seen that this layer knows"
    else:
        at = finding.layer or "the input"
        yield f"0 everywhere: the score does not depend on {at} here, because every path to it is closed at a ReLU"


def _relu(finding: Finding) -> Iterator[str]:
    mass = finding.kept + finding.removed
    if finding.blank or mass == 0 or finding.removed <= MUCH * mass:
        return
    yield (
        f"the ReLU removed {finding.removed / mass:.0%} of the map's mass: more argues against the class than for it"
    )


def _standing(finding: Finding, classes: Sequence[str]) -> Iterator[str]:
    if finding.margin is None or finding.best is None:
        return
    if finding.margin < -CLOSE:
        best = classes[finding.best] if classes else f"class {finding.best}"
        yield f"its score, {finding.score:.2f}, is {-finding.margin:.2f} below that of {best}: an answer all the same"
    elif abs(finding.margin) < CLOSE:
        yield f"a close call: the next class is {abs(finding.margin):.2f} away"
    if finding.saturated:
        yield "the softmax rounds to 1 in float32: tools that explain the probability draw a blank map here"


def _method(finding: Finding, trace: Trace, picture: int) -> Iterator[str]:
    if finding.method in WITHOUT_CLASS:
        yield f"{TITLES[finding.method]} does not look at the class: every class has this map"
    if finding.method in NEARLY_WITHOUT_CLASS and finding.index is not None and len(trace.output[picture]) > 1:
        other = int(
            np.delete(np.arange(trace.output.shape[1]), finding.index)[
                np.delete(trace.output[picture], finding.index).argmax()
            ]
        )
        same = correlation(finding.values, EVERY[finding.method](trace, np.full(len(trace.output), other))[picture])
        if same > ALIKE:
            yield f"class {other} has nearly the same picture (correlation {same:.2f}): it shows edges, not this class"
    if finding.values.ndim == 3 and finding.windows and finding.ties > TIED * finding.windows:
        yield (
            f"{finding.ties / finding.windows:.0%} of the pooling windows hold their maximum more than once; the first "
            "takes the gradient, as in PyTorch"
        )
