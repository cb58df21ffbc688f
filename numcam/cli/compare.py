"""numcam compare: one explanation under the conventions of seven tools, and why they disagree."""

import argparse
from pathlib import Path

import numpy as np

from numcam.cli.asked import asked, called, top
from numcam.cli.common import add_class, add_format, add_model, add_photos, classifier_of, command, tell
from numcam.cli.outputs import FIGURES, destinations, words
from numcam.cli.pictures import Pictures
from numcam.errors import InputError
from numcam.evaluate.localisation import peak
from numcam.explain import PRESETS, conventional
from numcam.explain.conventions import effects
from numcam.figures import save
from numcam.figures.compare import agreement, compared
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

EXAMPLES = """  numcam compare photo.jpg                     Grad-CAM of the likeliest class, as seven tools draw it
  numcam compare photo.jpg --class cat -o cat.png"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "compare", EXAMPLES)
    add_photos(parser)
    add_class(parser, "class (default: the likeliest)")
    add_model(parser)
    parser.add_argument("-o", "--out", metavar="FOLDER|FILE", help="where to (current folder)")
    add_format(parser, FIGURES)
    parser.set_defaults(run=compare)


def compare(options: argparse.Namespace) -> int:
    """Print, tool by tool, which dials differ and what each does on its own; write the figure."""
    pictures = Pictures(options.photos, options.white)
    classifier = classifier_of(options)
    parts = called(classifier, options.wanted)
    if len(parts) > 1 or any(top(one) is not None for one in parts):
        raise InputError(f"compare draws one class; got --class {' and '.join(parts)}")
    name = words([*parts, "compare"])
    paths = destinations(options.out, pictures.names, name, format=options.format)
    for photo, image in pictures:
        _compare(classifier, image, photo, options, paths[photo])
    return pictures.finish()


def _compare(classifier: Classifier, image: Array, photo: str, options: argparse.Namespace, path: Path) -> None:
    trace = classifier.forward(classifier.preprocess(image))
    one = asked(classifier, trace, options.wanted)[0]
    maps = {name: conventional(trace, one.target, dial)[0] for name, dial in PRESETS.items()}
    tell(f"{photo}: {one.name}, {one.value}; correlation with “paper”, and of each dial turned alone\n")
    for name, map in maps.items():
        at = peak(map)
        found = f"maximum at row {at[0]}, column {at[1]} of {map.shape[0]}x{map.shape[1]}" if map.max() > 0 else "blank"
        tell(f"  {name:17} {_number(agreement(maps['paper'], map))}  {found}")
        dials = PRESETS[name].differences(PRESETS["paper"])
        for dial, value in effects(trace, one.target, PRESETS[name], PRESETS["paper"]).items():
            tell(f"      {dial + ': ' + dials[dial]:28} {_number(value)}")
    save(compared(image, maps, f"{len(PRESETS)} pictures that are all called the Grad-CAM of “{one.name}”"), path)
    tell(f"  wrote {path}")


def _number(value: float) -> str:
    return "   -  " if np.isnan(value) else f"{value:6.3f}"
