"""What there is to say about a finding when something is off: a blank map, a saturated softmax, a close call."""

from collections.abc import Iterator, Sequence

import numpy as np

from numcam.explain.conventions import correlation
from numcam.explain.finding import Finding
from numcam.explain.methods import EVERY, TITLES
from numcam.explain.target import finite
from numcam.nn import Trace
from numcam.nn.activations import Elementwise

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
BY_RULE = ("guided_backprop", "deconvnet", "guided_grad_cam")
OPPOSITE = "counterfactual_grad_cam"


def remarks(finding: Finding, trace: Trace, classes: Sequence[str] = (), picture: int = 0) -> list[str]:
    """Sentences about one finding of the trace; none if all is well. classes: the names, in index order."""
    if not finite(finding.values):
        count = int((~np.isfinite(finding.values)).sum())
        return [f"{count:,} of {finding.values.size:,} values are NaN or infinite: check the weights and the picture"]
    names = classes or [f"class {i}" for i in range(trace.output.shape[1])]
    return [
        *(_blank(finding, trace, picture) if finding.blank else _partly_blank(finding)),
        *_standing(finding, names, trace.network.output),
        *_method(finding, trace, names, picture),
    ]


def _blank(finding: Finding, trace: Trace, picture: int) -> Iterator[str]:
    if finding.signed.any():
        cells, against = finding.signed.size, int((finding.signed < 0).sum())
        which = f"all {cells} cells are negative"
        if against < cells:
            which = f"{against} of {cells} cells are negative and the others 0"
        if finding.method == OPPOSITE:
            yield f"with the gradient turned, {which}: nothing argues against this class"
        else:
            end = "; see --counterfactual" if finding.method == "grad_cam" else ""
            yield f"{which}: this class is argued against everywhere{end}"
    elif finding.layer in trace and not trace[str(finding.layer)][picture].any():
        yield f"{finding.layer} is 0 everywhere: this layer found nothing in the picture"
    else:
        yield f"0 everywhere: no path from the score to {finding.layer or 'the input'} is open at every ReLU"


def _partly_blank(finding: Finding) -> Iterator[str]:
    mass = finding.kept + finding.removed
    if finding.removed > MUCH * mass and finding.method != OPPOSITE:
        share = finding.removed / mass
        yield f"the ReLU removed {share:.0%} of the map's mass: more argues against the class than for it"
    if finding.peaks > 1:
        yield f"{finding.peaks} cells share the maximum; the first in reading order is named"


def _standing(finding: Finding, names: Sequence[str], output: str) -> Iterator[str]:
    if finding.margin is None or finding.best is None:
        return
    if finding.margin < -CLOSE:
        yield (
            f"its score, {finding.score:.2f}, is {-finding.margin:.2f} below that of {names[finding.best]}: this is "
            "not what the network answers"
        )
    elif abs(finding.margin) < CLOSE:
        yield f"a close call: the next class is {abs(finding.margin):.2f} away"
    if finding.saturated:
        yield f"the {output} rounds to 1 in float32: a tool that explains the probability draws a blank map here"


def _method(finding: Finding, trace: Trace, names: Sequence[str], picture: int) -> Iterator[str]:
    if finding.method in WITHOUT_CLASS:
        yield f"{TITLES[finding.method]} does not look at the class: every class has this map"
    others = sorted({type(one).__name__ for one in trace.network.layers.values() if isinstance(one, Elementwise)})
    if finding.method in BY_RULE and others:
        yield f"its rule is for ReLU; this network's {', '.join(others)} are walked back by their derivatives"
    if finding.method in NEARLY_WITHOUT_CLASS and finding.index is not None and len(names) > 1:
        order = np.argsort(-trace.output[picture], kind="stable")
        other = int(order[order != finding.index][0])
        theirs = EVERY[finding.method](trace, np.full(len(trace.output), other))[picture]
        same = correlation(finding.values, theirs)
        if same > ALIKE:
            yield f"for {names[other]} it is nearly the same picture (correlation {same:.2f}): edges, and of any class"
    if finding.values.ndim == 3 and finding.windows and finding.ties > TIED * finding.windows:
        yield (
            f"{finding.ties / finding.windows:.0%} of the pooling windows hold their maximum more than once; the first "
            "takes the gradient, as in PyTorch"
        )
