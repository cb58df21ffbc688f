"""numcam attack: change the answer without changing the picture."""

import argparse
from dataclasses import replace

import numpy as np

from numcam.attack import ATTACKS, Walk, deepfool, kurakin_steps, reach, rms, smallest_epsilon
from numcam.attack.given import HALF, checked
from numcam.cli.attacked import full_end, tell_of, write_all
from numcam.cli.common import add_format, add_model, add_photos, classifier_of, command, tell
from numcam.cli.counting import passes
from numcam.cli.outputs import LOSSLESS, destinations, words
from numcam.cli.pictures import Pictures
from numcam.errors import InputError, did_you_mean
from numcam.explain.picture import picture_remarks
from numcam.front.attacking import TITLES, Attacked, attacked, started
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

EXAMPLES = """  numcam attack photo.png --epsilon 2                leave the predicted class
  numcam attack photo.png --epsilon 4 --to dog       be taken for a dog
  numcam attack photo.png --to dog --confidence 0.9999   and for nothing else
  numcam attack photo.png --method pgd --epsilon 1   forty small steps instead of one
  numcam attack photo.png --method bim --smallest    how little is enough?
  numcam attack photo.png --label cat -o out         leave "cat", into the folder out
  numcam attack holiday -o out                       every picture in the folder holiday
  numcam attack photo.png --full-size                also the photo itself, at its own size

epsilon is in grey levels of 255: the most that any value moves; for pgd-l2 the root mean square of all the moves."""
SURE_STEPS = 200
"""Steps that --confidence takes at most."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "attack", EXAMPLES)
    add_photos(parser)
    parser.add_argument("--method", metavar="NAME", help="fgsm, bim, pgd, pgd-l2 or deepfool (fgsm)")
    parser.add_argument(
        "--epsilon", type=_levels, metavar="E", help="grey levels of 255, or 8/255 (2; 8 with --confidence)"
    )
    parser.add_argument("--steps", type=int, metavar="N", help="of bim, pgd, pgd-l2 and deepfool (each its paper's)")
    parser.add_argument("--seed", type=int, metavar="N", help="of the random start of pgd and pgd-l2 (0)")
    parser.add_argument("--label", metavar="NAME|INDEX", help="the class to leave (default: the predicted one)")
    parser.add_argument("--to", metavar="NAME|INDEX", help="the class to reach, instead")
    parser.add_argument("--confidence", type=float, metavar="P", help="go on until the class --to has probability P")
    parser.add_argument("--smallest", action="store_true", help="find the smallest epsilon that is enough")
    parser.add_argument("--full-size", action="store_true", help="also change the photo at its own size")
    add_model(parser)
    parser.add_argument("-o", "--out", metavar="FOLDER|FILE", help="where to (current folder); PNG, WebP, TIFF or BMP")
    add_format(parser, LOSSLESS)
    parser.set_defaults(run=attack)


def _levels(text: str) -> float:
    """Grey levels: a number of them, or a share of 255 as "8/255"."""
    number, slash, whole = text.partition("/")
    try:
        if not slash or float(whole) == 255:
            return float(number)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"invalid value {text!r}; give grey levels of 255, such as 8 or 8/255")


def attack(options: argparse.Namespace) -> int:
    """Attack each picture; print the answer before and after; write the attacked picture and a figure."""
    method = _method(options)
    pictures = Pictures(options.photos, options.white)
    classifier = classifier_of(options)
    name = words([*_words(options, classifier, method), "adversarial"])
    beside = ["-figure.png", *([full_end(options.out, options.format)] if options.full_size else [])]
    paths = destinations(options.out, pictures.names, name, LOSSLESS, beside, options.format)
    for photo, image in pictures.announced():
        try:
            with passes(classifier) as counted:
                found = _attacked(options, method, counted, image)
        except InputError as error:
            if len(pictures.names) == 1:
                raise
            pictures.failed(f"{photo}: {error}")
            continue
        for sentence in picture_remarks(classifier, classifier.forward(classifier.preprocess(image))):
            tell(sentence)
        tell_of(found)
        write_all(found, paths[photo], full_end(options.out, options.format) if options.full_size else None)
    return pictures.finish()


def _words(options: argparse.Namespace, classifier: Classifier, method: str) -> list[str]:
    """What was asked that is not usual, for the files' names; InputError at once for a class that does not exist."""
    parts = [method] if method != "fgsm" else []
    for way, wanted in (("from", options.label), ("to", options.to)):
        if wanted is not None and classifier.classes:
            parts.append(f"{way}_{classifier.classes[classifier.index(wanted)]}")
    return parts


