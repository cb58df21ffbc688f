"""What several commands share: options, pictures in, files out."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numcam.cli.commands import COMMANDS
from numcam.errors import InputError
from numcam.loading import load
from numcam.models.classifier import Classifier
from numcam.models.labels import read_names
from numcam.nn.network import ENGINES
from numcam.nn.softmax import OUTPUTS


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


def add_photos(parser: argparse.ArgumentParser) -> None:
    """The PHOTO arguments."""
    text = "whatever Pillow opens, such as PNG and JPEG; - reads standard input; also patterns in quotes"
    parser.add_argument("--white", type=int, metavar="LEVEL", help="of greys of more than 8 bits (65535)")
    parser.add_argument("photos", nargs="+", metavar="PHOTO|FOLDER", help=text)


def add_class(parser: argparse.ArgumentParser, help: str, every: bool = False) -> None:
    """The --class option, which may be given several times."""
    names = "NAME|INDEX|topK" + "|all" * every
    parser.add_argument("--class", dest="wanted", action="append", default=[], metavar=names, help=help)


def add_format(parser: argparse.ArgumentParser, kinds: Sequence[str]) -> None:
    """The --format option."""
    names = ", ".join(kind[1:] for kind in kinds)
    parser.add_argument("--format", metavar="KIND", help=f"of the files in a folder: {names} (png)")


def tell(line: str) -> None:
    """A line of the results; a progress bar on the same terminal steps aside for it."""
    tqdm = sys.modules.get("tqdm")
    if tqdm and sys.stdout.isatty():
        tqdm.tqdm.write(line, file=sys.stdout)
    else:
        print(line, flush=True)


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
    parser.add_argument("--layers", metavar="WORDS", help='of a file of tensors: "conv1 relu pool flatten fc1"')
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
        "layers": options.layers,
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


def percent(probability: float) -> str:
    """A probability as text, seven wide."""
    return f"{100 * probability:5.1f} %"


def ranking(predictions: Sequence[tuple[int, str, float]]) -> str:
    """Predictions in one line."""
    return ", ".join(f"{name} {100 * p:.1f} %" for _, name, p in predictions)
