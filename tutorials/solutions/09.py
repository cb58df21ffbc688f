"""Page 09: trace and gradients are twins."""

import numpy as np

import numcam


def saliency(trace, target):
    """The gradient of the target's logit at the input, signed: (n, 3, rows, cols)."""
    seed = np.zeros_like(trace.output)
    seed[np.arange(len(seed)), target] = 1  # one logit of each picture
    return trace.backward(seed)["input"]


def directional_derivative(f, x, direction, step=1e-5):
    """How fast f changes along `direction`: two evaluations. Compare with sum(gradient * direction)."""
    return (f(x + step * direction) - f(x - step * direction)) / (2 * step)


if __name__ == "__main__":
    network = numcam.load("pocket").network.astype(np.float64)
    rng = np.random.default_rng(0)
    x, direction = rng.standard_normal((2, 1, 3, 224, 224))
    gradient = saliency(network.forward(x), 0)
    measured = directional_derivative(lambda v: float(network.forward(v).output[0, 0]), x, direction, 1e-8)
    print(
        f"pocket along one direction: measured {measured:.6f}, by the backward pass {(gradient * direction).sum():.6f}"
    )
