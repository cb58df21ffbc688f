"""A VGG from the tensors of a PyTorch state_dict, whatever they are called.

A state_dict names layers with arrays and is silent about the others. Order and shapes say which layer is which; where
layers are numbered, the gaps say what has room between them; what stands there is assumed, aloud.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise
from math import isqrt, prod

import numpy as np

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.network import Asked, Recognised
from numcam.formats.steps import Parameter, Step, constant, described, folded, for_both, row_of
from numcam.models.chain import CHAIN
from numcam.models.preprocessing import FAMILIES, FAMILY_NAMES, Preprocessing
from numcam.models.vgg import ARCHITECTURES, INPUT_SIZE, architecture, row_with
from numcam.nn.types import Array, Pair

EPSILON = 1e-5
"""Of PyTorch's batch normalisation, unless somebody chose another."""

MOST_LAYERS = 7
"""Of a head; the orders in which so many may stand can all be tried."""

PLAIN = {"weight", "bias"}
NORM = {"weight", "bias", "running_mean", "running_var"}
ASIDE = re.compile(r"(^|[._])(criterion|loss|metrics?|ema_?\w*|aux\w*|auxiliary\w*)([._]|$)", re.IGNORECASE)
"""What stands beside a network in a module: losses, metrics, auxiliary heads."""


@dataclass(frozen=True)
class Module:
    """A layer with arrays, under its name in the file."""

    name: str
    parts: Mapping[str, Tensor]

    @property
    def kind(self) -> str:
        """ "convolution", "linear", "norm" or "" for what numcam has no name for."""
        if {"running_mean", "running_var"} <= set(self.parts):
            return "norm"
        weight = self.parts.get("weight")
        return {2: "linear", 4: "convolution"}.get(len(weight.shape), "") if weight else ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the weight, or of the statistics of a norm."""
        return self.parts["running_mean" if self.kind == "norm" else "weight"].shape

    @property
    def place(self) -> tuple[str, int] | None:
        """The Sequential that it stands in, and its number there; None where it has a name instead."""
        parent, _, last = self.name.rpartition(".")
        return (parent, int(last)) if last.isascii() and last.isdigit() and len(last) < 7 else None


def torch_network(tensors: Mapping[str, Tensor], asked: Asked, alphabetical: bool) -> Recognised:
    """The network that a state_dict's tensors make. alphabetical: they have lost their order, as in safetensors."""
    modules = _in_order(_modules(tensors), alphabetical)
    assumed: list[str] = []
    base, modules = _preprocessing(modules)
    modules, beside = _without_what_stands_beside(modules)
    body, norms, head = _parted(modules)
    row = _row(body)
    _check_room(row, body, norms)
    steps = list(_features(row, body, norms))
    channels = body[-1].shape[0]
    family = "torchvision"
    if head and all(_nothing_but_nan(m) for m in head if m.kind != "norm"):  # how torchvision marks features alone
        head, family = [], "features"
    size, classes = asked.input_size or INPUT_SIZE, 0
    more: list[str] = []
    if head:
        linears = _chained(head, channels, alphabetical)
        size, more = _size(linears[0], channels, asked)
        steps += _head(head, linears, channels, assumed)
        classes = linears[-1].shape[0]
    if any(m.kind == "norm" for m in modules):
        assumed.append(f"batch normalisation with epsilon {EPSILON:g}")
    preprocessing = asked.preprocessing or base or FAMILIES[family]
    if not asked.preprocessing and not base:
        assumed.insert(0, f"{FAMILY_NAMES[family]} (--preprocess says otherwise)")
    assumed += more
    output = asked.output or ("sigmoid" if classes == 1 else "softmax")
    if classes == 1 and output == "sigmoid":
        if asked.output is None:
            assumed.append("a sigmoid at the end (there is one output; --output says otherwise)")
        steps, classes = for_both(steps), 2
    if beside:
        assumed.append(f"{', '.join(beside[:6])} left out, for it stands beside the network")
    layers, parameters = described(folded(steps))
    whole = row_of(layers, parameters)
    return Recognised(
        whole or CHAIN,
        () if whole else layers,
        parameters,
        size,
        preprocessing,
        output,
        classes,
        tuple(assumed),
        family,
    )


