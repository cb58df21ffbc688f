"""Whole networks against PyTorch: every activation, and every gradient from one logit down to the pixels.

float64 agrees to 1e-10. In float32 a pre-activation within rounding of 0 may fall on either side, in PyTorch as well:
such a gate moves single pixels by percents, so gradients are compared in L2 and the bound is loose; activations and
Grad-CAM, which average over gates, are not affected.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[parity]'")
F = torch.nn.functional

from torchnets import activations, gradients  # noqa: E402

from numcam import Classifier, fgsm, grad_cam, guided_grad_cam  # noqa: E402
from numcam.models.preprocessing import CENTRED, TORCHVISION  # noqa: E402
from numcam.models.vgg import random_network  # noqa: E402
from numcam.nn import DECONVNET, GUIDED, STANDARD, Conv2d, Flatten, Linear, Network, ReLU  # noqa: E402
from numcam.nn.gradcheck import relative_error  # noqa: E402

pytestmark = pytest.mark.torch
RULES = {"standard": STANDARD, "guided": GUIDED, "deconvnet": DECONVNET}


def with_biases(network, seed=5):
    """He initialisation has biases of 0; these would hide a forgotten one."""
    rng = np.random.default_rng(seed)
    p = network.parameters
    biases = {n: rng.normal(0, 0.05, a.shape).astype(a.dtype) for n, a in p.items() if n.endswith("bias")}
    return network.with_parameters({**p, **biases})


def picture(shape, dtype=np.float64, seed=3):
    """Smooth on many scales, as photographs are."""
    rng = np.random.default_rng(seed)
    x = np.zeros(shape)
    for cell in (1, 4, 16, 32):
        coarse = rng.standard_normal((*shape[:2], -(-shape[2] // cell), -(-shape[3] // cell)))
        x += coarse.repeat(cell, axis=2).repeat(cell, axis=3)[:, :, : shape[2], : shape[3]]
    return (x / x.std()).astype(dtype)


def l2(a, b):
    return float(np.linalg.norm((a - b).ravel()) / np.linalg.norm(b.ravel()))


def compare(network, x, target, record_property):
    """Worst relative errors of activations, and of gradients under each rule; the trace."""
    trace = network.forward(x)
    worst = {}
    for name, rules in RULES.items():
        expected, expected_grads = gradients(network, x, target, name)
        if name == "standard":
            worst["activations"] = max(relative_error(trace[n], expected[n]) for n in trace)
            standard = expected, expected_grads
        grads = trace.backward(target, rules)
        worst[name] = max(relative_error(grads[n], expected_grads[n]) for n in trace)
        worst[f"{name} pixels, L2"] = l2(grads["input"], expected_grads["input"])
    for key, value in worst.items():
        record_property(key, f"{value:.1e}")
    print({key: f"{value:.1e}" for key, value in worst.items()})
    return worst, trace, standard


def expected_cam(standard, layer):
    a, g = torch.from_numpy(standard[0][layer]), torch.from_numpy(standard[1][layer])
    return F.relu((g.mean((2, 3), keepdim=True) * a).sum(1)).numpy()


def expected_fgsm(network, preprocessing, pixels, epsilon):
    leaf = torch.from_numpy(pixels).requires_grad_()
    mean, scale = (torch.tensor(v, dtype=leaf.dtype)[:, None, None] for v in (preprocessing.mean, preprocessing.scale))
    a = activations(network, (leaf - mean) / scale)
    logits = a[next(reversed(a))]
    (g,) = torch.autograd.grad(F.cross_entropy(logits, logits.argmax(1), reduction="sum"), leaf)
    return (leaf.detach() + epsilon * g.sign()).clamp(0, 255).numpy()


@pytest.mark.slow
def test_full_size_vgg16_in_float64(record_property):
    network = with_biases(random_network("vgg16")).astype(np.float64)
    worst, trace, standard = compare(network, picture((1, 3, 224, 224)), [281], record_property)
    assert max(worst.values()) < 1e-10, worst
    cam = expected_cam(standard, "relu5_3")
    assert relative_error(grad_cam(trace, 281), cam) < 1e-10
    large = F.interpolate(torch.from_numpy(cam)[:, None], (224, 224), mode="bilinear", align_corners=False).numpy()
    guided = gradients(network, picture((1, 3, 224, 224)), [281], "guided")[1]["input"]
    assert relative_error(guided_grad_cam(trace, 281), large * guided) < 1e-10
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 3, 224, 224))
    c = Classifier(network, [str(i) for i in range(1000)], TORCHVISION)
    np.testing.assert_allclose(fgsm(c, pixels), expected_fgsm(network, TORCHVISION, pixels, 2.0), atol=1e-9)


@pytest.mark.slow
def test_full_size_vgg16_in_float32(record_property):
    network = with_biases(random_network("vgg16"))
    x = picture((1, 3, 224, 224), np.float32)
    worst, trace, standard = compare(network, x, [281], record_property)
    assert worst["activations"] < 1e-5
    for name in RULES:
        assert worst[f"{name} pixels, L2"] < 5e-2, worst  # a few flipped gates among 13 million
    assert l2(grad_cam(trace, 281), expected_cam(standard, "relu5_3")) < 1e-4


@pytest.mark.parametrize("name", ["pocket", "vgg11", "vgg13", "vgg16", "vgg19"])
def test_the_family_at_a_small_size_in_float64(name, record_property):
    units = {} if name == "pocket" else {"classes": 20}
    network = narrow(with_biases(random_network(name, input_size=(64, 96), **units))).astype(np.float64)
    worst, trace, standard = compare(network, picture((2, 3, 64, 96)), [3, 7], record_property)
    assert max(worst.values()) < 1e-10, worst
    layer = [n for n in trace if n.startswith("relu5")][-1]
    assert relative_error(grad_cam(trace, [3, 7]), expected_cam(standard, layer)) < 1e-10


def narrow(network, share=8):
    """Every `share`-th channel of each convolution and unit of each linear layer: the same chain, 64 times cheaper."""
    parameters = dict(network.parameters)
    kept = np.arange(3)
    for name, layer in network.layers.items():
        if isinstance(layer, Conv2d):
            rows = np.arange(0, layer.weight.shape[0], share if layer.weight.shape[0] > 64 else 1)
            w, b = layer.weight[rows][:, kept], layer.bias[rows]
            kept = rows
        elif isinstance(layer, Linear):
            if name == "fc6":
                cells = layer.weight.shape[1] // network.parameters[last_conv(network)].shape[0]
                kept = (kept[:, None] * cells + np.arange(cells)).ravel()
            rows = np.arange(0, layer.weight.shape[0], share) if name != "fc8" else np.arange(layer.weight.shape[0])
            w, b = layer.weight[rows][:, kept] * share**0.5, layer.bias[rows]
            kept = rows
        else:
            continue
        parameters[f"{name}.weight"], parameters[f"{name}.bias"] = np.ascontiguousarray(w), b
    return network.with_parameters(parameters)


def last_conv(network):
    return [n for n in network.parameters if n.startswith("conv5") and n.endswith("weight")][-1]


def test_a_network_that_is_no_vgg(record_property):
    """3x3 convolutions without padding, ten channels, one linear layer."""
    rng = np.random.default_rng(0)

    def conv(c):
        return Conv2d(rng.standard_normal((10, c, 3, 3)) * (2 / (9 * c)) ** 0.5, rng.normal(0, 0.1, 10))

    layers = {}
    for i, c in enumerate((3, 10, 10, 10), 1):
        layers |= {f"conv{i}": conv(c), f"relu{i}": ReLU()}
    layers |= {
        "flatten": Flatten(),
        "linear": Linear(rng.standard_normal((5, 10 * 9 * 13)) / 30, rng.normal(0, 0.1, 5)),
    }
    network = Network(layers)
    worst, trace, standard = compare(network, picture((2, 3, 17, 21)), [4, 1], record_property)
    assert max(worst.values()) < 1e-10, worst
    assert relative_error(grad_cam(trace, [4, 1]), expected_cam(standard, "relu4")) < 1e-10
    pixels = rng.uniform(0, 255, (2, 3, 17, 21))
    c = Classifier(network, "abcde", CENTRED, (17, 21))
    np.testing.assert_allclose(fgsm(c, pixels), expected_fgsm(network, CENTRED, pixels, 2.0), atol=1e-9)
