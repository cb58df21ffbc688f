"""Each command on a real picture, and each mistake answered with one sentence and exit code 2."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from numcam import scenes
from numcam.cli.commands import COMMANDS
from numcam.cli.main import main
from numcam.scenes import CLASSES


@pytest.fixture
def photo(tmp_path, monkeypatch):
    """A picture twice as wide as it is high, in a current folder of its own."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(scenes.draw(4).image[:112]).save("photo.png")
    return "photo.png"


def files():
    return sorted(os.listdir("."))


def run(capsys, *arguments):
    code = main([str(a) for a in arguments])
    return code, *capsys.readouterr()


def test_classify_prints_the_top_classes(capsys, photo, model):
    code, out, err = run(capsys, "classify", photo, "--model", model, "--top", 3)
    assert (code, err) == (0, "")
    assert out.startswith("photo.png (224x112)\n")
    shares = [float(v) for v in re.findall(r"([\d.]+) %", out)]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert files() == ["photo.png"]


def test_explain_writes_a_picture_and_says_where(capsys, photo, model):
    code, out, err = run(capsys, "explain", photo, "--model", model)
    assert (code, err) == (0, "")
    assert re.search(r"maximum at row \d+, column \d+|blank", out)
    assert files() == ["photo-grad_cam.png", "photo.png"]
    with Image.open("photo-grad_cam.png") as figure:
        assert figure.width > 500


@pytest.mark.parametrize("method", ["guided-grad-cam", "guided_backprop", "saliency", "deconvnet", "all"])
def test_explain_knows_every_method(capsys, photo, model, method):
    code, _, _ = run(capsys, "explain", photo, "--model", model, "--method", method, "--class", "cat")
    assert code == 0
    assert f"photo-cat-{method.replace('-', '_')}.png" in files()


def test_explain_takes_classes_by_name_index_and_rank_and_any_spatial_layer(capsys, photo, model):
    for wanted in ("dog", "3", "top3"):
        code, out, _ = run(capsys, "explain", photo, "--model", model, "--class", wanted, "--layer", "relu4_3")
        assert code == 0
    assert out.count("Grad-CAM") == 3


def test_several_pictures_go_into_a_folder(capsys, photo, model):
    Path("other.png").write_bytes(Path(photo).read_bytes())
    os.mkdir("maps")
    code, out, _ = run(capsys, "explain", photo, "other.png", "--model", model, "-o", "maps")
    assert code == 0
    assert sorted(os.listdir("maps")) == ["other-grad_cam.png", "photo-grad_cam.png"]
    assert out.count("wrote") == 2


def test_attack_writes_a_picture_that_stays_what_it_is_when_read_again(capsys, photo, model):
    code, out, err = run(capsys, "attack", photo, "--model", model, "--epsilon", 8)
    assert (code, err) == (0, "")
    assert files() == ["photo-adversarial-figure.png", "photo-adversarial.png", "photo.png"]
    rounded = re.search(r"rounded.*?levels +(\w+ [\d.]+ %)", out)[1]
    _, out, _ = run(capsys, "attack", "photo-adversarial.png", "--model", model, "--epsilon", 0, "-o", "again.png")
    assert re.search(r"before +(\w+ [\d.]+ %)", out)[1] == rounded


def test_attack_can_aim(capsys, photo, model):
    for options in (("--to", "boat"), ("--label", "tree")):
        code, _, _ = run(capsys, "attack", photo, "--model", model, *options)
        assert code == 0


def test_trace_prints_a_row_for_each_layer(capsys, photo, model):
    code, out, err = run(capsys, "trace", photo, "--model", model, "--class", "cat")
    assert (code, err) == (0, "")
    rows = [line.split()[0] for line in out.splitlines() if line and line[0].islower()]
    assert rows[:4] == ["pocket,", "layer", "input", "conv1_1"]
    assert rows[-2:] == ["fc8", "total"]
    assert re.search(r"conv1_1 +8x64x64 +224 +884,736 ", out)  # 8*3*9+8 parameters; 64*64*8*27 multiply-adds


