"""explain, compare and ledger: what they print, what they write, and what they refuse."""

import json
import os
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from numcam import find, fused, grad_cam, integrated_gradients, read_image, scenes
from numcam.cli.main import main
from numcam.explain import PRESETS
from numcam.explain.export import digest, entry, write
from numcam.formats import Weights, write_weights
from numcam.front.provenance import provenance
from numcam.loading import load
from numcam.models.preprocessing import CENTRED
from numcam.models.vgg import random_network
from numcam.scenes import CLASSES


@pytest.fixture(scope="module")
def headless(tmp_path_factory):
    """The same network without its fully connected layers."""
    path = tmp_path_factory.mktemp("model") / "headless.h5"
    parameters = {k: v for k, v in random_network("pocket", input_size=(64, 64)).parameters.items() if k[:2] != "fc"}
    write_weights(path, Weights("pocket", parameters, (), CENTRED, (64, 64)))
    return str(path)


@pytest.fixture
def photo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(scenes.draw(4).image[:112]).save("photo.png")
    return "photo.png"


def run(capsys, *arguments):
    code = main([str(a) for a in arguments])
    return code, *capsys.readouterr()


def files():
    return sorted(os.listdir("."))


def traced(model, photo):
    classifier = load(model)
    return classifier, classifier.forward(classifier.preprocess(read_image(photo)))


def test_every_class_is_drawn_from_one_pass(capsys, photo, model):
    code, out, err = run(capsys, "explain", photo, "--model", model, "--class", "all")
    assert (code, err) == (0, "")
    assert files() == ["photo-atlas.png", "photo.png"]
    _, trace = traced(model, photo)
    order = np.argsort(-trace.output[0])  # as in the figure
    tops = grad_cam(trace, "all")[0].max(axis=(1, 2))[order][:5]
    assert [float(v) for v in re.findall(r"maximum ([\d.e-]+)$", out, re.M)] == [float(f"{t:.3g}") for t in tops]


def test_every_class_as_numbers(capsys, photo, model):
    assert run(capsys, "explain", photo, "--model", model, "--class", "all", "-o", "all.h5")[0] == 0
    _, trace = traced(model, photo)
    with h5py.File("all.h5") as file:
        np.testing.assert_array_equal(file["0/values"], grad_cam(trace, "all")[0])
        np.testing.assert_array_equal(file["0/scores"], trace.output[0])


def test_every_channel_of_a_network_without_a_head(capsys, photo, headless):
    code, out, _ = run(capsys, "explain", photo, "--model", headless, "--class", "all", "--layer", "relu5_2")
    assert code == 0
    assert "strongest of 64" in out
    assert files() == ["photo-atlas-relu5_2.png", "photo.png"]


@pytest.mark.parametrize("suffix", ["npz", "h5", "json"])
def test_the_numbers_come_with_where_they_came_from(capsys, photo, model, suffix):
    code, out, _ = run(
        capsys,
        "explain",
        photo,
        "--model",
        model,
        "--class",
        "dog",
        "--method",
        "grad_cam,saliency",
        "-o",
        f"x.{suffix}",
    )
    assert code == 0
    assert f"wrote x.{suffix}" in out
    assert files() == ["photo.png", f"x.{suffix}"]
    classifier, trace = traced(model, photo)
    about, values = read(f"x.{suffix}")
    np.testing.assert_array_equal(values, find(trace, CLASSES.index("dog")).values)
    assert about["parameters"] == digest(classifier.network)
    assert about["weights"] == model
    assert about["photo"] == photo
    assert list(about["classes"]) == list(CLASSES)


def read(path):
    if path.endswith("npz"):
        with np.load(path) as file:
            return json.loads(str(file["provenance"])), file["0/values"]
    if path.endswith("json"):
        about = json.loads(Path(path).read_text(encoding="utf-8"))
        return about, np.array(about["findings"][0]["values"], np.float32)
    with h5py.File(path) as file:
        attrs = {k: json.loads(v) if isinstance(v, str) and v[:1] in "[{" else v for k, v in file.attrs.items()}
        return attrs, file["0/values"][()]


@pytest.mark.parametrize("suffix", ["npz", "h5", "json"])
def test_a_picture_whose_name_is_no_text_has_numbers_too(photo, model, suffix):
    classifier, trace = traced(model, photo)
    about = provenance(classifier, read_image(photo), "odd-\udcff.png", "\udcff.h5")
    write(Path(f"x.{suffix}"), [entry(find(trace))], about)
    assert read(f"x.{suffix}")[0]["photo"] == "odd-\\udcff.png"
    assert read(f"x.{suffix}")[0]["weights"] == "\\udcff.h5"


