"""Files that the real libraries wrote, read without them: the same tensors, logits and pixel gradients as theirs.

The files hold a tiny VGG16, see make_golden.py. Logits and gradients were computed in float64 by the library that wrote
the file, with its own preprocessing, so the bound is float64's.
"""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from foreign import CHANNELS, CLASSES, CONVOLUTIONS, SIDE, UNITS

from numcam.formats import convert, read_weights
from numcam.formats.inspection import contents, verify
from numcam.formats.network import Asked
from numcam.formats.zips import archive_at, begin_of, check_of
from numcam.loading import from_weights, load
from numcam.models import vgg
from numcam.models.preprocessing import CAFFE, TORCHVISION

GOLDEN = Path(__file__).parent / "golden"
BOUND = 1e-10

FILES = {
    "torch-zip.pth": ("torch", "PyTorch zip"),
    "torch-stream.pth": ("torch", "PyTorch stream"),
    "torch-01.pth": ("torch", "PyTorch stream"),
    "torch-training.pth": ("torch", "PyTorch zip"),
    "torch-training-stream.pth": ("torch", "PyTorch stream"),
    "torch-parallel.pth": ("torch", "PyTorch zip"),
    "torch-strided.pth": ("torch", "PyTorch zip"),
    "torch-parameters.pth": ("torch", "PyTorch zip"),
    "torchvision.safetensors": ("torch", "safetensors"),
    "timm.safetensors": ("torch", "safetensors"),
    "torch-float16.pth": ("torch float16", "PyTorch zip"),
    "torch-float16.safetensors": ("torch float16", "safetensors"),
    "torch-bfloat16.pth": ("torch bfloat16", "PyTorch zip"),
    "torch-bfloat16.safetensors": ("torch bfloat16", "safetensors"),
    "torch-features.pth": ("torch features", "PyTorch zip"),
    "torch-bn.pth": ("torch bn", "PyTorch zip"),
    "keras-published.h5": ("keras", "Keras HDF5"),
    "keras-published-notop.h5": ("keras published notop", "Keras HDF5"),
    "keras-legacy.h5": ("keras", "Keras HDF5"),
    "keras-model.h5": ("keras", "Keras HDF5"),
    "keras.weights.h5": ("keras", "Keras HDF5"),
    "keras.keras": ("keras", "Keras zip"),
    "keras-notop.weights.h5": ("keras notop", "Keras HDF5"),
    "keras-flatten.h5": ("keras flatten", "Keras HDF5"),
    "keras-flatten.weights.h5": ("keras flatten", "Keras HDF5"),
    "keras-flatten.keras": ("keras flatten", "Keras zip"),
    "keras-average.h5": ("keras average", "Keras HDF5"),
    "keras-average.weights.h5": ("keras average", "Keras HDF5"),
    "keras-average.keras": ("keras average", "Keras zip"),
}


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    row = vgg.Architecture(CONVOLUTIONS, CHANNELS, units=UNITS, classes=CLASSES)
    monkeypatch.setitem(vgg.ARCHITECTURES, "tiny", row)


@pytest.fixture(scope="module")
def expected():
    with h5py.File(GOLDEN / "expected.h5") as file:
        arrays = {key: [g[name][()] for name in sorted(g)] for key, g in file.items() if key != "picture"}
        return {**arrays, "picture": file["picture"][()]}


def measured(weights, picture):
    """Logits and every third pixel gradient, in float64."""
    classifier = from_weights(weights)
    pixels = picture.transpose(2, 0, 1)[None].astype(np.float64)
    trace = classifier.forward(classifier.preprocessing.forward(pixels))
    maps = np.broadcast_to(np.arange(1.0, trace.output.shape[1] + 1).reshape(-1, 1, 1), (*trace.output.shape, 1, 1)[:4])
    target = 1 if trace.output.ndim == 2 else maps
    return trace.output, classifier.pixel_gradient(trace.backward(target)["input"])[..., ::3, ::3]


def apart(a, b):
    return np.abs(a - b).max() / np.abs(b).max()


def test_every_golden_file_is_tried():
    caffe = {"torch-caffe-names.pth", "expected.h5"}
    assert {path.name for path in GOLDEN.iterdir()} == set(FILES) | caffe


