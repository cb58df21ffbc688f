"""What explain does between the command line and the figure: which methods, at which layers, and the numbers kept."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from inspect import signature
from typing import Any, TypeVar

from numcam.cli.common import tell
from numcam.errors import InputError
from numcam.explain import METHODS, completeness_gap
from numcam.explain.finding import Finding, has_layer
from numcam.explain.methods import CAMS, EVERY, PIXELS, TITLES, method_named
from numcam.front.explaining import found_at
from numcam.models.classifier import Classifier
from numcam.nn import Target, Trace

T = TypeVar("T")
GROUPS = {"all": METHODS, "cams": CAMS, "pixels": PIXELS}


def chosen_methods(options: argparse.Namespace, every: bool) -> list[str]:
    """The names that --method and --counterfactual ask for; InputError for one that does not exist. every: whether
    --class asks for all."""
    if every and options.counterfactual:
        raise InputError("--class all draws the Grad-CAM of every class; leave out --counterfactual")
    if options.seed < 0:
        raise InputError(f"--seed is a whole number, 0 or more; got {options.seed}")
    if options.counterfactual:
        if method_of(options.method) not in (["grad_cam"], ["counterfactual_grad_cam"]):
            raise InputError("--counterfactual is a method of its own; give it or --method, not both")
        return ["counterfactual_grad_cam"]
    found = list(dict.fromkeys(one for given in options.method.split(",") for one in method_of(given)))
    if every and found != ["grad_cam"]:
        raise InputError("--class all draws the Grad-CAM of every class; leave out --method")
    if options.layer is not None and not any(map(has_layer, found)):
        raise InputError(
            f"{' and '.join(found)} explain{'s' * (len(found) == 1)} at no single layer; leave out --layer, or choose "
            f"among {', '.join(filter(has_layer, EVERY))}"
        )
    return found


def method_of(given: str) -> list[str]:
    """The methods that a word of --method means."""
    return list(GROUPS.get(given.strip().lower()) or [method_named(given.strip())])


def methods_called(options: argparse.Namespace, methods: Sequence[str]) -> str:
    """The methods in words for a file's name."""
    group = next((name for name, members in GROUPS.items() if list(members) == list(methods)), None)
    return group or "+".join(methods)


def layers_asked(classifier: Classifier, given: str | None) -> list[str]:
    """The layers that --layer names, each once, by numcam's names; none for each method's own."""
    return list(dict.fromkeys(classifier.layer(one.strip()) for one in given.split(","))) if given is not None else []


def answers(
    trace: Trace, target: Target, methods: Sequence[str], layers: Sequence[str], seed: int
) -> Iterator[tuple[Finding, dict[str, Any]]]:
    """Each method's finding, and what else there is to keep of it. Of a whole group, a method that this network has
    nothing for is left out, and said; InputError where it is asked for by its name."""
    group = any(list(members) == list(methods) for members in GROUPS.values())
    for method in methods:
        takes = signature(EVERY[method]).parameters
        options: dict[str, Any] = {
            name: value for name, value in {"seed": seed, "progress": bar}.items() if name in takes
        }
        more: dict[str, Any] = {"seed": seed} if "seed" in takes else {}
        at = list(layers) if has_layer(method) and layers and method != "cam" else [None]
        try:
            finding = found_at(trace, target, method, at, **options)
        except InputError as error:
            if not group:
                raise
            tell(f"  {TITLES[method]} is left out: {error}")
            continue
        if method == "integrated_gradients":
            gap = float(completeness_gap(trace, finding.values[None], target)[0])
            more["completeness_gap"] = gap
            more["notes"] = [
                f"the contributions sum to {finding.values.sum():.3f}, {abs(gap):.3f} {'more' if gap > 0 else 'less'} "
                "than the score less that of a picture of the mean colour"
            ]
        yield finding, more


def bar(things: Iterable[T], about: str) -> Iterable[T]:
    """A progress bar on a terminal, for what takes longer than a second."""
    from tqdm import tqdm

    return tqdm(things, desc=f"  {about}", leave=False, disable=None, delay=1, file=sys.stderr)
