"""A line of words that says which layers follow each other: "conv1 relu pool conv2 relu pool flatten fc1 relu fc2".

For files of tensors alone, which do not say where a network pools. Names are the file's, and sizes are its arrays';
settings stand in brackets: "conv1(stride=2,padding=1) pool(3,2)".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from numcam.errors import did_you_mean
from numcam.formats.checkpoint import Refused
from numcam.formats.modules import Module
from numcam.formats.stated.pieces import Piece

POOL = ("kernel_size", "stride", "padding")
WORDS: Mapping[str, tuple[str, tuple[str, ...], Mapping[str, Any]]] = {
    "relu": ("ReLU", (), {}),
    "relu6": ("ReLU6", (), {}),
    "leakyrelu": ("LeakyReLU", ("negative_slope",), {}),
    "lrelu": ("LeakyReLU", ("negative_slope",), {}),
    "elu": ("ELU", ("alpha",), {}),
    "selu": ("SELU", (), {}),
    "silu": ("SiLU", (), {}),
    "swish": ("SiLU", (), {}),
    "gelu": ("GELU", ("approximate",), {}),
    "softplus": ("Softplus", (), {}),
    "sigmoid": ("Sigmoid", (), {}),
    "tanh": ("Tanh", (), {}),
    "softmax": ("Softmax", (), {}),
    "logsoftmax": ("LogSoftmax", (), {}),
    "pool": ("MaxPool2d", POOL, {}),
    "maxpool": ("MaxPool2d", POOL, {}),
    "avgpool": ("AvgPool2d", POOL, {}),
    "meanpool": ("AvgPool2d", POOL, {}),
    "gap": ("AdaptiveAvgPool2d", (), {"output_size": 1}),
    "globalavgpool": ("AdaptiveAvgPool2d", (), {"output_size": 1}),
    "globalaveragepool": ("AdaptiveAvgPool2d", (), {"output_size": 1}),
    "gmp": ("AdaptiveMaxPool2d", (), {"output_size": 1}),
    "globalmaxpool": ("AdaptiveMaxPool2d", (), {"output_size": 1}),
    "adaptiveavgpool": ("AdaptiveAvgPool2d", ("output_size",), {}),
    "adaptivemaxpool": ("AdaptiveMaxPool2d", ("output_size",), {}),
    "flatten": ("Flatten", (), {}),
    "view": ("Flatten", (), {}),
    "dropout": ("Dropout", ("p",), {}),
    "drop": ("Dropout", ("p",), {}),
    "pad": ("ZeroPad2d", ("padding",), {}),
    "zeropad": ("ZeroPad2d", ("padding",), {}),
}
"""What a word means that is no name of the file: PyTorch's class, what its numbers are called, and what is fixed."""

KINDS = {"convolution": "Conv2d", "linear": "Linear", "norm": "BatchNorm2d"}
SETTINGS = {"convolution": ("stride", "padding"), "linear": (), "norm": ("eps",)}


def pieces_of(text: str, modules: Sequence[Module]) -> list[Piece]:
    """The layers that the line says. Refused for a word that is neither a layer of the file nor one of WORDS."""
    by_name = {module.name: module for module in modules}
    found = [_piece(word, inside, by_name) for word, inside in _words(text)]
    named = [one.name for one in found if one.name]
    if twice := [name for name in named if named.count(name) > 1]:
        raise Refused(f"the layers name its {twice[0]!r} twice; each of its layers stands in one place")
    if not any(one.kind == "Conv2d" for one in found):
        raise Refused(f"the layers {text[:80]!r} name none of its convolutions; it has {_list(modules)}")
    return found


