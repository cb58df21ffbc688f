"""numcam weights, and networks without a head, on the command line."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from foreign import CHANNELS, CLASSES, CONVOLUTIONS, UNITS
from PIL import Image
from server import serving

from numcam import scenes
from numcam.cli.main import main
from numcam.models import vgg
from numcam.published import PUBLISHED, digest_of

GOLDEN = Path(__file__).parent.parent / "formats" / "golden"


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path):
    """A current folder with a photo, a cache, and a VGG16 as tiny as the golden files."""
    row = vgg.Architecture(CONVOLUTIONS, CHANNELS, units=UNITS, classes=CLASSES)
    monkeypatch.setitem(vgg.ARCHITECTURES, "vgg16", row)
    monkeypatch.chdir(tmp_path)
    for variable in ("NUMCAM_CACHE", "TORCH_HOME", "KERAS_HOME", "HF_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    Image.fromarray(scenes.draw(4).image).save("photo.png")


def run(capsys, *arguments):
    """Exit code, standard output, and the last line of standard error."""
    try:
        code = main([str(a) for a in arguments])
    except SystemExit as error:
        code = error.code
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err.strip().splitlines()[-1] if err.strip() else ""


def publish(monkeypatch, name, file, url):
    """Let a golden file be the published one of that name, at that address."""
    path = GOLDEN / file
    one = replace(PUBLISHED[name], url=url, size=path.stat().st_size, digest=digest_of(path, "sha256:"))
    monkeypatch.setitem(PUBLISHED, name, one)
    return one


def test_info_tells_format_tensors_network_and_preprocessing(capsys):
    code, out, _ = run(capsys, "weights", "info", GOLDEN / "keras-published.h5")
    assert code == 0
    assert "block1_conv1/block1_conv1_W_1:0" in out
    assert "3x3x3x4  float32" in out
    assert "format         Keras HDF5" in out
    assert "32 tensors, 5,202 numbers" in out
    assert "network        vgg16, 6 classes, pictures of 64x64" in out
    assert "family         caffe" in out
    assert "preprocessing  (RGB - (123.68, 116.779, 103.939)) / (1, 1, 1), as BGR" in out
    assert "known          no, it is none of the published files; sha256:" in out


def test_info_of_a_network_that_is_no_vgg_says_why(capsys):
    from hostile import CASES

    Path("other.safetensors").write_bytes(CASES["safetensors of another network"][0]())
    code, out, _ = run(capsys, "weights", "info", "other.safetensors")
    assert code == 0
    assert "network        none that numcam can use: its 13 convolutions have" in out


def test_info_knows_a_published_file_by_its_digest(capsys, monkeypatch):
    publish(monkeypatch, "vgg16", "torch-01.pth", "https://download.pytorch.org/models/vgg16-397923af.pth")
    code, out, _ = run(capsys, "weights", "info", GOLDEN / "torch-01.pth")
    assert (code, "yes, it is the published vgg16, byte for byte" in out) == (0, True)


def test_convert_verify_and_use_a_file(capsys):
    Path("names.txt").write_text("\n".join(["owl", "newt", "elk", "yak", "cod", "ant"]))
    converted = run(capsys, "weights", "convert", GOLDEN / "keras.keras", "mine.h5", "--classes", "names.txt")
    assert converted[:2] == (0, f"wrote mine.h5: vgg16, 6 classes, {Path('mine.h5').stat().st_size:,} bytes\n")
    lines = run(capsys, "weights", "verify", "mine.h5")[1].splitlines()
    assert lines[0].endswith("32 tensors are finite and match their digests")
    assert lines[-1].startswith("  assumed        Oxford's preprocessing, BGR minus its means")
    code, out, _ = run(capsys, "classify", "photo.png", "--model", "mine.h5", "--top", 6)
    assert code == 0
    assert {"owl", "newt", "elk", "yak", "cod", "ant"} < set(out.split())
    code, out, _ = run(capsys, "explain", "photo.png", "--model", "mine.h5", "--class", "newt")
    assert (code, "newt, Grad-CAM" in out) == (0, True)


@pytest.mark.parametrize("name", ["torch-features.pth", "torch-bn.pth", "torch-training.pth", "keras-average.keras"])
def test_the_progress_of_a_conversion_ends_at_a_hundred_percent(capsys, name):
    code, _, last = run(capsys, "weights", "convert", GOLDEN / name, "mine.h5")
    assert code == 0
    assert "converting: 100%" in last


def test_info_prints_names_that_a_terminal_would_obey_as_plain_text(capsys):
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    for name in ("\x1b[2J\x1b]0;me\x07", "a\nb", "\ud800"):
        header = json.dumps({name: entry}).encode()
        Path("odd.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
        code, out, _ = run(capsys, "weights", "info", "odd.safetensors")
        assert code == 0
        assert all(line.isprintable() for line in out.splitlines())
        assert "?" in out.splitlines()[0]


def test_info_reads_a_file_once_for_each_kind_of_digest(capsys, monkeypatch):
    from numcam.cli import weights

    asked = []
    monkeypatch.setattr(weights, "digest_of", lambda path, like: asked.append(like) or digest_of(path, like))
    size = (GOLDEN / "torch-zip.pth").stat().st_size
    for name, one in list(PUBLISHED.items()):
        monkeypatch.setitem(PUBLISHED, name, replace(one, size=size))
    _, out, _ = run(capsys, "weights", "info", GOLDEN / "torch-zip.pth")
    assert f"none of the published files; {digest_of(GOLDEN / 'torch-zip.pth', 'sha256:')}" in out
    assert sorted(asked) == ["md5:", "sha256:"]


@pytest.mark.parametrize("wanted", ["²", "+-5", "9" * 5000, "top²", "top" + "9" * 5000, "top0"])
def test_what_only_looks_like_a_number_is_answered_in_one_sentence(capsys, wanted):
    code, _, err = run(capsys, "explain", "photo.png", "--class", wanted)
    assert code == 2
    assert err.startswith("numcam: ")


def test_verify_finds_a_flipped_bit(capsys):
    run(capsys, "weights", "convert", GOLDEN / "torch-zip.pth", "mine.h5")
    data = bytearray(Path("mine.h5").read_bytes())
    data[len(data) // 2] ^= 1
    Path("mine.h5").write_bytes(data)
    code, out, err = run(capsys, "weights", "verify", "mine.h5")
    assert (code, out) == (2, "")
    assert "does not match its sha256" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("convert", "no.pth", "mine.h5"), "no.pth does not exist"),
        (("convert", GOLDEN / "keras.keras", "mine.pth"), "end in .h5"),
        (("convert", GOLDEN / "keras.keras", "nowhere/mine.h5"), "choose a folder that exists"),
        (("convert", "photo.png", "mine.h5"), "a PNG picture"),
        (("convert", GOLDEN / "keras.keras", "mine.h5", "--classes", "photo.png"), "not a list of names"),
        (("convert", "same.h5", "same.h5"), "is the file to convert"),
        (("info", "."), "is a folder"),
        (("info", "photo.png"), "a PNG picture"),
        (("verify", "no.pth"), "does not exist"),
        (("download", "vgg61"), "did you mean vgg1"),
        (("download", "vgg16"), "NUMCAM_OFFLINE forbids"),
        (("list", "all"), "unrecognized arguments"),
        ((), "required"),
        (("delete",), "invalid choice"),
    ],
)
def test_mistakes_are_answered_in_one_sentence_and_nothing_is_written(capsys, tmp_path, arguments, words):
    shutil.copy(GOLDEN / "keras-published.h5", "same.h5")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    code, out, err = run(capsys, "weights", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


def test_list_and_where_tell_what_is_here(capsys, tmp_path):
    assert "vgg16-caffe         528 MB  -  " in run(capsys, "weights", "list")[1]
    out = run(capsys, "weights", "where")[1]
    for variable, place in (("NUMCAM_CACHE", ""), ("TORCH_HOME", "/hub/checkpoints"), ("KERAS_HOME", "/models")):
        assert str(tmp_path / variable) + place in out.replace("\\", "/")


def test_a_network_that_is_not_here_is_downloaded_and_used(capsys, monkeypatch, tmp_path):
    with serving((GOLDEN / "torch-01.pth").read_bytes()) as server:
        monkeypatch.setenv("NUMCAM_OFFLINE", "0")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        publish(monkeypatch, "vgg16", "torch-01.pth", f"{server.url}/vgg16-397923af.pth")
        code, out, last = run(capsys, "classify", "photo.png", "--model", "vgg16")
        place = tmp_path / "NUMCAM_CACHE" / "vgg16-397923af.pth"
        assert (code, last) == (0, f"weights: {place} (downloaded)")
        assert "class 0" in out
    assert run(capsys, "classify", "photo.png", "--model", "vgg16")[2] == f"weights: {place} (numcam's cache)"
    assert run(capsys, "weights", "download", "vgg16")[:2] == (0, f"{place}\n")
    assert "numcam's cache" in run(capsys, "weights", "list")[1]


def test_a_network_without_a_head_explains_channels_and_units(capsys):
    model = ("--model", GOLDEN / "keras-published-notop.h5")
    code, out, _ = run(capsys, "explain", "photo.png", *model, "--class", "3", "--method", "all")
    assert code == 0
    assert "vgg16 without a head" in out
    assert "channel 3 of pool5, Grad-CAM: maximum at" in out
    assert run(capsys, "explain", "photo.png", *model, "--class", "3,2,1", "-o", "unit.png")[0] == 0
    assert run(capsys, "trace", "photo.png", *model, "--class", "3")[0] == 0
    assert Path("unit.png").is_file()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("classify",), "was loaded without its head, so it cannot classify"),
        (("explain",), "say which of the 8 channels of pool5 to explain, as --class 37"),
        (("explain", "--class", "cat"), "has no classes, but 8 channels; give a number"),
        (("explain", "--class", "9"), "channel indices run from 0 to 7"),
        (("explain", "--class", "7,7,7"), "8 channels of 7x7"),
        (("explain", "--class", "1,2"), "a channel, a row and a column"),
        (("explain", "--class", "²,1,1"), "a channel, a row and a column"),
        (("explain", "--class", "1,-1,1"), "a channel, a row and a column"),
        (("explain", "--class", "a,b,c"), "a channel, a row and a column"),
        (("attack",), "has no head, so there is no answer to change"),
    ],
)
def test_what_a_network_without_a_head_cannot_do_is_said(capsys, command, words):
    code, _, err = run(capsys, command[0], "photo.png", *command[1:], "--model", GOLDEN / "keras-published-notop.h5")
    assert code == 2
    assert words in err
