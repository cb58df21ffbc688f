"""Signed overlays, the atlas and the comparison: colours mean what the bars say, on one scale."""

import numpy as np
import pytest
from matplotlib import colormaps

from numcam.explain import PRESETS, find
from numcam.figures import Panel
from numcam.figures.atlas import atlas, mosaic, painted
from numcam.figures.compare import compared
from numcam.figures.evidence import drawn, evidence, finding_panel
from numcam.figures.grid import arranged
from numcam.figures.paint import STRENGTH, grey_mixed
from numcam.models.classifier import Classifier
from numcam.models.preprocessing import Preprocessing
from numcam.nn import Flatten, Linear, Network


def picture(rows=8, cols=12):
    return np.random.default_rng(0).integers(0, 256, (rows, cols, 3)).astype(np.uint8)


def test_evidence_is_red_for_blue_against_and_the_grey_picture_at_zero():
    image, map = picture(), np.zeros((8, 12))
    map[1, 1], map[5, 5], map[6, 6] = 4.0, -4.0, -1.0
    found = evidence(image, map).astype(float)
    grey = grey_mixed(image, 1.0)
    np.testing.assert_allclose(found[0, 0], grey[0, 0], atol=1)
    for at, value in (((1, 1), 1.0), ((5, 5), 0.0), ((6, 6), 0.375)):
        opacity = STRENGTH * np.sqrt(abs(2 * value - 1))
        colour = 255 * np.array(colormaps["RdBu_r"](value)[:3])
        np.testing.assert_allclose(found[at], opacity * colour + (1 - opacity) * grey[at], atol=1.5)
    np.testing.assert_allclose(evidence(image, map * 0), grey, atol=1)
    assert (evidence(image, map, 8.0)[1, 1] != evidence(image, map)[1, 1]).any()


def bgr_classifier():
    w = np.arange(2 * 3 * 4 * 5, dtype=float).reshape(2, -1)
    network = Network({"flatten": Flatten(), "fc": Linear(w, np.zeros(2))})
    return Classifier(network, "ab", Preprocessing((10, 20, 30), (1.0, 2.0, 4.0), "BGR"), (4, 5))


def test_gradients_are_drawn_per_pixel_and_contributions_as_they_are_both_in_rgb():
    classifier = bgr_classifier()
    trace = classifier.forward(classifier.preprocess(picture(4, 5)).astype(np.float64))
    w = trace.network.parameters["fc.weight"][1].reshape(3, 4, 5)
    scale = np.array([1.0, 2.0, 4.0])[:, None, None]
    np.testing.assert_allclose(drawn(find(trace, 1, "saliency"), classifier), w[::-1] / scale)
    found = drawn(find(trace, 1, "gradient_times_input"), classifier)
    np.testing.assert_allclose(found, (w * trace["input"][0])[::-1])


def test_a_finding_with_negative_values_is_drawn_as_evidence_and_a_blank_one_says_so():
    classifier = bgr_classifier()
    trace = classifier.forward(classifier.preprocess(picture(4, 5)).astype(np.float64))
    image = picture(4, 5)
    assert finding_panel(find(trace, 1, "saliency"), classifier, image).scale == "signed"
    signed = find(trace, 1, "occlusion", size=1)
    assert finding_panel(signed, classifier, image).scale == ("evidence" if signed.values.min() < 0 else "map")
    network = trace.network.with_parameters({"fc.weight": np.zeros((2, 60)), "fc.bias": np.zeros(2)})
    blank = find(network.forward(trace["input"]), 1, "occlusion")
    assert finding_panel(blank, classifier, image, "at the top").caption == "0 everywhere"


def test_the_atlas_paints_every_class_on_one_scale():
    maps = np.zeros((7, 2, 3))
    maps[0, 0, 0], maps[1, 0, 0] = 8.0, 4.0
    first, second, blank, *_ = painted(picture(), maps, (40, 60)).astype(float)
    top, half = (255 * np.array(colormaps["inferno"](v)[:3]) for v in (1.0, 0.5))
    np.testing.assert_allclose(first[0, 0], 0.9 * top + 0.1 * blank[0, 0], atol=2)
    np.testing.assert_allclose(second[0, 0], 0.45 * half + 0.55 * blank[0, 0], atol=2)  # half as much, half as bright
    assert not painted(picture(), maps * 0, (4, 6)).std(axis=0).any()  # nothing anywhere: seven times the picture


def test_tiles_stand_in_reading_order_and_the_rest_is_white():
    tiles = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 3, 3), np.uint8)
    canvas = mosaic(tiles, 3, (6, 5))
    assert canvas.shape == (12, 13, 3)
    assert [int(canvas[r, c, 0]) for r, c in ((0, 0), (0, 5), (0, 10), (6, 0), (6, 5), (6, 10))] == [0, 1, 2, 3, 4, 255]
    assert (canvas[4:6] == 255).all()
    assert (canvas[:, 3:5] == 255).all()


@pytest.mark.parametrize("count", [1, 10, 30, 200])
def test_an_atlas_names_every_class_below_its_tile(count):
    figure = atlas(picture(), np.ones((count, 2, 2)), [f"name {i}" for i in range(count)], ["1 %"] * count, "title")
    axes = figure.axes[0]
    words = [text.get_text() for text in axes.texts]
    assert words == [f"name {i}\n1 %" for i in range(count)]
    at = [text.get_position() for text in axes.texts]
    assert at == sorted(at, key=lambda p: (p[1], p[0]))
    canvas = np.asarray(axes.images[0].get_array())
    for x, y in at:
        assert (canvas[int(y) + 1, int(x)] == 255).all()  # on white,
        assert (canvas[int(y) - 5, int(x)] != 255).any()  # a tile above it


def test_compare_draws_each_map_and_its_difference_from_the_first():
    maps = {name: np.random.default_rng(i).random((8, 12)) for i, name in enumerate(PRESETS)}
    maps["captum"] = maps["paper"] * 3 - 1  # signed, and on another scale
    figure = compared(picture(), maps, "title")
    assert len(figure.axes) == 2 * len(PRESETS) + 1
    captions = [axes.get_xlabel() for axes in figure.axes]
    assert captions[len(PRESETS)] == "the reference"
    assert captions[len(PRESETS) + list(PRESETS).index("captum")].startswith("correlation 1.000")
    assert "layer: pool" in captions[list(PRESETS).index("torch-cam")]
    grey = grey_mixed(picture(), 1.0)
    np.testing.assert_allclose(figure.axes[len(PRESETS)].images[0].get_array(), grey, atol=1)  # no difference to itself


def test_many_panels_are_wrapped_so_that_a_column_has_one_colour_bar():
    panels = [("image", Panel(picture()))]
    panels += [(f"m{i}", Panel(picture(), "note", None, "map")) for i in range(9)]
    panels += [(f"s{i}", Panel(picture(), "", None, "signed")) for i in range(4)]
    panels += [("e", Panel(picture(), "", None, "evidence"))]
    rows, columns = arranged(panels)
    assert columns == []
    assert max(len(row) for row in rows) <= 6
    for column in zip(*rows, strict=True):
        assert len({p.scale for p in column if p.caption and not p.caption.startswith("image")}) <= 1
    captions = [p.caption.split("\n")[0] for row in rows for p in row if p.caption]
    assert sorted(captions) == sorted(title for title, _ in panels)
    few = panels[:3]
    assert arranged(few) == ([[p for _, p in few]], ["image", "m0", "m1"])
