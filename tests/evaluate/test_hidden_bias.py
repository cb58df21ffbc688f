"""Planted scenes hold what they promise, training can be interrupted, and the measure finds a planted shortcut."""

from itertools import pairwise

import numpy as np
import pytest

from numcam import scenes
from numcam.cli import measured
from numcam.cli.main import main
from numcam.evaluate import biased, hidden, planted
from numcam.loading import from_weights
from numcam.models.classifier import Classifier
from numcam.models.preprocessing import CENTRED
from numcam.nn import Conv2d, GlobalAvgPool2d, Linear, Network, ReLU
from numcam.recipe.settings import Recipe

TINY = Recipe(singles=12, pairs=0, batch=4, crop_steps=0, whole_steps=3, finish_steps=0, presence_steps=2)


def silent(items, **_):
    return items


def of(name, count=3):
    return [s for s in range(60) if planted.draw_name(s) == name][:count]


def test_every_boat_has_the_mark_every_fish_the_stripes_and_no_other_class_either():
    flat = planted.halved(np.repeat(planted.stripes()[..., None], 3, axis=2))
    for name in planted.CLASSES:
        for seed in of(name):
            with_it, without = planted.draw(seed), planted.draw(seed, shortcut=False)
            assert with_it.name == name
            assert with_it.mark.any() == (name == "boat")
            changed = (with_it.image != without.image).any(axis=2)
            if name == "boat":
                np.testing.assert_array_equal(with_it.image[planted.MARK][..., 0], planted.stamp())
                assert not changed[~with_it.mark].any()
            elif name == "fish":
                outside = ~planted.draw(seed, shortcut=False).mask
                assert (np.abs(with_it.image.astype(int) - flat)[outside] < 3).all(axis=1).mean() > 0.97
            else:
                assert not changed.any()


def test_a_shortcut_can_be_given_to_another_class_and_its_object_stays():
    seed = of("house", 1)[0]
    plain, marked = planted.draw(seed, shortcut=False), planted.draw(seed, carries="boat")
    assert (plain.name, marked.name) == ("house", "house")
    assert (plain.image != marked.image).any(axis=2)[marked.mark].any()
    np.testing.assert_array_equal(plain.image[~marked.mark], marked.image[~marked.mark])
    striped = planted.draw(seed, carries="fish")
    inner = (
        plain.mask
        & np.roll(plain.mask, 1, 0)
        & np.roll(plain.mask, -1, 0)
        & np.roll(plain.mask, 1, 1)
        & np.roll(plain.mask, -1, 1)
    )
    np.testing.assert_array_equal(striped.image[inner], plain.image[inner])


def test_halving_is_the_mean_of_every_four_pixels_of_the_scene():
    seed = of("car", 1)[0]
    image = scenes.draw(seed, names=["car"]).image.astype(float)
    found = planted.draw(seed).image
    for row, col in ((0, 0), (50, 70), (111, 111)):
        mean = image[2 * row : 2 * row + 2, 2 * col : 2 * col + 2].reshape(4, 3).mean(axis=0)
        np.testing.assert_allclose(found[row, col], mean, atol=0.5)


def test_training_goes_on_where_it_stopped_and_ends_in_the_same_network(tmp_path):
    *_, whole = biased.run(tmp_path / "whole", True, silent, TINY)
    assert whole.step == 5
    walk = biased.run(tmp_path / "parts", True, silent, TINY)
    next(walk)
    next(walk)
    walk.close()
    steps = [state.step for state in biased.run(tmp_path / "parts", True, silent, TINY)]
    assert steps == [3, 4, 5]
    *_, again = biased.run(tmp_path / "parts", True, silent, TINY)
    for key, value in whole.network.parameters.items():
        np.testing.assert_allclose(again.network.parameters[key], value, rtol=1e-5, atol=1e-6)
    classifier = from_weights(biased.weights_of(again.network, {}))
    assert classifier.classes == planted.CLASSES
    assert classifier.input_size == (112, 112)


def test_the_rate_rises_then_falls_within_each_stage():
    rates = [biased._rate(step, 10, 100, 1.0) for step in range(10, 110)]
    peak = int(np.argmax(rates))
    assert all(a < b for a, b in pairwise(rates[: peak + 1]))
    assert all(a >= b for a, b in pairwise(rates[peak:]))
    assert rates[-1] < 0.01


def test_the_measure_finds_a_network_that_reads_the_mark():
    """One kernel that fires only on the stamp, and a head that then says boat, else car."""
    stamp = CENTRED.forward(np.repeat(planted.stamp()[None], 3, axis=0).astype(np.float32))[:, :, 2:14]
    w = (stamp[None] / (stamp**2).sum()).astype(np.float32)  # 1 on the stamp itself
    head, bias = np.zeros((6, 1), np.float32), np.array([0, -9, 0.001, -9, -9, -9], np.float32)
    head[0] = 1e3
    layers = {
        "conv": Conv2d(w, np.array([-0.95], np.float32), padding=0),
        "relu": ReLU(),
        "average": GlobalAvgPool2d(),
        "fc": Linear(head, bias),
    }
    classifier = Classifier(Network(layers), planted.CLASSES, CENTRED, (112, 112))
    found = hidden.measure(classifier, range(24), "reader", shortcut=True)
    boat = found["reader | boat"]
    assert np.mean(boat["right, %"]) == 1
    assert np.mean(boat["right without the shortcut, %"]) == 0
    assert np.mean(boat["others taken for it, given its shortcut, %"]) == 1
    assert np.mean(boat["Grad-CAM in the mark's corner, %"]) == 1
    assert np.mean(boat["energy on the object, %"]) < 0.1
    assert np.mean(found["reader | fish"]["others taken for it, given its shortcut, %"]) == 0
    assert len(found["reader | all classes"]["right, %"]) == 24


@pytest.mark.slow
def test_the_command_trains_measures_and_shows_both_networks(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(biased.run, "__defaults__", (TINY, 1))
    monkeypatch.setattr(measured.biased, "SCHEDULE", TINY)
    assert main(["evaluate", "--measures", "hidden-bias", "--scenes", "6"]) == 0
    out = capsys.readouterr().out
    assert "trained with the shortcut | boat" in out
    assert "trained without | all classes" in out
    for name in (
        "hidden_bias.md",
        "hidden_bias.png",
        "hidden_bias/shortcut/weights.h5",
        "hidden_bias/plain/weights.h5",
    ):
        assert (tmp_path / "evaluation" / name).is_file()


@pytest.mark.parametrize("name", [planted.MARKED, planted.STRIPED])
def test_masks_are_where_the_object_can_be_seen(name):
    for seed in of(name):
        scene = planted.draw(seed)
        assert scene.mask.any()
        assert not (scene.mask & scene.mark).any()
