"""Every class activation map against a loop-written twin, values worked out by hand, and its famous mistakes."""

from fractions import Fraction

import numpy as np
import pytest
import twins
from helpers import small_input, small_network

from numcam.errors import InputError
from numcam.explain import (
    METHODS,
    ablation_cam,
    cam,
    counterfactual_grad_cam,
    eigen_cam,
    full_grad,
    fused,
    grad_cam,
    grad_cam_plus_plus,
    hires_cam,
    layer_cam,
    score_cam,
    xgrad_cam,
)
from numcam.explain.every_class import class_gradients
from numcam.nn import Conv2d, Flatten, GlobalAvgPool2d, Linear, Network, ReLU


@pytest.fixture
def trace():
    return small_network().forward(small_input(n=3))


def tiny():
    """One 2x2 picture; A = (2 0 6 0), (0 2 0 0); g of class 0 = (1 2 3 6), (8 8 8 8), of class 1 = -1s, (4 0 0 0)."""
    network = Network(
        {
            "conv": Conv2d(np.array([[[[2.0]]], [[[-1.0]]]]), np.zeros(2)),
            "relu": ReLU(),
            "flatten": Flatten(),
            "fc": Linear(np.array([[1.0, 2, 3, 6, 8, 8, 8, 8], [-1, -1, -1, -1, 4, 0, 0, 0]]), np.zeros(2)),
        }
    )
    return network.forward(np.array([[[[1.0, -2], [3, 0]]]]))


def gap_network(rng):
    return Network(
        {
            "conv": Conv2d(rng.standard_normal((5, 2, 3, 3)), rng.standard_normal(5), padding=1),
            "relu": ReLU(),
            "pool": GlobalAvgPool2d(),
            "fc": Linear(rng.standard_normal((3, 5)), rng.standard_normal(3)),
        }
    )


@pytest.mark.parametrize("layer", ["relu2", "relu1", "conv2"])
@pytest.mark.parametrize("name", list(twins.TWINS))
def test_each_is_what_its_formula_says_number_by_number(trace, name, layer):
    for target in (0, [3, 1, 2]):
        g = trace.backward(target, stop=layer)[layer]
        expected = twins.TWINS[name](trace[layer], g)
        np.testing.assert_allclose(METHODS[name](trace, target, layer), expected, rtol=1e-10, atol=1e-12)


def test_score_cam_and_ablation_cam_are_what_their_passes_say(trace):
    network = trace.network
    expected = twins.score_cam(network, trace["input"], trace["relu2"], 2)
    np.testing.assert_allclose(score_cam(trace, 2), expected, rtol=1e-10, atol=1e-14)
    expected = twins.ablation_cam(network, "relu2", trace["relu2"], 2, trace.output)
    np.testing.assert_allclose(ablation_cam(trace, 2), expected, rtol=1e-10, atol=1e-14)


def test_full_grad_is_what_the_authors_code_computes(trace):
    expected = twins.full_grad(trace.network, trace, trace.backward(1), (7, 9))
    np.testing.assert_allclose(full_grad(trace, 1), expected, rtol=1e-10)


def test_by_hand():
    trace = tiny()
    np.testing.assert_allclose(hires_cam(trace, 0), [[[2, 16], [18, 0]]])
    np.testing.assert_allclose(layer_cam(trace, 0), [[[2, 16], [18, 0]]])
    np.testing.assert_allclose(hires_cam(trace, 1), [[[0, 0], [0, 0]]])
    np.testing.assert_allclose(xgrad_cam(trace, 0), [[[5, 16], [15, 0]]])  # (2*1 + 6*3) / 8 = 2.5, and 8
    np.testing.assert_allclose(counterfactual_grad_cam(trace, 1), [[[2, 0], [6, 0]]])  # alpha = 1 and -1
    np.testing.assert_allclose(ablation_cam(trace, 0), np.array([[[40, 32], [120, 0]]]) / 36)  # 36 = 20 + 16
    np.testing.assert_allclose(eigen_cam(trace), [[[2, 0], [6, 0]]], atol=1e-12)  # channels at right angles
    np.testing.assert_allclose(full_grad(trace, 0), np.array([[[2, 16], [18, 0]]]) / 18)  # no bias: |x g| alone
    w = 1 / (1 + np.exp(16 - 56 / 3))  # through channel 0: 1/3 and 3 are seen, 2/3 + 18; through channel 1: 16
    np.testing.assert_allclose(score_cam(trace, 0), [[[2 * w, 2 * (1 - w)], [6 * w, 0]]])


