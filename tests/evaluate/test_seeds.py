"""Seeds and their overlap with the truth on label maps small enough to draw by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numcam.evaluate.rejecting import best_threshold, right
from numcam.evaluate.seeds import complete, counts, mean_iou, seeds, truth_of


def strips():
    """Two maps on 1x10 pixels: one high on the left, one on the right, both in the middle."""
    first = np.array([[10, 10, 9, 5, 3, 1, 0, 0, 0, 0]], float)
    second = np.array([[0, 0, 0, 0, 3, 3, 4, 4, 1, 0]], float)
    return np.stack([first, second])


def test_foreground_is_above_a_fifth_of_the_maximum_and_the_smaller_class_wins():
    found = complete(strips(), [4, 7])
    # 4: pixels 0-4 (above 2, five of them); 7: 4-8 (above 0.8, five): equally large, the later one paints last
    assert found.tolist() == [[5, 5, 5, 5, 8, 8, 8, 8, 8, 0]]
    narrower = strips() * np.array([1, 2])[:, None, None]
    narrower[1, 0, 8] = 0
    assert complete(narrower, [4, 7]).tolist() == [[5, 5, 5, 5, 8, 8, 8, 8, 0, 0]]
    wider = strips()
    wider[0, 0, 4] = 1
    assert complete(wider, [4, 7]).tolist() == [[5, 5, 5, 5, 8, 8, 8, 8, 8, 0]]


def test_background_is_where_the_saliency_is_lowest_and_the_rest_has_no_label():
    maps = np.zeros((1, 40, 40))
    maps[0, :8, :8] = 1
    saliency = np.zeros((40, 40))
    saliency[:30] = 1
    found = seeds(maps, [2], saliency)
    assert (found[:8, :8] == 3).all()
    assert (found[-1] == 0).all()
    assert 0.05 < (found == 0).mean() <= 0.2
    assert (found[10:25] == -1).all()


def test_a_blank_map_claims_nothing():
    assert not complete(np.zeros((2, 3, 4)), [0, 1]).any()


def test_overlap_by_hand():
    truth = truth_of([np.array([[1, 1, 0, 0]], bool), np.array([[0, 0, 1, 0]], bool)], [0, 2])
    assert truth.tolist() == [[1, 1, 3, 0]]
    found = np.array([[1, 0, 3, -1]])
    counted = counts(found, truth, 3)
    assert counted.tolist() == [[0, 2], [1, 2], [0, 0], [1, 1]]  # background, class 0, class 1, class 2
    assert mean_iou(counted[None]) == pytest.approx((0 + 1 / 2 + 1) / 3)  # class 1 occurs nowhere
    assert np.isnan(mean_iou(np.zeros((1, 4, 2))))


def test_the_mean_is_over_classes_of_sums_over_pictures_not_of_shares():
    counted = np.array([[[1, 2], [5, 5]], [[3, 10], [0, 0]]])
    assert mean_iou(counted) == pytest.approx((4 / 12 + 1) / 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_overlap_is_counted_pixel_by_pixel(seed):
    rng = np.random.default_rng(seed)
    found, truth = rng.integers(-1, 4, (5, 6)), rng.integers(0, 4, (5, 6))
    expected = np.zeros((4, 2), int)
    for a, b in zip(found.ravel(), truth.ravel(), strict=True):
        for k in {a, b} - {-1}:
            expected[k] += (a == b, 1)
    np.testing.assert_array_equal(counts(found, truth, 3), expected)
    assert mean_iou(counts(truth, truth, 3)[None]) == 1


def test_right_is_pointing_at_what_is_there_and_rejecting_what_is_not():
    tops = np.array([5, 5, 1, 1, 5, 1, 0])
    hits = np.array([1, 0, 1, 0, 0, 0, 0], bool)
    there = np.array([1, 1, 1, 1, 0, 0, 0], bool)
    assert right(tops, hits, there, 2).tolist() == [True, False, False, False, False, True, True]
    assert right(tops, hits, there, 0).tolist() == [True, False, True, False, False, False, True]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_no_threshold_does_better_than_the_best(seed):
    rng = np.random.default_rng(seed)
    tops, hits, there = rng.uniform(0, 9, 30), rng.uniform(size=30) < 0.7, rng.uniform(size=30) < 0.5
    found = right(tops, hits, there, best_threshold(tops, hits, there)).sum()
    assert all(right(tops, hits, there, t).sum() <= found for t in np.linspace(0, 10, 200))
