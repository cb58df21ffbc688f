"""The configuration of a whole Keras model: JSON that says which layers it has and how they are joined to a chain.

A .keras file has it as config.json, an .h5 as the attribute model_config. Layers stand in Sequential models, in
functional ones with the names of the layers that each takes its input from, and models stand in models.
"""

import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import h5py

from numcam.formats.checkpoint import Refused

MOST_TEXT = 8 << 20
MODELS = ("Sequential", "Functional", "Model")
HEAP = b"GCOL"
ATTRIBUTE = 12
"""The type of a message that is an attribute; of one that was deleted it is another."""

NEAR = 1 << 20
"""Keras writes the configuration before anything else."""


@dataclass(frozen=True)
class KerasLayer:
    """A layer as the configuration has it. models: the names of the models that it stands in, the outermost first;
    group: where a .keras file keeps its arrays; call: what it is called with besides its input."""

    name: str
    kind: str
    config: Mapping[str, Any]
    models: tuple[str, ...]
    group: str
    call: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Its name and class, for a sentence."""
        return f"its layer {self.name!r} is a {self.kind}"


def parsed(text: bytes | str) -> Mapping[str, Any]:
    """The configuration from its JSON."""
    if len(text) > MOST_TEXT:
        raise Refused(f"its configuration has {len(text):,} characters; expected a description of layers")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("its configuration is no JSON; the file is damaged") from None
    if not isinstance(config, dict):
        raise Refused("its configuration is no description of a model; the file is damaged")
    return config


def in_attribute(file: h5py.File, path: Path) -> Mapping[str, Any] | None:
    """The configuration in an HDF5 file's attribute model_config; None if it has none."""
    if "model_config" not in file.attrs:
        return None
    kind = file.attrs.get_id("model_config")
    if kind.dtype.kind == "S" and kind.shape == () and kind.dtype.itemsize <= MOST_TEXT:
        return parsed(bytes(file.attrs["model_config"]))
    if h5py.check_string_dtype(kind.dtype) is None or kind.shape != ():
        raise Refused("its attribute model_config is no text; the file is damaged")
    with path.open("rb") as raw, mmap(raw.fileno(), 0, access=ACCESS_READ) as data:
        return parsed(_text_of(data, b"model_config"))