def test_grad_cam_plus_plus_by_hand():
    share = [Fraction(1, 2 + 8 * g) for g in (1, 2, 3, 6)]  # sum of A = 8; the second channel's g are all 8
    w = float(sum(s * g for s, g in zip(share, (1, 2, 3, 6), strict=True)) / sum(share))
    np.testing.assert_allclose(grad_cam_plus_plus(tiny(), 0), [[[2 * w, 16], [6 * w, 0]]])


def test_cam_is_grad_cam_times_the_number_of_cells_where_both_exist():
    """Selvaraju et al. 2017, section 3.1."""
    rng = np.random.default_rng(0)
    trace = gap_network(rng).forward(rng.standard_normal((2, 2, 6, 7)))
    for target in (None, 1, [2, 0]):
        np.testing.assert_allclose(cam(trace, target), 42 * grad_cam(trace, target), rtol=1e-12)
        np.testing.assert_allclose(hires_cam(trace, target), grad_cam(trace, target), rtol=1e-12)
    w = trace.network.parameters["fc.weight"][1]
    np.testing.assert_allclose(cam(trace, 1), np.maximum(np.einsum("k,nkij->nij", w, trace["relu"]), 0))


def test_cam_says_what_it_needs(trace):
    with pytest.raises(InputError, match="global average pooling"):
        cam(trace, 0)
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="CAM reads relu"):
        cam(gap_network(rng).forward(rng.standard_normal((1, 2, 6, 7))), 0, "conv")


def test_before_the_relu_hires_cam_sums_to_the_layers_part_of_the_logit_and_xgrad_cam_conserves_it(trace):
    a, g = trace["relu2"], trace.backward(2, stop="relu2")["relu2"]
    signed = (a * g).sum(axis=1)
    np.testing.assert_array_equal(hires_cam(trace, 2), np.maximum(signed, 0))
    alpha = (a * g).sum(axis=(2, 3)) / a.sum(axis=(2, 3))
    conserved = (alpha[:, :, None, None] * a).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(conserved, signed.sum(axis=(1, 2)))


def test_eigen_cam_is_the_first_principal_direction_whatever_the_class_and_the_sign(trace):
    np.testing.assert_array_equal(eigen_cam(trace, 0), eigen_cam(trace, 3))
    for found, a in zip(eigen_cam(trace), trace["relu2"], strict=True):
        cells = a.reshape(len(a), -1)
        values, vectors = np.linalg.eigh(cells @ cells.T)
        projected = np.abs(vectors[:, values.argmax()] @ cells).reshape(a.shape[1:])
        np.testing.assert_allclose(found, projected, atol=1e-10)  # all of one sign: activations are >= 0


def test_channels_that_are_silent_weigh_nothing_and_divide_by_nothing():
    trace = tiny().network.forward(np.zeros((1, 1, 2, 2)))
    for name in ("xgrad_cam", "grad_cam_plus_plus", "score_cam", "ablation_cam", "eigen_cam", "full_grad"):
        assert not METHODS[name](trace, 0).any(), name


def test_ablation_cam_keeps_its_sign_where_the_score_is_negative():
    """The paper divides by the score itself: the channel that speaks against a class of score -4 would be drawn."""
    trace = tiny().network.forward(np.array([[[[-0.5, -2], [3, 0]]]]))  # A = (0 0 6 0) and (0.5 2 0 0)
    assert trace.output[0, 1] == -4  # -6 + 2
    np.testing.assert_allclose(ablation_cam(trace, 1), [[[0.25, 1], [0, 0]]])  # weights -6/4 and 2/4


