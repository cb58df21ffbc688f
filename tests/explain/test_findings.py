"""A finding holds what the method returns, and says what is wrong with it."""

import json

import h5py
import numpy as np
import pytest
from helpers import small_input, small_network

from numcam.errors import InputError
from numcam.explain import METHODS, cam, find, fused, remarks
from numcam.explain.export import digest, entry, write
from numcam.explain.finding import find_fused
from numcam.explain.standing import pooling_ties
from numcam.nn import Flatten, GlobalAvgPool2d, Linear, MaxPool2d, Network, ReLU


@pytest.fixture
def trace():
    return small_network().forward(small_input(n=3))


def head(w, b=None, before=()):
    """relu -> flatten -> fc with the given matrix, on pictures of one channel."""
    w = np.asarray(w, float)
    return Network(
        [*before, ("relu", ReLU()), ("flatten", Flatten()), ("fc", Linear(w, np.zeros(len(w)) if b is None else b))]
    )


@pytest.mark.parametrize("name", list(METHODS))
def test_values_are_what_the_method_returns(trace, name):
    for picture in (0, 2):
        found = find(trace, [1, 0, 3], name, picture=picture)
        np.testing.assert_array_equal(found.values, METHODS[name](trace, [1, 0, 3])[picture])
    assert found.index == 3
    assert found.score == trace.output[2, 3]


def test_signed_map_weights_and_masses_by_hand():
    found = find(head([[1.0, -2, 3, 0, 0, 4]]).forward(np.array([[[[1.0, 2, 0], [5, 6, 7]]]])), 0)
    np.testing.assert_array_equal(found.alpha, [1.0])  # (1 - 2 + 3 + 0 + 0 + 4) / 6
    hires = find(head([[1.0, -2, 3, 0, 0, 4]]).forward(np.array([[[[1.0, 2, 0], [5, 6, 7]]]])), 0, "hires_cam")
    np.testing.assert_array_equal(hires.signed, [[1, -4, 0], [0, 0, 28]])
    np.testing.assert_array_equal(hires.values, [[1, 0, 0], [0, 0, 28]])
    assert (hires.kept, hires.removed, hires.alpha) == (29, 4, None)
    assert (hires.score, hires.margin, hires.best, hires.probability, hires.layer) == (25, None, 0, 1, "relu")


def test_the_margin_is_to_the_best_other_class(trace):
    out = trace.output[0]
    order = np.argsort(-out)
    assert find(trace).margin == pytest.approx(out[order[0]] - out[order[1]])
    assert find(trace, int(order[2])).margin == pytest.approx(out[order[2]] - out[order[0]])


def test_a_class_that_is_argued_against_everywhere_is_called_that():
    trace = head([-np.ones(12), np.ones(12)]).forward(np.ones((1, 1, 3, 4)))
    found = find(trace, 0)
    assert found.blank
    first = remarks(found, trace, ["cat", "dog"])[0]
    assert first == "all 12 cells are negative: this class is argued against everywhere; see --counterfactual"
    assert find(trace, 0, "counterfactual_grad_cam").values.min() == 1
    other = find(trace, 1, "counterfactual_grad_cam")
    assert "nothing argues against" in remarks(other, trace)[0]
    x = np.ones((1, 1, 3, 4))
    x[0, 0, 0, 0] = 0
    trace = trace.network.forward(x)
    assert remarks(find(trace, 0), trace)[0].startswith("11 of 12 cells are negative and the others 0: ")


def test_a_layer_that_saw_nothing_and_a_closed_path_are_told_apart():
    trace = head(np.ones((2, 12))).forward(-np.ones((1, 1, 3, 4)))
    assert "relu is 0 everywhere" in remarks(find(trace, 0), trace)[0]
    closed = Network([*head(np.ones((2, 12)), np.full(2, -100.0)).layers.items(), ("relu2", ReLU())])
    trace = closed.forward(np.ones((1, 1, 3, 4)))
    assert "no path" in remarks(find(trace, 0), trace)[0]
    assert "the input" in remarks(find(trace, 0, "saliency"), trace)[0]


def test_a_relu_that_removes_most_of_the_map_is_mentioned():
    before = [("pool", MaxPool2d(1))]
    trace = head([[1.0, -1, -1, -1]] * 2, before=before).forward(np.ones((1, 1, 2, 2)))
    assert remarks(find(trace, 0, "hires_cam"), trace)[0].startswith("the ReLU removed 75% of the map's mass")


def test_ties_close_calls_and_losers_are_mentioned():
    trace = head([[1.0] * 4, [1.1, 1, 1, 1], [-3.0] * 4]).forward(np.ones((1, 1, 2, 2)))
    said = remarks(find(trace, 0), trace, "abc")
    assert "4 cells share the maximum; the first in reading order is named" in said
    assert "a close call: the next class is 0.10 away" in said
    assert any("-12.00, is 16.10 below that of b" in s for s in remarks(find(trace, 2), trace, "abc"))


def test_a_softmax_that_rounds_to_one_is_mentioned():
    trace = head([[30.0], [0.0]]).forward(np.ones((1, 1, 1, 1)))
    found = find(trace, 0)
    assert found.saturated
    assert any("rounds to 1" in s for s in remarks(found, trace))
    assert not find(head([[3.0], [0.0]]).forward(np.ones((1, 1, 1, 1))), 0).saturated


