"""The numcam command: picks the subcommand, and turns a user's mistake into one sentence and exit code 2."""

import argparse
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from numcam import __version__
from numcam.cli.commands import COMMANDS
from numcam.errors import InputError

EXAMPLES = """examples:
  numcam                                    explain a bundled picture, write figure-1.png and figure-2.png
  numcam explain photo.jpg --class cat      where in the photo is a cat?
  numcam attack photo.jpg --epsilon 2       change the answer, not the picture
  numcam trace photo.jpg                    the network, layer by layer
  numcam weights list                       VGG16 and its family, for photographs

numcam COMMAND --help tells more about each."""


class Parser(argparse.ArgumentParser):
    """argparse, with its complaint as one sentence and a pointer to the help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})  # --layer is not short for --layers

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 2 for the user's mistake, 130 for Ctrl-C."""
    _make_streams_safe()
    try:
        try:
            return _answered(arguments)
        finally:
            sys.stdout.flush()  # here, and not as Python ends, when nobody can be told of a full disk
    except BrokenPipeError:  # the reader of our output, such as head, has left: no reason for a traceback
        _leave_the_rest_unsaid()
        return 0
    except OSError as error:
        _leave_the_rest_unsaid()
        print(f"numcam: cannot write the output: {error.strerror or error}", file=sys.stderr)
        return 2


def _answered(arguments: Sequence[str] | None) -> int:
    try:
        options = _parsed(sys.argv[1:] if arguments is None else arguments)
        return int(options.run(options))
    except InputError as error:
        print(f"numcam: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        raise
    except OSError as error:  # what the file system refuses: a name too long, a full disk
        name = str(error.filename or "cannot write the output")[:80]
        print(f"numcam: {name}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("numcam: stopped", file=sys.stderr)
        return 130


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="numcam",
        description="See where a network looks: VGG16, Grad-CAM, guided Grad-CAM and FGSM in plain NumPy.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"numcam {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", parser_class=Parser)
    if set(arguments) <= {"--"}:
        arguments = ["demo"]
    for name, help in COMMANDS.items():
        if name in arguments:  # what a command needs is imported only where it may be the one that is asked for
            import_module(f"numcam.cli.{name}").add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=help)
    return parser.parse_args(list(_joined(arguments)))


def _joined(arguments: Sequence[str]) -> Iterator[str]:
    """--preprocess and a value that begins with a minus as one word, for argparse takes such a value for an option."""
    rest = iter(arguments)
    for one in rest:
        value = next(rest, None) if one == "--preprocess" else None
        if value is not None and re.match(r"-[0-9.]", value):
            yield f"{one}={value}"
        else:
            yield from (one,) if value is None else (one, value)


def _make_streams_safe() -> None:
    """File names need not be text, a terminal may lack letters that a class name has, and a stream may be closed."""
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _leave_the_rest_unsaid() -> None:
    """What is still to be written to standard output goes nowhere: Python would try again as it ends, and complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
