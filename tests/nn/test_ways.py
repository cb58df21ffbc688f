"""How products are laid out follows from the kernels that BLAS runs, and from nothing else."""

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from numcam.models.vgg import random_network
from numcam.nn.fast import blas, ways
from numcam.nn.fast.ways import SAFE, UNPACKED, WAYS, Way, chosen, trying


def library(name, **more):
    return {"user_api": "blas", "internal_api": name, "filepath": f"/env/{name}.so"} | more


SCIPYS = library("openblas", architecture="Zen", filepath="/env/scipy.libs/libscipy_openblas.so")
LOADED = {
    "NumPy's own beside SciPy's": (
        [SCIPYS, library("openblas", architecture="SkylakeX", filepath="/env/numpy.libs/libscipy_openblas64_.so")],
        "SkylakeX",
        UNPACKED,
    ),
    "a shared one beside another package's": (
        [
            library("openblas", architecture="Zen", filepath="/env/lib/python3/site-packages/torch/lib/libopenblas.so"),
            library("openblas", architecture="SkylakeX", filepath="/usr/lib/libopenblas.so.0"),
        ],
        "SkylakeX",
        UNPACKED,
    ),
    "one for both": ([library("openblas", architecture="Haswell")], "Haswell", SAFE),
    "kernels that nobody has measured": ([library("openblas", architecture="NeoverseV2")], "NeoverseV2", SAFE),
    "MKL": ([library("mkl"), SCIPYS], "mkl", SAFE),
    "BLIS": ([library("blis", architecture="zen4")], "zen4", SAFE),
    "one that does not tell": ([], "", SAFE),
    "OpenMP alone": ([{"user_api": "openmp", "internal_api": "openmp", "filepath": "/env/libgomp.so"}], "", SAFE),
}


@pytest.mark.parametrize("case", LOADED)
def test_the_way_follows_from_numpys_own_blas(case, monkeypatch):
    libraries, name, way = LOADED[case]

    class Controller:
        def info(self):
            return libraries

    monkeypatch.setattr(blas, "_loaded", Controller)
    blas._numpys.cache_clear()
    assert blas.kernel() == name
    assert chosen() is way
    monkeypatch.undo()
    blas._numpys.cache_clear()


@pytest.mark.skipif(
    "openblas" not in {found["internal_api"] for found in threadpool_info()}, reason="NumPy has another BLAS here"
)
def test_the_kernels_are_those_that_openblas_has_been_told_to_run():
    code = "from numcam.nn.fast.blas import kernel; print(kernel())"
    environment = os.environ | {"OPENBLAS_CORETYPE": "Nehalem"}  # every processor of ten years can
    call = [sys.executable, "-c", code]
    found = subprocess.run(call, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    assert found in ("Nehalem", blas.kernel())  # or what there is, where it was built for one kind alone


@pytest.mark.parametrize("way", [*dict.fromkeys(WAYS.values()), Way(small=50_000, gathered=True)])
def test_pieces_and_blocks_cover_a_product_and_are_small_where_that_is_asked_for(way):
    for c, k, tiles in ((3, 7, 1), (64, 64, 112), (512, 512, 49), (40, 24, 5), (17, 13, 97)):
        piece = way.piece(c, k)
        block = way.block(tiles, c, piece)
        assert k % piece == 0
        assert 1 <= block <= tiles
        if way.small and piece <= 32:
            assert block * c * piece <= max(way.small, c * piece)
        if not way.small:
            assert (piece, block) == (k, tiles)


def test_all_ways_give_the_same_logits_and_gradients_to_rounding():
    network = random_network("pocket", input_size=(64, 64))
    x = np.random.default_rng(0).standard_normal((2, 3, 64, 64)).astype(np.float32)
    exact = network.forward(x.astype(np.float64))
    for way in {UNPACKED, SAFE, ways.chosen()}:
        with trying(way):
            trace = network.astype(np.float64).astype(np.float32).forward(x)
            found, gradient = trace.output, trace.backward(1)["input"]
        assert np.abs(found - exact.output).max() < 1.5e-6 * np.abs(exact.output).max()
        theirs = exact.backward(1)["input"]
        assert np.linalg.norm(gradient - theirs) < 0.03 * np.linalg.norm(theirs)  # gates within rounding of 0


def test_a_way_that_is_tried_is_left_again_even_after_an_error():
    before = chosen()
    with pytest.raises(ZeroDivisionError), trying(Way(small=1, gathered=False)):
        raise ZeroDivisionError(chosen().small)
    assert chosen() is before
