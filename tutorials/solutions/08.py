"""Page 08: a network is a table, and preprocessing is part of the model."""

import numpy as np

import numcam
from numcam.models.vgg import parameter_shapes


def flatten(x):
    """(n, c, rows, cols) -> (n, c * rows * cols), channel by channel."""
    return x.reshape(x.shape[0], -1)


def preprocess(image, mean, scale, order="RGB"):
    """uint8 (rows, cols, 3) RGB -> (1, 3, rows, cols), (pixels - mean) / scale; "BGR" reverses the channels last."""
    x = (image.astype(float) - np.array(mean)) / np.array(scale)  # float first: uint8 would wrap around
    if order == "BGR":
        x = x[:, :, ::-1]
    return x.transpose(2, 0, 1)[None]  # a transpose, not a reshape


def count_parameters(network):
    """All weights and biases."""
    return sum(array.size for array in network.parameters.values())


def count_multiply_adds(network, input_shape):
    """What convolutions and linear layers multiply in one forward pass."""
    shapes, total = network.shapes(input_shape), 0
    for name, layer in network.layers.items():
        outputs = int(np.prod(shapes[name]))  # n * k * rows * cols, or n * units
        if isinstance(layer, numcam.Conv2d | numcam.Linear):
            total += outputs * layer.weight[0].size  # the weights that one output sums over
    return total


if __name__ == "__main__":
    classifier = numcam.load()
    print(f"pocket: {count_parameters(classifier.network):,} parameters,", end=" ")
    print(f"{count_multiply_adds(classifier.network, (1, 3, 224, 224)):,} multiply-adds")
    print(f"vgg19: {sum(int(np.prod(s)) for s in parameter_shapes('vgg19').values()):,} parameters")
    scene, p = numcam.scenes.draw(14, objects=2, names=("cat", "dog")), classifier.preprocessing
    for order in ("RGB", "BGR"):
        x = preprocess(scene.image, p.mean, p.scale, order).astype(np.float32)
        print(order, classifier.forward(x).output[0].round(2))
