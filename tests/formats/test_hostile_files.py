"""A weights file is untrusted input: whatever is in it, the answer is one sentence, soon, and in little memory."""

import os
import time
import tracemalloc

import numpy as np
import pytest
from foreign import CHANNELS, CLASSES, CONVOLUTIONS, UNITS
from hostile import CASES, GOLDEN, KERNEL, LAYER, hdf5, own_file
from older import ARRAYS, FILES

from numcam.errors import InputError
from numcam.formats import convert, read_weights
from numcam.formats.inspection import contents, verify
from numcam.models import vgg

SECONDS = 2
MEGABYTES = 8  # what reading takes whatever the file's size


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    row = vgg.Architecture(CONVOLUTIONS, CHANNELS, units=UNITS, classes=CLASSES)
    monkeypatch.setitem(vgg.ARCHITECTURES, "tiny", row)


def watched(path):
    """read_weights' result or refusal, the processor seconds it took, and its peak memory in bytes."""
    tracemalloc.start()
    start = time.process_time()
    try:
        outcome = read_weights(path)
    except InputError as error:
        outcome = error
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return outcome, seconds, peak


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused_in_one_sentence_soon_and_in_little_memory(name, tmp_path):
    make, words = CASES[name]
    path = tmp_path / "weights"
    path.write_bytes(make())
    outcome, seconds, peak = watched(path)
    if seconds >= SECONDS:  # a busy machine pauses once, a reader that hangs does so every time
        seconds = watched(path)[1]
    assert isinstance(outcome, InputError), "it was accepted"
    message = str(outcome)
    assert words in message
    assert message.count(str(path)) == 1
    assert message.removeprefix(str(path)).isprintable()
    assert len(message) < len(str(path)) + 700
    assert seconds < SECONDS
    assert peak < 2 * path.stat().st_size + MEGABYTES * 2**20


@pytest.mark.parametrize("name", FILES)
def test_files_of_older_tools_are_read_as_they_were_written(name, tmp_path):
    (tmp_path / name).write_bytes(FILES[name])
    found = read_weights(tmp_path / name)
    assert found.architecture == "tiny"
    for layer, (weight, bias) in ARRAYS.items():
        np.testing.assert_array_equal(found.parameters[f"{layer}.bias"], bias)
        if layer != "fc6" or "caffe" in name or "mat" in name:
            np.testing.assert_array_equal(found.parameters[f"{layer}.weight"], weight)


def test_there_are_more_than_150_hostile_files():
    assert len(CASES) > 300


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "weights.pth")
    with pytest.raises(InputError, match="is a pipe or a device"):
        read_weights(tmp_path / "weights.pth")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "/dev/null", "\ud800"])
def test_a_path_that_no_file_can_have_is_refused(name):
    with pytest.raises(InputError):
        read_weights(name)


def test_what_a_hostile_pickle_calls_is_not_called(tmp_path):
    harm = tmp_path / "harm"
    path = tmp_path / "weights.pth"
    path.write_bytes(CASES["pickle that calls os.system"][0]().replace(b"/tmp/harm", str(harm).encode()[-9:]))
    with pytest.raises(InputError, match=r"asks for os\.system, which numcam does not run"):
        read_weights(path)
    assert not harm.exists()


@pytest.mark.parametrize(
    "options", [{"dtype": ">f4"}, {"dtype": "f8"}, {"dtype": "f4", "compression": "gzip", "shuffle": True}]
)
def test_unusual_but_sound_datasets_are_read(tmp_path, options):
    def change(file):
        kernel = file[LAYER][KERNEL][()]
        del file[LAYER][KERNEL]
        file[LAYER].create_dataset(KERNEL, data=kernel, **options)

    (tmp_path / "weights.h5").write_bytes(hdf5(change))
    ours, plain = (read_weights(p).parameters for p in (tmp_path / "weights.h5", GOLDEN / "keras-published.h5"))
    np.testing.assert_array_equal(ours["conv3_2.weight"], plain["conv3_2.weight"])


SEEDS = {p.name: p.read_bytes() for p in sorted(GOLDEN.iterdir()) if p.name != "expected.h5"} | FILES


def mutant(seed, rng):
    """The file with one to eight things changed: bits, bytes, stretches set, moved, left out or doubled, an end."""
    data = bytearray(seed)
    for _ in range(rng.integers(1, 9)):
        # most of the structure is at the beginning, and in zips at the end
        size = len(data)
        near = int(min(rng.exponential(900), size - 1))
        at = [near, size - 1 - near, int(rng.integers(size))][rng.integers(3)]
        length = int(min(2 ** rng.integers(0, 12), size - at))
        match rng.integers(9):
            case 0:
                data[at] ^= 1 << int(rng.integers(8))
            case 1:
                data[at] = int(rng.integers(256))
            case 2:
                data[at] = [0, 0xFF, 0x7F, 0x80, 1][rng.integers(5)]
            case 3:
                data[at : at + length] = bytes([0, 0xFF][rng.integers(2)] for _ in range(1)) * length
            case 4:
                del data[at : at + length]
            case 5:
                data[at:at] = data[at : at + length]
            case 6:
                data[at : at + 8] = int(rng.choice([0, 1, 2**31, 2**32 - 1, 2**63 - 1])).to_bytes(8, "little")
            case 7:
                other = int(rng.integers(size))
                data[at : at + length] = data[other : other + length]
            case 8:
                del data[max(1, at) :]
        if not data:
            break
    return bytes(data)


def mutants(first, count):
    """So many mutants, all formats in turn: the number, the name of the file, and the bytes."""
    seeds = list((SEEDS | {"own.h5": own_file()}).items())
    for number in range(first, first + count):
        name, seed = seeds[number % len(seeds)]
        yield number, name, mutant(seed, np.random.default_rng([11, number]))


def tried(count, first, tmp_path):
    """How many of so many mutants were refused; asserts what must hold for each."""
    refused = 0
    for number, name, data in mutants(first, count):
        path = tmp_path / f"mutant{number}"
        path.write_bytes(data)
        outcome, seconds, peak = watched(path)
        if seconds >= SECONDS:  # a busy machine pauses once, a reader that hangs does so every time
            seconds = watched(path)[1]
        size = path.stat().st_size
        path.unlink()
        assert seconds < SECONDS, (name, number)
        assert peak < 2 * size + MEGABYTES * 2**20, (name, number, peak)
        refused += isinstance(outcome, InputError)
        assert str(outcome).replace(str(path), "").isprintable() or not isinstance(outcome, InputError)
    return refused


def test_a_thousand_mutants_raise_nothing_but_numcams_own_error(tmp_path):
    assert tried(1_000, 0, tmp_path) > 500


def accepts(action, path):
    """Whether the action takes the file; numcam's own error is the only other answer."""
    try:
        action(path)
    except InputError:
        return False
    return True


def test_looking_checking_and_converting_refuse_what_reading_refuses(tmp_path):
    target = tmp_path / "out.h5"
    read = 0
    for number, name, data in mutants(50_000, 250):
        path = tmp_path / f"mutant{number}"
        path.write_bytes(data)
        sound = accepts(read_weights, path)
        read += sound
        assert accepts(verify, path) == sound, (name, number)
        assert accepts(lambda path: convert(path, target), path) == sound, (name, number)
        assert accepts(contents, path) or not sound, (name, number)  # which also looks at what is no network
        assert target.exists() == sound
        target.unlink(missing_ok=True)
        path.unlink()
    assert 15 < read < 200
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_twenty_thousand_mutants_raise_nothing_but_numcams_own_error(tmp_path):
    assert tried(20_000, 1_000, tmp_path) > 10_000
