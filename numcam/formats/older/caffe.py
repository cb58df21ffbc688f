"""Caffe's .caffemodel: the layers of a network with their settings and their arrays, in protocol buffers.

Two generations: `layers` of Caffe before 2015, as Oxford's VGG has them, with kinds by number, and `layer` after it,
with kinds by name. Both state kernels, strides, paddings and what reads what: nothing of the chain is assumed.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from numcam.formats.checkpoint import Checkpoint, Refused, Tensor, bytes_of
from numcam.formats.older.caffe_layers import Layer, layer_of
from numcam.formats.older.protobuf import fields, varints
from numcam.formats.stated.pieces import Piece
from numcam.models.preprocessing import Preprocessing

NEW, OLD = 100, 2
"""NetParameter's fields `layer` and `layers`."""

MOST_BYTES = 4 << 30
ASIDE = (
    "Data",
    "ImageData",
    "HDF5Data",
    "MemoryData",
    "WindowData",
    "Input",
    "Accuracy",
    "Split",
    "DummyData",
    "Silence",
)
SOFTMAX = ("Softmax", "SoftmaxWithLoss")


def is_caffe(head: bytes) -> bool:
    """Whether a file begins as a network of Caffe's does: with its name, in letters, and a layer or an input."""
    if len(head) < 4 or head[0] != 0x0A or head[1] >= 0x80:
        return False
    name, rest = head[2 : 2 + head[1]], head[2 + head[1] :]
    return name.isascii() and name.decode("ascii").isprintable() and rest[:1] in (b"\x12", b"\x1a", b"\xa2")


def open_caffe(path: Path) -> Checkpoint:
    """The network's layers as pieces, and its arrays by "conv1_1.weight"."""
    if path.stat().st_size > MOST_BYTES:
        raise Refused(f"it has {path.stat().st_size:,} bytes; expected the weights of one network")
    data = bytes_of(path)
    layers = [
        layer_of(value, number == OLD)
        for number, value in fields(data)
        if number in (OLD, NEW) and isinstance(value, memoryview)
    ]
    if not layers:
        raise Refused("it holds no layers; expected a .caffemodel with its weights")
    pieces, tensors, scaled = _chain(layers)
    return Checkpoint(path, "Caffe", "torch", tensors, pieces=tuple(pieces), preprocessing=scaled)


def _chain(layers: list[Layer]) -> tuple[list[Piece], dict[str, Tensor], Preprocessing | None]:
    """The layers in order, each of which must read what the one before gives."""
    pieces: list[Piece] = []
    tensors: dict[str, Tensor] = {}
    scaled, at = None, ""
    for layer in layers:
        title = f"its layer {layer.name!r} ({layer.kind})"
        if layer.kind in ASIDE:
            scaled = scaled or _transformed(layer)
            at = layer.tops[0] if layer.tops and layer.kind not in ("Accuracy", "Silence") else at
            continue
        rule = RULES.get(layer.kind)
        if rule is None:
            raise Refused(f"{title} is nothing that numcam computes; it computes chains of convolutions and pooling")
        reads = layer.bottoms[:1] if layer.kind in SOFTMAX else layer.bottoms
        if at and reads != [at]:
            raise Refused(
                f"{title} reads {', '.join(layer.bottoms) or 'nothing'}, and not {at}: numcam computes chains"
            )
        if f"{layer.name}.weight" in tensors:
            raise Refused(f"it has two layers called {layer.name!r}")
        at = layer.tops[0] if layer.tops else layer.name
        pieces += rule(layer)
        for part, blob in zip(("weight", "bias"), layer.blobs, strict=False):
            tensors[f"{layer.name}.{part}"] = _shaped(layer, part, blob)
    return pieces, tensors, scaled


def _shaped(layer: Layer, part: str, blob: Tensor) -> Tensor:
    """A bias as (k,), a matrix as (out, in): the older generation keeps everything with four sides."""
    shape = blob.shape
    if part == "bias":
        shape = (prod(shape),)
    elif layer.kind == "InnerProduct":
        shape = (prod(shape[:-1]), shape[-1])
    return Tensor(shape, blob.dtype, lambda: blob.read().reshape(shape))


