"""State_dicts of VGGs that people trained, under any names and with any head: PyTorch's logits, or a refusal."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[parity]'")

from chains import trained  # noqa: E402
from torch import nn  # noqa: E402

from numcam.errors import InputError  # noqa: E402
from numcam.loading import load  # noqa: E402

pytestmark = pytest.mark.torch
COUNTS, CHANNELS = (2, 2, 3, 3, 3), (8, 16, 32, 64, 64)
SIDE = 64
MAPS = CHANNELS[-1] * (SIDE // 32) ** 2
L, R, D, B = nn.Linear, nn.ReLU, nn.Dropout, nn.BatchNorm1d


def features(norm=False, first=()):
    layers, c = list(first), 3
    for count, k in zip(COUNTS, CHANNELS, strict=True):
        for _ in range(count):
            layers += [nn.Conv2d(c, k, 3, padding=1), *([nn.BatchNorm2d(k)] if norm else []), R()]
            c = k
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """Features under one name, a head under another."""

    def __init__(self, head, name="features", head_name="classifier", pool=None, norm=False):
        super().__init__()
        self.order = (name, head_name)
        setattr(self, name, features(norm))
        setattr(self, head_name, head)
        self.pool = pool or nn.Identity()

    def forward(self, x):
        body, head = (getattr(self, name) for name in self.order)
        return head(self.pool(body(x)).flatten(1))


class Attributes(nn.Module):
    """conv1_1 ... conv5_3 and named linear layers, as people write a VGG by hand."""

    def __init__(self, heads=("fc6", "fc7", "fc8"), norm=None, shuffled=False):
        super().__init__()
        c, self.heads, self.norm = 3, heads, norm
        self.names = [(f"conv{b}_{i}", i == n) for b, n in enumerate(COUNTS, 1) for i in range(1, n + 1)]
        for name, _ in self.names:
            k = CHANNELS[int(name[4]) - 1]
            setattr(self, name, nn.Conv2d(c, k, 3, padding=1, bias=norm is None))
            if norm == "beside":
                setattr(self, name.replace("conv", "bn"), nn.BatchNorm2d(k))
            c = k
        if norm == "after all":
            for name, _ in self.names:
                setattr(self, name.replace("conv", "bn"), nn.BatchNorm2d(CHANNELS[int(name[4]) - 1]))
        sizes = list(zip(heads, (MAPS, 64, 64), (64, 64, 5), strict=True))
        for name, i, o in reversed(sizes) if shuffled else sizes:
            setattr(self, name, L(i, o))

    def forward(self, x):
        for name, last in self.names:
            x = getattr(self, name)(x)
            x = torch.relu(getattr(self, name.replace("conv", "bn"))(x) if self.norm else x)
            x = torch.max_pool2d(x, 2) if last else x
        a, b, c = (getattr(self, name) for name in self.heads)
        return c(torch.relu(b(torch.relu(a(x.flatten(1))))))


class Aside(VGG):
    """With what a training leaves beside a network."""

    def __init__(self):
        super().__init__(nn.Sequential(L(MAPS, 32), R(), L(32, 4)))
        self.criterion = nn.CrossEntropyLoss(weight=torch.rand(4))
        self.aux_head = L(64, 4)
        self.register_buffer("steps", torch.tensor(7))


class Attention(VGG):
    def __init__(self):
        super().__init__(L(64, 5))
        self.attention = nn.Conv2d(64, 64, 1)

    def forward(self, x):
        x = self.features(x)
        return self.classifier((x * torch.sigmoid(self.attention(x))).mean((2, 3)))


class Normalised(VGG):
    def __init__(self):
        super().__init__(L(MAPS, 5))
        self.normalize = nn.Module()
        self.normalize.register_buffer("mean", torch.tensor([0.5, 0.4, 0.3]).view(1, 3, 1, 1))
        self.normalize.register_buffer("std", torch.tensor([0.2, 0.25, 0.3]).view(1, 3, 1, 1))


def seq(*layers):
    return nn.Sequential(*layers)


def average():
    return nn.AdaptiveAvgPool2d(1)


def timm_head():
    return seq(nn.Conv2d(64, 32, 2), R(), D(), nn.Conv2d(32, 32, 1), R(), nn.Flatten(), L(32, 5))


class Convolutional(VGG):
    def __init__(self):
        super().__init__(timm_head())

    def forward(self, x):
        return self.classifier(self.features(x))


SAME = {
    "three layers": lambda: VGG(seq(L(MAPS, 64), R(), D(), L(64, 64), R(), D(), L(64, 10))),
    "one layer": lambda: VGG(L(MAPS, 7)),
    "one layer of a Sequential": lambda: VGG(seq(D(), L(MAPS, 7))),
    "averaged": lambda: VGG(L(64, 7), pool=average()),
    "adjacent at the end": lambda: VGG(seq(L(MAPS, 64), R(), L(64, 10), L(10, 3))),
    "adjacent at the start": lambda: VGG(seq(L(MAPS, 32), L(32, 32), R(), L(32, 3))),
    "all adjacent": lambda: VGG(seq(L(MAPS, 32), L(32, 16), L(16, 3))),
    "another layer behind the ReLU": lambda: VGG(seq(L(MAPS, 64), R(), D(), L(64, 10), R(), L(10, 3))),
    "seven layers": lambda: VGG(seq(*(m for i in range(6) for m in (L(MAPS if not i else 8, 8), R())), L(8, 3))),
    "without bias": lambda: VGG(seq(L(MAPS, 64, bias=False), R(), L(64, 3, bias=False))),
    "log-softmax": lambda: VGG(seq(L(MAPS, 64), R(), L(64, 3))),
    "batch normalisation in the body": lambda: VGG(L(MAPS, 7), norm=True),
    "batch normalisation in the head": lambda: VGG(seq(L(MAPS, 64), B(64), R(), D(), L(64, 3))),
    "batch normalisation behind the ReLU": lambda: VGG(seq(L(MAPS, 64), R(), B(64), L(64, 3))),
    "batch normalisation between adjacent ones": lambda: VGG(seq(L(MAPS, 64), B(64), L(64, 3))),
    "batch normalisation before the head": lambda: VGG(seq(B(MAPS), L(MAPS, 64), R(), L(64, 3))),
    "batch normalisation without weights": lambda: VGG(seq(L(MAPS, 64), B(64, affine=False), R(), L(64, 3))),
    "body called conv": lambda: VGG(L(MAPS, 7), name="conv"),
    "body called encoder": lambda: VGG(L(MAPS, 7), name="encoder", head_name="fc"),
    "head before the body": lambda: VGG(L(MAPS, 7), name="zz", head_name="aa"),
    "a Sequential of all": lambda: seq(*features(), average(), nn.Flatten(), L(64, 4)),
    "a Sequential of Sequentials": lambda: seq(features(), average(), nn.Flatten(), seq(L(64, 9), R(), L(9, 4))),
    "by hand": Attributes,
    "by hand, head first": lambda: Attributes(shuffled=True),
    "by hand, named fc1, output": lambda: Attributes(("fc1", "hidden", "output")),
    "by hand, with batch normalisation": lambda: Attributes(norm="beside"),
    "by hand, with batch normalisation after all": lambda: Attributes(norm="after all"),
    "with losses, counts and an auxiliary head": Aside,
    "with its own preprocessing": Normalised,
    "with a head of convolutions": Convolutional,
}
REFUSED = {
    "attention": (Attention, "its 'attention' is a convolution of 1x1 that does not cover the maps"),
    "two answers": (lambda: _with(VGG(L(MAPS, 7)), other=L(MAPS, 2)), "several answers, 'classifier' and 'other'"),
    "a layer normalisation": (
        lambda: VGG(seq(nn.LayerNorm(MAPS), L(MAPS, 7))),
        "its 'classifier.0' holds 'bias'|'weight'",
    ),
    "a PReLU": (
        lambda: VGG(seq(L(MAPS, 9), nn.PReLU(), L(9, 2))),
        r"its 'classifier.1' holds 'weight' of shape \(1,\)",
    ),
    "a layer that fits nowhere": (lambda: _with(VGG(L(MAPS, 7)), other=L(11, 2)), "'other' of shape .* fits nowhere"),
    "no room for a ReLU": (lambda: VGG(L(MAPS, 7)), "between its 'features.5' and 'features.6' there is room for 0"),
    "weight normalisation": (
        lambda: VGG(seq(nn.utils.parametrizations.weight_norm(L(MAPS, 7)))),
        r"the weight of its 'classifier.0' is made of others \(parametrizations.weight.original0\)",
    ),
}


def _with(model, **others):
    for name, module in others.items():
        setattr(model, name, module)
    return model


def check(model, path, say=lambda _: None, **options):
    x = np.random.default_rng(1).standard_normal((2, 3, SIDE, SIDE)).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    classifier = load(str(path), say=say, **options)
    np.testing.assert_allclose(classifier.forward(x).output, expected, atol=1e-5 * np.abs(expected).max())
    return classifier


@pytest.mark.parametrize("case", SAME)
def test_the_logits_are_pytorchs(case, tmp_path):
    model = trained(SAME[case]())
    torch.save(model.state_dict(), tmp_path / "it.pth")
    check(model, tmp_path / "it.pth", input_size=SIDE)


@pytest.mark.parametrize("case", SAME)
def test_so_they_are_without_the_order_of_the_layers_or_it_is_refused(case, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
    model = trained(SAME[case]())
    safetensors.save_file(model.state_dict(), tmp_path / "it.safetensors")
    try:
        check(model, tmp_path / "it.safetensors", input_size=SIDE)
    except InputError as error:
        assert "hidden" in str(error) or "bn" in str(error)  # noqa: PT017  # names that tell no order


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "module.net."])
def test_wrappers_add_to_names_and_change_nothing(prefix, tmp_path):
    model = trained(SAME["three layers"]())
    torch.save({f"{prefix}{k}": v for k, v in model.state_dict().items()}, tmp_path / "it.pth")
    assert check(model, tmp_path / "it.pth").name == "pocket"


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_chain_is_refused_by_its_name(case, tmp_path):
    make, words = REFUSED[case]
    state = trained(make()).state_dict()
    if case == "no room for a ReLU":
        state = {k.replace("features.7.", "features.6."): v for k, v in state.items()}
    torch.save(state, tmp_path / "it.pth")
    with pytest.raises(InputError, match=words):
        load(str(tmp_path / "it.pth"), say=lambda _: None)


def test_what_was_assumed_is_said(tmp_path):
    lines = []
    torch.save(trained(Aside()).state_dict(), tmp_path / "it.pth")
    load(str(tmp_path / "it.pth"), say=lines.append)
    assert lines == [
        "assumed: torchvision's preprocessing, ImageNet's mean and standard deviation (--preprocess says otherwise); "
        "a ReLU behind classifier.0; criterion, aux_head left out, for it stands beside the network"
    ]


def test_a_normalize_among_the_modules_is_the_preprocessing(tmp_path):
    model = trained(Normalised())
    torch.save(model.state_dict(), tmp_path / "it.pth")
    classifier = load(str(tmp_path / "it.pth"), say=lambda _: None)
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    x = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    expected = (x - model.normalize.mean) / model.normalize.std
    np.testing.assert_allclose(classifier.preprocess(image), expected.numpy(), atol=1e-6)
    assert classifier.assumed == ()


def test_one_output_is_two_classes(tmp_path):
    model = trained(VGG(seq(L(MAPS, 32), R(), D(), L(32, 1))))
    torch.save(model.state_dict(), tmp_path / "it.pth")
    lines = []
    classifier = load(str(tmp_path / "it.pth"), classes=["cat", "dog"], say=lines.append)
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    with torch.no_grad():
        z = float(model(torch.from_numpy(classifier.preprocess(image))))
    found = {name: p for _, name, p in classifier.predict(image)}
    assert found["dog"] == pytest.approx(1 / (1 + np.exp(-z)), abs=1e-5)
    assert found["cat"] + found["dog"] == pytest.approx(1)
    assert "a sigmoid at the end (there is one output; --output says otherwise)" in lines[0]


def test_pictures_of_a_size_are_averaged_over_as_many_places_as_there_are(tmp_path):
    model = trained(SAME["averaged"]())
    torch.save(model.state_dict(), tmp_path / "it.pth")
    for size in ((32, 32), (96, 64), (224, 224)):
        x = np.random.default_rng(1).standard_normal((1, 3, *size)).astype(np.float32)
        with torch.no_grad():
            expected = model(torch.from_numpy(x)).numpy()
        found = load(str(tmp_path / "it.pth"), input_size=size, say=lambda _: None).forward(x).output
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("seed", range(40))
def test_random_heads(seed, tmp_path):
    """Linear layers, ReLU, dropout and batch normalisation in any order, in a Sequential."""
    rng = np.random.default_rng(seed)
    layers, units = [], MAPS
    for _ in range(rng.integers(1, 5)):
        more = int(rng.integers(2, 12))
        layers.append(L(units, more, bias=bool(rng.random() < 0.8)))
        units = more
        after = [[], [R()], [R(), D()], [B(units), R()], [R(), B(units)], [B(units)]][rng.integers(6)]
        layers += after
    model = trained(VGG(seq(*layers, L(units, 3))), seed)
    torch.save(model.state_dict(), tmp_path / "it.pth")
    check(model, tmp_path / "it.pth")


@pytest.mark.parametrize("norm", [False, True])
def test_a_layer_s_name_in_the_file_means_what_that_module_gives(norm, tmp_path):
    """Every module of the features, by its own name: the one that numcam has no place for is the convolution whose
    batch normalisation is part of it."""
    model = trained(VGG(L(64, 7), pool=average(), norm=norm))
    torch.save(model.state_dict(), tmp_path / "it.pth")
    classifier = load(str(tmp_path / "it.pth"), say=lambda _: None, input_size=SIDE)
    x = np.random.default_rng(1).standard_normal((1, 3, SIDE, SIDE)).astype(np.float32)
    trace, here = classifier.forward(x), torch.from_numpy(x)
    for i, module in enumerate(model.features):
        with torch.no_grad():
            here = module(here)
        if norm and isinstance(module, nn.Conv2d):
            with pytest.raises(InputError, match="no layer"):
                classifier.layer(f"features.{i}")
        else:
            ours = trace[classifier.layer(f"features.{i}")]
            np.testing.assert_allclose(ours, here.numpy(), atol=1e-4 * float(here.abs().max()))
