"""Page 06 in other styles."""

import numpy as np
from exercises.variants import right
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from scipy import signal

from numcam.nn import Conv2d

ONE, NONE = (1, 1), (0, 0)


def pad(x, padding):
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(p, p) for p in padding])


def counts(shape, kernel, stride, padding):
    return [(shape[a - 2] + 2 * padding[a] - kernel[a]) // stride[a] + 1 for a in (0, 1)]


@right("im2col")
def by_loops_over_windows(image, kernel, stride=ONE, padding=NONE):
    padded, (rows, cols) = pad(image, padding), counts(image.shape, kernel, stride, padding)
    out = np.empty((image.shape[0] * kernel[0] * kernel[1], rows * cols))
    for i in range(rows):
        for j in range(cols):
            window = padded[:, i * stride[0] :, j * stride[1] :][:, : kernel[0], : kernel[1]]
            out[:, i * cols + j] = window.reshape(-1)
    return out


@right("im2col")
def by_loops_over_taps(image, kernel, stride=ONE, padding=NONE):
    padded, (rows, cols) = pad(image, padding), counts(image.shape, kernel, stride, padding)
    lines = []
    for c in range(image.shape[0]):
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                lines.append(
                    padded[c, i : i + stride[0] * rows : stride[0], j : j + stride[1] * cols : stride[1]].ravel()
                )
    return np.array(lines)


@right("im2col")
def by_sliding_windows(image, kernel, stride=ONE, padding=NONE):
    windows = sliding_window_view(pad(image, padding), (image.shape[0], *kernel))[0, :: stride[0], :: stride[1]]
    return windows.reshape(windows.shape[0] * windows.shape[1], -1).T


@right("im2col")
def by_strides(image, kernel, stride=ONE, padding=NONE):
    padded, (rows, cols) = np.ascontiguousarray(pad(image, padding)), counts(image.shape, kernel, stride, padding)
    a, b, c = padded.strides
    view = as_strided(padded, (image.shape[0], *kernel, rows, cols), (a, b, c, b * stride[0], c * stride[1]))
    return view.reshape(-1, rows * cols)


@right("im2col")
def by_fancy_indices(image, kernel, stride=ONE, padding=NONE):
    rows, cols = counts(image.shape, kernel, stride, padding)
    c, i, j = (a.reshape(-1, 1) for a in np.indices((image.shape[0], *kernel)))
    top, left = (a.reshape(1, -1) for a in np.indices((rows, cols)))
    return pad(image, padding)[c, top * stride[0] + i, left * stride[1] + j]


@right("im2col")
def by_flat_numbers(image, kernel, stride=ONE, padding=NONE):
    padded = pad(image, padding)
    numbers = np.arange(padded.size).reshape(padded.shape)
    return padded.ravel()[by_loops_over_windows(numbers, kernel, stride).astype(int)]


@right("im2col")
def as_nested_lists(image, kernel, stride=ONE, padding=NONE):
    padded, (rows, cols) = pad(image, padding), counts(image.shape, kernel, stride, padding)
    return [
        [padded[c, i * stride[0] + di, j * stride[1] + dj] for i in range(rows) for j in range(cols)]
        for c in range(image.shape[0])
        for di in range(kernel[0])
        for dj in range(kernel[1])
    ]


@right("im2col")
def without_stride(image, kernel, padding=NONE):
    return by_loops_over_windows(image, kernel, ONE, padding)


@right("im2col")
def in_single_precision(image, kernel, stride=ONE, padding=NONE):
    return by_strides(image.astype(np.float32), kernel, stride, padding)


@right("im2col")
def channel_by_channel(image, kernel, stride=ONE, padding=NONE):
    return np.concatenate([by_sliding_windows(channel[None], kernel, stride, padding) for channel in image])


@right("im2col")
def with_keywords_swallowed(img, k, **options):
    return np.vstack(list(by_loops_over_taps(img, k, **options)))


@right("im2col")
def with_a_border_of_its_own(image, kernel, stride=ONE, padding=NONE):
    c, rows, cols = image.shape
    padded = np.zeros((c, rows + padding[0] * 2, cols + padding[1] * 2), image.dtype)
    padded[:, padding[0] : padding[0] + rows, padding[1] : padding[1] + cols] = image
    return by_fancy_indices(padded, kernel, stride)


@right("col2im")
def added_window_by_window(columns, shape, kernel, stride=ONE, padding=NONE):
    _, cols = counts(shape, kernel, stride, padding)
    padded = np.zeros((shape[0], shape[1] + 2 * padding[0], shape[2] + 2 * padding[1]))
    for k, column in enumerate(columns.T):
        i, j = divmod(k, cols)
        padded[:, i * stride[0] : i * stride[0] + kernel[0], j * stride[1] : j * stride[1] + kernel[1]] += (
            column.reshape(shape[0], *kernel)
        )
    return padded[:, padding[0] : shape[1] + padding[0], padding[1] : shape[2] + padding[1]]


@right("col2im")
def added_tap_by_tap(columns, shape, kernel, stride=ONE, padding=NONE):
    rows, cols = counts(shape, kernel, stride, padding)
    padded, lines = pad(np.zeros(shape), padding), iter(columns)
    for c in range(shape[0]):
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                tap = padded[c, i : i + stride[0] * rows : stride[0], j : j + stride[1] * cols : stride[1]]
                tap += next(lines).reshape(rows, cols)
    return padded[:, padding[0] : padding[0] + shape[1], padding[1] : padding[1] + shape[2]]


def reader(shape, kernel, stride, padding):
    """im2col as a matrix: which pixel every entry of the columns reads."""
    pixels = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.stack([by_loops_over_windows(p, kernel, stride, padding).ravel() for p in pixels], axis=1)


@right("col2im")
def as_the_transposed_matrix(columns, shape, kernel, stride=ONE, padding=NONE):
    return (reader(shape, kernel, stride, padding).T @ columns.ravel()).reshape(shape)


@right("col2im")
def by_add_at(columns, shape, kernel, stride=ONE, padding=NONE):
    padded = pad(np.zeros(shape), padding)
    where = by_loops_over_windows(np.arange(padded.size).reshape(padded.shape), kernel, stride).astype(int)
    np.add.at(padded.reshape(-1), where, columns)
    return padded[:, padding[0] : padding[0] + shape[1], padding[1] : padding[1] + shape[2]].copy()


@right("col2im")
def by_bincount(columns, shape, kernel, stride=ONE, padding=NONE):
    numbers = 1 + np.arange(np.prod(shape)).reshape(shape)  # 0 is the border
    where = by_loops_over_windows(numbers, kernel, stride, padding).astype(int)
    return np.bincount(where.ravel(), columns.ravel(), int(np.prod(shape)) + 1)[1:].reshape(shape)


@right("col2im")
def pixel_by_pixel(columns, shape, kernel, stride=ONE, padding=NONE):
    out = np.zeros(shape)
    rows, cols = counts(shape, kernel, stride, padding)
    block = columns.reshape(shape[0], *kernel, rows, cols)
    for c, row, col in np.ndindex(*shape):
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                (a, up), (b, left) = divmod(row + padding[0] - i, stride[0]), divmod(col + padding[1] - j, stride[1])
                if up == left == 0 and 0 <= a < rows and 0 <= b < cols:
                    out[c, row, col] += block[c, i, j, a, b]
    return out


@right("col2im")
def channels_one_by_one(columns, shape, kernel, stride=ONE, padding=NONE):
    parts = np.split(columns, shape[0])
    return np.concatenate([added_window_by_window(p, (1, *shape[1:]), kernel, stride, padding) for p in parts])


@right("col2im")
def by_shifted_pictures(columns, shape, kernel, padding=NONE):
    rows, cols = counts(shape, kernel, ONE, padding)
    block = columns.reshape(shape[0], *kernel, rows, cols)
    taps = [
        np.pad(block[:, i, j], ((0, 0), (i, kernel[0] - 1 - i), (j, kernel[1] - 1 - j)))
        for i in range(kernel[0])
        for j in range(kernel[1])
    ]
    total = np.sum(taps, axis=0)
    return total[:, padding[0] : total.shape[1] - padding[0], padding[1] : total.shape[2] - padding[1]]


@right("col2im")
def in_single_precision_back(columns, shape, kernel, stride=ONE, padding=NONE):
    return added_tap_by_tap(columns.astype(np.float32), shape, kernel, stride, padding).astype(np.float32)


@right("col2im")
def as_a_list(columns, shape, kernel, stride=ONE, padding=NONE):
    return pixel_by_pixel(columns, shape, kernel, stride, padding).tolist()


@right("col2im")
def from_the_last_window(columns, shape, kernel, stride=ONE, padding=NONE):
    turned = added_window_by_window(columns[:, ::-1][::-1], shape, kernel, stride, padding)
    exact = all((s + 2 * p - k) % t == 0 for s, p, k, t in zip(shape[1:], padding, kernel, stride, strict=True))
    return turned[::-1, ::-1, ::-1] if exact else added_window_by_window(columns, shape, kernel, stride, padding)


@right("conv2d")
def definition(x, w, b, stride=ONE, padding=NONE):
    padded, (rows, cols) = pad(x, padding), counts(x.shape, w.shape[2:], stride, padding)
    out = np.zeros((len(x), len(w), rows, cols))
    for n, k, i, j in np.ndindex(*out.shape):
        top, left = i * stride[0], j * stride[1]
        out[n, k, i, j] = (padded[n, :, top : top + w.shape[2], left : left + w.shape[3]] * w[k]).sum() + b[k]
    return out


@right("conv2d")
def by_einsum(x, w, b, stride=ONE, padding=NONE):
    windows = sliding_window_view(pad(x, padding), w.shape[2:], axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    return np.einsum("ncijab,kcab->nkij", windows, w) + b.reshape(-1, 1, 1)


@right("conv2d")
def by_tensordot(x, w, b, stride=ONE, padding=NONE):
    windows = sliding_window_view(pad(x, padding), w.shape[2:], axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    return np.moveaxis(np.tensordot(windows, w, axes=((1, 4, 5), (1, 2, 3))) + b, -1, 1)


@right("conv2d")
def by_shifts(x, w, b, stride=ONE, padding=NONE):
    padded, (rows, cols) = pad(x, padding), counts(x.shape, w.shape[2:], stride, padding)
    out = np.zeros((len(x), len(w), rows, cols)) + b[None, :, None, None]
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            tap = padded[:, :, i : i + stride[0] * rows : stride[0], j : j + stride[1] * cols : stride[1]]
            out += np.einsum("kc,ncij->nkij", w[:, :, i, j], tap)
    return out


@right("conv2d")
def by_scipy(x, w, b, stride=ONE, padding=NONE):
    padded = pad(x, padding)
    out = [
        [sum(signal.correlate2d(p, f, "valid") for p, f in zip(image, kernel, strict=True)) for kernel in w]
        for image in padded
    ]
    return np.array(out)[:, :, :: stride[0], :: stride[1]] + b[:, None, None]


@right("conv2d")
def by_im2col(x, w, b, stride=ONE, padding=NONE):
    rows, cols = counts(x.shape, w.shape[2:], stride, padding)
    flat = [w.reshape(len(w), -1) @ by_strides(image, w.shape[2:], stride, padding) for image in x]
    return np.stack(flat).reshape(len(x), len(w), rows, cols) + b[:, None, None]


@right("conv2d")
def one_product_for_the_batch(x, w, b, stride=ONE, padding=NONE):
    rows, cols = counts(x.shape, w.shape[2:], stride, padding)
    columns = np.concatenate([by_strides(image, w.shape[2:], stride, padding) for image in x], axis=1)
    out = (columns.T @ w.reshape(len(w), -1).T + b).T
    return out.reshape(len(w), len(x), rows, cols).swapaxes(0, 1)


@right("conv2d")
def by_fourier(x, w, b, stride=ONE, padding=NONE):
    padded = pad(x, padding)
    size = padded.shape[2:]
    product = np.einsum("ncij,kcij->nkij", np.fft.rfft2(padded), np.conj(np.fft.rfft2(w, size)))
    rows, cols = counts(x.shape, w.shape[2:], ONE, padding)
    return np.fft.irfft2(product, size)[:, :, :rows, :cols][:, :, :: stride[0], :: stride[1]] + b[None, :, None, None]


@right("conv2d")
def convolving_with_the_flipped_kernel(x, w, b, padding=NONE):
    out = [
        [sum(signal.convolve2d(p, f[::-1, ::-1], "valid") for p, f in zip(i, k, strict=True)) for k in w]
        for i in pad(x, padding)
    ]
    return np.array(out) + b[:, None, None]


@right("conv2d")
def by_the_layer(x, w, b, stride=ONE, padding=NONE):
    return Conv2d(w, b, stride, padding).forward(x)


@right("conv2d")
def in_single_precision_conv(x, w, b, stride=ONE, padding=NONE):
    return by_shifts(*(a.astype(np.float32) for a in (x, w, b)), stride, padding).astype(np.float32)


@right("conv2d")
def as_a_list_of_pictures(x, w, b, stride=ONE, padding=NONE):
    return [definition(image[None], w, b, stride, padding)[0].tolist() for image in x]


@right("conv2d")
def with_a_channel_of_ones(x, w, b, stride=ONE, padding=NONE):
    ones = np.ones((len(x), 1, x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]))
    extra = np.zeros((len(w), 1, *w.shape[2:]))
    extra[:, 0, 0, 0] = b
    return by_einsum(np.concatenate([pad(x, padding), ones], 1), np.concatenate([w, extra], 1), 0 * b, stride)


def spread(dout, stride):
    """Zeros between the places of a strided output."""
    out = np.zeros((*dout.shape[:2], *((s - 1) * t + 1 for s, t in zip(dout.shape[2:], stride, strict=True))))
    out[:, :, :: stride[0], :: stride[1]] = dout
    return out


@right("conv2d_backward")
def loops_with_plus_equals(dout, x, w, b, stride=ONE, padding=NONE):
    padded = pad(x, padding)
    dx, dw, db = np.zeros_like(padded), np.zeros_like(w), np.zeros_like(b)
    for n, k, i, j in np.ndindex(*dout.shape):
        place = np.s_[n, :, i * stride[0] : i * stride[0] + w.shape[2], j * stride[1] : j * stride[1] + w.shape[3]]
        dx[place] += dout[n, k, i, j] * w[k]
        dw[k] += dout[n, k, i, j] * padded[place]
        db[k] += dout[n, k, i, j]
    return dx[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]], dw, db


@right("conv2d_backward")
def full_convolution_with_flip(dout, x, w, b, padding=NONE):
    kr, kc = w.shape[2:]
    full = pad(dout, (kr - 1, kc - 1))
    dx = by_einsum(full, w[:, :, ::-1, ::-1].swapaxes(0, 1), np.zeros(x.shape[1]))
    dx = dx[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]]
    dw = by_einsum(pad(x, padding).swapaxes(0, 1), dout.swapaxes(0, 1), np.zeros(len(w))).swapaxes(0, 1)
    return dx, dw, dout.sum((0, 2, 3))


