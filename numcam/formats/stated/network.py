"""From stated pieces to a network: its size, what makes its pictures and its probabilities, and what is assumed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from numcam.formats.checkpoint import Refused
from numcam.formats.modules import EPSILON, Module
from numcam.formats.network import Asked, Recognised, output_of
from numcam.formats.stated.building import built, sized
from numcam.formats.stated.pieces import Chain, Piece
from numcam.formats.stated.words import drafts, left_out, pieces_of
from numcam.formats.steps import Step, coloured, described, folded, for_both, row_of, sources_of
from numcam.models.chain import CHAIN
from numcam.models.preprocessing import FAMILIES, FAMILY_NAMES, UNIT, Preprocessing
from numcam.nn.types import Pair

PADDED = "convolutions that keep the size of their maps (padding=0 in brackets says otherwise)"
UNPADDED = "convolutions without padding (padding=same in brackets says otherwise)"

KERAS_EPSILON = 1e-3
"""Of Keras's batch normalisation, unless somebody chose another."""


def stated_network(
    ways: Mapping[str, Sequence[Piece]],
    modules: Sequence[Module],
    asked: Asked,
    base: Preprocessing | None,
    family: str,
    said: Sequence[str] = (),
    channels_last: bool = False,
    lenient: bool = False,
    common: bool = False,
) -> Recognised:
    """The network of these pieces, of several ways the first that fits, each under the sentence that says it.

    base: the preprocessing that the file holds; family: whose it is where it turns out to be a VGG of the table; said:
    what has been assumed so far. For the others as in `Chain` and `sized`.
    """
    by_name = {module.name: module for module in modules}
    pieces = next(iter(ways.values()))
    if missing := [one for one in pieces if one.kind in ("Conv2d", "Linear") and one.name not in by_name]:
        raise Refused(f"it states a {missing[0].kind} {missing[0].name!r} and holds no arrays for it")
    channels = _channels(pieces, by_name)

    def build(way: Sequence[Piece], size: Pair) -> Chain:
        return built(way, Chain(by_name, (channels, *size), channels_last, lenient))

    chain, size, sizes = sized({sentence: partial(build, way) for sentence, way in ways.items()}, asked, common)
    assumed = [*said, *sizes]
    classes = chain.shape[0] if len(chain.shape) == 1 else 0
    output, more = output_of(classes, asked)
    if chain.end and classes:
        if asked.output not in (None, chain.end):
            raise Refused(f"it ends in a {chain.end}, and a {asked.output} was asked for; leave that out")
        output, more = chain.end, []
    assumed += more
    preprocessing = asked.preprocessing or base
    if preprocessing is None:
        layers, parameters = described(folded(chain.steps))
        vgg = row_of(layers, parameters) is not None
        preprocessing = FAMILIES[family] if vgg else UNIT
        what = FAMILY_NAMES[family] if vgg else "pixels divided by 255"
        assumed.insert(len(said), f"{what} (--preprocess says otherwise)")
    return finished(chain.steps, channels, classes, size, preprocessing, output, assumed, family)


def finished(
    steps: Sequence[Step],
    channels: int,
    classes: int,
    size: Pair,
    preprocessing: Preprocessing,
    output: str,
    assumed: Sequence[str],
    family: str,
) -> Recognised:
    """The steps as layers under numcam's names, with one for pictures of other channels before them."""
    colour, more = coloured(channels, preprocessing)
    steps = [*colour, *steps]
    if classes == 1 and output == "sigmoid":
        steps, classes = for_both(steps), 2
    layers, parameters = described(folded(steps))
    row = row_of(layers, parameters)
    return Recognised(
        row or CHAIN,
        () if row else layers,
        parameters,
        size,
        preprocessing,
        output,
        classes,
        (*more, *assumed),
        family if row else "a network of its own",
        sources=sources_of(layers),
    )


def network_in_words(
    text: str,
    modules: Sequence[Module],
    asked: Asked,
    base: Preprocessing | None = None,
    family: str = "torchvision",
    channels_last: bool = False,
    common: bool = False,
) -> Recognised:
    """The network whose layers follow each other as the words say. Convolutions that state no padding keep the size of
    their maps, or have none, whichever fits; that is assumed aloud."""
    pieces = pieces_of(text, modules)
    open = [one for one in pieces if one.kind == "Conv2d" and "padding" not in one.settings and _wide(one, modules)]
    rest = left_out(pieces, modules)
    said = [f"{', '.join(rest[:6])} left out, for the layers do not name it"] if rest else []
    silent = [one for one in pieces if one.kind == "BatchNorm2d" and "eps" not in one.settings]
    if silent:
        usual = KERAS_EPSILON if channels_last else EPSILON
        pieces = [replace(p, settings={"eps": usual}) if p in silent else p for p in pieces]
        said.append(f"batch normalisation with epsilon {usual:g}")
    ways = {"": pieces}
    if open:
        ways = {
            sentence: [replace(p, settings={**p.settings, "padding": padding}) if p in open else p for p in pieces]
            for sentence, padding in ((PADDED, "same"), (UNPADDED, 0))
        }
    return stated_network(ways, modules, asked, base, family, said, channels_last, True, common)


def suggestion(modules: Sequence[Module], asked: Asked, channels_last: bool = False) -> str:
    """What to say where a file does not: the first line of words that fits."""
    if any(m.kind == "convolution" for m in modules) and len(modules) <= 200:
        for line in drafts(modules):
            try:
                network_in_words(line, modules, asked, channels_last=channels_last, common=True)
            except Refused:
                continue
            return f'if it is one chain, say which layers follow each other, perhaps --layers "{line}"'
    return 'if it is one chain, say which layers follow each other, as --layers "conv1 relu pool flatten fc1"'


def _channels(pieces: Sequence[Piece], modules: Mapping[str, Module]) -> int:
    """What the first convolution takes."""
    first = next((one for one in pieces if one.kind == "Conv2d"), None)
    if first is None:
        raise Refused("it has no convolution, so there is nothing to explain where; expected one")
    groups = first.settings.get("groups", 1)
    return modules[first.name].shape[1] * (groups if type(groups) is int else 1)


def _wide(piece: Piece, modules: Sequence[Module]) -> bool:
    """Whether padding means something for a convolution."""
    module = next(one for one in modules if one.name == piece.name)
    return any(side > 1 for side in module.shape[2:])