def test_check_passes(capsys):
    code, out, _ = run(capsys, "check")
    assert code == 0
    assert out.count(" ok") >= 20
    assert "FAILED" not in out


def test_check_fails_when_a_gradient_is_wrong(capsys, monkeypatch):
    monkeypatch.setattr("numcam.nn.relu.ReLU.backward", lambda self, dout, x, out: dout)
    code, out, _ = run(capsys, "check")
    assert code == 1
    assert "FAILED" in out


def test_evaluate_prints_shares_with_intervals(capsys, model):
    code, out, _ = run(capsys, "evaluate", "--scenes", 4, "--model", model)
    assert code == 0
    assert len(re.findall(r"^grad_cam +\d+\.\d % \(\d+\.\d-\d+\.\d\)", out, re.M)) == 2
    assert "a random pixel" in out


def test_demo_shows_the_cat_and_the_dog_and_writes_both_figures(capsys, tmp_path):
    code, out, err = run(capsys, "demo", "-o", tmp_path)
    assert (code, err) == (0, "")
    assert sorted(os.listdir(tmp_path)) == ["figure-1.png", "figure-2.png"]
    for name in ("cat", "dog"):
        assert re.search(rf"^{name} +Grad-CAM .*on the {name}$", out, re.M), out
    assert out.count("->") == 3


