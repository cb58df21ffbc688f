"""numcam evaluate: how often a classifier is right, its explanations point at the object, and every other measure."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from numcam.cli.common import add_model, classifier_of, command, place
from numcam.cli.measured import HIDDEN_BIAS, imagenet, measured, names_of
from numcam.errors import InputError
from numcam.evaluate import wilson_interval
from numcam.evaluate.measures import MEASURES
from numcam.evaluate.on_scenes import Report, measure
from numcam.models.classifier import Classifier
from numcam.scenes import CLASSES
from numcam.scenes.compose import SIDE

EXAMPLES = """  numcam evaluate                           the figures of weights/README.md: 1000 scenes each
  numcam evaluate --scenes 100 --objects 1  the same, rougher and quicker
  numcam evaluate --measures localisation,table1 --methods all --scenes 200 --jobs 2
  numcam evaluate --measures all            every measure: hours; Ctrl-C keeps what is done
  numcam evaluate --measures hidden-bias    trains two networks first, a quarter of an hour each
  numcam evaluate --imagenet FOLDER --model vgg16   the paper's Table 1 on ImageNet's own pictures and boxes

A scene of two objects is right if both are among the two likeliest classes, and each is then asked for in turn.
The scenes are those of seeds 0, 1, 2, ...; training draws its own from 1,000,000 on."""


FOLDER = Path("evaluation")
MOST = 1_000_000
"""Scenes: from this seed on they are training's."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "evaluate", EXAMPLES)
    parser.add_argument("--scenes", type=int, metavar="N", help="how many (1000; fewer for slow measures)")
    parser.add_argument("--objects", type=int, choices=(1, 2, 3), help="only scenes of so many objects")
    known = ", ".join((*MEASURES, HIDDEN_BIAS)).replace("_", "-")
    parser.add_argument("--measures", metavar="LIST", help=f"all, or some of {known}")
    parser.add_argument("--methods", metavar="LIST", help="all, or some of the methods of numcam explain")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="the first scene, and everything else random")
    parser.add_argument("--folder", type=place, default=FOLDER, help="records, tables, figures (%(default)s)")
    parser.add_argument("--imagenet", type=place, metavar="FOLDER", help="pictures and boxes in ImageNet's layout")
    parser.add_argument("--connectivity", type=int, choices=(4, 8), default=8, help="of --imagenet (%(default)s)")
    parser.add_argument("--space", choices=("input", "picture"), default="input", help="of --imagenet (%(default)s)")
    add_model(parser)
    parser.set_defaults(run=evaluate)


def evaluate(options: argparse.Namespace) -> int:
    """Measure and print."""
    if options.scenes is not None and not 1 <= options.scenes <= MOST:
        raise InputError(f"--scenes is a count of at least 1 and at most {MOST:,}; got {options.scenes}")
    if options.jobs < 1 or options.seed < 0:
        raise InputError(f"--jobs is at least 1 and --seed at least 0; got {options.jobs} and {options.seed}")
    _check_what_goes_together(options)
    if options.imagenet is not None:
        return imagenet(options)
    asked = names_of(options.measures)
    if asked != (HIDDEN_BIAS,):
        classifier = _suitable(classifier_of(options), bool(asked))
    if asked:
        return measured(options, asked)
    for objects in (1, 2) if options.objects is None else (options.objects,):
        print("\n".join(table(_measured(classifier, options.scenes or 1000, objects, options.seed))), end="\n\n")
    return 0


def _suitable(classifier: Classifier, of_pixels: bool) -> Classifier:
    """The classifier, if it can be measured on scenes; InputError if not."""
    if set(classifier.classes) != set(CLASSES):
        raise InputError(
            f"scenes show {', '.join(CLASSES)}: a network needs these {len(CLASSES)} to be measured on them; "
            f"{classifier.name} has {_few(classifier.classes)}. Give another --model"
        )
    rows, cols = classifier.input_size
    if of_pixels and (rows, cols) != (SIDE, SIDE):
        raise InputError(
            f"--measures compare maps with scenes of {SIDE}x{SIDE}, pixel by pixel; {classifier.name} takes pictures "
            f"of {rows}x{cols}. Leave out --measures, or give another --model"
        )
    return classifier


def _check_what_goes_together(options: argparse.Namespace) -> None:
    """InputError for an option that would be ignored beside the others."""
    fixed = {"--objects": options.objects is not None, "--engine plain": options.engine != "fast"}
    of_pictures = {"--connectivity": options.connectivity != 8, "--space": options.space != "input"}
    if options.imagenet is not None:
        of_scenes = {"--measures": options.measures is not None, "--jobs": options.jobs > 1, "--seed": options.seed > 0}
        wrong, about = fixed | of_scenes, "for drawn scenes; leave it out beside --imagenet"
    elif options.measures is not None:
        wrong, about = fixed | of_pictures, "not for --measures, each of which has its own; leave it out"
    elif any(of_pictures.values()):
        wrong, about = of_pictures, "for --imagenet FOLDER; give that too"
    else:
        wrong = {"--methods": options.methods is not None, "--jobs": options.jobs > 1}
        wrong["--folder"] = options.folder != FOLDER
        about = "for --measures; name some, as in --measures localisation"
    for name, given in wrong.items():
        if given:
            raise InputError(f"{name} is {about}")


def _few(classes: Sequence[str], most: int = 10) -> str:
    if not classes:
        return "no head, and so none"
    return ", ".join(classes[:most]) + (f" and {len(classes) - most:,} more" if len(classes) > most else "")


def _measured(classifier: Classifier, count: int, objects: int, first: int) -> Report:
    with tqdm(total=count, unit="scene", leave=False) as bar:
        for report in measure(classifier, range(first, first + count), objects):
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
