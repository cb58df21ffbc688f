"""numcam compare: one explanation under the conventions of seven tools, and why they disagree."""

import argparse

import numpy as np

from numcam.cli.asked import one_asked
from numcam.cli.common import add_model, add_photos, classifier_of, command, output, picture
from numcam.evaluate.localisation import peak
from numcam.explain import PRESETS, conventional
from numcam.explain.conventions import correlation, effects
from numcam.figures import save
from numcam.figures.compare import compared

EXAMPLES = """  numcam compare photo.jpg                     Grad-CAM of the likeliest class, as seven tools draw it
  numcam compare photo.jpg --class cat -o cat.png"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "compare", EXAMPLES)
    add_photos(parser, many=False)
    parser.add_argument("--class", dest="wanted", metavar="NAME|INDEX", help="class (default: the likeliest)")
    add_model(parser)
    parser.add_argument("-o", "--out", metavar="FOLDER|FILE.png", help="where to (current folder)")
    parser.set_defaults(run=compare)


def compare(options: argparse.Namespace) -> int:
    """Print, tool by tool, which dials differ and what each does on its own; write the figure."""
    classifier = classifier_of(options)
    image = picture(options.photo, options.white)
    path = output(options.out, [options.photo], options.photo, "compare")
    trace = classifier.forward(classifier.preprocess(image))
    one = one_asked(classifier, trace, options.wanted)
    maps = {name: conventional(trace, one.target, dial)[0] for name, dial in PRESETS.items()}
    print(f"{options.photo}: {one.name}, {one.value}; correlation with “paper”, and of each dial turned alone\n")
    for name, map in maps.items():
        at = peak(map)
        found = f"maximum at row {at[0]}, column {at[1]} of {map.shape[0]}x{map.shape[1]}" if map.max() > 0 else "blank"
        print(f"  {name:17} {_number(correlation(maps['paper'], map))}  {found}")
        dials = PRESETS[name].differences(PRESETS["paper"])
        for dial, value in effects(trace, one.target, PRESETS[name], PRESETS["paper"]).items():
            print(f"      {dial + ': ' + dials[dial]:28} {_number(value)}")
    save(compared(image, maps, f"{len(PRESETS)} pictures that are all called the Grad-CAM of “{one.name}”"), path)
    print(f"  wrote {path}")
    return 0


def _number(value: float) -> str:
    return "   -  " if np.isnan(value) else f"{value:6.3f}"
