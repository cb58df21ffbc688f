"""numcam evaluate: how often a classifier is right, and its explanations point at the object."""

import argparse

from tqdm import tqdm

from numcam.cli.common import add_model, classifier_of, command
from numcam.errors import InputError
from numcam.evaluate import wilson_interval
from numcam.evaluate.on_scenes import Report, measure
from numcam.models.classifier import Classifier
from numcam.scenes import CLASSES

EXAMPLES = """  numcam evaluate                           the figures of weights/README.md: 1000 scenes each
  numcam evaluate --scenes 100 --objects 1  the same, rougher and quicker

A scene of two objects is right if both are among the two likeliest classes, and each is then asked for in turn.
The scenes are those of seeds 0, 1, 2, ...; training draws its own from 1,000,000 on."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "evaluate", "measure accuracy and pointing on drawn scenes", EXAMPLES)
    parser.add_argument("--scenes", type=int, default=1000, metavar="N", help="how many of each kind (%(default)s)")
    parser.add_argument("--objects", type=int, choices=(1, 2, 3), help="only scenes of so many objects")
    add_model(parser)
    parser.set_defaults(run=evaluate)


def evaluate(options: argparse.Namespace) -> int:
    """Measure and print."""
    if options.scenes < 1:
        raise InputError(f"--scenes is a count of at least 1; got {options.scenes}")
    classifier = classifier_of(options)
    if set(classifier.classes) - set(CLASSES):
        raise InputError(f"{options.model} has classes that scenes do not draw; they draw {', '.join(CLASSES)}")
    for objects in (1, 2) if options.objects is None else (options.objects,):
        print("\n".join(table(_measured(classifier, options.scenes, objects))), end="\n\n")
    return 0


def _measured(classifier: Classifier, count: int, objects: int) -> Report:
    with tqdm(total=count, unit="scene", leave=False) as bar:
        for report in measure(classifier, range(count), objects):
            bar.update(report.count - bar.n)
    return report


def table(report: Report) -> list[str]:
    """The report as lines of text; every share with its 95 % confidence interval."""
    kind = "object" if report.objects == 1 else "objects"
    right = "the class right" if report.objects == 1 else f"the top {report.objects} right"
    lines = [
        f"{report.count} scenes of {report.objects} {kind}: {right} {share(report.correct, report.count)}",
        f"{'where the maximum lies':22} {'on the object':>22} {'within 15 px':>22} {'on another object':>22}",
    ]
    for method, p in report.pointing.items():
        cells = (share(p.inside, p.asked), share(p.near, p.asked), share(p.other, p.asked))
        lines.append(f"{method:22} " + " ".join(f"{cell:>22}" for cell in cells))
    asked = report.count * report.objects
    chances = [f"{100 * total / asked:.1f} %" for total in (report.chance_inside, report.chance_near)]
    lines.append(f"{'a random pixel':22} {chances[0]:>22} {chances[1]:>22}")
    lines.append("mean offset of Grad-CAM's maximum from the middle of the object (down, right), in pixels:")
    offsets = {name: [sum(axis) / len(at) for axis in zip(*at, strict=True)] for name, at in _offsets(report).items()}
    return [*lines, "  " + ", ".join(f"{name} ({down:+.0f}, {right:+.0f})" for name, (down, right) in offsets.items())]


def _offsets(report: Report) -> dict[str, list[tuple[float, float]]]:
    return dict(sorted(report.pointing["grad_cam"].offsets.items()))


def share(hits: int, n: int) -> str:
    """A share in percent with its interval, "97.3 % (96.1-98.1)"."""
    low, high = wilson_interval(hits, n)
    return f"{100 * hits / max(n, 1):.1f} % ({100 * low:.1f}-{100 * high:.1f})"
