"""What --class asks for: a class, the likeliest ones, or in a network without a head a channel or a single unit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numcam.errors import InputError
from numcam.models.classifier import Classifier
from numcam.models.labels import number
from numcam.nn import Target, Trace

MOST_TOP = 20
"""Classes that topK asks for at most."""


@dataclass(frozen=True)
class Asked:
    """A name and a number for the person; the target for the backward pass, and its score."""

    name: str
    value: str
    target: Target
    score: float


def asked(classifier: Classifier, trace: Trace, wanted: Sequence[str] = ()) -> list[Asked]:
    """Names, indices and "top3", also several with commas, each class once; nothing for the likeliest. Without a head
    "37" is a channel, and "37,4,9" one unit."""
    if not classifier.classes:
        return [_unit(classifier, trace, one) for one in dict.fromkeys(wanted or (None,))]
    probabilities = classifier.probabilities(trace)[0]
    best = [int(i) for i in np.argsort(-probabilities, kind="stable")]
    chosen: list[int] = []
    for one in parted(classifier, wanted):
        k = top(one)
        if k is None:
            chosen.append(classifier.index(one))
        elif 1 <= k <= min(MOST_TOP, len(best)):
            chosen += best[:k]
        else:
            raise InputError(f"--class topK takes K from 1 to {min(MOST_TOP, len(best))}; got {one}")
    return [
        Asked(classifier.classes[i], f"{probabilities[i]:.1%}", i, float(trace.output[0, i]))
        for i in dict.fromkeys(chosen or best[:1])
    ]


def parted(classifier: Classifier, wanted: Sequence[str]) -> list[str]:
    """The classes that are asked for, one by one: what is no name as a whole is several, between commas."""
    parts: list[str] = []
    for one in wanted:
        whole = "," not in one or not classifier.classes or one.strip().lower() in map(str.lower, classifier.classes)
        named = [one] if whole else [part.strip() for part in one.split(",") if part.strip()]
        if not named:
            raise InputError(f"--class {one!r} names no class; give names or numbers, with commas between them")
        parts += named
    return parts


def top(wanted: str) -> int | None:
    """The K of "topK", None for anything else."""
    return number(wanted[3:]) if wanted.lower().startswith("top") else None


def called(classifier: Classifier, wanted: Sequence[str]) -> list[str]:
    """What is asked for, in words for a file's name: InputError at once for a class that does not exist."""
    if not classifier.classes:
        return [re.sub(r"\W+", "_", one) for one in wanted]
    parts = parted(classifier, wanted)
    names = [one.lower() if top(one) is not None else classifier.classes[classifier.index(one)] for one in parts]
    return list(dict.fromkeys(names))


def is_every(wanted: Sequence[str]) -> bool:
    """Whether all classes are asked for; InputError where "all" stands beside others."""
    every = [one for one in wanted if one.strip().lower() == "all"]
    if every and len(wanted) > 1:
        raise InputError("--class all is every class already; leave out the others")
    return bool(every)


def one_asked(classifier: Classifier, trace: Trace, wanted: Sequence[str]) -> Asked:
    """As `asked`, for a command that answers for one class at a time; InputError where several are asked for."""
    one, *more = asked(classifier, trace, wanted)
    if more:
        which = " and ".join(wanted)
        raise InputError(f"this command takes one class at a time; got --class {which}, which are {1 + len(more)}")
    return one


def _unit(classifier: Classifier, trace: Trace, wanted: str | None) -> Asked:
    out = trace.output[0]  # (k, rows, cols)
    k, rows, cols = out.shape
    layer = list(trace)[-1]
    if wanted is None:
        raise InputError(
            f"{classifier.name} was loaded without its head; say which of the {k} channels of {layer} to explain, as "
            f"--class 37, or which unit, as --class 37,{rows // 2},{cols // 2} (channel, row, column)"
        )
    # As it is called below, and printed
    printed = re.fullmatch(r"(?:channel (\d+)|unit \((\d+, \d+, \d+)\)) of \S+", wanted.strip())
    if printed:
        wanted = printed[1] or printed[2]
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