def test_two_layers_become_one_map(capsys, photo, model):
    layers = "relu4_3,relu5_3"
    assert run(capsys, "explain", photo, "--model", model, "--layer", layers, "--class", "1", "-o", "x.npz")[0] == 0
    about, values = read("x.npz")
    np.testing.assert_array_equal(values, fused(traced(model, photo)[1], 1, layers.split(","))[0])
    assert about["findings"][0]["layer"] == "relu4_3+relu5_3"


def test_counterfactual_is_a_method_with_a_short_name(capsys, photo, model):
    code, out, _ = run(capsys, "explain", photo, "--model", model, "--counterfactual")
    assert code == 0
    assert "counterfactual Grad-CAM" in out
    assert "photo-counterfactual_grad_cam.png" in files()


def test_what_is_off_is_said_once_for_each_class(capsys, photo, model):
    """The class least believed in: its score is below the best one's, whatever the method."""
    _, trace = traced(model, photo)
    worst = int(trace.output[0].argmin())
    code, out, _ = run(capsys, "explain", photo, "--model", model, "--class", worst, "--method", "cams")
    assert code == 0
    if trace.output[0].max() - trace.output[0].min() > 0.5:
        assert out.count("this is not what the network answers") == 1
    assert out.count("Eigen-CAM does not look at the class") == 1


def test_a_blank_map_is_explained_at_the_terminal(capsys, photo, tmp_path):
    """Weights under which every cell argues against class 0: fc8 turned round for it."""
    network = random_network("pocket", input_size=(64, 64))
    p = dict(network.parameters)
    for name in ("fc6.weight", "fc7.weight", "fc8.weight"):
        p[name] = np.abs(p[name])
    p["fc8.weight"] = p["fc8.weight"] * np.array([-1] + [1] * 9, np.float32)[:, None]
    write_weights(tmp_path / "bad.h5", Weights("pocket", p, CLASSES, CENTRED, (64, 64)))
    code, out, _ = run(capsys, "explain", photo, "--model", "bad.h5", "--class", "0")
    assert code == 0
    assert "Grad-CAM: blank" in out
    assert re.search(r"cells are negative.*: this class is argued against everywhere; see --counterfactual", out)


def test_integrated_gradients_report_their_gap(capsys, photo, model):
    code, out, _ = run(
        capsys, "explain", photo, "--model", model, "--class", "2", "--method", "integrated_gradients", "-o", "x.json"
    )
    assert code == 0
    values = integrated_gradients(traced(model, photo)[1], 2)
    assert f"the contributions sum to {values.sum():.3f}" in out
    assert "completeness_gap" in json.loads(Path("x.json").read_text())["findings"][0]


def test_the_seed_is_an_option(capsys, photo, model):
    for seed, name in ((0, "a.json"), (0, "b.json"), (1, "c.json")):
        arguments = ("--method", "smooth_grad", "--seed", seed, "-o", name)
        assert run(capsys, "explain", photo, "--model", model, *arguments)[0] == 0
    a, b, c = (read(name)[1] for name in ("a.json", "b.json", "c.json"))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_compare_prints_each_dial_and_draws_each_tool(capsys, photo, model):
    code, out, err = run(capsys, "compare", photo, "--model", model, "--class", "dog")
    assert (code, err) == (0, "")
    assert files() == ["photo-dog-compare.png", "photo.png"]
    for name in PRESETS:
        assert re.search(rf"^  {name} +[\d-]", out, re.M), name
    assert re.search(r"layer: last pooling +[\d.-]+", out)


def test_ledger_prints_a_line_for_each_layer_that_adds_up_to_the_logit(capsys, photo, model):
    code, out, err = run(capsys, "ledger", photo, "--model", model, "--class", "dog")
    assert (code, err) == (0, "")
    logit = float(re.search(r"“dog” = ([\d.-]+)", out)[1])
    lines = [line.split() for line in out.splitlines() if re.match(r"(conv|relu|pool|flatten|fc|drop|input)", line)]
    assert [line[0] for line in lines] == list(reversed(list(traced(model, photo)[1])))
    for _, plus, minus, bias, total, _ in lines:
        assert float(total) == pytest.approx(logit, abs=1e-4)
        assert float(plus) + float(minus) + float(bias) == pytest.approx(logit, abs=3e-4)  # four digits each


