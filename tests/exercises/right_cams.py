"""Page 10, and guided Grad-CAM of page 11, in other styles."""

import numpy as np
from exercises.right_networks import seed, walk
from exercises.variants import right

import numcam
from numcam.explain.upsample import interpolation

for name, function in {
    "mean": lambda g: g.mean((2, 3)),
    "mean of means": lambda g: g.mean(3).mean(2),
    "sum over count": lambda g: g.sum((-1, -2)) / (g.shape[2] * g.shape[3]),
    "einsum": lambda g: np.einsum("nkij->nk", g) / g[0, 0].size,
    "reshape": lambda g: g.reshape(*g.shape[:2], -1).mean(-1),
    "lists": lambda g: [[float(np.mean(channel)) for channel in picture] for picture in g],
    "average": lambda g: np.average(g.reshape(g.shape[0], g.shape[1], -1), axis=2),
    "dot with ones": lambda g: g.reshape(len(g), g.shape[1], -1) @ np.full(g[0, 0].size, 1 / g[0, 0].size),
    "float32": lambda g: g.astype(np.float32).mean(axis=(2, 3)),
    "add.reduce": lambda g: np.add.reduce(np.add.reduce(g, 3), 2) / np.prod(g.shape[2:]),
    "keepdims removed": lambda g: g.mean(axis=(2, 3), keepdims=True)[:, :, 0, 0],
    "pooling": lambda g: numcam.GlobalAvgPool2d().forward(g),
    "Fourier": lambda g: np.fft.fft2(g)[..., 0, 0].real / (g.shape[-1] * g.shape[-2]),
}.items():
    function.__name__ = name
    right("grad_cam_weights")(function)


@right("grad_cam_weights")
def by_running_sums(gradient):
    n, k, rows, cols = gradient.shape
    alpha = np.zeros((n, k))
    for i in range(rows):
        for j in range(cols):
            alpha += gradient[:, :, i, j] / (rows * cols)
    return alpha


@right("grad_cam")
def equations_one_and_two(trace, target, layer="relu5_3"):
    g = trace.backward(target, stop=layer)[layer]
    return np.maximum((g.mean((2, 3), keepdims=True) * trace[layer]).sum(1), 0)


@right("grad_cam")
def by_einsum(trace, target, layer="relu5_3"):
    g = trace.backward(target)[layer]
    cam = np.einsum("nkij,nkab->nab", g, trace[layer]) / g[0, 0].size
    return cam * (cam > 0)


@right("grad_cam")
def loops_from_zeros(trace, target, layer="relu5_3"):
    a, g = trace[layer], trace.backward(target, stop=layer)[layer]
    cam = np.zeros((a.shape[0], *a.shape[2:]))
    for n in range(a.shape[0]):
        for k in range(a.shape[1]):
            cam[n] += g[n, k].mean() * a[n, k]
    cam[cam < 0] = 0
    return cam


@right("grad_cam")
def by_matrix_product(trace, target, layer="relu5_3"):
    a, g = trace[layer], trace.backward(seed(trace, target), stop=layer)[layer]
    alpha = g.reshape(*g.shape[:2], -1).mean(-1)[:, None]  # (n, 1, k)
    return np.clip(alpha @ a.reshape(*a.shape[:2], -1), 0, None).reshape(len(a), *a.shape[2:])


@right("grad_cam")
def walked_by_hand(trace, target, layer="relu5_3"):
    g = walk(trace, target, layer)
    return np.where((s := (g.mean((2, 3))[..., None, None] * trace[layer]).sum(axis=-3)) > 0, s, 0)


@right("grad_cam")
def picture_by_picture(trace, target, layer="relu5_3"):
    maps = []
    for x, t in zip(trace["input"], np.broadcast_to(target, len(trace.output)), strict=True):
        one = trace.network.forward(x[None])
        alpha = one.backward(int(t), stop=layer)[layer][0].mean(axis=(1, 2))
        maps.append(np.maximum(np.tensordot(alpha, one[layer][0], 1), 0))
    return np.stack(maps)


@right("grad_cam")
def by_numcam(trace, target, layer="relu5_3"):
    return numcam.grad_cam(trace, target, layer)


@right("grad_cam")
def in_single_precision(trace, target, layer="relu5_3"):
    return equations_one_and_two(trace.network.forward(trace["input"].astype(np.float32)), target, layer)


@right("grad_cam")
def as_lists(trace, target, layer="relu5_3"):
    return [picture.tolist() for picture in loops_from_zeros(trace, target, layer)]


@right("grad_cam")
def with_the_relu_as_half_of_a_sum(trace, target, layer="relu5_3"):
    g = trace.backward(np.atleast_1d(target) if np.ndim(target) else target, numcam.STANDARD, layer)[layer]
    s = np.sum([g[:, k].mean((1, 2))[:, None, None] * trace[layer][:, k] for k in range(g.shape[1])], axis=0)
    return (s + np.abs(s)) / 2


