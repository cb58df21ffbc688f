"""numcam classify: what is in a picture."""

import argparse

from numcam.cli.common import add_model, add_photos, classifier_of, command, percent, picture
from numcam.errors import InputError


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(
        subparsers,
        "classify",
        "  numcam classify photo.jpg\n  numcam classify *.png --top 2",
    )
    add_photos(parser)
    parser.add_argument("--top", type=int, default=5, metavar="K", help="how many classes (%(default)s)")
    add_model(parser)
    parser.set_defaults(run=classify)


def classify(options: argparse.Namespace) -> int:
    """Print the top classes of each picture."""
    if options.top < 1:
        raise InputError(f"--top is a count of at least 1; got {options.top}")
    classifier = classifier_of(options)
    for photo in options.photos:
        image = picture(photo, options.white)
        print(f"{photo} ({image.shape[1]}x{image.shape[0]})")
        for index, name, probability in classifier.predict(image, options.top):
            print(f"  {percent(probability)}  {name}  ({index})")
    return 0
