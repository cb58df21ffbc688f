"""numcam classify: what is in a picture."""

import argparse

from numcam.cli.common import add_model, add_photos, classifier_of, command, percent, tell
from numcam.cli.pictures import Pictures
from numcam.errors import InputError
from numcam.explain.picture import picture_remarks


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(
        subparsers,
        "classify",
        "  numcam classify photo.jpg\n  numcam classify holiday --top 1             every picture in a folder\n"
        "  numcam classify 'holiday/**/*.jpg'           and in the folders in it",
    )
    add_photos(parser)
    parser.add_argument("--top", type=int, default=5, metavar="K", help="how many classes (%(default)s)")
    add_model(parser)
    parser.set_defaults(run=classify)


def classify(options: argparse.Namespace) -> int:
    """Print the top classes of each picture."""
    if options.top < 1:
        raise InputError(f"--top is a count of at least 1; got {options.top}")
    pictures = Pictures(options.photos, options.white)
    classifier = classifier_of(options)
    for photo, image in pictures:
        tell(f"{photo} ({image.shape[1]}x{image.shape[0]})")
        trace = classifier.forward(classifier.preprocess(image))
        for index, name, probability in classifier.ranked(trace, options.top):
            tell(f"  {percent(probability)}  {name}  ({index})")
        for sentence in picture_remarks(classifier, trace):
            tell(f"  {sentence}")
    return pictures.finish()
