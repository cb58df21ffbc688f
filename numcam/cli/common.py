"""What several commands share: options, pictures in, files out."""

import argparse
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numcam.cli.commands import COMMANDS
from numcam.errors import InputError
from numcam.files import check_writable
from numcam.images import read_image
from numcam.loading import load
from numcam.models.classifier import Classifier
from numcam.models.labels import read_names
from numcam.nn.network import ENGINES
from numcam.nn.softmax import OUTPUTS
from numcam.nn.types import Array


def command(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, examples: str
) -> argparse.ArgumentParser:
    """A subcommand with its one-line help and its examples."""
    help = COMMANDS[name]
    return subparsers.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_photos(parser: argparse.ArgumentParser, many: bool = True) -> None:
    """The PHOTO argument."""
    text = "PNG, JPEG, WebP, GIF, BMP or TIFF; - reads standard input"
    parser.add_argument("--white", type=int, metavar="LEVEL", help="of greys of more than 8 bits (65535)")
    if many:
        parser.add_argument("photos", nargs="+", metavar="PHOTO", help=text)
    else:
        parser.add_argument("photo", metavar="PHOTO", help=text)


def add_model(parser: argparse.ArgumentParser) -> None:
    """The --model and --weights options."""
    parser.add_argument(
        "--model", default="pocket", metavar="NAME|PATH", help="a network, or a weights file (%(default)s)"
    )
    parser.add_argument("--weights", metavar="PATH", help="weights of that network, or random")
    add_classes(parser)
    add_stated(parser)
    parser.add_argument("--engine", choices=ENGINES, default="fast", help="how to compute (%(default)s)")


def add_classes(parser: argparse.ArgumentParser) -> None:
    """The --classes option."""
    parser.add_argument("--classes", metavar="FILE", help="class names, one on each line or JSON, for weights without")


def add_stated(parser: argparse.ArgumentParser) -> None:
    """The options that say what a weights file may not say."""
    parser.add_argument(
        "--preprocess",
        metavar="NAME|MEAN/SCALE",
        help="of pixels, before the file's own: torchvision, caffe, 0-1, -1-1, 0-255, or six numbers",
    )
    parser.add_argument("--input-size", metavar="N|ROWSxCOLS", help="what pictures are brought to")
    parser.add_argument("--checkpoint-key", metavar="KEY", help="which state_dict, where a checkpoint has several")
    parser.add_argument("--output", choices=OUTPUTS, help="what makes probabilities; sigmoid: of each class its own")


def stated(options: argparse.Namespace) -> dict[str, Any]:
    """What they say, as `load` takes it."""
    size = options.input_size
    if size is not None:
        sides = re.fullmatch(r"([0-9]{1,9})(?:[xX×]([0-9]{1,9}))?", size.strip())
        if not sides:
            raise InputError(f"--input-size is one number or ROWSxCOLS, such as 224 or 240x320; got {size!r}")
        size = (int(sides[1]), int(sides[2] or sides[1]))
    return {
        "preprocess": options.preprocess,
        "input_size": size,
        "output": options.output,
        "checkpoint_key": options.checkpoint_key,
    }


def place(text: str) -> Path:
    """The path that an option names; an empty one, as of a variable that is not set, is not the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return Path(text)


def classes_of(options: argparse.Namespace) -> tuple[str, ...] | None:
    """The class names that --classes gives, if any."""
    return None if options.classes is None else read_names(options.classes)


def classifier_of(options: argparse.Namespace) -> Classifier:
    """The classifier that --model and --weights name."""
    classifier = load(options.model, options.weights, classes_of(options), **stated(options))
    classifier.engine = options.engine
    return classifier


def picture(photo: str, white: int | None = None) -> Array:
    """The picture, uint8 (rows, cols, 3); white as in `read_image`."""
    if not photo:
        raise InputError("the name of the picture is empty; give a picture file, or - for standard input")
    if photo != "-":
        return read_image(photo, white)
    data = sys.stdin.buffer.read() if sys.stdin else b""  # there is none where it was closed
    if not data:
        raise InputError("standard input is empty; send it a picture file, as in numcam explain - < photo.jpg")
    return read_image(io.BytesIO(data), white)


def stem(photo: str) -> str:
    """What output files of this picture are called first."""
    return "picture" if photo == "-" else Path(photo).stem


def output(out: str | None, photos: Sequence[str], photo: str, name: str, beside: str = "") -> Path:
    """Where a result goes: `out` itself if it ends in .png, else into the folder `out`, named after the picture.

    beside: the end of the name of a second file, written next to it. Checked at once, before the work: InputError
    where nothing can be written, where two pictures would go by one name, or where one of them would be overwritten.
    """
    if out is not None and Path(out).suffix.lower() == ".png":
        if len(photos) > 1:
            raise InputError(f"{len(photos)} pictures cannot all be written to {out}; give -o a folder")
        path = Path(out)
    else:
        folder = Path(out or ".")
        if not folder.is_dir():
            problem = "is not a folder; give one" if folder.exists() else "does not exist; make it first"
            raise InputError(f"output folder {folder} {problem}, or give a name that ends in .png")
        path = folder / f"{stem(photo)}-{name}.png"
        same = [one for one in photos if stem(one) == stem(photo)]
        if len(same) > 1:
            raise InputError(f"{' and '.join(same)} would both be written to {path}; explain them one at a time")
    for file in (path, path.with_name(f"{path.stem}{beside}.png")):
        for one in photos:
            if one != "-" and file.exists() and Path(one).exists() and file.samefile(one):
                which = "the picture itself" if one == photo else "one of the pictures"
                raise InputError(f"{file} is {which}; choose another name with -o")
        check_writable(file)
    return path


def percent(probability: float) -> str:
    """A probability as text, seven wide."""
    return f"{100 * probability:5.1f} %"


def ranking(predictions: Sequence[tuple[int, str, float]]) -> str:
    """Predictions in one line."""
    return ", ".join(f"{name} {100 * p:.1f} %" for _, name, p in predictions)
