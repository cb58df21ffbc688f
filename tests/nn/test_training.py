"""Optimisers against numbers worked out by hand, gradients of the loss, and a toy problem that must be learned."""

import numpy as np
import pytest
from helpers import small_input, small_network

from numcam.nn import Linear, Network, ReLU
from numcam.nn.gradcheck import directional_derivative
from numcam.nn.softmax import cross_entropy
from numcam.nn.training import SGD, Adam, clipped, cosine_rate, loss_and_gradients, train


def test_sgd_with_momentum_worked_out_by_hand():
    optimiser = SGD(momentum=0.5, decay=0.1)
    p = {"fc.weight": np.array([1.0]), "fc.bias": np.array([1.0])}
    p = optimiser.step(p, {"fc.weight": np.array([2.0]), "fc.bias": np.array([2.0])}, rate=0.1)
    assert p["fc.weight"] == pytest.approx(1 * (1 - 0.01) - 0.1 * 2)
    assert p["fc.bias"] == pytest.approx(1 - 0.1 * 2)  # biases are not pulled to 0
    p = optimiser.step(p, {"fc.weight": np.array([0.0]), "fc.bias": np.array([4.0])}, rate=0.1)
    assert p["fc.bias"] == pytest.approx(0.8 - 0.1 * (0.5 * 2 + 4))


def test_adam_worked_out_by_hand():
    optimiser = Adam(betas=(0.5, 0.75), epsilon=0.0, decay=0.1)
    p = optimiser.step({"a.weight": np.array([1.0])}, {"a.weight": np.array([4.0])}, rate=0.1)
    assert p["a.weight"] == pytest.approx(0.99 - 0.1)  # the first step is the sign, times the rate
    p = optimiser.step(p, {"a.weight": np.array([2.0])}, rate=0.1)
    m = (0.5 * 0.5 * 4 + 0.5 * 2) / (1 - 0.5**2)
    v = (0.75 * 0.25 * 16 + 0.25 * 4) / (1 - 0.75**2)
    assert p["a.weight"] == pytest.approx(0.89 * 0.99 - 0.1 * m / v**0.5)


def test_clipping_scales_all_gradients_together():
    gradients = {"a": np.array([3.0]), "b": np.array([4.0])}
    short = clipped(gradients, 1.0)
    assert short["a"] == pytest.approx(0.6)
    assert short["b"] == pytest.approx(0.8)
    assert clipped(gradients, 10.0)["a"] == 3


def test_the_norm_of_a_large_gradient_is_that_of_all_its_pieces(monkeypatch):
    monkeypatch.setattr("numcam.nn.training.PIECE", 7)
    g = np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)
    assert np.linalg.norm(clipped({"a": g}, 0.25)["a"]) == pytest.approx(0.25)


def test_a_step_leaves_the_state_that_somebody_has_kept_as_it_was():
    for optimiser in (SGD(), Adam()):
        p, g = {"a.weight": np.array([1.0])}, {"a.weight": np.array([2.0])}
        optimiser.step(p, g, rate=0.1)
        kept = dict(optimiser.state)
        before = {name: array.copy() for name, array in kept.items()}
        optimiser.step(p, g, rate=0.1)
        assert kept == before
        assert p["a.weight"] == 1


def test_the_rate_rises_then_falls_to_zero():
    rates = [cosine_rate(step, 100, 2.0, warmup=10) for step in range(101)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[9] == rates[10] == 2
    assert rates[55] == pytest.approx(1)
    assert rates[100] == pytest.approx(0)


def test_loss_gradients_are_those_of_the_summed_loss():
    network, x, target = small_network(), small_input(n=3), np.array([1, 0, 3])
    loss, logits, gradients = loss_and_gradients(network, x, target)
    np.testing.assert_array_equal(logits, network.forward(x).output)
    np.testing.assert_array_equal(loss, cross_entropy(logits, target))
    assert gradients.keys() == network.parameters.keys()
    for name, value in network.parameters.items():
        direction = np.random.default_rng(4).standard_normal(value.shape)

        def total(v, name=name):
            moved = network.with_parameters({**network.parameters, name: v})
            return cross_entropy(moved.forward(x).output, target).sum()

        numerical = directional_derivative(total, value, direction, 1e-7)
        assert (gradients[name] * direction).sum() == pytest.approx(numerical, rel=1e-5, abs=1e-8), name


def toy(steps, seed=0):
    """Is the first number larger than the second? Two classes."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        x = rng.standard_normal((10, 2)).astype(np.float32)
        yield x, (x[:, 0] > x[:, 1]).astype(int)


def toy_network():
    rng = np.random.default_rng(1)
    hidden = Linear(rng.standard_normal((8, 2)).astype(np.float32), np.zeros(8, np.float32))
    last = Linear(rng.standard_normal((2, 8)).astype(np.float32) / 4, np.zeros(2, np.float32))
    return Network({"fc1": hidden, "relu1": ReLU(), "fc2": last})


@pytest.mark.parametrize("optimiser", [SGD(), Adam()], ids=["sgd", "adam"])
def test_a_toy_problem_is_learned_and_the_given_network_stays_as_it_was(optimiser):
    network = toy_network()
    before = {k: v.copy() for k, v in network.parameters.items()}
    steps = list(train(network, toy(150), optimiser, lambda _: 0.02))
    assert [s.index for s in steps] == list(range(150))
    assert np.mean([s.loss for s in steps[-20:]]) < 0.5 * np.mean([s.loss for s in steps[:5]])
    assert np.mean([s.accuracy for s in steps[-20:]]) > 0.95
    for name, value in network.parameters.items():
        np.testing.assert_array_equal(value, before[name])


def test_the_number_of_workers_does_not_change_the_result():
    one, three = (
        list(train(toy_network(), toy(5), Adam(), lambda _: 0.01, workers=w))[-1].network.parameters for w in (1, 3)
    )
    for name, value in one.items():
        np.testing.assert_array_equal(three[name], value)
