"""A VGG from the tensors of a PyTorch state_dict, whatever they are called.

A state_dict names layers with arrays and is silent about the others. Order and shapes say which layer is which; where
layers are numbered, the gaps say what has room between them; what stands there is assumed, aloud.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.modules import EPSILON, Module, norm_step
from numcam.formats.network import Asked, Recognised, output_of
from numcam.formats.stated.network import finished, network_in_words, stated_network, suggestion
from numcam.formats.stated.pieces import Piece
from numcam.formats.steps import Step
from numcam.formats.torch.head import chained_head, head_steps, nothing_but_nan, size_for
from numcam.formats.torch.modules import (
    behind,
    between,
    in_order,
    modules_of,
    preprocessing_in,
    weights_of,
    without_what_stands_beside,
)
from numcam.models.preprocessing import FAMILIES, FAMILY_NAMES, Preprocessing
from numcam.models.vgg import ARCHITECTURES, INPUT_SIZE, architecture, row_with


def torch_network(
    tensors: Mapping[str, Tensor],
    asked: Asked,
    alphabetical: bool,
    pieces: Sequence[Piece] | None = None,
    family: str = "torchvision",
    stated: Preprocessing | None = None,
) -> Recognised:
    """The network that a state_dict's tensors make. alphabetical: they have lost their order, as in safetensors.
    pieces and stated: the layers and the preprocessing, where the file states them; family: whose it is where nothing
    tells."""
    every = in_order(modules_of(tensors), alphabetical)
    base, every = preprocessing_in(every)
    base = stated or base
    if asked.layers is None and pieces is not None:
        return stated_network({"": pieces}, every, asked, base, family)
    modules, beside = without_what_stands_beside(every)
    if asked.layers is not None:
        return network_in_words(asked.layers, modules, asked, base, family)
    try:
        body, norms, head = _parted(modules)
        row = _row(body)
        _check_room(row, body, norms)
    except Refused as error:
        raise Refused(f"{error}; {suggestion(modules, asked)}") from None
    return _vgg(row, body, norms, head, asked, base, alphabetical, beside)


def _vgg(
    row: str,
    body: Sequence[Module],
    norms: Mapping[str, Module],
    head: Sequence[Module],
    asked: Asked,
    base: Preprocessing | None,
    alphabetical: bool,
    beside: Sequence[str],
) -> Recognised:
    """A row of the table, with the head that the file has."""
    assumed: list[str] = []
    steps = list(_features(row, body, norms))
    channels = body[-1].shape[0]
    family = "torchvision"
    if head and all(nothing_but_nan(m) for m in head if m.kind != "norm"):  # how torchvision marks features alone
        head, family = [], "features"
    size, classes = asked.input_size or INPUT_SIZE, 0
    more: list[str] = []
    if head:
        linears = chained_head(head, channels, alphabetical)
        size, more = size_for(linears[0], channels, asked)
        steps += head_steps(head, linears, channels, size, assumed)
        classes = linears[-1].shape[0]
    if norms or any(m.kind == "norm" for m in head):
        assumed.append(f"batch normalisation with epsilon {EPSILON:g}")
    preprocessing = asked.preprocessing or base or FAMILIES[family]
    if not asked.preprocessing and not base:
        assumed.insert(0, f"{FAMILY_NAMES[family]} (--preprocess says otherwise)")
    assumed += more
    output, more = output_of(classes, asked)
    assumed += more
    if beside:
        assumed.append(f"{', '.join(beside[:6])} left out, for it stands beside the network")
    return finished(steps, body[0].shape[1], classes, size, preprocessing, output, assumed, family)


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
    return row


def _ends(row: str) -> list[bool]:
    """For each convolution, whether pooling follows it."""
    return [i == count for count in architecture(row).convolutions for i in range(1, count + 1)]


def _check_room(row: str, body: Sequence[Module], norms: Mapping[str, Module]) -> None:
    """Between layers that are numbered in one Sequential there must be room for what a VGG has there."""
    for (one, after), pools in zip(pairwise(body), _ends(row), strict=False):
        last = norms.get(one.name, one)
        gap, needed = between(last, after), 1 + pools
        if gap is not None and gap < needed:
            raise Refused(
                f"between its {last.name!r} and {after.name!r} there is room for {gap} layers, and {row} has "
                f"{'a ReLU and pooling' if pools else 'a ReLU'} there"
            )


def _features(row: str, body: Sequence[Module], norms: Mapping[str, Module]) -> Iterator[Step]:
    for module, pools in zip(body, _ends(row), strict=True):
        yield Step("Conv2d", module.name, {"stride": (1, 1), "padding": (1, 1)}, weights_of(module))
        if module.name in norms:
            yield norm_step("BatchNorm2d", norms[module.name])
        last = norms.get(module.name, module)
        yield Step("ReLU", behind(last, 1))
        if pools:
            yield Step("MaxPool2d", behind(last, 2), {"size": (2, 2), "stride": (2, 2)})