def test_methods_that_do_not_look_at_the_class_say_so(trace):
    assert any("does not look at the class" in s for s in remarks(find(trace, 0, "eigen_cam"), trace))
    same = head([[1.0] * 4, [1.0] * 4]).forward(np.arange(4.0).reshape(1, 1, 2, 2) + 1)
    assert not any("nearly the same" in s for s in remarks(find(same, 0, "saliency"), same))
    w = np.array([[1.0, 2, 3, 4], [1, 2, 3, 5]])
    alike = head(w).forward(np.ones((1, 1, 2, 2)))
    assert any(
        "nearly the same picture (correlation 0.98)" in s for s in remarks(find(alike, 0, "deconvnet"), alike, "ab")
    )


def test_nan_is_called_nan():
    trace = head([[np.nan] * 4, [1.0] * 4]).forward(np.ones((1, 1, 2, 2)))
    assert "are NaN or infinite" in remarks(find(trace, 0), trace)[0]


def test_tied_windows_are_counted_where_they_hold_something():
    x = np.array([[[[1.0, 1, 0, 0], [0, 0, 0, 0], [2, 3, 5, 5], [4, 4, 5, 1]]]])
    network = Network({"pool": MaxPool2d(2), "mean": GlobalAvgPool2d()})
    assert pooling_ties(network.forward(x), "input") == (3, 3)  # 1 1, 4 4, 5 5 5; the window of zeros does not count
    assert pooling_ties(network.forward(x), "pool") == (0, 0)
    overlapping = Network({"pool": MaxPool2d((2, 2), (1, 1)), "mean": GlobalAvgPool2d()})
    by_hand = sum(
        np.sum(w == w.max()) > 1 and w.max() > 0
        for w in (x[0, 0, i : i + 2, j : j + 2] for i in range(3) for j in range(3))
    )
    assert pooling_ties(overlapping.forward(x), "input")[0] == by_hand


def test_a_fused_finding_is_the_fused_map(trace):
    layers = ["relu1", "relu2"]
    found = find_fused(layers, [find(trace, 1, layer=layer, picture=2) for layer in layers])
    np.testing.assert_allclose(found.values, fused(trace, 1, layers)[2])
    assert found.layer == "relu1+relu2"
    assert isinstance(remarks(found, trace, picture=2), list)


def test_the_digest_is_of_the_numbers_and_names():
    network = small_network()
    same = network.with_parameters({k: v.copy() for k, v in network.parameters.items()})
    assert digest(network) == digest(same)
    moved = {k: v + (1e-12 if k == "fc4.bias" else 0) for k, v in network.parameters.items()}
    assert digest(network) != digest(network.with_parameters(moved))
    assert digest(network) != digest(network.astype(np.float32))


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".json"])
def test_everything_comes_back_from_disk(trace, tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    found = [find(trace, 1), find(trace, 2, "saliency")]
    entries = [entry(one, name="a class", remarks=remarks(one, trace), completeness_gap=0.5) for one in found]
    write(path, entries, {"numcam": "1.2.3", "classes": ["é", "b"], "input_size": [7, 9]})
    about, read = READERS[suffix](path)
    assert about["numcam"] == "1.2.3"
    assert about["classes"] == ["é", "b"]
    for one, back in zip(found, read, strict=True):
        for name in ("values", "signed"):
            np.testing.assert_array_equal(back[name], getattr(one, name))
        assert back["method"] == one.method
        assert back["score"] == one.score
        assert back["margin"] == one.margin
        assert ("alpha" in back) == (one.alpha is not None)
        assert back["remarks"] == remarks(one, trace)
    assert list(tmp_path.iterdir()) == [path]


def from_npz(path):
    with np.load(path, allow_pickle=False) as file:
        about = json.loads(str(file["provenance"]))
        rest = about.pop("findings")
        arrays = [{k.split("/")[1]: file[k] for k in file if k.startswith(f"{i}/")} for i in range(len(rest))]
    return about, [{**r, **a} for r, a in zip(rest, arrays, strict=True)]


def from_h5(path):
    def plain(attrs):
        return {k: json.loads(v) if isinstance(v, str) and v[:1] in "[{" else v for k, v in attrs.items()}

    with h5py.File(path) as file:
        found = [{**plain(file[k].attrs), **{n: d[()] for n, d in file[k].items()}} for k in sorted(file)]
        return plain(file.attrs), found


def from_json(path):
    about = json.loads(path.read_text(encoding="utf-8"))
    return about, about.pop("findings")


READERS = {".npz": from_npz, ".h5": from_h5, ".json": from_json}


def test_another_suffix_and_a_missing_folder_leave_nothing(trace, tmp_path):
    for path, words in ((tmp_path / "a.txt", "npz"), (tmp_path / "no" / "a.npz", "cannot write")):
        with pytest.raises(InputError, match=words):
            write(path, [entry(find(trace, 1))], {})
    assert not list(tmp_path.iterdir())


def test_methods_and_options_that_do_not_exist_are_refused(trace):
    for method, options, words in (
        ("gradcam", {}, "did you mean grad_cam"),
        ("grad_cam", {"seed": 1}, "takes no options; got seed"),
        ("rise", {"mask": 1}, "takes masks, cells"),
    ):
        with pytest.raises(InputError, match=words):
            find(trace, 0, method, **options)


def test_cam_is_found_at_the_layer_below_the_average_even_where_that_is_no_relu():
    rng = np.random.default_rng(0)
    layers = {"relu": ReLU(), "pool": MaxPool2d(2), "mean": GlobalAvgPool2d()}
    network = Network({**layers, "fc": Linear(rng.standard_normal((3, 2)), rng.standard_normal(3))})
    trace = network.forward(rng.standard_normal((1, 2, 6, 8)))
    found = find(trace, 1, "cam")
    assert found.layer == "pool"
    np.testing.assert_array_equal(found.values, cam(trace, 1)[0])
    np.testing.assert_allclose(found.signed.mean(), trace.output[0, 1] - network.layers["fc"].bias[1])
