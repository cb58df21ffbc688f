"""Page 07 in other styles."""

import math

import numpy as np
from exercises.variants import right
from scipy import special

from numcam.nn import softmax as nn_softmax


def stable(logits):
    e = np.exp(logits - logits.max(1)[:, None])
    return e / e.sum(1)[:, None]


for name, function in {
    "stable": stable,
    "scipy": lambda x: special.softmax(x, axis=1),
    "log first": lambda x: np.exp(x - special.logsumexp(x, axis=1, keepdims=True)),
    "logaddexp": lambda x: np.exp(x - np.logaddexp.reduce(x, axis=1)[:, None]),
    "one over sum of ratios": lambda x: 1 / np.exp(np.clip(x[:, None, :] - x[:, :, None], None, 700)).sum(2),
    "list of rows": lambda x: [stable(row[None])[0].tolist() for row in x],
    "einsum": lambda x: (lambda e: np.einsum("nc,n->nc", e, 1 / np.einsum("nc->n", e)))(
        np.exp(x - x.max(1, keepdims=True))
    ),
    "transposed": lambda x: (lambda e: (e / e.sum(0)).T)(np.exp(x.T - x.T.max(0))),
    "float32": lambda x: stable(x.astype(np.float32)),
    "along axis": lambda x: np.apply_along_axis(lambda r: np.exp(r - r.max()) / np.exp(r - r.max()).sum(), 1, x),
    "minimum distance": lambda x: special.softmax(-(x.max() - x), axis=-1),
    "normalised by norm": lambda x: (lambda e: e / np.linalg.norm(e, 1, axis=1, keepdims=True))(
        np.exp(x - x.max(1, keepdims=True))
    ),
    "layer": lambda x: nn_softmax.Softmax().forward(x),
}.items():
    function.__name__ = name
    right("softmax")(function)


@right("softmax")
def with_math_exp(logits):
    out = np.zeros_like(logits)
    for i, row in enumerate(logits):
        top = max(row)
        e = [math.exp(v - top) for v in row]
        for j, v in enumerate(e):
            out[i, j] = v / math.fsum(e)
    return out


@right("softmax")
def in_place_on_a_copy(logits):
    p = np.array(logits, dtype=float)
    p -= p.max(axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return p


def one_hot(target, logits):
    return (np.arange(logits.shape[1]) == np.asarray(target)[:, None]) * 1.0


def minus_one_at_target(logits, target):
    p = stable(logits)
    for i, t in enumerate(target):
        p[i, t] -= 1
    return p


def put(logits, target):
    p = stable(logits)
    index = np.asarray(target)[:, None]
    np.put_along_axis(p, index, np.take_along_axis(p, index, 1) - 1, 1)
    return p


def through_softmax(logits, target):
    p = stable(logits)
    dp = -one_hot(target, logits) / p
    return p * (dp - (dp * p).sum(1, keepdims=True))


def through_jacobians(logits, target):
    p = stable(logits)
    return np.stack(
        [(np.diag(q) - np.outer(q, q)) @ (-np.eye(len(q))[t] / q[t]) for q, t in zip(p, target, strict=True)]
    )


def by_differences(logits, target, h=1e-5):
    out = np.zeros_like(logits)
    for i, j in np.ndindex(*logits.shape):
        ends = []
        for sign in (1, -1):
            x = logits[i].copy()
            x[j] += sign * h
            ends.append(special.logsumexp(x) - x[target[i]])
        out[i, j] = (ends[0] - ends[1]) / (2 * h)
    return out


for name, function in {
    "minus one at target": minus_one_at_target,
    "minus one-hot": lambda x, t: stable(x) - one_hot(t, x),
    "minus eye": lambda x, t: special.softmax(x, 1) - np.eye(x.shape[1])[t],
    "put along axis": put,
    "through softmax": through_softmax,
    "through Jacobians": through_jacobians,
    "by differences": by_differences,
    "where": lambda x, t: np.where(one_hot(t, x) > 0, stable(x) - 1, stable(x)),
    "list": lambda x, t: [
        [p - (j == k) for j, p in enumerate(row)] for row, k in zip(stable(x).tolist(), t.tolist(), strict=True)
    ],
    "float32": lambda x, t: stable(x.astype("f4")) - one_hot(t, x).astype("f4"),
    "mean loss undone": lambda x, t: (stable(x) - one_hot(t, x)) / len(x) * len(x),
    "minus of the rest": lambda x, t: (
        lambda p: p * (1 - one_hot(t, x)) - one_hot(t, x) * (p * (1 - one_hot(t, x))).sum(1, keepdims=True)
    )(stable(x)),
    "add at": lambda x, t: (lambda p: (np.subtract.at(p, (np.arange(len(p)), t), 1), p)[1])(stable(x)),
    "nn": lambda x, t: nn_softmax.cross_entropy_backward(x, t),
}.items():
    function.__name__ = name
    right("softmax_cross_entropy_backward")(function)


def chosen(p, target):
    return np.array([row[t] for row, t in zip(p, target, strict=True)])[:, None]


def probability_by_loops(logits, target):
    p, out = stable(logits), np.zeros_like(logits)
    for i, t in enumerate(target):
        for j in range(logits.shape[1]):
            out[i, j] = p[i, t] * ((j == t) - p[i, j])
    return out


def probability_by_differences(logits, target, h=1e-5):
    out = np.zeros_like(logits)
    for j in range(logits.shape[1]):
        step = h * np.eye(logits.shape[1])[j]
        out[:, j] = (chosen(stable(logits + step), target) - chosen(stable(logits - step), target))[:, 0] / (2 * h)
    return out


def patched(logits, target):
    p = stable(logits)
    out = -p * chosen(p, target)
    out[np.arange(len(p)), target] += chosen(p, target)[:, 0]
    return out


def written_by_case(logits, target):
    p = stable(logits)
    c = chosen(p, target)
    return np.where(one_hot(target, logits) > 0, c * (1 - c), -c * p)


for name, function in {
    "loops": probability_by_loops,
    "differences": probability_by_differences,
    "patched": patched,
    "by case": written_by_case,
    "closed form": lambda x, t: chosen(stable(x), t) * (one_hot(t, x) - stable(x)),
    "Jacobian rows": lambda x, t: np.stack(
        [(np.diag(p) - np.outer(p, p))[k] for p, k in zip(stable(x), t, strict=True)]
    ),
    "from the loss": lambda x, t: -chosen(stable(x), t) * minus_one_at_target(x, t),
    "backward": lambda x, t: nn_softmax.softmax_backward(one_hot(t, x), stable(x)),
    "einsum": lambda x, t: np.einsum("n,nc->nc", chosen(stable(x), t)[:, 0], one_hot(t, x) - stable(x)),
    "list": lambda x, t: probability_by_loops(x, t).tolist(),
    "float32": lambda x, t: written_by_case(x.astype("f4"), t),
    "generic backward": lambda x, t: (lambda p, d: p * d - p * (p * d).sum(1, keepdims=True))(stable(x), one_hot(t, x)),
    "log then exp": lambda x, t: -np.exp(-by_cross_entropy(x, t))[:, None] * minus_one_at_target(x, t),
}.items():
    function.__name__ = name
    right("probability_backward")(function)


def by_cross_entropy(logits, target):
    return special.logsumexp(logits, axis=1) - chosen(logits, target)[:, 0]
