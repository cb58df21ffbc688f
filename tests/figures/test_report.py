"""The demo's figures say what is in them: where maxima lie, which answers an attack changed."""

import numpy as np
import pytest

import numcam
from numcam import scenes
from numcam.figures import explained, figure_1, figure_2, flips, where
from numcam.models.classifier import Classifier
from numcam.models.preprocessing import Preprocessing
from numcam.nn import Conv2d, Flatten, Linear, Network, ReLU

FLIPS, STANDS = 182, 0
"""Seeds of a scene that FGSM with 2 grey levels turns into another class, and of one that it does not."""


@pytest.fixture(scope="module")
def pocket():
    return numcam.load()


@pytest.fixture(scope="module")
def attacked(pocket):
    return list(flips(pocket, [scenes.draw(STANDS), scenes.draw(FLIPS)], 2.4))  # rounded: 2 whole grey levels


def look(weights, image):
    """One explanation of a network that sums the red of 4x6 cells with these weights (4, 6); x = pixels / 50."""
    w = np.array([[[[1.0]], [[0.0]], [[0.0]]]])
    layers = {"conv": Conv2d(w, np.zeros(1)), "relu": ReLU(), "flatten": Flatten()}
    network = Network({**layers, "fc": Linear(weights.reshape(1, -1), np.zeros(1))})
    classifier = Classifier(network, ("red",), Preprocessing((0.0, 0.0, 0.0), (50.0, 50.0, 50.0)), (4, 6))
    trace = classifier.forward(classifier.preprocess(image))
    return {m: explained(classifier, trace, m, 0, (40, 120)) for m in ("grad_cam", "saliency")}


def test_an_explanation_knows_its_maximum_in_the_pictures_own_pixels():
    image = np.ones((4, 6, 3), np.uint8)
    image[2, 5, 0] = 200
    weights = np.full((4, 6), 0.5)
    weights[1, 0] = -3.0
    found = look(weights, image)
    row, col = found["grad_cam"].at
    assert 20 <= row < 30  # the third of four rows, enlarged ten times
    assert col >= 100  # the last of six columns, enlarged twenty times
    row, col = found["saliency"].at
    assert 10 <= row < 20  # where the gradient is largest, whatever its sign
    assert col < 20
    np.testing.assert_allclose(found["saliency"].values[0], weights / 50)  # in logits per grey level


def test_a_map_that_every_cell_argues_against_is_said_to_be_blank():
    found = look(np.full((4, 6), -1.0), np.full((4, 6, 3), 100, np.uint8))["grad_cam"]
    assert found.at is None
    assert "argues against" in found.panel(np.zeros((40, 120, 3), np.uint8), "maximum").caption


def test_where_names_the_object_under_a_point_and_says_if_there_is_none():
    scene = scenes.draw(14, objects=2, names=("cat", "dog"))
    for thing in scene.objects:
        row, col = (int(v[0]) for v in np.nonzero(thing.mask))
        assert where(scene, (row, col)) == f"on the {thing.name}"
    free = np.argwhere(~(scene.objects[0].mask | scene.objects[1].mask))[0]
    assert where(scene, (int(free[0]), int(free[1]))) == "on no object"
    assert where(scene, None) == "on no object"


def test_figure_1_has_a_row_for_each_object_and_says_where_each_maximum_is(pocket):
    scene = scenes.draw(14, objects=2, names=("cat", "dog"))
    figure, found = figure_1(pocket, scene)
    assert [name for name, _ in found] == ["cat"] * 3 + ["dog"] * 3
    captions = [axes.get_xlabel() for axes in figure.axes[:8]]
    expected = [f"maximum {where(scene, one.at)}" for _, one in found]
    assert captions[1:4] + captions[5:8] == expected


def test_only_scenes_whose_answer_changes_are_flips_and_whole_grey_levels_decide(pocket, attacked):
    assert len(attacked) == 1
    scene, pixels, right, wrong = attacked[0]
    assert pocket.classes[right] == scene.objects[0].name == "cat"
    np.testing.assert_array_equal(pixels, np.rint(pixels))
    assert np.abs(pixels[0].transpose(1, 2, 0) - scene.image).max() == 2
    answer = pocket.predict(pixels[0].transpose(1, 2, 0).astype(np.uint8), top=1)[0][1]
    assert answer == pocket.classes[wrong] != "cat"


def test_figure_2_counts_what_its_captions_say(pocket, attacked):
    figure = figure_2(pocket, attacked, 2.0)
    before, picture, kept, other = (axes.get_xlabel() for axes in figure.axes[:4])
    scene, pixels, _, _ = attacked[0]
    (_, cat, was), (_, wrong, now) = (
        pocket.predict(p, top=1)[0] for p in (scene.image, pixels[0].transpose(1, 2, 0).astype(np.uint8))
    )
    assert before.startswith(f"{cat} {was:.1%}\n")
    assert picture == f"{wrong} {now:.1%} (was {cat})\nevery value ±2 of 255"
    title = figure.texts[0].get_text()
    assert f"still on the object in {int('on the cat' in kept)} of 1" in title
    assert f"elsewhere in {int('on the cat' not in other)} of 1" in title
