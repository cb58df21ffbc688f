"""Pictures in: files, folders and patterns, one at a time; what cannot be read is told at the end."""

import glob
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from numcam.cli.common import tell
from numcam.errors import InputError
from numcam.images import NoPicture, is_figure, read_image, suffixes
from numcam.nn.types import Array

ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://|data:")
SHOWN = 5
"""Files without a picture that are named; the others are counted."""


def picture(photo: str, white: int | None = None) -> Array:
    """The picture, uint8 (rows, cols, 3); "-" is standard input, white as in `read_image`."""
    check_name(photo)
    if photo != "-":
        return read_image(photo, white)
    data = sys.stdin.buffer.read() if sys.stdin else b""  # there is none where it was closed
    if not data:
        raise InputError("standard input is empty; send it a picture file, as in numcam explain - < photo.jpg")
    return read_image(io.BytesIO(data), white)


def check_name(photo: str) -> None:
    """InputError for what is no file's name."""
    if not photo:
        raise InputError("the name of the picture is empty; give a picture file, or - for standard input")
    if ADDRESS.match(photo) and not Path(photo).exists():
        raise InputError(
            f"{photo[:200]} is an address, and numcam fetches no pictures; download it first, and give the file"
        )


class Pictures:
    """The pictures that a command is given: .names, in order, each once; iterating reads one after the other.

    Files in a folder, or found by a pattern that the shell has left alone, that hold no picture are passed over, as
    are hidden ones and numcam's own figures. What else cannot be read does not stop the others; `finish` tells it.
    A single picture that is named raises instead. InputError for a name that nothing answers to.
    """

    def __init__(self, given: Sequence[str], white: int | None = None) -> None:
        self.white = white
        found: dict[str, bool] = {}  # whether it was looked for, and not named
        for one in given:
            check_name(one)
            for name, sought in _found(one):
                found[name] = found.get(name, True) and sought
        self._sought = {name for name, sought in found.items() if sought}
        self._passed = [name for name in found if name in self._sought and is_figure(name)]
        self.names = [name for name in found if name not in self._passed]
        if not self.names:
            raise InputError(f"{given[0]} holds figures of numcam's own alone; give the pictures that they are of")
        self._alone = len(self.names) == 1 and not self._sought
        self._wrong: list[str] = []
        self._read = 0

    def __iter__(self) -> Iterator[tuple[str, Array]]:
        for name in self.names if len(self.names) == 1 else _with_bar(self.names):
            image = self._one(name)
            if image is not None:
                self._read += 1
                yield name, image

    def _one(self, name: str) -> Array | None:
        try:
            return picture(name, self.white)
        except InputError as error:
            if self._alone:
                raise
            if isinstance(error, NoPicture) and name in self._sought and not _called_picture(name):
                self._passed.append(name)
            else:
                self._wrong.append(str(error))
        return None

    def announced(self) -> Iterator[tuple[str, Array]]:
        """As iterating, after a line with the picture's name where there are several."""
        for name, image in self:
            if len(self.names) > 1:
                tell(name)
            yield name, image

    def failed(self, sentence: str) -> None:
        """Keep what went wrong with a picture until the end."""
        self._wrong.append(sentence)

    def finish(self) -> int:
        """Tell what was not read; the exit code: 0, or 1 where something was asked for and could not be read."""
        if self._passed:
            more = f" and {len(self._passed) - SHOWN} more" if len(self._passed) > SHOWN else ""
            names = ", ".join(self._passed[:SHOWN]) + more
            print(f"numcam: passed over {names}: no pictures, or figures of numcam's own", file=sys.stderr)
        for sentence in self._wrong:
            print(f"numcam: {sentence}", file=sys.stderr)
        if not self._read:
            raise InputError(f"none of these {len(self.names)} files could be used")
        if self._wrong:
            print(f"numcam: {len(self._wrong)} of {len(self.names)} pictures were left out", file=sys.stderr)
        return 1 if self._wrong else 0


def _with_bar(names: Sequence[str]) -> Iterator[str]:
    from tqdm import tqdm  # here, for it takes as long to import as a small picture takes to be explained

    yield from tqdm(names, unit="picture", leave=False, delay=2, disable=None)


def _found(given: str) -> Iterator[tuple[str, bool]]:
    """The names that an argument stands for, and whether they were looked for."""
    path = Path(given)
    if given == "-" or path.is_file():
        yield given, False
    elif path.is_dir():
        names = [str(one) for one in sorted(path.iterdir()) if one.is_file() and not one.name.startswith(".")]
        if not any(map(_called_picture, names)):
            inside = next((one for one in sorted(path.iterdir()) if one.is_dir()), None)
            more = f"; for those in the folders in it, give {path / '*'} or {path / '**'}" if inside else ""
            if not names or inside:
                raise InputError(f"the folder {path} holds no picture{more or '; give one that does'}")
        yield from ((name, True) for name in names)
    elif glob.has_magic(given):
        names = sorted(name for name in glob.glob(given, recursive=True) if not Path(name).name.startswith("."))
        if not names:
            raise InputError(f"no file matches {given}; give a picture, a folder, or another pattern")
        files = [name for name in names if Path(name).is_file()]
        for folder in names if not files else []:
            yield from _found(folder)
        yield from ((name, True) for name in files)
    else:
        yield given, False


def _called_picture(name: str) -> bool:
    return Path(name).suffix.lower() in suffixes()
