"""Page 03: a gradient has the shape of its array."""

import numpy as np


def linear_backward(dout, x, w, b):
    """(dx, dw, db) of out = x @ w.T + b. x (n, inputs), w (outputs, inputs), b (outputs,), dout (n, outputs)."""
    dx = dout @ w  # (n, outputs) @ (outputs, inputs) -> (n, inputs)
    dw = dout.T @ x  # (outputs, n) @ (n, inputs) -> (outputs, inputs): the sum over n is in the product
    db = dout.sum(axis=0)  # (outputs,): b was added to every picture
    return dx, dw, db


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x, w, b, dout = (rng.standard_normal(shape) for shape in ((4, 5), (3, 5), (3,), (4, 3)))
    for name, gradient, of in zip(("dx", "dw", "db"), linear_backward(dout, x, w, b), (x, w, b), strict=True):
        print(name, gradient.shape, "like", of.shape)
