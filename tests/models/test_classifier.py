"""A classifier carries its preprocessing: pixels in, the same pixels back, and gradients in their units."""

import numpy as np
import pytest
from PIL import Image

from numcam.errors import InputError
from numcam.models.classifier import Classifier
from numcam.models.preprocessing import CAFFE, CENTRED, TORCHVISION
from numcam.models.vgg import random_network

NAMES = ("cat", "dog", "boxer")


def classifier(preprocessing=CENTRED, names=NAMES):
    return Classifier(random_network("pocket", len(names), (32, 64)), names, preprocessing, (32, 64), "small")


def picture(seed=0, shape=(32, 64)):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)


@pytest.mark.parametrize("preprocessing", [CENTRED, TORCHVISION, CAFFE])
def test_preprocess_and_deprocess_are_inverse(preprocessing):
    c, image = classifier(preprocessing), picture()
    pixels = c.deprocess(c.preprocess(image))
    np.testing.assert_allclose(pixels[0], image.transpose(2, 0, 1), atol=1e-4)


def test_preprocessing_is_the_published_one():
    image = np.zeros((32, 64, 3), np.uint8)
    image[...] = (255, 0, 128)  # red, green, blue
    torchvision = classifier(TORCHVISION).preprocess(image)[0, :, 0, 0]
    expected = (np.array([255, 0, 128]) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(torchvision, expected, rtol=1e-6)
    caffe = classifier(CAFFE).preprocess(image)[0, :, 0, 0]
    np.testing.assert_allclose(caffe, [128 - 103.939, 0 - 116.779, 255 - 123.68], rtol=1e-6)  # blue, green, red


@pytest.mark.parametrize("preprocessing", [CENTRED, TORCHVISION, CAFFE])
def test_the_pixel_gradient_is_the_derivative_with_respect_to_pixels(preprocessing):
    c = classifier(preprocessing)
    pixels = c.to_pixels(picture()).astype(np.float64)
    dx = c.forward(preprocessing.forward(pixels)).backward(1)["input"]
    gradient = c.pixel_gradient(dx)
    direction = np.random.default_rng(1).standard_normal(pixels.shape)
    step = 1e-5

    def score(p):
        return c.forward(preprocessing.forward(p)).output[0, 1]

    numerical = (score(pixels + step * direction) - score(pixels - step * direction)) / (2 * step)
    assert (gradient * direction).sum() == pytest.approx(numerical, rel=1e-5)


def test_a_picture_of_the_input_size_passes_unchanged_and_others_are_squashed_whole():
    c, image = classifier(), picture()
    np.testing.assert_array_equal(c.to_pixels(image)[0], image.transpose(2, 0, 1))
    halves = np.zeros((100, 300, 3), np.uint8)
    halves[:, 150:] = 200
    squashed = c.to_pixels(halves)[0]
    assert squashed.shape == (3, 32, 64)
    assert squashed[:, :, :31].max() == 0
    assert squashed[:, :, 33:].min() == 200


def test_several_pictures_make_a_batch():
    c = classifier()
    batch = np.stack([picture(0), picture(1)])
    np.testing.assert_array_equal(c.preprocess(batch)[1:], c.preprocess(batch[1]))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros(5, np.uint8),
        np.zeros((5, 5, 5), np.uint8),
        np.zeros((2, 2, 5, 5, 3), np.uint8),
        np.zeros((0, 5, 3), np.uint8),
        np.full((5, 5, 3), 256.0),
        np.full((5, 5, 3), -1.0),
        np.full((5, 5, 3), np.nan),
        np.zeros((5, 5, 3), complex),
    ],
)
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(InputError, match="0-255"):
        classifier().preprocess(image)


def test_predict_gives_names_and_probabilities_the_likeliest_first():
    found = classifier().predict(picture())
    assert len(found) == 3
    assert [p for _, _, p in found] == sorted((p for _, _, p in found), reverse=True)
    assert sum(p for _, _, p in found) == pytest.approx(1)
    assert all(NAMES[i] == name for i, name, _ in found)
    assert classifier().predict(picture(), top=1) == found[:1]


def test_a_class_is_found_by_name_in_any_case_and_by_index():
    assert (
        classifier().index("dog")
        == classifier().index(" DOG ")
        == classifier().index(1)
        == classifier().index("1")
        == 1
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [("boxr", "did you mean boxer"), ("zebra", "cat, dog, boxer"), (3, "0 to 2"), ("-1", "0 to 2"), ("²", "cat, dog")],
)
def test_an_unknown_class_is_answered_with_the_nearest_or_with_all(given, words):
    with pytest.raises(InputError, match=words):
        classifier().index(given)


def test_class_names_that_do_not_fit_the_network_are_refused():
    with pytest.raises(InputError, match="2 class names"):
        Classifier(random_network("pocket", 3, (32, 64)), ("a", "b"), CENTRED, (32, 64))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_floats_that_look_like_shares_are_refused_and_black_is_black(kind):
    image = np.random.default_rng(0).random((32, 64, 3)).astype(kind)
    with pytest.raises(
        InputError, match="multiply by 255 if they are in 0-1, or give uint8 if the picture is that black"
    ):
        classifier().to_pixels(image)
    assert classifier().to_pixels(np.zeros((32, 64, 3), kind)).max() == 0
    assert classifier().to_pixels((image > 0.5).astype(np.uint8)).max() == 1


def test_predict_of_a_batch_answers_for_every_picture():
    one, other = picture(), picture()[::-1]
    single = [classifier().predict(one), classifier().predict(other)]
    assert single[0] != single[1]
    assert classifier().predict(np.stack([one, other])) == single
    assert classifier().predict([one, other]) == single
    assert classifier().predict(one[None]) == single[:1]


def test_pictures_are_taken_in_every_form_that_people_have(tmp_path):
    rgb = np.random.default_rng(3).integers(0, 256, (20, 30, 3), np.uint8)
    expected = classifier().to_pixels(rgb)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    opaque = np.concatenate([rgb, np.full((20, 30, 1), 255, np.uint8)], axis=2)
    same = [tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(rgb), rgb.transpose(2, 0, 1), opaque]
    for one in same:
        np.testing.assert_allclose(classifier().to_pixels(one), expected, atol=1e-4)
    assert classifier().to_pixels([*same, rgb[:7]]).shape == (6, *expected.shape[1:])  # of two sizes
    grey = rgb[..., 0]
    thrice = classifier().to_pixels(np.repeat(grey[..., None], 3, 2))
    for one in (grey, grey[..., None], grey[None], Image.fromarray(grey)):
        np.testing.assert_array_equal(classifier().to_pixels(one), thrice)
    clear = np.concatenate([rgb, np.zeros((20, 30, 1), np.uint8)], axis=2)
    assert (classifier().to_pixels(clear) == 255).all()
    with pytest.raises(InputError, match="no picture in the list"):
        classifier().to_pixels([])
    with pytest.raises(InputError, match="got NoneType"):
        classifier().to_pixels(None)


@pytest.mark.parametrize("given", [np.int64(1), np.array(1), "1", "dog", " Dog ", "“dog”", "dog (1)", '"dog"'])
def test_a_class_is_an_index_of_any_kind_a_name_or_what_numcam_prints(given):
    assert classifier().index(given) == 1


@pytest.mark.parametrize("given", [None, 1.0, [1], "dog (0)"])
def test_what_is_no_class_is_one_sentence(given):
    with pytest.raises(InputError, match="class"):
        classifier().index(given)
