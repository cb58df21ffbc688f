"""Many pictures at once: folders, patterns, stray files, names that never collide, and files of every kind."""

import csv
import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from numcam import find, grad_cam, read_image, scenes
from numcam.cli.main import main
from numcam.cli.outputs import stems, words
from numcam.cli.pictures import Pictures
from numcam.errors import InputError
from numcam.figures import overlay
from numcam.formats import Weights, write_weights
from numcam.loading import load
from numcam.models.chain import Described
from numcam.models.preprocessing import CENTRED
from numcam.models.vgg import random_network
from numcam.scenes import CLASSES


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """in/ with a.jpg, b.png, c.webp and a folder deeper with a.jpg in it; beside them what is no picture."""
    monkeypatch.chdir(tmp_path)
    Path("in/deeper").mkdir(parents=True)
    for i, name in enumerate(("a.jpg", "b.png", "c.webp", "deeper/a.jpg")):
        Image.fromarray(scenes.draw(i).image[: 100 + i, :90]).save(f"in/{name}")
    Path("in/.hidden.png").write_bytes(Path("in/b.png").read_bytes())
    Path("in/labels.txt").write_text("cat\n")
    Path("in/Thumbs.db").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1"))
    return Path("in")


def run(capsys, *arguments):
    code = main([str(a) for a in arguments])
    return code, *capsys.readouterr()


def test_a_folder_is_its_pictures_and_nothing_else(capsys, folder, model):
    code, out, err = run(capsys, "classify", folder, "--model", model, "--top", 1)
    assert code == 0
    heads = [line.split(" ")[0] for line in out.splitlines() if line[0] != " "]
    assert heads == [str(folder / name) for name in ("a.jpg", "b.png", "c.webp")]
    assert "passed over" in err
    assert "Thumbs.db" in err
    assert ".hidden" not in out + err


@pytest.mark.parametrize(
    ("pattern", "count"), [("in/*.jpg", 1), ("in/**/*.jpg", 2), ("in/[bc].*", 2), ("in/*", 3), ("in/deep*", 1)]
)
def test_a_pattern_that_the_shell_left_alone_is_what_matches_it(capsys, folder, model, pattern, count):
    code, out, _ = run(capsys, "classify", pattern, "--model", model, "--top", 1)
    assert code == 0
    assert out.count("%") == count


def test_a_picture_whose_name_looks_like_a_pattern_is_that_picture(capsys, folder, model):
    Path("in/b.png").rename("in/b[1].png")
    assert run(capsys, "classify", "in/b[1].png", "--model", model, "--top", 1)[1].startswith("in/b[1].png (")


def test_what_is_named_and_cannot_be_read_is_told_at_the_end_and_costs_no_other(capsys, folder, model):
    Path("cut.png").write_bytes(Path("in/b.png").read_bytes()[:500])
    code, out, err = run(capsys, "classify", "cut.png", folder, "nowhere.png", "--model", model, "--top", 1)
    assert code == 1
    assert out.count("%") == 3
    assert "cut.png is damaged" in err
    assert "nowhere.png does not exist" in err
    assert "2 of 7 pictures were left out" in err


def test_a_damaged_picture_in_a_folder_is_told_too(capsys, folder, model):
    Path("in/d.png").write_bytes(Path("in/b.png").read_bytes()[:500])
    Path("in/e.jpg").write_text("no picture, for all its name")
    code, out, err = run(capsys, "classify", folder, "--model", model, "--top", 1)
    assert (code, out.count("%")) == (1, 3)
    assert "d.png is damaged" in err
    assert "e.jpg is not a picture" in err


def test_where_no_file_can_be_used_it_is_the_user_s_mistake(capsys, folder, model):
    code, out, err = run(capsys, "classify", "in/labels.txt", "nowhere.png", "--model", model)
    assert (code, out) == (2, "")
    assert "none of these 2 files could be used" in err


@pytest.mark.parametrize(
    ("given", "sentence"),
    [("in/empty", "holds no picture; give one"), ("in/above", "give in/above/\\*"), ("in/*.tif", "no file matches")],
)
def test_a_folder_or_pattern_without_a_picture_is_one_sentence(folder, given, sentence):
    Path("in/empty").mkdir()
    Path("in/above/below").mkdir(parents=True)
    with pytest.raises(InputError, match=sentence):
        Pictures([given])


def test_a_picture_that_is_given_twice_is_done_once(folder):
    assert Pictures(["in/b.png", "in", "in/b.png"]).names[0] == "in/b.png"
    assert len(Pictures(["in/b.png", "in", "in/b.png"]).names) == 5