def _modules(tensors: Mapping[str, Tensor]) -> list[Module]:
    """The layers in the file's order."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        plain = re.sub(r"(^|(?<=\.))(module|_orig_mod)\.", "", name)
        if made := re.match(r"(.*?)\.?(parametrizations\.\w+\.original\w*|\w+_(orig|mask|g|v|u))$", plain):
            raise Refused(
                f"the weight of its {made[1]!r} is made of others ({made[2]}); remove the parametrisation or pruning "
                "with torch.nn.utils, and save it again"
            )
        layer, _, part = plain.rpartition(".")
        if part in found.setdefault(layer, {}):
            raise Refused(f"it has {plain!r} twice, once within 'module'; save it again")
        found[layer][part] = tensor
    return [Module(name, parts) for name, parts in found.items()]


def _in_order(modules: list[Module], alphabetical: bool) -> list[Module]:
    """By their numbers within a Sequential, else as the file has them; by name where the file has no order."""
    if alphabetical:
        return sorted(modules, key=lambda module: _natural(module.name))
    numbered: dict[str, list[Module]] = {}
    for module in modules:
        if module.place:
            numbered.setdefault(module.place[0], []).append(module)
    waiting = {parent: iter(sorted(some, key=_number)) for parent, some in numbered.items()}
    return [next(waiting[module.place[0]]) if module.place else module for module in modules]


def _number(module: Module) -> int:
    return module.place[1] if module.place else 0


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(p), "") if p.isdigit() else (1 << 30, p) for p in re.findall(r"[0-9]{1,18}|[^0-9]+", name)]


def _preprocessing(modules: list[Module]) -> tuple[Preprocessing | None, list[Module]]:
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


def _without_what_stands_beside(modules: list[Module]) -> tuple[list[Module], list[str]]:
    """The layers of the network, and the names of what is none of it. Refused for a layer that numcam has none for."""
    kept, beside = [], []
    for module in modules:
        counts = all(t.dtype.startswith(("int", "uint", "bool")) or not t.shape for t in module.parts.values())
        if ASIDE.search(module.name) or counts:
            if not counts:
                beside.append(module.name)
            continue
        known = {
            "convolution": {"weight", "bias"},
            "linear": {"weight", "bias"},
            "norm": NORM | {"num_batches_tracked"},
        }
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


def _parted(modules: Sequence[Module]) -> tuple[list[Module], dict[str, Module], list[Module]]:
    """The 3x3 convolutions, the batch normalisation of each by its name, and the layers of the head."""
    body = [m for m in modules if m.kind == "convolution" and m.shape[2:] == (3, 3)]
    if not body:
        names = ", ".join(m.name for m in modules[:3])
        raise Refused(f"its layers are called {names[:120] or 'nothing'}; expected the convolutions of a VGG")
    norms: dict[str, Module] = {}
    spatial: list[Module] = []
    for before, module in pairwise([None, *modules]):
        if module is None or module.kind != "norm":
            continue
        if before in body and before.shape[0] == module.shape[0]:
            norms[before.name] = module
        spatial.append(module)
    taken = list(norms.values())
    others = [m for m in spatial if m not in taken]
    if not norms and len(spatial) >= len(body):  # all convolutions first, then all that normalises them
        pairs = list(zip(body, spatial, strict=False))
        if all(conv.shape[0] == norm.shape[0] for conv, norm in pairs):
            norms, others = {conv.name: norm for conv, norm in pairs}, spatial[len(body) :]
    if norms and len(norms) != len(body):
        missing = next(m.name for m in body if m.name not in norms)
        raise Refused(f"some of its convolutions have batch normalisation and {missing!r} has none that fits")
    head = [m for m in modules if m not in body and (m.kind != "norm" or m in others)]
    return body, norms, head


def _row(body: Sequence[Module]) -> str:
    """The row of the table with these convolutions."""
    channels = [m.shape[0] for m in body]
    row = row_with(channels)
    if row is None:
        raise Refused(
            f"its {len(body)} convolutions have {', '.join(map(str, channels[:20]))} channels; that is none of "
            f"{', '.join(ARCHITECTURES)}, and a file of tensors does not say where a network pools"
        )
    for before, after in pairwise(body):
        if after.shape[1] != before.shape[0]:
            raise Refused(f"{after.name!r} of shape {after.shape} does not fit on {before.name!r} of {before.shape}")
    if body[0].shape[1] != 3:
        raise Refused(f"its {body[0].name!r} takes {body[0].shape[1]} channels; numcam gives it the 3 of RGB pictures")
    return row


def _ends(row: str) -> list[bool]:
    """For each convolution, whether pooling follows it."""
    return [i == count for count in architecture(row).convolutions for i in range(1, count + 1)]


def _check_room(row: str, body: Sequence[Module], norms: Mapping[str, Module]) -> None:
    """Between layers that are numbered in one Sequential there must be room for what a VGG has there."""
    for (one, after), pools in zip(pairwise(body), _ends(row), strict=False):
        last = norms.get(one.name, one)
        gap, needed = _between(last, after), 1 + pools
        if gap is not None and gap < needed:
            raise Refused(
                f"between its {last.name!r} and {after.name!r} there is room for {gap} layers, and {row} has "
                f"{'a ReLU and pooling' if pools else 'a ReLU'} there"
            )


def _between(one: Module, after: Module) -> int | None:
    """How many layers without arrays may stand between two; None where their names do not tell."""
    if one.place is None or after.place is None or one.place[0] != after.place[0]:
        return None
    return after.place[1] - one.place[1] - 1


def _features(row: str, body: Sequence[Module], norms: Mapping[str, Module]) -> Iterator[Step]:
    for module, pools in zip(body, _ends(row), strict=True):
        yield Step("Conv2d", module.name, {"stride": (1, 1), "padding": (1, 1)}, _weights(module))
        if module.name in norms:
            yield _norm("BatchNorm2d", norms[module.name])
        yield Step("ReLU", module.name)
        if pools:
            yield Step("MaxPool2d", module.name, {"size": (2, 2), "stride": (2, 2)})


def _weights(module: Module) -> dict[str, Parameter]:
    weight, bias = module.parts["weight"], module.parts.get("bias")
    k = module.shape[0]
    if bias is not None and bias.shape != (k,):
        raise Refused(f"the bias of its {module.name!r} has shape {bias.shape}; expected ({k},)")
    flat = module.shape if module.shape[2:] == (3, 3) else (k, prod(module.shape[1:]))
    return {
        "weight": Parameter(flat, weight.read),
        "bias": Parameter((k,), bias.read) if bias else Parameter((k,), partial(np.zeros, k, np.float32)),
    }


def _norm(type: str, module: Module) -> Step:
    size = module.shape
    names = {"mean": "running_mean", "variance": "running_var", "weight": "weight", "bias": "bias"}
    parameters = {}
    for key, name in names.items():
        part = module.parts.get(name)
        parameters[key] = Parameter(size, part.read) if part else constant(np.full(size, float(key == "weight")))
    return Step(type, module.name, {"epsilon": EPSILON}, parameters)


CHAINS = "numcam computes one chain of layers, from a picture to one answer"


def _chained(head: Sequence[Module], channels: int, alphabetical: bool) -> list[Module]:
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


def _size(first: Module, channels: int, asked: Asked) -> tuple[Pair, list[str]]:
    """The size of pictures that goes with a head, and what is assumed for it."""
    side = isqrt(prod(first.shape[1:]) // channels)
    own = (32 * side, 32 * side)
    if side == 1:
        if asked.input_size:
            return asked.input_size, []
        what = f"averages over all places below {first.name!r}, and pictures of {INPUT_SIZE[0]}x{INPUT_SIZE[1]}"
        return INPUT_SIZE, [f"{what} (--input-size says otherwise)"]
    given = asked.input_size
    if given and (given[0] // 32, given[1] // 32) != (side, side):
        raise Refused(
            f"its {first.name!r} takes what {own[0]}x{own[1]} gives, and {given[0]}x{given[1]} gives another number of "
            f"values; leave out the input size, or say {own[0]}x{own[1]}"
        )
    return given or own, []


def _head(head: Sequence[Module], linears: Sequence[Module], channels: int, assumed: list[str]) -> Iterator[Step]:
    """Flatten or averaging, then linear layers with what stands between them."""
    averaged = prod(linears[0].shape[1:]) == channels
    yield Step("GlobalAvgPool2d" if averaged else "Flatten", "")
    norms = _norms_of(head, linears)
    if (first := norms.pop("", None)) is not None:
        yield _norm("BatchNorm1d", first)
    between = []
    for i, module in enumerate(linears):
        yield Step("Linear", module.name, {}, _weights(module))
        after = linears[i + 1] if i + 1 < len(linears) else None
        norm = norms.get(module.name)
        last = module
        if norm is not None:
            if _between(module, norm):
                between.append(module.name)
                yield Step("ReLU", module.name)
                yield _norm("BatchNorm1d", norm)
                continue
            yield _norm("BatchNorm1d", norm)
            last = norm
        if after is not None and _between(last, after) != 0:
            between.append(module.name)
            yield Step("ReLU", module.name)
    if between:
        assumed.append(f"a ReLU behind {', '.join(between[:6])}")


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


def _nothing_but_nan(module: Module) -> bool:
    """Whether the layer has no number at all; a few NaN among numbers are damage, which is refused later."""
    arrays: list[Array] = [tensor.read() for key, tensor in module.parts.items() if key in ("weight", "bias")]
    return all(bool(np.isnan(a[i : i + 16]).all()) for a in arrays for i in range(0, len(a), 16))
