"""Findings on disk: .npz, .h5 or .json, with where every number came from, or .npy or .csv, the numbers alone."""

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from numcam.errors import InputError
from numcam.explain.finding import Finding
from numcam.files import replacing
from numcam.nn import Network
from numcam.nn.types import Array

SUFFIXES = (".npz", ".h5", ".json", ".npy", ".csv")


def digest(network: Network) -> str:
    """The SHA-256 of all parameters, name by name in sorted order, whatever file they came in."""
    total = hashlib.sha256()
    for name, a in sorted(network.parameters.items()):
        total.update(f"{name} {a.dtype.str} {a.shape}".encode())
        total.update(np.ascontiguousarray(a).tobytes())
    return f"sha256:{total.hexdigest()}"


def entry(finding: Finding, **more: Any) -> dict[str, Any]:
    """A finding's fields by name, and `more` beside them; None is left out."""
    values = {field.name: getattr(finding, field.name) for field in fields(finding)} | more
    return {name: value for name, value in values.items() if value is not None}


def write(path: Path, entries: Sequence[Mapping[str, Any]], provenance: Mapping[str, Any]) -> None:
    """All entries and the provenance into one file, whole or not at all; the suffix says the format.

    .npz: arrays "0/values", "0/signed", …, and one string "provenance", JSON, in which "findings" has the rest. .h5:
    groups "0", … with data sets and attributes, the provenance as attributes of the file. .json: everything as text.
    .npy: the values alone, (entries, ...) where there are several, all of one shape. .csv: a line for each value, with
    its class, method, layer, and place.
    InputError for another suffix, or a place that cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"findings are written as {', '.join(SUFFIXES)}; got {path.name!r}")
    with replacing(path) as part:
        WRITERS[suffix](part, entries, provenance)


def _json(part: Path, entries: Sequence[Mapping[str, Any]], provenance: Mapping[str, Any]) -> None:
    text = json.dumps({**provenance, "findings": list(entries)}, default=_plain, ensure_ascii=False)
    part.write_text(text + "\n", encoding="utf-8")


def _npz(part: Path, entries: Sequence[Mapping[str, Any]], provenance: Mapping[str, Any]) -> None:
    rest = [{name: v for name, v in one.items() if not isinstance(v, np.ndarray)} for one in entries]
    text = json.dumps({**provenance, "findings": rest}, default=_plain, ensure_ascii=False)
    with part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, provenance=np.array(text), **_arrays(entries))


def _h5(part: Path, entries: Sequence[Mapping[str, Any]], provenance: Mapping[str, Any]) -> None:
    import h5py

    with h5py.File(part, "w") as file:
        file.attrs.update({name: _attribute(value) for name, value in provenance.items()})
        for i, one in enumerate(entries):
            group = file.create_group(str(i))
            for name, value in one.items():
                if isinstance(value, np.ndarray):
                    group[name] = value
                else:
                    group.attrs[name] = _attribute(value)


def _npy(part: Path, entries: Sequence[Mapping[str, Any]], provenance: Mapping[str, Any]) -> None:
    values = [one["values"] for one in entries]
    if len({a.shape for a in values}) > 1:
        shapes = ", ".join(str(a.shape) for a in values)
        raise InputError(f".npy holds one array, and these are of shapes {shapes}; write .npz, which holds all")
    with part.open("wb") as file:
        np.save(file, values[0] if len(values) == 1 else np.stack(values), allow_pickle=False)


def _csv(part: Path, entries: Sequence[Mapping[str, Any]], provenance: Mapping[str, Any]) -> None:
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["class", "method", "layer", "channel", "row", "column", "value"])
        for one in entries:
            values = np.asarray(one["values"])
            head = [one.get("name", ""), one["method"], one.get("layer", "")]
            for (channel, row, column), value in np.ndenumerate(values if values.ndim == 3 else values[None]):
                table.writerow([*head, channel if values.ndim == 3 else "", row, column, repr(float(value))])


WRITERS = {".json": _json, ".npz": _npz, ".h5": _h5, ".npy": _npy, ".csv": _csv}


def _arrays(entries: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    return {f"{i}/{name}": v for i, one in enumerate(entries) for name, v in one.items() if isinstance(v, np.ndarray)}


def _attribute(value: Any) -> Any:
    """What HDF5 takes as an attribute: text, numbers, and lists of them; anything else as JSON."""
    simple = isinstance(value, str | int | float | np.generic)
    return value if simple else json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
