"""Each preset against a short rewrite of that tool's own pipeline, one picture at a time."""

import numpy as np
import pytest
import twins
from helpers import small_input, small_network
from PIL import Image
from scipy.ndimage import zoom

from numcam.errors import InputError
from numcam.explain import PRESETS, Conventions, conventional, grad_cam, upsample
from numcam.explain.conventions import correlation, effects, normalised
from numcam.explain.upsample import bicubic
from numcam.nn import Conv2d, Flatten, Linear, Network, ReLU

SIZE = (7, 9)


@pytest.fixture
def trace():
    return small_network().forward(small_input(n=3))


def logit_cam(trace, layer, target, pool=np.mean):
    """alpha times A, summed; signed."""
    g = trace.backward(target, stop=layer)[layer]
    return np.stack(
        [sum(pool(g[i, k]) * a for k, a in enumerate(trace[layer][i])) for i in range(len(g))]
    )  # (n, rows, cols)


def probability_cam(trace, layer, target):
    """The same with d(softmax)/dA, class by class: p_c (dy_c - sum_j p_j dy_j)."""
    p = np.exp(trace.output) / np.exp(trace.output).sum(axis=1, keepdims=True)
    every = np.stack([trace.backward(j, stop=layer)[layer] for j in range(p.shape[1])])  # (classes, n, k, rows, cols)
    out = []
    for i in range(len(p)):
        g = p[i, target] * (every[target, i] - sum(p[i, j] * every[j, i] for j in range(p.shape[1])))
        out.append(sum(g[k].mean() * a for k, a in enumerate(trace[layer][i])))
    return np.stack(out)


def paper(trace, c):
    maps = [twins.bilinear(np.maximum(m, 0), SIZE) for m in logit_cam(trace, "relu2", c)]
    return np.stack([m / m.max() for m in maps])


def original_torch7(trace, c):
    maps = [twins.corner(m * (m > 0), SIZE) for m in logit_cam(trace, "relu2", c, np.sum)]
    return np.stack([(m - m.min()) / (m.max() - m.min()) for m in maps])  # image.toDisplayTensor


def pytorch_grad_cam(trace, c):
    def scale(map):
        map = map - map.min()
        return map / (1e-7 + map.max())

    maps = [scale(np.maximum(m, 0)) for m in logit_cam(trace, "pool1", c)]
    return np.stack([scale(np.maximum(twins.bilinear(m, SIZE), 0)) for m in maps])


def captum(trace, c):
    def nearest(map):
        rows = [int((i + 0.5) * map.shape[0] / SIZE[0]) for i in range(SIZE[0])]
        cols = [int((j + 0.5) * map.shape[1] / SIZE[1]) for j in range(SIZE[1])]
        return map[np.ix_(rows, cols)]

    return np.stack([nearest(m) for m in logit_cam(trace, "relu2", c)])


def torch_cam(trace, c):
    maps = []
    for m in logit_cam(trace, "pool1", c):
        m = np.maximum(m, 0)
        m = (m - m.min()) / ((m - m.min()).max() + 1e-8)
        maps.append(np.asarray(Image.fromarray(m.astype(np.float32)).resize(SIZE[::-1], Image.Resampling.BICUBIC)))
    return np.stack(maps)


def tf_keras_vis(trace, c):
    cams = [np.maximum(m, 0) for m in probability_cam(trace, "relu2", c)]
    maps = [zoom(m, (SIZE[0] / m.shape[0], SIZE[1] / m.shape[1]), order=1) for m in cams]
    return np.stack([(m - m.min()) / (m.max() - m.min() + 1e-7) for m in maps])


def keras_gradcam(trace, c):
    maps = [np.maximum(twins.bilinear(m, SIZE), 0) for m in probability_cam(trace, "relu2", c)]
    return np.stack([m / m.max() if m.max() != 0 else m for m in maps])


TOOLS = {
    "paper": (paper, 1e-12),
    "original-torch7": (original_torch7, 1e-12),
    "pytorch-grad-cam": (pytorch_grad_cam, 1e-6),  # its two epsilons of 1e-7
    "captum": (captum, 1e-12),
    "torch-cam": (torch_cam, 1e-6),  # Pillow enlarges in float32
    "tf-keras-vis": (tf_keras_vis, 1e-12),
    "keras-gradcam": (keras_gradcam, 1e-12),
}


@pytest.mark.parametrize("name", list(PRESETS))
def test_each_preset_is_the_tools_own_pipeline(trace, name):
    tool, tolerance = TOOLS[name]
    for c in (0, 1, 2):
        np.testing.assert_allclose(conventional(trace, c, name), tool(trace, c), rtol=0, atol=tolerance)


