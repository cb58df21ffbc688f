"""numcam attack: change the answer without changing the picture."""

import argparse

import numpy as np
from PIL import Image

from numcam.attack import ATTACKS, Walk, deepfool, kurakin_steps, reach, rms, rounded, smallest_epsilon
from numcam.attack.given import HALF, checked
from numcam.cli.common import add_model, add_photos, classifier_of, command, output, picture, ranking
from numcam.errors import InputError, did_you_mean
from numcam.figures import save
from numcam.figures.attacked import attacked_figure
from numcam.files import check_writable, replacing
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

EXAMPLES = """  numcam attack photo.png --epsilon 2                leave the predicted class
  numcam attack photo.png --epsilon 4 --to dog       be taken for a dog
  numcam attack photo.png --to dog --confidence 0.9999   and for nothing else
  numcam attack photo.png --method pgd --epsilon 1   forty small steps instead of one
  numcam attack photo.png --method bim --smallest    how little is enough?
  numcam attack photo.png --label cat -o out         leave "cat", into the folder out (which is there)

epsilon is in grey levels of 255: the most that any value moves; for pgd-l2 the root mean square of all the moves."""
TITLES = {"fgsm": "FGSM", "bim": "BIM", "pgd": "PGD", "pgd_l2": "PGD in L2", "deepfool": "DeepFool"}
SURE_STEPS = 200
"""Steps that --confidence takes at most."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "attack", EXAMPLES)
    add_photos(parser, many=False)
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
    add_model(parser)
    parser.add_argument("-o", "--out", metavar="FOLDER|FILE.png", help="where to (current folder)")
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
    """Attack the picture; print the answer before, after, and after rounding; write the picture and a figure."""
    method = _method(options)
    classifier = classifier_of(options)
    image = picture(options.photo, options.white)
    path = output(options.out, [options.photo], options.photo, "adversarial", beside="-figure")
    figure_path = path.with_name(f"{path.stem}-figure.png")
    check_writable(figure_path)
    pixels = classifier.to_pixels(image)
    attacked, how = _attacked(options, method, classifier, pixels)
    whole = rounded(attacked).astype(np.uint8)[0].transpose(1, 2, 0)
    print(f"before                      {ranking(classifier.predict(image, top=3))}")
    print(f"after                       {ranking(classifier.predict(attacked[0].transpose(1, 2, 0), top=3))}")
    print(f"rounded to whole grey levels  {ranking(classifier.predict(whole, top=3))}")
    change = rounded(attacked) - pixels
    print(f"change: at most {np.abs(change).max():.2f} of 255, root mean square {rms(change).item():.2f}")
    with replacing(path) as part:
        Image.fromarray(whole).save(part, format="PNG")
    save(attacked_figure(classifier, pixels, whole, how), figure_path)
    print(f"wrote {path} ({whole.shape[1]}x{whole.shape[0]}, as the network takes it)\nwrote {figure_path}")
    return 0


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


def _attacked(options: argparse.Namespace, method: str, classifier: Classifier, pixels: Array) -> tuple[Array, str]:
    """The attacked pixels, and the attack's name and size for a title."""
    label, targeted = (options.label, False) if options.to is None else (options.to, True)
    given = {name: value for name in ("steps", "seed") if (value := getattr(options, name)) is not None}
    if method == "deepfool":
        moved = deepfool(classifier, pixels, label, **given)
        return moved, f"DeepFool, root mean square {rms(moved - pixels).item():.2g}"
    epsilon = options.epsilon
    if options.confidence is not None:
        return _sure(options, method, classifier, pixels, 8.0 if epsilon is None else epsilon)
    if options.smallest:
        epsilon = float(smallest_epsilon(classifier, pixels, ATTACKS[method], label, targeted, whole=True, **given)[0])
        if not np.isfinite(epsilon):
            raise InputError(
                f"{TITLES[method]} does not change the answer with any epsilon up to 64; try another --method, "
                "or more --steps"
            )
        print(f"smallest epsilon that changes the answer, rounded to whole grey levels: {epsilon:.2f}")
    epsilon = 2.0 if epsilon is None else epsilon
    moved = ATTACKS[method](classifier, pixels, label, epsilon=epsilon, targeted=targeted, **given)
    return moved, f"{TITLES[method]}, ε = {epsilon:.3g}"


def _sure(
    options: argparse.Namespace, method: str, classifier: Classifier, pixels: Array, epsilon: float
) -> tuple[Array, str]:
    steps = SURE_STEPS if options.steps is None else options.steps
    checked(classifier, pixels, epsilon, method)
    alpha = 1.0 if method == "bim" else 2.5 * epsilon / max(1, kurakin_steps(epsilon))
    walk = Walk(classifier, pixels, epsilon, "l2" if method == "pgd_l2" else "linf", alpha, steps, targeted=True)
    found = reach(classifier, walk, classifier.index(options.to), options.confidence)
    enough = found.probability >= options.confidence
    print(
        f"{options.to}: probability {found.probability:.6f} after {found.steps} steps"
        + ("" if enough else f", short of {options.confidence}; a larger --epsilon or more --steps go further")
    )
    return found.pixels, f"{TITLES[method]}, ε = {epsilon:.3g}, {found.steps} steps"
