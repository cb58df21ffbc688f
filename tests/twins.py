"""Each explanation a second time, written from its formula with loops over single numbers: slow, and nothing shared."""

import math

import numpy as np


def weighted(weights, a):
    """ReLU(sum over k of w A), cell by cell; weights[n][k] a number, or weights[n][k][i][j]."""
    n, k, rows, cols = a.shape
    out = np.zeros((n, rows, cols))
    for i, row, col in np.ndindex(n, rows, cols):
        total = 0.0
        for channel in range(k):
            w = weights[i][channel]
            total += (w if np.ndim(w) == 0 else w[row][col]) * a[i, channel, row, col]
        out[i, row, col] = max(total, 0.0)
    return out


def per_channel(rule, a, g):
    """rule(A, g) of each channel, both as lists of numbers."""
    return [[rule(list(a[i, k].ravel()), list(g[i, k].ravel())) for k in range(a.shape[1])] for i in range(len(a))]


def mean(a, g):
    return sum(g) / len(g)


def minus_mean(a, g):
    return -sum(g) / len(g)


def xgrad(a, g):
    return sum(x * y for x, y in zip(a, g, strict=True)) / sum(a) if sum(a) else 0.0


def plus_plus(a, g):
    """The authors' code for one channel, without its common factor exp(score)."""
    alphas = []
    for y in g:
        below = 2 * y**2 + y**3 * sum(a)
        alphas.append(y**2 / (below if below != 0 else 1.0))
    norm = sum(alpha for alpha, y in zip(alphas, g, strict=True) if y > 0)
    return sum(max(y, 0.0) * alpha / (norm or 1.0) for alpha, y in zip(alphas, g, strict=True))


TWINS = {
    "grad_cam": lambda a, g: weighted(per_channel(mean, a, g), a),
    "counterfactual_grad_cam": lambda a, g: weighted(per_channel(minus_mean, a, g), a),
    "grad_cam_plus_plus": lambda a, g: weighted(per_channel(plus_plus, a, g), a),
    "xgrad_cam": lambda a, g: weighted(per_channel(xgrad, a, g), a),
    "hires_cam": lambda a, g: weighted(g, a),
    "layer_cam": lambda a, g: weighted(np.where(g > 0, g, 0), a),
}


def bilinear(map, size):
    """Half-pixel bilinear enlargement of one map, pixel by pixel."""
    rows, cols = map.shape
    out = np.zeros(size)
    for i, j in np.ndindex(*size):
        y = min(max((i + 0.5) * rows / size[0] - 0.5, 0), rows - 1)
        x = min(max((j + 0.5) * cols / size[1] - 0.5, 0), cols - 1)
        top, left = math.floor(y), math.floor(x)
        below, right = min(top + 1, rows - 1), min(left + 1, cols - 1)
        v, u = y - top, x - left
        upper = map[top, left] * (1 - u) + map[top, right] * u
        lower = map[below, left] * (1 - u) + map[below, right] * u
        out[i, j] = upper * (1 - v) + lower * v
    return out


def corner(map, size):
    """Bilinear with the corner cells' centres on the corners: Torch7's image.scale, scipy's zoom."""
    rows, cols = map.shape
    out = np.zeros(size)
    for i, j in np.ndindex(*size):
        y, x = i * (rows - 1) / (size[0] - 1), j * (cols - 1) / (size[1] - 1)
        top, left = min(int(y), rows - 2), min(int(x), cols - 2)
        v, u = y - top, x - left
        upper = map[top, left] * (1 - u) + map[top, left + 1] * u
        lower = map[top + 1, left] * (1 - u) + map[top + 1, left + 1] * u
        out[i, j] = upper * (1 - v) + lower * v
    return out


def score_cam(network, x, a, target):
    """Wang et al. 2020: softmax over channels of the score of the picture seen through each."""
    out = []
    for picture, maps in zip(x, a, strict=True):
        found = []
        for map in maps:
            large = bilinear(map, picture.shape[1:])
            span = large.max() - large.min()
            mask = (large - large.min()) / span if span > 0 else large * 0
            found.append(network.forward((picture * mask)[None]).output[0, target])
        e = [math.exp(score - max(found)) for score in found]
        out.append(weighted([[v / sum(e) for v in e]], maps[None])[0])
    return np.array(out)


def ablation_cam(network, layer, a, target, whole):
    """Desai and Ramaswamy 2020, by walking the layers above one by one."""
    names = list(network.layers)
    above = [network.layers[name] for name in names[names.index(layer) + 1 :]]
    out = []
    for i, maps in enumerate(a):
        weights = []
        for k in range(len(maps)):
            value = maps.copy()[None]
            value[0, k] = 0
            for one in above:
                value = one.forward(value)
            weights.append((whole[i, target] - value[0, target]) / abs(whole[i, target]))
        out.append(weighted([weights], maps[None])[0])
    return np.array(out)


def full_grad(network, trace, grads, size):
    """The authors' code: |x * gradient| and |bias * gradient| of each convolution, stretched, enlarged, summed."""

    def stretched(part):
        part = np.abs(part) - np.abs(part).min()
        return part / part.max() if part.max() > 0 else part

    out = []
    for i in range(len(trace["input"])):
        total = sum(stretched(trace["input"][i] * grads["input"][i]))
        for name, layer in network.layers.items():
            if name.startswith("conv"):
                part = stretched(grads[name][i] * layer.bias[:, None, None])
                total = total + sum(corner(channel, size) for channel in part)
        out.append(total)
    return np.array(out)


def occlusion(network, x, target, size, stride):
    out = np.zeros((len(x), *x.shape[2:]))
    for i, picture in enumerate(x):
        whole = network.forward(picture[None]).output[0, target]
        count = np.zeros(picture.shape[1:])
        top = 0
        while True:
            left = 0
            while True:
                covered = picture.copy()
                covered[:, top : top + size, left : left + size] = 0
                fall = whole - network.forward(covered[None]).output[0, target]
                out[i, top : top + size, left : left + size] += fall
                count[top : top + size, left : left + size] += 1
                if left + size >= picture.shape[2]:
                    break
                left += stride
            if top + size >= picture.shape[1]:
                break
            top += stride
        out[i] /= count
    return out