@pytest.mark.parametrize("arguments", [(), ("--",)])
def test_no_arguments_do_the_demo(capsys, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    assert run(capsys, *arguments)[0] == 0
    assert files() == ["figure-1.png", "figure-2.png"]


@pytest.mark.slow
def test_train_learns_stops_and_writes_weights_that_load(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    steps = [f"--{stage}-steps=1" for stage in ("crop", "whole", "finish", "presence")]
    tiny = ("--singles=8", "--pairs=4", *steps, "--out=tiny.h5", "--workers=1")
    assert run(capsys, "train", *tiny)[0] == 0
    assert sorted(files()) == ["tiny.h5", "training"]
    assert run(capsys, "train", *tiny)[0] == 0  # already finished: written again
    Image.fromarray(scenes.draw(0).image).save("scene.png")
    assert run(capsys, "classify", "scene.png", "--model", "tiny.h5")[0] == 0


def test_a_picture_may_come_from_standard_input(capsys, photo, model, monkeypatch):
    with open(photo, "rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(file.read())))
    assert run(capsys, "classify", "-", "--model", model)[0] == 0


@pytest.mark.parametrize("stdin", [None, io.TextIOWrapper(io.BytesIO(b""))], ids=["closed", "empty"])
def test_a_standard_input_with_nothing_in_it_is_said_to_be_one(capsys, photo, model, monkeypatch, stdin):
    monkeypatch.setattr("sys.stdin", stdin)
    assert "standard input is empty" in refused(capsys, "classify", "-", "--model", model)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device here")
def test_an_output_that_is_full_is_one_sentence(photo, model):
    command = [sys.executable, "-u", "-m", "numcam", "classify", photo, "--model", model]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "numcam: cannot write the output: No space left on device\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(capsys, command):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert "examples:" in capsys.readouterr().out


def refused(capsys, *arguments):
    """The one sentence on standard error; asserts that it is one, that the code is 2, and that no file appeared."""
    before = files()
    try:
        code = main([str(a) for a in arguments])
    except SystemExit as error:
        code = error.code
    out, err = capsys.readouterr()
    assert code == 2, out + err
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    assert files() == before
    return err


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("no.png", "no.png does not exist"),
        ("folder.png", "older"),
        ("empty.png", "empty.png is empty"),
        ("text.png", "text.png is not a picture"),
        ("cut.png", "cut.png is damaged"),
    ],
)
@pytest.mark.parametrize("command", ["explain", "classify", "attack", "trace"])
def test_what_is_no_picture_is_refused(capsys, photo, model, command, path, words):
    Path("folder.png").mkdir()
    Path("empty.png").touch()
    Path("text.png").write_text("hello")
    Path("cut.png").write_bytes(Path(photo).read_bytes()[:2000])
    assert words in refused(capsys, command, path, "--model", model)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", "photo.png", "--class", "cart"), "did you mean"),
        (("explain", "photo.png", "--class", "99"), "0 to 9"),
        (("explain", "photo.png", "--class", "top0"), "K from 1"),
        (("explain", "photo.png", "--class", "top11"), "K from 1"),
        (("explain", "photo.png", "--layer", "relu5_4"), "did you mean relu5_3"),
        (("explain", "photo.png", "--layer", "fc6"), "no rows and columns"),
        (("explain", "photo.png", "--method", "grad_cm"), "did you mean grad_cam"),
        (("explain", "photo.png", "--method", "shap"), "there are grad_cam"),
        (("explain", "photo.png", "-o", "no/where.png"), "cannot write no/where.png"),
        (("explain", "photo.png", "-o", "photo.gif"), "ends in none of .png, .jpg"),
        (("explain", "photo.png", "--format", "gif"), "--format is one of png"),
        (("explain", "photo.png", "-o", "x.png", "--format", "jpg"), "leave out --format"),
        (("explain", "https://example.com/cat.jpg"), "is an address, and numcam fetches no pictures"),
        (("explain", "none*.jpg"), "no file matches none*.jpg"),
        (("explain", "photo.png", "--class", "all", "--class", "dog"), "leave out the others"),
        (("explain", "photo.png", "--class", "dog,catt"), "did you mean cat"),
        (("explain", "photo.png", "--overlay", "--class", "all"), "leave out --class all"),
        (("explain", "photo.png", "-o", "photo.png"), "is the picture itself"),
        (("explain", "photo.png", "deeper/photo.png", "-o", "one.png"), "give -o a folder"),
        (("explain", "photo.png", "photo-grad_cam.png"), "is one of the pictures"),
        (("explain", "photo.png", "-o", "deeper/photo"), "deeper/photo is not a folder"),
        (("attack", "photo-figure.png", "-o", "photo.png"), "photo-figure.png is the picture itself"),
        (("explain", "photo.png", "-o", "photo.png/deeper.png"), "cannot write"),
        (("attack", "photo.png", "--epsilon", "-1"), "0 to 255"),
        (("attack", "photo.png", "--epsilon", "nan"), "0 to 255"),
        (("attack", "photo.png", "--epsilon", "1e9"), "0 to 255"),
        (("attack", "photo.png", "--epsilon", "much"), "invalid value"),
        (("attack", "photo.png", "--to", "caat"), "did you mean cat"),
        (("attack", "photo.png", "--to", "cat", "--label", "dog"), "one of them"),
        (("attack", "photo.png", "-o", "x.jpg"), "ends in none of .png"),
        (("classify", "photo.png", "--top", "0"), "at least 1"),
        (("trace", "photo.png", "--class", "catt"), "did you mean cat"),
        (("trace", "photo.png", "--class", "top3"), "one class at a time"),
        (("explain", "photo.png", "--class", "²"), "no class '²'"),
        (("explain", "photo.png", "--class", "top²"), "no class 'top²'"),
        (("explain", "photo.png", "--class", "9" * 5000), "no class '999"),
        (("explain", "photo.png", "--class", "top" + "9" * 5000), "no class 'top999"),
        (("evaluate", "--scenes", "0"), "at least 1"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, tuple) else "",
)
def test_wrong_options_are_refused_with_what_was_expected(capsys, photo, model, arguments, words):
    Path("deeper").mkdir()
    for copy in ("deeper/photo.png", "deeper/photo", "photo-grad_cam.png", "photo-figure.png"):
        Path(copy).write_bytes(Path(photo).read_bytes())
    assert words in refused(capsys, *arguments, "--model", model)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("classify", "photo.png", "--model", "pockett"), "did you mean pocket"),
        (("classify", "photo.png", "--model", "none.h5"), "none.h5 does not exist"),
        (("classify", "photo.png", "--model", "vgg16"), "NUMCAM_OFFLINE forbids"),
        (("demo", "-o", "photo.png/new"), "photo.png/new"),
        (("demo", "-o", "photo.png"), "photo.png is not a folder"),
        (("check", "--seed", "-3"), "0 or more; got -3"),
        (("train", "--out", "photo.png/t.h5"), "cannot write photo.png/t.h5"),
        (("train", "--out", "t.h5", "--folder", "photo.png"), "cannot make the folder photo.png"),
        (("train", "--out", "no/pocket.h5"), "no/pocket.h5"),
        (("train", "--out", "t.h5", "--whole-steps", "0"), "at least 1"),
        (("explode", "photo.png"), "explode"),
        (("explain",), "PHOTO"),
        (("explain", "a" * 5000), "aaa"),
        (("explain", "photo.png", "--colour"), "--colour"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, tuple) else "",
)
def test_wrong_models_folders_and_commands_are_refused(capsys, photo, arguments, words):
    assert words in refused(capsys, *arguments)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are text")
