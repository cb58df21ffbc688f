"""Files out: where each picture's result goes, decided and checked before the work begins."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from numcam.errors import InputError
from numcam.explain.export import SUFFIXES as NUMBERS
from numcam.figures.panels import SUFFIXES as FIGURES
from numcam.files import check_writable
from numcam.front.pictures import LOSSLESS, PICTURES

LONGEST = 80
"""Letters of a file's name that say what was asked."""


def destinations(
    out: str | None,
    photos: Sequence[str],
    name: str,
    kinds: Sequence[str] = FIGURES,
    beside: Sequence[str] = (),
    format: str | None = None,
    needed: Mapping[str, str | None] | None = None,
) -> dict[str, Path]:
    """Where the result of each picture goes: `out` itself if it ends as a file of `kinds` does, else into the folder
    `out`, which is made, under the picture's name and `name`.

    beside: what further files beside it are called after its stem. format: the kind of files in a folder. needed: files
    that must stay what they are, by what they are. InputError where nothing can be written, where several pictures
    would go by one name, or where something needed would be overwritten.
    """
    folder, suffix = Path(out or "."), Path(out or ".").suffix.lower()
    if out == "":
        raise InputError("the name to write to is empty; give -o a folder or a file")
    if format is not None and f".{format}" not in kinds:
        raise InputError(f"--format is one of {', '.join(kind[1:] for kind in kinds)}; got {format!r}")
    to_file = suffix in kinds and not folder.is_dir() and not str(out).endswith(("/", "\\"))
    if to_file:
        if len(photos) > 1:
            raise InputError(f"{len(photos)} pictures cannot all be written to {out}; give -o a folder")
        if format is not None and f".{format}" != suffix:
            raise InputError(f"-o {out} says what to write already; leave out --format {format}")
        found = {photos[0]: folder}
    else:
        if suffix and suffix[1:].isalpha() and not folder.is_dir() and not str(out).endswith(("/", "\\")):
            raise InputError(f"{out} ends in none of {', '.join(kinds)}; for a folder of that name, give {out}/")
        make_folder(folder)
        end = f".{format or kinds[0][1:]}"
        found = {photo: folder / f"{stem}-{name}{end}" for photo, stem in stems(photos).items()}
    keep = {one: "the picture itself" if len(photos) == 1 else "one of the pictures" for one in photos if one != "-"}
    keep |= {one: what for what, one in (needed or {}).items() if one}
    files = [file for path in found.values() for file in (path, *(path.with_name(path.stem + b) for b in beside))]
    _check(files, keep)
    return found


def stems(photos: Sequence[str]) -> dict[str, str]:
    """What the files of each picture are called first: its name, and where two have one name its ending or folder."""
    plain = {one: "picture" if one == "-" else Path(one).stem for one in photos}
    kinds = {one: stem + Path(one).suffix.replace(".", "-") for one, stem in plain.items()}
    whole = {one: re.sub(r"[^\w.+-]+", "-", str(Path(one).with_suffix(""))).strip("-.") for one in photos}
    last = {one: f"{whole[one]}-{sha256(one.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}" for one in photos}
    names = plain
    for other in (kinds, whole, last):
        count = Counter(name.lower() for name in names.values())  # some file systems do not tell A from a
        names = {one: other[one] if count[name.lower()] > 1 else name for one, name in names.items()}
    return names


def words(parts: Sequence[str]) -> str:
    """What was asked, as part of a file's name."""
    text = "-".join(re.sub(r"[^\w.+]+", "_", part).strip("_.") for part in parts if part)
    if len(text.encode()) <= LONGEST:
        return text
    return text[:40] + "-" + sha256("-".join(parts).encode()).hexdigest()[:8]


def make_folder(folder: Path) -> None:
    """The folder, made where it is not there. InputError where it cannot be."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give -o the name of one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}; choose another with -o") from None


def _check(files: Sequence[Path], needed: Mapping[str, str]) -> None:
    kept = {(os.stat(name).st_dev, os.stat(name).st_ino): what for name, what in needed.items() if Path(name).exists()}
    for file in files:
        if file.exists() and (what := kept.get((file.stat().st_dev, file.stat().st_ino))):
            raise InputError(f"{file} is {what}; choose another name with -o")
    for folder in dict.fromkeys(file.parent for file in files):
        check_writable(next(file for file in files if file.parent == folder))
    for file in files:
        if file.is_dir():
            raise InputError(f"cannot write {file}: it is a folder; add a file name")


__all__ = ["FIGURES", "LOSSLESS", "NUMBERS", "PICTURES", "destinations", "stems", "words"]