def _method(options: argparse.Namespace) -> str:
    """The attack's name; InputError where the options do not go together."""
    asked = ("fgsm" if options.confidence is None else "bim") if options.method is None else options.method
    name = asked.lower().replace("-", "_")
    if name not in ATTACKS:
        raise InputError(f"no attack {asked!r}; {did_you_mean(name, ATTACKS)}")
    if options.label is not None and options.to is not None:
        raise InputError("--label names the class to leave and --to the class to reach; give one of them")
    if options.confidence is not None and options.to is None:
        raise InputError("--confidence is that of the class to reach; name it with --to")
    if options.confidence is not None and (options.smallest or name in ("fgsm", "deepfool")):
        raise InputError("--confidence goes on step by step, with bim, pgd or pgd-l2, and without --smallest")
    if options.epsilon is not None and 0 < options.epsilon < HALF and name != "pgd_l2":
        raise InputError(
            f"--epsilon {options.epsilon:g} is of 255 grey levels; less than half of one is lost in a picture file; "
            f"for {options.epsilon:g} of the range from 0 to 1 give {255 * options.epsilon:.3g}"
        )
    if name == "fgsm" and options.steps is not None:
        raise InputError("fgsm takes one step; --steps is for --method bim, pgd, pgd-l2 or deepfool")
    if options.seed is not None and not (name in ("pgd", "pgd_l2") and options.seed >= 0):
        raise InputError("--seed, 0 or more, is of the random start of --method pgd or pgd-l2")
    if options.seed is not None and options.confidence is not None:
        raise InputError("with --confidence the walk starts at the picture itself; leave out --seed")
    if name == "deepfool" and (options.epsilon is not None or options.to is not None or options.smallest):
        raise InputError(
            "deepfool finds the nearest other class and its distance; leave out --epsilon, --smallest, --to"
        )
    if options.smallest and options.epsilon is not None:
        raise InputError("--smallest looks for epsilon; leave out --epsilon")
    return name


def _attacked(options: argparse.Namespace, method: str, classifier: Classifier, image: Array) -> Attacked:
    """The attack, with its name and size for a title."""
    photo, pixels = started(classifier, image)
    label, targeted = (options.label, False) if options.to is None else (options.to, True)
    given = {name: value for name in ("steps", "seed") if (value := getattr(options, name)) is not None}
    if method == "deepfool":
        moved = deepfool(classifier, pixels, label, **given)
        found = attacked(classifier, photo, pixels, moved, label, None, "DeepFool", draw_out=True)
        return replace(found, how=f"DeepFool, root mean square {rms(found.moved - pixels).item():.2g}")
    epsilon = options.epsilon
    if options.confidence is not None:
        moved, how = _sure(options, method, classifier, pixels, 8.0 if epsilon is None else epsilon)
        return attacked(classifier, photo, pixels, moved, options.label, options.to, how)
    if options.smallest:
        epsilon = float(smallest_epsilon(classifier, pixels, ATTACKS[method], label, targeted, whole=True, **given)[0])
        if not np.isfinite(epsilon):
            raise InputError(
                f"{TITLES[method]} does not change the answer with any epsilon up to 64; try another --method, "
                "or more --steps"
            )
        tell(f"smallest epsilon that changes the answer, rounded to whole grey levels: {epsilon:.2f}")
    epsilon = 2.0 if epsilon is None else epsilon
    moved = ATTACKS[method](classifier, pixels, label, epsilon=epsilon, targeted=targeted, **given)
    how = f"{TITLES[method]}, ε = {epsilon:.3g}"
    return attacked(classifier, photo, pixels, moved, options.label, options.to, how)


def _sure(
    options: argparse.Namespace, method: str, classifier: Classifier, pixels: Array, epsilon: float
) -> tuple[Array, str]:
    steps = SURE_STEPS if options.steps is None else options.steps
    checked(classifier, pixels, epsilon, method)
    alpha = 1.0 if method == "bim" else 2.5 * epsilon / max(1, kurakin_steps(epsilon))
    walk = Walk(classifier, pixels, epsilon, "l2" if method == "pgd_l2" else "linf", alpha, steps, targeted=True)
    found = reach(classifier, walk, classifier.index(options.to), options.confidence)
    enough = found.probability >= options.confidence
    tell(
        f"{options.to}: probability {found.probability:.6f} after {found.steps} steps"
        + ("" if enough else f", short of {options.confidence}; a larger --epsilon or more --steps go further")
    )
    return found.pixels, f"{TITLES[method]}, ε = {epsilon:.3g}, {found.steps} steps"
