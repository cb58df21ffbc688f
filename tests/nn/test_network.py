"""Network and Trace: a record that nothing changes, walked back as far as asked and as often as wanted."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import small_input, small_network

from numcam.nn import (
    DECONVNET,
    GUIDED,
    STANDARD,
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
from numcam.nn.types import Parameterless

NAMES = ["input", "conv1", "relu1", "pool1", "conv2", "relu2", "flatten", "fc3", "relu3", "drop3", "fc4"]


class Refusing(Parameterless):
    """Passes forward, and raises when anybody asks for a gradient."""

    def forward(self, x):
        return x * 1

    def backward(self, dout, x, out):
        raise RuntimeError("asked for a gradient")


class NoParameterGradients(Linear):
    def parameter_gradients(self, dout, x):
        raise RuntimeError("asked for parameter gradients")


def test_a_trace_names_every_layer_in_order_and_the_input_first():
    trace = small_network().forward(small_input())
    assert list(trace) == NAMES
    assert len(trace) == 11
    assert trace.output is trace["fc4"]
    assert trace["conv1"].shape == (2, 3, 7, 9)


def test_a_trace_is_read_only():
    trace = small_network().forward(small_input())
    for name in trace:
        with pytest.raises(ValueError, match="read-only"):
            trace[name][...] = 0


def test_neither_the_callers_array_nor_a_later_pass_changes_a_trace():
    network, x = small_network(), small_input()
    trace = network.forward(x)
    before = {name: trace[name].copy() for name in trace}
    x[...] = 7
    network.forward(x)
    for name in trace:
        np.testing.assert_array_equal(trace[name], before[name])


def test_using_a_network_changes_none_of_its_arrays():
    network = small_network()
    before = {k: v.copy() for k, v in network.parameters.items()}
    trace = network.forward(small_input())
    for rules in (STANDARD, GUIDED, DECONVNET):
        trace.parameter_gradients(trace.backward(1, rules))
    for name, value in network.parameters.items():
        np.testing.assert_array_equal(value, before[name])


def test_guided_and_deconvnet_rules_leave_plain_gradients_unchanged():
    trace = small_network().forward(small_input())
    first = trace.backward(1)["input"]
    guided, deconvnet = trace.backward(1, GUIDED)["input"], trace.backward(1, DECONVNET)["input"]
    np.testing.assert_array_equal(trace.backward(1)["input"], first)
    np.testing.assert_array_equal(trace.backward(1, GUIDED)["input"], guided)
    assert not np.allclose(first, guided)
    assert not np.allclose(guided, deconvnet)


def test_gradients_have_the_names_and_shapes_of_the_trace():
    trace = small_network().forward(small_input())
    grads = trace.backward(0)
    assert list(grads) == NAMES[::-1]
    assert all(grads[name].shape == trace[name].shape for name in trace)


@pytest.mark.parametrize("stop", NAMES)
def test_backward_ends_at_stop(stop):
    trace = small_network().forward(small_input())
    assert list(trace.backward(0, stop=stop)) == NAMES[::-1][: NAMES[::-1].index(stop) + 1]


def test_nothing_below_stop_is_computed():
    layers = {"trap": Refusing(), **small_network().layers}
    trace = Network(layers).forward(small_input())
    trace.backward(0, stop="trap")
    with pytest.raises(RuntimeError, match="asked for a gradient"):
        trace.backward(0)


def test_backward_never_computes_parameter_gradients():
    layers = dict(small_network().layers)
    layers["fc4"] = NoParameterGradients(layers["fc4"].weight, layers["fc4"].bias)
    trace = Network(layers).forward(small_input())
    grads = trace.backward(0)
    with pytest.raises(RuntimeError, match="parameter"):
        trace.parameter_gradients(grads)


def test_a_rule_of_the_users_own_is_called_with_the_gradient_and_the_input():
    trace = small_network().forward(small_input())
    seen = []

    def rule(dout, x):
        seen.append((dout.shape, x.shape))
        return dout

    trace.backward(0, {MaxPool2d: lambda dout, x: np.zeros_like(x), ReLU: rule})
    assert seen == [(a, a) for a in ((2, 6), (2, 5, 3, 4), (2, 3, 7, 9))]


def test_targets_are_an_index_an_index_per_picture_or_a_seed():
    trace = small_network().forward(small_input())
    each = [trace.backward(k)["input"] for k in range(4)]
    np.testing.assert_array_equal(trace.backward([2, 0])["input"], np.stack([each[2][0], each[0][1]]))
    np.testing.assert_array_equal(trace.backward(np.array([2, 0]))["input"], np.stack([each[2][0], each[0][1]]))
    seed = np.array([[1.0, -2, 0, 0], [0, 0, 0, 3]])
    expected = np.stack([each[0][0] - 2 * each[1][0], 3 * each[3][1]])
    np.testing.assert_allclose(trace.backward(seed)["input"], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (4, "0 to 3"),
        (-1, "0 to 3"),
        ([0, 9], "0 to 3"),
        ([0], "2 indices"),
        ([0, 1, 2], "2 indices"),
        (np.zeros((2, 3)), r"float array \(2, 4\)"),
        (np.array([0.5, 1.0]), "class index"),
        ("cat", "class index"),
        (np.zeros((2, 4), int), "class index"),
    ],
)
def test_a_target_that_does_not_fit_is_answered_with_what_would(target, words):
    trace = small_network().forward(small_input())
    with pytest.raises(ValueError, match=words):
        trace.backward(target)


def test_an_index_may_be_numpys():
    trace = small_network().forward(small_input())
    np.testing.assert_array_equal(trace.backward(np.int64(3))["input"], trace.backward(3)["input"])


def test_a_rule_that_is_not_given_by_type_of_layer_is_an_error_not_ignored():
    trace = small_network().forward(small_input())
    with pytest.raises(ValueError, match=r"rules are given by type of layer, as in {ReLU: rule}; got 'ReLU'"):
        trace.backward(0, {"ReLU": np.maximum})


def test_where_a_network_ends_in_maps_an_index_is_a_channel_summed_over_all_places():
    network = Network({"conv": small_network().layers["conv1"]})
    trace = network.forward(small_input())
    seed = np.zeros(trace.output.shape)
    seed[0, 1] = seed[1, 2] = 1
    np.testing.assert_array_equal(trace.backward([1, 2])["input"], trace.backward(seed)["input"])
    with pytest.raises(ValueError, match="class indices run from 0 to"):
        trace.backward(trace.output.shape[1])


def test_a_wrong_layer_name_is_answered_with_the_names_there_are():
    trace = small_network().forward(small_input())
    with pytest.raises(ValueError, match=r"relu9.*conv1, relu1"):
        trace.backward(0, stop="relu9")
    with pytest.raises(KeyError, match=r"relu9.*conv1, relu1"):
        trace["relu9"]


@pytest.mark.parametrize("x", [np.zeros((1, 2, 7, 9), np.uint8), np.zeros((1, 2, 7, 9), np.float16)])
def test_other_dtypes_are_refused(x):
    with pytest.raises(ValueError, match="float32 or float64"):
        small_network().forward(x)


@pytest.mark.parametrize("engine", ["plain", "fast"])
@pytest.mark.parametrize("shape", [(0, 2, 7, 9), (1, 2, 0, 9)])
def test_a_batch_without_a_pixel_is_refused(shape, engine):
    with pytest.raises(ValueError, match="a batch holds one picture or more") as refusal:
        small_network().forward(np.zeros(shape, np.float32), engine)
    assert str(shape) in str(refusal.value)


@pytest.mark.parametrize("shape", [(1, 3, 7, 9), (1, 2, 9, 9), (2, 7, 9), (2,)])
def test_a_shape_that_does_not_fit_names_the_layer_that_refuses_it(shape):
    with pytest.raises(ValueError, match=r"^(conv1|fc3): "):
        small_network().forward(np.zeros(shape))


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (MaxPool2d(3), (1, 2, 2, 5), "windows of 3x3 do not fit"),
        (GlobalAvgPool2d(), (1, 2), "takes (n, c, rows, cols)"),
        (Conv2d(np.ones((1, 1, 5, 5)), np.zeros(1)), (1, 1, 4, 9), "5x5 kernel does not fit 4x9"),
    ],
)
def test_shapes_that_do_not_fit_a_layer_are_refused(layer, shape, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        layer.output_shape(shape)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Conv2d(np.ones((2, 3)), np.ones(2)),
        lambda: Conv2d(np.ones((2, 3, 3, 3)), np.ones(3)),
        lambda: Conv2d(np.ones((2, 3, 3, 3)), np.ones(2), stride=0),
        lambda: Conv2d(np.ones((2, 3, 3, 3)), np.ones(2), padding=(1, -1)),
        lambda: Conv2d(np.ones((2, 3, 3, 3)), np.ones(2), stride=1.5),
        lambda: Linear(np.ones(3), np.ones(3)),
        lambda: MaxPool2d(0),
        lambda: Dropout(1.0),
        lambda: Network({}),
        lambda: Network({"input": ReLU()}),
        lambda: Network([("a", ReLU()), ("a", ReLU())]),
    ],
)
def test_impossible_layers_and_networks_are_refused(make):
    with pytest.raises((ValueError, TypeError)):
        make()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_that_goes_in_comes_out_whatever_the_weights_are(dtype):
    trace = small_network(dtype=np.float32).forward(small_input().astype(dtype))
    assert {a.dtype for a in trace.values()} == {np.dtype(dtype)}
    assert {g.dtype for g in trace.backward(0).values()} == {np.dtype(dtype)}


def test_a_batch_is_its_pictures_one_by_one():
    network, x = small_network(), small_input(n=4)
    together = network.forward(x)
    grads = together.backward([0, 1, 2, 3])
    for i in range(4):
        alone = network.forward(x[i : i + 1])
        np.testing.assert_allclose(alone.output, together.output[i : i + 1], rtol=1e-12)
        np.testing.assert_allclose(alone.backward(i)["input"], grads["input"][i : i + 1], rtol=1e-11, atol=1e-14)


def test_threads_may_share_a_network_and_a_trace():
    network, inputs = small_network(), [small_input(seed) for seed in range(16)]
    expected = [network.forward(x).backward(0)["input"] for x in inputs]
    shared = network.forward(inputs[0])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda x: network.forward(x).backward(0)["input"], inputs))
        rules = list(pool.map(lambda rule: shared.backward(0, rule)["input"], [STANDARD, GUIDED] * 8))
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a, b)
    for a in rules[::2]:
        np.testing.assert_array_equal(a, expected[0])


def test_shapes_agree_with_what_forward_gives():
    network = small_network()
    trace = network.forward(small_input(n=3))
    assert network.shapes((3, 2, 7, 9)) == {name: a.shape for name, a in trace.items()}


def test_any_chain_of_layers_is_a_network():
    rng = np.random.default_rng(0)
    network = Network(
        [
            ("conv", Conv2d(rng.standard_normal((10, 1, 3, 3)), rng.standard_normal(10))),
            ("relu", ReLU()),
            ("flatten", Flatten()),
            ("linear", Linear(rng.standard_normal((3, 10 * 4 * 6)), rng.standard_normal(3))),
            ("softmax", Softmax()),
        ]
    )
    trace = network.forward(rng.standard_normal((2, 1, 6, 8)))
    np.testing.assert_allclose(trace.output.sum(axis=1), 1)


def test_dropout_is_the_identity_until_a_network_is_thinned():
    network = small_network()
    x = small_input(n=50)
    assert network.forward(x)["drop3"] is not None
    np.testing.assert_array_equal(network.forward(x)["drop3"], network.forward(x)["relu3"])
    thinned = network.thinned(3).forward(x)
    alive = thinned["relu3"] > 0
    kept = thinned["drop3"] > 0
    assert 0.35 < kept[alive].mean() < 0.65
    np.testing.assert_allclose(thinned["drop3"][kept], 2 * thinned["relu3"][kept])
    np.testing.assert_array_equal(network.thinned(3).forward(x)["drop3"], thinned["drop3"])
    assert not np.array_equal(network.thinned(4).forward(x)["drop3"], thinned["drop3"])


def test_with_parameters_and_astype_make_new_networks():
    network = small_network()
    doubled = network.with_parameters({k: 2 * v for k, v in network.parameters.items()})
    np.testing.assert_array_equal(doubled.parameters["fc4.bias"], 2 * network.parameters["fc4.bias"])
    assert network.astype(np.float64) is network
    assert network.astype(np.float32).parameters["conv1.weight"].dtype == np.float32
    assert "conv1: Conv2d(2 -> 3" in repr(network)
