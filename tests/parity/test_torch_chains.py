"""Networks that are no VGG: whole Sequentials as they state themselves, and tensors alone with a line of words."""

import collections

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[parity]'")
from chains import SmallVGG, random_sequential, trained, words_of  # noqa: E402
from torch import nn  # noqa: E402

from numcam.errors import InputError  # noqa: E402
from numcam.explain import grad_cam  # noqa: E402
from numcam.formats import convert  # noqa: E402
from numcam.loading import load  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]
C, L, R, F, P = nn.Conv2d, nn.Linear, nn.ReLU, nn.Flatten, nn.MaxPool2d
GREY = np.array([0.299, 0.587, 0.114])


def seq(*layers):
    return nn.Sequential(*layers)


def quiet(_):
    pass


def as_torch_takes_it(image, channels, mean=0.0, scale=255.0):
    """A picture (rows, cols, 3) as ToTensor makes it, in so many channels."""
    pixels = (image.astype(np.float64) - mean) / scale
    if channels == 1:
        pixels = (pixels @ GREY)[..., None]
    if channels == 4:
        pixels = np.concatenate([pixels, np.full((*image.shape[:2], 1), (255 - mean) / scale)], axis=2)
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None]).float()


def agree(classifier, model, channels=3, seed=0):
    """Logits, a map and the pixel gradient as PyTorch's autograd gives them."""
    image = np.random.default_rng(seed).integers(0, 256, (*classifier.input_size, 3), dtype=np.uint8)
    model = model.double().eval()
    x = as_torch_takes_it(image, channels).double().requires_grad_()
    expected = model(x)
    trace = classifier.forward(classifier.preprocess(image).astype(np.float64))
    scale = float(expected.abs().max())
    np.testing.assert_allclose(trace.output, expected.detach().numpy(), atol=1e-5 * scale + 1e-9)
    (gradient,) = torch.autograd.grad(expected[0, 0], x)
    theirs = gradient[0].numpy()
    ours = trace.backward(0)["input"][0]
    if channels == 1:
        theirs = GREY[:, None, None] * theirs
    theirs = theirs[:3]
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max() + 1e-12)
    assert np.isfinite(grad_cam(trace, 0)).all()


