"""Curves, drops and ROAD where the score is a sum of pixels, so that every number can be worked out by hand."""

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from numcam.errors import InputError
from numcam.evaluate.faithful import area, curve, deletion, drop, insertion, order, shown
from numcam.evaluate.road import combined, imputed, road


def picture(rows=4, cols=5, seed=0):
    return np.random.default_rng(seed).uniform(size=(3, rows, cols))


def test_the_order_is_the_maps_and_ties_are_drawn():
    assert order(np.array([[1, 5], [3, 2]])).tolist() == [1, 2, 3, 0]
    blank = [order(np.zeros((4, 5)), seed).tolist() for seed in range(3)]
    assert sorted(blank[0]) == list(range(20))
    assert blank[0] != blank[1] != blank[2]
    assert order(np.zeros((4, 5)), 1).tolist() == blank[1]


def test_a_curve_replaces_pixels_in_order_and_ends_at_the_picture():
    x, start = np.arange(12.0).reshape(3, 2, 2), np.full((3, 2, 2), 100.0)
    seen = []
    curve(x, start, np.array([3, 0, 1, 2]), lambda frames: seen.append(frames.copy()) or np.zeros(len(frames)), 2)
    first, middle, final = seen[0]
    np.testing.assert_array_equal(first, start)
    np.testing.assert_array_equal(middle, [[[0, 100], [100, 3]], [[4, 100], [100, 7]], [[8, 100], [100, 11]]])
    np.testing.assert_array_equal(final, x)


def test_deletion_of_a_sum_falls_by_what_each_pixel_adds():
    """The score is the mean over the pixels of weight * (x - mean): a loop over pixels gives the same curve."""
    x, weight = picture(), np.random.default_rng(1).uniform(size=(4, 5))
    mean = x.mean(axis=(1, 2), keepdims=True)

    def score(frames):
        return ((frames - mean).sum(axis=1) * weight).sum(axis=(1, 2))

    map = ((x - mean).sum(axis=0)) * weight  # the exact contribution of every pixel
    expected = [map.sum()]
    for value in sorted(map.ravel(), reverse=True):
        expected.append(expected[-1] - value)
    np.testing.assert_allclose(deletion(x, map, score, steps=20), expected, atol=1e-12)
    others = [area(deletion(x, np.random.default_rng(s).uniform(size=(4, 5)), score, 20)) for s in range(20)]
    assert area(deletion(x, map, score, 20)) < min(others)  # no order is better than the exact one


def test_insertion_starts_blurred_and_ends_sharp():
    x = picture(20, 30)
    values = insertion(x, x[0], lambda frames: np.abs(frames - x).mean(axis=(1, 2, 3)), steps=5)
    assert values[-1] == 0
    assert (np.diff(values) < 0).all()


def test_the_area_is_the_trapezoid_rule():
    assert area(np.array([1, 1, 1])) == 1
    assert area(np.array([1, 0])) == 0.5
    values = np.random.default_rng(0).uniform(size=9)
    assert area(values) == pytest.approx(scipy.integrate.trapezoid(values, dx=1 / 8))


def test_a_drop_is_relative_and_never_negative():
    assert drop(0.8, 0.6) == pytest.approx(0.25)
    assert drop(0.8, 0.9) == 0
    assert drop(0.0, 0.0) == 0


def test_only_the_explanation_is_shown():
    x, map = picture(), np.zeros((4, 5))
    mean = x.mean(axis=(1, 2))
    np.testing.assert_allclose(shown(x, map), np.broadcast_to(mean[:, None, None], x.shape))
    map[1, 2], map[0, 0] = 4, -9
    found = shown(x, map)
    np.testing.assert_allclose(found[:, 1, 2], x[:, 1, 2])
    np.testing.assert_allclose(found[:, 0, 0], mean)


def naive(x, missing, rounds=20000):
    """The same fill by going round and round: each missing pixel becomes the mean of its neighbours."""
    weights = {(a, b): (1 / 6 if 0 in (a, b) else 1 / 12) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)}
    out = x.copy()
    at = np.argwhere(missing)
    for _ in range(rounds):
        before = out.copy()
        for r, c in at:
            near = {(r + a, c + b): w for (a, b), w in weights.items()}
            inside = {p: w for p, w in near.items() if 0 <= p[0] < x.shape[1] and 0 <= p[1] < x.shape[2]}
            out[:, r, c] = sum(w * out[:, p[0], p[1]] for p, w in inside.items()) / sum(inside.values())
        if np.abs(out - before).max() < 1e-12:
            break
    return out


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_the_fill_is_the_one_where_every_missing_pixel_is_its_neighbours_mean(share):
    x = picture(6, 7)
    missing = np.random.default_rng(3).uniform(size=(6, 7)) < share
    np.testing.assert_allclose(imputed(x, missing, noise=0), naive(x, missing), atol=1e-9)


def test_a_flat_picture_is_filled_flat_and_a_ramp_by_a_ramp_inside():
    flat = np.ones((3, 9, 9)) * np.array([1.0, 2, 3])[:, None, None]
    hole = np.zeros((9, 9), bool)
    hole[3:6, 2:7] = True
    np.testing.assert_allclose(imputed(flat, hole, noise=0), flat)
    ramp = np.broadcast_to(np.arange(9.0), (3, 9, 9)).copy()
    np.testing.assert_allclose(imputed(ramp, hole, noise=0), ramp, atol=1e-12)


def test_nothing_missing_changes_nothing_and_all_missing_leaves_the_mean():
    x = picture()
    np.testing.assert_array_equal(imputed(x, np.zeros((4, 5), bool)), x)
    found = imputed(x, np.ones((4, 5), bool), noise=0)
    np.testing.assert_allclose(found, np.broadcast_to(x.mean(axis=(1, 2), keepdims=True), x.shape))
    with pytest.raises(InputError, match="one value per pixel"):
        imputed(x, np.zeros((5, 4), bool))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 0.95))
def test_the_fill_stays_between_the_known_values_and_leaves_them_alone(seed, share):
    x = picture(8, 5, seed)
    missing = np.random.default_rng(seed).uniform(size=(8, 5)) < share
    if missing.all():
        return
    found = imputed(x, missing, noise=0)
    np.testing.assert_array_equal(found[:, ~missing], x[:, ~missing])
    assert (found.max(axis=(1, 2)) <= x[:, ~missing].max(axis=1) + 1e-9).all()
    assert (found.min(axis=(1, 2)) >= x[:, ~missing].min(axis=1) - 1e-9).all()


def test_road_rewards_the_map_that_knows_which_pixels_count():
    x = np.zeros((3, 12, 12))
    x[:, 4:7, 4:7] = 1.0

    def score(frames):
        return frames[:, 0, 4:7, 4:7].mean(axis=(1, 2))

    good = combined(road(x, x[0], score, (0.2, 0.5)))
    bad = combined(road(x, -x[0], score, (0.2, 0.5)))
    assert good > 0.3
    assert bad == pytest.approx(-good, abs=0.1)
    blank = np.mean([combined(road(x, np.zeros((12, 12)), score, (0.2, 0.5), seed=s)) for s in range(30)])
    assert abs(blank) < 0.1
