"""Page 04: ReLU passes or blocks."""

import numpy as np


def relu_backward(dout, x):
    """dout where x > 0, else 0; at x = 0 it is 0. A new array: dout stays as it was."""
    return np.where(x > 0, dout, 0)


if __name__ == "__main__":
    x, dout = np.array([-1.0, 0.0, 2.0]), np.array([5.0, 6.0, 7.0])
    print("dx  ", relu_backward(dout, x))
    print("dout", dout)
