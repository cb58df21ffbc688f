"""Configurations of Keras models that are damaged or made to harm: a sentence, soon, in little memory, or the model."""

import io
import json
import time
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from numcam.errors import InputError
from numcam.formats import read_weights

GOLDEN = Path(__file__).parent / "golden"
SECONDS, MEGABYTES = 3, 24


def config_of(name="keras-flatten.keras"):
    with zipfile.ZipFile(GOLDEN / name) as archive:
        return json.loads(archive.read("config.json"))


def with_config(path, config, name="keras-flatten.keras"):
    """The golden model with another configuration, which may be text."""
    text = config if isinstance(config, str | bytes) else json.dumps(config)
    out = io.BytesIO()
    with zipfile.ZipFile(GOLDEN / name) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            target.writestr(member.filename, text if member.filename == "config.json" else source.read(member))
    path.write_bytes(out.getvalue())
    return path


def refusal_or_model(path):
    """What it is, after time and memory have been watched."""
    tracemalloc.start()
    start = time.process_time()
    try:
        found = read_weights(path)
    except InputError as error:
        found = error
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < SECONDS
    assert peak < MEGABYTES * 2**20
    if isinstance(found, InputError):
        assert str(found).startswith(str(path))
        assert str(found).removeprefix(str(path)).isprintable()
        assert len(str(found)) < len(str(path)) + 700
    return found


