"""MatConvNet's networks in MATLAB's files: layers with their settings and arrays, mean and class names."""

from collections.abc import Iterator, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from numcam.formats.checkpoint import Checkpoint, Refused, Tensor, bytes_of, shown
from numcam.formats.older.mat5 import Numbers, Reader
from numcam.formats.stated.pieces import Piece
from numcam.models.preprocessing import Preprocessing
from numcam.nn.types import Array, Shape


def open_mat(path: Path) -> Checkpoint:
    """The network of a MatConvNet file: SimpleNN, a list of layers."""
    data = bytes_of(path)
    if bytes(data[126:128]) != b"IM":
        raise Refused("it was written on a big-endian machine; save it again on another")
    reader = Reader()
    content: dict[str, Any] = {}
    for kind, piece in reader.elements(data[128:]):
        name, value = reader.named(kind, piece)
        content[name] = value
    net = content.get("net", content)
    layers = net.get("layers") if isinstance(net, dict) else None
    if isinstance(layers, dict):
        raise Refused("it is a DagNN of MatConvNet's, a graph; numcam computes chains, as SimpleNN has them")
    if not isinstance(layers, list) or not layers:
        keys = ", ".join(list(content)[:8]) or "nothing"
        raise Refused(f"it holds {shown(keys, 200)}; expected a network of MatConvNet's, with its layers")
    meta = net.get("meta") if isinstance(net.get("meta"), dict) else net
    tensors, pieces = _network(layers)
    return Checkpoint(
        path,
        "MatConvNet",
        "torch",
        tensors,
        said=tuple(_said(meta)),
        classes=_classes(meta),
        pieces=tuple(pieces),
        preprocessing=_preprocessing(meta),
    )


def _network(layers: list[Any]) -> tuple[dict[str, Tensor], list[Piece]]:
    tensors: dict[str, Tensor] = {}
    pieces: list[Piece] = []
    for i, layer in enumerate(layers):
        if not isinstance(layer, dict) or not isinstance(layer.get("type"), str):
            raise Refused(f"its layer {i} is no structure with a type; expected a network of MatConvNet's")
        kind, given = layer["type"], layer.get("name")
        name = given if isinstance(given, str) and given else f"layer{i}"
        if kind == "conv":
            pieces.append(_convolution(layer, name, tensors))
        elif kind == "pool":
            pieces.append(_pooling(layer, name))
        elif kind in PLAIN:
            pieces.append(Piece(PLAIN[kind], name))
        else:
            raise Refused(f"its layer {name!r} ({shown(kind, 40)}) is nothing that numcam computes")
    last = next((i for i in reversed(range(len(pieces))) if pieces[i].kind == "Conv2d"), len(pieces))
    pieces.insert(last + 1, Piece("Flatten", "", {"of_one": True}))  # MatConvNet's classes are maps of 1x1
    return tensors, pieces


PLAIN = {"relu": "ReLU", "sigmoid": "Sigmoid", "dropout": "Dropout", "softmax": "Softmax", "softmaxloss": "Softmax"}


def _convolution(layer: Mapping[str, Any], name: str, tensors: dict[str, Tensor]) -> Piece:
    weights = layer.get("weights")
    given = weights if isinstance(weights, list) else [layer.get("filters"), layer.get("biases")]
    arrays = [one for one in given if isinstance(one, Numbers) and one.count]
    if not arrays or f"{name}.weight" in tensors:
        raise Refused(f"its layer {name!r} has no kernel, or there are two of that name")
    rows, cols, c, k = (*arrays[0].shape, 1, 1)[:4]
    shape: Shape = (rows, cols, c, k)
    tensors[f"{name}.weight"] = Tensor((k, c, rows, cols), "float32", partial(_kernel, arrays[0], shape))
    if len(arrays) > 1:
        tensors[f"{name}.bias"] = Tensor((prod(arrays[1].shape),), "float32", partial(_vector, arrays[1]))
    dilate = _whole(layer, name, "dilate", 1)
    if any(v != 1 for v in dilate):
        raise Refused(f"its layer {name!r} is dilated, which numcam does not compute")
    top, bottom, left, right = _four(layer, name)
    if (top, left) != (bottom, right):
        raise Refused(f"its layer {name!r} has a border of {(top, bottom, left, right)}; numcam knows even ones here")
    stride = _whole(layer, name, "stride", 1)
    return Piece("Conv2d", name, {"stride": (stride[0], stride[-1]), "padding": (top, left), "dense": True})