WHOLE = {
    "strides and paddings": (
        32,
        lambda: seq(C(3, 6, 5, stride=2, padding=(2, 1)), R(), C(6, 4, (3, 2)), R(), F(), L(4 * 196, 5)),
    ),
    "a slope, ELU, GELU, SiLU, tanh": (
        24,
        lambda: seq(
            C(3, 5, 3),
            nn.LeakyReLU(0.2),
            C(5, 5, 3),
            nn.ELU(0.7),
            C(5, 4, 3),
            nn.GELU(),
            C(4, 4, 3),
            nn.SiLU(),
            C(4, 4, 1),
            nn.Tanh(),
            F(),
            L(4 * 256, 3),
        ),
    ),
    "SELU, softplus, ReLU6, sigmoid between": (
        20,
        lambda: seq(
            C(3, 5, 3),
            nn.SELU(),
            C(5, 5, 3),
            nn.Softplus(),
            C(5, 4, 3),
            nn.ReLU6(),
            C(4, 4, 3),
            nn.Sigmoid(),
            F(),
            L(4 * 144, 3),
        ),
    ),
    "GELU by tanh": (16, lambda: seq(C(3, 5, 3), nn.GELU("tanh"), F(), L(5 * 196, 3))),
    "pooling of every kind": (
        33,
        lambda: seq(
            C(3, 5, 3, padding="same"),
            R(),
            P(3, 2, 1),
            nn.AvgPool2d(2, 1),
            P(2, ceil_mode=True),
            nn.AvgPool2d(3, 2, 1),
            nn.AvgPool2d(2, 1, 1, count_include_pad=False),
            F(),
            L(5 * 25, 3),
        ),
    ),
    "pooling whose last window hangs over": (
        31,
        lambda: seq(
            C(3, 5, 3),
            R(),
            P(3, 2, ceil_mode=True),
            P(2, 2, ceil_mode=True),
            P(3, 3, 1, ceil_mode=True),
            F(),
            L(5 * 9, 3),
        ),
    ),
    "batch normalisation with an epsilon": (
        16,
        lambda: seq(
            C(3, 5, 3, bias=False),
            nn.BatchNorm2d(5, eps=0.01),
            R(),
            F(),
            L(5 * 196, 8),
            nn.BatchNorm1d(8, eps=0.1),
            R(),
            L(8, 3),
        ),
    ),
    "batch normalisation first, and without weights": (
        16,
        lambda: seq(
            nn.BatchNorm2d(3), C(3, 5, 3), nn.BatchNorm2d(5, affine=False), R(), nn.AdaptiveAvgPool2d(1), F(), L(5, 3)
        ),
    ),
    "adaptive pooling, even and uneven": (
        40,
        lambda: seq(
            C(3, 5, 3),
            R(),
            nn.AdaptiveAvgPool2d((7, 5)),
            nn.AdaptiveMaxPool2d((7, 5)),
            nn.AdaptiveAvgPool2d((None, 3)),
            F(),
            L(105, 3),
        ),
    ),
    "adaptive pooling before a convolution of 1x1": (
        24,
        lambda: seq(C(3, 5, 3), R(), nn.AdaptiveAvgPool2d(1), C(5, 7, 1), R(), F(), L(7, 3)),
    ),
    "no linear layer": (24, lambda: seq(C(3, 5, 3), R(), C(5, 4, 1), nn.AdaptiveAvgPool2d(1), F())),
    "the largest place": (24, lambda: seq(C(3, 5, 3), R(), nn.AdaptiveMaxPool2d(1), F(), L(5, 4))),
    "an even kernel that keeps the size": (20, lambda: seq(C(3, 5, 4, padding="same"), R(), F(), L(5 * 400, 3))),
    "a border of zeros": (20, lambda: seq(nn.ZeroPad2d((1, 2, 3, 0)), C(3, 5, 3), R(), F(), L(5 * 21 * 21, 3))),
    "nested, with names": (
        20,
        lambda: seq(
            collections.OrderedDict(
                body=seq(seq(C(3, 5, 3), R()), P(2)), head=seq(F(), nn.Dropout(), nn.Identity(), L(405, 3))
            )
        ),
    ),
    "grey": (28, lambda: seq(C(1, 5, 3), R(), P(2), F(), L(5 * 169, 3))),
    "four channels": (28, lambda: seq(C(4, 5, 3, padding=1), R(), P(2), F(), L(5 * 196, 3))),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_whole_sequential_is_computed_as_it_states_itself(case, tmp_path):
    side, make = WHOLE[case]
    model = trained(make())
    torch.save(model, tmp_path / "it.pth")
    channels = {"grey": 1, "four channels": 4}.get(case, 3)
    agree(load(str(tmp_path / "it.pth"), say=quiet, input_size=side), model, channels)
    torch.save({"model": model, "epoch": 3}, tmp_path / "b.pth", _use_new_zipfile_serialization=False)
    agree(load(str(tmp_path / "b.pth"), say=quiet, input_size=side), model, channels)


@pytest.mark.parametrize(
    ("end", "output"), [(nn.Softmax(1), "softmax"), (nn.LogSoftmax(-1), "softmax"), (nn.Sigmoid(), "sigmoid")]
)
def test_what_makes_probabilities_is_the_last_layer_s(end, output, tmp_path):
    body = trained(seq(C(3, 5, 3), R(), nn.AdaptiveAvgPool2d(1), F(), L(5, 4)))
    torch.save(seq(*body, end), tmp_path / "it.pth")
    classifier = load(str(tmp_path / "it.pth"), say=quiet)
    assert classifier.network.output == output
    agree(classifier, body)
    with pytest.raises(InputError, match=f"ends in a {output}"):
        load(str(tmp_path / "it.pth"), output="sigmoid" if output == "softmax" else "softmax", say=quiet)


def test_one_sigmoid_of_a_sequential_is_two_classes(tmp_path):
    model = trained(seq(C(3, 5, 3), R(), nn.AdaptiveAvgPool2d(1), F(), L(5, 1), nn.Sigmoid()))
    torch.save(model, tmp_path / "it.pth")
    classifier = load(str(tmp_path / "it.pth"), classes=["cat", "dog"], say=quiet)
    image = np.random.default_rng(0).integers(0, 256, (*classifier.input_size, 3), dtype=np.uint8)
    p = float(model(as_torch_takes_it(image, 3)))
    assert {name: share for _, name, share in classifier.predict(image)} == pytest.approx(
        {"cat": 1 - p, "dog": p}, abs=1e-5
    )


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = C(3, 4, 3)

    def forward(self, x):
        return self.conv(x)


REFUSED = {
    "groups": (lambda: seq(C(3, 6, 3, groups=3), R(), F(), L(6 * 900, 2)), "'0', a Conv2d, has groups 3"),
    "dilation": (lambda: seq(C(3, 6, 3, dilation=2), R(), F(), L(6 * 784, 2)), "has dilation"),
    "a reflected border": (
        lambda: seq(C(3, 6, 3, padding=1, padding_mode="reflect"), R(), F(), L(6 * 1024, 2)),
        "padding_mode reflect",
    ),
    "an unknown layer": (
        lambda: seq(C(3, 6, 3), nn.GroupNorm(2, 6), R(), F(), L(6 * 900, 2)),
        "a GroupNorm, is nothing that numcam computes",
    ),
    "a transposed convolution": (
        lambda: seq(nn.ConvTranspose2d(3, 6, 3), C(6, 3, 3), F(), L(3 * 1024, 2)),
        "ConvTranspose2d",
    ),
    "a module of one's own": (lambda: seq(Own(), R(), F(), L(4 * 900, 2)), "Own, whose forward is a program"),
    "no Flatten": (lambda: seq(C(3, 6, 3), R(), L(30, 2)), "behind maps that nothing has flattened"),
    "statistics of each batch": (
        lambda: seq(C(3, 6, 3), nn.BatchNorm2d(6, track_running_stats=False), F(), L(6 * 900, 2)),
        "each batch's own statistics",
    ),
    "average windows that hang over": (
        lambda: seq(C(3, 6, 3), nn.AvgPool2d(4, 4, ceil_mode=True), F(), L(6 * 64, 2)),
        "hang over the edge",
    ),
    "something behind the softmax": (
        lambda: seq(C(3, 6, 3), F(), nn.LogSoftmax(1), L(6 * 900, 2)),
        "LogSoftmax, is nothing",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_sequential_states_and_numcam_cannot_do_is_refused_by_its_name(case, tmp_path):
    make, words = REFUSED[case]
    torch.save(make(), tmp_path / "it.pth")
    with pytest.raises(InputError, match=words):
        load(str(tmp_path / "it.pth"), say=quiet, input_size=32)


LINES = {
    "LeNet": (
        32,
        seq,
        (C(3, 6, 5), R(), P(2), C(6, 16, 5), R(), P(2), F(), L(400, 120), R(), L(120, 84), R(), L(84, 10)),
        "0 relu pool 3 relu pool flatten 7 relu 9 relu 11",
    ),
    "padded": (
        32,
        seq,
        (C(3, 6, 3, padding=1), R(), P(2), C(6, 8, 3, padding=1), R(), P(2), F(), L(512, 10)),
        "0 relu pool 3 relu pool 7",
    ),
    "strided": (
        64,
        seq,
        (
            C(3, 6, 7, stride=2, padding=3),
            nn.BatchNorm2d(6),
            R(),
            P(3, 2, 1),
            C(6, 8, 3),
            nn.LeakyReLU(),
            nn.AdaptiveAvgPool2d(1),
            F(),
            L(8, 4),
        ),
        "0(stride=2,padding=3) 1 relu pool(3,2,padding=1), 4(padding=0) leaky_relu gap 8",
    ),
    "grey": (
        28,
        seq,
        (C(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), C(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), F(), L(400, 10)),
        "0(pad=2) tanh avgpool 3(pad=0) tanh avgpool flatten 7",
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_tensors_alone_and_a_line_of_words_are_the_network(case, tmp_path):
    side, make, layers, line = LINES[case]
    model = trained(make(*layers))
    torch.save(model.state_dict(), tmp_path / "it.pth")
    agree(load(str(tmp_path / "it.pth"), layers=line, say=quiet, input_size=side), model, 1 if case == "grey" else 3)


def test_without_the_line_a_first_draft_of_it_is_printed_that_opens(tmp_path):
    model = trained(LINES["LeNet"][1](*LINES["LeNet"][2]))
    torch.save(model.state_dict(), tmp_path / "it.pth")
    with pytest.raises(InputError, match=r"none of pocket, vgg11|expected the convolutions of a VGG") as error:
        load(str(tmp_path / "it.pth"), say=quiet)
    line = str(error.value).partition('--layers "')[2].rstrip('"')
    assert line == LINES["LeNet"][3]
    said = []
    classifier = load(str(tmp_path / "it.pth"), layers=line, say=said.append)
    assert classifier.input_size == (32, 32)
    assert "without padding" in said[0]
    agree(classifier, model)


def test_what_is_assumed_is_said_and_layers_that_are_not_named_are_left_out_aloud(tmp_path):
    model = trained(seq(C(3, 6, 3, padding=1), R(), P(2), F(), L(6 * 256, 10)))
    state = {**model.state_dict(), "extra.weight": torch.ones(4, 4)}
    torch.save(state, tmp_path / "it.pth")
    said = []
    load(str(tmp_path / "it.pth"), layers="0 relu pool flatten 4", say=said.append)
    for words in ("extra left out", "pixels divided by 255", "pictures of 32x32", "keep the size of their maps"):
        assert words in said[0]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("conv9 relu", "'conv9', which is no layer of the file"),
        ("0 relu pool flatten 4 4", "name its '4' twice"),
        ("relu pool", "name none of its convolutions"),
        ("0 relu pool flatten 4(3)", "4 takes no numbers"),
        ("0(dilation=2) relu pool flatten 4", "0 takes stride, padding"),
        ("0(padding=x) relu pool flatten 4", "no number"),
        ("0 relu pool(3,2,1,1,1) flatten 4", "takes kernel_size=, stride=, padding="),
        ("0 relu pool pool pool flatten 4", "takes 1,536 values"),
        ("4 relu 0", "4"),
        ("0 softmax relu pool flatten 4", "softmax|Softmax"),
        ("0 relu pool((2)) 4", "cannot be read"),
        (" ", "empty"),
    ],
)
def test_a_line_that_makes_no_network_is_one_sentence(line, words, tmp_path):
    model = trained(seq(C(3, 6, 3, padding=1), R(), P(2), F(), L(6 * 256, 10)))
    torch.save(model.state_dict(), tmp_path / "it.pth")
    with pytest.raises(InputError, match=words):
        load(str(tmp_path / "it.pth"), layers=line, say=quiet, input_size=32)


def test_torchvision_s_pooling_to_seven_takes_pictures_of_any_size(tmp_path):
    model = trained(SmallVGG())
    torch.save(model.state_dict(), tmp_path / "it.pth")
    for size in ((448, 448), (32, 64), (224, 300), (100, 333)):
        said = []
        classifier = load(str(tmp_path / "it.pth"), input_size=size, preprocess="0-1", say=said.append)
        agree(classifier, model)
        assert ("averaged to 7x7" in said[0]) == (size != (224, 224))
    assert classifier.explain(np.zeros((50, 60, 3), np.uint8), 0).map.shape == (6, 20)
    named = load("pocket", tmp_path / "it.pth", input_size=448, preprocess="0-1", say=quiet)
    assert (named.name, named.network.shapes((1, 3, 448, 448))["relu5_3"]) == ("pocket", (1, 64, 28, 28))
    convert(tmp_path / "it.pth", tmp_path / "own.h5")
    for size in ((448, 448), (32, 64), (224, 224)):
        agree(load(str(tmp_path / "own.h5"), input_size=size, preprocess="0-1", say=quiet), model)
    with pytest.raises(InputError, match="leave out the input size"):
        load(str(tmp_path / "it.pth"), input_size=31, say=quiet)


@pytest.mark.parametrize("head", ["another size", "averaged"])
def test_numcam_s_own_file_of_another_head_has_no_such_pooling(head, tmp_path):
    """Which would be another network: one that takes 2x2 maps is refused another size, one that averages takes any."""
    width = {"another size": 64 * 4, "averaged": 64}[head]
    model = trained(SmallVGG())
    model.avgpool = nn.AdaptiveAvgPool2d(1) if head == "averaged" else nn.Identity()
    model.classifier = trained(nn.Sequential(L(width, 5)))
    torch.save(model.state_dict(), tmp_path / "it.pth")
    convert(tmp_path / "it.pth", tmp_path / "own.h5")
    if head == "averaged":
        agree(load(str(tmp_path / "own.h5"), input_size=160, preprocess="0-1", say=quiet), model)
        return
    for name in ("it.pth", "own.h5"):
        with pytest.raises(InputError, match="64x64"):
            load(str(tmp_path / name), input_size=128, say=quiet)


@pytest.mark.parametrize("seed", range(60))
def test_random_sequentials_whole_and_in_words(seed, tmp_path):
    model, side, channels = random_sequential(seed)
    torch.save(model, tmp_path / "whole.pth")
    torch.save(model.state_dict(), tmp_path / "tensors.pth")
    agree(load(str(tmp_path / "whole.pth"), say=quiet, input_size=side), model, channels, seed)
    if not any(getattr(layer, "ceil_mode", False) for layer in model):  # for which there is no word
        line = words_of(model)
        agree(load(str(tmp_path / "tensors.pth"), layers=line, say=quiet, input_size=side), model, channels, seed)


def test_a_hook_is_a_program_and_is_refused(tmp_path):
    model = trained(seq(C(3, 5, 3), R(), nn.AdaptiveAvgPool2d(1), F(), L(5, 3)))
    model[1].register_forward_hook(doubled)
    torch.save(model, tmp_path / "it.pth")
    with pytest.raises(InputError, match="its '1' has a hook"):
        load(str(tmp_path / "it.pth"), say=quiet)


def doubled(module, inputs, output):
    return 2 * output


def test_a_softmax_of_one_output_is_remarked_on(tmp_path):
    said = []
    torch.save(trained(seq(C(3, 5, 3), R(), nn.AdaptiveAvgPool2d(1), F(), L(5, 1), nn.Softmax(1))), tmp_path / "it.pth")
    load(str(tmp_path / "it.pth"), say=said.append)
    assert "which is 1 whatever the picture" in said[0]


@pytest.mark.parametrize(
    "line", ["0 -> relu -> pool -> flatten -> 4", "0, relu, pool, flatten, 4", "0 → relu → maxpool → 4"]
)
def test_a_line_may_have_arrows_or_commas(line, tmp_path):
    model = trained(seq(C(3, 6, 3, padding=1), R(), P(2), F(), L(6 * 256, 10)))
    torch.save(model.state_dict(), tmp_path / "it.pth")
    agree(load(str(tmp_path / "it.pth"), layers=line, say=quiet, input_size=32), model)


@pytest.mark.slow
def test_five_hundred_more_of_them(tmp_path):
    for seed in range(1_000, 1_500):
        model, side, channels = random_sequential(seed)
        torch.save(model, tmp_path / "whole.pth")
        agree(load(str(tmp_path / "whole.pth"), say=quiet, input_size=side), model, channels, seed)