def places(value, path=()):
    """Every place in a nest of dictionaries and lists."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def changed(config, path, value):
    config = json.loads(json.dumps(config))
    here = config
    for key in path[:-1]:
        here = here[key]
    if value is DELETED:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return config


DELETED = object()
VALUES = (
    DELETED, None, True, -1, 0, 1, 3, 10**30, 1e308, float("nan"), "", "relu", "same", "Lambda", [], [[]], [0],
    [-1, -1], [2, 2], [2**62, 2**62], [None, None], {}, {"class_name": "Conv2D"}, {"class_name": None, "config": []},
    "\x1b[2J", "x" * 5000, [[["conv2d", 0, 0, {}]]], {"value": "x"}, {"config": {"value": []}}, "__class__",
)  # fmt: skip


@pytest.fixture(scope="module")
def good():
    return read_weights(GOLDEN / "keras-flatten.keras")


@pytest.mark.parametrize("count", [40, pytest.param(800, marks=pytest.mark.slow)])
def test_no_change_of_a_configuration_gives_anything_but_a_sentence_or_a_network(count, tmp_path, good):
    config = config_of()
    rng = np.random.default_rng(0)
    spots = [path for path in places(config) if path]
    sentences = 0
    for i in range(count):
        mutant = changed(config, spots[rng.integers(len(spots))], VALUES[i % len(VALUES)])
        found = refusal_or_model(with_config(tmp_path / "it.keras", mutant))
        sentences += isinstance(found, InputError)
    assert 0.25 * count < sentences < count


CONFIGS = {
    "no JSON": "{",
    "a list": "[]",
    "nested lists": "[" * 200_000,
    "nested dictionaries": '{"a":' * 100_000,
    "no layers": {"class_name": "Sequential", "config": {"layers": []}},
    "a class of its own": {"class_name": "MyModel", "config": {"units": 3}},
    "ten thousand layers": {"class_name": "Sequential", "config": [{"class_name": "ReLU", "config": {}}] * 10_000},
    "models in models": None,
    "a circle": {
        "class_name": "Functional",
        "config": {
            "layers": [
                {"class_name": "ReLU", "name": "a", "config": {}, "inbound_nodes": [[["b", 0, 0, {}]]]},
                {"class_name": "ReLU", "name": "b", "config": {}, "inbound_nodes": [[["a", 0, 0, {}]]]},
            ],
            "input_layers": [["c", 0, 0]],
            "output_layers": [["a", 0, 0]],
        },
    },
    "a layer from nowhere": {
        "class_name": "Functional",
        "config": {"layers": [], "input_layers": [["c", 0, 0]], "output_layers": [["a", 0, 0]]},
    },
    "an enormous picture": {
        "class_name": "Sequential",
        "config": [{"class_name": "InputLayer", "config": {"batch_shape": [None, 10**9, 10**9, 3]}}],
    },
    "padding without end": {
        "class_name": "Sequential",
        "config": [
            {"class_name": "InputLayer", "config": {"batch_shape": [None, 64, 64, 3]}},
            *[{"class_name": "ZeroPadding2D", "config": {"padding": 4096}}] * 1000,
        ],
    },
    "a number of a million digits": '{"class_name": ' + "9" * 1_000_000 + "}",
    "long names": {
        "class_name": "Sequential",
        "config": [{"class_name": "C" * 100_000, "config": {"name": "n" * 100_000}}],
    },
    "names that a terminal would obey": {
        "class_name": "Sequential",
        "config": [{"class_name": "\x1b[2J\n", "config": {}}],
    },
}
model = {"class_name": "Sequential", "config": [{"class_name": "ReLU", "config": {}}]}
for _ in range(300):
    model = {"class_name": "Sequential", "config": {"layers": [model]}}
CONFIGS["models in models"] = model


@pytest.mark.parametrize("case", CONFIGS)
def test_a_hostile_configuration_is_refused(case, tmp_path):
    assert isinstance(refusal_or_model(with_config(tmp_path / "it.keras", CONFIGS[case])), InputError)


def test_a_long_configuration_is_refused_before_it_is_read(tmp_path):
    with pytest.raises(InputError, match="expected a description"):
        read_weights(with_config(tmp_path / "it.keras", b" " * (9 << 20)))


def attribute(path, data, kind=None):
    """The golden HDF5 model with this for its configuration."""
    path.write_bytes((GOLDEN / "keras-flatten.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]
        file.attrs.create("model_config", data, dtype=kind)
    return path


def test_a_configuration_of_fixed_length_is_read_as_one_on_the_heap(tmp_path, good):
    text = json.dumps(config_of())
    for data in (np.bytes_(text.encode()), text, text.encode()):
        found = refusal_or_model(attribute(tmp_path / "it.h5", data))
        assert (found.architecture, found.input_size) == (good.architecture, good.input_size)


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_the_configuration_is_found_in_every_version_of_the_file_format(version, tmp_path, good):
    with h5py.File(GOLDEN / "keras-flatten.h5") as source, h5py.File(tmp_path / "it.h5", "w", libver=version) as target:
        for name in source:
            source.copy(name, target)
        target.attrs.update(source.attrs)
    found = refusal_or_model(tmp_path / "it.h5")
    assert (found.architecture, found.input_size) == (good.architecture, good.input_size)


def test_a_configuration_that_was_replaced_is_the_new_one(tmp_path):
    """The old one lies on its heap still."""
    config = config_of()
    for size in (96, 128, 160):
        config["config"]["layers"][0]["config"]["batch_shape"] = [None, size, size, 3]
        found = refusal_or_model(attribute(tmp_path / "it.h5", json.dumps(config)))
        assert isinstance(found, InputError)
        assert f"pictures of {size}x{size}" in str(found) or "configuration says" in str(found)


@pytest.mark.parametrize("data", [3, [1.0, 2.0], "no JSON", '{"class_name": 1}', "", np.bytes_(b"{"), ["a", "b"]])
def test_an_attribute_that_is_no_configuration_is_refused(data, tmp_path):
    assert isinstance(refusal_or_model(attribute(tmp_path / "it.h5", data)), InputError)


def test_a_damaged_heap_is_a_sentence_or_the_model(tmp_path):
    whole = (GOLDEN / "keras-flatten.h5").read_bytes()
    at = whole.index(b"GCOL")
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        bad = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            bad[at + int(rng.integers(0, 200))] = int(rng.integers(256))
        (tmp_path / "it.h5").write_bytes(bad)
        refused += isinstance(refusal_or_model(tmp_path / "it.h5"), InputError)
    assert refused > 15


@pytest.mark.parametrize("size", [0, 1, 15, 2**31, 2**63, 2**64 - 1])
def test_a_heap_that_lies_about_its_size_is_refused_soon(size, tmp_path):
    bad = bytearray((GOLDEN / "keras-flatten.h5").read_bytes())
    at = bad.index(b"GCOL")
    bad[at + 24 : at + 32] = size.to_bytes(8, "little")  # of the first text on it
    (tmp_path / "it.h5").write_bytes(bad)
    refusal_or_model(tmp_path / "it.h5")
    bad[at + 8 : at + 16] = size.to_bytes(8, "little")  # of the heap
    (tmp_path / "it.h5").write_bytes(bad)
    refusal_or_model(tmp_path / "it.h5")
