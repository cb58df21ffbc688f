"""Explanations against captum, pytorch-grad-cam and torch-cam themselves, on the same networks in PyTorch.

All are installed with --no-deps; torchvision and scikit-learn, which pytorch-grad-cam imports and these tests do not
need, are stood in for. captum computes in the precision of the network, float64 here; pytorch-grad-cam returns float32.
Where one of them departs from the paper, a test says so and shows that it does.
"""

import sys
import types
import warnings
from collections import OrderedDict

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[parity]'")

from helpers import small_input, small_network  # noqa: E402
from PIL import Image  # noqa: E402

from numcam import METHODS, PRESETS, Conventions, conventional, find, guided_backprop, load, scenes, upsample  # noqa: E402
from numcam.explain.conventions import normalised  # noqa: E402
from numcam.nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU  # noqa: E402
from numcam.nn.gradcheck import relative_error  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
nn = torch.nn


def stand_in(monkeypatch, name, **attributes):
    """A module that is there to be imported, unless the real one is; for one test, so that no other meets it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            __import__(name)
    except (ImportError, RuntimeError):  # RuntimeError: torchvision beside a PyTorch without its operators
        for part in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
            monkeypatch.delitem(sys.modules, part)
        module = types.ModuleType(name)
        module.__dict__.update(attributes)
        monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def captum():
    return pytest.importorskip("captum.attr", reason="captum is not installed: pip install --no-deps captum")


@pytest.fixture
def library(monkeypatch):
    """pytorch-grad-cam."""
    stand_in(monkeypatch, "torchvision")
    stand_in(monkeypatch, "torchvision.transforms", Compose=None, Normalize=None, ToTensor=None)
    stand_in(monkeypatch, "torchvision.transforms.functional", resize=None)
    stand_in(monkeypatch, "sklearn")
    stand_in(monkeypatch, "sklearn.decomposition", KernelPCA=None, NMF=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reason = "pip install --no-deps grad-cam ttach opencv-python-headless"
        return pytest.importorskip("pytorch_grad_cam", reason=reason)


def module(network):
    """The same layers as torch modules, each with a name of its own."""
    layers = OrderedDict()
    for name, layer in network.layers.items():
        if isinstance(layer, Conv2d):
            k, c, rows, cols = layer.weight.shape
            layers[name] = nn.Conv2d(c, k, (rows, cols), layer.stride, layer.padding)
        elif isinstance(layer, Linear):
            layers[name] = nn.Linear(*reversed(layer.weight.shape))
        elif isinstance(layer, MaxPool2d):
            layers[name] = nn.MaxPool2d(layer.size, layer.stride)
        else:
            layers[name] = {ReLU: nn.ReLU, Flatten: nn.Flatten, Dropout: nn.Dropout}[type(layer)]()
        if isinstance(layer, Conv2d | Linear):
            layers[name].weight.data = torch.from_numpy(np.array(layer.weight))
            layers[name].bias.data = torch.from_numpy(np.array(layer.bias))
    return nn.Sequential(layers).eval()


def setting(kind):
    """Trace, torch module, torch input, layer, target."""
    if kind == "small":
        trace = small_network().forward(small_input(n=3))
        layer, target = "relu2", 2
    else:
        classifier = load()
        x = classifier.preprocess(scenes.draw(3, objects=2).image).astype(np.float64)
        x += 0.01 * np.random.default_rng(0).standard_normal(x.shape)  # in flat parts rounding would decide ties
        trace = classifier.network.astype(np.float64).forward(x)
        layer, target = "relu5_3", 1
    return trace, module(trace.network), torch.from_numpy(trace["input"].copy()), layer, target


@pytest.fixture(params=["small", "pocket"])
def case(request):
    return setting(request.param)


def compare(record_property, name, ours, theirs, tolerance):
    worst = relative_error(ours, theirs)
    record_property(name, f"{worst:.1e}")
    print(f"{name}: {worst:.1e}")
    assert worst < tolerance, name


# name: (the captum class, what it is told, options of ours)
CAPTUM = {
    "saliency": ("Saliency", {"abs": False}, {}),
    "gradient_times_input": ("InputXGradient", {}, {}),
    "integrated_gradients": ("IntegratedGradients", {"n_steps": 7, "method": "riemann_middle"}, {"steps": 7}),
    "guided_backprop": ("GuidedBackprop", {}, {}),
    "deconvnet": ("Deconvolution", {}, {}),
}

STEPS_IN_FLOAT32 = {"integrated_gradients": 1e-6}


@pytest.mark.parametrize("name", list(CAPTUM))
def test_pixel_methods_are_captums(captum, case, name, record_property):
    trace, net, x, _, target = case
    kind, told, options = CAPTUM[name]
    theirs = getattr(captum, kind)(net).attribute(x.requires_grad_(), target=target, **told).detach().numpy()
    compare(
        record_property,
        f"captum {kind}",
        METHODS[name](trace, target, **options),
        theirs,
        STEPS_IN_FLOAT32.get(name, 1e-12),
    )


def test_occlusion_is_captums(captum, record_property):
    trace, net, x, _, target = setting("small")
    for size, stride in ((3, 2), (2, 1), (4, 3)):
        theirs = captum.Occlusion(net).attribute(x, (2, size, size), (2, stride, stride), target=target)
        ours = METHODS["occlusion"](trace, target, size, stride)
        compare(record_property, "captum Occlusion", ours, theirs[:, 0].numpy(), 1e-6)  # its sums are float32


def test_smooth_grad_without_noise_and_its_average_are_captums_noise_tunnel(captum, record_property, monkeypatch):
    """Captum's noise is PyTorch's; given ours instead, the average is the same."""
    trace, net, x, _, target = setting("small")
    x = x[:1]
    one = trace.network.forward(x.numpy())
    deviation = 0.2 * float(x.max() - x.min())
    draws = np.random.default_rng(4)
    monkeypatch.setattr(torch, "normal", lambda _, std: std * torch.from_numpy(draws.standard_normal(std.shape)))
    theirs = captum.NoiseTunnel(captum.Saliency(net)).attribute(
        x, nt_type="smoothgrad", nt_samples=6, nt_samples_batch_size=1, stdevs=deviation, target=target, abs=False
    )
    ours = METHODS["smooth_grad"](one, target, samples=6, noise=0.2, seed=4)
    compare(record_property, "captum NoiseTunnel", ours, theirs.detach().numpy(), 1e-12)


def test_grad_cam_and_its_conventions_are_captums(captum, case, record_property):
    trace, net, x, layer, target = case
    method = captum.LayerGradCam(net, getattr(net, layer))
    rectified = method.attribute(x, target, relu_attributions=True).detach().numpy()[:, 0]
    compare(record_property, "captum LayerGradCam", METHODS["grad_cam"](trace, target, layer), rectified, 1e-12)
    signed = method.attribute(x, target)
    compare(record_property, "captum signed", find(trace, target).signed, signed.detach().numpy()[0, 0], 1e-12)
    if x.shape[2] % signed.shape[2] == 0:  # otherwise PyTorch's "nearest" reads other cells than the nearest
        large = captum.LayerAttribution.interpolate(signed, x.shape[2:]).detach().numpy()[:, 0]
        compare(record_property, "captum preset", conventional(trace, target, "captum"), large, 1e-12)


def test_guided_grad_cam_is_captums_with_the_papers_enlargement(captum, case, record_property):
    """Captum's default is blocks; it says itself that the paper's is bilinear."""
    trace, net, x, layer, target = case
    method = captum.GuidedGradCam(net, getattr(net, layer))
    theirs = method.attribute(x.requires_grad_(), target, interpolate_mode="bilinear").detach().numpy()
    compare(record_property, "captum GuidedGradCam", METHODS["guided_grad_cam"](trace, target, layer), theirs, 1e-12)
    blocks = method.attribute(x, target).detach().numpy()
    assert relative_error(METHODS["guided_grad_cam"](trace, target, layer), blocks) > 0.05


LIBRARY = {
    "grad_cam": ("GradCAM", {}),
    "hires_cam": ("HiResCAM", {}),
    "xgrad_cam": ("XGradCAM", {}),
    "layer_cam": ("LayerCAM", {}),
    "ablation_cam": ("AblationCAM", {}),
    "score_cam": ("ScoreCAM", {"mode": "corner"}),
}
"""Its Score-CAM enlarges channels with the corners aligned; the authors' code, and ours unless told, half-pixel."""


