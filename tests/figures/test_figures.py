"""Colours mean what the colour bars say, and blank maps stay blank."""

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from numcam.errors import InputError
from numcam.figures import Panel, overlay, panels, save, shares, signed
from numcam.figures.paint import STRENGTH, grey_mixed, shrunk


def picture(rows=8, cols=12):
    return np.random.default_rng(0).integers(0, 256, (rows, cols, 3)).astype(np.uint8)


def test_an_overlay_shows_the_colour_map_at_the_maximum_and_the_picture_at_zero():
    image, map = picture(), np.zeros((8, 12))
    map[3, 4] = 7.0
    found = overlay(image, map).astype(float)
    faded = grey_mixed(image)
    np.testing.assert_allclose(found[0, 0], faded[0, 0], atol=1)
    top = 255 * np.array(colormaps["inferno"](1.0)[:3])
    np.testing.assert_allclose(found[3, 4], STRENGTH * top + (1 - STRENGTH) * faded[3, 4], atol=1)


def test_no_minimum_is_subtracted():
    np.testing.assert_allclose(shares(np.array([[2.0, 4.0]])), [[0.5, 1]])


def test_a_blank_map_leaves_the_picture_and_divides_by_nothing():
    image = picture()
    np.testing.assert_allclose(overlay(image, np.zeros((2, 3))), grey_mixed(image), atol=1)
    assert (signed(np.zeros((3, 4, 5))) == 128).all()


def test_signed_gradients_are_grey_at_zero_bright_above_dark_below_channel_by_channel():
    gradient = np.zeros((3, 10, 10))
    gradient[0, :5] = 2.0
    gradient[2, 5:] = -2.0
    found = signed(gradient)
    assert found.shape == (10, 10, 3)
    np.testing.assert_array_equal(found[0, 0], [255, 128, 128])
    np.testing.assert_array_equal(found[9, 9], [128, 128, 0])


def test_a_large_picture_is_painted_strip_by_strip_and_shown_smaller_with_marks_where_they_were(monkeypatch):
    image, map = picture(50, 70), np.random.default_rng(1).random((3, 4))
    whole = overlay(image, map)
    monkeypatch.setattr("numcam.figures.paint.STRIP", 7)
    np.testing.assert_array_equal(overlay(image, map), whole)
    monkeypatch.setattr("numcam.figures.paint.MOST_SHOWN", 30)
    np.testing.assert_array_equal(shrunk(image[:30, :30]), image[:30, :30])
    axes = panels([[Panel(image, mark=(40, 60))]], "title").axes[0]
    assert axes.images[0].get_array().shape[:2] == (17, 24)  # a third of each side
    assert tuple(axes.images[0].get_extent()) == (-0.5, 69.5, 49.5, -0.5)
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[60, 40]])


def test_panels_of_a_wide_picture_are_wide_and_all_line_up():
    row = [Panel(picture(10, 20), "caption", (3, 4), "map"), Panel(picture(10, 20))]
    figure = panels([row, row], "title", ["one", "two"], ["a", "b"])
    boxes = [axes.get_position() for axes in figure.axes[:4]]
    assert boxes[0].y0 == boxes[1].y0
    assert boxes[0].x0 == boxes[2].x0
    width, height = figure.get_size_inches()
    assert boxes[0].width * width == pytest.approx(2 * boxes[0].height * height)
    assert len(figure.axes) == 5  # four panels and one colour bar


def test_the_same_figure_is_the_same_file(tmp_path):
    for name in ("a.png", "b.png"):
        save(panels([[Panel(picture())]], "title"), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as written:
        assert written.format == "PNG"


def test_only_png_is_written(tmp_path):
    with pytest.raises(InputError, match=r"\.png"):
        save(panels([[Panel(picture())]], "title"), tmp_path / "a.gif")
