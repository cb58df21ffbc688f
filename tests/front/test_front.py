"""One call from a picture to an answer that shows itself; its numbers are those of the functions below it."""

import io

import numpy as np
import pytest
from PIL import Image

from numcam import (
    Classifier,
    InputError,
    conventional,
    find,
    fused,
    grad_cam,
    load,
    read_image,
    saliency,
    scenes,
    upsample,
)
from numcam.attack import ATTACKS, answers, at_full_size, lasting, rounded
from numcam.attack.lasting import shrinking
from numcam.explain import METHODS, TITLES
from numcam.explain.methods import EVERY, method_named
from numcam.figures import overlay
from numcam.models.preprocessing import CENTRED
from numcam.nn import Conv2d, GlobalAvgPool2d, Linear, MaxPool2d, Network, ReLU, SiLU

SCENE = scenes.draw(0, objects=2, names=("cat", "dog")).image
"""224 x 224."""


@pytest.fixture(scope="module")
def classifier():
    return load()


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A larger picture, in a file, with its rows and columns not alike."""
    path = tmp_path_factory.mktemp("photo") / "scene.png"
    Image.fromarray(SCENE).resize((400, 300), Image.Resampling.BICUBIC).save(path)
    return path


def test_explain_gives_what_the_functions_give(classifier, photo):
    image = read_image(photo)
    trace = classifier.forward(classifier.preprocess(image))
    dog = classifier.index("dog")
    found = classifier.explain(photo, "dog")
    np.testing.assert_array_equal(found.map, grad_cam(trace, dog)[0])
    expected = find(trace, dog)
    assert (found.score, found.margin, found.probability) == (expected.score, expected.margin, expected.probability)
    assert (found.name, found.layer, found.method, found.index) == ("dog", "relu5_3", "grad_cam", dog)
    large = upsample(grad_cam(trace, dog)[0].astype(float), (300, 400))
    np.testing.assert_allclose(found.heatmap(), large / large.max())
    assert found.heatmap((30, 40)).shape == (30, 40)
    assert found.at == np.unravel_index(large.argmax(), large.shape)
    np.testing.assert_array_equal(np.asarray(found.overlay()), overlay(image, grad_cam(trace, dog)[0]))


def test_without_a_target_the_likeliest_class_is_explained(classifier):
    assert classifier.explain(SCENE).name == classifier.predict(SCENE, top=1)[0][1]


def test_a_picture_may_come_in_any_form(classifier, photo):
    image = read_image(photo)
    expected = classifier.explain(image, "dog").map
    for given in (str(photo), Image.open(photo), image.transpose(2, 0, 1), image.astype(np.float32)):
        np.testing.assert_array_equal(classifier.explain(given, "dog").map, expected)


def test_lists_of_pictures_classes_and_layers(classifier, photo):
    both = classifier.explain([photo, SCENE], "dog")
    assert [one.image.shape for one in both] == [(300, 400, 3), (224, 224, 3)]
    assert [one.name for one in classifier.explain([photo, SCENE], ["dog", "cat"])] == ["dog", "cat"]
    assert [one.name for one in classifier.explain(SCENE, ["dog", "cat", 3])] == ["dog", "cat", classifier.classes[3]]
    trace = classifier.forward(classifier.preprocess(SCENE))
    layers = ["relu4_3", "relu5_3"]
    np.testing.assert_array_equal(classifier.explain(SCENE, 1, layer=layers).map, fused(trace, 1, layers)[0])
    with pytest.raises(InputError, match="2 pictures take one target or 2; got 3"):
        classifier.explain([SCENE, SCENE], ["dog", "cat", "car"])


@pytest.mark.parametrize("layer", ["relu5_2", "block5_conv2", "features.27", -4, "-4", np.int64(-4)])
def test_a_layer_has_many_names(classifier, layer):
    """From the end: pool5, relu5_3, conv5_3, relu5_2."""
    assert classifier.layer(layer) == "relu5_2"
    trace = classifier.forward(classifier.preprocess(SCENE))
    np.testing.assert_array_equal(
        classifier.explain(SCENE, 0, layer=layer).map, grad_cam(trace, 0, classifier.layer(layer))[0]
    )


def test_grad_cam_itself_counts_layers_from_the_end_and_takes_scalars(classifier):
    trace = classifier.forward(classifier.preprocess(SCENE))
    np.testing.assert_array_equal(grad_cam(trace, np.array(1), layer=-1), grad_cam(trace, 1, layer="pool5"))
    with pytest.raises(InputError, match="give one layer"):
        grad_cam(trace, 1, layer=["relu5_3"])
    with pytest.raises(InputError, match="counts from the end"):
        grad_cam(trace, 1, layer=-100)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_shows_itself_and_can_be_kept(classifier, tmp_path, method):
    few = {"rise": {"masks": 8}, "smooth_grad": {"samples": 2}, "occlusion": {"size": 56, "stride": 56}}
    found = classifier.explain(SCENE, "cat", method=method, **few.get(method, {}))
    for picture in (found.overlay(), Image.open(io.BytesIO(found._repr_png_()))):
        assert picture.size == (224, 224)
    assert "data:image/png;base64," in found._repr_html_()
    assert TITLES[method] in repr(found)
    assert found.map.ndim == 2
    for name in ("a.png", "a.npz", "a.csv"):
        assert found.save(tmp_path / name).stat().st_size > 100


def test_html_of_a_class_with_a_tag_for_a_name_is_text(classifier):
    from dataclasses import replace

    found = replace(classifier.explain(SCENE, "cat"), name="<script>")
    assert "<script>" not in found._repr_html_()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Grad-CAM++", "grad_cam_plus_plus"), ("gradcampp", "grad_cam_plus_plus"), ("GradCAM", "grad_cam"),
        ("GradCAMPlusPlus", "grad_cam_plus_plus"), ("gradient", "saliency"),
        ("Guided Backpropagation", "guided_backprop"),
        ("gradient × input", "gradient_times_input"), ("XGradCAM", "xgrad_cam"), ("ig", "integrated_gradients"),
        ("guided-grad-cam", "guided_grad_cam"), ("GuidedGradCam", "guided_grad_cam"), ("HiResCAM", "hires_cam"),
        ("counterfactual", "counterfactual_grad_cam"), ("RISE", "rise"), ("Smooth Grad", "smooth_grad"),
    ],
)  # fmt: skip
def test_methods_by_their_usual_spellings(given, name):
    assert method_named(given) == name


def test_methods_by_every_name_that_is_printed():
    assert {method_named(title): title for title in TITLES.values()} == TITLES
    assert all(method_named(name) == name for name in EVERY)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "shap"}, "no method 'shap'"),
        ({"target": "catt"}, "did you mean cat"),
        ({"target": 99}, "0 to 9"),
        ({"layer": "relu9"}, "no layer 'relu9'"),
        ({"layer": "fc6"}, "no rows and columns"),
        ({"layer": []}, "list of layers is empty"),
        ({"layer": "relu5_3", "method": "saliency"}, "at no single layer"),
        ({"samples": 3}, "grad_cam takes no options; got samples"),
        ({"picture": 3}, "a picture is a path"),
        ({"picture": np.zeros((3, 3))}, None),
        ({"picture": "nowhere.png"}, "nowhere.png does not exist"),
        ({"picture": SCENE / 255.0}, "0-1"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(classifier, options, words):
    if words is None:
        assert classifier.explain(**options).map.shape == (14, 14)
        return
    with pytest.raises(InputError, match=words):
        classifier.explain(**{"picture": SCENE, **options})


def test_attack_gives_the_picture_that_a_file_holds_and_says_whether_it_succeeds(classifier, photo, tmp_path):
    found = classifier.attack(photo, epsilon=4)
    start = rounded(classifier.to_pixels(read_image(photo)))
    np.testing.assert_array_equal(found.moved, ATTACKS["fgsm"](classifier, start, epsilon=4))
    assert found.change == (4, pytest.approx(4, abs=0.2))
    again = read_image(found.save(tmp_path / "x.png"))
    np.testing.assert_array_equal(again, found.image)
    assert classifier.predict(again, top=3) == found.after
    assert found.succeeded == (found.after[0][0] != found.before[0][0])
    assert ("succeeds" if found.succeeded else "fails") in repr(found)
    assert "data:image/png" in found._repr_html_()
    with pytest.raises(InputError, match="keep every value"):
        found.save(tmp_path / "x.jpg")


def test_an_attack_that_changes_nothing_says_that_it_fails(classifier):
    found = classifier.attack(SCENE, epsilon=0)
    assert not found.succeeded
    assert not classifier.attack(SCENE, to="boat", epsilon=0).succeeded


def test_attacks_on_lists_and_with_targets(classifier, photo):
    found = classifier.attack([photo, SCENE], to="bird", method="pgd", epsilon=8, steps=10)
    assert all(one.succeeded == (one.after[0][1] == "bird") for one in found)
    assert any(one.succeeded for one in found)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "cw"}, "no attack 'cw'"),
        ({"label": 0, "to": 1}, "give one of them"),
        ({"method": "deepfool", "to": 1}, "leave out to"),
        ({"epsilon": -1}, "0 to 255"),
        ({"size": 3}, "size"),
        ({"epsilon_scale": 255}, "epsilon_scale is what epsilon is multiplied by"),
        ({"epsilon": 8 / 255}, "give 8"),
    ],
)
def test_what_cannot_be_attacked_is_one_sentence(classifier, options, words):
    with pytest.raises(InputError, match=words):
        classifier.attack(SCENE, **options)


def test_deepfool_goes_on_until_a_file_keeps_it(classifier):
    kept = 0
    for seed in range(40, 46):
        picture = scenes.draw(seed).image
        pixels = classifier.to_pixels(picture)
        label = answers(classifier, pixels)[0]
        plain = ATTACKS["deepfool"](classifier, pixels)
        found = classifier.attack(picture, method="deepfool")
        assert found.succeeded
        kept += answers(classifier, rounded(plain))[0] != label
        moved = lasting(classifier, pixels, plain, label)
        times = (moved - pixels)[plain != pixels] / (plain - pixels)[plain != pixels]
        assert np.median(times) >= 1 - 1e-3
    assert kept < 6  # for some of them rounding alone would have undone it


def test_shrinking_as_a_matrix_is_what_the_classifier_does(classifier):
    photo = np.random.default_rng(0).integers(0, 256, (300, 410, 3)).astype(np.float32)
    rows, cols = shrinking(300, 224), shrinking(410, 224)
    by_hand = rows @ photo.transpose(2, 0, 1).astype(float) @ cols.T
    np.testing.assert_allclose(classifier.to_pixels(photo)[0], by_hand, atol=1e-3)


def test_an_exact_change_at_full_size_shrinks_to_itself(classifier):
    rng = np.random.default_rng(1)
    photo = rng.integers(60, 190, (600, 500, 3)).astype(np.uint8)
    change = rng.choice([-2.0, 2.0], (3, 224, 224))
    large = at_full_size(photo, change, exact=True)
    arrived = (classifier.to_pixels(large) - classifier.to_pixels(photo))[0]
    assert np.abs(arrived - change).max() < 1  # rounding of single pixels, averaged
    blocks = at_full_size(photo, change)
    assert np.abs(blocks.astype(int) - photo).max() == 2


def test_the_attack_on_a_photo_at_its_own_size_is_checked_through_the_whole_path(classifier, photo):
    found = classifier.attack(photo, epsilon=8, method="bim")
    large = found.full_size()
    assert large.shape == (300, 400, 3)
    assert found.succeeds(classifier.predict(large, top=3)) == found.succeeded


def test_a_signed_map_of_pixels_is_the_largest_of_three_colours(classifier):
    trace = classifier.forward(classifier.preprocess(SCENE))
    per_grey_level = classifier.pixel_gradient(saliency(trace, 0))[0]
    np.testing.assert_array_equal(
        classifier.explain(SCENE, 0, method="saliency").map, np.abs(per_grey_level).max(axis=0)
    )


def test_the_layer_that_is_explained_is_the_last_activation_of_whatever_kind():
    rng = np.random.default_rng(0)
    conv = lambda c, k: Conv2d(rng.standard_normal((k, c, 3, 3)).astype(np.float32), np.zeros(k, np.float32))  # noqa: E731
    layers = {"conv1": conv(3, 4), "relu1": ReLU(), "conv2": conv(4, 5), "silu2": SiLU(), "pool2": MaxPool2d(2)}
    network = Network(
        {**layers, "gap": GlobalAvgPool2d(), "fc": Linear(np.eye(5, dtype=np.float32), np.zeros(5, np.float32))}
    )
    mixed = Classifier(network, list("abcde"), CENTRED, (20, 20), "mixed")
    assert mixed.explain(SCENE).layer == "silu2"
    assert conventional(mixed.forward(mixed.preprocess(SCENE)), 0, "paper").shape == (1, 20, 20)


def test_an_epsilon_of_pictures_in_0_1_has_a_scale(classifier):
    ours, theirs = (classifier.attack(SCENE, **e) for e in ({"epsilon": 8}, {"epsilon": 8 / 255, "epsilon_scale": 255}))
    np.testing.assert_allclose(theirs.moved, ours.moved, atol=1e-4)
