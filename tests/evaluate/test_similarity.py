"""Spearman against SciPy, SSIM against its definition in loops, both where there is nothing to compare."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from numcam.evaluate.similarity import spearman, ssim, unit


def pair(seed, rows=9, cols=13):
    rng = np.random.default_rng(seed)
    a = rng.uniform(size=(rows, cols))
    return a, np.clip(a + rng.normal(size=a.shape) * rng.uniform(0, 1), 0, 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_spearman_is_scipys_also_with_ties(seed, ties):
    a, b = pair(seed)
    if ties:
        a, b = np.round(a * 4), np.round(b * 4)
    assert spearman(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_spearman_knows_order_only(seed):
    a, b = pair(seed)
    assert spearman(a, np.exp(5 * a)) == pytest.approx(1)
    assert spearman(a, -a) == pytest.approx(-1)
    assert spearman(a, b) == pytest.approx(spearman(b, a))


def test_a_constant_map_is_like_a_constant_one_and_like_no_other():
    a, _ = pair(0)
    assert spearman(np.zeros((3, 4)), np.ones((3, 4))) == 1
    assert spearman(np.zeros_like(a), a) == spearman(a, np.zeros_like(a)) == 0
    assert ssim(np.zeros((9, 9)), np.zeros((9, 9))) == pytest.approx(1)
    assert not unit(np.full((3, 3), 7.0)).any()


def looped_ssim(a, b):
    """Wang et al. 2004, equation 13, window by window; the border is mirrored."""
    radius = int(3.5 * 1.5 + 0.5)
    steps = np.arange(-radius, radius + 1)
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * 1.5**2))
    window /= window.sum()
    p, q = (np.pad(m, radius, mode="symmetric") for m in (a, b))
    values = []
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            u, v = (m[r : r + 2 * radius + 1, c : c + 2 * radius + 1] for m in (p, q))
            mu, mv = (window * u).sum(), (window * v).sum()
            uu, vv, uv = ((window * x).sum() for x in ((u - mu) ** 2, (v - mv) ** 2, (u - mu) * (v - mv)))
            values.append((2 * mu * mv + 1e-4) * (2 * uv + 9e-4) / ((mu**2 + mv**2 + 1e-4) * (uu + vv + 9e-4)))
    return np.mean(values)


@pytest.mark.parametrize("seed", range(5))
def test_ssim_is_its_definition(seed):
    a, b = pair(seed)
    assert ssim(a, b) == pytest.approx(looped_ssim(a, b), abs=1e-10)


def test_ssim_of_a_map_with_itself_is_1_and_falls_with_noise():
    a, _ = pair(3, 30, 40)
    noise = np.random.default_rng(0).normal(size=a.shape)
    values = [ssim(a, a + s * noise) for s in (0, 0.05, 0.2, 1)]
    assert values[0] == pytest.approx(1)
    assert values == sorted(values, reverse=True)


def test_unit_spans_0_to_1():
    found = unit(np.array([[-3.0, 1.0], [5.0, 1.0]]))
    np.testing.assert_allclose(found, [[0, 0.5], [1, 0.5]])
