"""The layers with arrays in a state_dict, in their order, and what stands beside them."""

import re
from collections.abc import Mapping
from functools import partial
from math import prod

import numpy as np

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.modules import Module, natural
from numcam.formats.steps import Parameter
from numcam.models.preprocessing import Preprocessing

PLAIN = {"weight", "bias"}

NORM = {"weight", "bias", "running_mean", "running_var"}

ASIDE = re.compile(r"(^|[._])(criterion|loss|metrics?|ema(_\w+)?|aux(_\w+)?|auxiliary(_\w+)?)([._]|$)", re.IGNORECASE)
"""What stands beside a network in a module: losses, metrics, auxiliary heads."""


def modules_of(tensors: Mapping[str, Tensor]) -> list[Module]:
    """The layers in the file's order."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        plain = re.sub(r"(^|(?<=\.))(module|_orig_mod)\.", "", name)
        if made := re.match(r"(.*?)\.?(parametrizations\.\w+\.original\w*|(weight|bias)_(orig|mask|g|v|u))$", plain):
            raise Refused(
                f"the weight of its {made[1]!r} is made of others ({made[2]}); remove the parametrisation or pruning "
                "with torch.nn.utils, and save it again"
            )
        layer, _, part = plain.rpartition(".")
        if part in found.setdefault(layer, {}):
            raise Refused(f"it has {plain!r} twice, once within 'module'; save it again")
        found[layer][part] = tensor
    return [Module(name, parts) for name, parts in found.items()]


def in_order(modules: list[Module], alphabetical: bool) -> list[Module]:
    """By their numbers within a Sequential, else as the file has them; by name where the file has no order."""
    if alphabetical:
        return sorted(modules, key=lambda module: natural(module.name))
    numbered: dict[str, list[Module]] = {}
    for module in modules:
        if module.place:
            numbered.setdefault(module.place[0], []).append(module)
    waiting = {parent: iter(sorted(some, key=_number)) for parent, some in numbered.items()}
    return [next(waiting[module.place[0]]) if module.place else module for module in modules]


def _number(module: Module) -> int:
    return module.place[1] if module.place else 0


def preprocessing_in(modules: list[Module]) -> tuple[Preprocessing | None, list[Module]]:
    """What a Normalize among the modules does, and the others."""
    rest, found = [], None
    for module in modules:
        if set(module.parts) == {"mean", "std"} and all(prod(t.shape) == 3 for t in module.parts.values()):
            mean, std = (np.ravel(module.parts[key].read()).astype(float) for key in ("mean", "std"))
            levels = 1 if np.abs(mean).max() > 2 else 255  # of pictures in 0-1, unless the numbers are grey levels
            if not (np.isfinite(mean).all() and np.isfinite(std).all() and std.min() > 0):
                raise Refused(f"the mean and standard deviation of its {module.name!r} are no such numbers")
            a, b, c = (float(v) for v in levels * mean)
            d, e, f = (float(v) for v in levels * std)
            found = Preprocessing((a, b, c), (d, e, f))
        else:
            rest.append(module)
    return found, rest


def without_what_stands_beside(modules: list[Module]) -> tuple[list[Module], list[str]]:
    """The layers of the network, and the names of what is none of it. Refused for a layer that numcam has none for."""
    kept, beside = [], []
    for module in modules:
        counts = all(t.dtype.startswith(("int", "uint", "bool")) or not t.shape for t in module.parts.values())
        if ASIDE.search(module.name) or counts:
            if not counts:
                beside.append(module.name)
            continue
        known = {"convolution": PLAIN, "linear": PLAIN, "norm": NORM | {"num_batches_tracked"}}
        if odd := sorted(set(module.parts) - known.get(module.kind, set())):
            title = f"its {module.name!r}" if module.name else "it"
            raise Refused(
                f"{title} holds {odd[0]!r} of shape {module.parts[odd[0]].shape}, as no convolution, linear layer or "
                "batch normalisation does; numcam computes VGGs of these"
            )
        if module.kind == "norm" and any(t.shape != module.shape for key, t in module.parts.items() if key in NORM):
            raise Refused(f"the batch normalisation {module.name!r} has arrays of different sizes")
        kept.append(module)
    return kept, beside


def between(one: Module, after: Module) -> int | None:
    """How many layers without arrays may stand between two; None where their names do not tell."""
    if one.place is None or after.place is None or one.place[0] != after.place[0]:
        return None
    return after.place[1] - one.place[1] - 1


def behind(one: Module, count: int) -> str:
    """What a Sequential calls the layer so many places behind one; nothing where it is not numbered."""
    return f"{one.place[0]}.{one.place[1] + count}".lstrip(".") if one.place else ""


def weights_of(module: Module) -> dict[str, Parameter]:
    weight, bias = module.parts["weight"], module.parts.get("bias")
    k = module.shape[0]
    if bias is not None and bias.shape != (k,):
        raise Refused(f"the bias of its {module.name!r} has shape {bias.shape}; expected ({k},)")
    flat = module.shape if module.shape[2:] == (3, 3) else (k, prod(module.shape[1:]))
    return {
        "weight": Parameter(flat, weight.read),
        "bias": Parameter((k,), bias.read) if bias else Parameter((k,), partial(np.zeros, k, np.float32)),
    }
