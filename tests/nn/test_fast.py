"""The fast engine gives the plain engine's numbers, for any size, and keeps its promises about memory and threads."""

import gc
import os
import threading
from contextlib import contextmanager
from itertools import product

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from numcam.models.vgg import random_network
from numcam.nn import (
    DECONVNET,
    GUIDED,
    STANDARD,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    Network,
    ReLU,
)
from numcam.nn.conv import conv2d, conv2d_input_gradient, conv2d_parameter_gradients
from numcam.nn.fast import kernels, maps, wide
from numcam.nn.fast import rows as by_rows
from numcam.nn.fast.dense import linear, linear_backward
from numcam.nn.fast.kernels import parameter_gradients
from numcam.nn.fast.maps import Map, Rows
from numcam.nn.fast.team import Team, alone, processors, release, team
from numcam.nn.fast.ways import SAFE, UNPACKED, trying
from numcam.nn.fast.winograd import F2, F4, Kernel, backwards, toom_cook, transformed
from numcam.nn.norm import NAMES

RULES = {"standard": STANDARD, "guided": GUIDED, "deconvnet": DECONVNET}


def apart(a, b):
    return float(np.abs(a - b).max() / np.abs(b).max())


@pytest.fixture(params=[UNPACKED, SAFE], ids=["as with AVX-512", "as with any BLAS"])
def way(request):
    """Products laid out in each of the ways, whatever kernels are there."""
    with trying(request.param):
        yield request.param


def conv_layer(rng, c, k, side=3, **options):
    w = rng.standard_normal((k, c, side, side)) * np.sqrt(2 / (c * side * side))
    return Conv2d(w.astype(np.float32), rng.normal(0, 0.1, k).astype(np.float32), **options)


def linear_layer(rng, inputs, outputs):
    w = rng.standard_normal((outputs, inputs)) * np.sqrt(2 / inputs)
    return Linear(w.astype(np.float32), rng.normal(0, 0.1, outputs).astype(np.float32))


def test_toom_cooks_matrices_multiply_polynomials_exactly():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(6), rng.standard_normal(3)
    at, g, bt = toom_cook(F4.points, 4)
    slid = [w @ x[i : i + 3] for i in range(4)]
    np.testing.assert_allclose(at @ ((g @ w) * (bt @ x)), slid, rtol=1e-13)
    at, g, bt = toom_cook(F2.points, 2)  # F(2, 3), whose matrices are in every textbook, up to a scale of each row
    np.testing.assert_allclose(at, [[1, 1, 1, 0], [0, 1, -1, 1]])
    np.testing.assert_allclose(at @ ((g @ w) * (bt @ x[:4])), slid[:2], rtol=1e-13)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 7, 14, 31, 33])
@pytest.mark.parametrize("cols", [1, 4, 6, 13, 37])
@pytest.mark.parametrize("form", [F2, F4], ids=["F2", "F4"])
def test_convolution_equals_im2col_at_any_size(rows, cols, form, way):
    rng = np.random.default_rng(rows * 100 + cols)
    for n, c, k, size in ((1, 5, 3, 1), (3, 8, 6, 2), (2, 1, 64, 2)):
        x = rng.standard_normal((n, c, rows, cols)).astype(np.float32)
        layer = conv_layer(rng, c, k, padding=1)
        out = Map(n, k, rows, cols)
        out.inside[...] = np.nan  # whatever was there before
        crew = Team(size)
        wide.conv(crew, Map.of(x), transformed(crew, layer.weight, layer.bias, form), out)
        expected = conv2d(x.astype(np.float64), layer.weight.astype(np.float64), layer.bias, (1, 1), (1, 1))
        assert apart(out.pictures, expected) < 1e-5
        border = out.data.copy()
        border[:, 1 : 1 + rows, 1 : 1 + cols] = 0
        assert not border.any()  # the next convolution counts on zeros there
        dout = rng.standard_normal((n, k, rows, cols)).astype(np.float32)
        exact = conv2d_input_gradient(dout.astype(np.float64), x.shape, layer.weight.astype(np.float64), (1, 1), (1, 1))
        dx = Map(n, c, rows, cols)
        kernel = transformed(crew, backwards(layer.weight), None, form, crew.scratch[0])
        wide.conv(crew, Map.of(dout), kernel, dx)
        assert apart(dx.pictures, exact) < 1e-5


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 14, 37])
@pytest.mark.parametrize("cols", [1, 4, 13, 30])
@pytest.mark.parametrize("into", [Rows, Map])
def test_few_channels_row_by_row_equal_im2col_at_any_size(rows, cols, into):
    rng = np.random.default_rng(rows * 100 + cols)
    for n, c, k in ((1, 5, 3), (3, 3, 7), (7, 1, 2)):
        x = rng.standard_normal((n, c, rows, cols)).astype(np.float32)
        layer = conv_layer(rng, c, k, padding=1)
        out = into(n, k, rows, cols)
        out.inside[...] = np.nan
        by_rows.conv(Team(2), Rows.of(x), by_rows.flat_kernel(layer.weight, layer.bias), out)
        expected = conv2d(x.astype(np.float64), layer.weight.astype(np.float64), layer.bias, (1, 1), (1, 1))
        assert apart(out.pictures, expected) < 1e-5