def _text_of(data: mmap, name: bytes) -> bytes:
    """An attribute's text of variable length, which lies on a heap (file format specification, sections IV.A.2.m and
    III.E). Read here, because a damaged heap takes the library down."""
    places = list(_attribute_data(data, name + b"\0", NEAR)) or list(_attribute_data(data, name + b"\0", len(data)))
    if len(places) != 1:
        raise Refused(f"its attribute {name.decode()} cannot be read; save the model again, as .keras")
    length, address, index = struct.unpack_from("<IQI", data, places[0])
    if data[address : address + 4] != HEAP or length > MOST_TEXT:
        raise Refused(f"its attribute {name.decode()} points to no text; the file is damaged")
    end = min(address + int.from_bytes(data[address + 8 : address + 16], "little"), len(data))
    here = address + 16
    while here + 16 <= end:
        number, size = struct.unpack_from("<H6xQ", data, here)
        if number == index and length <= size <= end - here - 16:
            return data[here + 16 : here + 16 + length]
        if number == 0:
            break
        here += 16 + -(-size // 8) * 8
    raise Refused(f"its attribute {name.decode()} points to no text; the file is damaged")


def _attribute_data(data: mmap, name: bytes, stop: int) -> Iterator[int]:
    """Where the values of attributes of that name begin: 16 bytes for one text of variable length."""
    at = data.find(name, 0, stop)
    while at >= 0:
        for version, before, round in ((1, 8, 8), (3, 9, 1)):
            start = at - before
            if start < 8 or data[start] != version:
                continue
            sizes = struct.unpack_from("<HHH", data, start + 2)
            live = data[start - 8] == ATTRIBUTE if version == 1 else ATTRIBUTE in (data[start - 4], data[start - 6])
            value = at + sum(-(-size // round) * round for size in sizes)
            if live and sizes[0] == len(name) and value + 16 <= len(data):
                yield value
        at = data.find(name, at + 1, stop)


def layers_in_order(config: Mapping[str, Any]) -> list[KerasLayer]:
    """All layers from input to output, those of models within models in their place. Refused where it is no chain."""
    found = list(_model(config, (), "", {}, 0))
    if len(found) > 2000:
        raise Refused(f"it has {len(found):,} layers; expected a few dozen")
    return found


def _model(
    model: Mapping[str, Any], models: tuple[str, ...], group: str, called: Mapping[str, Any], depth: int
) -> Iterator[KerasLayer]:
    """called: what the model itself is called with, which holds for its layers where they are called with nothing."""
    if depth > 8:
        raise Refused("its models lie more than 8 deep in each other; expected one or two")
    content = model.get("config")
    listed = content if isinstance(content, list) else content.get("layers") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise Refused(
            f"it is a {_word(model.get('class_name'))}, a class of its own, whose layers only its program knows; "
            "save a Sequential or functional model"
        )
    groups = _groups(listed, group)
    order = list(enumerate(listed))
    if isinstance(content, dict) and "output_layers" in content:
        order = _functional(content, listed)
    for index, one in order:
        name, kind = _name(one), _word(one.get("class_name"))
        if kind in MODELS:
            inner = (*models, name)
            yield from _model(one, inner, groups[index], _called(called, one), depth + 1)
        else:
            settings = one.get("config")
            _known_maker(one, name, kind)
            config = settings if isinstance(settings, dict) else {}
            yield KerasLayer(name, kind, config, models, groups[index], _called(called, one))


def _known_maker(one: Mapping[str, Any], name: str, kind: str) -> None:
    """Refused for a class that somebody else wrote, though it may have the name of one of Keras's."""
    module, registered = one.get("module"), one.get("registered_name")
    own = isinstance(module, str) and not re.match(r"(tf_)?keras\b|tensorflow\b", module)
    if own or (isinstance(registered, str) and ">" in registered):
        raise Refused(
            f"its layer {name!r} is a {_word(registered or kind)}, a class of its own, which only its program knows"
        )


def _name(one: Mapping[str, Any]) -> str:
    settings = one.get("config")
    inner = settings.get("name") if isinstance(settings, dict) else None
    return _word(one.get("name") or inner or one.get("class_name"))


def _word(value: object) -> str:
    return value[:120] if isinstance(value, str) and value else "?"


def _groups(listed: list[Any], group: str) -> list[str]:
    """Where a .keras file keeps each layer: by its class, counted (saving_lib._save_container_state)."""
    counters: dict[str, Iterator[int]] = {}
    groups = []
    for one in listed:
        kind = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", _word(one["class_name"])))
        kind = re.sub(r"\W+", "", kind).lower()
        number = next(counters.setdefault(kind, count()))
        groups.append(f"{group}layers/{kind}_{number}/" if number else f"{group}layers/{kind}/")
    return groups


def _functional(content: Mapping[str, Any], listed: list[Any]) -> list[tuple[int, Any]]:
    """From the output back to the input, each layer by the one that it takes its input from."""
    by_name = {_name(one): (index, one) for index, one in enumerate(listed)}
    outputs, inputs = (_ends(content.get(key)) for key in ("output_layers", "input_layers"))
    for what, ends in (("outputs", outputs), ("inputs", inputs)):
        if len(ends) != 1:
            raise Refused(
                f"it has {len(ends)} {what} ({', '.join(ends)[:120]}); expected one picture in, an answer out"
            )
    order: list[tuple[int, Any]] = []
    name = outputs[0]
    while True:
        if name not in by_name or len(order) > len(listed):
            raise Refused(f"its layers are not joined to a chain at {name!r}; the file is damaged")
        index, one = by_name[name]
        order.append((index, one))
        if name == inputs[0]:
            return order[::-1]
        nodes = one.get("inbound_nodes")
        sources = list(_sources(nodes)) if isinstance(nodes, list) else []
        if isinstance(nodes, list) and len(nodes) > 1:
            raise Refused(f"its layer {name!r} is used {len(nodes)} times; numcam reads chains, of one use each")
        if len(sources) != 1:
            joined = f"takes {len(sources)} inputs ({', '.join(sources)[:80]})" if sources else "takes no input"
            raise Refused(
                f"its layer {name!r} is a {_word(one.get('class_name'))} that {joined}; numcam reads chains, "
                "in which each layer takes the output of the one before"
            )
        name = sources[0]


def _ends(given: object) -> list[str]:
    """Names of layers from ["dense", 0, 0], [["dense", 0, 0], ...] or a dictionary of such."""
    if isinstance(given, dict):
        given = list(given.values())
    if not isinstance(given, list) or not given:
        return []
    if isinstance(given[0], str):
        return [given[0]]
    return [name for one in given for name in _ends(one)]


def _sources(nodes: object, depth: int = 0) -> Iterator[str]:
    """The layers that feed one: Keras 3 has tensors with a history in "args", Keras 2 lists [name, node, index, {}]."""
    if depth > 20:
        raise Refused("its layers are joined in no way that Keras writes; the file is damaged")
    if isinstance(nodes, dict):
        config = nodes.get("config")
        if nodes.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
            history = config.get("keras_history")
            yield _word(history[0] if isinstance(history, list) and history else None)
        else:
            for value in nodes.values():
                yield from _sources(value, depth + 1)
    elif isinstance(nodes, list):
        if len(nodes) in (3, 4) and isinstance(nodes[0], str) and all(isinstance(n, int) for n in nodes[1:3]):
            yield _word(nodes[0])
            nodes = nodes[3:]
        for value in nodes:
            yield from _sources(value, depth + 1)


def _called(outer: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """What a layer is called with; whether that is for training holds within a model too."""
    own = {key: value for key, value in _call(one).items() if value is not None}
    return {**({"training": outer["training"]} if "training" in outer else {}), **own}


def _call(one: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a functional layer is called with by name."""
    nodes = one.get("inbound_nodes")
    node = nodes[0] if isinstance(nodes, list) and nodes else None
    if isinstance(node, dict) and isinstance(node.get("kwargs"), dict):
        return dict(node["kwargs"])
    inner = node[0] if isinstance(node, list) and node and isinstance(node[0], list) else node
    return inner[3] if isinstance(inner, list) and len(inner) > 3 and isinstance(inner[3], dict) else {}
