"""Three ways to enlarge a map, each against values worked out by hand."""

import numpy as np
import pytest
from scipy.ndimage import zoom

from numcam.explain.upsample import MODES, interpolation, upsample


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("small", "large"), [(1, 5), (2, 4), (14, 224), (7, 100), (5, 5)])
def test_weights_of_every_pixel_sum_to_one_and_stay_in_range(mode, small, large):
    matrix = interpolation(small, large, mode)
    assert matrix.shape == (large, small)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    assert matrix.min() >= 0
    assert ((matrix > 0).sum(axis=1) <= 2).all()


def test_half_pixel_by_hand():
    # cell centres of two cells lie at pixels 0.5 and 2.5 of four: pixel centres 0, 1, 2, 3 read -0.25, 0.25, 0.75, 1.25
    np.testing.assert_allclose(upsample(np.array([[[0.0, 4.0]]]), (1, 4)), [[[0, 1, 3, 4]]])


def test_corner_by_hand():
    np.testing.assert_allclose(upsample(np.array([[[0.0, 3.0]]]), (1, 4), "corner"), [[[0, 1, 2, 3]]])


def test_nearest_repeats_cells():
    map = np.arange(6.0).reshape(1, 2, 3)
    np.testing.assert_array_equal(upsample(map, (4, 9), "nearest"), map.repeat(2, axis=1).repeat(3, axis=2))


def test_corner_is_what_scipy_calls_zoom():
    map = np.random.default_rng(0).random((14, 13))
    np.testing.assert_allclose(upsample(map, (56, 39), "corner"), zoom(map, (4, 3), order=1), atol=1e-12)


def test_half_pixel_is_what_scipy_calls_grid_mode():
    map = np.random.default_rng(0).random((14, 13))
    expected = zoom(map, (4, 3), order=1, grid_mode=True, mode="nearest")
    np.testing.assert_allclose(upsample(map, (56, 39)), expected, atol=1e-12)


def test_the_two_bilinear_operators_put_things_up_to_seven_pixels_apart_at_224():
    cells = np.arange(14.0)[None, None]  # a ramp tells where each pixel reads
    difference = upsample(cells, (1, 224)) - upsample(cells, (1, 224), "corner")
    assert 16 * np.abs(difference).max() == pytest.approx(7.5, abs=0.6)


@pytest.mark.parametrize("mode", MODES)
def test_a_map_of_its_own_size_stays_as_it_is(mode):
    map = np.random.default_rng(0).random((2, 5, 6)).astype(np.float32)
    same = upsample(map, (5, 6), mode)
    np.testing.assert_allclose(same, map, rtol=1e-6)
    assert same.dtype == np.float32


@pytest.mark.parametrize(("size", "mode"), [((4, 4), "cubic"), ((0, 4), "nearest"), ((4,), "nearest")])
def test_wrong_modes_and_sizes_are_refused(size, mode):
    with pytest.raises(ValueError, match=r"half-pixel|size"):
        upsample(np.zeros((1, 2, 2)), size, mode)