@pytest.mark.parametrize("layouts", list(product([Rows, Map], repeat=2)))
@pytest.mark.parametrize("size", [(1, 1), (2, 7), (9, 5), (30, 41)])
def test_parameter_gradients_of_both_layouts_are_the_plain_ones(layouts, size, way):
    rng = np.random.default_rng(sum(size))
    for n, c, k in ((1, 5, 3), (3, 4, 18), (6, 1, 2), (2, 32, 40)):
        x, dout = (rng.standard_normal((n, of, *size)) for of in (c, k))
        both = [layout.of(a.astype(np.float32)) for layout, a in zip(layouts, (dout, x), strict=True)]
        dw, db = parameter_gradients(Team(2), *both)
        exact_w, exact_b = conv2d_parameter_gradients(dout, x, (k, c, 3, 3), (1, 1), (1, 1))
        assert apart(dw, exact_w) < 1e-5
        assert apart(db, exact_b) < 1e-5


@pytest.mark.parametrize("name", ["pocket", "a mixture", "linear only", "no ReLU after"])
def test_parameter_gradients_of_whole_networks_are_the_plain_engines(name):
    network, shape = CASES[name]
    x = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    found = []
    for engine in ("fast", "plain"):
        trace = network.forward(x, engine)
        seed = np.random.default_rng(3).standard_normal(trace.output.shape).astype(np.float32)
        first = next(iter(network.layers))
        found.append(trace.parameter_gradients(trace.backward(seed, stop=first)))
    assert list(found[0]) == list(found[1]) == list(network.parameters)
    for key, plain in found[1].items():
        assert found[0][key].shape == plain.shape
        assert np.linalg.norm(found[0][key] - plain) <= 0.03 * np.linalg.norm(plain), key  # gates, as below


def networks():
    """Networks with every neighbourhood that the engine treats in its own way, and some that it does not know."""
    rng = np.random.default_rng(1)

    def same(c, k):
        return conv_layer(rng, c, k, padding=1)

    yield "pocket", random_network("pocket", input_size=(64, 64)), (2, 3, 64, 64)
    yield "pocket, odd size", random_network("pocket", input_size=(97, 70)), (1, 3, 97, 70)
    yield "no ReLU after", Network({"a": same(6, 7), "b": same(7, 5)}), (2, 6, 9, 11)
    layers = [
        ("conv1", same(3, 6)),
        ("relu1", ReLU()),
        ("conv2", same(6, 8)),
        ("pool2", MaxPool2d(2)),
        ("relu2", ReLU()),
    ]
    layers += [("conv3", conv_layer(rng, 8, 9, side=5, padding=2)), ("relu3", ReLU()), ("pool3", MaxPool2d(3, 2))]
    layers += [("norm", BatchNorm2d(**{key: rng.uniform(0.5, 1.5, 9).astype(np.float32) for key in NAMES}))]
    layers += [("conv4", conv_layer(rng, 9, 8, stride=2)), ("relu4", ReLU()), ("avg", AvgPool2d(2))]
    layers += [("gap", GlobalAvgPool2d()), ("fc", linear_layer(rng, 8, 4))]
    yield "a mixture", Network(layers), (3, 3, 37, 30)
    layers = {"relu": ReLU(), "conv": same(5, 6), "relu2": ReLU(), "pool": MaxPool2d(2)}
    yield "a ReLU first", Network(layers), (2, 5, 7, 9)
    layers = {"c": same(5, 6), "r": ReLU(), "p": MaxPool2d(2), "q": MaxPool2d(2), "f": Flatten()}
    yield "pooling twice", Network({**layers, "l": linear_layer(rng, 24, 3)}), (2, 5, 9, 11)
    layers = {"fc": linear_layer(rng, 7, 5), "relu": ReLU(), "fc2": linear_layer(rng, 5, 3)}
    yield "linear only", Network(layers), (4, 7)


