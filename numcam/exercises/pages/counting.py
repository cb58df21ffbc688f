"""Page 08: a network is a table of numbers and of work."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import numbers, read_only, small_network
from numcam.models.vgg import random_network
from numcam.nn import AvgPool2d, Conv2d, Flatten, Linear, Network, ReLU
from numcam.nn.types import Layer, Shape


@exercise("08", "count")
def count_parameters(network: Network) -> int:
    """How many numbers the network has learned: all weights and all biases. A whole number."""
    return sum(p.size for p in network.parameters.values())


@exercise("08", "count")
def count_multiply_adds(network: Network, input_shape: Shape) -> int:
    """The multiplications, each with its addition, of one forward pass over an input (n, 3, rows, cols).

    Those of convolutions and linear layers; biases, ReLUs and pooling are not counted. A whole number.
    """
    shapes = network.shapes(input_shape)
    return sum(work(network.layers[name], shapes[before], shapes[name]) for before, name in pairwise(shapes))


def work(layer: Any, before: Shape, after: Shape) -> int:
    """A convolution's output numbers cost c * rows * cols of its kernel each, a linear layer's its inputs."""
    if isinstance(layer, Conv2d):
        return int(np.prod(after)) * int(np.prod(layer.weight.shape[1:]))
    return int(np.prod(after)) * before[1] if isinstance(layer, Linear) else 0


def strided_network() -> Network:
    """A convolution that halves, one without padding, an odd kernel, a linear layer."""
    layers: dict[str, Layer] = {
        "conv1": Conv2d(numbers(82, 4, 3, 3, 3), numbers(83, 4), stride=2, padding=1),
        "relu1": ReLU(),
        "conv2": Conv2d(numbers(84, 5, 4, 2, 3), numbers(85, 5)),
        "pool2": AvgPool2d(2),
        "flatten": Flatten(),
        "fc3": Linear(numbers(86, 6, 20), numbers(87, 6)),
    }
    return read_only(Network(layers))


@count_parameters.inputs
def _() -> Iterator[Case]:
    yield Case(
        "one convolution, 2 -> 4 channels, 3x3",
        (read_only(Network({"conv": Conv2d(np.ones((4, 2, 3, 3)), np.ones(4))})),),
    )
    yield Case("a network of three layers with parameters", (strided_network(),))
    yield Case("a small VGG", (small_network(),))
    yield Case("pocket", (read_only(random_network("pocket", input_size=(64, 64))),))


@count_multiply_adds.inputs
def _() -> Iterator[Case]:
    one = read_only(Network({"conv": Conv2d(np.ones((4, 2, 3, 3)), np.ones(4), padding=1)}))
    yield Case("one 3x3 convolution, 2 -> 4 channels, over 5x6 places", (one, (1, 2, 5, 6)))
    yield Case("strides, a kernel of 2x3, a linear layer", (strided_network(), (1, 3, 10, 12)))
    yield Case("a batch of 2", (small_network(), (2, 3, 8, 12)))


@count_parameters.wrong()
def biases_forgotten(network: Network) -> int:
    """The biases are missing, one number for each output channel or unit."""
    return sum(p.size for name, p in network.parameters.items() if name.endswith("weight"))


@count_parameters.wrong()
def convolutions_only(network: Network) -> int:
    """Only the convolutions are counted; nine tenths of VGG16's parameters are in its three linear layers."""
    return sum(
        p.size for layer in network.layers.values() if isinstance(layer, Conv2d) for p in layer.parameters.values()
    )


@count_parameters.wrong()
def arrays_for_numbers(network: Network) -> int:
    """That is the number of arrays; add up their sizes."""
    return len(network.parameters)


@count_parameters.wrong()
def kernel_area_forgotten(network: Network) -> int:
    """The rows and columns of the kernels are missing: a 3x3 convolution has c * 3 * 3 weights for each output
    channel.
    """
    return sum(int(np.prod(p.shape[:2])) for p in network.parameters.values())


@count_parameters.wrong()
def first_axis_only(network: Network) -> int:
    """len() of an array counts its first axis only; its size counts all of its numbers."""
    return sum(len(p) for p in network.parameters.values())


@count_parameters.wrong()
def bytes_for_numbers(network: Network) -> int:
    """That counts bytes; a float32 has 4, a float64 has 8."""
    return sum(p.nbytes for p in network.parameters.values())


def layer_work(network: Network, input_shape: Shape, cost: Any) -> int:
    shapes = network.shapes(input_shape)
    return sum(int(cost(network.layers[name], shapes[before], shapes[name])) for before, name in pairwise(shapes))


@count_multiply_adds.wrong()
def doubled(network: Network, input_shape: Shape) -> int:
    """Multiplications and additions are counted apart, as some tables of FLOPs do; here the two together count 1."""
    return 2 * count_multiply_adds.right(network, input_shape)


@count_multiply_adds.wrong()
def input_places(network: Network, input_shape: Shape) -> int:
    """A convolution's cost is taken at the places of its input; it is paid at every place of its *output*."""

    def cost(layer: Any, before: Shape, after: Shape) -> int:
        return (
            layer.weight.size * int(np.prod((before[0], *before[2:])))
            if isinstance(layer, Conv2d)
            else work(layer, before, after)
        )

    return layer_work(network, input_shape, cost)


@count_multiply_adds.wrong()
def places_forgotten(network: Network, input_shape: Shape) -> int:
    """That is the number of weights; a kernel is used again at every place of the output."""

    def cost(layer: Any, before: Shape, after: Shape) -> int:
        return after[0] * layer.weight.size if isinstance(layer, Conv2d | Linear) else 0

    return layer_work(network, input_shape, cost)


@count_multiply_adds.wrong()
def input_channels_forgotten(network: Network, input_shape: Shape) -> int:
    """The input channels are missing: an output sums over all of them."""

    def cost(layer: Any, before: Shape, after: Shape) -> int:
        return work(layer, before, after) // before[1] if isinstance(layer, Conv2d) else work(layer, before, after)

    return layer_work(network, input_shape, cost)


@count_multiply_adds.wrong()
def kernel_cells_forgotten(network: Network, input_shape: Shape) -> int:
    """The kernel's rows and columns are missing: a 3x3 window costs nine multiplications for each channel."""

    def cost(layer: Any, before: Shape, after: Shape) -> int:
        cells = int(np.prod(layer.weight.shape[2:])) if isinstance(layer, Conv2d) else 1
        return work(layer, before, after) // cells

    return layer_work(network, input_shape, cost)


@count_multiply_adds.wrong()
def linear_forgotten(network: Network, input_shape: Shape) -> int:
    """Only the convolutions are counted; a linear layer costs inputs * outputs."""
    return layer_work(network, input_shape, lambda one, a, b: work(one, a, b) if isinstance(one, Conv2d) else 0)


@count_multiply_adds.wrong()
def batch_forgotten(network: Network, input_shape: Shape) -> int:
    """That is the cost of one picture; a batch of n costs n times as much."""
    return count_multiply_adds.right(network, (1, *input_shape[1:]))


@count_multiply_adds.wrong()
def bias_counted(network: Network, input_shape: Shape) -> int:
    """The additions of the biases are counted too; they come with no multiplication."""

    def cost(layer: Any, before: Shape, after: Shape) -> int:
        return work(layer, before, after) + (int(np.prod(after)) if isinstance(layer, Conv2d | Linear) else 0)

    return layer_work(network, input_shape, cost)
