"""The numcam command: picks the subcommand, and turns a user's mistake into one sentence and exit code 2."""

import argparse
import io
import sys
from collections.abc import Sequence

from numcam import __version__
from numcam.cli import (
    attack,
    bench,
    check,
    classify,
    compare,
    demo,
    evaluate,
    exercises,
    explain,
    ledger,
    trace,
    train,
    tutorials,
    weights,
)
from numcam.errors import InputError

COMMANDS = (
    demo,
    explain,
    compare,
    ledger,
    classify,
    attack,
    trace,
    evaluate,
    check,
    exercises,
    tutorials,
    train,
    weights,
    bench,
)
EXAMPLES = """examples:
  numcam                                    explain a bundled picture, write figure-1.png and figure-2.png
  numcam explain photo.jpg --class cat      where in the photo is a cat?
  numcam attack photo.jpg --epsilon 2       change the answer, not the picture
  numcam trace photo.jpg                    the network, layer by layer
  numcam weights list                       VGG16 and its family, for photographs

numcam COMMAND --help tells more about each."""


class Parser(argparse.ArgumentParser):
    """argparse, with its complaint as one sentence and a pointer to the help."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 2 for the user's mistake, 130 for Ctrl-C."""
    _print_what_cannot_be_encoded_as_escapes()
    parser = Parser(
        prog="numcam",
        description="See where a network looks: VGG16, Grad-CAM, guided Grad-CAM and FGSM in plain NumPy.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"numcam {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS:
        command.add_parser(subparsers)
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        options = parser.parse_args(["demo"])
    try:
        return int(options.run(options))
    except InputError as error:
        print(f"numcam: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output, such as head, has left: no reason for a traceback
        return 0
    except OSError as error:  # what the file system refuses: a name too long, a full disk
        name = str(error.filename or "cannot write the output")[:80]
        print(f"numcam: {name}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("numcam: stopped", file=sys.stderr)
        return 130


def _print_what_cannot_be_encoded_as_escapes() -> None:
    """File names need not be text, and a terminal may lack letters that a class name has: no reason to stop."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