def test_no_two_presets_are_the_same_map(trace):
    maps = {name: conventional(trace, 1, name) for name in PRESETS}
    scaled = {name: m / np.abs(m).max() for name, m in maps.items()}
    names = list(PRESETS)
    for i, one in enumerate(names):
        for two in names[i + 1 :]:
            assert np.abs(scaled[one] - scaled[two]).max() > 1e-3, (one, two)


def test_the_paper_is_grad_cam_enlarged_and_divided_by_its_maximum(trace):
    large = upsample(grad_cam(trace), SIZE)
    np.testing.assert_allclose(conventional(trace), large / large.max(axis=(1, 2), keepdims=True), rtol=1e-12)


def test_a_saturated_softmax_blanks_the_tools_that_differentiate_it_and_no_other():
    """Logits 200 apart: p rounds to 1 in float32, and its gradient to 0."""
    rng = np.random.default_rng(0)
    w = rng.standard_normal((2, 4 * 12)).astype(np.float32)
    network = Network(
        {
            "conv": Conv2d(rng.standard_normal((4, 1, 3, 3)).astype(np.float32), np.zeros(4, np.float32), padding=1),
            "relu": ReLU(),
            "flatten": Flatten(),
            "fc": Linear(w, np.array([400, 0], np.float32)),
        }
    )
    trace = network.forward(rng.standard_normal((1, 1, 3, 4)).astype(np.float32))
    assert grad_cam(trace, 0).any()
    for name, dial in PRESETS.items():
        if dial.layer == "last ReLU":
            assert conventional(trace, 0, name).any() == (dial.score == "logit"), name


def test_a_blank_map_is_divided_by_nothing():
    for how in ("maximum", "min-max"):
        np.testing.assert_array_equal(normalised(np.zeros((2, 3, 4)), how, 0.0), np.zeros((2, 3, 4)))
    np.testing.assert_array_equal(normalised(np.full((1, 2, 2), 3.0), "min-max", 0.0), np.zeros((1, 2, 2)))


def test_bicubic_is_pillows():
    map = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    expected = np.asarray(Image.fromarray(map).resize((28, 15), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(bicubic(5, 15) @ map @ bicubic(7, 28).T, expected, atol=1e-6)


def test_the_last_convolution_is_before_its_relu_and_nothing_need_be_enlarged(trace):
    dial = Conventions(layer="last convolution", relu="never", upsample="never", normalise="never")
    np.testing.assert_allclose(conventional(trace, 1, dial), logit_cam(trace, "conv2", 1), rtol=1e-12)
    dial = Conventions(layer="conv1", upsample="never", normalise="never")
    np.testing.assert_allclose(conventional(trace, 1, dial), grad_cam(trace, 1, "conv1"), rtol=1e-12)


def test_effects_turn_one_dial_at_a_time(trace):
    found = effects(trace, 1, PRESETS["original-torch7"], PRESETS["paper"])
    assert list(found) == ["weights", "upsample", "normalise"]
    assert found["weights"] == pytest.approx(1)  # a constant factor
    turned = conventional(trace, 1, Conventions(upsample="corner"))[0]
    assert found["upsample"] == pytest.approx(np.corrcoef(turned.ravel(), conventional(trace, 1)[0].ravel())[0, 1])
    assert np.isnan(correlation(np.ones(5), np.arange(5.0)))
    assert not effects(trace, 1, PRESETS["paper"], PRESETS["paper"])
    assert effects(trace, 1, Conventions(upsample="never"), PRESETS["paper"])["upsample"] < 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: Conventions(score="logits"), "score='logits': there are logit, probability"),
        (lambda t: Conventions(upsample="cubic"), "half-pixel"),
        (lambda t: conventional(t, 0, "grad-cam"), "did you mean"),
        (lambda t: conventional(t, 0, Conventions(layer="relu7")), "did you mean relu"),
    ],
)
def test_a_dial_that_does_not_exist_is_answered_with_those_that_do(trace, call, words):
    with pytest.raises(InputError, match=words):
        call(trace)


def test_a_network_without_pooling_is_told_so():
    network = Network({"relu": ReLU(), "flatten": Flatten(), "fc": Linear(np.ones((1, 12)), np.zeros(1))})
    with pytest.raises(InputError, match="no pooling"):
        conventional(network.forward(np.ones((1, 1, 3, 4))), 0, "torch-cam")
