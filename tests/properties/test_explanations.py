"""What must hold for any network, picture and class: drawn at random, and made smaller where it fails."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numcam.explain import (
    METHODS,
    completeness_gap,
    grad_cam,
    gradient_times_input,
    integrated_gradients,
    ledger,
    occlusion,
    saliency,
)
from numcam.nn import Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, Network, ReLU

FEW = settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
SLOW = {"rise": {"masks": 6}, "smooth_grad": {"samples": 2}, "integrated_gradients": {"steps": 3}}


@st.composite
def networks(draw, biases=True):
    """A small network, with everything that a VGG has, and a batch for it; float64."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    channels = [draw(st.integers(1, 3)), *draw(st.lists(st.integers(1, 5), min_size=1, max_size=2))]
    rows, cols = draw(st.integers(5, 9)), draw(st.integers(5, 9))
    x = rng.standard_normal((draw(st.integers(1, 3)), channels[0], rows, cols))
    layers = {}
    for i, (c, k) in enumerate(pairwise(channels), 1):
        w, b = rng.standard_normal((k, c, 3, 3)), rng.standard_normal(k) * biases
        layers |= {f"conv{i}": Conv2d(w, b, padding=1), f"relu{i}": ReLU()}
        if draw(st.booleans()) and min(rows, cols) > 3:
            layers[f"pool{i}"] = MaxPool2d(2)
            rows, cols = rows // 2, cols // 2
    units, classes = channels[-1] * rows * cols, draw(st.integers(2, 5))
    layers["flatten"] = Flatten()
    for i, (inputs, outputs) in enumerate(((units, 6), (6, classes)), 1):
        w = rng.standard_normal((outputs, inputs)) / inputs**0.5
        layers[f"fc{i}"] = Linear(w, rng.standard_normal(outputs) * biases)
        layers |= {"relu": ReLU()} if i == 1 else {}
    return Network(layers), x, rng


def method_of(name):
    return lambda trace, target=None: METHODS[name](trace, target, **SLOW.get(name, {}))


@FEW
@given(networks())
def test_completeness_of_the_ledger_at_every_layer(drawn):
    network, x, rng = drawn
    trace = network.forward(x)
    found = ledger(trace, int(rng.integers(trace.output.shape[1])))
    size = 1 + np.abs(found.positive) + np.abs(found.negative) + np.abs(found.bias)
    assert np.abs(found.gap / size).max() < 1e-13


@FEW
@given(networks(biases=False))
def test_completeness_of_gradient_times_input_and_integrated_gradients_without_biases(drawn):
    """Without biases the logit is gradient times input, and the way from black is straight: one step is enough."""
    network, x, _ = drawn
    trace = network.forward(x)
    contributions = gradient_times_input(trace, 0)
    size = 1 + np.abs(contributions).sum(axis=(1, 2, 3))
    assert np.abs((contributions.sum(axis=(1, 2, 3)) - trace.output[:, 0]) / size).max() < 1e-13
    found = integrated_gradients(trace, 0, steps=1)
    np.testing.assert_allclose(found, contributions, rtol=1e-9, atol=1e-12 * size.max())
    assert np.abs(completeness_gap(trace, found, 0) / size).max() < 1e-12


@FEW
@given(networks())
def test_gradients_are_linear_in_what_is_asked(drawn):
    network, x, rng = drawn
    trace = network.forward(x)
    u, v = rng.standard_normal((2, *trace.output.shape))
    for method in (saliency, gradient_times_input, occlusion):
        together = method(trace, 2 * u - 3 * v)
        np.testing.assert_allclose(together, 2 * method(trace, u) - 3 * method(trace, v), rtol=1e-9, atol=1e-9)


@FEW
@given(networks())
def test_classes_have_no_order(drawn):
    """Permuting the rows of the last layer permutes the answers, and nothing else."""
    network, x, rng = drawn
    last = network.layers["fc2"]
    order = rng.permutation(len(last.bias))
    parameters = {**network.parameters, "fc2.weight": last.weight[order], "fc2.bias": last.bias[order]}
    trace, moved = network.forward(x), network.with_parameters(parameters).forward(x)
    k = int(rng.integers(len(order)))
    for name in METHODS:
        ours, theirs = method_of(name)(moved, k), method_of(name)(trace, int(order[k]))
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10 * (1 + np.abs(theirs).max()), err_msg=name)
    np.testing.assert_allclose(grad_cam(moved, "all"), grad_cam(trace, "all")[:, order], rtol=1e-9, atol=1e-11)


