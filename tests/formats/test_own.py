"""numcam's own weights file: what is written is read back, and everything else is refused in one sentence."""

import json
import os

import h5py
import numpy as np
import pytest

from numcam.errors import InputError
from numcam.files import replacing
from numcam.formats import Weights, read_weights, write_weights
from numcam.loading import bundled_weights, load
from numcam.models.preprocessing import CAFFE, CENTRED
from numcam.models.vgg import random_network
from numcam.scenes import CLASSES


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "pocket.h5"
    write_weights(path, Weights("pocket", random_network("pocket").parameters, CLASSES, CENTRED, training={"seed": 7}))
    return path


@pytest.fixture
def copy(written, tmp_path):
    path = tmp_path / "copy.h5"
    path.write_bytes(written.read_bytes())
    return path


def test_everything_comes_back(written):
    read = read_weights(written)
    assert read.architecture == "pocket"
    assert read.classes == CLASSES
    assert read.preprocessing == CENTRED
    assert read.input_size == (224, 224)
    assert read.training == {"seed": 7}
    for name, value in random_network("pocket").parameters.items():
        np.testing.assert_array_equal(read.parameters[name], value)


def test_another_number_of_classes_size_and_preprocessing_come_back(tmp_path):
    network = random_network("pocket", classes=3, input_size=(96, 64))
    path = tmp_path / "three.h5"
    write_weights(path, Weights("pocket", network.parameters, ("a", "b", "ü"), CAFFE, (96, 64)))
    classifier = load(str(path))
    assert classifier.classes == ("a", "b", "ü")
    assert classifier.input_size == (96, 64)
    assert classifier.preprocessing == CAFFE
    assert len(classifier.predict(np.zeros((10, 20, 3), np.uint8))) == 3


def test_names_of_any_script_come_back_and_what_is_no_line_of_text_is_not_written(tmp_path):
    network = random_network("pocket", classes=2, input_size=(32, 32))
    path = tmp_path / "two.h5"
    for names in (("گربه\u200cها", "क्\u200dष"), ("猫\u3000犬", "🏴\u200d☠")):
        write_weights(path, Weights("pocket", network.parameters, names, CENTRED, (32, 32)))
        assert read_weights(path).classes == names
    path.unlink()
    for name in ("a\nb", "\x1b[2J", "\ud800", "a\tb"):
        with pytest.raises(InputError, match="not one line of plain text"):
            write_weights(path, Weights("pocket", network.parameters, ("a", name), CENTRED, (32, 32)))
    assert not path.exists()


def test_the_file_is_plain_hdf5_that_anyone_can_open(written):
    with h5py.File(written) as file:
        assert file.attrs["format"] == b"numcam"
        assert json.loads(file.attrs["classes"])[0] == "cat"
        dataset = file["conv1_1.weight"]
        assert dataset.dtype == np.dtype("<f4")
        assert dataset.chunks is None
        assert len(dataset.attrs["sha256"]) == 64


def test_the_bundled_file_is_found_and_has_its_classes():
    assert bundled_weights().is_file()
    assert load().classes == CLASSES


def _delete(file):
    del file["conv3_2.bias"]


def _misshape(file):
    del file["fc7.weight"]
    file["fc7.weight"] = np.zeros((3, 3), "f4")


def _nan(file):
    file["fc8.bias"][4] = np.nan


def _infinite(file):
    file["conv1_1.weight"][0, 0, 0, 0] = np.inf


def _flip(file):
    file["conv5_3.weight"][0, 0, 0, 0] += 1


def _double(file):
    values = file["fc8.bias"][()]
    del file["fc8.bias"]
    file["fc8.bias"] = values.astype("f8")


def _extra(file):
    file["conv6_1.weight"] = np.zeros(3, "f4")


def _soft_link(file):
    del file["fc8.bias"]
    file["fc8.bias"] = h5py.SoftLink("/fc8.bias")


def _external_link(file):
    del file["fc8.bias"]
    file["fc8.bias"] = h5py.ExternalLink("/etc/passwd", "/")


def _group(file):
    del file["fc8.bias"]
    file.create_group("fc8.bias")


def _compressed(file):
    values = file["fc7.weight"][()]
    del file["fc7.weight"]
    file.create_dataset("fc7.weight", data=values, compression="gzip")


def _unwritten(file):
    del file["fc7.weight"]
    file.create_dataset("fc7.weight", shape=(256, 256), dtype="f4")


def _not_numcam(file):
    file.attrs["format"] = np.bytes_("keras")


def _future(file):
    file.attrs["version"] = 99


def _no_format(file):
    del file.attrs["format"]


def _architecture(file):
    file.attrs["architecture"] = np.bytes_("resnet50")


def _number_for_text(file):
    file.attrs["architecture"] = 3


def _text_on_the_heap(file):
    file.attrs["architecture"] = "pocket"


def _classes(file):
    file.attrs["classes"] = np.bytes_(json.dumps({"cat": 1}))


