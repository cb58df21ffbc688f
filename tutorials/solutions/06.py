"""Page 06: convolution is one matrix product, and col2im is im2col seen from the other side."""

import numpy as np


def places(shape, kernel, stride, padding):
    """How many windows fit: (out rows, out cols). shape ends in (rows, cols)."""
    sizes = zip(shape[-2:], kernel, stride, padding, strict=True)
    return tuple((size + 2 * p - k) // s + 1 for size, k, s, p in sizes)


def im2col(image, kernel, stride=(1, 1), padding=(0, 0)):
    """Every window of (c, rows, cols) as a column: (c * kernel rows * kernel cols, windows)."""
    padded = np.pad(image, ((0, 0), (padding[0],) * 2, (padding[1],) * 2))
    rows, cols = places(image.shape, kernel, stride, padding)
    columns = []
    for row in range(rows):
        for col in range(cols):
            top, left = row * stride[0], col * stride[1]
            columns.append(padded[:, top : top + kernel[0], left : left + kernel[1]].ravel())
    return np.stack(columns, axis=1)


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
    """Every column added back to the place it was read from; a picture of `shape`, without the padding."""
    c, rows, cols = shape
    padded = np.zeros((c, rows + 2 * padding[0], cols + 2 * padding[1]), columns.dtype)
    out_rows, out_cols = places(shape, kernel, stride, padding)
    for row in range(out_rows):
        for col in range(out_cols):
            top, left = row * stride[0], col * stride[1]
            window = columns[:, row * out_cols + col].reshape(c, *kernel)
            padded[:, top : top + kernel[0], left : left + kernel[1]] += window
    return padded[:, padding[0] : padding[0] + rows, padding[1] : padding[1] + cols]


def conv2d(x, w, b, stride=(1, 1), padding=(0, 0)):
    """x (n, c, rows, cols), w (k, c, kernel rows, kernel cols), b (k,) -> (n, k, out rows, out cols)."""
    k, _, *kernel = w.shape
    flat = w.reshape(k, -1)  # (k, c * kernel rows * kernel cols)
    out = np.stack([flat @ im2col(image, kernel, stride, padding) for image in x])  # (n, k, windows)
    return (out + b[:, None]).reshape(len(x), k, *places(x.shape, kernel, stride, padding))


def conv2d_backward(dout, x, w, b, stride=(1, 1), padding=(0, 0)):
    """(dx, dw, db). Three lines of the matrix product, picture by picture; the flip happens inside col2im."""
    k, _, *kernel = w.shape
    flat = w.reshape(k, -1)
    dx, dw = np.zeros_like(x), np.zeros_like(flat)
    for i, image in enumerate(x):
        d = dout[i].reshape(k, -1)  # (k, windows)
        dx[i] = col2im(flat.T @ d, image.shape, kernel, stride, padding)
        dw += d @ im2col(image, kernel, stride, padding).T
    return dx, dw.reshape(w.shape), dout.sum(axis=(0, 2, 3))


if __name__ == "__main__":
    image = np.arange(1.0, 10).reshape(1, 3, 3)
    print(im2col(image, (2, 2)))
    print(col2im(im2col(np.ones((1, 3, 3)), (2, 2)), (1, 3, 3), (2, 2))[0])  # in how many windows each pixel lies