@pytest.mark.parametrize("name", FILES)
def test_logits_and_pixel_gradients_are_the_librarys_own(name, expected):
    weights = read_weights(GOLDEN / name)
    assert weights.architecture == "tiny"
    logits, gradient = measured(weights, expected["picture"])
    theirs = expected[FILES[name][0]]
    assert logits.shape == theirs[0].shape
    # batch normalisation is put into float32 weights here; Keras's dense layers compute in float32 whatever is asked
    bound = 1e-6 if name == "torch-bn.pth" or ("keras" in name and logits.ndim == 2) else BOUND
    assert apart(logits, theirs[0]) < bound
    assert apart(gradient, theirs[1]) < bound


@pytest.mark.parametrize("name", [n for n, (key, _) in FILES.items() if key == "torch"])
def test_torch_tensors_are_equal_to_the_last_bit(name, expected):
    parameters = read_weights(GOLDEN / name).parameters
    for (key, ours), theirs in zip(parameters.items(), expected["torch parameters"], strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=key)


@pytest.mark.parametrize("name", [n for n, (key, _) in FILES.items() if key == "keras"])
def test_keras_tensors_are_equal_to_the_last_bit_in_numcams_order(name, expected):
    parameters = read_weights(GOLDEN / name).parameters
    for (key, ours), theirs in zip(parameters.items(), expected["keras parameters"], strict=True):
        if key == "fc6.weight":  # Keras's rows are (row, col, channel), numcam's columns (channel, row, col)
            for unit, channel, row, col in np.ndindex(UNITS, CHANNELS[-1], SIDE // 32, SIDE // 32):
                place = (row * (SIDE // 32) + col) * CHANNELS[-1] + channel
                assert ours[unit, (channel * (SIDE // 32) + row) * (SIDE // 32) + col] == theirs[place, unit]
        else:
            turned = theirs.transpose(3, 2, 0, 1) if theirs.ndim == 4 else theirs.T
            np.testing.assert_array_equal(ours, turned, err_msg=key)


@pytest.mark.parametrize("name", FILES)
def test_the_format_is_told_by_the_content_not_by_the_name(name, tmp_path):
    disguised = tmp_path / "weights.png"
    disguised.write_bytes((GOLDEN / name).read_bytes())
    held = contents(disguised)
    assert held.format == FILES[name][1]
    assert held.network is not None
    assert "finite" in verify(disguised)
    assert ("match their checksums" in verify(disguised)) == held.format.endswith("zip")


@pytest.mark.parametrize("name", FILES)
def test_converted_files_are_the_same_network(name, tmp_path, expected):
    progress = []
    convert(GOLDEN / name, tmp_path / "own.h5", progress=progress.append)
    before, after = read_weights(GOLDEN / name), read_weights(tmp_path / "own.h5")
    assert {k: v.tobytes() for k, v in after.parameters.items()} == {
        k: v.tobytes() for k, v in before.parameters.items()
    }
    assert (after.classes, after.preprocessing, after.input_size) == (
        before.classes,
        before.preprocessing,
        before.input_size,
    )
    assert sum(progress) == sum(v.nbytes for v in after.parameters.values())
    assert after.training["read from"] == name
    convert(tmp_path / "own.h5", tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "own.h5").read_bytes()


def test_oxfords_values_under_torch_names_get_oxfords_preprocessing_when_asked():
    weights = read_weights(GOLDEN / "torch-caffe-names.pth")
    assert weights.preprocessing == TORCHVISION  # for names alone say nothing of pictures
    assert weights.assumed[0].startswith("torchvision's preprocessing")
    weights = read_weights(GOLDEN / "torch-caffe-names.pth", asked=Asked(CAFFE))
    assert weights.preprocessing == read_weights(GOLDEN / "keras-published.h5").preprocessing == CAFFE
    assert not [one for one in weights.assumed if "preprocessing" in one]


@pytest.mark.parametrize("name", ["keras-published-notop.h5", "keras-notop.weights.h5", "torch-features.pth"])
def test_a_network_without_a_head_explains_and_says_that_it_cannot_classify(name, expected):
    import numcam

    classifier = load(str(GOLDEN / name))
    assert classifier.classes == ()
    assert list(classifier.network.layers)[-1] == "pool5"
    with pytest.raises(numcam.InputError, match="without its head, so it cannot classify"):
        classifier.predict(expected["picture"])
    trace = classifier.forward(classifier.preprocess(expected["picture"]))
    assert numcam.grad_cam(trace, classifier.index("3")).shape == (1, 14, 14)
    unit = (trace.output == trace.output.max()).astype(np.float32)  # one channel at one place
    assert numcam.saliency(trace, unit).any()
    with pytest.raises(numcam.InputError, match="give the number of a channel"):
        numcam.grad_cam(trace)
    with pytest.raises(numcam.InputError, match="channel indices run from 0 to 7"):
        classifier.index("8")


def test_a_tensor_is_not_read_before_it_is_used(tmp_path):
    convert(GOLDEN / "torch-zip.pth", tmp_path / "own.h5")
    for path in (tmp_path / "own.h5", GOLDEN / "torch-zip.pth", GOLDEN / "torchvision.safetensors"):
        for key, values in read_weights(path).parameters.items():
            assert isinstance(_owner(values), np.memmap), key
            assert not values.flags.writeable


def _owner(array):
    while not isinstance(array, np.memmap) and array.base is not None:
        array = array.base
    return array


@pytest.mark.parametrize(
    "rename",
    [
        lambda layer, kind: f"{layer}/{layer}/{kind}:0",  # Keras 2
        lambda layer, kind: f"{layer}/{layer}_1/{kind}:0",  # the second network of a session
        lambda layer, kind: f"model_weights/{layer}/sequential/{layer}/{kind}:0",  # a whole model
        lambda layer, kind: f"{layer.replace('block', 'conv').replace('_conv', '_')}/{kind}",  # Caffe's: conv1_1
        lambda layer, kind: f"_layer_checkpoint_dependencies/{layer}/vars/{'01'[kind == 'bias']}",  # Keras 2.13
    ],
)
def test_the_names_of_older_keras_are_understood(rename, tmp_path):
    with h5py.File(GOLDEN / "keras-published.h5") as old, h5py.File(tmp_path / "it.h5", "w") as new:
        for layer, group in old.items():
            for dataset in group.values():
                new[rename(layer, "kernel" if dataset.ndim > 1 else "bias")] = dataset[()]
    ours, plain = (read_weights(p).parameters for p in (tmp_path / "it.h5", GOLDEN / "keras-published.h5"))
    assert all((ours[name] == plain[name]).all() for name in plain)


def test_a_checksum_is_computed_once_however_many_tensors_share_it(tmp_path):
    path = tmp_path / "it.keras"
    path.write_bytes((GOLDEN / "keras.keras").read_bytes())
    with archive_at(path) as archive:
        member = archive.getinfo("model.weights.h5")
    check = check_of(path, begin_of(path, member), member)
    check()
    path.unlink()
    check()  # does not look again


HOLD = """
import sys, h5py
with h5py.File(sys.argv[1], sys.argv[2]):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_file_in_a_read_only_folder_is_read_while_another_process_has_it_open(mode, tmp_path):
    path = tmp_path / "folder" / "weights.h5"
    path.parent.mkdir()
    path.write_bytes((GOLDEN / "keras-model.h5").read_bytes())
    path.parent.chmod(0o555)
    arguments = [sys.executable, "-c", HOLD, str(path), mode]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "open\n"
        assert read_weights(path).architecture == "tiny"
        process.stdin.close()
    assert [p.name for p in path.parent.iterdir()] == ["weights.h5"]
    path.parent.chmod(0o755)


def test_weights_of_one_output_are_two_classes_only_with_a_sigmoid(tmp_path):
    with h5py.File(GOLDEN / "keras.weights.h5") as source, h5py.File(tmp_path / "one.weights.h5", "w") as target:
        for name in source:
            source.copy(name, target)
        last = next(d for d in _all(target) if d.ndim == 2 and d.shape[1] == CLASSES)
        group, bias = last.parent, next(d for d in last.parent.values() if d.ndim == 1)
        for old in (last, bias):
            name, values = old.name.rpartition("/")[2], old[()][..., :1]
            del group[name]
            group[name] = values
    both = read_weights(tmp_path / "one.weights.h5")
    assert (both.output, both.classes) == ("sigmoid", ("class 0", "class 1"))
    alone = read_weights(tmp_path / "one.weights.h5", asked=Asked(output="softmax"))
    assert (alone.output, alone.classes) == ("softmax", ("class 0",))


def _all(group):
    found = []
    group.visititems(lambda _, one: found.append(one) if isinstance(one, h5py.Dataset) else None)
    return found
