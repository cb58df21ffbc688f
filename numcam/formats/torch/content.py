"""The state_dict in whatever torch.save was given: a training checkpoint, a tuple, a whole module.

Nothing here is a live object: dictionaries, lists and tuples, tensors as views of storages, and empty shells.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from numcam.formats.checkpoint import Refused, shown
from numcam.formats.stated.pieces import Piece
from numcam.formats.torch.objects import Name, Shell, View
from numcam.formats.torch.whole import pieces_in
from numcam.models.labels import names_in

NAMES = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "module")
"""What people call the state_dict inside a checkpoint, the likeliest first."""

CLASSES = ("class_to_idx", "classes", "class_names", "idx_to_class", "id2label", "label2id", "labels", "categories")

AVERAGED = re.compile(r"ema|average|shadow|swa|teacher|optim|sched|scaler|discriminator", re.IGNORECASE)
"""State that is not the network's own, or not the plain one."""

SILENT = (
    "torch.nn.modules.activation.ReLU", "torch.nn.modules.dropout.Dropout", "torch.nn.modules.dropout.Dropout2d",
    "torch.nn.modules.linear.Identity", "torch.nn.modules.flatten.Flatten", "torch.nn.modules.container.Sequential",
    "torch.nn.modules.container.ModuleList", "torch.nn.modules.container.ModuleDict", "torch.nn.modules.conv.Conv2d",
    "torch.nn.modules.linear.Linear", "torch.nn.modules.batchnorm.BatchNorm2d",
    "torch.nn.modules.batchnorm.BatchNorm1d",
    "torch.nn.modules.pooling.MaxPool2d", "torch.nn.modules.pooling.AdaptiveAvgPool2d",
    "torch.nn.modules.activation.LogSoftmax", "torch.nn.modules.activation.Softmax",
)  # fmt: skip
"""Modules of a VGG. Of another class than these, a module may compute anything."""


@dataclass(frozen=True)
class Found:
    """The tensors by name, what was assumed to find them, and the class names beside them."""

    tensors: Mapping[str, View]
    said: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    pieces: tuple[Piece, ...] | None = None
    """The layers in order, of a module that states them."""


@dataclass(frozen=True)
class _Candidate:
    path: tuple[str, ...]
    tensors: Mapping[str, View]
    module: Shell | None

    @property
    def title(self) -> str:
        return ".".join(self.path) or "the file itself"

    @property
    def kernels(self) -> int:
        return sum(len(view.shape) == 4 for view in self.tensors.values())


def state_dict_in(content: Any, key: str | None = None) -> Found:
    """The network's tensors, wherever they are; key: the path or the last name of the one to take, where there are
    several. Refused, with the keys that are there, if there are none."""
    candidates = [one for one in _candidates(content) if one.tensors]
    if key is not None:
        candidates = [one for one in candidates if key in (one.title, *one.path[-1:])]
    whole = [one for one in candidates if one.kernels] or candidates
    if not whole:
        raise Refused(_nothing_found(content, key))
    most = max(one.kernels for one in whole)
    likely = sorted((one for one in whole if one.kernels == most), key=_rank)
    best, others = likely[0], [one.title for one in likely[1:] if one.tensors.keys() == likely[0].tensors.keys()]
    said, pieces = [], None
    if others and key is None:
        said.append(f"its {best.title}, though {', '.join(others[:4])} would do too (--checkpoint-key says otherwise)")
    if best.module is not None:
        pieces = pieces_in(best.module)
        said += _of_module(best.module) if pieces is None else []
    return Found(best.tensors, tuple(said), _classes(content), pieces)


def _rank(one: _Candidate) -> tuple[bool, int, int]:
    name = one.path[-1] if one.path else ""
    known = NAMES.index(name) if name in NAMES else len(NAMES)
    return any(AVERAGED.search(part) for part in one.path), known, len(one.path)


def _nothing_found(content: Any, key: str | None) -> str:
    if isinstance(content, Name | Shell):
        title = content.title if isinstance(content, Shell) else f"{content.module}.{content.name}"
        return f"its pickle asks for {shown(title, 120)}, which numcam does not run, and it holds no state_dict"
    keys = [repr(k) for k in content if isinstance(k, str | int)] if isinstance(content, dict) else []
    there = f"it has {', '.join(keys[:8])}" if keys else f"it is a {type(content).__name__}"
    if key is not None:
        return f"it holds no tensors under {key!r}; {shown(there, 200)}"
    return f"it holds no state_dict, no dictionary of tensors by name; {shown(there, 200)}"