def test_figures_of_numcam_s_own_are_not_explained_again(capsys, folder, model):
    for expected in (3, 3):
        code, out, _ = run(capsys, "explain", folder, "-o", folder, "--model", model)
        assert code == 0
        assert out.count("wrote") == expected
    assert run(capsys, "explain", folder / "b-grad_cam.png", "-o", "again.png", "--model", model)[0] == 0  # if named


def test_a_folder_of_nothing_but_figures_is_one_sentence(capsys, folder, model):
    assert run(capsys, "explain", "in/b.png", "-o", "maps", "--model", model)[0] == 0
    code, _, err = run(capsys, "explain", "maps", "-o", "x.png", "--model", model)
    assert code == 2
    assert "maps holds figures of numcam's own alone" in err


def test_two_pictures_never_share_a_file(capsys, folder, model):
    Image.fromarray(scenes.draw(9).image).save("in/a.png")
    code, out, _ = run(capsys, "explain", "in/a.jpg", "in/a.png", "in/deeper/a.jpg", "-o", "new/maps", "--model", model)
    assert code == 0
    assert out.count("wrote") == len(os.listdir("new/maps")) == 3


@pytest.mark.parametrize(
    "photos",
    [
        ("a/x.jpg", "b/x.jpg"),
        ("x.jpg", "x.png", "x"),
        ("a/x.png", "a-x.png", "b/x.png"),
        ("A.png", "a.png"),
        ("-", "p/picture.png"),
        ("../x.png", "x.png", "../../x.png"),
    ],
)
def test_the_names_of_files_differ_where_those_of_the_pictures_do(photos):
    found = stems(photos)
    assert len({name.lower() for name in found.values()}) == len(photos)
    assert all(name and "/" not in name for name in found.values())


def test_two_answers_never_share_a_file(capsys, folder, model):
    asked = [
        (), ("--class", "dog"), ("--class", "cat"), ("--class", "cat,dog"), ("--class", "all"), ("--class", "top2"),
        ("--method", "saliency"), ("--method", "grad_cam,saliency"), ("--method", "hires_cam,saliency"),
        ("--layer", "relu4_3"), ("--overlay",),
    ]  # fmt: skip
    for options in asked:
        assert run(capsys, "explain", "in/b.png", "-o", "maps", "--model", model, *options)[0] == 0
    assert len(os.listdir("maps")) == len(asked)


def test_a_long_list_of_classes_is_a_name_that_a_disk_takes():
    one, other = words(["x" * 70, "y" * 300]), words(["x" * 70, "y" * 299])
    assert one != other
    assert len(one) < 60
    assert words(["tiger cat", "a/b"]) == "tiger_cat-a_b"


def test_classes_with_commas_and_again_are_rows_of_one_figure(capsys, folder, model):
    asked = ("--class", "dog,cat", "--class", "dog", "--class", CLASSES.index("car"))
    code, out, _ = run(capsys, "explain", "in/b.png", *asked, "--model", model)
    assert code == 0
    assert out.count("Grad-CAM:") == 3
    assert Path("b-dog-cat-car-grad_cam.png").exists()


