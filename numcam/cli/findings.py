"""What explain does between the command line and the figure: which methods, at which layers, and the numbers kept."""

import argparse
import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

from numcam import __version__
from numcam.cli.common import output
from numcam.errors import InputError, did_you_mean
from numcam.explain import METHODS, completeness_gap, find, spatial_layer
from numcam.explain.export import SUFFIXES, digest, entry, write
from numcam.explain.finding import Finding, find_fused, has_layer
from numcam.explain.methods import CAMS, EVERY, PIXELS
from numcam.files import check_writable
from numcam.models.classifier import Classifier
from numcam.nn import Target, Trace
from numcam.nn.types import Array

T = TypeVar("T")
GROUPS = {"all": METHODS, "cams": CAMS, "pixels": PIXELS}


def chosen_methods(options: argparse.Namespace) -> list[str]:
    """The names that --method and --counterfactual ask for; InputError for one that does not exist."""
    if (options.wanted or "").lower() == "all" and options.counterfactual:
        raise InputError("--class all draws the Grad-CAM of every class; leave out --counterfactual")
    if options.seed < 0:
        raise InputError(f"--seed is a whole number, 0 or more; got {options.seed}")
    if options.counterfactual:
        if options.method not in ("grad_cam", "counterfactual_grad_cam"):
            raise InputError("--counterfactual is a method of its own; give it or --method, not both")
        return ["counterfactual_grad_cam"]
    found: list[str] = []
    for given in options.method.split(","):
        name = given.strip().replace("-", "_").lower()
        if name not in EVERY and name not in GROUPS:
            raise InputError(f"no method {given!r}; {did_you_mean(name, [*METHODS, 'cam', *GROUPS], most=30)}")
        found += [one for one in GROUPS.get(name, [name]) if one not in found]
    if (options.wanted or "").lower() == "all" and found != ["grad_cam"]:
        raise InputError("--class all draws the Grad-CAM of every class; leave out --method")
    if options.layer is not None and not any(map(has_layer, found)):
        raise InputError(
            f"{' and '.join(found)} explain{'s' * (len(found) == 1)} at no single layer; leave out --layer, or choose "
            f"among {', '.join(filter(has_layer, EVERY))}"
        )
    return found


def layers_of(trace: Trace, given: str | None) -> list[str]:
    """The layers that --layer names, each once, or the default one."""
    if given is None:
        return [spatial_layer(trace)]
    return list(dict.fromkeys(spatial_layer(trace, layer.strip()) for layer in given.split(",")))


def answers(
    trace: Trace, target: Target, methods: Sequence[str], layers: Sequence[str], seed: int
) -> Iterator[tuple[Finding, dict[str, Any]]]:
    """Each method's finding, and what else there is to keep of it."""
    for method in methods:
        takes = signature(EVERY[method]).parameters
        options: dict[str, Any] = {
            name: value for name, value in {"seed": seed, "progress": bar}.items() if name in takes
        }
        more: dict[str, Any] = {"seed": seed} if "seed" in takes else {}
        if has_layer(method) and len(layers) > 1:
            finding = find_fused(layers, [find(trace, target, method, layer, **options) for layer in layers])
        else:
            finding = find(trace, target, method, layers[0] if method != "cam" else None, **options)
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


def destination(options: argparse.Namespace, photo: str, name: str) -> Path:
    """Where a picture's result goes: a data file, a figure, or a folder; checked before the work."""
    path = Path(options.out or ".")
    if path.suffix.lower() not in SUFFIXES:
        return output(options.out, options.photos, photo, name)
    if len(options.photos) > 1:
        raise InputError(f"{len(options.photos)} pictures cannot all be written to {path}; explain them one by one")
    needed = {"the picture itself": photo, "the weights file itself": options.model, "its weights": options.weights}
    for what, name in needed.items():
        if name and path.exists() and Path(name).exists() and path.samefile(name):
            raise InputError(f"{path} is {what}; choose another name with -o")
    check_writable(path)
    return path


def keep(
    classifier: Classifier,
    image: Array,
    photo: str,
    found: Sequence[tuple[str, Finding, dict[str, Any]]],
    options: argparse.Namespace,
    path: Path,
) -> None:
    """Write findings and where they came from."""
    entries = [entry(finding, name=name, **more) for name, finding, more in found]
    write(path, entries, provenance(classifier, image, photo, options))


def provenance(classifier: Classifier, image: Array, photo: str, options: argparse.Namespace) -> dict[str, Any]:
    """Everything that it takes to compute the same numbers again."""
    return {
        "numcam": __version__,
        "model": classifier.name,
        "weights": _text(str(options.weights or options.model)),
        "parameters": digest(classifier.network),
        "input_size": list(classifier.input_size),
        "preprocessing": asdict(classifier.preprocessing),
        "output": classifier.network.output,
        "assumed": list(classifier.assumed),
        "classes": list(classifier.classes),
        "photo": _text(photo),
        "pixels": f"sha256:{hashlib.sha256(image.tobytes()).hexdigest()}",
        "conventions": {"score": "logit", "relu": "cells", "upsample": "never", "normalise": "never"},
    }


def _text(name: str) -> str:
    """A file name that is not text, with escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
