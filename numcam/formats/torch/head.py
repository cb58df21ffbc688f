"""The head of a VGG in a state_dict: which linear layers follow each other, and what is between them."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from math import isqrt, prod

import numpy as np

from numcam.formats.checkpoint import Refused
from numcam.formats.modules import Module, norm_step
from numcam.formats.network import Asked
from numcam.formats.steps import Step
from numcam.formats.torch.modules import between, weights_of
from numcam.models.vgg import ADAPTIVE, INPUT_SIZE, WINDOW
from numcam.nn.types import Array, Pair

MOST_LAYERS = 7
"""Of a head; the orders in which so many may stand can all be tried."""

CHAINS = "numcam computes one chain of layers, from a picture to one answer"


def chained_head(head: Sequence[Module], channels: int, alphabetical: bool) -> list[Module]:
    """The layers of the head in an order in which each takes what the one before gives; of several, the file's."""
    layers = [m for m in head if m.kind != "norm"]
    if not layers:
        raise Refused(f"behind its convolutions stands {head[0].name!r}, and no linear layer")
    if len(layers) > MOST_LAYERS:
        raise Refused(f"it has {len(layers)} layers behind its convolutions; expected at most {MOST_LAYERS}")
    chain = max(_chains(layers, channels), key=len, default=[])
    for one in layers:
        if one in chain:
            continue
        if one.kind == "convolution" or not chain:
            raise Refused(_why_not(one, channels))
        if any(prod(one.shape[1:]) == prod(m.shape[1:]) for m in chain):
            raise Refused(f"it gives several answers, {chain[-1].name!r} and {one.name!r}; {CHAINS}")
        raise Refused(f"its {one.name!r} of shape {one.shape} fits nowhere behind its convolutions; {CHAINS}")
    for one, other in combinations(chain, 2):
        if alphabetical and one.shape == other.shape and _unnumbered(one) != _unnumbered(other):
            raise Refused(
                f"its {one.name!r} and {other.name!r} have the same shape, and a file in the order of names does not "
                "tell which comes first; name them with numbers, or save it with torch.save"
            )
    return chain


def _chains(layers: list[Module], channels: int, units: int | None = None) -> Iterator[list[Module]]:
    """Every chain of them that cannot go on, those in the given order first; one of all of them ends the search."""
    fits = [m for m in layers if _takes(m, units, channels)]
    for one in fits:
        rest = [m for m in layers if m is not one]
        for more in _chains(rest, channels, one.shape[0]):
            yield [one, *more]
            if len(more) == len(rest):
                return
    if not fits:
        yield []


def _unnumbered(module: Module) -> str:
    return re.sub(r"[0-9]+", "", module.name)


def _takes(module: Module, units: int | None, channels: int) -> bool:
    """Whether a layer of a head fits on so many units, or on the last maps."""
    inputs = prod(module.shape[1:])
    covers = module.kind == "linear" or module.shape[2] > 1
    if units is not None:
        return inputs == units and (module.kind == "linear" or module.shape[2:] == (1, 1))
    return covers and inputs % channels == 0 and isqrt(inputs // channels) ** 2 * channels == inputs


def _why_not(module: Module, channels: int) -> str:
    if module.kind == "convolution":
        return (
            f"its {module.name!r} is a convolution of {'x'.join(map(str, module.shape[2:]))} that does not cover the "
            f"maps below it, so it is no layer of a VGG's head; {CHAINS}"
        )
    return f"{module.name} takes {prod(module.shape[1:]):,} values; expected pool5's {channels} channels times a square"


def size_for(first: Module, channels: int, asked: Asked) -> tuple[Pair, list[str]]:
    """The size of pictures that goes with a head, and what is assumed for it."""
    side = isqrt(prod(first.shape[1:]) // channels)
    own = (32 * side, 32 * side)
    if side == 1:
        if asked.input_size:
            return asked.input_size, []
        what = f"averages over all places below {first.name!r}, and pictures of {INPUT_SIZE[0]}x{INPUT_SIZE[1]}"
        return INPUT_SIZE, [f"{what} (--input-size says otherwise)"]
    given = asked.input_size
    if given and side == ADAPTIVE and min(given) >= WINDOW and (given[0] // 32, given[1] // 32) != (side, side):
        return given, [f"maps averaged to {side}x{side} below {first.name!r}, as torchvision's VGGs do"]
    if given and (given[0] // 32, given[1] // 32) != (side, side):
        raise Refused(
            f"its {first.name!r} takes what {own[0]}x{own[1]} gives, and {given[0]}x{given[1]} gives another number of "
            f"values; leave out the input size, or say {own[0]}x{own[1]}"
        )
    return given or own, []


def head_steps(
    head: Sequence[Module], linears: Sequence[Module], channels: int, size: Pair, assumed: list[str]
) -> Iterator[Step]:
    """Flatten or averaging, then linear layers with what stands between them. size: of the pictures, as `size_for`
    gives it."""
    averaged = prod(linears[0].shape[1:]) == channels
    side = isqrt(prod(linears[0].shape[1:]) // channels)
    if not averaged and (size[0] // 32, size[1] // 32) != (side, side):
        yield Step("AdaptiveAvgPool2d", "", {"size": (side, side)})
    yield Step("GlobalAvgPool2d" if averaged else "Flatten", "")
    norms = _norms_of(head, linears)
    if (first := norms.pop("", None)) is not None:
        yield norm_step("BatchNorm1d", first)
    rectified: list[str] = []
    for i, module in enumerate(linears):
        yield Step("Linear", module.name, {}, weights_of(module))
        after = linears[i + 1] if i + 1 < len(linears) else None
        norm = norms.get(module.name)
        last = module
        if norm is not None:
            if between(module, norm):
                rectified.append(module.name)
                yield Step("ReLU", module.name)
                yield norm_step("BatchNorm1d", norm)
                continue
            yield norm_step("BatchNorm1d", norm)
            last = norm
        if after is not None and between(last, after) != 0:
            rectified.append(module.name)
            yield Step("ReLU", module.name)
    if rectified:
        assumed.append(f"a ReLU behind {', '.join(rectified[:6])}")


def _norms_of(head: Sequence[Module], linears: Sequence[Module]) -> dict[str, Module]:
    """Batch normalisation by the linear layer that it follows in the file, "" for one before the first."""
    found: dict[str, Module] = {}
    before = ""
    sizes = {"": prod(linears[0].shape[1:])} | {m.name: m.shape[0] for m in linears}
    for module in head:
        if module.kind != "norm":
            before = module.name
            continue
        if before in found or module.shape != (sizes.get(before),):
            free = [m.name for m in linears if m.name not in found and module.shape == (m.shape[0],)]
            if not free:
                raise Refused(f"its batch normalisation {module.name!r} of {module.shape[0]} values fits on no layer")
            before = free[0]
        found[before] = module
    return found


def nothing_but_nan(module: Module) -> bool:
    """Whether the layer has no number at all; a few NaN among numbers are damage, which is refused later."""
    arrays: list[Array] = [tensor.read() for key, tensor in module.parts.items() if key in ("weight", "bias")]
    return all(bool(np.isnan(a[i : i + 16]).all()) for a in arrays for i in range(0, len(a), 16))
