"""What each explanation is, on networks small enough to say what it must be."""

import numpy as np
import pytest
from helpers import small_input, small_network

from numcam import METHODS
from numcam.errors import InputError
from numcam.explain import deconvnet, grad_cam, guided_backprop, guided_grad_cam, saliency, spatial_layer, upsample
from numcam.models.vgg import random_network
from numcam.nn import Conv2d, Flatten, GlobalAvgPool2d, Linear, Network, ReLU


@pytest.fixture
def trace():
    return small_network().forward(small_input(n=3))


def test_every_method_takes_the_predicted_class_unless_told_and_returns_one_answer_a_picture(trace):
    best = trace.output.argmax(axis=1)
    for name, method in METHODS.items():
        found = method(trace)
        np.testing.assert_array_equal(found, method(trace, best), err_msg=name)
        assert len(found) == 3


def test_grad_cam_worked_out_by_hand():
    """One 2x2 picture, one channel doubled by a 1x1 kernel: alpha is the mean of fc's weights, times nothing else."""
    network = Network(
        {
            "conv": Conv2d(np.array([[[[2.0]]], [[[-1.0]]]]), np.zeros(2)),
            "relu": ReLU(),
            "flatten": Flatten(),
            "fc": Linear(np.array([[1.0, 2, 3, 6, 8, 8, 8, 8], [-1, -1, -1, -1, 4, 0, 0, 0]]), np.zeros(2)),
        }
    )
    trace = network.forward(np.array([[[[1.0, -2], [3, 0]]]]))  # channels after ReLU: 2 0 6 0 and 0 2 0 0
    # class 0: alpha = (1+2+3+6)/4 = 3 and 8; class 1: -1 and 1
    np.testing.assert_array_equal(grad_cam(trace, 0), [[[6, 16], [18, 0]]])
    np.testing.assert_array_equal(grad_cam(trace, 1), [[[0, 2], [0, 0]]])  # -2, 2, -6, 0 before the ReLU


def test_grad_cam_is_cam_on_a_network_with_global_average_pooling():
    """Selvaraju et al. 2017, section 3: CAM's weights are those of the last layer; Grad-CAM's are 1/Z of them."""
    rng = np.random.default_rng(0)
    network = Network(
        {
            "conv": Conv2d(rng.standard_normal((5, 2, 3, 3)), rng.standard_normal(5), padding=1),
            "relu": ReLU(),
            "pool": GlobalAvgPool2d(),
            "fc": Linear(rng.standard_normal((3, 5)), rng.standard_normal(3)),
        }
    )
    trace = network.forward(rng.standard_normal((2, 2, 6, 7)))
    weights = network.parameters["fc.weight"][1]
    cam = np.maximum(np.einsum("k,nkij->nij", weights, trace["relu"]), 0)
    np.testing.assert_allclose(grad_cam(trace, 1), cam / 42, rtol=1e-12)


def test_grad_cam_of_each_class_differs_and_is_not_negative(trace):
    maps = [grad_cam(trace, k) for k in range(4)]
    assert all((m >= 0).all() for m in maps)
    assert not np.allclose(maps[0], maps[1])


def test_a_class_per_picture_is_each_picture_with_its_class(trace):
    together = grad_cam(trace, [2, 0, 1])
    for i, k in enumerate([2, 0, 1]):
        np.testing.assert_array_equal(together[i], grad_cam(trace, k)[i])


def test_the_default_layer_is_the_last_spatial_relu(trace):
    np.testing.assert_array_equal(grad_cam(trace, 0), grad_cam(trace, 0, "relu2"))
    assert grad_cam(trace, 0, "relu1").shape == (3, 7, 9)
    assert grad_cam(trace, 0, "input").shape == (3, 7, 9)


def test_the_default_layer_is_above_no_pool_and_without_a_relu_the_last_with_places():
    x = np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype(np.float32)
    pocket = random_network("pocket", input_size=(64, 64)).forward(x)
    assert spatial_layer(pocket) == "relu5_3"  # not pool5, which is spatial too
    np.testing.assert_array_equal(grad_cam(pocket, 3), grad_cam(pocket, 3, "relu5_3"))
    conv = Conv2d(np.ones((2, 3, 3, 3), np.float32), np.zeros(2, np.float32))
    assert spatial_layer(Network({"conv": conv, "pool": GlobalAvgPool2d()}).forward(x)) == "conv"


@pytest.mark.parametrize(
    ("layer", "words"), [("relu22", "did you mean relu2"), ("block5", "conv1, relu1"), ("fc3", "no rows and columns")]
)
def test_a_layer_that_will_not_do_is_answered_with_those_that_would(trace, layer, words):
    with pytest.raises(InputError, match=words):
        grad_cam(trace, 0, layer)
    with pytest.raises(InputError, match=words):
        guided_grad_cam(trace, 0, layer)


def test_pixel_methods_are_signed_and_differ_only_in_their_rule(trace):
    found = [method(trace, 2) for method in (saliency, guided_backprop, deconvnet)]
    for f in found:
        assert f.shape == (3, 2, 7, 9)
        assert f.min() < 0 < f.max()
    assert not np.allclose(found[0], found[1])
    assert not np.allclose(found[1], found[2])


def test_on_a_network_with_no_relu_all_pixel_methods_are_the_kernel_itself():
    w = np.random.default_rng(0).standard_normal((2, 2 * 3 * 4))
    trace = Network({"flatten": Flatten(), "fc": Linear(w, np.zeros(2))}).forward(np.ones((1, 2, 3, 4)))
    for method in (saliency, guided_backprop, deconvnet):
        np.testing.assert_array_equal(method(trace, 1)[0], w[1].reshape(2, 3, 4))


def test_guided_grad_cam_is_the_product_of_the_two(trace):
    cam = upsample(grad_cam(trace, 2), (7, 9))
    np.testing.assert_array_equal(guided_grad_cam(trace, 2), guided_backprop(trace, 2) * cam[:, None])


def test_a_class_that_every_cell_argues_against_has_a_map_of_zeros():
    network = Network({"relu": ReLU(), "flatten": Flatten(), "fc": Linear(-np.ones((1, 12)), np.zeros(1))})
    trace = network.forward(np.ones((1, 1, 3, 4)))
    np.testing.assert_array_equal(grad_cam(trace, 0), np.zeros((1, 3, 4)))


def test_explaining_changes_nothing_that_is_explained_next(trace):
    first = grad_cam(trace, 0)
    for method in METHODS.values():
        method(trace, 1)
    np.testing.assert_array_equal(grad_cam(trace, 0), first)
