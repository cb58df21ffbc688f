"""One rule for each class of layer, in the table RULES, with PyTorch's names and defaults of its settings."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from numcam.formats.checkpoint import Refused, Tensor
from numcam.formats.modules import Module, norm_step
from numcam.formats.stated.pieces import Chain, Piece
from numcam.formats.steps import SELU, Parameter, constant
from numcam.nn.types import Array, Shape


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
