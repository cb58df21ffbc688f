"""Of equal values in a pooling window the first takes the gradient: for any network, and pictures that repeat."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numcam.nn import Conv2d, MaxPool2d, Network, ReLU

FEW = settings(max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


def flat(rng, c, rows, cols):
    return np.broadcast_to(rng.standard_normal((c, 1, 1)), (c, rows, cols))


def striped(rng, c, rows, cols):
    return np.broadcast_to(rng.standard_normal((c, rows, 1)), (c, rows, cols))


def barred(rng, c, rows, cols):
    return striped(rng, c, cols, rows).transpose(0, 2, 1)


def tiled(rng, c, rows, cols):
    tile = rng.standard_normal((c, *rng.integers(1, 5, 2)))
    return np.tile(tile, (1, rows, cols))[:, :rows, :cols]


def patched(rng, c, rows, cols):
    """Patches of a few colours, as drawn scenes are."""
    which = np.kron(rng.integers(0, 2, (rows // 6 + 1, cols // 6 + 1)), np.ones((6, 6), int))
    return rng.standard_normal((c, 2))[:, which[:rows, :cols]]


def half_zero(rng, c, rows, cols):
    """Zeros of both signs, which are equal, beside noise."""
    x = rng.standard_normal((c, rows, cols))
    x[..., : cols // 2] = rng.choice([0.0, -0.0], (c, rows, cols // 2))
    return x


KINDS = (flat, striped, barred, tiled, patched, half_zero)


@st.composite
def repeating(draw):
    """A network of one or two blocks, its channels on every path of the fast engine, and two pictures."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    widths = st.sampled_from((1, 3, 5, 8, 16, 17, 24, 32, 40, 48, 64))
    channels = [draw(st.integers(1, 3)), *draw(st.lists(widths, min_size=1, max_size=3))]
    rows, cols = draw(st.integers(8, 40)), draw(st.integers(8, 40))
    kinds = draw(st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)))
    x = np.stack([kind(rng, channels[0], rows, cols) for kind in kinds]).astype(np.float32)
    layers = {}
    for i, (c, k) in enumerate(pairwise(channels), 1):
        w = (rng.standard_normal((k, c, 3, 3)) / np.sqrt(9 * c)).astype(np.float32)
        layers[f"conv{i}"] = Conv2d(w, rng.standard_normal(k).astype(np.float32), padding=1)
        if draw(st.booleans()):
            layers[f"relu{i}"] = ReLU()
        if draw(st.booleans()) or i == len(channels) - 1:
            layers[f"pool{i}"] = MaxPool2d(2)
            rows, cols = rows // 2, cols // 2
            if min(rows, cols) < 2:
                break
    return Network(layers), x, rng


def made_from(network, x):
    """For the input and each layer, a number for every place (n, rows, cols): equal where it is made from the same."""
    n, c, rows, cols = x.shape
    columns = (x + np.float32(0)).transpose(0, 2, 3, 1).reshape(-1, c)  # -0 is 0
    labels = {"input": np.unique(columns, axis=0, return_inverse=True)[1].reshape(n, rows, cols)}
    for before, (name, layer) in zip(["input", *network.layers], network.layers.items(), strict=False):
        below = labels[before]
        if isinstance(layer, ReLU):
            labels[name] = below
            continue
        size, stride, pad = (3, 1, 1) if isinstance(layer, Conv2d) else (2, 2, 0)
        edged = np.pad(below, ((0, 0), (pad, pad), (pad, pad)), constant_values=-1)
        windows = np.lib.stride_tricks.sliding_window_view(edged, (size, size), (1, 2))[:, ::stride, ::stride]
        flat = windows.reshape(-1, size * size)
        labels[name] = np.unique(flat, axis=0, return_inverse=True)[1].reshape(windows.shape[:3])
    return labels


def corners(values):
    """The four places of each 2x2 window, in reading order, along a new first axis; the last odd row and column out."""
    rows, cols = (2 * (size // 2) for size in values.shape[-2:])
    return np.stack([values[..., i:rows:2, j:cols:2] for i in (0, 1) for j in (0, 1)])


@pytest.mark.parametrize("engine", ["plain", "fast"])
@FEW
@given(drawn=repeating())
def test_of_values_made_from_the_same_the_first_takes_the_gradient(engine, drawn):
    network, x, rng = drawn
    trace = network.forward(x, engine)
    gradients = trace.backward(np.abs(rng.standard_normal(trace.output.shape)) + 0.5)
    labels = made_from(network, x)
    for before, (name, layer) in zip(["input", *network.layers], network.layers.items(), strict=False):
        if not isinstance(layer, MaxPool2d):
            continue
        takes, same = corners(gradients[before] != 0), corners(labels[before])[:, :, None]
        for later in range(1, 4):
            for earlier in range(later):
                assert not (takes[later] & (same[later] == same[earlier])).any()
        above = np.asarray(gradients[name]) != 0
        np.testing.assert_array_equal(takes.sum(0), above)
