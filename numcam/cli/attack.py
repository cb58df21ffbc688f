"""numcam attack: change the answer without changing the picture."""

import argparse

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from numcam.attack import fgsm
from numcam.cli.common import add_model, add_photos, classifier_of, command, output, picture, ranking
from numcam.errors import InputError
from numcam.figures import Panel, explained, panels, save
from numcam.files import check_writable, replacing
from numcam.models.classifier import Classifier
from numcam.nn.softmax import softmax
from numcam.nn.types import Array

EXAMPLES = """  numcam attack photo.png --epsilon 2                leave the predicted class
  numcam attack photo.png --epsilon 4 --to dog       be taken for a dog
  numcam attack photo.png --label cat -o out         leave "cat", into the folder out"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "attack", "change a picture's class by the fast gradient sign method", EXAMPLES)
    add_photos(parser, many=False)
    parser.add_argument("--epsilon", type=float, default=2.0, metavar="E", help="grey levels of 255 (%(default)s)")
    parser.add_argument("--label", metavar="NAME|INDEX", help="the class to leave (default: the predicted one)")
    parser.add_argument("--to", metavar="NAME|INDEX", help="the class to reach, instead")
    add_model(parser)
    parser.add_argument("-o", "--out", metavar="FOLDER|FILE.png", help="where to (current folder)")
    parser.set_defaults(run=attack)


def attack(options: argparse.Namespace) -> int:
    """Attack the picture; print the answer before, after, and after rounding; write the picture and a figure."""
    if options.label is not None and options.to is not None:
        raise InputError("--label names the class to leave and --to the class to reach; give one of them")
    classifier = classifier_of(options)
    image = picture(options.photo)
    path = output(options.out, [options.photo], options.photo, "adversarial", beside="-figure")
    figure_path = path.with_name(f"{path.stem}-figure.png")
    check_writable(figure_path)
    pixels = classifier.to_pixels(image)
    label = options.label if options.to is None else options.to
    attacked = fgsm(classifier, pixels, label, options.epsilon, targeted=options.to is not None)
    rounded = np.rint(attacked).astype(np.uint8)[0].transpose(1, 2, 0)
    print(f"before                      {ranking(classifier.predict(image, top=3))}")
    print(f"after                       {ranking(classifier.predict(attacked[0].transpose(1, 2, 0), top=3))}")
    print(f"rounded to whole grey levels  {ranking(classifier.predict(rounded, top=3))}")
    with replacing(path) as part:
        Image.fromarray(rounded).save(part, format="PNG")
    save(_figure(classifier, pixels, rounded, options.epsilon), figure_path)
    print(f"wrote {path} ({rounded.shape[1]}x{rounded.shape[0]}, as the network takes it)\nwrote {figure_path}")
    return 0


def _figure(classifier: Classifier, pixels: Array, rounded: Array, epsilon: float) -> Figure:
    original = np.rint(pixels[0].transpose(1, 2, 0)).astype(np.uint8)
    traces = [classifier.forward(classifier.preprocess(p)) for p in (original, rounded)]
    before, after = (softmax(t.output.astype(np.float64))[0] for t in traces)
    right, wrong = int(before.argmax()), int(after.argmax())
    names = [classifier.classes[i] for i in (right, wrong)]
    size = classifier.input_size
    first, kept, other = (
        explained(classifier, t, "grad_cam", c, size)
        for t, c in ((traces[0], right), (traces[1], right), (traces[1], wrong))
    )
    row = [
        first.panel(original, f"{names[0]} {before[right]:.1%}"),
        Panel(rounded, f"{names[1]} {after[wrong]:.1%}"),
        kept.panel(rounded, f"for “{names[0]}”, now {after[right]:.1%}"),
        other.panel(rounded, f"for “{names[1]}”"),
    ]
    verdict = f"turns “{names[0]}” into “{names[1]}”" if right != wrong else f"leaves “{names[0]}” standing"
    columns = ["original", "adversarial image", "adversarial, original class", "adversarial, predicted class"]
    return panels([row], f"FGSM, ε = {epsilon:g}: {verdict}", columns)
