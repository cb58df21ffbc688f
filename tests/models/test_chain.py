"""Chains of any layers: their names, their file, their probabilities, and what is done to pixels before them."""

import json

import h5py
import numpy as np
import pytest

from numcam.attack import deepfool, fgsm
from numcam.cli.main import main
from numcam.errors import InputError
from numcam.explain import counterfactual_grad_cam, grad_cam, ledger
from numcam.formats import Weights, read_weights, write_weights
from numcam.loading import asked_of, from_weights, load
from numcam.models.chain import CHAIN, Described, chained, names
from numcam.models.preprocessing import CAFFE, CENTRED, NAMED, Affine, Preprocessing, preprocessing_of

TYPES = "Conv2d ReLU Conv2d ReLU MaxPool2d Conv2d ReLU MaxPool2d Flatten Linear ReLU Linear"
LIKE_VGG = "conv1_1 relu1_1 conv1_2 relu1_2 pool1 conv2_1 relu2_1 pool2 flatten fc3 relu3 fc4"


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (TYPES, LIKE_VGG),
        ("Conv2d ReLU GlobalMaxPool2d Linear", "conv1_1 relu1_1 maxpool fc2"),
        ("ZeroPad2d Conv2d ELU AvgPool2d Conv2d", "pad1_1 conv1_1 elu1_1 pool1 conv2_1"),
        ("Conv2d ReLU ReLU", "conv1_1 relu1_1 relu1_1-2"),
        ("Flatten BatchNorm1d Linear BatchNorm1d", "flatten norm fc1 norm1"),
    ],
)
def test_layers_are_called_as_vggs_are(types, expected):
    assert list(names(types.split())) == expected.split()


def described(output="sigmoid", classes=2):
    """A small network of its own, and its weights."""
    rng = np.random.default_rng(0)
    shapes = {"conv1_1.weight": (4, 3, 3, 5), "conv1_1.bias": (4,), "fc2.weight": (classes, 4), "fc2.bias": (classes,)}
    layers = (
        Described("pad1_1", "ZeroPad2d", {"edges": (1, 1, 2, 2)}, "first"),
        Described("conv1_1", "Conv2d", {"stride": (1, 2), "padding": (0, 0)}, "first"),
        Described("elu1_1", "ELU", {"alpha": 0.5, "scale": 1.0}, "first"),
        Described("pool1", "MaxPool2d", {"size": (3, 2), "stride": (2, 2), "padding": (0, 1, 0, 0)}),
        Described("maxpool", "GlobalMaxPool2d"),
        Described("fc2", "Linear", {}, "answer"),
    )
    parameters = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    names = tuple(f"thing {i}" for i in range(classes))
    return Weights(CHAIN, parameters, names, CENTRED, (21, 30), {}, layers, output, ("this", "and that"))


def test_a_chain_in_numcams_own_file_is_the_same_network_with_everything_said_of_it(tmp_path):
    weights = described()
    write_weights(tmp_path / "it.h5", weights)
    found = read_weights(tmp_path / "it.h5")
    x = np.random.default_rng(1).standard_normal((2, 3, 21, 30)).astype(np.float32)
    np.testing.assert_array_equal(found.network().forward(x).output, weights.network().forward(x).output)
    assert found.network().output == "sigmoid"
    assert (found.assumed, found.classes, found.input_size) == (weights.assumed, weights.classes, weights.input_size)
    assert [one.source for one in found.layers] == [one.source for one in weights.layers]
    lines = []
    assert load(str(tmp_path / "it.h5"), say=lines.append).assumed == weights.assumed
    assert lines == ["assumed: this; and that"]


def _change(**settings):
    def change(file):
        network = json.loads(bytes(file.attrs["network"]))
        network["layers"][1][2] |= settings
        file.attrs["network"] = np.bytes_(json.dumps(network).encode())

    return change


def _with(key, value):
    def change(file):
        network = json.loads(bytes(file.attrs["network"])) | {key: value}
        file.attrs["network"] = np.bytes_(json.dumps(network).encode())

    return change


def _without_an_array(file):
    del file["fc2.bias"]


def _another_array(file):
    file["fc3.bias"] = np.zeros(3, "<f4")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_change(stride=[0, 1]), "do not fit on each other: stride must be"),
        (_change(stride=[10**9, 1]), "settings that numcam does not know"),
        (_change(stride="x"), "settings that numcam does not know"),
        (_change(colour=3), "do not fit on each other"),
        (_with("output", "tanh"), "settings that numcam does not know"),
        (_with("layers", [["a", "Lambda", {}, ""]]), "settings that numcam does not know"),
        (_with("layers", [["a", "ReLU"]]), "is not layers, output and assumed"),
        (_with("layers", 3), "is not layers, output and assumed"),
        (_with("assumed", [3]), "settings that numcam does not know"),
        (_without_an_array, "do not go together: 'fc2.bias'"),
        (_another_array, "do not go together: 'fc3.bias'"),
    ],
)
def test_a_damaged_description_is_refused_with_what_is_wrong(tmp_path, change, words):
    write_weights(tmp_path / "it.h5", described())
    with h5py.File(tmp_path / "it.h5", "r+") as file:
        change(file)
    with pytest.raises(InputError, match=words):
        read_weights(tmp_path / "it.h5")


