"""A logit is a sum, at every layer, exactly."""

import numpy as np
import pytest
from helpers import small_input, small_network

from numcam import scenes
from numcam.errors import InputError
from numcam.explain import ledger
from numcam.loading import load
from numcam.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    Network,
    ReLU,
    Softmax,
)


def every_layer():
    """One of each layer that is linear piece by piece."""
    rng = np.random.default_rng(0)
    n = rng.standard_normal
    return Network(
        {
            "conv1": Conv2d(n((3, 2, 3, 3)), n(3), padding=1, stride=2),
            "norm1": BatchNorm2d(mean=n(3), variance=n(3) ** 2, weight=n(3), bias=n(3)),
            "relu1": ReLU(),
            "avgpool": AvgPool2d(2, 1),
            "conv2": Conv2d(n((4, 3, 2, 2)), n(4)),
            "relu2": ReLU(),
            "maxpool": MaxPool2d(2),
            "mean": GlobalAvgPool2d(),
            "drop": Dropout(0.5, seed=3),
            "fc": Linear(n((3, 4)), n(3)),
        }
    )


@pytest.mark.parametrize("target", [None, 1, [2, 0]])
def test_every_line_is_the_logit_to_a_part_in_a_trillion(target):
    for network, x in (
        (small_network(), small_input()),
        (every_layer(), np.random.default_rng(1).normal(size=(2, 2, 13, 15))),
    ):
        trace = network.forward(x)
        found = ledger(trace, target)
        chosen = trace.output.argmax(axis=1) if target is None else target
        np.testing.assert_array_equal(found.score, trace.output[[0, 1], chosen])
        assert found.layers == tuple(reversed(list(trace)))
        np.testing.assert_allclose(found.total, np.broadcast_to(found.score, found.total.shape), rtol=0, atol=1e-12)


def test_in_float32_it_is_the_logit_to_rounding_on_the_trained_network():
    classifier = load()
    images = np.stack([scenes.draw(seed).image for seed in (0, 1)])
    found = ledger(classifier.forward(classifier.preprocess(images)))
    weight = (found.positive - found.negative + np.abs(found.bias)).max(axis=1, keepdims=True)
    assert np.abs(found.gap / weight).max() < 1e-6


def test_the_bias_part_is_what_changes_when_biases_go():
    """Independent of the bookkeeping: without its biases a layer's gates may change, but not where all stay open."""
    rng = np.random.default_rng(0)
    w, b = np.abs(rng.standard_normal((3, 2, 2, 2))), np.abs(rng.standard_normal(3))
    head = Linear(rng.standard_normal((2, 36)), rng.standard_normal(2))

    def network(bias):
        return Network({"conv": Conv2d(w, bias), "relu": ReLU(), "flatten": Flatten(), "fc": head})

    x = np.abs(rng.standard_normal((1, 2, 4, 5)))
    found = ledger(network(b).forward(x), 1)
    without = network(b * 0).forward(x).output[0, 1]
    of_conv = found.bias[-1, 0] - head.bias[1]
    assert of_conv == pytest.approx(network(b).forward(x).output[0, 1] - without, rel=1e-12)


def test_by_hand():
    """y = 3 relu(2 x + 1) - 4 at x = 5: 3 * 11 - 4 = 29 = 30 from the input, + 3 and - 4 from the biases."""
    one = Network(
        {
            "fc1": Linear(np.array([[2.0]]), np.ones(1)),
            "relu": ReLU(),
            "fc2": Linear(np.array([[3.0]]), np.array([-4.0])),
        }
    )
    found = ledger(one.forward(np.array([[5.0]])), 0)
    np.testing.assert_array_equal(found.positive[:, 0], [29, 33, 33, 30])
    np.testing.assert_array_equal(found.bias[:, 0], [0, -4, -4, -1])
    assert str(found).splitlines()[-1].split() == ["input", "30.0000", "0.0000", "-1.0000", "29.000000", "0.0e+00"]


def test_a_softmax_is_no_sum_and_the_sentence_says_which_layer_it_is():
    network = Network([*small_network().layers.items(), ("prob", Softmax())])
    with pytest.raises(InputError, match="prob is a Softmax"):
        ledger(network.forward(small_input()), 0)


def test_a_seed_array_is_booked_like_a_class():
    trace = small_network().forward(small_input())
    seed = np.random.default_rng(0).standard_normal(trace.output.shape)
    found = ledger(trace, seed)
    np.testing.assert_allclose(found.score, (seed * trace.output).sum(axis=1))
    np.testing.assert_allclose(found.gap, 0, atol=1e-12)
