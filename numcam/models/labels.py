"""Class names: finding the one that is meant, and reading a list of them from a file."""

import codecs
import csv
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
    """Class names in index order: a text file with a name on each line, JSON, or CSV of indices and names.

    JSON and CSV as in `names_in`; a text in UTF-8, in UTF-16 with its mark, or else in Windows' Western encoding.
    InputError for anything else, or for a file that cannot be read.
    """
    if not os.fspath(path):
        raise InputError("class names: the name of the file is empty; give a text or JSON file")
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"class names {path}: {path.stat().st_size:,} bytes are no list of names")
        text = _decoded(path.read_bytes())
        if text.lstrip()[:1] in ("[", "{"):
            return names_in(json.loads(text))
        return names_in(_from_csv(text) or text.splitlines())
    except OSError as error:
        raise InputError(f"class names {path}: {error.strerror or error}; give a text or JSON file") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"class names {path}: not a list of names, for line {error.lineno} is no JSON; expected {EXPECTED}"
        ) from None
    except UnicodeError:
        raise InputError(f"class names {path}: not a list of names, for it is no text; expected {EXPECTED}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"class names {path}: not a list of names, for {str(error)[:200]}; expected {EXPECTED}"
        ) from None


EXPECTED = "a name on each line, or JSON"


def names_in(given: object) -> tuple[str, ...]:
    """Class names in index order from what people keep them in. ValueError, in words, for anything else.

    A list of names or numbers; a mapping either way round, {"cat": 0} or {0: "cat"} or {"0": "cat"}; Keras's
    {"0": ["n02123045", "tabby"]}; a configuration with one of these under id2label, label2id or class_to_idx.
    """
    if isinstance(given, str | bytes):
        raise ValueError(f"{str(given)[:40]!r} is one text, and no list of names")
    if isinstance(given, Mapping):
        for key in ("id2label", "label2id", "class_to_idx", "idx_to_class", "classes", "class_names"):
            if isinstance(given.get(key), Mapping | list):
                return names_in(given[key])
        given = _by_index(list(given.items()))
    elif not isinstance(given, Iterable):
        raise ValueError(f"{type(given).__name__} is no list of names")
    names = [" ".join(_name(item).split()) for item in given]
    while names and not names[-1]:
        names.pop()
    if not names or not all(names):
        raise ValueError("a line is empty" if names else "there are no names")
    if not all(is_name(name) for name in names):
        raise ValueError("not all of it is plain text")
    return tuple(names)


def _name(item: object) -> str:
    """A name, a number as one, or the last of [synset, name]."""
    last = item[-1] if isinstance(item, list | tuple) and item else item
    if isinstance(last, str):
        return last
    if isinstance(item, int | np.integer) and not isinstance(item, bool):
        return str(item)
    raise ValueError(f"not all of it is text: there is {str(last)[:40]!r}")


def _by_index(given: Sequence[tuple[Any, Any]]) -> list[Any]:
    """The names of pairs with an index in front, or else behind, in order."""
    pairs = [(_index(key), value) for key, value in given]
    if any(index is None for index, _ in pairs):
        pairs = [(_index(value), key) for key, value in given]
    found: dict[int, Any] = {}
    for index, name in pairs:
        if index is None:
            raise ValueError("it maps neither indices to names nor names to indices")
        if index in found:
            raise ValueError(f"two names have the index {index}: {_name(found[index])} and {_name(name)}")
        found[index] = name
    if missing := [i for i in range(len(found)) if i not in found]:
        raise ValueError(f"no name has the index {missing[0]}, though there are {len(found)}")
    return [found[i] for i in range(len(found))]


def _index(value: object) -> int | None:
    if isinstance(value, str):
        return number(value)
    return int(value) if isinstance(value, int | np.integer) and not isinstance(value, bool) else None


def _decoded(data: bytes) -> str:
    """The text of a file: UTF-16 by its mark, UTF-8 if it is that, else what Windows calls ANSI."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return data.decode("utf-16")
    if b"\0" in data:
        raise ValueError("it is no text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def _from_csv(text: str) -> list[Any] | None:
    """Names of a table of two columns, one of them indices, with a head or without; None if it is none."""
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if len(rows) < 2 or not all(len(row) == 2 for row in rows):
        return None
    for column in (0, 1):
        body = rows if number(rows[0][column]) is not None else rows[1:]
        if all(number(row[column]) is not None for row in body):
            return _by_index([(row[column], row[1 - column]) for row in body])
    return None