def theirs_of(library, kind, net, layer, x, target):
    targets = [library.utils.model_targets.ClassifierOutputTarget(target)] * len(x)
    with getattr(library, kind)(model=net, target_layers=[getattr(net, layer)] if layer else []) as method:
        return method(input_tensor=x, targets=targets)


def scaled(map, size):
    return normalised(upsample(map, size), "min-max", 0.0)


@pytest.mark.parametrize("name", list(LIBRARY))
def test_class_activation_maps_are_pytorch_grad_cams(library, case, name, record_property):
    trace, net, x, layer, target = case
    kind, options = LIBRARY[name]
    if name in ("ablation_cam", "score_cam"):  # its batches of repeated tensors want float32
        net, x = net.float(), x.float()
        trace = trace.network.astype(np.float32).forward(x.numpy())
    if name == "ablation_cam":  # positive scores: it divides by the score, which turns the map of a negative one round
        target = int(trace.output.min(axis=0).argmax())
        assert (trace.output[:, target] > 0).all()
    theirs = theirs_of(library, kind, net, layer, x, target)
    ours = scaled(METHODS[name](trace, target, layer, **options), x.shape[2:])
    compare(record_property, f"pytorch-grad-cam {kind}", ours, theirs, 1e-5 if x.dtype == torch.float32 else 1e-6)


