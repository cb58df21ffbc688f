"""numcam explain: where in a picture the evidence for a class is."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numcam.cli.asked import Asked, asked
from numcam.cli.atlas import draw_atlas
from numcam.cli.common import add_model, add_photos, classifier_of, command, picture, ranking
from numcam.cli.findings import answers, chosen_methods, destination, keep, layers_of
from numcam.explain import METHODS, TITLES, remarks
from numcam.explain.finding import Finding
from numcam.figures import Panel, panels, save
from numcam.figures.evidence import finding_panel, place
from numcam.figures.grid import arranged
from numcam.models.classifier import Classifier
from numcam.nn import Trace
from numcam.nn.types import Array

EXAMPLES = """  numcam explain photo.jpg                             Grad-CAM of the likeliest class
  numcam explain photo.jpg --class cat --method all    every method, for "cat"
  numcam explain photo.jpg --class top3 -o maps        the three likeliest, into the folder maps (which is there)
  numcam explain photo.jpg --class all                 every class's map, from one forward pass
  numcam explain photo.jpg --layer relu4_3             at a finer layer
  numcam explain photo.jpg --layer relu4_3,relu5_3     two layers in one map
  numcam explain photo.jpg --counterfactual            what speaks against the class
  numcam explain photo.jpg -o maps.npz                 the numbers, with where they came from
  numcam explain photo.jpg --model vgg16 --class tabby   with VGG16, fetched if it is not here"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "explain", EXAMPLES)
    add_photos(parser)
    parser.add_argument("--class", dest="wanted", metavar="NAME|INDEX|topK|all", help="class (default: the likeliest)")
    parser.add_argument("--layer", metavar="LAYER,…", help="of the class activation maps (default: relu5_3)")
    names = f"{', '.join(METHODS)}; cam; or cams, pixels, all, or several with commas"
    parser.add_argument("--method", default="grad_cam", metavar="METHOD,…", help=names)
    parser.add_argument("--counterfactual", action="store_true", help="short for --method counterfactual_grad_cam")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of SmoothGrad and RISE (%(default)s)")
    add_model(parser)
    parser.add_argument("-o", "--out", metavar="FOLDER|FILE", help=".png, or .npz, .h5, .json for the numbers")
    parser.set_defaults(run=explain)


def explain(options: argparse.Namespace) -> int:
    """Explain each picture, print what was found, write a figure or the numbers."""
    methods = chosen_methods(options)
    every = (options.wanted or "").lower() == "all"
    label = "atlas" if every else "all" if len(methods) > 1 else methods[0]
    classifier = classifier_of(options)
    images = [picture(photo, options.white) for photo in options.photos]
    paths = [destination(options, photo, label) for photo in options.photos]
    for photo, image, path in zip(options.photos, images, paths, strict=True):
        print(f"{photo} ({image.shape[1]}x{image.shape[0]}): {_seen(classifier, image)}")
        trace = classifier.forward(classifier.preprocess(image))
        if every:
            draw_atlas(classifier, trace, image, photo, options, path)
        else:
            _explain(classifier, trace, image, photo, methods, options, path)
        print(f"  wrote {path}")
    return 0


def _seen(classifier: Classifier, image: Array) -> str:
    return ranking(classifier.predict(image, top=3)) if classifier.classes else f"{classifier.name} without a head"


def _explain(
    classifier: Classifier,
    trace: Trace,
    image: Array,
    photo: str,
    methods: Sequence[str],
    options: argparse.Namespace,
    path: Path,
) -> None:
    layers = layers_of(trace, options.layer)
    found: list[tuple[Asked, Finding, dict[str, Any]]] = []
    for one_asked in asked(classifier, trace, options.wanted):
        said: set[str] = set()  # what holds for the class, and not for the method, is said once
        for finding, more in answers(trace, one_asked.target, methods, layers, options.seed):
            more["remarks"] = [*more.pop("notes", []), *remarks(finding, trace, classifier.classes)]
            new = [sentence for sentence in more["remarks"] if sentence not in said]
            said.update(new)
            _print(one_asked, finding, new, place(finding, classifier, (image.shape[0], image.shape[1])))
            found.append((one_asked, finding, more))
    if path.suffix.lower() == ".png":
        _draw(classifier, image, found, len(methods), path)
    else:
        keep(classifier, image, photo, [(a.name, f, m) for a, f, m in found], options, path)


def _print(one: Asked, finding: Finding, said: Sequence[str], at: tuple[int, int] | None) -> None:
    where = f"maximum at row {at[0]}, column {at[1]}" if at else "blank"
    print(f"  {one.name}, {TITLES[finding.method]}: {where}")
    for sentence in said:
        print(f"      {sentence}")


def _draw(
    classifier: Classifier,
    image: Array,
    found: Sequence[tuple[Asked, Finding, dict[str, Any]]],
    methods: int,
    path: Path,
) -> None:
    rows: list[list[Panel]] = []
    labels: list[str] = []
    columns: list[str] = []
    for i in range(0, len(found), methods):
        one = found[i][0]
        first = Panel(image, f"{one.name}: {one.value}")
        answers = [(TITLES[f.method], _panel(f, classifier, image)) for _, f, _ in found[i : i + methods]]
        block, columns = arranged([("image", first), *answers])
        labels += [f"“{one.name}”", *[""] * (len(block) - 1)]
        rows += block
    names = [f"“{found[i][0].name}”" for i in range(0, len(found), methods)]
    by = f", by {methods} methods" if methods > 6 else ""
    one_line = f"Where {classifier.name} sees {' and '.join(names)}{by}"
    save(panels(rows, one_line if len(names) < 3 else "The same picture, class by class", columns, labels), path)


def _panel(finding: Finding, classifier: Classifier, image: Array) -> Panel:
    at = place(finding, classifier, (image.shape[0], image.shape[1]))
    return finding_panel(finding, classifier, image, f"maximum at row {at[0]}, column {at[1]}" if at else "")
