"""VGG16 at full size, written by PyTorch, safetensors and Keras: the files' sizes, tensors, logits and gradients.

Random weights, in exactly the published layouts. Where a layout's file has been published, its size is known, and the
file written here must have it.
"""

import os
from collections import OrderedDict

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[parity]'")
safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")

from foreign import published_by_keras, stream_of_torch_01  # noqa: E402
from torch import nn  # noqa: E402

from numcam import scenes  # noqa: E402
from numcam.formats import convert, read_weights  # noqa: E402
from numcam.loading import from_weights  # noqa: E402
from numcam.models.vgg import ARCHITECTURES  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning"),
]
# With grain: where a picture is flat, the values under a pool are equal but for rounding, which is each library's own
# and decides which of them takes the gradient.
GRAIN = np.random.default_rng(0).integers(-20, 21, (224, 224, 3))
PICTURE = np.clip(scenes.draw(4).image + GRAIN, 0, 255).astype(np.uint8)


def torchvision_vgg(name="vgg16", norm=False, classes=1000):
    """The network that torchvision builds, with the same names, on the same numbers of layers."""
    row = ARCHITECTURES[name]
    stack, c = [], 3
    for count, k in zip(row.convolutions, row.channels, strict=True):
        for _ in range(count):
            stack += [nn.Conv2d(c, k, 3, padding=1), *([nn.BatchNorm2d(k)] if norm else []), nn.ReLU(inplace=True)]
            c = k
        stack.append(nn.MaxPool2d(2))
    head = [nn.Linear(c * 49, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
    model = nn.Module()
    model.features, model.classifier = nn.Sequential(*stack), nn.Sequential(*head, nn.Linear(4096, classes))
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.uniform_(module.bias, -0.2, 0.2)
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
    return model.eval()


def by_torch(model, target=7):
    """Logits, and d(logit)/d(pixels), in float64, with torchvision's normalisation written out."""
    model.double()
    pixels = torch.tensor(PICTURE.transpose(2, 0, 1)[None] / 1.0, dtype=torch.float64, requires_grad=True)
    mean, std = (
        torch.tensor(v, dtype=torch.float64)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    out = model.classifier(model.features((pixels / 255 - mean) / std).flatten(1))
    out[0, target].backward()
    model.float()
    return out.detach().numpy(), pixels.grad.numpy()


def by_numcam(weights, dtype=np.float64, target=7):
    classifier = from_weights(weights)
    pixels = classifier.to_pixels(PICTURE).astype(dtype)
    trace = classifier.forward(classifier.preprocessing.forward(pixels))
    return trace.output, classifier.pixel_gradient(trace.backward(target)["input"])


def apart(a, b):
    return float(np.abs(a - b).max() / np.abs(b).max())


@pytest.fixture(scope="module")
def vgg16():
    return torchvision_vgg()


@pytest.fixture(scope="module")
def expected(vgg16):
    return by_torch(vgg16)


def torch_01(state):
    """Six keys of eight digits and twenty-six of nine, as in the published file."""
    return stream_of_torch_01(
        state, [str(94_000_000 + 16 * i) for i in range(6)] + [str(140_000_000 + i) for i in range(26)]
    )


def timm_names(state):
    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}
    shapes = {"classifier.0.weight": (4096, 512, 7, 7), "classifier.3.weight": (4096, 4096, 1, 1)}
    layers = {key: key.rpartition(".") for key in state}
    return {
        f"{names.get(a, a)}.{c}": state[k].reshape(shapes.get(k, state[k].shape)) for k, (a, _, c) in layers.items()
    }


WAYS = {
    "published": (553_433_881, lambda s, p: p.write_bytes(torch_01({k: v.numpy() for k, v in s.items()}))),
    "stream": (None, lambda s, p: torch.save(s, p, _use_new_zipfile_serialization=False)),
    "zip": (None, lambda s, p: torch.save(s, p)),
    "safetensors": (553_433_072, lambda s, p: safetensors.save_file(s, p)),
    "timm": (None, lambda s, p: safetensors.save_file(timm_names(s), p)),
}


@pytest.mark.parametrize("way", WAYS)
def test_vgg16_by_torch_loads_with_equal_tensors_logits_and_pixel_gradient(way, vgg16, expected, tmp_path):
    size, write = WAYS[way]
    path = tmp_path / "vgg16"
    write(OrderedDict(vgg16.state_dict()), path)
    assert size in (None, path.stat().st_size)
    if way == "published":
        theirs = torch.load(path, weights_only=True)
        assert all(torch.equal(theirs[k], v) for k, v in vgg16.state_dict().items())
    weights = read_weights(path)
    for ours, theirs in zip(weights.parameters.values(), vgg16.state_dict().values(), strict=True):
        assert ours.tobytes() == theirs.numpy().tobytes()
    for ours, theirs in zip(by_numcam(weights), expected, strict=True):
        assert apart(ours, theirs) < 1e-10
    path.unlink()


@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg19"])
def test_the_rest_of_the_family_is_recognised(name, tmp_path):
    model = torchvision_vgg(name)
    torch.save(model.state_dict(), tmp_path / "it.pth")
    weights = read_weights(tmp_path / "it.pth")
    assert weights.architecture == name
    logits, _ = by_numcam(weights, np.float32)
    assert apart(logits, by_torch(model)[0]) < 1e-5


def test_vgg16_with_batch_normalisation_answers_as_torchs_does(tmp_path):
    model = torchvision_vgg(norm=True)
    torch.save(model.state_dict(), tmp_path / "bn.pth")
    logits, gradient = by_numcam(read_weights(tmp_path / "bn.pth"))
    theirs = by_torch(model)
    assert apart(logits, theirs[0]) < 1e-5  # the normalisation is put into float32 weights
    assert np.linalg.norm(gradient - theirs[1]) < 1e-2 * np.linalg.norm(theirs[1])


def test_a_converted_vgg16_is_the_same_and_is_mapped_not_read(vgg16, expected, tmp_path):
    torch.save(vgg16.state_dict(), tmp_path / "vgg16.pth")
    convert(tmp_path / "vgg16.pth", tmp_path / "vgg16.h5")
    weights = read_weights(tmp_path / "vgg16.h5")
    assert len(weights.classes) == 1000
    assert apart(by_numcam(weights, np.float32)[0], expected[0]) < 1e-5


@pytest.fixture(scope="module")
def keras_vgg16():
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    model = keras.applications.VGG16(weights=None)
    rng = np.random.default_rng(2)
    model.set_weights(
        [
            rng.standard_normal(w.shape, np.float32) * np.float32((2 / np.prod(w.shape[:-1])) ** 0.5)
            if len(w.shape) > 1
            else rng.uniform(-0.2, 0.2, w.shape).astype(np.float32)
            for w in model.weights
        ]
    )
    return model


@pytest.fixture(scope="module")
def by_keras(keras_vgg16):
    """Logits and the gradient of probability's logit with respect to the pixels, in float32, by Keras."""
    import keras

    x = keras.applications.vgg16.preprocess_input(PICTURE[None].astype(np.float32))
    x = torch.tensor(x.copy(), requires_grad=True)
    inner = keras.Model(keras_vgg16.input, keras_vgg16.layers[-2].output)
    kernel, bias = keras_vgg16.layers[-1].get_weights()
    logits = inner(x) @ torch.from_numpy(kernel) + torch.from_numpy(bias)
    logits[0, 7].backward()
    return logits.detach().numpy(), x.grad.numpy()[..., ::-1].transpose(0, 3, 1, 2)


def published(model, path, top=True):
    layers = {layer.name: [np.asarray(w) for w in layer.get_weights()] for layer in model.layers[1:]}
    published_by_keras(path, {k: v for k, v in layers.items() if top or k.startswith("block")})


KERAS_WAYS = {
    "published.h5": (553_467_096, published),
    "model.h5": (None, lambda model, path: model.save(path)),
    "it.weights.h5": (None, lambda model, path: model.save_weights(path)),
    "it.keras": (None, lambda model, path: model.save(path)),
}


@pytest.mark.parametrize("name", KERAS_WAYS)
def test_vgg16_by_keras_loads_with_equal_tensors_logits_and_pixel_gradient(name, keras_vgg16, by_keras, tmp_path):
    size, write = KERAS_WAYS[name]
    path = tmp_path / name
    write(keras_vgg16, path)
    if size:
        assert abs(path.stat().st_size - size) <= 408  # HDF5 lays out its own bookkeeping a little differently today
        keras_vgg16.load_weights(path)  # Keras reads it as one of its own
    weights = read_weights(path)
    for ours, theirs in zip(weights.parameters.values(), keras_vgg16.get_weights(), strict=True):
        if ours.shape == (4096, 25088):
            theirs = theirs.reshape(7, 7, 512, 4096).transpose(3, 2, 0, 1).reshape(4096, 25088)
        else:
            theirs = theirs.transpose(3, 2, 0, 1) if theirs.ndim == 4 else theirs.T
        np.testing.assert_array_equal(ours, theirs)
    logits, gradient = by_numcam(weights, np.float32)
    assert apart(logits, by_keras[0]) < 1e-5
    # in float32 a gate within rounding of 0 may fall on either side, which moves single pixels
    assert np.linalg.norm(gradient - by_keras[1]) < 2e-2 * np.linalg.norm(by_keras[1])
    path.unlink()


def test_the_published_file_without_a_head_has_its_size(keras_vgg16, tmp_path):
    published(keras_vgg16, tmp_path / "notop.h5", top=False)
    assert abs((tmp_path / "notop.h5").stat().st_size - 58_889_256) <= 360
    assert read_weights(tmp_path / "notop.h5").classes == ()
