"""A chain of layers that somebody states, in PyTorch's terms: the attributes of a whole module, or a line of words.

One rule for each class of layer, in the table RULES, with PyTorch's names and defaults of its settings.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import Any

import numpy as np

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.keras.activations import SELU
from numcam.formats.network import Asked
from numcam.formats.steps import Parameter, Step, constant, output_shape
from numcam.formats.torch.modules import Module, norm_step
from numcam.nn.types import Array, Pair, Shape

COMMON = (
    224, 32, 28, 64, 128, 256, 96, 48, 100, 112, 150, 160, 180, 192, 200, 227, 240, 299, 300, 320, 384, 400, 448, 512,
)  # fmt: skip
"""Sides of pictures that people train with, the likeliest first."""

LEAST, MOST = 8, 512
"""The sides between which one is looked for."""


@dataclass(frozen=True)
class Piece:
    """One layer: PyTorch's name of its class, its name in the file, and its settings by PyTorch's names."""

    kind: str
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"its {self.name!r}, a {self.kind}," if self.name else f"its {self.kind}"

    def pair(self, key: str, default: Any) -> Pair:
        """A setting that is a whole number or two of them."""
        value = self.settings.get(key, default)
        given = (value, value) if type(value) is int else value
        if not (isinstance(given, tuple | list) and len(given) == 2 and all(type(v) is int for v in given)):
            raise Refused(f"{self.title} has {key} {str(value)[:40]!r}; expected whole numbers")
        if min(given) < 0 or max(given) > 4096:
            raise Refused(f"{self.title} has {key} {given}; expected numbers from 0 to 4096")
        return given[0], given[1]

    def number(self, key: str, default: float) -> float:
        """A setting that is a number."""
        value = self.settings.get(key, default)
        if type(value) not in (int, float) or not abs(value) < 1e6:
            raise Refused(f"{self.title} has {key} {str(value)[:40]!r}; expected a number")
        return float(value)

    def only(self, **expected: Any) -> None:
        """Refused where a setting is another than numcam computes."""
        for key, value in expected.items():
            found = self.settings.get(key, value)
            same = found == value or found == (value, value) or (found, value) == ((1, 1), 1)
            if not same:
                raise Refused(f"{self.title} has {key} {str(found)[:40]}; numcam computes {value}")


@dataclass
class Chain:
    """What has been put together so far. shape: (c, rows, cols) or (units,).

    channels_last: whether the file's linear layers take maps flattened (rows, cols, c), as Keras does. flattened: that
    order, where units still stand in it. lenient: whether a missing Flatten is understood. end: what makes
    probabilities, where that is stated.
    """

    modules: Mapping[str, Module]
    shape: Shape
    channels_last: bool = False
    lenient: bool = False
    steps: list[Step] = field(default_factory=list)
    flattened: tuple[int, int, int] | None = None
    end: str | None = None

    def add(self, type: str, piece: Piece, parameters: Mapping[str, Parameter] | None = None, **settings: Any) -> None:
        if self.end:
            raise Refused(f"{piece.title} stands behind a {self.end}; numcam takes classes from the last layer alone")
        step = Step(type, piece.name, settings, parameters or {})
        self.shape = output_shape(step, self.shape)
        self.steps.append(step)

    def maps(self, piece: Piece) -> tuple[int, int, int]:
        """(c, rows, cols); Refused where there are none."""
        if len(self.shape) != 3:
            raise Refused(f"{piece.title} stands where rows and columns have ended")
        c, rows, cols = self.shape
        return c, rows, cols


def built(pieces: Sequence[Piece], start: Chain) -> Chain:
    """The steps of all pieces, one after the other."""
    plain = [one for one in pieces if one.kind not in SILENT]
    for i, given in enumerate(plain):
        piece = _over_all(given, plain[i + 1].kind if i + 1 < len(plain) else "")
        rule = RULES.get(piece.kind)
        if i == len(plain) - 1 and piece.kind in ENDS:
            start.end = ENDS[piece.kind]
        elif rule is None:
            raise Refused(
                f"{piece.title} is nothing that numcam computes; it computes chains of convolutions, pooling, linear "
                "layers, activations and batch normalisation"
            )
        else:
            rule(start, piece)
    return start


def _over_all(piece: Piece, following: str) -> Piece:
    """Pooling to one place that a Flatten follows is pooling over all places, which CAM looks for."""
    one = piece.settings.get("output_size") in (1, (1, 1), [1, 1])
    if piece.kind.startswith("Adaptive") and one and following in ("Flatten", "Linear", ""):
        kind = "GlobalAvgPool2d" if piece.kind == "AdaptiveAvgPool2d" else "GlobalMaxPool2d"
        return Piece(kind, piece.name)
    return piece


def sized(
    ways: Mapping[str, Callable[[Pair], Chain]], asked: Asked, common: bool = False
) -> tuple[Chain, Pair, list[str]]:
    """The chain for pictures of the size that is asked for, or else of the likeliest that fits, and what is assumed.

    ways: how it may be put together, each under the sentence that says so, the likelier first. common: whether only
    sizes that people often use are tried.
    """
    sides = COMMON if common else dict.fromkeys((*COMMON, *range(LEAST, MOST + 1)))
    sizes = [asked.input_size] if asked.input_size else [(side, side) for side in sides]
    reason: Refused | None = None
    for size in sizes:
        for sentence, build in ways.items():
            try:
                chain = build(size)
            except Refused as error:
                reason = reason or error
                continue
            open = f"pictures of {size[0]}x{size[1]} (--input-size says otherwise)"
            return chain, size, [*([sentence] if sentence else []), *([] if asked.input_size else [open])]
    rows, cols = sizes[0]
    what = f"pictures of {rows}x{cols} do not fit" if asked.input_size else f"square pictures up to {MOST} do not fit"
    raise Refused(f"{what}: {'' if asked.input_size else f'of {rows}x{cols}, '}{reason}")


def _convolution(chain: Chain, piece: Piece) -> None:
    piece.only(groups=1, dilation=1, padding_mode="zeros")
    module = chain.modules[piece.name]
    c, *kernel = module.shape[1:]
    if piece.settings.get("dense") and _covers(chain, piece, kernel):
        _flatten(chain, Piece("Flatten"))
        _linear(chain, piece)
        return
    if c != chain.maps(piece)[0]:
        raise Refused(f"its {piece.name!r} takes {c} channels, and {chain.shape[0]} come to it")
    stride = piece.pair("stride", 1)
    padding = piece.settings.get("padding", 0)
    if padding == "same":
        if stride != (1, 1):
            raise Refused(f"{piece.title} has padding 'same' and stride {stride}; numcam knows that of stride 1")
        before, after = ([(size - 1) // 2 for size in kernel], [size // 2 for size in kernel])
        if before != after:
            chain.add("ZeroPad2d", piece, edges=(before[0], after[0], before[1], after[1]))
            before = [0, 0]
        edges = before[0], before[1]
    else:
        edges = (0, 0) if padding == "valid" else piece.pair("padding", 0)
    chain.add("Conv2d", piece, _arrays(module, module.shape), stride=stride, padding=edges)


def _covers(chain: Chain, piece: Piece, kernel: Sequence[int]) -> bool:
    """Whether a convolution takes all that comes to it in one place, as a linear layer does."""
    sides = chain.shape[1:] if len(chain.shape) == 3 else (1, 1)
    return tuple(kernel) == tuple(sides) and piece.pair("padding", 0) == (0, 0)


def _arrays(module: Module, shape: Shape, view: Callable[[], Array] | None = None) -> dict[str, Parameter]:
    weight, bias = module.parts["weight"], module.parts.get("bias")
    if bias is not None and bias.shape != shape[:1]:
        raise Refused(f"the bias of its {module.name!r} has shape {bias.shape}; expected {shape[:1]}")
    zeros = constant(np.zeros(shape[0], np.float32))
    return {
        "weight": Parameter(shape, view or weight.read),
        "bias": Parameter(shape[:1], bias.read) if bias else zeros,
    }


def _linear(chain: Chain, piece: Piece) -> None:
    module = chain.modules[piece.name]
    if len(chain.shape) == 3:
        if not chain.lenient:
            raise Refused(f"{piece.title} stands behind maps that nothing has flattened")
        _flatten(chain, Piece("Flatten"))
    out, inputs = module.shape[0], prod(module.shape[1:])
    if inputs != chain.shape[0]:
        raise Refused(f"its {piece.name!r} takes {inputs:,} values, and {chain.shape[0]:,} come to it")
    view = None
    if chain.flattened:
        view = partial(_of_channels_last, module.parts["weight"], chain.flattened)
        chain.flattened = None
    chain.add("Linear", piece, _arrays(module, (out, inputs), view))


def _of_channels_last(weight: Tensor, places: tuple[int, int, int]) -> Array:
    """(out, rows, cols, c) -> (out, c, rows, cols), a view."""
    return weight.read().reshape(-1, *places).transpose(0, 3, 1, 2)


def _norm(chain: Chain, piece: Piece) -> None:
    if piece.settings.get("track_running_stats") is False:
        raise Refused(f"{piece.title} normalises by each batch's own statistics")
    module = chain.modules[piece.name]
    if module.shape != chain.shape[:1]:
        raise Refused(f"its {piece.name!r} normalises {module.shape[0]} channels, and {chain.shape[0]} come to it")
    if chain.flattened:
        raise Refused(f"{piece.title} stands between Flatten and a linear layer; numcam knows that of PyTorch alone")
    type = "BatchNorm2d" if len(chain.shape) == 3 else "BatchNorm1d"
    step = norm_step(type, module)
    chain.add(type, piece, step.parameters, epsilon=piece.number("eps", 1e-5))


def _pooling(type: str, chain: Chain, piece: Piece) -> None:
    piece.only(dilation=1, divisor_override=None)
    size = piece.pair("kernel_size", 2)
    stride = size if piece.settings.get("stride") in (None, ()) else piece.pair("stride", 2)
    padding = piece.pair("padding", 0)
    _, *sides = chain.maps(piece)
    more = [0, 0]
    if piece.settings.get("ceil_mode"):
        more = [_hanging_over(*each) for each in zip(sides, size, stride, padding, strict=True)]
        if any(more) and type == "AvgPool2d":
            raise Refused(f"{piece.title} has windows that hang over the edge (ceil_mode); numcam leaves those out")
    edges = piece.settings.get("edges") or (padding[0], padding[0] + more[0], padding[1], padding[1] + more[1])
    if type == "AvgPool2d" and any(padding) and piece.settings.get("count_include_pad", True):
        chain.add("ZeroPad2d", piece, edges=edges)
        edges = (0, 0, 0, 0)
    settings: dict[str, Any] = {"padding": edges} if any(edges) else {}
    chain.add(type, piece, size=size, stride=stride, **settings)


def _hanging_over(side: int, size: int, stride: int, padding: int) -> int:
    """What ceil_mode adds at the end: a last window that begins inside and hangs over."""
    whole = side + 2 * padding - size
    last = -(-whole // stride)
    if last * stride >= side + padding:
        last -= 1
    return max(0, last * stride - whole)


def _adaptive(how: str, chain: Chain, piece: Piece) -> None:
    _, rows, cols = chain.maps(piece)
    given = piece.settings.get("output_size")
    out = [given, given] if not isinstance(given, tuple | list) else list(given)
    if len(out) != 2 or not all(v is None or (type(v) is int and 1 <= v <= 4096) for v in out):
        raise Refused(f"{piece.title} has output_size {str(given)[:40]}; expected whole numbers")
    size = (rows if out[0] is None else out[0], cols if out[1] is None else out[1])
    if size == (rows, cols):
        return
    if how == "max":
        if size[0] > rows or size[1] > cols or rows % size[0] or cols % size[1]:
            raise Refused(f"{piece.title} gives {size[0]}x{size[1]} of {rows}x{cols}, in windows of uneven sizes")
        window = (rows // size[0], cols // size[1])
        chain.add("MaxPool2d", piece, size=window, stride=window)
    else:
        chain.add("AdaptiveAvgPool2d", piece, size=size)


def _global(type: str, chain: Chain, piece: Piece) -> None:
    chain.maps(piece)
    chain.add(type, piece)


def _flatten(chain: Chain, piece: Piece) -> None:
    piece.only(start_dim=1, end_dim=-1)
    if len(chain.shape) == 1:
        return
    c, rows, cols = chain.maps(piece)
    if piece.settings.get("of_one") and rows * cols > 1:
        raise Refused(f"its last maps have {rows}x{cols} places and not one, as where it was trained")
    if chain.channels_last and rows * cols > 1:
        chain.flattened = (rows, cols, c)
    chain.add("Flatten", piece)


def _pad(chain: Chain, piece: Piece) -> None:
    given = piece.settings.get("padding", 1)
    sides = (given,) * 4 if type(given) is int else given
    if (
        not isinstance(sides, tuple | list)
        or len(sides) != 4
        or not all(type(v) is int and 0 <= v < 999 for v in sides)
    ):
        raise Refused(f"{piece.title} has padding {str(given)[:40]}; expected whole numbers from 0")
    left, right, top, bottom = sides  # PyTorch's order
    chain.maps(piece)
    chain.add("ZeroPad2d", piece, edges=(top, bottom, left, right))


def _gelu(chain: Chain, piece: Piece) -> None:
    chain.add("GELU", piece, approximate=piece.settings.get("approximate", "none") == "tanh")


def _softplus(chain: Chain, piece: Piece) -> None:
    piece.only(beta=1)
    chain.add("Softplus", piece)


def _softmax(chain: Chain, piece: Piece) -> None:
    if len(chain.shape) != 1:
        raise Refused(f"{piece.title} of maps is nothing that numcam computes")
    chain.add("Softmax", piece)


SILENT = ("Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "FeatureAlphaDropout", "Identity")
"""What does nothing when a network is used."""

ENDS = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}
"""What makes probabilities, as the last of all layers."""

RULES: Mapping[str, Callable[[Chain, Piece], None]] = {
    "Conv2d": _convolution,
    "Linear": _linear,
    "BatchNorm2d": _norm,
    "BatchNorm1d": _norm,
    "MaxPool2d": partial(_pooling, "MaxPool2d"),
    "AvgPool2d": partial(_pooling, "AvgPool2d"),
    "AdaptiveAvgPool2d": partial(_adaptive, "average"),
    "AdaptiveMaxPool2d": partial(_adaptive, "max"),
    "GlobalAvgPool2d": partial(_global, "GlobalAvgPool2d"),
    "GlobalMaxPool2d": partial(_global, "GlobalMaxPool2d"),
    "Flatten": _flatten,
    "ZeroPad2d": _pad,
    "ReLU": lambda chain, piece: chain.add("ReLU", piece),
    "ReLU6": lambda chain, piece: chain.add("ClippedReLU", piece, most=6.0),
    "LeakyReLU": lambda chain, piece: chain.add("LeakyReLU", piece, slope=piece.number("negative_slope", 0.01)),
    "ELU": lambda chain, piece: chain.add("ELU", piece, alpha=piece.number("alpha", 1), scale=1.0),
    "SELU": lambda chain, piece: chain.add("ELU", piece, None, **SELU),
    "SiLU": lambda chain, piece: chain.add("SiLU", piece),
    "GELU": _gelu,
    "Softplus": _softplus,
    "Sigmoid": lambda chain, piece: chain.add("Sigmoid", piece),
    "Tanh": lambda chain, piece: chain.add("Tanh", piece),
    "Softmax": _softmax,
}