class TestWrongFormulasThatAreInUse:
    """Each is published code's, as a formula; each must differ from ours where ours is right."""

    def test_the_sum_over_a_times_g_cubed(self, trace):
        """torch-cam's denominator of Grad-CAM++ sums A g^3 over positions; its division is then lost on a copy."""
        a, g = trace["relu2"], trace.backward(1, stop="relu2")["relu2"]
        theirs = g**2
        mask = g**2 != 0
        theirs[mask].__itruediv__((2 * g**2 + (a * g**3).sum(axis=(2, 3), keepdims=True))[mask])
        np.testing.assert_array_equal(theirs, g**2)  # boolean indexing gave a copy: nothing was divided
        weights = (theirs * np.maximum(g, 0)).sum(axis=(2, 3), keepdims=True)
        np.testing.assert_allclose(weights, (np.maximum(g, 0) ** 3).sum(axis=(2, 3), keepdims=True))
        map = np.maximum((weights * a).sum(axis=1), 0)
        assert correlation(map, grad_cam_plus_plus(trace, 1)) < 0.99

    def test_an_accumulator_that_starts_at_ones(self):
        """A class that every cell argues against gets a map all the same."""
        network = Network({"relu": ReLU(), "flatten": Flatten(), "fc": Linear(-0.1 * np.ones((1, 12)), np.zeros(1))})
        trace = network.forward(np.arange(12.0).reshape(1, 1, 3, 4))
        alpha = trace.backward(0)["relu"].mean(axis=(2, 3), keepdims=True)
        theirs = np.maximum(1 + (alpha * trace["relu"]).sum(axis=1), 0)
        assert theirs.max() == 1  # and brightest where the picture is darkest
        assert not grad_cam(trace, 0).any()

    def test_guided_gradients_at_the_layer(self, trace):
        """tf-explain's default: every weight is >= 0, so that no class can be argued against."""
        a, g = trace["relu2"], trace.backward(1, stop="relu2")["relu2"]
        guided = np.where((a > 0) & (g > 0), g, 0).mean(axis=(2, 3))
        assert (guided >= 0).all()
        assert (g.mean(axis=(2, 3)) < 0).any()
        assert correlation((guided[:, :, None, None] * a).sum(axis=1), grad_cam(trace, 1)) < 0.99


def correlation(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


@pytest.mark.parametrize("layer", ["relu2", "relu1", "pool1", "input", None])
def test_all_classes_from_one_pass_are_the_classes_one_by_one(trace, layer, monkeypatch):
    one_by_one = np.stack([grad_cam(trace, k, layer) for k in range(4)], axis=1)
    monkeypatch.setattr(Network, "forward", None)  # there is no other pass
    found = grad_cam(trace, "all", layer)
    assert found.shape == (3, 4, *one_by_one.shape[2:])
    np.testing.assert_allclose(found, one_by_one, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("most", [1, 100, 10**6])
def test_the_jacobian_is_the_same_in_chunks_of_any_size(trace, most):
    rows = np.concatenate([g for _, g in class_gradients(trace, "relu1", picture=1, most=most)])
    for k in range(4):
        np.testing.assert_allclose(rows[k], trace.backward(k)["relu1"][1], rtol=1e-12, atol=1e-15)


def test_all_channels_of_a_network_without_a_head():
    rng = np.random.default_rng(0)
    network = Network(list(gap_network(rng).layers.items())[:2])
    trace = network.forward(rng.standard_normal((2, 2, 4, 5)))
    one_by_one = np.stack([grad_cam(trace, k, "conv") for k in range(5)], axis=1)
    np.testing.assert_allclose(grad_cam(trace, "all", "conv"), one_by_one, rtol=1e-12)


def test_another_word_than_all_is_refused(trace):
    with pytest.raises(InputError, match='"all"'):
        grad_cam(trace, "every")


def test_fused_maps_are_shares_at_the_finest_layer(trace):
    maps = grad_cam(trace, 1, "relu1"), grad_cam(trace, 1, "relu2")
    assert [m.any() for m in maps[0]] == [False, True, True]  # a blank map stays what it is
    one, two = (np.stack([twins.bilinear(m / (m.max() or 1), (7, 9)) for m in layer]) for layer in maps)
    layers = ["relu2", "relu1"]
    np.testing.assert_allclose(fused(trace, 1, layers), (one + two) / 2)
    np.testing.assert_allclose(fused(trace, 1, layers, how="maximum"), np.maximum(one, two))
    np.testing.assert_allclose(fused(trace, 1, layers, how="product"), one * two)
    assert fused(trace, None, layers, layer_cam).max() <= 1
    for wrong in ({"layers": ["relu1"]}, {"layers": layers, "how": "sum"}):
        with pytest.raises(InputError, match="two layers or more"):
            fused(trace, 1, **wrong)
