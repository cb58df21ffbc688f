"""FGSM moves every pixel by epsilon, the right way, in grey levels."""

import numpy as np
import pytest

from numcam.attack import fgsm
from numcam.attack.fgsm import loss_direction
from numcam.errors import InputError
from numcam.models.classifier import Classifier
from numcam.models.preprocessing import CAFFE, CENTRED, TORCHVISION, Preprocessing
from numcam.models.vgg import random_network
from numcam.nn import Flatten, Linear, Network
from numcam.nn.softmax import cross_entropy, cross_entropy_backward

REVERSED = Preprocessing((123.68, 116.779, 103.939), (64.0, 64.0, 64.0), "BGR")
"""Channels in another order than the pixels', as in CAFFE, and a scale at which random weights are not saturated."""


def classifier(preprocessing=CENTRED):
    return Classifier(random_network("pocket", 3, (32, 64)), ("cat", "dog", "boxer"), preprocessing, (32, 64))


def pixels(n=2, dtype=np.float32):
    return np.random.default_rng(0).uniform(20, 235, (n, 3, 32, 64)).astype(dtype)


def loss(c, p, label):
    return cross_entropy(c.forward(c.preprocessing.forward(p.astype(np.float64))).output, label)


@pytest.mark.parametrize("preprocessing", [CENTRED, TORCHVISION, CAFFE])
def test_every_pixel_moves_by_epsilon_in_grey_levels_whatever_the_preprocessing(preprocessing):
    p = pixels()
    moved = np.abs(fgsm(classifier(preprocessing), p, epsilon=3.0) - p)
    assert moved.max() == pytest.approx(3, abs=1e-4)
    assert np.mean(moved > 2.99) > 0.95  # but for pixels whose gradient is exactly 0


@pytest.mark.parametrize("preprocessing", [CENTRED, REVERSED])
def test_the_step_follows_the_sign_of_the_exact_gradient(preprocessing):
    c, p, label = classifier(preprocessing), pixels(dtype=np.float64), np.array([1, 2])
    trace = c.forward(c.preprocessing.forward(p))
    gradient = c.pixel_gradient(trace.backward(cross_entropy_backward(trace.output, label))["input"])
    np.testing.assert_array_equal(fgsm(c, p, label, 2.0), p + 2 * np.sign(gradient))


@pytest.mark.parametrize("preprocessing", [CENTRED, TORCHVISION, REVERSED])
def test_leaving_a_class_raises_its_loss_and_reaching_one_lowers_it(preprocessing):
    c, p, label = classifier(preprocessing), pixels(dtype=np.float64), np.array([1, 2])
    assert (loss(c, fgsm(c, p, label, 0.5), label) > loss(c, p, label)).all()
    assert (loss(c, fgsm(c, p, label, 0.5, targeted=True), label) < loss(c, p, label)).all()


def test_the_label_is_the_predicted_class_unless_given_by_name_index_or_one_a_picture():
    c, p = classifier(), pixels()
    best = c.forward(c.preprocessing.forward(p)).output.argmax(axis=1)
    np.testing.assert_array_equal(fgsm(c, p), fgsm(c, p, best))
    np.testing.assert_array_equal(fgsm(c, p, "dog"), fgsm(c, p, 1))
    np.testing.assert_array_equal(fgsm(c, p, [1, 2])[1], fgsm(c, p, 2)[1])


def test_the_result_stays_within_0_and_255():
    p = np.random.default_rng(0).choice([0.0, 255.0], (1, 3, 32, 64)).astype(np.float32)
    moved = fgsm(classifier(), p, epsilon=10)
    assert moved.min() == 0
    assert moved.max() == 255


def test_the_dtype_that_goes_in_comes_out_and_whole_numbers_become_float32():
    c = classifier()
    assert fgsm(c, pixels(dtype=np.float64)).dtype == np.float64
    whole = pixels().astype(np.uint8)
    assert fgsm(c, whole).dtype == np.float32
    np.testing.assert_array_equal(fgsm(c, whole), fgsm(c, whole.astype(np.float32)))


def test_the_pixels_given_are_not_changed_and_epsilon_0_changes_nothing():
    p = pixels()
    before = p.copy()
    np.testing.assert_array_equal(fgsm(classifier(), p, epsilon=0), p)
    fgsm(classifier(), p, epsilon=5)
    np.testing.assert_array_equal(p, before)


def test_a_saturated_softmax_does_not_stall_the_attack():
    """A logit lead of 200: p rounds to 1, p - y to 0, and the plain gradient vanishes."""
    w = np.random.default_rng(0).standard_normal((3, 3 * 4 * 4)).astype(np.float32)
    network = Network({"flatten": Flatten(), "fc": Linear(w, np.array([200, 0, 0], np.float32))})
    c = Classifier(network, ("a", "b", "c"), CENTRED, (4, 4))
    p = np.full((1, 3, 4, 4), 127.5, np.float32)
    trace = c.forward(c.preprocessing.forward(p))
    assert not cross_entropy_backward(trace.output, np.array([0])).any()
    assert (np.abs(fgsm(c, p, epsilon=2.0) - p) == 2).all()


def test_the_direction_is_the_cross_entropy_gradient_over_one_minus_p():
    logits = np.random.default_rng(0).standard_normal((4, 5))
    label = np.array([0, 3, 2, 4])
    gradient = cross_entropy_backward(logits, label)
    np.testing.assert_allclose(loss_direction(logits, label) * -gradient[np.arange(4), label][:, None], gradient)


@pytest.mark.parametrize("epsilon", [-1, np.nan, np.inf, 256, 1e9])
def test_an_absurd_epsilon_is_refused(epsilon):
    with pytest.raises(InputError, match="0 to 255"):
        fgsm(classifier(), pixels(), epsilon=epsilon)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"label": "cart"}, "did you mean cat"),
        ({"label": 3}, "0 to 2"),
        ({"label": [0]}, "one label or 2"),
        ({"targeted": True}, "class to reach"),
    ],
)
def test_labels_that_do_not_fit_are_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        fgsm(classifier(), pixels(), **arguments)


@pytest.mark.parametrize(
    "bad",
    [np.zeros((32, 64, 3)), np.zeros((1, 3, 64, 32)), np.full((1, 3, 32, 64), 300.0), np.full((1, 3, 32, 64), np.nan)],
)
def test_pixels_that_are_none_are_refused(bad):
    with pytest.raises(InputError, match=r"0-255|fgsm takes"):
        fgsm(classifier(), bad)


@pytest.mark.parametrize("share", [8 / 255, np.float32(8 / 255), 2 / 255])
def test_an_epsilon_in_shares_of_255_is_refused_with_the_grey_levels(share):
    with pytest.raises(InputError, match=rf"which is (8|2)/255: give {round(255 * share)}$"):
        fgsm(classifier(), pixels(), epsilon=float(share))
    moved = fgsm(classifier(), pixels(), epsilon=0.25)  # a quarter of a grey level is what it says
    np.testing.assert_allclose(np.abs(moved - pixels()), 0.25, atol=1e-4)


def test_pixels_in_0_to_1_are_refused_with_both_readings():
    with pytest.raises(InputError, match=r"multiply by 255 if they are in 0-1, or give uint8"):
        fgsm(classifier(), pixels() / 255)


def test_a_network_of_sigmoids_moves_the_logit_of_its_own_class_alone():
    logits = np.array([[3.0, -1.0, 0.5], [0.0, 2.0, 1.0]])
    np.testing.assert_array_equal(loss_direction(logits, np.array([0, 2]), "sigmoid"), [[-1, 0, 0], [0, 0, -1]])
