"""Pages 03, 04, 05 and the rules of page 11 in other styles."""

import numpy as np
from exercises.variants import right
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from numcam.nn import Linear, MaxPool2d, ReLU


@right("linear_backward")
def by_einsum(dout, x, w, b):
    return np.einsum("no,oi->ni", dout, w), np.einsum("no,ni->oi", dout, x), np.einsum("no->o", dout)


@right("linear_backward")
def by_three_loops(dout, x, w, b):
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
    for n in range(x.shape[0]):
        for o in range(w.shape[0]):
            db[o] += dout[n, o]
            for i in range(w.shape[1]):
                dx[n, i] += dout[n, o] * w[o, i]
                dw[o, i] += dout[n, o] * x[n, i]
    return dx, dw, db


@right("linear_backward")
def picture_by_picture(dout, x, w, b):
    dw = sum(np.outer(d, v) for d, v in zip(dout, x, strict=True))
    return np.array([w.T @ d for d in dout]), dw, sum(dout)


@right("linear_backward")
def transposed_twice(dout, x, w, b):
    return (w.T @ dout.T).T, (x.T @ dout).T, np.ones(len(x)) @ dout


@right("linear_backward")
def by_tensordot(dout, x, w, b):
    return np.tensordot(dout, w, axes=(1, 0)), np.tensordot(dout, x, axes=(0, 0)), np.add.reduce(dout, axis=0)


@right("linear_backward")
def with_the_bias_as_a_weight(dout, x, w, b):
    both = dout.T @ np.hstack([x, np.ones((len(x), 1))])
    return dout.dot(w), both[:, :-1], both[:, -1]


@right("linear_backward")
def by_broadcasting(dout, x, w, b):
    return (dout[:, :, None] * w).sum(1), (dout[:, :, None] * x[:, None]).sum(0), dout.sum(0)


@right("linear_backward")
def in_single_precision(dout, x, w, b):
    dout, x, w = (a.astype(np.float32) for a in (dout, x, w))
    return dout @ w, dout.T @ x, dout.sum(axis=0)


@right("linear_backward")
def as_nested_lists(dout, x, w, b):
    columns = list(zip(*dout.tolist(), strict=True))
    dx = [
        [sum(d * row[i] for d, row in zip(line, w.tolist(), strict=True)) for i in range(w.shape[1])]
        for line in dout.tolist()
    ]
    dw = [[sum(d * v for d, v in zip(c, x[:, i], strict=True)) for i in range(x.shape[1])] for c in columns]
    return dx, dw, [sum(c) for c in columns]


@right("linear_backward")
def by_the_layer(dout, x, w, b):
    layer = Linear(w, b)
    g = layer.parameter_gradients(dout, x)
    return [layer.backward(dout, x, None), g["weight"], g["bias"]]


@right("linear_backward")
def with_matmul_out(dout, x, w, b):
    dx, dw = np.empty_like(x), np.empty(w.shape)
    np.matmul(dout, w, out=dx)
    np.matmul(dout.T, x, out=dw)
    return dx, dw, dout.mean(axis=0) * len(dout)


@right("linear_backward")
def by_wiggling(dout, x, w, b):
    """The function is linear in each argument, so a wiggle of 1 gives its derivative exactly."""

    def loss(x, w, b):
        return (dout * (x @ w.T + b)).sum()

    grads = []
    for k, a in enumerate((x, w, b)):
        g = np.zeros_like(a)
        for at in np.ndindex(a.shape):
            moved = [v.copy() for v in (x, w, b)]
            moved[k][at] += 1
            g[at] = loss(*moved) - loss(x, w, b)
        grads.append(g)
    return tuple(grads)


