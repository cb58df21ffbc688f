"""The methods in pixel space that average gradients or cover parts of the picture."""

import numpy as np
import pytest
import twins
from helpers import small_input, small_network

from numcam.errors import InputError
from numcam.explain import (
    METHODS,
    completeness_gap,
    gradient_times_input,
    integrated_gradients,
    ledger,
    occlusion,
    rise,
    saliency,
    smooth_grad,
)
from numcam.explain.forward_passes import chunks, remaining
from numcam.explain.masked import random_masks
from numcam.nn import Conv2d, Flatten, Linear, Network, ReLU
from numcam.nn.softmax import softmax


@pytest.fixture
def trace():
    return small_network().forward(small_input(n=3))


def line(rng=None):
    """A network without a ReLU: its logit is w x + b, so that every method has a closed form."""
    rng = rng or np.random.default_rng(0)
    return Network({"flatten": Flatten(), "fc": Linear(rng.standard_normal((2, 2 * 6 * 8)), rng.standard_normal(2))})


def test_on_a_straight_line_all_of_them_are_the_line():
    x = np.random.default_rng(1).standard_normal((2, 2, 6, 8))
    trace = line().forward(x)
    w = trace.network.parameters["fc.weight"][1].reshape(2, 6, 8)
    np.testing.assert_allclose(smooth_grad(trace, 1), np.stack([w, w]))
    np.testing.assert_allclose(gradient_times_input(trace, 1), x * w)
    np.testing.assert_allclose(integrated_gradients(trace, 1, steps=3, baseline=0.5), (x - 0.5) * w)
    np.testing.assert_allclose(occlusion(trace, 1, size=1), (x * w).sum(axis=1))
    assert np.abs(completeness_gap(trace, (x - 0.5) * w, 1, 0.5)).max() < 1e-12


def test_gradient_times_input_sums_to_the_ledgers_last_line(trace):
    found = ledger(trace, 2)
    np.testing.assert_allclose(
        gradient_times_input(trace, 2).sum(axis=(1, 2, 3)), (found.positive + found.negative)[-1]
    )


def test_smooth_grad_is_the_mean_gradient_of_its_own_draws(trace):
    x, rng = trace["input"], np.random.default_rng(5)
    expected = np.zeros_like(x)
    draws = [rng.standard_normal(x.shape[1:]) for _ in range(4)]
    for i in range(3):
        for draw in draws:
            noisy = x[i] + 0.3 * (x[i].max() - x[i].min()) * draw
            expected[i] += trace.network.forward(noisy[None]).backward(2)["input"][0] / 4
    np.testing.assert_allclose(smooth_grad(trace, 2, samples=4, noise=0.3, seed=5), expected, rtol=1e-10)
    np.testing.assert_allclose(smooth_grad(trace, 2, samples=2, noise=0.0), saliency(trace, 2))
    assert not np.allclose(smooth_grad(trace, 2, seed=1), smooth_grad(trace, 2, seed=2))


def test_smooth_grad_explains_the_class_that_is_seen_without_noise(trace):
    best = trace.output.argmax(axis=1)
    np.testing.assert_array_equal(smooth_grad(trace, noise=2.0), smooth_grad(trace, best, noise=2.0))


def test_integrated_gradients_close_their_gap_as_steps_grow(trace):
    gaps = [np.abs(completeness_gap(trace, integrated_gradients(trace, 1, steps=s), 1)).max() for s in (2, 20, 200)]
    assert gaps[0] > gaps[1] > 10 * gaps[2] > 0  # the way crosses gates, each between two steps


def test_integrated_gradients_step_by_step(trace):
    x, b = trace["input"], small_input(seed=9, n=1)
    expected = np.zeros_like(x)
    for alpha in (1 / 6, 3 / 6, 5 / 6):  # the middles of three thirds
        expected += (x - b) * trace.network.forward(b + alpha * (x - b)).backward(3)["input"] / 3
    np.testing.assert_allclose(integrated_gradients(trace, 3, steps=3, baseline=b), expected, rtol=1e-10)


@pytest.mark.parametrize(("size", "stride"), [(3, 2), (2, 2), (4, 1), (20, 20)])
def test_occlusion_is_the_mean_fall_over_the_patches_that_cover_a_pixel(trace, size, stride):
    expected = twins.occlusion(trace.network, trace["input"], 2, size, stride)
    np.testing.assert_allclose(occlusion(trace, 2, size, stride), expected, rtol=1e-10, atol=1e-13)