def test_names_that_the_output_cannot_encode_are_printed_as_escapes(photo, model):
    os.rename(photo, b"caf\xe9.png")
    for encoding in ("utf-8", "ascii"):
        done = subprocess.run(
            [sys.executable, "-m", "numcam", "trace", b"caf\xe9.png", "--model", model, "--class", "cat"],
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": encoding},
        )
        assert (done.returncode, done.stderr) == (0, b"")
        quote = "“" if encoding == "utf-8" else r"\u201c"
        assert f"logit of {quote}cat" in done.stdout.decode(encoding)
    done = subprocess.run(
        [sys.executable, "-m", "numcam", "classify", b"caf\xe9.png", "--model", model], capture_output=True
    )
    assert done.stdout.startswith(rb"caf\udce9.png (224x112)")


def test_class_names_that_look_like_mathematics_or_lack_a_glyph_are_drawn_as_they_are(capsys, photo, model):
    names = [r"$\frac$", r"$\frac{1}$ note", "文字", *CLASSES[3:]]
    Path("names.txt").write_text("\n".join(names), encoding="utf-8")
    for wanted in (0, 1, 2):  # filterwarnings = error: a warning about a missing glyph would fail too
        arguments = ("explain", photo, "--model", model, "--classes", "names.txt", "--class", wanted)
        code, _, err = run(capsys, *arguments)
        assert (code, err) == (0, "")


def nan(file):
    file["fc8.bias"][0] = np.nan


def missing(file):
    del file["conv3_1.bias"]


def shape(file):
    del file["fc7.bias"]
    file["fc7.bias"] = np.zeros(3, "f4")


@pytest.mark.parametrize(("damage", "name"), [(nan, "fc8.bias"), (missing, "conv3_1.bias"), (shape, "fc7.bias")])
def test_damaged_weights_are_refused_by_the_tensors_name(capsys, photo, model, damage, name):
    with open(model, "rb") as source, open("bad.h5", "wb") as copy:
        copy.write(source.read())
    with h5py.File("bad.h5", "r+") as file:
        damage(file)
    assert name in refused(capsys, "classify", photo, "--model", "bad.h5")


def test_python_m_numcam_runs_and_a_closed_pipe_is_no_traceback(photo, model):
    command = [sys.executable, "-m", "numcam", "trace", photo, "--model", model]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()  # the reader leaves before the first line
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    done = subprocess.run([*command[:3], "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"numcam \d+\.\d+\.\d+\n", done.stdout)
