"""What --class asks for: a class, the likeliest ones, or in a network without a head a channel or a single unit."""

from dataclasses import dataclass

import numpy as np

from numcam.errors import InputError
from numcam.models.classifier import Classifier
from numcam.models.labels import number
from numcam.nn import Target, Trace


@dataclass(frozen=True)
class Asked:
    """A name and a number for the person; the target for the backward pass, and its score."""

    name: str
    value: str
    target: Target
    score: float


def asked(classifier: Classifier, trace: Trace, wanted: str | None) -> list[Asked]:
    """A name, an index, "top3", None for the likeliest; without a head "37" for a channel, "37,4,9" for one unit."""
    if not classifier.classes:
        return [_unit(classifier, trace, wanted)]
    probabilities = classifier.probabilities(trace)[0]
    best = [int(i) for i in np.argsort(-probabilities, kind="stable")]
    if wanted is None:
        chosen = best[:1]
    elif wanted.lower().startswith("top") and (k := number(wanted[3:])) is not None:
        if not 1 <= k <= min(20, len(best)):
            raise InputError(f"--class topK takes K from 1 to {min(20, len(best))}; got {wanted}")
        chosen = best[:k]
    else:
        chosen = [classifier.index(wanted)]
    return [Asked(classifier.classes[i], f"{probabilities[i]:.1%}", i, float(trace.output[0, i])) for i in chosen]


def _unit(classifier: Classifier, trace: Trace, wanted: str | None) -> Asked:
    out = trace.output[0]  # (k, rows, cols)
    k, rows, cols = out.shape
    layer = list(trace)[-1]
    if wanted is None:
        raise InputError(
            f"{classifier.name} was loaded without its head; say which of the {k} channels of {layer} to explain, as "
            f"--class 37, or which unit, as --class 37,{rows // 2},{cols // 2} (channel, row, column)"
        )
    if "," not in wanted:
        channel = classifier.index(wanted)
        total = float(out[channel].sum())
        return Asked(f"channel {channel} of {layer}", f"sum {total:.3g}", channel, total)
    match [number(part) for part in wanted.split(",")]:
        case [int(channel), int(row), int(col)] if min(channel, row, col) >= 0:
            at = (channel, row, col)
        case _:
            raise InputError(f"a unit is a channel, a row and a column, as in --class 37,4,9; got {wanted!r}")
    if any(n >= size for n, size in zip(at, out.shape, strict=True)):
        raise InputError(f"{layer} has {k} channels of {rows}x{cols}, counted from 0; there is no unit {wanted}")
    seed = np.zeros_like(trace.output)
    seed[(0, *at)] = 1
    return Asked(f"unit {at} of {layer}", f"{out[at]:.3g}", seed, float(out[at]))