def _broken_json(file):
    file.attrs["classes"] = np.bytes_("[1, 2")


def _scale(file):
    file.attrs["preprocessing"] = np.bytes_(json.dumps({"mean": [0, 0, 0], "scale": [1, 0, 1], "order": "RGB"}))


def _size(file):
    file.attrs["input_size"] = np.array([10**9, 10**9])


def _no_size(file):
    del file.attrs["input_size"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_delete, r"conv3_2\.bias is missing"),
        (_misshape, r"fc7\.weight is float32 \(3, 3\); expected float32 \(3, 256\)"),
        (_nan, r"fc8\.bias contains NaN"),
        (_infinite, r"conv1_1\.weight contains NaN or infinity"),
        (_flip, r"conv5_3\.weight does not match its sha256"),
        (_double, r"fc8\.bias is float64"),
        (_extra, r"conv6_1"),
        (_soft_link, r"fc8\.bias' is a link"),
        (_external_link, r"fc8\.bias' is a link"),
        (_group, r"fc8\.bias is no dataset"),
        (_compressed, "one plain block"),
        (_unwritten, "one plain block"),
        (_not_numcam, "not numcam's format"),
        (_future, "version 2"),
        (_no_format, "belongs to no layer"),
        (_architecture, "'resnet50'"),
        (_number_for_text, "not text"),
        (_text_on_the_heap, "not text of a fixed length"),
        (_classes, "list of names"),
        (_broken_json, "damaged or cut off"),
        (_scale, "preprocessing"),
        (_size, "input size"),
        (_no_size, "damaged or cut off"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_a_damaged_file_is_refused_with_what_is_wrong(copy, damage, words):
    with h5py.File(copy, "r+") as file:
        damage(file)
    with pytest.raises(InputError, match=words) as caught:
        read_weights(copy)
    assert "\n" not in str(caught.value)
    assert str(copy) in str(caught.value)


@pytest.mark.parametrize("keep", [0, 1, 8, 100, 1000, 20_000, 3_000_000])
def test_a_truncated_file_is_refused(copy, keep):
    copy.write_bytes(copy.read_bytes()[:keep])
    with pytest.raises(InputError):
        read_weights(copy)


@pytest.mark.slow  # test_hostile_files.py has a thousand mutants of all formats in the normal suite
def test_a_thousand_damaged_files_raise_nothing_but_input_errors(tmp_path):
    path = tmp_path / "small.h5"
    network = random_network("pocket", classes=2, input_size=(32, 32))
    write_weights(path, Weights("pocket", network.parameters, ("a", "b"), CENTRED, (32, 32)))
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    head = 40_000  # most of the structure; a flip in a tensor is caught by its digest, as tested above
    for _ in range(1000):
        bad = bytearray(good)
        for _ in range(rng.integers(1, 4)):
            bad[rng.integers(head)] = rng.integers(256)
        path.write_bytes(bad)
        try:
            read_weights(path)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017 - a file that is still whole may also be read


def test_a_folder_a_missing_file_and_a_picture_are_refused(tmp_path):
    (tmp_path / "picture.h5").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    for path, words in (
        (tmp_path, "folder"),
        (tmp_path / "no.h5", "not exist"),
        (tmp_path / "picture.h5", "a PNG picture"),
    ):
        with pytest.raises(InputError, match=words):
            read_weights(path)


def test_a_file_can_be_read_while_it_is_open_elsewhere(written):
    with h5py.File(written, "r"):
        assert read_weights(written).architecture == "pocket"


def test_writing_that_fails_leaves_the_old_file_and_no_other(copy):
    before = copy.read_bytes()
    with pytest.raises(ZeroDivisionError), replacing(copy) as part:
        part.write_bytes(bytes(1 // 0))
    assert copy.read_bytes() == before
    assert os.listdir(copy.parent) == [copy.name]


def test_writing_into_no_folder_is_an_input_error(tmp_path):
    weights = Weights("pocket", random_network("pocket").parameters, CLASSES, CENTRED)
    with pytest.raises(InputError, match="cannot write"):
        write_weights(tmp_path / "no" / "pocket.h5", weights)


@pytest.mark.parametrize(
    ("model", "weights", "words"),
    [
        ("vgg17", None, "did you mean"),
        ("pocket", "no-such-file.h5", "does not exist"),
        ("no-such-file.h5", None, "does not exist"),
        ("vgg16", None, "NUMCAM_OFFLINE forbids"),
        ("one.h5", "two.h5", "weights file already"),
    ],
)
def test_load_answers_a_wrong_name_with_what_there_is(model, weights, words):
    with pytest.raises(InputError, match=words):
        load(model, weights)


def test_weights_of_another_network_are_refused(written):
    with pytest.raises(InputError, match="holds pocket, not vgg16"):
        load("vgg16", written)


def test_random_weights_are_the_same_every_time():
    first, second = (load("pocket", "random").network.parameters["fc6.weight"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