@right("grad_cam")
def for_and_against_apart(trace, target, layer="relu5_3"):
    g = trace.backward(target, stop=layer)[layer].mean((2, 3), keepdims=True)
    positive = (np.maximum(g, 0) * trace[layer]).sum(1)
    negative = (np.maximum(-g, 0) * trace[layer]).sum(1)
    return np.where(positive > negative, positive - negative, 0)


def doubly(cam, size):
    rows, cols = (interpolation(a, b, "half-pixel") for a, b in zip(cam.shape[-2:], size, strict=True))
    return np.einsum("ya,nab,xb->nyx", rows, cam, cols)


@right("guided_grad_cam")
def product(trace, target, layer="relu5_3"):
    pixels = trace.backward(target, numcam.GUIDED)["input"]
    return pixels * numcam.upsample(numcam.grad_cam(trace, target, layer), pixels.shape[2:])[:, np.newaxis]


@right("guided_grad_cam")
def from_numcams_parts(trace, target, layer="relu5_3"):
    cam = numcam.upsample(numcam.grad_cam(trace, target, layer), trace["input"].shape[2:])
    return np.einsum("nyx,ncyx->ncyx", cam, numcam.guided_backprop(trace, target))


@right("guided_grad_cam")
def with_a_rule_of_its_own(trace, target, layer="relu5_3"):
    rule = {numcam.ReLU: lambda d, x: d * (d > 0) * (x > 0)}
    pixels = trace.backward(seed(trace, target), rule)["input"]
    return pixels * doubly(equations_one_and_two(trace, target, layer), pixels.shape[2:])[:, None]


@right("guided_grad_cam")
def guided_walk_by_hand(trace, target, layer="relu5_3"):
    pixels = walk(trace, target, rule=lambda d, x: np.where((x > 0) & (d > 0), d, 0))
    return np.stack(
        [p * c for p, c in zip(pixels, doubly(by_einsum(trace, target, layer), pixels.shape[2:]), strict=True)]
    )


@right("guided_grad_cam")
def channel_by_channel(trace, target, layer="relu5_3"):
    pixels = trace.backward(target, numcam.GUIDED)["input"].copy()
    cam = numcam.upsample(loops_from_zeros(trace, target, layer), pixels.shape[2:])
    for c in range(3):
        pixels[:, c] *= cam
    return pixels


@right("guided_grad_cam")
def picture_by_picture_product(trace, target, layer="relu5_3"):
    out = []
    for x, t in zip(trace["input"], np.broadcast_to(target, len(trace.output)), strict=True):
        out.append(product(trace.network.forward(x[None]), int(t), layer)[0])
    return np.array(out)


@right("guided_grad_cam")
def by_numcam_itself(trace, target, layer="relu5_3"):
    return numcam.guided_grad_cam(trace, target, layer)


@right("guided_grad_cam")
def in_single_precision_product(trace, target, layer="relu5_3"):
    return product(trace.network.forward(trace["input"].astype(np.float32)), target, layer)


@right("guided_grad_cam")
def as_a_list(trace, target, layer="relu5_3"):
    return product(trace, target, layer).tolist()


@right("guided_grad_cam")
def by_logarithms(trace, target, layer="relu5_3"):
    pixels = numcam.guided_backprop(trace, target)
    cam = numcam.upsample(numcam.grad_cam(trace, target, layer), pixels.shape[2:], "half-pixel")[:, None]
    with np.errstate(divide="ignore"):
        return np.sign(pixels) * np.exp(np.log(np.abs(pixels)) + np.log(cam))


@right("guided_grad_cam")
def with_the_sum_enlarged_by_pixel(trace, target, layer="relu5_3"):
    pixels = trace.backward(target, numcam.GUIDED)["input"]
    cam = equations_one_and_two(trace, target, layer)
    (rows, cols), (height, width) = cam.shape[1:], pixels.shape[2:]
    out = np.zeros_like(pixels)
    for y in range(height):
        for x in range(width):
            v = min(max((y + 0.5) * rows / height - 0.5, 0), rows - 1)
            u = min(max((x + 0.5) * cols / width - 0.5, 0), cols - 1)
            i, j = int(v), int(u)
            below, beside = min(i + 1, rows - 1), min(j + 1, cols - 1)
            top = cam[:, i, j] * (1 - u + j) + cam[:, i, beside] * (u - j)
            low = cam[:, below, j] * (1 - u + j) + cam[:, below, beside] * (u - j)
            out[:, :, y, x] = pixels[:, :, y, x] * (top * (1 - v + i) + low * (v - i))[:, None]
    return out
