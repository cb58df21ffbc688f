"""Is a backward pass right? Ask the forward pass: (f(x + h) - f(x - h)) / 2h, in float64.

The error of a central difference is h^2 f'''/6 plus rounding of about 1e-16 |f| / h. At a kink (ReLU at 0, a tie
in a maximum) it measures neither side: check such points by hand.
"""

from collections.abc import Callable

import numpy as np

from numcam.nn.types import Array, Layer


def numerical_gradient(f: Callable[[Array], float], x: Array, step: float = 1e-5) -> Array:
    """df/dx, element by element: two evaluations for each of them. x float64, any shape; f returns a number."""
    gradient = np.empty_like(x, dtype=np.float64)
    for index in np.ndindex(x.shape):
        ends = []
        for h in (step, -step):
            moved = x.astype(np.float64)
            moved[index] += h
            ends.append(f(moved))
        gradient[index] = (ends[0] - ends[1]) / (2 * step)
    return gradient


def directional_derivative(f: Callable[[Array], float], x: Array, direction: Array, step: float = 1e-5) -> float:
    """df along `direction`: two evaluations, whatever the size of x. To be compared with sum(gradient * direction)."""
    return (f(x + step * direction) - f(x - step * direction)) / (2 * step)


def relative_error(a: Array, b: Array) -> float:
    """max|a - b| / max(|a|, |b|): 0 for equal arrays, about 1 for unrelated ones. ValueError for unequal shapes."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"only arrays of one shape can be compared; got {a.shape} and {b.shape}")
    largest = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    return 0.0 if largest == 0 else float(np.abs(a - b).max() / largest)


def check_layer(layer: Layer, x: Array, seed: int = 0, step: float = 1e-5) -> dict[str, float]:
    """Relative error of dx ("input") and of every parameter's gradient, against central differences.

    The score is sum(r * layer.forward(x)) for a random r, so that no two outputs weigh the same.
    """
    out = layer.forward(x)
    r = np.random.default_rng(seed).standard_normal(out.shape)
    errors = {
        "input": relative_error(
            layer.backward(r, x, out), numerical_gradient(lambda v: float((r * layer.forward(v)).sum()), x, step)
        )
    }
    exact = layer.parameter_gradients(r, x)
    for name, value in layer.parameters.items():

        def score(v: Array, name: str = name) -> float:
            return float((r * layer.with_parameters({**layer.parameters, name: v}).forward(x)).sum())

        errors[name] = relative_error(exact[name], numerical_gradient(score, value, step))
    return errors
