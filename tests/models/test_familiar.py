"""A network that knows what its training pictures look like says of others that they are unlike them."""

import json

import h5py
import numpy as np
import pytest

from numcam import InputError, load, scenes
from numcam.explain.picture import picture_remarks
from numcam.formats import read_weights, write_weights
from numcam.loading import bundled_weights
from numcam.models.familiar import Familiar, familiar_with, from_json, statistics
from numcam.recipe.seen import LAYER, familiar_scenes


@pytest.fixture(scope="module")
def classifier():
    return load()


def said(classifier, picture):
    return " ".join(picture_remarks(classifier, classifier.forward(classifier.preprocess(picture))))


def unlike(classifier, picture):
    return "unlike those that pocket was trained on" in said(classifier, picture)


def pink_noise(seed):
    """Like a photograph in one thing: power falls with the square of the frequency."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(224), np.fft.fftfreq(224)))
    frequency[0, 0] = 1
    planes = [np.fft.ifft2(np.fft.fft2(rng.standard_normal((224, 224))) / frequency).real for _ in range(3)]
    out = np.stack([(p - p.mean()) / p.std() for p in planes], axis=2)
    return np.clip(128 + 50 * out, 0, 255).astype(np.uint8)


def test_scenes_that_it_never_saw_are_familiar_and_what_is_no_scene_is_not(classifier):
    strange = sum(unlike(classifier, scenes.draw(seed, objects=1 + seed % 3).image) for seed in range(150))
    assert strange <= 5  # of 1,000 about 1 %
    assert all(unlike(classifier, pink_noise(seed)) for seed in range(5))
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    assert unlike(classifier, noise)


@pytest.mark.slow
def test_of_a_thousand_unseen_scenes_at_most_two_percent_are_called_strange(classifier):
    for objects in (1, 2, 3):
        strange = sum(unlike(classifier, scenes.draw(seed, objects=objects).image) for seed in range(1000))
        assert strange <= 20, objects


def test_of_the_photographs_of_other_libraries_nine_in_ten_are_called_strange(classifier):
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    names = ("astronaut", "camera", "chelsea", "coffee", "coins", "grass", "gravel", "brick", "hubble_deep_field",
             "immunohistochemistry", "moon", "retina", "rocket", "clock", "cell", "microaneurysms")  # fmt: skip
    photos = [getattr(data, name)() for name in names]
    photos += [*data.stereo_motorcycle()[:2], *datasets.load_sample_images().images]
    strange = [unlike(classifier, np.rint(255 * p) if p.max() <= 1 else p) for p in photos]
    assert np.mean(strange) >= 0.9


def test_the_distance_is_mahalanobis_s():
    rng = np.random.default_rng(2)
    mixed = rng.standard_normal((4000, 6)) @ rng.standard_normal((6, 6)) + 3
    found = familiar_with(mixed, "relu")
    seen = mixed[:3000]
    inverse = np.linalg.inv(np.cov(seen.T))
    apart = mixed[3500:] - seen.mean(axis=0)
    by_hand = np.sqrt(np.einsum("ni,ij,nj->n", apart, inverse, apart) / 6)
    white = (mixed[3500:] - found.mean) @ found.whitening.T
    np.testing.assert_allclose(np.sqrt((white**2).mean(axis=1)), by_hand, rtol=0.02)  # four digits, and the ridge
    assert 0.985 < np.mean(by_hand < found.most) <= 1


def test_statistics_are_means_and_spreads_of_channels():
    maps = np.array([[[[1.0, 3]], [[2.0, 2]]]], np.float32)  # (1, 2, 1, 2)
    np.testing.assert_array_equal(statistics(maps), [[2, 2, 1, 0]])


def test_too_few_pictures_tell_nothing(classifier):
    assert familiar_with(np.random.default_rng(0).standard_normal((30, 6)), "relu") is None
    assert familiar_scenes(classifier.network, 40) is None


def test_the_bundled_statistics_are_those_of_its_own_layer(classifier):
    assert classifier.familiar.layer == LAYER
    assert len(json.dumps(classifier.familiar.as_json())) < 20_000


def test_they_go_through_a_file_unchanged(tmp_path):
    weights = read_weights(bundled_weights())
    write_weights(tmp_path / "again.h5", weights)
    again = read_weights(tmp_path / "again.h5").familiar
    np.testing.assert_array_equal(again.whitening, weights.familiar.whitening)
    assert (again.layer, again.most) == (weights.familiar.layer, weights.familiar.most)


SOUND = Familiar("relu3_3", np.zeros(64), np.eye(64), 2.0).as_json()


@pytest.mark.parametrize(
    "change",
    [
        {"layer": "relu9_9"},
        {"layer": 3},
        {"mean": [0.0] * 63},
        {"mean": ["a"] * 64},
        {"mean": []},
        {"most": -1},
        {"most": float("nan")},
        {"whitening": [[1.0]] * 64},
        {"whitening": "__class__"},
        {"layer": "relu4_3"},
        {"layer": "fc6"},
        {"most": None},
    ],
    ids=str,
)
def test_statistics_that_are_none_or_do_not_fit_are_refused(change, tmp_path):
    write_weights(tmp_path / "bad.h5", read_weights(bundled_weights()))
    with h5py.File(tmp_path / "bad.h5", "r+") as file:
        file.attrs["familiar"] = np.bytes_(json.dumps({**SOUND, **change}))
    with pytest.raises(InputError, match="training pictures"):
        read_weights(tmp_path / "bad.h5")


@pytest.mark.parametrize("given", [None, [], {}, {"layer": "a"}, "x", {**SOUND, "mean": None}])
def test_what_is_no_description_is_a_value_error(given):
    with pytest.raises(ValueError, match="expected a layer"):
        from_json(given)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.zeros((50, 60, 3), np.uint8), "nearly black"),
        (np.full((50, 60, 3), 9, np.uint8), "nearly black"),
        (np.full((50, 60, 3), (200, 40, 90), np.uint8), "nearly one colour"),
        (np.full((50, 60, 3), 255, np.uint8), "nearly one colour"),
    ],
)
def test_a_picture_of_nothing_is_remarked_on(classifier, picture, words):
    assert words in said(classifier, picture)
    assert words in " ".join(classifier.explain(picture).remarks)


def test_a_scene_is_no_picture_of_nothing(classifier):
    assert "nearly" not in said(classifier, scenes.draw(0).image)