def refused(capsys, *arguments):
    before = files()
    try:
        code = main([str(a) for a in arguments])
    except SystemExit as error:
        code = error.code
    out, err = capsys.readouterr()
    assert code == 2, out + err
    assert err.count("\n") == 1, err
    assert files() == before
    return err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", "photo.png", "--method", "score-cm"), "did you mean score_cam"),
        (("explain", "photo.png", "--method", "grad_cam,shap"), "no method 'shap'"),
        (("explain", "photo.png", "--method", "cam"), "global average pooling"),
        (("explain", "photo.png", "--class", "all", "--method", "saliency"), "leave out --method"),
        (("explain", "photo.png", "--class", "all", "--layer", "relu4_3,relu5_3"), "draws one layer"),
        (("explain", "photo.png", "--counterfactual", "--method", "saliency"), "not both"),
        (("explain", "photo.png", "--layer", "relu4_3,relu5_33"), "did you mean relu5_3"),
        (("explain", "photo.png", "--layer", ""), "no layer ''"),
        (
            ("explain", "photo.png", "--method", "saliency", "--layer", "relu4_3"),
            "saliency explains at no",
        ),
        (
            ("explain", "photo.png", "--method", "full_grad,rise", "--layer", "relu4_3"),
            "rise explain at no",
        ),
        (("explain", "photo.png", "--class", "all", "--counterfactual"), "leave out --counterfactual"),
        (("explain", "photo.png", "--method", "rise", "--seed", "-1"), "--seed is a whole number, 0 or more; got -1"),
        (("explain", "photo.png", "--classes", ""), "the name of the file is empty"),
        (("explain", "", "-o", "x.png"), "the name of the picture is empty"),
        (("explain", "photo.png", "-o", os.devnull), "is not a folder; give -o the name of one"),
        (("compare", "photo.png", "--class", "top2"), "compare draws one class; got --class top2"),
        (("ledger", "photo.png", "--class", "top3"), "one class at a time; got --class top3, which are 3"),
        (("ledger", "photo.png", "--class", "dog", "--class", "cat"), "one class at a time; got --class dog and cat"),
        (("compare", "photo.png", "--class", "dog,cat"), "compare draws one class"),
        (("explain", "photo.png", "-o", "no/x.json"), "cannot write no/x.json"),
        (("explain", "photo.png", "-o", "x.txt"), "ends in none of .png"),
        (("compare", "photo.png", "--class", "dgo"), "did you mean dog"),
        (("explain", "photo.png", "--layer", "3"), "counts from the end, -1 for pool5"),
        (
            ("explain", "photo.png", "--method", "grad_cam,saliency", "--class", "0", "-o", "x.npy"),
            ".npy holds one array",
        ),
        (("compare", "none.png"), "none.png does not exist"),
        (("ledger", "photo.png", "--class", "99"), "0 to 9"),
        (("ledger", "none.png"), "none.png does not exist"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, tuple) else "",
)
def test_wrong_options_are_refused_with_what_was_expected(capsys, photo, model, arguments, words):
    assert words in refused(capsys, *arguments, "--model", model)


def test_an_empty_name_of_a_weights_file_is_not_taken_for_the_current_folder(capsys, photo):
    for options in (("--weights", ""), ("--model", "")):
        assert re.search("the name of a weights file is empty", refused(capsys, "explain", "photo.png", *options))


def test_the_weights_are_never_written_over(capsys, photo, model):
    held = Path(model).read_bytes()
    Path("mine.h5").write_bytes(held)
    assert "the weights file itself" in refused(capsys, "explain", photo, "--model", "mine.h5", "-o", "mine.h5")
    assert main(["explain", photo, "--model", "pocket", "--weights", "mine.h5", "-o", "./mine.h5"]) == 2
    assert "its weights; choose another name" in capsys.readouterr().err
    assert Path("mine.h5").read_bytes() == held


def test_a_layer_named_twice_is_one_layer_and_spaces_do_not_matter(capsys, photo, model):
    for given, name in (("relu4_3", "a.json"), ("relu4_3, relu4_3", "b.json")):
        assert run(capsys, "explain", photo, "--model", model, "--layer", given, "-o", name)[0] == 0
    assert Path("a.json").read_text() == Path("b.json").read_text()


def test_the_ledger_of_a_unit_that_is_off_has_nothing_to_divide_by(capsys, photo, headless):
    _, trace = traced(headless, photo)
    unit = np.argwhere(trace.output[0] == 0)[0]
    code, out, err = run(capsys, "ledger", photo, "--model", headless, "--class", ",".join(map(str, unit)))
    assert (code, err) == (0, "")
    assert "off by 0.0e+00, 0e+00 of" in out
