"""Pages 08 and 09 in other styles."""

from functools import reduce
from itertools import chain, pairwise
from math import prod

import numpy as np
from exercises.variants import right
from PIL import Image

import numcam
from numcam.models.preprocessing import Preprocessing
from numcam.nn import Conv2d, Linear, ReLU
from numcam.nn.gradcheck import directional_derivative

for name, function in {
    "reshape": lambda x: x.reshape(len(x), -1),
    "rows and sizes": lambda x: np.reshape(x, (x.shape[0], x.shape[1] * x.shape[2] * x.shape[3])),
    "ravel each": lambda x: np.stack([picture.ravel() for picture in x]),
    "lists": lambda x: [[v for channel in picture for row in channel for v in row] for picture in x.tolist()],
    "concatenate channels": lambda x: np.concatenate([x[:, c].reshape(len(x), -1) for c in range(x.shape[1])], axis=1),
    "concatenate rows": lambda x: np.hstack([x[:, c, i] for c in range(x.shape[1]) for i in range(x.shape[2])]),
    "flat iterator": lambda x: np.array([list(picture.flat) for picture in x]),
    "einsum copy": lambda x: np.einsum("ncij->ncij", x).reshape(x.shape[0], -1),
    "fortran of the transpose": lambda x: (
        x.transpose(3, 2, 1, 0).reshape(-1, len(x), order="F").T
        if len(x) == 1
        else np.vstack([p.T.ravel("F") for p in x])
    ),
    "float32": lambda x: x.astype(np.float32).reshape(len(x), -1),
    "layer": lambda x: numcam.Flatten().forward(x),
    "columns then transpose": lambda x: np.array([x[:, c, i, j] for c, i, j in np.ndindex(*x.shape[1:])]).T,
}.items():
    function.__name__ = name
    right("flatten")(function)


