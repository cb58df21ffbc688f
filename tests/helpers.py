"""What several test modules share: small networks with no symmetry in them, and the naive twins of fast code."""

import numpy as np

from numcam.nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, Network, ReLU


def apart(rng, shape, least=0.1):
    """Numbers that keep away from 0 and from each other, so that no kink or tie is within a central difference."""
    size = int(np.prod(shape))
    return rng.permuted(np.linspace(least, 2, size)).reshape(shape) * rng.choice([-1.0, 1.0], shape)


def small_network(seed=0, dtype=np.float64, inputs=(7, 9), classes=4):
    """Two convolutions, a pool, two linear layers; odd sizes, all channel counts different."""
    rng = np.random.default_rng(seed)

    def n(*shape):
        return (rng.standard_normal(shape) * (0.6 if len(shape) > 1 else 0.3)).astype(dtype)

    rows, cols = inputs[0] // 2, inputs[1] // 2
    return Network(
        {
            "conv1": Conv2d(n(3, 2, 3, 3), n(3), padding=1),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(n(5, 3, 3, 3), n(5), padding=1),
            "relu2": ReLU(),
            "flatten": Flatten(),
            "fc3": Linear(n(6, 5 * rows * cols), n(6)),
            "relu3": ReLU(),
            "drop3": Dropout(0.5),
            "fc4": Linear(n(classes, 6), n(classes)),
        }
    )


def small_input(seed=1, n=2, dtype=np.float64, inputs=(7, 9)):
    return np.random.default_rng(seed).standard_normal((n, 2, *inputs)).astype(dtype)


def naive_conv2d(x, w, b, stride, padding):
    """The definition, term by term."""
    n, c, rows, cols = x.shape
    k, _, kr, kc = w.shape
    padded = np.zeros((n, c, rows + 2 * padding[0], cols + 2 * padding[1]), x.dtype)
    padded[:, :, padding[0] : padding[0] + rows, padding[1] : padding[1] + cols] = x
    out_rows = (padded.shape[2] - kr) // stride[0] + 1
    out_cols = (padded.shape[3] - kc) // stride[1] + 1
    out = np.empty((n, k, out_rows, out_cols), x.dtype)
    for row in range(out_rows):
        for col in range(out_cols):
            window = padded[:, :, row * stride[0] :, col * stride[1] :][:, :, :kr, :kc]
            for kernel in range(k):
                out[:, kernel, row, col] = (window * w[kernel]).sum(axis=(1, 2, 3)) + b[kernel]
    return out
