"""numcam explain: where in a picture the evidence for a class is."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numcam.cli.asked import Asked, asked, called, is_every
from numcam.cli.atlas import draw_atlas
from numcam.cli.common import add_class, add_format, add_model, add_photos, classifier_of, command, ranking, tell
from numcam.cli.findings import answers, chosen_methods, layers_asked, methods_called
from numcam.cli.outputs import FIGURES, NUMBERS, PICTURES, destinations, words
from numcam.cli.pictures import Pictures
from numcam.errors import InputError
from numcam.explain import METHODS, TITLES
from numcam.explain.export import entry, write
from numcam.explain.picture import picture_remarks
from numcam.figures import save
from numcam.figures.findings import ClassFindings, findings_figure
from numcam.front.explaining import Explained, answer
from numcam.front.pictures import write_picture
from numcam.front.provenance import provenance
from numcam.models.classifier import Classifier
from numcam.nn import Trace
from numcam.nn.types import Array

EXAMPLES = """  numcam explain photo.jpg                             Grad-CAM of the likeliest class
  numcam explain photo.jpg --class cat --method all    every method, for "cat"
  numcam explain photo.jpg --class cat,dog             two classes, a row of the figure for each
  numcam explain photo.jpg --class top3 -o maps        the three likeliest, into the folder maps
  numcam explain holiday -o maps --format jpg          every picture in the folder holiday
  numcam explain photo.jpg --class all                 every class's map, from one forward pass
  numcam explain photo.jpg --overlay                   the map over the photo at its own size, and nothing else
  numcam explain photo.jpg --layer relu4_3             at a finer layer
  numcam explain photo.jpg --layer relu4_3,relu5_3     two layers in one map
  numcam explain photo.jpg --counterfactual            what speaks against the class
  numcam explain photo.jpg -o maps.npz                 the numbers, with where they came from
  numcam explain photo.jpg --model vgg16 --class tabby   with VGG16, fetched if it is not here"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "explain", EXAMPLES)
    add_photos(parser)
    add_class(parser, "class (default: the likeliest); several with commas, or again", every=True)
    parser.add_argument("--layer", metavar="LAYER,…", help="of the class activation maps (default: relu5_3)")
    names = f"{', '.join(METHODS)}; cam; or cams, pixels, all, or several with commas"
    parser.add_argument("--method", default="grad_cam", metavar="METHOD,…", help=names)
    parser.add_argument("--counterfactual", action="store_true", help="short for --method counterfactual_grad_cam")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of SmoothGrad and RISE (%(default)s)")
    parser.add_argument("--overlay", action="store_true", help="the map over the photo at its own size, nothing else")
    add_model(parser)
    parser.add_argument("-o", "--out", metavar="FOLDER|FILE", help="a figure, or .npz, .h5, .json, .npy, .csv: numbers")
    add_format(parser, (*FIGURES, *NUMBERS))
    parser.set_defaults(run=explain)


def explain(options: argparse.Namespace) -> int:
    """Explain each picture, print what was found, write a figure or the numbers."""
    every = is_every(options.wanted)
    methods = chosen_methods(options, every)
    pictures = Pictures(options.photos, options.white)
    classifier = classifier_of(options)
    paths = _paths(options, classifier, methods, pictures.names, every)
    for photo, image in pictures:
        trace = classifier.forward(classifier.preprocess(image))
        tell(f"{photo} ({image.shape[1]}x{image.shape[0]}): {_seen(classifier, trace)}")
        seen = list(picture_remarks(classifier, trace))
        for sentence in seen:
            tell(f"  {sentence}")
        if every:
            draw_atlas(classifier, trace, image, photo, options, paths[photo])
            tell(f"  wrote {paths[photo]}")
        else:
            _explain(classifier, trace, image, photo, seen, methods, options, paths[photo])
    return pictures.finish()


def _paths(
    options: argparse.Namespace, classifier: Classifier, methods: Sequence[str], photos: Sequence[str], every: bool
) -> dict[str, Path]:
    """Where each picture's result goes; the name says what was asked, so that two answers never share a file."""
    if every and options.overlay:
        raise InputError("--overlay is of one class's map; leave out --class all")
    wanted = ["atlas"] if every else [*called(classifier, options.wanted), methods_called(options, methods)]
    name = words([*wanted, *layers_asked(classifier, options.layer), *["overlay"] * options.overlay])
    needed = {"the weights file itself": options.model, "its weights": options.weights}
    kinds = PICTURES if options.overlay else (*FIGURES, *NUMBERS)
    return destinations(options.out, photos, name, kinds, format=options.format, needed=needed)


def _seen(classifier: Classifier, trace: Trace) -> str:
    return ranking(classifier.ranked(trace, top=3)) if classifier.classes else f"{classifier.name} without a head"


def _explain(
    classifier: Classifier,
    trace: Trace,
    image: Array,
    photo: str,
    seen: Sequence[str],
    methods: Sequence[str],
    options: argparse.Namespace,
    path: Path,
) -> None:
    layers = layers_asked(classifier, options.layer)
    found: list[tuple[Asked, list[tuple[Explained, dict[str, Any]]]]] = []
    for one_asked in asked(classifier, trace, options.wanted):
        # What holds for the picture has been said; what holds for the class, and not for the method, is said once
        said = set(seen)
        of_class = []
        for finding, more in answers(trace, one_asked.target, methods, layers, options.seed):
            one = answer(classifier, trace, image, finding, one_asked.name, photo, [*seen, *more.pop("notes", [])])
            new = [sentence for sentence in one.remarks if sentence not in said]
            said.update(new)
            _print(one, new)
            of_class.append((one, more))
        found.append((one_asked, of_class))
    if options.overlay:
        _overlays([one for _, each in found for one, _ in each], path)
        return
    if path.suffix.lower() in NUMBERS:
        entries = [entry(f.finding, name=f.name, remarks=list(f.remarks), **m) for _, each in found for f, m in each]
        write(path, entries, provenance(classifier, image, photo, str(options.weights or options.model)))
    else:
        blocks = [ClassFindings(a.name, a.value, [f.finding for f, _ in each]) for a, each in found]
        save(findings_figure(classifier, image, blocks), path)
    tell(f"  wrote {path}")


def _print(one: Explained, said: Sequence[str]) -> None:
    where = f"maximum at row {one.at[0]}, column {one.at[1]}" if one.at else "blank"
    tell(f"  {one.name}, {TITLES[one.method]}: {where}")
    for sentence in said:
        tell(f"      {sentence}")


def _overlays(found: Sequence[Explained], path: Path) -> None:
    """One picture for each finding; of several, the name says which."""
    for one in found:
        more = f"-{words([one.name, one.method])}" if len(found) > 1 else ""
        place = path.with_name(f"{path.stem}{more}{path.suffix}")
        write_picture(one.overlay(), place)
        tell(f"  wrote {place}")
