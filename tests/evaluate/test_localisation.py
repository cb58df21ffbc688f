"""The pointing game on masks drawn by hand, also where there is nothing to point at."""

import numpy as np
import pytest

from numcam import scenes
from numcam.evaluate import chance, distance_to_mask, peak, points_at, wilson_interval
from numcam.evaluate.on_scenes import Pointing, measure
from numcam.loading import load


def square(top=2, left=3, size=2, side=10):
    mask = np.zeros((side, side), bool)
    mask[top : top + size, left : left + size] = True
    return mask


def spike(row, col, side=10):
    map = np.zeros((side, side))
    map[row, col] = 1
    return map


def test_the_peak_is_the_first_maximum_in_reading_order():
    assert peak(np.array([[0, 1, 5], [5, 2, 0]])) == (0, 2)


@pytest.mark.parametrize(
    ("point", "distance"), [((2, 3), 0), ((3, 4), 0), ((2, 7), 3), ((5, 3), 2), ((6, 8), 5), ((0, 0), np.hypot(2, 3))]
)
def test_distance_is_to_the_nearest_pixel_of_the_mask(point, distance):
    assert distance_to_mask(square(), point) == pytest.approx(distance)


def test_a_hit_is_on_the_mask_or_within_the_tolerance():
    assert points_at(spike(3, 3), square())
    assert not points_at(spike(2, 7), square())
    assert not points_at(spike(2, 7), square(), tolerance=2.9)
    assert points_at(spike(2, 7), square(), tolerance=3)


def test_a_blank_map_and_an_empty_mask_are_never_hit():
    everything, nothing = np.ones((10, 10), bool), np.zeros((10, 10), bool)
    assert not points_at(np.zeros((10, 10)), everything, tolerance=99)
    assert not points_at(spike(1, 1), nothing, tolerance=99)
    assert chance(nothing, 99) == 0
    assert distance_to_mask(nothing, (0, 0)) == np.inf


def test_chance_is_the_share_of_pixels_that_would_hit():
    assert chance(square()) == 0.04
    assert chance(square(), 1) == 0.12  # four more pixels on each side but the corners, 4 + 8
    assert chance(np.ones((3, 3), bool)) == 1


def test_the_wilson_interval_has_its_published_values():
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998, table I
    assert wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson_interval(0, 0) == (0, 1)


def test_counts_of_one_scene_by_hand():
    first = scenes.Object("cat", square(20, 20, 10, 224), (20, 20, 30, 30))
    second = scenes.Object("dog", square(100, 100, 10, 224), (100, 100, 110, 110))
    scene = scenes.Scene(np.zeros((224, 224, 3), np.uint8), (first, second))
    pointing = Pointing()
    for row, col in ((25, 25), (40, 25), (105, 105), (200, 200)):  # on it, 11 px below it, on the other, nowhere
        pointing.add(spike(row, col, 224), scene, 0)
    pointing.add(np.zeros((224, 224)), scene, 0)
    assert (pointing.asked, pointing.inside, pointing.near, pointing.other) == (5, 1, 2, 1)


def test_measuring_counts_every_scene_once_whatever_the_batch():
    classifier = load("pocket", "random")
    reports = [list(measure(classifier, range(5), 2, ("grad_cam",), batch))[-1] for batch in (2, 5)]
    for report in reports:
        assert report.count == 5
        assert report.pointing["grad_cam"].asked == 10
    assert reports[0].pointing["grad_cam"].inside == reports[1].pointing["grad_cam"].inside
    assert reports[0].chance_inside == pytest.approx(reports[1].chance_inside)
