"""What every attack promises on a real network: its ball, its types, its refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear import grey, linear

from numcam.attack import ATTACKS, Walk, answers, bim, deepfool, fgsm, pgd, reach, rms, rounded, smallest_epsilon
from numcam.errors import InputError
from numcam.models.classifier import Classifier
from numcam.models.preprocessing import CAFFE, TORCHVISION
from numcam.models.vgg import random_network

WITH_EPSILON = [name for name in ATTACKS if name != "deepfool"]


def classifier(preprocessing=TORCHVISION):
    return Classifier(random_network("pocket", 3, (32, 64)), ("cat", "dog", "boxer"), preprocessing, (32, 64))


def pixels(n=2, dtype=np.float32, low=20, high=235):
    return np.random.default_rng(0).uniform(low, high, (n, 3, 32, 64)).astype(dtype)


def size(name, change):
    return rms(change).ravel() if name == "pgd_l2" else np.abs(change).max(axis=(1, 2, 3))


@pytest.mark.parametrize("name", WITH_EPSILON)
@pytest.mark.parametrize("preprocessing", [TORCHVISION, CAFFE])
def test_nothing_moves_further_than_epsilon_and_something_nearly_as_far(name, preprocessing):
    c, p = classifier(preprocessing), pixels()
    found = size(name, ATTACKS[name](c, p, epsilon=3.0) - p)
    assert (found <= 3 + 1e-4).all()
    assert (found > 2.9).all()


@pytest.mark.parametrize("name", ATTACKS)
def test_the_result_is_a_picture_of_the_same_type_and_the_one_given_is_unchanged(name):
    c, p = classifier(), np.random.default_rng(0).choice([0.0, 255.0], (1, 3, 32, 64)).astype(np.float32)
    before = p.copy()
    moved = ATTACKS[name](c, p)
    assert (moved.dtype, moved.shape) == (p.dtype, p.shape)
    assert moved.min() >= 0
    assert moved.max() <= 255
    np.testing.assert_array_equal(p, before)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_batch_is_one_by_one(name):
    c, p = classifier(), pixels(3, np.float64)
    options = {"seed": None} if name.startswith("pgd") else {}
    both = ATTACKS[name](c, p, **options)
    alone = np.concatenate([ATTACKS[name](c, one[None], **options) for one in p])
    np.testing.assert_allclose(both, alone, atol=1e-6)


@pytest.mark.parametrize("name", ["bim", "pgd", "pgd_l2"])
def test_many_steps_do_at_least_as_much_harm_as_one(name):
    c, p = classifier(), pixels(4, np.float64)
    label = answers(c, p)

    def loss(moved):
        out = c.forward(c.preprocessing.forward(moved)).output
        rows = np.arange(len(out))
        return np.log(np.exp(out).sum(axis=1)) - out[rows, label]

    options = {"seed": None} if name.startswith("pgd") else {}
    assert loss(ATTACKS[name](c, p, epsilon=2.0, **options)).mean() > loss(p).mean()
    if name != "pgd_l2":
        assert (loss(ATTACKS[name](c, p, epsilon=2.0, **options)) >= loss(fgsm(c, p, epsilon=2.0)) - 1e-9).all()


def test_deepfool_changes_the_answer_with_less_than_fgsm():
    c, p = classifier(), pixels(3, np.float64)
    moved = deepfool(c, p)
    assert (answers(c, moved) != answers(c, p)).all()
    needed = smallest_epsilon(c, p, fgsm, within=0.01, highest=255)
    assert (rms(moved - p).ravel() < needed).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 20), st.floats(0.01, 30), st.integers(0, 10**6), st.sampled_from(["linf", "l2"]))
def test_projection_lands_in_the_ball_keeps_what_is_inside_and_does_nothing_twice(epsilon, far, seed, norm):
    c, _ = linear()
    walk = Walk(c, grey(2), epsilon, norm, 1.0, 1)
    moved = grey(2) + far * np.random.default_rng(seed).standard_normal(grey(2).shape)
    inside = walk.within(moved)
    found = rms(inside - grey(2)) if norm == "l2" else np.abs(inside - grey(2))
    assert (found <= epsilon * (1 + 1e-9) + 1e-9).all()
    np.testing.assert_allclose(walk.within(inside), inside, atol=1e-9)
    near = grey(2) + (moved - grey(2)) * (0.99 * epsilon / max(np.abs(moved - grey(2)).max(), 1e-12) if far else 0)
    near = np.clip(near, 0, 255)
    np.testing.assert_allclose(walk.within(near), near, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_random_starts_lie_in_the_ball(seed):
    c, _ = linear()
    assert (np.abs(Walk(c, grey(3), 5.0, "linf", 1.0, 1).random_start(seed) - grey(3)) <= 5).all()
    assert (rms(Walk(c, grey(3), 5.0, "l2", 1.0, 1).random_start(seed) - grey(3)) <= 5 * (1 + 1e-12)).all()


def test_reaching_a_class_stops_as_soon_as_the_rounded_picture_has_the_confidence():
    c, p = classifier(), pixels(1)
    walk = Walk(c, p, 64.0, "linf", 2.0, 200, targeted=True)
    target = int((answers(c, p)[0] + 1) % 3)
    found = reach(c, walk, target, 0.9)
    assert found.probability >= 0.9
    np.testing.assert_array_equal(found.pixels, rounded(found.pixels))
    probability = c.probabilities(c.forward(c.preprocessing.forward(found.pixels)))[0, target]
    assert probability == found.probability
    fewer = Walk(c, p, 64.0, "linf", 2.0, found.steps - 1, targeted=True)
    assert reach(c, fewer, target, 0.9).probability < 0.9


def test_rounding_gives_whole_grey_levels_within_the_range():
    np.testing.assert_array_equal(rounded(np.array([-0.7, 0.4, 0.6, 254.6, 255.3])), [0, 0, 1, 255, 255])


@pytest.mark.parametrize("name", WITH_EPSILON)
@pytest.mark.parametrize("epsilon", [-1, np.nan, np.inf, 256])
def test_an_absurd_epsilon_is_refused(name, epsilon):
    with pytest.raises(InputError, match="0 to 255"):
        ATTACKS[name](classifier(), pixels(), epsilon=epsilon)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c, p: pgd(c, p, norm="l1"), '"linf" or "l2"'),
        (lambda c, p: pgd(c, p, steps=-1), "0 or more"),
        (lambda c, p: bim(c, p, alpha=np.nan), "grey levels"),
        (lambda c, p: bim(c, p, targeted=True), "class to reach"),
        (lambda c, p: deepfool(c, p, candidates=1), "2 candidates"),
        (lambda c, p: deepfool(c, p, label="cart"), "did you mean cat"),
        (lambda c, p: deepfool(c, p + 300), "0-255"),
        (lambda c, p: smallest_epsilon(c, p, fgsm, within=0), "above 0"),
        (lambda c, p: reach(c, Walk(c, p, 1, "linf", 1, 1), 0, 1.0), "between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(call, words):
    with pytest.raises(InputError, match=words):
        call(classifier(), pixels(1))
