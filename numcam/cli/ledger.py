"""numcam ledger: a logit written down as a sum, layer by layer."""

import argparse

import numpy as np

from numcam.cli.asked import one_asked
from numcam.cli.common import add_class, add_model, add_photos, classifier_of, command, tell
from numcam.cli.pictures import Pictures
from numcam.explain import ledger
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

EXAMPLES = """  numcam ledger photo.jpg                    the likeliest class
  numcam ledger photo.jpg --class cat        what speaks for a cat, and what against"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "ledger", EXAMPLES)
    add_photos(parser)
    add_class(parser, "whose logit (the likeliest)")
    add_model(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print each picture's table; every line adds up to the logit."""
    pictures = Pictures(options.photos, options.white)
    classifier = classifier_of(options)
    for _, image in pictures.announced():
        _tell(classifier, image, options)
    return pictures.finish()


def _tell(classifier: Classifier, image: Array, options: argparse.Namespace) -> None:
    trace = classifier.forward(classifier.preprocess(image))
    one = one_asked(classifier, trace, options.wanted)
    found = ledger(trace, one.target)
    tell(f"{classifier.name}, {'logit' if classifier.classes else 'value'} of “{one.name}” = {one.score:.6f}")
    tell("at every layer: sum of activation x gradient (for + against) + what the biases above it add\n")
    for line in found.lines():
        tell(line)
    gap, weight = np.abs(found.gap).max(), (found.positive - found.negative + np.abs(found.bias)).max()
    share = gap / weight if weight else 0.0  # of a unit that is off, nothing was added
    tell(
        f"\nevery line is the whole score: the worst is off by {gap:.1e}, {share:.0e} of what was added and taken away"
    )
