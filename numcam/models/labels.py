"""Class names: finding the one that is meant, and reading a list of them from a file."""

import json
import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from numcam.errors import InputError, did_you_mean
from numcam.models.imagenet import NAMES, SYNONYMS, SYNSETS

MOST_BYTES = 4 << 20


def find(wanted: str, classes: Sequence[str], of: str = "this network") -> int:
    """The index of the class that is meant by a name in any case, a synset ("n02123045"), or a part of a name.

    For ImageNet's classes the other words of their synsets count as names too. InputError with candidates where
    several could be meant, and with the nearest names where none is.
    """
    text = " ".join(wanted.lower().split())
    known = tuple(classes) == NAMES
    words = [
        [name.lower(), *(w.lower() for w in SYNONYMS[i])] if known else [name.lower()] for i, name in enumerate(classes)
    ]
    tests: list[Callable[[int], bool]] = [
        lambda i: known and SYNSETS[i] == text,
        lambda i: text in words[i],
        lambda i: bool(text) and any(_has_words(name, text) for name in words[i]),
    ]
    for test in tests:
        found = [i for i in range(len(classes)) if test(i)]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"{wanted!r} could be {_listed(found, classes)}; give the whole name, or the number")
    raise InputError(f"no class {wanted!r} in {of}; {did_you_mean(wanted, classes)}")


def is_name(text: str) -> bool:
    """Whether it is one line of text, with nothing in it that a terminal would obey."""
    return not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text)


def number(text: str) -> int | None:
    """The whole number that the text is, or None; signs and digits alone, and no more than 18 of them."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()) else None


def _has_words(name: str, text: str) -> bool:
    """Whether all words of the text are words of the name."""
    return set(re.findall(r"\w+", text)) <= set(re.findall(r"\w+", name))


def _listed(found: list[int], classes: Sequence[str], most: int = 10) -> str:
    shown = ", ".join(f"{classes[i]} ({i})" for i in found[:most])
    return shown if len(found) <= most else f"{shown} or {len(found) - most} more"


def read_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Class names in index order: a text file with a name on each line, or JSON.

    JSON may be a list of names, {"0": "name", ...} or Keras's {"0": ["n01440764", "tench"], ...}. InputError for
    anything else, or for a file that cannot be read.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"class names {path}: {path.stat().st_size:,} bytes are no list of names")
        text = path.read_text(encoding="utf-8-sig")
        names = _from_json(json.loads(text)) if text.lstrip()[:1] in ("[", "{") else text.splitlines()
    except OSError as error:
        raise InputError(f"class names {path}: {error.strerror or error}; give a text or JSON file") from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"class names {path}: not a list of names ({str(error)[:80]}); expected one on each line"
        ) from None
    names = [" ".join(name.split()) for name in names]
    while names and not names[-1]:
        names.pop()
    if not all(is_name(name) for name in names):
        raise InputError(f"class names {path}: not all of it is plain text; expected one name on each line")
    if not names or not all(names):
        raise InputError(f"class names {path}: {'a line is empty' if names else 'no names'}; expected one on each line")
    return tuple(names)


def _from_json(given: object) -> list[str]:
    if isinstance(given, dict):
        keys = sorted(given, key=int)
        if [int(k) for k in keys] != list(range(len(keys))):
            raise ValueError("its numbers do not run from 0 without a gap")
        given = [given[k] for k in keys]
    names = (
        [item[-1] if isinstance(item, list) and item else item for item in given] if isinstance(given, list) else [0]
    )
    if not all(isinstance(name, str) for name in names):
        raise ValueError("not all of it is text")
    return [str(name) for name in names]