for name, function in {
    "where": lambda dout, x: np.where(x > 0, dout, 0),
    "product with a float mask": lambda dout, x: dout * (x > 0).astype(dout.dtype),
    "heaviside": lambda dout, x: dout * np.heaviside(x, 0),
    "sign": lambda dout, x: dout * np.maximum(np.sign(x), 0),
    "list": lambda dout, x: np.reshape([d if v > 0 else 0.0 for d, v in zip(dout.flat, x.flat, strict=True)], x.shape),
    "through relu's output": lambda dout, x: dout * (np.maximum(x, 0) != 0),
    "multiply where": lambda dout, x: np.multiply(dout, 1.0, out=np.zeros_like(dout), where=x > 0),
    "float32": lambda dout, x: np.where(x > 0, dout.astype(np.float32), np.float32(0)),
    "layer": lambda dout, x: ReLU().backward(dout, x, x),
    "choose": lambda dout, x: np.choose(x > 0, [np.zeros_like(dout), dout]),
    "masked": lambda dout, x: np.ma.masked_array(dout, x <= 0).filled(0),
    "clip": lambda dout, x: dout * np.clip(np.ceil(x), 0, 1),
    "maximum minus": lambda dout, x: dout * ((np.abs(x) + x) > 0),
}.items():
    function.__name__ = name
    right("relu_backward")(function)


@right("relu_backward")
def on_a_copy(dout, x):
    dx = dout.copy()
    dx[x <= 0] = 0
    return dx


@right("relu_backward")
def by_index_loop(dout, x):
    dx = np.zeros(x.shape)
    for at in np.ndindex(*x.shape):
        if x[at] > 0:
            dx[at] = dout[at]
    return dx


for name, function in {
    "product of gates": lambda dout, x: dout * (x > 0) * (dout > 0),
    "where": lambda dout, x: np.where((x > 0) & (dout > 0), dout, 0),
    "relu then gate": lambda dout, x: np.maximum(dout, 0) * (x > 0),
    "gate then relu": lambda dout, x: np.maximum(dout * (x > 0), 0),
    "zero included in the gradient's gate": lambda dout, x: dout * ((x > 0) & (dout >= 0)),
    "clip": lambda dout, x: np.clip(dout, 0, None) * (x > 0),
    "half of sum": lambda dout, x: 0.5 * (dout + abs(dout)) * (x > 0),
    "list": lambda dout, x: np.reshape(
        [max(d, 0) if v > 0 else 0 for d, v in zip(dout.flat, x.flat, strict=True)], x.shape
    ),
    "select": lambda dout, x: np.select([x <= 0, dout <= 0], [0, 0], dout),
    "logical and": lambda dout, x: np.logical_and(dout > 0, x > 0) * dout,
    "float32": lambda dout, x: (np.maximum(dout, 0) * (x > 0)).astype(np.float32),
    "minimum of signs": lambda dout, x: dout * (np.minimum(np.sign(dout), np.sign(x)) > 0),
}.items():
    function.__name__ = name
    right("guided_relu_backward")(function)


@right("guided_relu_backward")
def guided_on_a_copy(dout, x):
    dx = dout.copy()
    dx[dx < 0] = 0
    dx[x <= 0] = 0
    return dx


for name, function in {
    "maximum": lambda dout, x: np.maximum(dout, 0),
    "where": lambda dout, x: np.where(dout > 0, dout, 0),
    "mask": lambda dout, x: dout * (dout > 0),
    "closed mask": lambda dout, x: dout * (dout >= 0),
    "clip": lambda dout, x: dout.clip(min=0),
    "half of sum": lambda dout, x: (dout + np.abs(dout)) / 2,
    "list": lambda dout, x: np.array([max(d, 0.0) for d in dout.ravel()]).reshape(dout.shape),
    "minus minimum": lambda dout, x: dout - np.minimum(dout, 0),
    "float32": lambda dout, x: np.maximum(dout.astype("float32"), 0),
    "fmax": lambda dout, x: np.fmax(0, dout),
    "heaviside": lambda dout, x: np.heaviside(dout, 0) * dout,
    "layer": lambda dout, x: ReLU().forward(dout),
}.items():
    function.__name__ = name
    right("deconvnet_relu_backward")(function)