def test_its_preset_is_pytorch_grad_cam_at_the_layer_its_documentation_names(library, record_property):
    trace, net, x, _, target = setting("pocket")
    assert PRESETS["pytorch-grad-cam"].layer == "last pooling"  # features[-1] of a VGG
    theirs = theirs_of(library, "GradCAM", net, "pool5", x, target)
    compare(record_property, "its preset", conventional(trace, target, "pytorch-grad-cam"), theirs, 1e-5)


@pytest.fixture
def torchcam():
    return pytest.importorskip("torchcam.methods", reason="pip install --no-deps torchcam")


def torch_cams(torchcam, kind, x, target, layer=None):
    """Its map, and the layer it took, in float32: its search for a layer runs on float32 zeros."""
    _, net, *_ = setting("pocket")
    with getattr(torchcam, kind)(net.float(), layer, input_shape=tuple(x.shape[1:])) as extractor:
        maps = extractor(target, net(x.float().requires_grad_()))
        return maps[0].detach().numpy(), extractor.target_names[0]


def test_its_preset_is_torch_cam_at_the_layer_it_finds_itself(torchcam, record_property):
    trace, _, x, _, target = setting("pocket")
    trace = trace.network.astype(np.float32).forward(x.float().numpy())
    maps, layer = torch_cams(torchcam, "GradCAM", x, target)
    assert layer == "pool5"
    small = Conventions(layer="last pooling", upsample="never", normalise="min-max of cells", epsilon=1e-8)
    compare(record_property, "torch-cam GradCAM", conventional(trace, target, small), maps, 1e-5)
    large = Image.fromarray(maps[0]).resize((x.shape[3], x.shape[2]), Image.Resampling.BICUBIC)  # as overlay_mask does
    compare(record_property, "torch-cam preset", conventional(trace, target, "torch-cam")[0], np.asarray(large), 1e-5)


@pytest.mark.parametrize(("name", "kind"), [("layer_cam", "LayerCAM"), ("xgrad_cam", "XGradCAM")])
def test_class_activation_maps_are_torch_cams(torchcam, record_property, name, kind):
    trace, _, x, layer, target = setting("pocket")
    maps, _ = torch_cams(torchcam, kind, x, target, layer)
    ours = normalised(METHODS[name](trace, target, layer), "min-max", 1e-8)
    compare(record_property, f"torch-cam {kind}", ours, maps, 1e-4)