@right("flatten")
def by_index_arithmetic(x):
    _, c, rows, cols = x.shape
    out = np.empty((len(x), c * rows * cols))
    for k in range(out.shape[1]):
        out[:, k] = x[:, k // (rows * cols), k // cols % rows, k % cols]
    return out


@right("preprocess")
def channel_by_channel(image, mean, scale, order="RGB"):
    x = np.empty((1, 3, *image.shape[:2]))
    for c in range(3):
        x[0, 2 - c if order == "BGR" else c] = (image[:, :, c].astype(float) - mean[c]) / scale[c]
    return x


@right("preprocess")
def transposed_first(image, mean, scale, order="RGB"):
    x = np.moveaxis(image, -1, 0)[None].astype(np.float32)
    x = (x - np.float32(mean).reshape(3, 1, 1)) / np.float32(scale).reshape(3, 1, 1)
    return x[:, ::-1] if order == "BGR" else x


@right("preprocess")
def everything_reversed_first(image, mean, scale, order="RGB"):
    if order == "BGR":
        image, mean, scale = image[..., ::-1], mean[::-1], scale[::-1]
    return ((image * 1.0 - mean) / scale).transpose(2, 0, 1)[np.newaxis]


@right("preprocess")
def folded_into_one_line(image, mean, scale, order="RGB"):
    gain, shift = 1 / np.array(scale), -np.array(mean) / np.array(scale)
    return np.expand_dims(np.rollaxis(image * gain + shift, 2), 0)[:, {"RGB": [0, 1, 2], "BGR": [2, 1, 0]}[order]]


@right("preprocess")
def as_lists(image, mean, scale, order="RGB"):
    channels = [2, 1, 0] if order == "BGR" else [0, 1, 2]
    return [[[[(int(v) - mean[c]) / scale[c] for v in row] for row in image[:, :, c]] for c in channels]]


@right("preprocess")
def by_numcam(image, mean, scale, order="RGB"):
    return Preprocessing(mean, scale, order).forward(np.float64(image).transpose(2, 0, 1)[None])


@right("preprocess")
def by_einsum(image, mean, scale, order="RGB"):
    turn = np.eye(3)[::-1] if order == "BGR" else np.eye(3)
    return np.einsum("kc,ijc->kij", turn / np.array(scale), image - np.asarray(mean, float))[None]


@right("preprocess")
def by_pillow_bands(image, mean, scale, order="RGB"):
    bands = [np.asarray(band, np.float32) for band in Image.fromarray(image).split()]
    bands = [(band - m) / s for band, m, s in zip(bands, mean, scale, strict=True)]
    return np.array([bands[::-1] if order == "BGR" else bands])


@right("preprocess")
def by_pixel_loops(image, mean, scale, order="RGB"):
    x = np.zeros((1, 3, image.shape[0], image.shape[1]), np.float32)
    for i, j, c in np.ndindex(*image.shape):
        to = c if order == "RGB" else 2 - c
        x[0, to, i, j] = (float(image[i, j, c]) - mean[c]) / scale[c]
    return x


@right("preprocess")
def in_place_on_a_copy(image, mean, scale, order="RGB"):
    x = image.astype(np.float64)
    x -= mean
    x /= scale
    x = x.swapaxes(1, 2).swapaxes(0, 1)[None]
    return np.flip(x, axis=1) if order != "RGB" else x


for name, function in {
    "size": lambda network: sum(p.size for p in network.parameters.values()),
    "shapes": lambda network: sum(prod(p.shape) for p in network.parameters.values()),
    "layers": lambda network: sum(p.size for layer in network.layers.values() for p in layer.parameters.values()),
    "weight and bias": lambda network: sum(
        layer.weight.size + layer.bias.size for layer in network.layers.values() if isinstance(layer, Conv2d | Linear)
    ),
    "concatenated": lambda network: len(np.concatenate([p.ravel() for p in network.parameters.values()])),
    "numpy integer": lambda network: np.sum([p.size for p in network.parameters.values()]),
    "float": lambda network: float(sum(np.size(p) for p in network.parameters.values())),
    "bytes": lambda network: sum(p.nbytes // p.itemsize for p in network.parameters.values()),
    "reduce": lambda network: reduce(lambda n, p: n + p.size, network.parameters.values(), 0),
    "formula": lambda network: sum(
        len(layer.weight) * (1 + int(np.prod(layer.weight.shape[1:])))
        for layer in network.layers.values()
        if hasattr(layer, "weight")
    ),
    "chain": lambda network: len(list(chain.from_iterable(p.flat for p in network.parameters.values()))),
    "ones": lambda network: int(sum(np.ones(p.shape).sum() for p in network.parameters.values())),
}.items():
    function.__name__ = name
    right("count_parameters")(function)


@right("count_multiply_adds")
def per_output_number(network, input_shape):
    shapes = network.shapes(input_shape)
    return sum(
        prod(shapes[name]) * layer.weight[0].size
        for name, layer in network.layers.items()
        if isinstance(layer, Conv2d | Linear)
    )


@right("count_multiply_adds")
def by_two_formulas(network, input_shape):
    total, shapes = 0, network.shapes(input_shape)
    for before, name in pairwise(shapes):
        layer, out = network.layers[name], shapes[name]
        if isinstance(layer, Conv2d):
            k, c, kr, kc = layer.weight.shape
            total += out[0] * k * c * kr * kc * out[2] * out[3]
        elif isinstance(layer, Linear):
            total += out[0] * shapes[before][1] * out[1]
    return total


@right("count_multiply_adds")
def weights_times_places(network, input_shape):
    shapes = network.shapes(input_shape)
    total = np.int64(0)
    for name, layer in network.layers.items():
        if hasattr(layer, "weight"):
            shape = shapes[name]
            total += layer.weight.size * shape[0] * int(np.prod(shape[2:]))
    return total


@right("count_multiply_adds")
def by_running_it(network, input_shape):
    trace = network.forward(np.zeros(input_shape))
    return sum(trace[name].size * layer.weight[0].size for name, layer in network.layers.items() if layer.parameters)


@right("count_multiply_adds")
def by_counting_with_ones(network, input_shape):
    """Ones as weights and inputs: the sum of a layer's outputs, were there no border, counts its products."""
    shapes, total = network.shapes(input_shape), 0
    for before, name in pairwise(shapes):
        layer = network.layers[name]
        if isinstance(layer, Linear):
            total += (np.ones(shapes[before]) @ np.ones(layer.weight.shape).T).sum()
        elif isinstance(layer, Conv2d):
            total += sum(np.ones(layer.weight.shape[1:]).sum() for _ in np.ndindex(*shapes[name]))
    return int(total)


@right("count_multiply_adds")
def as_a_float(network, input_shape):
    return float(by_two_formulas(network, input_shape))


@right("count_multiply_adds")
def one_picture_times_n(network, input_shape):
    return input_shape[0] * per_output_number(network, (1, *input_shape[1:]))


@right("count_multiply_adds")
def shapes_followed_by_hand(network, input_shape):
    shape, total = tuple(input_shape), 0
    for layer in network.layers.values():
        shape = layer.output_shape(shape)
        match layer:
            case Conv2d():
                total += prod(shape) * prod(layer.weight.shape[1:])
            case Linear():
                total += prod(shape) * layer.weight.shape[1]
    return total


@right("count_multiply_adds")
def as_matrix_products(network, input_shape):
    shapes, total = network.shapes(input_shape), []
    for name, layer in network.layers.items():
        if name in shapes and "weight" in layer.parameters:
            left, inner = layer.weight.reshape(len(layer.weight), -1).shape
            total.append(left * inner * (prod(shapes[name]) // left))
    return np.array(total).sum()


@right("count_multiply_adds")
def by_parameters(network, input_shape):
    shapes = network.shapes(input_shape)
    weights = {k.removesuffix(".weight"): p for k, p in network.parameters.items() if k.endswith(".weight")}
    return sum(prod(shapes[k]) // len(p) * p.size for k, p in weights.items())


def seed(trace, target):
    out = np.zeros_like(trace.output)
    for i, t in enumerate(np.broadcast_to(target, len(out))):
        out[i, t] = 1
    return out


def walk(trace, target, stop="input", rule=None):
    """The backward pass by hand."""
    names, g = list(trace), seed(trace, target)
    while names[-1] != stop:
        name = names.pop()
        layer, x = trace.network.layers[name], trace[names[-1]]
        g = rule(g, x) if rule and isinstance(layer, ReLU) else layer.backward(g, x, trace[name])
    return g


def one_by_one(trace, target):
    targets = np.broadcast_to(target, len(trace.output))
    network, x = trace.network, trace["input"]
    return np.concatenate([network.forward(x[i : i + 1]).backward(int(t))["input"] for i, t in enumerate(targets)])


def by_jacobian(trace, target):
    jacobian = np.stack([trace.backward(k)["input"] for k in range(trace.output.shape[1])], axis=1)
    return jacobian[np.arange(len(jacobian)), target]


for name, function in {
    "int or indices": lambda trace, target: trace.backward(target)["input"],
    "seed": lambda trace, target: trace.backward(seed(trace, target))["input"],
    "by hand": walk,
    "one by one": one_by_one,
    "numcam": numcam.saliency,
    "list of targets": lambda trace, target: trace.backward(np.broadcast_to(target, len(trace.output)).tolist())[
        "input"
    ],
    "stop named": lambda trace, target: trace.backward(target, numcam.STANDARD, stop="input")["input"].copy(),
    "Jacobian": by_jacobian,
    "weighted classes": lambda trace, target: np.einsum(
        "nk,knchw->nchw",
        seed(trace, target),
        np.stack([trace.backward(k)["input"] for k in range(trace.output.shape[1])]),
    ),
    "twice half": lambda trace, target: 2 * trace.backward(seed(trace, target) / 2)["input"],
    "float32": lambda trace, target: trace.network.forward(trace["input"].astype(np.float32)).backward(target)["input"],
    "minus minus": lambda trace, target: -trace.backward(-seed(trace, target))["input"],
    "rules by hand": lambda trace, target: trace.backward(target, {ReLU: lambda d, x: np.where(x > 0, d, 0)})["input"],
    "lists": lambda trace, target: trace.backward(target)["input"].tolist(),
}.items():
    function.__name__ = name
    right("saliency")(function)


def moved_in_place_and_back(f, x, direction, step=1e-5):
    y = x.copy()
    y += step * direction
    up = f(y)
    y -= 2 * step * direction
    return (up - f(y)) / (2 * step)


for name, function in {
    "numcam": directional_derivative,
    "two halves": lambda f, x, d, step=1e-5: ((f(x + step * d) - f(x)) + (f(x) - f(x - step * d))) / step / 2,
    "in place on a copy": moved_in_place_and_back,
    "loop over signs": lambda f, x, d, step=1e-5: sum(s * f(x + s * step * d) for s in (1, -1)) / (2 * step),
    "dot": lambda f, x, d, step=1e-5: np.dot([0.5, -0.5], [f(x + step * d), f(x - step * d)]) / step,
    "np.gradient": lambda f, x, d, step=1e-5: np.gradient([f(x + k * step * d) for k in (-1, 0, 1)], step)[1],
    "line": lambda f, x, d, step=1e-5: (lambda g: (g(step) - g(-step)) / (2 * step))(lambda t: f(x + t * d)),
    "0-d array": lambda f, x, d, step=1e-5: np.asarray((f(x + step * d) - f(x - step * d)) / (2 * step)),
    "polyfit": lambda f, x, d, step=1e-5: np.polyfit([-1, 1], [f(x - step * d), f(x + step * d)], 1)[0] / step,
    "float32 result": lambda f, x, d, step=1e-5: np.float32((f(x + step * d) - f(x - step * d)) / (2 * step)),
    "np.diff": lambda f, x, d, step=1e-5: np.diff([f(x - d * step), f(x + d * step)])[0] / 2 / step,
    "flat": lambda f, x, d, step=1e-5: (
        (f((x.ravel() + step * d.ravel()).reshape(x.shape)) - f((x.ravel() - step * d.ravel()).reshape(x.shape)))
        / (step + step)
    ),
}.items():
    function.__name__ = name
    right("directional_derivative")(function)