def _kernel(numbers: Numbers, shape: Shape) -> Array:
    """(rows, cols, c, k) -> (k, c, rows, cols), a view."""
    return numbers.array().reshape(shape, order="F").transpose(3, 2, 0, 1).astype(np.float32)


def _vector(numbers: Numbers) -> Array:
    return numbers.array().ravel(order="F").astype(np.float32)


def _pooling(layer: Mapping[str, Any], name: str) -> Piece:
    size, stride = _whole(layer, name, "pool", 1), _whole(layer, name, "stride", 1)
    top, bottom, left, right = _four(layer, name)
    how = layer.get("method", "max")
    if how not in ("max", "avg"):
        raise Refused(f"its layer {name!r} pools by {str(how)[:20]!r}, which numcam does not compute")
    settings: dict[str, Any] = {"kernel_size": (size[0], size[-1]), "stride": (stride[0], stride[-1])}
    settings |= {"edges": (top, bottom, left, right), "count_include_pad": False}
    return Piece("MaxPool2d" if how == "max" else "AvgPool2d", name, settings)


def _whole(layer: Mapping[str, Any], name: str, key: str, default: int) -> list[int]:
    value = layer.get(key)
    found = value.flat() if isinstance(value, Numbers) and value.count else [float(default)]
    if not all(v == int(v) and 0 <= v <= 4096 for v in found) or len(found) > 4:
        raise Refused(f"its layer {name!r} has {key} {found[:4]}; expected small whole numbers")
    return [int(v) for v in found]


def _four(layer: Mapping[str, Any], name: str) -> tuple[int, int, int, int]:
    pad = _whole(layer, name, "pad", 0)
    top, bottom, left, right = pad * 4 if len(pad) == 1 else pad if len(pad) == 4 else [pad[0]] * 2 + [pad[-1]] * 2
    return top, bottom, left, right


def _preprocessing(meta: Any) -> Preprocessing | None:
    """RGB less the mean that the network brings: three numbers, or a whole picture, of which the mean is taken."""
    normal = meta.get("normalization") if isinstance(meta, dict) else None
    mean = normal.get("averageImage") if isinstance(normal, dict) else None
    if not isinstance(mean, Numbers) or not prod(mean.shape) or (mean.shape[-1] != 3 and prod(mean.shape) != 3):
        return None
    values = mean.array().reshape(-1, 3, order="F").mean(axis=0)
    if not np.isfinite(values).all():
        raise Refused("its averageImage holds NaN or infinity")
    red, green, blue = (float(v) for v in values)
    return Preprocessing((red, green, blue), (1.0, 1.0, 1.0))


def _said(meta: Any) -> Iterator[str]:
    normal = meta.get("normalization") if isinstance(meta, dict) else None
    mean = normal.get("averageImage") if isinstance(normal, dict) else None
    if isinstance(mean, Numbers) and prod(mean.shape) > 3 and mean.shape[-1] == 3:
        yield "the mean colour of its averageImage for every place"


def _classes(meta: Any) -> tuple[str, ...] | None:
    classes = meta.get("classes") if isinstance(meta, dict) else None
    names = classes.get("description") if isinstance(classes, dict) else None
    if isinstance(names, list) and names and all(isinstance(one, str) and one.strip() for one in names):
        return tuple(shown(one, 200) for one in names)
    return None