def test_torch_cams_grad_cam_plus_plus_is_another_formula(torchcam, record_property):
    """Its division acts on a copy and is lost: a channel's weight is the sum of its positive gradients cubed."""
    trace, _, x, layer, target = setting("pocket")
    maps, _ = torch_cams(torchcam, "GradCAMpp", x, target, layer)
    a, g = trace[layer], trace.backward(target, stop=layer)[layer]
    cubed = (np.maximum(g, 0) ** 3).sum(axis=(2, 3), keepdims=True)
    what_it_does = np.maximum((cubed * a).sum(axis=1), 0)
    assert relative_error(normalised(what_it_does, "min-max", 1e-8), maps) < 1e-4
    ours = normalised(METHODS["grad_cam_plus_plus"](trace, target, layer), "min-max", 0.0)
    assert relative_error(ours, maps) > 0.02


class TestWhereTheLibraryIsNotThePaper:
    def test_grad_cam_plus_plus_leaves_out_the_normalisation(self, library, case):
        """The authors' code makes a channel's shares sum to 1; without that, channels weigh differently."""
        trace, net, x, layer, target = case
        theirs = theirs_of(library, "GradCAMPlusPlus", net, layer, x, target)
        a, g = trace[layer], trace.backward(target, stop=layer)[layer]
        below = 2 * g**2 + a.sum(axis=(2, 3), keepdims=True) * g**3 + 1e-6
        w = (np.maximum(g, 0) * np.where(g != 0, g**2 / below, 0)).sum(axis=(2, 3), keepdims=True)
        map = np.maximum((w * a).sum(axis=1), 0)
        assert relative_error(scaled(map, x.shape[2:]), theirs) < 1e-5  # that is what it does
        ours = scaled(METHODS["grad_cam_plus_plus"](trace, target, layer), x.shape[2:])
        assert relative_error(ours, theirs) > 0.02

    def test_eigen_cam_is_centred_so_that_its_sign_is_left_to_chance(self, library, case):
        trace, net, x, layer, target = case
        theirs = theirs_of(library, "EigenCAM", net, layer, x, target)
        ours = scaled(METHODS["eigen_cam"](trace, target, layer), x.shape[2:])
        assert relative_error(ours, theirs) > 0.05
        maps = []
        for a in trace[layer]:
            cells = a.reshape(len(a), -1).T
            cells = cells - cells.mean(axis=0)
            maps.append((cells @ np.linalg.svd(cells)[2][0]).reshape(a.shape[1:]))
        maps = np.stack(maps)
        signs = [[scaled(np.maximum(s * m, 0)[None], x.shape[2:])[0] for s in (1, -1)] for m in maps]
        for pair, one in zip(signs, theirs, strict=True):
            assert min(relative_error(m, one) for m in pair) < 1e-4  # one of the two
            assert relative_error(pair[0], pair[1]) > 0.5  # which are not alike

    def test_full_grad_stretches_every_channel_on_its_own(self, library, case):
        """So that a channel that contributes nothing to speak of counts as much as the one that decides."""
        trace, net, x, _, target = case
        theirs = theirs_of(library, "FullGrad", net, None, x.clone(), target)
        ours = normalised(METHODS["full_grad"](trace, target, mode="half-pixel"), "min-max", 0.0)
        grads = trace.backward(target)
        parts = [np.abs(trace["input"] * grads["input"])]
        for name, layer in trace.network.layers.items():
            if isinstance(layer, Conv2d):
                parts.append(np.abs(grads[name] * layer.bias[:, None, None]))
        total = 0.0
        for part in parts:
            flat = part.reshape(-1, *part.shape[2:])
            each = upsample(normalised(flat, "min-max", 1e-7), x.shape[2:])
            total = total + each.reshape(*part.shape[:2], *x.shape[2:]).sum(axis=1)
        assert relative_error(normalised(total, "min-max", 0.0), theirs) < 1e-4  # that is what it does
        assert relative_error(ours, theirs) > 0.05

    def test_guided_backpropagation_of_two_classes_is_one_array(self, library):
        """The gradient stays on the caller's tensor and is added to, and what is returned is a view of it."""
        trace, net, x, _, _ = setting("small")
        model = library.GuidedBackpropReLUModel(net)
        x = x[:1]
        first, second = model(x, 0), model(x, 1)
        np.testing.assert_array_equal(first, second)
        ours = [guided_backprop(trace, k)[0].transpose(1, 2, 0) for k in (0, 1)]
        np.testing.assert_allclose(first, ours[0] + ours[1], rtol=1e-10)
        assert not np.allclose(ours[0], ours[1])
