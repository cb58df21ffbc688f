"""Checkpoints as trainings leave them: the tensors are found beside whatever else is there, of which nothing is run."""

import argparse
import collections
import datetime
import enum
import pathlib
import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[parity]'")

from test_torch_state_dicts import MAPS, SIDE, VGG, D, L, R, average, features, seq, trained  # noqa: E402
from torch import nn  # noqa: E402

from numcam.errors import InputError  # noqa: E402
from numcam.loading import load  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


class Phase(enum.Enum):
    FIRST = 1


class Unknown:
    """A class that numcam has never heard of; to rebuild it would leave a trace."""

    def __init__(self):
        self.values = {"tensor": torch.zeros(3), "more": [1, 2]}

    def __reduce__(self):
        return _trace, ("rebuilt",), self.__dict__


TRACES = []


def _trace(word):
    TRACES.append(word)
    return Unknown()


def model(seed=0, **options):
    return trained(VGG(seq(L(MAPS, 64), R(), D(), L(64, 10)), **options), seed)


def optimiser(of):
    one = torch.optim.Adam(of.parameters())
    of(torch.zeros(1, 3, SIDE, SIDE)).sum().backward()
    one.step()
    return one.eval() if hasattr(one, "eval") else one


BESIDE = {
    "a NumPy number": lambda m: {"best_acc": np.float64(0.91), "epoch": np.int64(3)},
    "a NumPy array": lambda m: {"history": np.arange(5.0), "confusion": np.eye(3, dtype=int)},
    "a tensor": lambda m: {"best_acc1": torch.tensor(0.7)},
    "arguments": lambda m: {"args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("x"))},
    "collections": lambda m: {
        "a": collections.defaultdict(list, {"acc": [0.9]}),
        "b": collections.Counter("aab"),
        "c": {1, 2},
        "d": frozenset("ab"),
        "e": collections.deque([1]),
    },
    "odd keys": lambda m: {0.5: 1, (1, (2, 3)): 2, None: 3, Phase.FIRST: 4},
    "a time and an enum": lambda m: {
        "when": datetime.datetime(2020, 1, 1),
        "took": datetime.timedelta(1),
        "p": Phase.FIRST,
    },
    "an optimiser's state": lambda m: {"optimizer": optimiser(m).state_dict(), "epoch": 3},
    "an optimiser": lambda m: {"optimizer": optimiser(m)},
    "a loss": lambda m: {"criterion": nn.CrossEntropyLoss(weight=torch.ones(10))},
    "its own classifier": lambda m: {"arch": "vgg16", "classifier": m.classifier},
    "an unknown class": lambda m: {"trainer": Unknown()},
    "states of random generators": lambda m: {"rng": torch.get_rng_state(), "python": random.getstate()},
    "a dtype, a device and a size": lambda m: {"d": torch.float16, "e": torch.device("cpu"), "f": torch.Size([1])},
    "bytes and long numbers": lambda m: {"b": b"\0\1" * 40, "c": bytearray(b"abc"), "n": 10**30},
    "a long text": lambda m: {"log": "x" * 20_000},
}
WRAPPED = {
    "state_dict": lambda m: {"state_dict": m.state_dict()},
    "an unusual key": lambda m: {"my_great_model": m.state_dict(), "epoch": 3},
    "deep inside": lambda m: {"run": {"best": {"params": m.state_dict()}}, "x": 1},
    "a tuple": lambda m: (m.state_dict(), 0.7),
    "a list in a dictionary": lambda m: {"models": [m.state_dict()]},
    "beside tensors": lambda m: {"best_acc1": torch.tensor(0.7), "state_dict": m.state_dict()},
    "a Lightning checkpoint": lambda m: {
        "state_dict": {f"model.{k}": v for k, v in m.state_dict().items()},
        "hyper_parameters": {"lr": 0.1},
        "pytorch-lightning_version": "2.1.0",
        "callbacks": {},
        "loops": {},
    },
    "the whole model": lambda m: m,
    "a list of models": lambda m: [m],
    "parameters in an OrderedDict": lambda m: collections.OrderedDict(m.named_parameters()),
}


def same(path, of, protocol=2, **options):
    lines = []
    x = np.random.default_rng(1).standard_normal((1, 3, SIDE, SIDE)).astype(np.float32)
    with torch.no_grad():
        expected = of.eval()(torch.from_numpy(x)).numpy()
    classifier = load(str(path), say=lines.append, **options)
    np.testing.assert_allclose(classifier.forward(x).output, expected, atol=1e-5 * np.abs(expected).max())
    return classifier, " ".join(lines)


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("case", BESIDE)
def test_what_lies_beside_the_tensors_does_not_refuse_them(case, protocol, tmp_path):
    m = model()
    beside = BESIDE[case](m)
    torch.save({"state_dict": m.state_dict(), **beside}, tmp_path / "it.pth", pickle_protocol=protocol)
    same(tmp_path / "it.pth", m)
    torch.save({**beside, "state_dict": m.state_dict()}, tmp_path / "it.pth", _use_new_zipfile_serialization=False)
    same(tmp_path / "it.pth", m)
    assert TRACES == []


@pytest.mark.parametrize("case", WRAPPED)
def test_the_tensors_are_found_wherever_they_are(case, tmp_path):
    m = model()
    torch.save(WRAPPED[case](m), tmp_path / "it.pth")
    same(tmp_path / "it.pth", m)


def test_the_plain_one_is_taken_of_several_and_another_when_asked(tmp_path):
    plain, averaged = model(0), model(1)
    content = {"state_dict_ema": averaged.state_dict(), "state_dict": plain.state_dict(), "epoch": 9}
    torch.save(content, tmp_path / "it.pth")
    said = same(tmp_path / "it.pth", plain)[1]
    assert "its state_dict, though state_dict_ema would do too (--checkpoint-key says otherwise)" in said
    assert "would do" not in same(tmp_path / "it.pth", averaged, checkpoint_key="state_dict_ema")[1]
    with pytest.raises(InputError, match="no tensors under 'other'; it has 'state_dict_ema', 'state_dict', 'epoch'"):
        load(str(tmp_path / "it.pth"), checkpoint_key="other")


def test_a_checkpoint_without_tensors_says_what_it_has(tmp_path):
    torch.save({"epoch": 3, "losses": [0.1, 0.2], "best": 0.9}, tmp_path / "it.pth")
    with pytest.raises(
        InputError, match="no state_dict, no dictionary of tensors by name; it has 'epoch', 'losses', 'best'"
    ):
        load(str(tmp_path / "it.pth"))


@pytest.mark.parametrize(
    "beside",
    [
        {"class_to_idx": {f"thing {9 - i}": i for i in range(10)}},
        {"classes": [f"thing {9 - i}" for i in range(10)]},
        {"class_names": tuple(f"thing {9 - i}" for i in range(10))},
        {"idx_to_class": {i: f"thing {9 - i}" for i in range(10)}},
        {"hyper_parameters": {"id2label": {str(i): f"thing {9 - i}" for i in range(10)}}},
    ],
    ids=lambda value: next(iter(value)),
)
def test_class_names_in_a_checkpoint_are_the_classes(beside, tmp_path):
    m = model()
    torch.save({"state_dict": m.state_dict(), **beside}, tmp_path / "it.pth")
    assert same(tmp_path / "it.pth", m)[0].classes == tuple(f"thing {9 - i}" for i in range(10))
    given = same(tmp_path / "it.pth", m, classes=list("abcdefghij"))[0]
    assert given.classes == tuple("abcdefghij")


def test_class_names_of_another_number_are_left_and_that_is_said(tmp_path):
    m = model()
    torch.save({"state_dict": m.state_dict(), "classes": ["a", "b"]}, tmp_path / "it.pth")
    classifier, said = same(tmp_path / "it.pth", m)
    assert classifier.classes[0] == "class 0"
    assert "numbers for the 10 classes, for the file names 2" in said


def test_a_whole_model_says_that_its_program_is_not_run(tmp_path):
    torch.save(model(), tmp_path / "it.pth")
    said = same(tmp_path / "it.pth", model())[1]
    assert (
        "the layers of its test_torch_state_dicts.VGG in their order, whose forward is a program that numcam does"
        in said
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: VGG(seq(L(MAPS, 9), nn.LeakyReLU(), L(9, 3))), "its 'VGG.classifier.1' is a LeakyReLU, which numcam"),
        (lambda: VGG(seq(L(MAPS, 9), nn.Tanh(), L(9, 3))), "its 'VGG.classifier.1' is a Tanh, which numcam"),
        (lambda: VGG(L(64, 3), pool=nn.AdaptiveMaxPool2d(1)), "its 'VGG.pool' is a AdaptiveMaxPool2d, which numcam"),
        (lambda: _changed("padding_mode", "reflect"), "'VGG.features.0' has padding_mode reflect; a VGG has zeros"),
        (lambda: _changed("stride", (2, 2)), r"'VGG.features.0' has stride \(2, 2\); a VGG has \(1, 1\)"),
    ],
)
def test_what_a_whole_model_states_otherwise_is_refused_by_name(make, words, tmp_path):
    torch.save(trained(make()), tmp_path / "it.pth")
    with pytest.raises(InputError, match=words):
        load(str(tmp_path / "it.pth"))


def _changed(name, value):
    m = VGG(L(MAPS, 3))
    setattr(m.features[0], name, value)
    return m


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_quantised_tensor_is_refused_by_name_and_passed_over_beside_the_network(tmp_path):
    m = model()
    odd = torch.quantize_per_tensor(m.features[0].weight.detach(), 0.1, 0, torch.qint8)
    torch.save(
        {"state_dict": m.state_dict(), "small": odd, "turned": torch.zeros(2, dtype=torch.cfloat)}, tmp_path / "a.pth"
    )
    same(tmp_path / "a.pth", m)
    for name, value in (("_rebuild_qtensor", odd), ("ComplexFloatStorage", m.features[0].weight.detach().cfloat())):
        torch.save({**m.state_dict(), "features.0.weight": value}, tmp_path / "b.pth")
        with pytest.raises(
            InputError, match=rf"its 'features.0.weight' is made by .*{name}, which numcam does not read"
        ):
            load(str(tmp_path / "b.pth"))


def test_a_sequential_of_everything_is_read_whole(tmp_path):
    m = trained(seq(*features(), average(), nn.Flatten(), L(64, 4)))
    torch.save(m, tmp_path / "it.pth")
    same(tmp_path / "it.pth", m, input_size=SIDE)
