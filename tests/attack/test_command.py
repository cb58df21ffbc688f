"""numcam attack with every method, and every combination of options that makes no sense."""

import os
import re

import numpy as np
import pytest
from PIL import Image

from numcam import scenes
from numcam.cli.main import main


@pytest.fixture
def photo(tmp_path, monkeypatch):
    """A picture of the network's own size, in a current folder of its own."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(scenes.draw(4).image[80:144, 80:144]).save("photo.png")
    return "photo.png"


@pytest.mark.parametrize(
    "options",
    [
        ("--method", "fgsm"),
        ("--method", "bim", "--epsilon", "4"),
        ("--method", "pgd", "--epsilon", "4", "--steps", "5", "--seed", "3"),
        ("--method", "pgd-l2", "--epsilon", "2", "--steps", "5"),
        ("--method", "deepfool"),
        ("--method", "bim", "--to", "boat"),
    ],
    ids=" ".join,
)
def test_every_method_writes_a_picture_within_its_epsilon(capsys, photo, model, options):
    assert main(["attack", photo, "--model", model, *options]) == 0
    out = capsys.readouterr().out
    most, mean = map(float, re.search(r"at most ([\d.]+) of 255, root mean square ([\d.]+)", out).groups())
    written = re.search(r"whole grey levels: at most ([\d.]+), root mean square ([\d.]+)", out)
    if written:
        assert float(written[1]) <= most + 0.5
        most, mean = map(float, written.groups())
    name = next(one for one in os.listdir(".") if one.endswith("adversarial.png"))
    with Image.open(name) as a, Image.open(photo) as b:
        change = np.asarray(a, float) - np.asarray(b, float)
    assert np.abs(change).max() == most
    assert np.sqrt((change**2).mean()) == pytest.approx(mean, abs=0.01)
    if "--epsilon" in options and "pgd-l2" not in options:
        assert most <= 4
    assert sorted(os.listdir(".")) == [f"{name[:-4]}-figure.png", name, "photo.png"]


def test_the_smallest_epsilon_changes_the_answer_in_the_picture_that_is_written(capsys, photo, model):
    assert main(["attack", photo, "--model", model, "--method", "bim", "--smallest"]) == 0
    out = capsys.readouterr().out
    before, rounded = (re.search(rf"{word}.*?  +(\w+) ", out)[1] for word in ("before", "rounded"))
    assert before != rounded
    epsilon = float(re.search(r"grey levels: ([\d.]+)", out)[1])
    assert main(["attack", photo, "--model", model, "--method", "bim", "--epsilon", str(max(0.5, epsilon / 4))]) == 0
    assert re.search(r"rounded.*?  +(\w+) ", capsys.readouterr().out)[1] == before
    assert main(["attack", photo, "--model", model, "--smallest"]) == 2  # one step of FGSM never gets there
    assert "any epsilon up to 64" in capsys.readouterr().err


def test_confidence_is_reached_in_the_picture_that_is_written(capsys, photo, model):
    options = ["--to", "boat", "--confidence", "0.9", "--epsilon", "100"]
    assert main(["attack", photo, "--model", model, *options]) == 0
    out = capsys.readouterr().out
    probability = float(re.search(r"probability ([\d.]+) after", out)[1])
    assert probability >= 0.9
    assert main(["classify", "photo-bim-to_boat-adversarial.png", "--model", model]) == 0
    shown = re.search(r"([\d.]+) % +boat", capsys.readouterr().out)[1]
    assert float(shown) == pytest.approx(100 * probability, abs=0.1)
    assert main(["attack", photo, "--model", model, *options[:-2], "--epsilon", "0.6", "--steps", "1"]) == 0
    assert "short of 0.9" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--method", "fgms"), "did you mean fgsm"),
        (("--method", "fgsm", "--steps", "3"), "one step"),
        (("--method", "bim", "--steps", "-3"), "0 or more"),
        (("--method", "deepfool", "--epsilon", "3"), "leave out --epsilon"),
        (("--method", "deepfool", "--to", "cat"), "leave out"),
        (("--method", "bim", "--seed", "1"), "random start"),
        (("--method", "pgd", "--seed", "-1"), "0 or more"),
        (("--confidence", "0.9"), "name it with --to"),
        (("--confidence", "0.9", "--to", "cat", "--method", "fgsm"), "step by step"),
        (("--confidence", "1.5", "--to", "cat"), "between 0 and 1"),
        (("--confidence", "0.9", "--to", "caat"), "did you mean cat"),
        (("--confidence", "0.9", "--to", "cat", "--epsilon", "-1"), "0 to 255"),
        (("--smallest", "--epsilon", "3"), "leave out --epsilon"),
        (("--method", ""), "no attack ''"),
        (("--confidence", "0.9", "--to", "cat", "--method", "pgd", "--epsilon", "nan"), "0 to 255; got nan"),
        (("--confidence", "0.9", "--to", "cat", "--method", "pgd", "--epsilon", "inf"), "0 to 255; got inf"),
        (("--confidence", "0.9", "--to", "cat", "--method", "pgd", "--seed", "3"), "leave out --seed"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, tuple) else "",
)
def test_what_does_not_go_together_is_one_sentence_and_leaves_nothing(capsys, photo, model, options, words):
    assert main(["attack", photo, "--model", model, *options]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert os.listdir(".") == [photo]