def _words(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    pattern = re.compile(r"[\s,;>→]*([^\s(),;>→]+)(?:\(([^()]*)\))?")
    text = text.replace("->", " ").strip(" ,;")
    while at < len(text):
        found = pattern.match(text, at)
        if not found:
            raise Refused(
                f"the layers cannot be read from {text[at : at + 40]!r} on; expected words such as conv1 relu"
            )
        yield found[1], found[2] or ""
        at = found.end()


def _piece(word: str, inside: str, modules: Mapping[str, Module]) -> Piece:
    module = _meant(word, modules)
    if module is not None:
        return Piece(KINDS[module.kind], module.name, _settings(word, inside, SETTINGS[module.kind], 0))
    plain = re.sub(r"[_-]|2d$", "", word.lower()) if word.lower() not in WORDS else word.lower()
    if plain not in WORDS:
        near = did_you_mean(word, [*modules, *WORDS], most=40)
        raise Refused(f"the layers say {word!r}, which is no layer of the file and no word that numcam knows; {near}")
    kind, names, fixed = WORDS[plain]
    return Piece(kind, "", {**_settings(word, inside, names, len(names)), **fixed})


def _meant(word: str, modules: Mapping[str, Module]) -> Module | None:
    """The layer of that name, or the only one whose name ends so."""
    if word in modules:
        return modules[word]
    ends = [name for name in modules if re.search(rf"[./]{re.escape(word)}$", name)]
    if len(ends) > 1:
        raise Refused(f"the layers say {word!r}, which may be {' or '.join(map(repr, ends[:4]))}; give the whole name")
    return modules[ends[0]] if ends else None


def _settings(word: str, inside: str, names: Sequence[str], positional: int) -> dict[str, Any]:
    """ "3, stride=2x1" as settings."""
    found: dict[str, Any] = {}
    for i, part in enumerate(filter(None, (one.strip() for one in inside.split(",")))):
        key, equals, value = (one.strip() for one in part.rpartition("="))
        key = {"pad": "padding", "size": "kernel_size", "epsilon": "eps"}.get(key, key)
        if not equals:
            if i >= positional:
                takes = ", ".join(f"{name}=" for name in names) or "no numbers"
                raise Refused(f"the layers say {word}({inside}); {word} takes {takes}")
            key = names[i]
        if key not in names:
            raise Refused(f"the layers say {word}({inside}); {word} takes {', '.join(names) or 'no settings'}")
        found[key] = _value(word, value)
    return found


def _value(word: str, text: str) -> Any:
    if text in ("same", "valid", "none", "tanh"):
        return text
    if pair := re.fullmatch(r"([0-9]{1,4})[xX×]([0-9]{1,4})", text):
        return int(pair[1]), int(pair[2])
    if re.fullmatch(r"[0-9]{1,4}", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        raise Refused(f"the layers say {text!r} for {word}, which is no number") from None


def left_out(pieces: Sequence[Piece], modules: Sequence[Module]) -> list[str]:
    """The layers with arrays that no word names."""
    named = {one.name for one in pieces}
    return [module.name for module in modules if module.name not in named]


def drafts(modules: Sequence[Module]) -> Iterator[str]:
    """Lines that may be meant, from names and shapes: with pooling where channels grow, behind all convolutions, or
    nowhere."""
    convolutions = [m for m in modules if m.kind == "convolution"]
    linears = [m for m in modules if m.kind == "linear"]
    grows = {a.name for a, b in pairwise(convolutions) if b.shape[0] > a.shape[0]}
    last = {convolutions[-1].name} if convolutions else set()
    for pools in (grows | last, {m.name for m in convolutions}, grows, set()):
        yield " ".join(_draft(modules, linears, pools))


def _draft(modules: Sequence[Module], linears: Sequence[Module], pools: set[str]) -> Iterator[str]:
    channels, waiting = 0, ""
    for module in modules:
        if module.kind == "norm":
            yield module.name
            continue
        if waiting:
            yield from _between(waiting, pools)
        if module.kind == "linear" and module is linears[0]:
            yield "gap" if module.shape[1] == channels else "flatten"
        yield module.name
        waiting, channels = module.name, module.shape[0] if module.kind == "convolution" else channels
    if waiting in pools:
        yield from _between(waiting, pools)


def _between(name: str, pools: set[str]) -> Iterator[str]:
    yield "relu"
    if name in pools:
        yield "pool"


def _list(modules: Sequence[Module]) -> str:
    names = [module.name for module in modules]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
