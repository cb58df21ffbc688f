"""Energy, parts, boxes and overlaps by hand, against loops and flood fill, and on nothing at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numcam.errors import InputError
from numcam.evaluate.boxes import box_iou, box_of, energy_inside, largest_component, mask_iou, scaled

MAP = np.array([[9, 0, 0, 0], [0, 4, 5, 0], [0, 0, 6, 1], [2, 2, 0, 0]], float)


def test_energy_is_the_share_of_positive_values_on_the_mask():
    mask = np.zeros((4, 4), bool)
    mask[1:3, 1:3] = True
    assert energy_inside(MAP, mask) == 15 / 29
    assert energy_inside(MAP - 100 * (MAP == 9), mask) == 15 / 20  # what is negative counts for nothing


def test_the_largest_part_depends_on_whether_corners_touch():
    eight = largest_component(MAP, 0.4, 8)  # at least 3.6: the 9 touches the 4 by a corner
    np.testing.assert_array_equal(eight, MAP >= 3.6)
    four = largest_component(MAP, 0.4, 4)
    np.testing.assert_array_equal(four, (MAP >= 3.6) & (MAP != 9))
    assert box_of(eight) == (0, 0, 3, 3)
    assert box_of(four) == (1, 1, 3, 3)


def test_of_equal_parts_the_first_in_reading_order_is_taken():
    assert box_of(largest_component(np.array([[0, 1.0, 0, 1.0]]), 0.5)) == (1, 0, 2, 1)


def test_blank_maps_and_empty_masks_have_no_energy_no_part_no_box_and_no_overlap():
    blank, nothing = np.zeros((3, 4)), np.zeros((3, 4), bool)
    assert energy_inside(blank, ~nothing) == 0
    assert energy_inside(np.ones((3, 4)), nothing) == 0
    assert energy_inside(-np.ones((3, 4)), ~nothing) == 0
    assert not largest_component(blank).any()
    assert not largest_component(blank - 1).any()
    assert box_of(nothing) is None
    assert mask_iou(nothing, nothing) == 0
    assert box_iou(None, (0, 0, 1, 1)) == box_iou((0, 0, 1, 1), None) == box_iou(None, None) == 0
    assert scaled(None, (3, 4), (6, 8)) is None


def flooded(map, threshold, steps):
    """Another way: fill from every cell, without a library."""
    on = {tuple(p) for p in np.argwhere(map >= threshold * map.max())} if map.max() > 0 else set()
    best = set()
    while on:
        part, todo = set(), [min(on)]
        while todo:
            r, c = todo.pop()
            if (r, c) in on:
                on.remove((r, c))
                part.add((r, c))
                todo += [(r + a, c + b) for a, b in steps]
        best = part if len(part) > len(best) else best
    return best


FOUR = [(0, 1), (1, 0), (0, -1), (-1, 0)]
EIGHT = [*FOUR, (1, 1), (1, -1), (-1, 1), (-1, -1)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.15, 0.5, 1.0]), st.sampled_from([4, 8]))
def test_parts_are_those_of_a_flood_fill(seed, threshold, connectivity):
    map = np.random.default_rng(seed).integers(0, 4, (6, 9)).astype(float)
    expected = flooded(map, threshold, FOUR if connectivity == 4 else EIGHT)
    found = {tuple(p) for p in np.argwhere(largest_component(map, threshold, connectivity))}
    assert len(found) == len(expected)
    assert found == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=8, max_size=8))
def test_boxes_overlap_as_their_pixels_do(numbers):
    boxes = [(min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1) for a, b, c, d in (numbers[:4], numbers[4:])]
    masks = []
    for left, top, right, bottom in boxes:
        mask = np.zeros((12, 12), bool)
        mask[top:bottom, left:right] = True
        assert box_of(mask) == (left, top, right, bottom)
        masks.append(mask)
    assert box_iou(*boxes) == pytest.approx(mask_iou(*masks))
    assert box_iou(*(scaled(b, (12, 12), (30, 6)) for b in boxes)) == pytest.approx(box_iou(*boxes))


@pytest.mark.parametrize(("options", "words"), [({"connectivity": 6}, "4 or 8"), ({"threshold": 0}, "share of")])
def test_other_conventions_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        largest_component(MAP, **options)
