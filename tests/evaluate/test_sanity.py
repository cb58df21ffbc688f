"""Randomisation draws what it should and nothing else; the controls know nothing of the network."""

import numpy as np
import pytest
from helpers import small_input, small_network

from numcam.errors import InputError
from numcam.evaluate import sanity
from numcam.evaluate.explanations import maps, names, native, noise
from numcam.models.classifier import Classifier
from numcam.models.preprocessing import CENTRED
from numcam.models.vgg import random_network
from numcam.nn import GUIDED


def test_cascading_draws_all_layers_down_to_one_and_independent_that_one_alone():
    network = small_network()
    order = ["fc4", "fc3", "conv2", "conv1"]
    assert sanity.learned(network) == order
    for mode in sanity.MODES:
        for i, (layer, drawn) in enumerate(sanity.networks(network, mode)):
            changed = {
                key.split(".")[0]
                for key, value in drawn.parameters.items()
                if not np.array_equal(value, network.parameters[key])
            }
            assert layer == order[i]
            assert changed == (set(order[: i + 1]) if mode == "cascading" else {layer})


def test_a_layer_is_drawn_alike_in_both_modes_by_its_seed_with_variance_2_over_inputs():
    network = random_network("pocket", 3, (32, 64))
    both = [dict(sanity.networks(network, mode, seed=4))["fc7"].parameters["fc7.weight"] for mode in sanity.MODES]
    np.testing.assert_array_equal(*both)
    other = dict(sanity.networks(network, "independent", seed=5))["fc7"].parameters["fc7.weight"]
    assert (other != both[0]).any()
    assert both[0].var() == pytest.approx(2 / 256, rel=0.02)
    assert both[0].dtype == np.float32
    assert not dict(sanity.networks(network, "independent"))["fc7"].parameters["fc7.bias"].any()


def test_the_original_network_is_left_alone():
    network = small_network()
    before = {key: value.copy() for key, value in network.parameters.items()}
    list(sanity.networks(network, "cascading"))
    for key, value in network.parameters.items():
        np.testing.assert_array_equal(value, before[key])


def test_unchanged_explanations_are_perfectly_alike():
    x = np.random.default_rng(0).normal(size=(2, 6, 7))
    np.testing.assert_allclose(sanity.compared((x, np.abs(x)), (x, np.abs(x))), 1)


def test_one_linear_layer_above_guided_backpropagation_cannot_change_which_pixels_it_draws():
    """Above the last ReLU a positive factor passes unchanged; an explanation that only scales is the same one."""
    network, x = small_network(), small_input()
    scaled = network.with_parameters({**network.parameters, "fc4.weight": 3 * network.parameters["fc4.weight"]})
    a, b = (n.forward(x).backward(1, GUIDED)["input"] for n in (network, scaled))
    np.testing.assert_allclose(b, 3 * a)
    assert sanity.compared((a[:, 0], np.abs(a[:, 0])), (b[:, 0], np.abs(b[:, 0]))) == pytest.approx(1)


def test_views_of_pixel_methods_sum_over_the_colours_and_those_of_maps_are_the_map():
    classifier = Classifier(random_network("pocket", 3, (32, 64)), ("a", "b", "c"), CENTRED, (32, 64))
    x = classifier.preprocess(np.random.default_rng(0).integers(0, 256, (2, 32, 64, 3)).astype(np.uint8))
    trace = classifier.forward(x, engine="fast")
    signed, absolute = sanity.views(classifier, x, "saliency", np.array([0, 1]))
    gradient = trace.backward([0, 1])["input"]
    np.testing.assert_allclose(signed, gradient.sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(absolute, np.abs(gradient).sum(axis=1), atol=1e-6)
    signed, absolute = sanity.views(classifier, x, "grad_cam", np.array([0, 1]))
    np.testing.assert_array_equal(signed, absolute)
    assert signed.shape == (2, 32, 64)


def test_the_controls_do_not_depend_on_the_network_and_one_not_on_the_picture():
    x = np.random.default_rng(0).normal(size=(2, 3, 32, 64)).astype(np.float32)
    traces = [random_network("pocket", 3, (32, 64), seed).forward(x) for seed in (0, 1)]
    for method in ("random", "centre"):
        np.testing.assert_array_equal(*(native(trace, method, np.array([0, 1])) for trace in traces))
    drawn = native(traces[0], "random", np.array([0, 1]))
    assert (drawn[0] != drawn[1]).any()
    np.testing.assert_array_equal(drawn[0], noise(x[0]))
    hill = maps(traces[0], "centre", np.array([0, 1]))
    np.testing.assert_array_equal(hill[0], hill[1])
    assert hill[0].max() == hill[0, 15:17, 31:33].max()


def test_methods_are_found_by_name_in_either_spelling():
    assert names("grad-cam, saliency,grad_cam", ()) == ("grad_cam", "saliency")
    assert names(None, ("random",)) == ("random",)
    assert {"grad_cam", "random"} <= set(names("all", ()))
    for wrong, words in (("gradcam", "did you mean grad_cam"), (",", "no method named")):
        with pytest.raises(InputError, match=words):
            names(wrong, ())