def _candidates(content: Any) -> Iterator[_Candidate]:
    """Every dictionary that holds tensors, and every module, with the way to it."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), content)]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop(0)
        if id(value) in seen or len(path) > 16:
            continue
        seen.add(id(value))
        inner: Mapping[Any, Any] = {}
        if isinstance(value, dict):
            tensors = {str(k): v for k, v in value.items() if isinstance(v, View)}
            if tensors:
                _check_all(value)
                yield _Candidate(path, tensors, None)
            inner = value
        elif isinstance(value, list | tuple):
            inner = dict(enumerate(value))
        elif isinstance(value, Shell):
            if _is_module(value):
                yield _Candidate(path, dict(_of(value, "", 0)), value)
                continue
            inner = {**value.items, "state": value.state} if isinstance(value.state, dict | tuple) else value.items
        for k, v in inner.items():
            if isinstance(v, dict | list | tuple | Shell):
                waiting.append(((*path, str(k)[:80] if isinstance(k, str | int) else "?"), v))


def _check_all(values: Mapping[Any, Any]) -> None:
    """Refused where tensors stand beside one of a kind that cannot be read: the network would lack it."""
    for name, value in values.items():
        if isinstance(value, Shell) and re.search(r"_rebuild_\w*(tensor|type)", value.title):
            raise Refused(f"its {str(name)[:120]!r} is made by {value.title}, which numcam does not read")


def _is_module(value: Shell) -> bool:
    return isinstance(value.state, dict) and isinstance(value.state.get("_modules"), dict)


def _of(module: Shell, prefix: str, depth: int) -> Iterator[tuple[str, View]]:
    """A module's tensors under the names that its state_dict would give them."""
    if depth > 16:
        raise Refused("its modules lie more than 16 deep in each other, or in a circle")
    own: dict[Any, Any] = {}
    for key in ("_parameters", "_buffers"):
        part = module.state.get(key)
        own |= part if isinstance(part, dict) else {}
    _check_all(own)
    for name, value in own.items():
        if isinstance(value, View):
            yield f"{prefix}{name}", value
    for name, inner in module.state["_modules"].items():
        if isinstance(inner, Shell) and _is_module(inner):
            yield from _of(inner, f"{prefix}{name}.", depth + 1)


def _of_module(module: Shell) -> list[str]:
    """What must be said of a whole module: its forward is a program. Refused where its parts are no VGG's."""
    for name, one in _parts(module, module.title.rpartition(".")[2], 0):
        _check_part(name, one)
    return [f"the layers of its {module.title} in their order, whose forward is a program that numcam does not run"]


def _parts(module: Shell, name: str, depth: int) -> Iterator[tuple[str, Shell]]:
    if depth > 16:
        return
    inner = module.state["_modules"]
    for key, one in inner.items():
        if isinstance(one, Shell) and _is_module(one):
            yield f"{name}.{key}", one
            yield from _parts(one, f"{name}.{key}", depth + 1)


def _check_part(name: str, one: Shell) -> None:
    """Refused for a part that states something else than what a VGG has in that place."""
    state, kind = one.state, one.title
    if kind.startswith("torch.nn.modules.") and kind not in SILENT and not kind.startswith("torch.nn.modules.loss."):
        raise Refused(f"its {name!r} is a {kind.rpartition('.')[2]}, which numcam does not compute; it computes VGGs")
    expected: dict[str, Any] = {}
    if kind.endswith(".Conv2d"):
        size = state.get("kernel_size")
        side = size[0] if isinstance(size, tuple) and size else 3
        expected = {"stride": (1, 1), "dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
        expected |= {"padding": (side // 2, side // 2)} if side == 3 else {}
    elif kind.endswith(".MaxPool2d"):
        expected = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1), "ceil_mode": False}
    elif ".BatchNorm" in kind:
        expected = {"eps": 1e-5}
    for key, value in expected.items():
        found = state.get(key, value)
        found = (found, found) if isinstance(value, tuple) and type(found) is int else found
        found = value if (key, found) == ("padding", "same") else found
        if found != value:
            raise Refused(f"its {name!r} has {key} {str(found)[:60]}; a VGG has {value}")


def _classes(content: Any) -> tuple[str, ...] | None:
    """The class names in the outermost dictionaries, if they are plain."""
    outer = content if isinstance(content, dict) else {}
    inner = [v for v in outer.values() if isinstance(v, dict)]
    for values in (outer, *inner):
        for key in CLASSES:
            if key in values:
                try:
                    return names_in(values[key])
                except ValueError:
                    continue
    return None