@right("deconvnet_relu_backward")
def deconvnet_on_a_copy(dout, x):
    dx = np.array(dout)
    dx[dx < 0] = 0
    return dx


def places(x, size, stride):
    for i in range((x.shape[2] - size) // stride + 1):
        for j in range((x.shape[3] - size) // stride + 1):
            yield (
                i,
                j,
                (slice(None), slice(None), slice(i * stride, i * stride + size), slice(j * stride, j * stride + size)),
            )


def empty_like_out(x, size, stride, fill=0.0):
    return np.full((*x.shape[:2], (x.shape[2] - size) // stride + 1, (x.shape[3] - size) // stride + 1), fill, x.dtype)


@right("maxpool")
def by_windows(x, size, stride):
    out = empty_like_out(x, size, stride)
    for i, j, place in places(x, size, stride):
        out[:, :, i, j] = x[place].max((2, 3))
    return out


@right("maxpool")
def by_sliding_windows(x, size, stride):
    return sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride].max(axis=(4, 5))


@right("maxpool")
def by_strides(x, size, stride):
    n, c, rows, cols = x.shape
    s = x.strides
    shape = (n, c, (rows - size) // stride + 1, (cols - size) // stride + 1, size, size)
    return as_strided(x, shape, (s[0], s[1], s[2] * stride, s[3] * stride, s[2], s[3])).max((-1, -2))


@right("maxpool")
def by_running_maximum(x, size, stride):
    out = empty_like_out(x, size, stride, -np.inf)
    rows, cols = out.shape[2:]
    for i in range(size):
        for j in range(size):
            out = np.maximum(
                out, x[:, :, i : i + rows * stride : stride, j : j + cols * stride : stride][:, :, :rows, :cols]
            )
    return out


@right("maxpool")
def by_six_loops(x, size, stride):
    out = empty_like_out(x, size, stride, -1e30)
    for n, c, i, j in np.ndindex(*out.shape):
        for di in range(size):
            for dj in range(size):
                out[n, c, i, j] = max(out[n, c, i, j], x[n, c, i * stride + di, j * stride + dj])
    return out


@right("maxpool")
def rows_then_columns(x, size, stride):
    tall = sliding_window_view(x, size, axis=2)[:, :, ::stride].max(-1)
    return sliding_window_view(tall, size, axis=3)[:, :, :, ::stride].max(-1)


@right("maxpool")
def as_lists(x, size, stride):
    out = empty_like_out(x, size, stride)
    return [
        [
            [
                [float(x[n, c, i * stride :, j * stride :][:size, :size].max()) for j in range(out.shape[3])]
                for i in range(out.shape[2])
            ]
            for c in range(x.shape[1])
        ]
        for n in range(len(x))
    ]


@right("maxpool")
def by_sorting(x, size, stride):
    windows = sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.sort(windows.reshape(*windows.shape[:4], -1), axis=-1)[..., -1]


@right("maxpool")
def by_the_pooling_layer(x, size, stride):
    return MaxPool2d(size, stride).forward(x)


@right("maxpool")
def by_flat_indices(x, size, stride):
    out = empty_like_out(x, size, stride)
    for i, j, place in places(x, size, stride):
        cells = x[place].reshape(*x.shape[:2], -1)
        out[:, :, i, j] = np.take_along_axis(cells, cells.argmax(-1)[..., None], -1)[..., 0]
    return out


@right("maxpool")
def in_single_precision_pool(x, size, stride):
    return np.stack([by_windows(picture[None].astype(np.float32), size, stride)[0] for picture in x])


@right("maxpool_backward")
def by_argmax_and_divmod(dout, x, size, stride):
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*dout.shape):
        row, col = divmod(int(x[n, c, i * stride : i * stride + size, j * stride : j * stride + size].argmax()), size)
        dx[n, c, i * stride + row, j * stride + col] += dout[n, c, i, j]
    return dx


@right("maxpool_backward")
def by_hot_windows(dout, x, size, stride):
    dx = np.zeros(x.shape)
    for i, j, place in places(x, size, stride):
        cells = x[place].reshape(*x.shape[:2], -1)
        hot = np.eye(size * size)[cells.argmax(-1)].reshape(*x.shape[:2], size, size)
        dx[place] += hot * dout[:, :, i, j, None, None]
    return dx


@right("maxpool_backward")
def by_add_at(dout, x, size, stride):
    windows = sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    best = windows.reshape(*windows.shape[:4], -1).argmax(-1)
    n, c, i, j = np.indices(best.shape)
    dx = np.zeros_like(x)
    np.add.at(dx, (n, c, i * stride + best // size, j * stride + best % size), dout)
    return dx


@right("maxpool_backward")
def by_bincount(dout, x, size, stride):
    windows = sliding_window_view(np.arange(x.size).reshape(x.shape), (size, size), axis=(2, 3))[
        :, :, ::stride, ::stride
    ]
    index = windows.reshape(-1, size * size)
    winner = index[np.arange(len(index)), x.ravel()[index].argmax(1)]
    return np.bincount(winner, dout.ravel(), x.size).reshape(x.shape)


@right("maxpool_backward")
def waiting_for_the_first(dout, x, size, stride):
    out, dx = by_windows(x, size, stride), np.zeros_like(x)
    rows, cols = out.shape[2:]
    waiting = np.ones(out.shape, bool)
    for i in range(size):
        for j in range(size):
            tap = np.s_[:, :, i : i + stride * (rows - 1) + 1 : stride, j : j + stride * (cols - 1) + 1 : stride]
            here = waiting & (x[tap] == out)
            dx[tap] += np.where(here, dout, 0)
            waiting &= ~here
    return dx


@right("maxpool_backward")
def with_a_strict_comparison(dout, x, size, stride):
    dx = np.zeros(x.shape, x.dtype)
    for n, c, i, j in np.ndindex(*dout.shape):
        best = None
        for row in range(i * stride, i * stride + size):
            for col in range(j * stride, j * stride + size):
                if best is None or x[n, c, row, col] > x[n, c, best[0], best[1]]:
                    best = (row, col)
        dx[n, c, best[0], best[1]] += dout[n, c, i, j]
    return dx


@right("maxpool_backward")
def from_the_last_to_the_first(dout, x, size, stride):
    dx = np.zeros_like(x)
    for i, j, place in reversed(list(places(x, size, stride))):
        for n in range(x.shape[0]):
            for c in range(x.shape[1]):
                at = np.unravel_index(np.argmax(x[place][n, c]), (size, size))
                dx[place][n, c][at] += dout[n, c, i, j]
    return dx


@right("maxpool_backward")
def as_a_list_of_pictures(dout, x, size, stride):
    return [by_argmax_and_divmod(d[None], v[None], size, stride)[0] for d, v in zip(dout, x, strict=True)]


@right("maxpool_backward")
def by_the_layer_backward(dout, x, size, stride):
    layer = MaxPool2d((size, size), (stride, stride))
    return layer.backward(dout, x, layer.forward(x))


@right("maxpool_backward")
def in_single_precision_backward(dout, x, size, stride):
    return by_hot_windows(dout.astype("f4"), x.astype("f4"), size, stride).astype("f4")


@right("maxpool_backward")
def with_a_tie_breaking_slope(dout, x, size, stride):
    slope = -1e-6 * np.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:])  # in reading order, so the first tie wins
    tilted, dx = x + slope, np.zeros_like(x)
    for i, j, place in places(x, size, stride):
        dx[place] += (tilted[place] == tilted[place].max((2, 3), keepdims=True)) * dout[:, :, i, j, None, None]
    return dx
