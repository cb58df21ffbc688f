"""numcam explain: where in a picture the evidence for a class is."""

import argparse
from pathlib import Path

from numcam.cli.asked import asked
from numcam.cli.common import add_model, add_photos, classifier_of, command, output, picture, ranking
from numcam.errors import InputError, did_you_mean
from numcam.explain import METHODS, spatial_layer
from numcam.figures import TITLES, Panel, explained, panels, save
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

EXAMPLES = """  numcam explain photo.jpg                             Grad-CAM of the likeliest class
  numcam explain photo.jpg --class cat --method all    every method, for "cat"
  numcam explain photo.jpg --class top3 -o maps        the three likeliest, into the folder maps
  numcam explain photo.jpg --layer relu4_3             at a finer layer
  numcam explain photo.jpg --model vgg16 --class tabby with VGG16, fetched if it is not here"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "explain", "draw where in a picture the evidence for a class is", EXAMPLES)
    add_photos(parser)
    parser.add_argument("--class", dest="wanted", metavar="NAME|INDEX|topK", help="class (default: the likeliest)")
    parser.add_argument("--layer", metavar="LAYER", help="of Grad-CAM (default: relu5_3)")
    parser.add_argument("--method", default="grad_cam", metavar="METHOD", help=f"{', '.join(METHODS)}, or all")
    add_model(parser)
    parser.add_argument("-o", "--out", metavar="FOLDER|FILE.png", help="where to (current folder)")
    parser.set_defaults(run=explain)


def explain(options: argparse.Namespace) -> int:
    """Explain each picture, print what was found, write a figure."""
    methods = _methods(options.method)
    classifier = classifier_of(options)
    images = [picture(photo) for photo in options.photos]
    label = "all" if len(methods) > 1 else methods[0]
    paths = [output(options.out, options.photos, photo, label) for photo in options.photos]
    for photo, image, path in zip(options.photos, images, paths, strict=True):
        print(f"{photo} ({image.shape[1]}x{image.shape[0]}): {_seen(classifier, image)}")
        _explain(classifier, image, methods, options, path)
    return 0


def _seen(classifier: Classifier, image: Array) -> str:
    return ranking(classifier.predict(image, top=3)) if classifier.classes else f"{classifier.name} without a head"


def _explain(classifier: Classifier, image: Array, methods: list[str], options: argparse.Namespace, path: Path) -> None:
    trace = classifier.forward(classifier.preprocess(image))
    layer = spatial_layer(trace, options.layer)
    rows, labels = [], []
    for one_asked in asked(classifier, trace, options.wanted):
        name = one_asked.name
        row = [Panel(image, f"{name}: {one_asked.value}")]
        for method in methods:
            one = explained(classifier, trace, method, one_asked.target, image.shape[:2], layer)
            at = f"maximum at row {one.at[0]}, column {one.at[1]}" if one.at else one.blank
            print(f"  {name}, {TITLES[method]}: {at}")
            row.append(one.panel(image, at if one.is_map else ""))
        rows.append(row)
        labels.append(f"“{name}”")
    title = (
        f"Where {classifier.name} sees {' and '.join(labels)}"
        if len(labels) < 3
        else "The same picture, class by class"
    )
    save(panels(rows, title, ["image", *(TITLES[m] for m in methods)], labels), path)
    print(f"  wrote {path}")


def _methods(given: str) -> list[str]:
    name = given.replace("-", "_").lower()
    if name == "all":
        return list(METHODS)
    if name not in METHODS:
        raise InputError(f"no method {given!r}; {did_you_mean(name, [*METHODS, 'all'])}")
    return [name]