@right("conv2d_backward")
def taps(dout, x, w, b, stride=ONE, padding=NONE):
    padded = pad(x, padding)
    dx, dw = np.zeros_like(padded), np.empty_like(w)
    rows, cols = dout.shape[2:]
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            tap = np.s_[:, :, i : i + stride[0] * rows : stride[0], j : j + stride[1] * cols : stride[1]]
            dx[tap] += np.einsum("nkij,kc->ncij", dout, w[:, :, i, j])
            dw[:, :, i, j] = np.einsum("nkij,ncij->kc", dout, padded[tap])
    return dx[:, :, padding[0] :, padding[1] :][:, :, : x.shape[2], : x.shape[3]], dw, np.einsum("nkij->k", dout)


@right("conv2d_backward")
def matrix_products(dout, x, w, b, stride=ONE, padding=NONE):
    kernel, dx, dw = w.shape[2:], [], 0
    for d, image in zip(dout, x, strict=True):
        d = d.reshape(len(w), -1)
        dw = dw + d @ by_strides(image, kernel, stride, padding).T
        dx.append(added_tap_by_tap(w.reshape(len(w), -1).T @ d, image.shape, kernel, stride, padding))
    return np.array(dx), dw.reshape(w.shape), dout.reshape(len(x), len(w), -1).sum(2).sum(0)


