"""Where load() finds weights: the order of places, and the one line that says which it took."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from foreign import CHANNELS, CLASSES, CONVOLUTIONS, UNITS

from numcam.errors import InputError
from numcam.loading import load
from numcam.models import vgg
from numcam.models.preprocessing import CAFFE, TORCHVISION
from numcam.places import found
from numcam.published import PUBLISHED

GOLDEN = Path(__file__).parent.parent / "formats" / "golden"
TORCH, KERAS, SAFE = "torch-01.pth", "keras-published.h5", "timm.safetensors"
FILE = {"vgg16": "vgg16-397923af.pth", "vgg16-caffe": "vgg16_weights_tf_dim_ordering_tf_kernels.h5"}


@pytest.fixture
def world(monkeypatch, tmp_path):
    """Empty caches, and a VGG16 as tiny as the golden files, which count as the published ones."""
    row = vgg.Architecture(CONVOLUTIONS, CHANNELS, units=UNITS, classes=CLASSES)
    monkeypatch.setitem(vgg.ARCHITECTURES, "vgg16", row)
    for variable in ("NUMCAM_CACHE", "TORCH_HOME", "KERAS_HOME", "HF_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    for name, file in (("vgg16", TORCH), ("vgg16-caffe", KERAS)):
        monkeypatch.setitem(PUBLISHED, name, replace(PUBLISHED[name], size=(GOLDEN / file).stat().st_size))
    return tmp_path


def put(name, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(GOLDEN / name, path))


def taken(model="vgg16", **options):
    lines = []
    classifier = load(model, say=lines.append, **options)
    more = [line for line in lines[1:] if not line.startswith("assumed: torchvision's preprocessing")]
    assert not more
    return classifier, lines[0] if lines else ""


def test_what_is_assumed_is_said_of_a_file_that_was_given_and_not_of_published_weights(world, monkeypatch):
    lines = []
    assumed = "torchvision's preprocessing, ImageNet's mean and standard deviation (--preprocess says otherwise)"
    relus = "a ReLU behind classifier.0, classifier.3"
    put(TORCH, world / "TORCH_HOME/hub/checkpoints" / FILE["vgg16"])
    assert load("vgg16", say=lines.append).assumed == ()
    assert load("vgg16", weights=GOLDEN / TORCH, say=lines.append).assumed == (assumed, relus)
    assert load("vgg16", weights=GOLDEN / TORCH, say=lines.append, preprocess="caffe").assumed == (relus,)
    monkeypatch.setenv("NUMCAM_WEIGHTS", str(GOLDEN / TORCH))
    load("vgg16", say=lines.append)
    assert [line for line in lines if not line.startswith("weights: ")] == [
        f"assumed: {assumed}; {relus}",
        f"assumed: {relus}",
        f"assumed: {assumed}; {relus}",
    ]


def test_places_are_searched_in_order_and_the_first_is_named(world, monkeypatch):
    snapshot = world / "HF_HOME/hub/models--timm--vgg16.tv_in1k/snapshots/0123abc"
    for name, path, whose in (
        (SAFE, snapshot / "model.safetensors", "Hugging Face's cache"),
        (TORCH, world / "TORCH_HOME/hub/checkpoints" / FILE["vgg16"], "PyTorch's cache"),
        (TORCH, world / "NUMCAM_CACHE" / FILE["vgg16"], "numcam's cache"),
    ):
        put(name, path)
        assert taken()[1] == f"weights: {path} ({whose})"
    named = put("torch-zip.pth", world / "mine.pth")
    monkeypatch.setenv("NUMCAM_WEIGHTS", str(named))
    assert taken()[1] == f"weights: {named} (NUMCAM_WEIGHTS)"
    given = put("torch-stream.pth", world / "other.pth")
    classifier, line = taken(weights=given)
    assert (classifier.name, line) == ("vgg16", f"weights: {given} (as given)")


def test_each_family_brings_its_own_preprocessing(world):
    put(TORCH, world / "TORCH_HOME/hub/checkpoints" / FILE["vgg16"])
    place = put(KERAS, world / "KERAS_HOME/models" / FILE["vgg16-caffe"])
    classifier, line = taken("vgg16-caffe")
    assert line == f"weights: {place} (Keras's cache)"
    assert (classifier.name, classifier.preprocessing) == ("vgg16-caffe", CAFFE)
    assert taken("vgg16")[0].preprocessing == TORCHVISION


def test_a_file_of_another_size_in_somebodys_cache_is_passed_over(world):
    put("torch-zip.pth", world / "TORCH_HOME/hub/checkpoints" / FILE["vgg16"])
    with pytest.raises(InputError, match="vgg16 is not here and NUMCAM_OFFLINE forbids to download it"):
        taken()


@pytest.mark.parametrize(("size", "whose"), [(575_000_000, "Keras's cache"), (300_000_000, "")])
def test_a_file_whose_size_is_known_to_a_megabyte_is_passed_over_where_it_is_cut_off(world, size, whose):
    one = PUBLISHED["vgg19-caffe"]
    assert one.size is None
    path = world / "KERAS_HOME/models" / one.file
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(size)  # a hole: nothing is written
    place = found(one)
    assert (place[0] if place else "") == whose


@pytest.mark.parametrize("home", ["x" * 5000, "~nobody-of-this-name/cache", "/dev/null/cache"])
def test_a_cache_that_cannot_be_looked_into_is_passed_over(world, monkeypatch, home):
    for variable in ("TORCH_HOME", "HF_HOME"):
        monkeypatch.setenv(variable, home)
    path = put(TORCH, world / "NUMCAM_CACHE" / FILE["vgg16"])
    assert taken()[1] == f"weights: {path} (numcam's cache)"
    path.unlink()
    with pytest.raises(InputError, match="NUMCAM_OFFLINE forbids"):
        taken()
    monkeypatch.setenv("NUMCAM_CACHE", home)
    with pytest.raises(InputError, match=r"NUMCAM_OFFLINE forbids|could not be downloaded: File name too long"):
        taken()


def test_a_converted_file_in_the_cache_comes_first(world):
    from numcam.formats import convert

    put(TORCH, world / "NUMCAM_CACHE" / FILE["vgg16"])
    convert(GOLDEN / TORCH, world / "NUMCAM_CACHE" / "vgg16.h5")
    assert taken()[1].endswith("vgg16.h5 (numcam's cache)")


def test_weights_of_another_network_are_refused(world, monkeypatch):
    monkeypatch.setenv("NUMCAM_WEIGHTS", str(GOLDEN / TORCH))
    with pytest.raises(InputError, match="holds vgg16, not vgg19; ask for vgg16"):
        taken("vgg19")
    assert taken("pocket")[0].name == "pocket"  # the bundled network is not looked for


def test_a_variable_that_names_no_file_is_answered_with_the_file(world, monkeypatch):
    monkeypatch.setenv("NUMCAM_WEIGHTS", "/nowhere/vgg16.pth")
    with pytest.raises(InputError, match=r"weights file /nowhere/vgg16\.pth does not exist"):
        taken()


def test_class_names_can_be_given_for_weights_without_any(world):
    names = [f"thing {i}" for i in range(CLASSES)]
    assert taken(weights=GOLDEN / TORCH)[0].classes == tuple(f"class {i}" for i in range(CLASSES))
    assert taken(weights=GOLDEN / TORCH, classes=names)[0].classes == tuple(names)
    with pytest.raises(InputError, match="tells 6 classes apart, but 5 class names were given"):
        taken(weights=GOLDEN / TORCH, classes=names[:5])
    with pytest.raises(InputError, match="has no head to name classes for, but 6"):
        taken(weights=GOLDEN / "torch-features.pth", classes=names)


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("vgg17", {}, "did you mean vgg1[0-9]"),
        ("vgg16-cafe", {}, "did you mean vgg16-caffe"),
        ("resnet50", {}, "there are pocket, vgg11"),
        ("vgg16-caffe", {"weights": "random"}, "random weights have no family; ask for vgg16"),
        ("mine.pth", {"weights": "other.pth"}, "is a weights file already"),
        ("mine.pth", {}, "does not exist"),
    ],
)
def test_a_wrong_name_is_answered_with_what_there_is(world, model, options, words):
    with pytest.raises(InputError, match=words):
        taken(model, **options)