@FEW
@given(networks())
def test_a_batch_is_its_pictures_one_by_one(drawn):
    network, x, rng = drawn
    trace = network.forward(x)
    target = rng.integers(trace.output.shape[1], size=len(x))
    for name in METHODS:
        together = method_of(name)(trace, target)
        for i, picture in enumerate(x):
            alone = method_of(name)(network.forward(picture[None]), int(target[i]))[0]
            np.testing.assert_allclose(
                together[i], alone, rtol=1e-8, atol=1e-10 * (1 + np.abs(alone).max()), err_msg=name
            )
    for i, picture in enumerate(x):
        alone = grad_cam(network.forward(picture[None]), "all")[0]
        np.testing.assert_allclose(grad_cam(trace, "all")[i], alone, rtol=1e-9, atol=1e-11)


@FEW
@given(networks())
def test_no_input_is_ever_modified(drawn):
    network, x, rng = drawn
    picture, parameters = x.copy(), {k: v.copy() for k, v in network.parameters.items()}
    target = rng.integers(network.forward(x).output.shape[1], size=len(x))
    asked = target.copy()
    trace = network.forward(x)
    before = {name: a.copy() for name, a in trace.items()}
    for name in METHODS:
        first = method_of(name)(trace, target)
        np.testing.assert_array_equal(first, method_of(name)(trace, target), err_msg=name)
        first[...] = 7  # what is returned belongs to the caller
    np.testing.assert_array_equal(x, picture)
    np.testing.assert_array_equal(target, asked)
    for name, a in trace.items():
        np.testing.assert_array_equal(a, before[name])
    for name, a in network.parameters.items():
        np.testing.assert_array_equal(a, parameters[name])


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(-2, 2), st.integers(-2, 2))
def test_a_picture_moved_by_the_stride_has_its_map_moved_by_a_cell(seed, down, right):
    """Where the head averages over all places, and the object keeps away from the border."""
    rng = np.random.default_rng(seed)
    network = Network(
        {
            "conv1": Conv2d(rng.standard_normal((4, 2, 3, 3)), np.zeros(4), padding=1),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(rng.standard_normal((5, 4, 3, 3)), np.zeros(5), padding=1),
            "relu2": ReLU(),
            "mean": GlobalAvgPool2d(),
            "fc": Linear(rng.standard_normal((3, 5)), rng.standard_normal(3)),
        }
    )
    x = np.zeros((1, 2, 28, 32))
    x[:, :, 10:16, 12:18] = rng.standard_normal((1, 2, 6, 6))
    moved = np.roll(x, (2 * down, 2 * right), axis=(2, 3))
    for name in ("grad_cam", "grad_cam_plus_plus", "xgrad_cam", "hires_cam", "layer_cam", "ablation_cam", "eigen_cam"):
        here, there = METHODS[name](network.forward(x), 0), METHODS[name](network.forward(moved), 0)
        np.testing.assert_allclose(there, np.roll(here, (down, right), axis=(1, 2)), atol=1e-10, err_msg=name)
    for name in ("saliency", "guided_backprop", "gradient_times_input"):
        here, there = METHODS[name](network.forward(x), 0), METHODS[name](network.forward(moved), 0)
        np.testing.assert_allclose(there, np.roll(here, (2 * down, 2 * right), axis=(2, 3)), atol=1e-10, err_msg=name)


@pytest.mark.parametrize("name", list(METHODS))
def test_every_method_keeps_the_precision_it_is_given(name):
    for dtype in (np.float32, np.float64):
        rng = np.random.default_rng(0)
        network = Network(
            {
                "conv1": Conv2d(rng.standard_normal((4, 3, 3, 3)).astype(dtype), np.ones(4, dtype), padding=1),
                "relu1": ReLU(),
                "flatten": Flatten(),
                "fc1": Linear(rng.standard_normal((3, 4 * 48)).astype(dtype), np.ones(3, dtype)),
            }
        )
        trace = network.forward(rng.standard_normal((2, 3, 6, 8)).astype(dtype))
        found = method_of(name)(trace)
        assert found.dtype == dtype
        assert np.isfinite(found).all()
