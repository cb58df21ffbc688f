"""Page 05: the winner takes the gradient."""

import numpy as np


def windows(x, size, stride):
    """Every window as (row, column, its cells (n, c, size, size)), a view of x."""
    for row in range((x.shape[2] - size) // stride + 1):
        for col in range((x.shape[3] - size) // stride + 1):
            top, left = row * stride, col * stride
            yield row, col, x[:, :, top : top + size, left : left + size]


def maxpool(x, size, stride):
    """The largest value of every window: (n, c, rows, cols) -> (n, c, out rows, out cols)."""
    n, c, rows, cols = x.shape
    out = np.empty((n, c, (rows - size) // stride + 1, (cols - size) // stride + 1), x.dtype)
    for row, col, cells in windows(x, size, stride):
        out[:, :, row, col] = cells.max(axis=(2, 3))
    return out


def maxpool_backward(dout, x, size, stride):
    """Each window's gradient to its first maximum; += because windows may overlap, and paths add."""
    n, c = x.shape[:2]
    dx = np.zeros_like(x)
    for (row, col, cells), (_, _, receivers) in zip(windows(x, size, stride), windows(dx, size, stride), strict=True):
        winner = cells.reshape(n, c, -1).argmax(axis=2)  # (n, c): argmax takes the first of equals
        hot = np.arange(size * size) == winner[:, :, None]  # (n, c, size * size)
        receivers += hot.reshape(n, c, size, size) * dout[:, :, row, col, None, None]
    return dx


if __name__ == "__main__":
    x = np.array([[1.0, 2, 5, 3], [4, 3, 1, 0], [2, 9, 6, 7], [5, 1, 8, 4]])[None, None]
    print(maxpool(x, 3, 1)[0, 0])
    print(maxpool_backward(np.array([[[[10.0, 20], [30, 40]]]]), x, 3, 1)[0, 0])  # the 9 wins all four: 100