@right("conv2d_backward")
def by_wiggling(dout, x, w, b, stride=ONE, padding=NONE):
    """The output is linear in each argument: unit wiggles are exact."""

    def loss(x, w, b):
        return float((dout * by_einsum(x, w, b, stride, padding)).sum())

    grads, start = [], loss(x, w, b)
    for k, a in enumerate((x, w, b)):
        g = np.empty_like(a)
        for at in np.ndindex(a.shape):
            moved = [v.copy() for v in (x, w, b)]
            moved[k][at] += 1
            g[at] = loss(*moved) - start
        grads.append(g)
    return grads


@right("conv2d_backward")
def by_scipy_convolve(dout, x, w, b, stride=ONE, padding=NONE):
    wide, padded = spread(dout, stride), pad(x, padding)
    dx = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for n in range(len(x)):
        for c in range(x.shape[1]):
            for k in range(len(w)):
                part = signal.convolve2d(wide[n, k], w[k, c], "full")
                dx[n, c, : part.shape[0], : part.shape[1]] += part
                dw[k, c] += signal.correlate2d(padded[n, c], wide[n, k], "valid")[: w.shape[2], : w.shape[3]]
    return (
        dx[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]],
        dw,
        dout.sum(axis=(0, -1, -2)),
    )


@right("conv2d_backward")
def windows_by_tensordot(dout, x, w, b, stride=ONE, padding=NONE):
    windows = sliding_window_view(pad(x, padding), w.shape[2:], axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    dw = np.tensordot(dout, windows, axes=((0, 2, 3), (0, 2, 3)))
    per_window = np.tensordot(dout, w, axes=(1, 0))  # (n, i, j, c, a, b)
    dx = np.zeros(pad(x, padding).shape)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            dx[:, :, i * stride[0] :, j * stride[1] :][:, :, : w.shape[2], : w.shape[3]] += per_window[:, i, j]
    rows, cols = padding
    return (
        dx[:, :, rows : rows + x.shape[2], cols : cols + x.shape[3]],
        dw,
        np.tensordot(dout, np.ones(dout.shape[2:]), 2).sum(0),
    )


@right("conv2d_backward")
def picture_by_picture(dout, x, w, b, stride=ONE, padding=NONE):
    parts = [loops_with_plus_equals(d[None], v[None], w, b, stride, padding) for d, v in zip(dout, x, strict=True)]
    dx, dw, db = zip(*parts, strict=True)
    return np.concatenate(dx), np.sum(dw, axis=0), np.sum(db, axis=0)


@right("conv2d_backward")
def in_single_precision_backward(dout, x, w, b, stride=ONE, padding=NONE):
    return taps(*(a.astype(np.float32) for a in (dout, x, w, b)), stride, padding)


@right("conv2d_backward")
def by_the_layer_backward(dout, x, w, b, stride=ONE, padding=NONE):
    layer = Conv2d(w, b, stride, padding)
    g = layer.parameter_gradients(dout, x)
    return layer.backward(dout, x, dout), g["weight"], g["bias"]


@right("conv2d_backward")
def by_the_dense_matrix(dout, x, w, b, stride=ONE, padding=NONE):
    matrix = reader(x.shape[1:], w.shape[2:], stride, padding)  # (entries of the columns, pixels)
    d = dout.reshape(len(x), len(w), -1)
    columns = np.einsum("kt,nkp->ntp", w.reshape(len(w), -1), d).reshape(len(x), -1)
    seen = (x.reshape(len(x), -1) @ matrix.T).reshape(len(x), -1, d.shape[2])
    return (
        (columns @ matrix).reshape(x.shape),
        np.einsum("nkp,ntp->kt", d, seen).reshape(w.shape),
        d.sum((0, 2)).tolist(),
    )