@pytest.mark.parametrize("kind", ["jpg", "webp", "pdf", "svg", "png"])
def test_figures_are_written_as_the_name_says(capsys, folder, model, kind):
    begins = {"jpg": b"\xff\xd8", "webp": b"RIFF", "pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}[kind]
    assert run(capsys, "explain", "in/b.png", "-o", f"x.{kind}", "--model", model)[0] == 0
    assert run(capsys, "explain", "in/b.png", "-o", "out", "--format", kind, "--model", model)[0] == 0
    for name in (f"x.{kind}", f"out/b-grad_cam.{kind}"):
        assert Path(name).read_bytes().startswith(begins)


def test_numbers_alone_are_an_array_or_a_table(capsys, folder, model):
    for name in ("x.npy", "x.csv"):
        assert run(capsys, "explain", "in/b.png", "--class", "dog", "-o", name, "--model", model)[0] == 0
    classifier = load(model)
    trace = classifier.forward(classifier.preprocess(read_image("in/b.png")))
    expected = grad_cam(trace, CLASSES.index("dog"))[0]
    np.testing.assert_array_equal(np.load("x.npy"), expected)
    with open("x.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert {(row["class"], row["method"], row["layer"]) for row in table} == {("dog", "grad_cam", "relu5_3")}
    assert [float(row["value"]) for row in table] == [float(v) for v in expected.ravel()]
    assert (table[-1]["row"], table[-1]["column"]) == tuple(str(n - 1) for n in expected.shape)


def test_several_maps_of_one_shape_are_one_array(capsys, folder, model):
    assert run(capsys, "explain", "in/b.png", "--class", "dog,cat", "-o", "x.npy", "--model", model)[0] == 0
    assert np.load("x.npy").shape == (2, 4, 4)
    assert (
        run(capsys, "explain", "in/b.png", "--class", "0", "--method", "saliency", "-o", "x.csv", "--model", model)[0]
        == 0
    )
    assert Path("x.csv").read_text().count("\n") == 1 + 3 * 64 * 64


def test_an_overlay_is_the_photo_s_own_size_and_nothing_else(capsys, folder, model):
    assert run(capsys, "explain", "in/b.png", "--class", "dog", "--overlay", "-o", "x.png", "--model", model)[0] == 0
    image, classifier = read_image("in/b.png"), load(model)
    trace = classifier.forward(classifier.preprocess(image))
    np.testing.assert_array_equal(read_image("x.png"), overlay(image, find(trace, CLASSES.index("dog")).values))
    code, out, _ = run(capsys, "explain", "in/b.png", "--class", "dog,cat", "--overlay", "-o", "o", "--model", model)
    assert (code, out.count("wrote"), len(os.listdir("o"))) == (0, 2, 2)


def test_pictures_are_read_one_after_the_other(folder):
    """So that ten photographs of 12 megapixels are not in memory at once."""
    pictures = Pictures(["in"])
    steps = iter(pictures)
    next(steps)
    Path("in/c.webp").unlink()
    assert len(list(steps)) == 1
    assert pictures.finish() == 1


def test_standard_input_is_a_picture_among_others(capsys, folder, model, monkeypatch):
    data = Path("in/a.jpg").read_bytes()
    for command in ("classify", "explain", "attack", "compare"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        more = () if command == "classify" else ("-o", "out")
        code, out, _ = run(capsys, command, "-", "in/b.png", "--model", model, *more)
        assert code == 0, out
    assert {"picture-grad_cam.png", "picture-adversarial.png", "picture-compare.png"} <= set(os.listdir("out"))


def test_attack_takes_several_and_says_of_each_whether_it_succeeds(capsys, folder, model):
    code, out, _ = run(capsys, "attack", folder, "-o", "out", "--epsilon", 0, "--model", model)
    assert code == 0
    assert out.count("the attack fails") == 3
    assert len(os.listdir("out")) == 6
    code, out, _ = run(capsys, "attack", folder, "-o", "out", "--smallest", "--model", model)
    assert code in (0, 1, 2)


def test_a_picture_whose_attack_is_impossible_does_not_stop_the_others(capsys, folder, model, monkeypatch):
    monkeypatch.setattr("numcam.cli.attack.smallest_epsilon", lambda c, p, *a, **k: [np.inf if p.mean() > 130 else 3.0])
    means = [load(model).to_pixels(read_image(f"in/{name}")).round().mean() for name in ("a.jpg", "b.png", "c.webp")]
    impossible = sum(mean > 130 for mean in means)
    assert 0 < impossible < 3
    code, out, err = run(capsys, "attack", folder, "-o", "out", "--smallest", "--model", model)
    assert code == 1
    assert out.count("smallest epsilon") == 3 - impossible
    assert err.count("any epsilon up to 64") == impossible


def test_of_a_group_a_method_that_does_not_apply_is_left_out_and_said(capsys, folder):
    """FullGrad needs a network that is linear piece by piece."""
    parameters = random_network("pocket", input_size=(64, 64)).parameters
    layers = [
        Described("conv1", "Conv2d", {"stride": (1, 1), "padding": (1, 1)}),
        Described("tanh1", "Tanh"),
        Described("avgpool", "GlobalAvgPool2d"),
        Described("fc1", "Linear"),
    ]
    arrays = {"conv1.weight": parameters["conv1_1.weight"], "conv1.bias": parameters["conv1_1.bias"]}
    arrays |= {"fc1.weight": np.ones((2, 8), np.float32), "fc1.bias": np.zeros(2, np.float32)}
    write_weights("chain.h5", Weights("chain", arrays, ("a", "b"), CENTRED, (64, 64), layers=tuple(layers)))
    code, out, _ = run(capsys, "explain", "in/b.png", "--model", "chain.h5", "--method", "cams", "-o", "x.png")
    assert code == 0
    assert "FullGrad is left out: tanh1 is a Tanh" in out
    assert "Grad-CAM: " in out
    assert run(capsys, "explain", "in/b.png", "--model", "chain.h5", "--method", "full_grad", "-o", "y.png")[0] == 2