CASES = {name: (network, shape) for name, network, shape in networks()}


@pytest.mark.parametrize("name", CASES)
def test_traces_and_gradients_of_any_network_are_the_plain_engines(name, way):
    network, shape = CASES[name]
    x = np.random.default_rng(2).standard_normal(shape)
    fast, plain = (
        network.forward(x.astype(np.float32), engine="fast"),
        network.forward(x.astype(np.float32).astype(np.float64), engine="fast"),
    )
    assert list(fast) == list(plain)
    for key in plain:
        assert fast[key].shape == plain[key].shape
        assert fast[key].dtype == np.float32
        assert apart(fast[key], plain[key]) < 1e-5, key
    seed = np.random.default_rng(3).standard_normal(plain.output.shape)
    for (rule, rules), stop in product(RULES.items(), plain):
        ours, theirs = fast.backward(seed, rules, stop), plain.backward(seed, rules, stop)
        assert set(ours) == set(theirs)
        for key in theirs:
            # a gate within rounding of 0 may fall on either side, which moves single values
            assert np.linalg.norm(ours[key] - theirs[key]) < 0.03 * np.linalg.norm(theirs[key]) + 1e-12, (
                rule,
                stop,
                key,
            )


def repeating(rng, c, rows, cols):
    """Pictures (3, c, rows, cols): flat patches, stripes two places wide, a column again and again; the last all 0."""
    x = np.repeat(np.repeat(rng.standard_normal((2, c, 4, 4)), rows // 3, axis=2), cols // 3, axis=3)[..., :rows, :cols]
    x[:, :, : rows // 3] = np.resize(np.repeat(rng.standard_normal((2, c, 1, 2)), 2, axis=3), (2, c, 1, cols))
    x[:, :, :, cols // 2 :] = rng.standard_normal((2, c, rows, 1))
    return np.concatenate([x, np.zeros_like(x[:1])]).astype(np.float32)


def norm(c):
    values = np.random.default_rng(c).uniform(0.5, 1.5, (4, c)).astype(np.float32)
    return BatchNorm2d(**dict(zip(NAMES, values, strict=True)))


BODIES = {
    "by rows": {"conv": (3, 6), "relu": ReLU(), "pool": MaxPool2d(2)},
    "by rows into tiles": {"conv": (3, 40), "relu": ReLU(), "pool": MaxPool2d(2), "flat": Flatten()},
    "by tiles": {"conv": (40, 48), "relu": ReLU(), "pool": MaxPool2d(2)},
    "no ReLU": {"conv": (40, 48), "pool": MaxPool2d(2)},
    "two blocks": {
        "conv1": (3, 40),
        "relu1": ReLU(),
        "conv2": (40, 40),
        "relu2": ReLU(),
        "pool": MaxPool2d(2),
        "conv3": (40, 40),
        "relu3": ReLU(),
        "pool2": MaxPool2d(2),
    },
    "after another layer": {
        "norm": norm(3),
        "conv": (3, 40),
        "conv2": (40, 40),
        "pool": MaxPool2d(2),
    },
    "normalised before pooling": {
        "conv": (20, 24),
        "norm": norm(24),
        "relu": ReLU(),
        "pool": MaxPool2d(2),
        "conv2": (24, 20),
        "norm2": norm(20),
        "relu2": ReLU(),
        "pool2": MaxPool2d(2),
    },
    "pooling windows that overlap": {
        "conv": (5, 24),
        "relu": ReLU(),
        "pool": MaxPool2d(3, 2),
        "conv2": (24, 20),
        "relu2": ReLU(),
        "pool2": MaxPool2d(3, 2),
    },
    "averaged between": {
        "conv": (20, 24),
        "relu": ReLU(),
        "mean": AvgPool2d(2),
        "conv2": (24, 9),
        "pool": MaxPool2d(2),
    },
}


def body_of(rng, name):
    layers = {
        key: conv_layer(rng, *layer, padding=1) if isinstance(layer, tuple) else layer
        for key, layer in BODIES[name].items()
    }
    c = next(layer for layer in layers.values() if isinstance(layer, Conv2d)).weight.shape[1]
    return Network(layers), c


@pytest.fixture(params=[0, 2e-7], ids=["BLAS as it is", "BLAS that rounds every column in its own way"])
def rounding(request, monkeypatch):
    """Products as they are, and with each value of them changed in its last digits."""
    by_rows.repeats_exactly.cache_clear()
    if request.param:
        dice, matmul = np.random.default_rng(5), np.matmul

        def rounded(a, b, out=None):
            found = matmul(a, b)
            found = (found * (1 + request.param * dice.uniform(-1, 1, found.shape))).astype(found.dtype)
            if out is None:
                return found
            out[...] = found
            return out

        monkeypatch.setattr(np, "matmul", rounded)
    yield
    by_rows.repeats_exactly.cache_clear()


@pytest.mark.parametrize("cols", [56, 61])
@pytest.mark.parametrize("body", BODIES)
def test_where_a_picture_repeats_itself_the_first_of_a_window_takes_the_gradient(body, cols, rounding, way):
    rng = np.random.default_rng(4)
    network, c = body_of(rng, body)
    x = repeating(rng, c, 48, cols)
    exact = network.forward(x.astype(np.float64), "plain")
    seed = rng.standard_normal(exact.output.shape)
    theirs = exact.backward(seed)["input"]
    for engine in ("fast", "plain"):
        ours = network.forward(x, engine).backward(seed.astype(np.float32))["input"]
        assert np.linalg.norm(ours - theirs) < 0.01 * np.linalg.norm(theirs), engine  # with no care for ties 0.1 to 0.9


@pytest.mark.parametrize("cols", [56, 61])
@pytest.mark.parametrize("body", BODIES)
def test_layers_that_compare_values_meet_equal_ones_where_windows_are_equal(body, cols, rounding):
    rng = np.random.default_rng(4)
    network, c = body_of(rng, body)
    x = np.broadcast_to(rng.standard_normal((1, c, 1, 1)), (1, c, 48, cols))
    for engine, dtype in product(("plain", "fast"), (np.float32, np.float64)):
        trace = network.forward(x.astype(dtype), engine)
        for before, (name, layer) in zip(trace, network.layers.items(), strict=False):
            by_maps = engine == "fast" and layer.__class__ is MaxPool2d and layer.size == (2, 2)  # knows by labels
            if isinstance(layer, MaxPool2d) and not by_maps:
                within = trace[before][..., 6:-6, 6:-6]
                assert (within == within[..., :1, :1]).all(), (engine, dtype, name)


def test_in_flat_parts_of_a_picture_the_first_of_a_window_takes_the_gradient_as_in_the_plain_engine():
    rng = np.random.default_rng(4)
    for c, k in ((3, 6), (40, 48)):  # by rows, by tiles
        network = Network({"conv": conv_layer(rng, c, k, padding=1), "relu": ReLU(), "pool": MaxPool2d(2)})
        x = np.repeat(np.repeat(rng.standard_normal((2, c, 4, 5)), 12, axis=2), 12, axis=3).astype(np.float32)
        fast, plain = network.forward(x, "fast"), network.forward(x, "plain")
        seed = rng.standard_normal(plain.output.shape).astype(np.float32)
        ours, theirs = (t.backward(seed, stop="relu")["relu"] for t in (fast, plain))
        flat = np.zeros(x.shape[2:], bool)
        for row in range(0, 48, 12):
            for col in range(0, 60, 12):
                flat[row + 2 : row + 10, col + 2 : col + 10] = True
        live = plain["relu"][..., flat] > 0
        np.testing.assert_allclose(ours[..., flat][live], theirs[..., flat][live], rtol=1e-5)
        assert (theirs[..., flat][live] != 0).any()


def test_only_the_rows_of_a_matrix_that_a_sparse_gradient_meets_are_read(monkeypatch):
    monkeypatch.setattr("numcam.nn.fast.dense.SMALL", 0)
    rng = np.random.default_rng(5)
    w = rng.standard_normal((70, 33)).astype(np.float32)
    for live in (0, 1, 30, 70):
        dout = np.zeros((1, 70), np.float32)
        dout[0, rng.permutation(70)[:live]] = rng.standard_normal(live)
        unread = w.copy()
        if live < 50:
            unread[dout[0] == 0] = np.nan
        for size in (1, 2):
            found = linear_backward(Team(size), dout, unread)
            np.testing.assert_allclose(found, dout.astype(np.float64) @ w, rtol=1e-4, atol=1e-5)


def test_the_rows_of_a_large_matrix_are_shared_among_the_threads(monkeypatch):
    monkeypatch.setattr("numcam.nn.fast.dense.SMALL", 0)
    rng = np.random.default_rng(9)
    layer = linear_layer(rng, 50, 700)
    for n, size in product((1, 3), (1, 2)):
        x, dout = rng.standard_normal((n, 50), np.float32), rng.standard_normal((n, 700), np.float32)
        w = layer.weight.astype(np.float64)
        assert apart(linear(Team(size), x, layer.weight, layer.bias), x @ w.T + layer.bias) < 1e-5
        assert apart(linear_backward(Team(size), dout, layer.weight), dout @ w) < 1e-5


def test_transformed_kernels_are_kept_from_their_second_use_on(way):
    rng = np.random.default_rng(10)
    layer = conv_layer(rng, 40, 40, padding=1)
    network = Network({"conv": layer})
    x = rng.standard_normal((1, 40, 20, 20)).astype(np.float32)
    seen = []
    for _ in range(3):
        trace = network.forward(x)
        gradients = trace.backward(np.ones(trace.output.shape, np.float32))
        seen.append([trace.output.copy(), gradients["input"].copy(), *kernels._TILES[layer].values()])
    assert seen[0][2:] == [None, None]
    assert [id(kernel) for kernel in seen[1][2:]] == [id(kernel) for kernel in seen[2][2:]]
    assert all(isinstance(kernel, Kernel) for kernel in seen[1][2:])
    for output, gradient, *_ in seen:
        np.testing.assert_array_equal(output, seen[0][0])
        np.testing.assert_array_equal(gradient, seen[0][1])


@pytest.mark.parametrize("mode", ["r", "c"])
def test_kernels_mapped_from_a_file_are_read_again_where_the_system_has_taken_their_pages(tmp_path, mode):
    rng = np.random.default_rng(11)
    layer = conv_layer(rng, 40, 40, padding=1)
    layer.weight.tofile(tmp_path / "w")
    mapped = np.memmap(tmp_path / "w", np.float32, mode, shape=layer.weight.shape)
    if mode == "c":
        mapped *= 2  # a change of one's own, which the file does not have
    network = Network({"conv": Conv2d(mapped, layer.bias, padding=1)})
    x = rng.standard_normal((1, 40, 20, 20)).astype(np.float32)
    expected = conv2d(x.astype(np.float64), np.array(mapped, np.float64), layer.bias, (1, 1), (1, 1))
    for _ in range(2):
        assert apart(network.forward(x).output, expected) < 1e-5
    np.testing.assert_array_equal(mapped, layer.weight * (2 if mode == "c" else 1))


def test_memory_asked_for_longest_ago_goes_first_when_too_much_is_kept(monkeypatch):
    memory = maps._Memory()
    monkeypatch.setattr(maps, "KEPT", 3 * 4000)
    shapes = [(1000,), (999,), (998,), (997,)]
    for shape in shapes[:3]:
        memory.take(shape, (0, 0))  # dropped at once
    assert [len(memory.free[shape, (0, 0)]) for shape in shapes] == [1, 1, 1, 0]
    held = memory.take(shapes[0], (0, 0))
    del held  # used again just now
    memory.take(shapes[3], (0, 0))
    assert [len(memory.free[shape, (0, 0)]) for shape in shapes] == [1, 0, 1, 1]
    assert memory.bytes == 4 * (1000 + 998 + 997)


def test_released_memory_is_given_back_and_what_is_held_stays():
    network, shape = CASES["pocket"]
    x = np.random.default_rng(12).standard_normal(shape).astype(np.float32)
    held = network.forward(x)
    kept = held["relu3_2"].copy()
    expected = network.forward(x).backward(1)["input"].copy()
    gc.collect()
    assert maps._MEMORY.bytes > 0
    release()
    assert maps._MEMORY.bytes == 0
    assert not any(maps._MEMORY.free.values())
    np.testing.assert_array_equal(network.forward(x).backward(1)["input"], expected)
    np.testing.assert_array_equal(held["relu3_2"], kept)


def test_a_rule_of_ones_own_gets_the_relus_input():
    network, shape = CASES["pocket"]
    x = np.random.default_rng(5).standard_normal(shape).astype(np.float32)

    def twice(dout, x):
        return 2 * dout * (x > 0)

    ours = network.forward(x, engine="fast").backward(0, {ReLU: twice})["input"]
    plain = network.forward(x, engine="plain").backward(0, {ReLU: twice})["input"]
    assert np.linalg.norm(ours - plain) < 0.03 * np.linalg.norm(plain)


def test_a_trace_is_not_overwritten_by_the_next_ones_and_lives_as_long_as_a_view():
    network, shape = CASES["pocket"]
    rng = np.random.default_rng(6)
    x = rng.standard_normal(shape).astype(np.float32)
    first = network.forward(x, engine="fast")
    kept = {name: first[name].copy() for name in first}
    view = first["relu3_2"][0, 1]
    for _ in range(3):
        network.forward(rng.standard_normal(shape).astype(np.float32), engine="fast").backward(1)
    assert all((first[name] == kept[name]).all() for name in first)
    del first
    gc.collect()
    for _ in range(3):
        network.forward(rng.standard_normal(shape).astype(np.float32), engine="fast").backward(1)
    np.testing.assert_array_equal(view, kept["relu3_2"][0, 1])


def test_memory_that_is_no_longer_held_is_used_again():
    def address():
        return Map(1, 3, 50, 51).data.ctypes.data

    gc.collect()
    assert len({address() for _ in range(5)}) == 1


def test_traces_are_read_only_and_do_not_share_the_callers_array():
    network, shape = CASES["pocket"]
    x = np.ones(shape, np.float32)
    trace = network.forward(x, engine="fast")
    x[:] = 7
    assert (trace["input"] == 1).all()
    for name in trace:
        with pytest.raises(ValueError, match="read-only"):
            trace[name][...] = 0


def test_threads_may_share_a_network(way):
    network, shape = CASES["pocket"]
    x = np.random.default_rng(7).standard_normal((6, *shape)).astype(np.float32)
    expected = [network.forward(one, engine="fast").backward(2)["input"] for one in x]
    found = [None] * len(x)

    def work(i):
        for _ in range(3):
            found[i] = network.forward(x[i], engine="fast").backward(2)["input"]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(x))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)  # with or without helpers


def test_a_failure_in_a_helper_reaches_the_caller_and_the_team_works_on():
    both = Team(2)

    def fails(i):
        if i == 1:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        both.run(fails)
    done = []
    both.share(10, 3, lambda some, _: done.append(some))
    assert sorted((s.start, s.stop) for s in done) == [(0, 3), (3, 6), (6, 9), (9, 10)]


def test_blas_threads_are_limited_inside_and_restored_after():
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads():
        return {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        with team(), team():
            assert threads() == {1}
        assert threads() == before


def test_blas_threads_are_limited_in_any_thread_and_restored_by_whoever_leaves_last():
    blas = ThreadpoolController().select(user_api="blas")

    def threads():
        return [library["num_threads"] for library in blas.info()]

    with blas.limit(limits=2):
        before = threads()
    entered, leave, seen = threading.Event(), threading.Event(), []

    def first():
        with team():
            seen.append(threads())
            entered.set()
            leave.wait(10)

    with blas.limit(limits=2), team():
        seen.append(threads())  # this thread has been the first to set a limit; now another is
    with blas.limit(limits=2):
        thread = threading.Thread(target=first)
        thread.start()
        entered.wait(10)
        with team():
            leave.set()
            thread.join()  # who came first goes first
            seen.append(threads())
        assert threads() == before
    assert seen == [[1] * len(before)] * 3


def test_where_blas_leaves_its_threads_to_openmp_every_thread_sets_its_own_limit(monkeypatch):
    limited = []

    class OpenMP:
        @contextmanager
        def limit(self, limits):
            limited.append((threading.get_ident(), limits))
            yield
            limited.append((threading.get_ident(), "restored"))

    monkeypatch.setattr("numcam.nn.fast.blas._openmp", OpenMP)
    ran = []
    both, me = Team(2), threading.get_ident()
    both.run(lambda _: ran.append(threading.get_ident()))
    (helper,) = set(ran) - {me}
    assert limited == [(helper, 1)]
    with alone():
        assert limited[1:] == [(me, 1)]
    assert limited[1:] == [(me, 1), (me, "restored")]


def test_the_number_of_threads_follows_the_users_wish(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert processors() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "4,2")
    assert 1 <= processors() <= 4
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= processors() <= 16


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python warns of forking with threads, which is the point
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_has_a_team_of_its_own():
    network, shape = CASES["pocket"]
    x = np.ones(shape, np.float32)
    network.forward(x, engine="fast")
    child = os.fork()
    if child == 0:
        os._exit(0 if np.isfinite(network.forward(x, engine="fast").output).all() else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_an_unknown_engine_is_named():
    network, shape = CASES["pocket"]
    with pytest.raises(ValueError, match='engine is "plain" or "fast"; got \'faster\''):
        network.forward(np.ones(shape, np.float32), engine="faster")
