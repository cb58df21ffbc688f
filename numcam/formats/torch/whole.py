"""A whole PyTorch module whose class says what it computes: a Sequential of known layers, and torchvision's VGG.

The classes are known by their names alone; their attributes are data, and no program is run.
"""

from collections.abc import Iterator
from typing import Any

from numcam.formats.checkpoint import Refused
from numcam.formats.stated.pieces import Piece
from numcam.formats.torch.objects import Shell

LAYERS = "torch.nn.modules."
SEQUENTIAL = "torch.nn.modules.container.Sequential"
VGG = "torchvision.models.vgg.VGG"
DEEPEST = 16
HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def pieces_in(module: Shell) -> tuple[Piece, ...] | None:
    """Its layers in order; None for a class whose forward is a program."""
    if module.title == SEQUENTIAL:
        return tuple(_of(module, "", 0))
    inner = module.state.get("_modules", {})
    if module.title == VGG and list(inner) == ["features", "avgpool", "classifier"]:
        parts = [list(_of(inner[name], name, 0)) for name in inner]
        return (*parts[0], *parts[1], Piece("Flatten"), *parts[2])
    return None


def _of_sequential(module: Shell, name: str, depth: int) -> Iterator[Piece]:
    if depth > DEEPEST:
        raise Refused(f"its modules lie more than {DEEPEST} deep in each other, or in a circle")
    inner = module.state.get("_modules") if isinstance(module.state, dict) else None
    for key, one in inner.items() if isinstance(inner, dict) else ():
        yield from _of(one, f"{name}.{key}".lstrip("."), depth + 1)


def _of(one: Any, name: str, depth: int) -> Iterator[Piece]:
    if not isinstance(one, Shell) or not isinstance(one.state, dict):
        raise Refused(f"its {name!r} is no module that numcam can read; save its state_dict")
    if any(one.state.get(hooks) for hooks in HOOKS):
        raise Refused(f"its {name!r} has a hook, a program that may change what it gives; remove it, and save it again")
    if one.title == SEQUENTIAL:
        yield from _of_sequential(one, name, depth)
    elif not one.title.startswith(LAYERS):
        raise Refused(
            f"its {name!r} is a {one.title}, whose forward is a program that numcam does not run; save the state_dict, "
            "and say which layers follow each other with --layers"
        )
    else:
        settings = {key: value for key, value in one.state.items() if isinstance(key, str) and key[0] != "_"}
        yield Piece(one.title.rpartition(".")[2], name, settings)