def test_occlusion_covers_every_pixel(trace):
    x = np.ones((1, 2, 6, 8))
    found = occlusion(Network({"flatten": Flatten(), "fc": Linear(np.ones((1, 96)), np.zeros(1))}).forward(x), 0, 4, 3)
    assert found.min() > 0


def test_rise_is_the_weighted_mean_of_its_masks(trace):
    masks = random_masks(np.random.default_rng(7), 30, (7, 9), 3, 0.4)(slice(0, 30))
    expected = np.zeros((3, 7, 9))
    for i, x in enumerate(trace["input"]):
        for mask in masks:
            expected[i] += softmax(trace.network.forward((x * mask)[None]).output)[0, 1] * mask / (30 * 0.4)
    np.testing.assert_allclose(rise(trace, 1, masks=30, cells=3, keep=0.4, seed=7), expected, rtol=1e-10)


def test_rise_masks_are_smooth_seen_as_often_as_asked_and_shifted_by_less_than_a_cell():
    masks = random_masks(np.random.default_rng(0), 4000, (21, 28), 7, 0.3)(slice(None))
    assert masks.shape == (4000, 21, 28)
    assert masks.min() >= 0
    assert masks.max() <= 1
    assert masks.mean() == pytest.approx(0.3, abs=0.005)
    np.testing.assert_allclose(masks.mean(axis=0), 0.3, atol=0.05)  # at every pixel
    assert np.abs(np.diff(masks, axis=1)).max() <= 1 / 3 + 1e-12  # cells of 3 pixels


def test_rise_finds_the_half_that_counts():
    """A logit that sees the left half alone."""
    w = np.zeros((2, 1, 8, 8))
    w[0, :, :, :4] = 0.2
    network = Network({"flatten": Flatten(), "fc": Linear(w.reshape(2, -1), np.array([-3.2, 0]))})
    found = rise(network.forward(np.ones((1, 1, 8, 8))), 0, masks=2000, cells=4)
    assert found[0, :, :4].min() > found[0, :, 4:].max()


def test_draws_do_not_depend_on_how_the_work_is_cut(trace, monkeypatch):
    whole = rise(trace, 1, masks=25, seed=3)
    monkeypatch.setattr("numcam.explain.forward_passes.MOST", 1)
    assert len(chunks(trace, "input", 25)) == 25
    np.testing.assert_allclose(rise(trace, 1, masks=25, seed=3), whole, rtol=1e-12)
    np.testing.assert_allclose(occlusion(trace, 1), occlusion(trace, 1))


@pytest.mark.parametrize("layer", ["input", "relu1", "relu2", "fc4"])
def test_the_network_above_a_layer_goes_on_from_it(trace, layer):
    network = remaining(trace, layer)
    if layer == "fc4":
        assert network is None
    else:
        np.testing.assert_array_equal(network.forward(trace[layer]).output, trace.output)


def test_long_work_tells_how_far_it_is(trace):
    seen = []

    def progress(things, about):
        for thing in things:
            seen.append(about)
            yield thing

    for name in ("smooth_grad", "integrated_gradients", "occlusion", "rise", "score_cam", "ablation_cam"):
        METHODS[name](trace, 0, progress=progress)
    assert set(seen) == {"SmoothGrad", "integrated gradients", "occlusion", "RISE", "Score-CAM", "Ablation-CAM"}


def test_a_network_that_ends_in_maps_is_explained_by_its_channels():
    rng = np.random.default_rng(0)
    network = Network({"conv": Conv2d(rng.standard_normal((4, 2, 3, 3)), rng.standard_normal(4)), "relu": ReLU()})
    trace = network.forward(rng.standard_normal((2, 2, 9, 9)))
    for name, method in METHODS.items():
        found = method(trace, 1)
        assert len(found) == 2, name
        assert np.isfinite(found).all(), name


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        (smooth_grad, {"samples": 0}, "at least 1 sample"),
        (smooth_grad, {"noise": -1.0}, "noise of 0"),
        (integrated_gradients, {"steps": 0}, "at least 1 step"),
        (occlusion, {"size": 0}, "patch of 1"),
        (occlusion, {"size": 2, "stride": 3}, "stride from 1"),
        (rise, {"masks": 0}, "at least 1"),
        (rise, {"keep": 0.0}, "keep in"),
    ],
)
def test_impossible_options_are_refused(trace, method, options, words):
    with pytest.raises(InputError, match=words):
        method(trace, 0, **options)