def test_two_classes_of_one_sigmoid_have_opposite_scores_and_probabilities_that_sum_to_one():
    weights = described()
    parameters = dict(weights.parameters)
    for key in ("fc2.weight", "fc2.bias"):  # as a file's one row becomes two
        parameters[key] = np.concatenate([-parameters[key][1:], parameters[key][1:]])
    c = from_weights(Weights(**{**vars(weights), "parameters": parameters}))
    image = np.random.default_rng(2).integers(0, 256, (21, 30, 3), dtype=np.uint8)
    trace = c.forward(c.preprocess(image))
    p = c.probabilities(trace)[0]
    assert p.sum() == pytest.approx(1, abs=1e-6)
    assert p[1] == pytest.approx(1 / (1 + np.exp(-float(trace.output[0, 1]))), abs=1e-6)
    np.testing.assert_allclose(grad_cam(trace, 0), counterfactual_grad_cam(trace, 1), rtol=1e-5)
    pixels = c.to_pixels(image)
    top = int(p.argmax())
    for attack in (lambda: fgsm(c, pixels, epsilon=20), lambda: deepfool(c, pixels)):
        after = c.forward(c.preprocessing.forward(attack())).output[0]
        assert after[top] < trace.output[0, top]
    with pytest.raises(InputError, match="elu1_1 is a ELU, which is not known to be linear piece by piece"):
        ledger(trace, 0)


def test_a_chain_is_built_only_of_settings_that_fit():
    with pytest.raises(ValueError, match="stride"):
        chained([Described("pool1", "MaxPool2d", {"size": 2, "stride": 0})], {})


@pytest.mark.parametrize(
    ("text", "black", "white"),
    [("0-1", 0, 1), ("-1-1", -1, 1), ("0-255", 0, 255), ("10,10,10/5,5,5", -2, 49), ("10 10 10/5 5 5", -2, 49)],
)
def test_preprocessing_by_name_or_numbers(text, black, white):
    ends = np.array([0.0, 255.0]).reshape(2, 1, 1, 1) * np.ones((1, 3, 1, 1))
    np.testing.assert_allclose(preprocessing_of(text).forward(ends)[:, 0, 0, 0], [black, white])
    assert preprocessing_of(" ImageNet ") == NAMED["torchvision"]


@pytest.mark.parametrize(
    "text", ["", "torchvison", "1,2,3", "1,2,3/4,5", "1,2,3/4,5,0", "a,b,c/d,e,f", "1,2,3/nan,1,1", "1/2"]
)
def test_another_preprocessing_is_refused_with_what_there_is(text):
    with pytest.raises(InputError, match=r"no preprocessing|divides by 0") as caught:
        preprocessing_of(text)
    assert text != "torchvison" or "did you mean torchvision" in str(caught.value)


@pytest.mark.parametrize("first", [CAFFE, CENTRED, Preprocessing((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))])
def test_a_rescaling_behind_a_preprocessing_is_one_preprocessing(first):
    scale, offset = (2.0, -3.0, 0.5), (1.0, 0.0, -4.0)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 3, 4, 5))
    both = first.then(Affine(scale, offset))
    expected = first.forward(pixels) * np.array(scale)[:, None, None] + np.array(offset)[:, None, None]
    np.testing.assert_allclose(both.forward(pixels), expected, rtol=1e-12)
    np.testing.assert_allclose(both.inverse(expected), pixels, rtol=1e-10)


@pytest.mark.parametrize("size", [0, -1, (3, 0), (2, 3, 4), "x", 5000, 2.5, (True, None)])
def test_an_input_size_that_is_none_is_refused(size):
    with pytest.raises(InputError, match=r"the input size is one number or \(rows, cols\)"):
        asked_of(None, size, None)


def test_options_of_the_command_line_say_what_a_file_leaves_open(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_weights("it.h5", described(output="softmax"))
    for arguments, words in (
        (["--input-size", "x"], "--input-size is one number or ROWSxCOLS, such as 224 or 240x320; got 'x'"),
        (["--input-size", "1"], "it is for 21x30; 1x1 does not fit"),
        (["--preprocess", "nothing"], "no preprocessing 'nothing'"),
    ):
        assert main(["weights", "info", "it.h5", *arguments]) == 2
        assert words in capsys.readouterr().err
    options = ["--input-size", "40x50", "--preprocess", "-1-1", "--output", "sigmoid"]
    assert main(["weights", "info", "it.h5", *options]) == 0
    out = capsys.readouterr().out
    assert "pictures of 40x50" in out
    assert "preprocessing  (RGB - (127.5, 127.5, 127.5)) / (127.5, 127.5, 127.5), as RGB" in out
    assert "probabilities  sigmoid" in out
    assert "assumed        and that" in out
    assert main(["weights", "convert", "it.h5", "other.h5", *options, "--classes", "names.txt"]) == 2
    assert "names.txt" in capsys.readouterr().err
    assert main(["weights", "convert", "it.h5", "other.h5", *options]) == 0
    kept = read_weights("other.h5")
    assert (kept.input_size, kept.output, kept.preprocessing) == ((40, 50), "sigmoid", NAMED["-1-1"])
