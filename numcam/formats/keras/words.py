"""Keras's weights without a configuration, as the modules that a line of words names; in PyTorch's layout."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.keras.layers import group_of, turned, turned_shape
from numcam.formats.modules import Module, natural
from numcam.formats.network import Asked, Recognised
from numcam.formats.stated.network import network_in_words, suggestion
from numcam.models.preprocessing import Preprocessing

NORMS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
NUMBERED = {"0": "weight", "1": "bias", "2": "running_mean", "3": "running_var"}
"""Of the newest layout, which has numbers for names."""


def keras_modules(tensors: Mapping[str, Tensor]) -> list[Module]:
    """The layers by their groups' paths, ordered by name with numbers as numbers."""
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        above = "/".join(dict.fromkeys(group_of(name.strip("/")).split("/")))  # /conv/conv is one layer
        groups.setdefault(above, {})[name.rpartition("/")[2].split(":")[0]] = tensor
    modules = [Module(name, _parts(name, inner)) for name, inner in groups.items()]
    return sorted(modules, key=lambda module: natural(module.name))


def _likely_order(modules: list[Module]) -> list[Module]:
    """Convolutions, then dense layers, each followed by a batch normalisation of its size: for a first draft only."""
    norms = [module for module in modules if module.kind == "norm"]
    found: list[Module] = []
    for kind in ("convolution", "linear"):
        for module in (one for one in modules if one.kind == kind):
            found.append(module)
            fits = next((norm for norm in norms if norm.shape == module.shape[:1]), None)
            if fits is not None:
                norms.remove(fits)
                found.append(fits)
    return [*found, *norms]


def _parts(name: str, inner: Mapping[str, Tensor]) -> dict[str, Tensor]:
    vectors = {key: one for key, one in inner.items() if len(one.shape) == 1}
    kernel = [one for one in inner.values() if len(one.shape) in (2, 4)]
    if len(kernel) == 1 and len(vectors) == len(inner) - 1 <= 1:
        bias = next(iter(vectors.values()), None)
        return {"weight": _turned(kernel[0]), **({"bias": bias} if bias else {})}
    names = NUMBERED if set(vectors) == set(NUMBERED) else NORMS
    if not kernel and len(vectors) == len(inner) and set(vectors) <= set(names):
        return {names[key]: one for key, one in vectors.items()}
    shapes = ", ".join(f"{key} {one.shape}" for key, one in list(inner.items())[:6])
    raise Refused(f"its layer {name!r} holds {shapes}: neither a kernel with a bias nor batch normalisation")


def _turned(kernel: Tensor) -> Tensor:
    return replace(kernel, shape=turned_shape(kernel.shape), read=partial(turned, kernel), place=None)


def keras_network_in_words(
    tensors: Mapping[str, Tensor], asked: Asked, base: Preprocessing | None, family: str
) -> Recognised:
    """The network whose layers follow each other as `asked.layers` says."""
    return network_in_words(str(asked.layers), keras_modules(tensors), asked, base, family, channels_last=True)


def keras_suggestion(tensors: Mapping[str, Tensor], asked: Asked) -> str:
    """What to say where the file does not; nothing for a file whose layers cannot be told."""
    try:
        return f"; {suggestion(_likely_order(keras_modules(tensors)), asked, channels_last=True)}"
    except Refused:
        return ""