def _transformed(layer: Layer) -> Preprocessing | None:
    """What the data layer does to pixels (BGR), where it says so by numbers."""
    given = layer.settings.get(36) or layer.settings.get(100)
    if given is None:
        return None
    means = [float(v) for number, v in fields(given) if number == 5 and isinstance(v, float)]
    scales = [float(v) for number, v in fields(given) if number == 1 and isinstance(v, float)]
    if len(means) not in (1, 3) or not all(abs(v) < 1e6 for v in means) or any(abs(v) < 1e-6 for v in scales):
        return None
    blue, green, red = means * (3 // len(means))
    scale = 1 / (scales[0] if scales else 1)
    return Preprocessing((red, green, blue), (scale, scale, scale), "BGR")


class _Settings:
    """The numbers of a layer's parameter message, by field."""

    def __init__(self, layer: Layer, number: int) -> None:
        self.title = f"its layer {layer.name!r} ({layer.kind})"
        self.values: dict[int, list[Any]] = {}
        for at, value in fields(layer.settings.get(number, memoryview(b""))):
            several = varints(value) if isinstance(value, memoryview) and at in (3, 4, 6, 18) else [value]
            self.values.setdefault(at, []).extend(several)

    def number(self, at: int, default: int) -> int:
        value = self.values.get(at, [default])[-1]
        if not isinstance(value, int) or value > 4096:
            raise Refused(f"{self.title} has a setting {str(value)[:40]}; expected a small whole number")
        return value

    def pair(self, at: int, rows: int, cols: int, default: int) -> tuple[int, int]:
        """One number, two of them, or one of each of two fields."""
        given = self.values.get(at, [])
        if len(given) == 2 and all(isinstance(v, int) and v <= 4096 for v in given):
            return given[0], given[1]
        both = self.number(at, default)
        return self.number(rows, both), self.number(cols, both)


def _convolution(layer: Layer) -> list[Piece]:
    given = _Settings(layer, 106 if 106 in layer.settings else 10)
    settings = {
        "stride": given.pair(6, 13, 14, 1),
        "padding": given.pair(3, 9, 10, 0),
        "groups": given.number(5, 1),
        "dilation": given.pair(18, 18, 18, 1),
    }
    if not layer.blobs or len(layer.blobs[0].shape) != 4:
        raise Refused(f"{given.title} has no kernel with four sides")
    return [Piece("Conv2d", layer.name, settings)]


def _inner_product(layer: Layer) -> list[Piece]:
    given = _Settings(layer, 117 if 117 in layer.settings else 17)
    if given.number(6, 0) or given.number(5, 1) != 1:
        raise Refused(f"{given.title} is transposed, or along another axis, which numcam does not compute")
    if not layer.blobs:
        raise Refused(f"{given.title} has no weights")
    return [Piece("Flatten"), Piece("Linear", layer.name)]


def _pooling(layer: Layer) -> list[Piece]:
    given = _Settings(layer, 121 if 121 in layer.settings else 19)
    how = given.number(1, 0)
    if how > 1:
        raise Refused(f"{given.title} pools at random, which numcam does not compute")
    if given.number(12, 0):
        kind = "AdaptiveMaxPool2d" if how == 0 else "AdaptiveAvgPool2d"
        return [Piece(kind, layer.name, {"output_size": 1})]
    settings = {
        "kernel_size": given.pair(2, 5, 6, 1),
        "stride": given.pair(3, 7, 8, 1),
        "padding": given.pair(4, 9, 10, 0),
        "ceil_mode": given.number(13, 0) == 0,  # Caffe's windows hang over the edge
    }
    return [Piece("MaxPool2d" if how == 0 else "AvgPool2d", layer.name, settings)]


def _rectified(layer: Layer) -> list[Piece]:
    given = _Settings(layer, 123 if 123 in layer.settings else 30)
    slope = given.values.get(1, [0.0])[-1]
    if not isinstance(slope, float) or not abs(slope) < 1e6:
        raise Refused(f"{given.title} has a slope that is no number")
    return [Piece("LeakyReLU", layer.name, {"negative_slope": slope}) if slope else Piece("ReLU", layer.name)]


def _plain(kind: str, layer: Layer) -> list[Piece]:
    return [Piece(kind, layer.name)]


RULES: Mapping[str, Callable[[Layer], list[Piece]]] = {
    "Convolution": _convolution,
    "InnerProduct": _inner_product,
    "Pooling": _pooling,
    "ReLU": _rectified,
    "Dropout": partial(_plain, "Dropout"),
    "Flatten": partial(_plain, "Flatten"),
    "Sigmoid": partial(_plain, "Sigmoid"),
    "TanH": partial(_plain, "Tanh"),
    "Softmax": partial(_plain, "Softmax"),
    "SoftmaxWithLoss": partial(_plain, "Softmax"),
}
