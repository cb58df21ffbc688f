"""On a linear model every attack has a closed form, and must reach it to the last digits."""

import numpy as np
import pytest
from linear import SIZE, grey, linear, logits

from numcam.attack import ATTACKS, bim, deepfool, fgsm, kurakin_steps, pgd, pgd_l2, rms, smallest_epsilon
from numcam.models.preprocessing import Preprocessing

VALUES = 3 * SIZE[0] * SIZE[1]
SCALED = Preprocessing((10.0, 20.0, 30.0), (50.0, 60.0, 70.0), "BGR")


def margin(classifier, pixels):
    out = logits(classifier, pixels)
    return (out[:, 0] - out[:, 1]).item()


def test_fgsm_lowers_the_margin_by_epsilon_times_the_l1_norm_of_the_weights():
    """Goodfellow et al. 2015, section 5: w · (x - epsilon sign w) = w · x - epsilon ||w||_1."""
    c, w = linear(lead=50.0)
    assert margin(c, fgsm(c, grey(), epsilon=0.7)) == pytest.approx(50 - 0.7 * np.abs(w[0] - w[1]).sum())


def test_the_smallest_epsilon_of_fgsm_is_the_margin_over_that_norm():
    c, w = linear(lead=50.0)
    exact = 50 / np.abs(w[0] - w[1]).sum()
    found = smallest_epsilon(c, grey(), fgsm, within=1e-6).item()
    assert exact <= found <= exact + 1e-6


@pytest.mark.parametrize("epsilon", [0.5, 3.0, 7.3])
def test_bim_ends_where_fgsm_goes_because_a_linear_gradient_never_turns(epsilon):
    c, _ = linear(classes=2, lead=50.0)
    np.testing.assert_allclose(bim(c, grey(), epsilon=epsilon), fgsm(c, grey(), epsilon=epsilon), rtol=1e-12)


def test_pgd_in_l2_lowers_the_margin_by_the_radius_times_the_l2_norm():
    c, w = linear(lead=50.0)
    moved = pgd_l2(c, grey(), epsilon=0.8, seed=None)
    radius = 0.8 * np.sqrt(VALUES)
    assert margin(c, moved) == pytest.approx(50 - radius * np.linalg.norm(w[0] - w[1]))
    assert rms(moved - grey()).item() == pytest.approx(0.8)


def test_the_same_holds_in_grey_levels_behind_any_preprocessing():
    c, w = linear(lead=9.0, preprocessing=SCALED)
    per_grey_level = (w[0] - w[1]).reshape(3, *SIZE)[::-1] / np.array([50.0, 60.0, 70.0])[:, None, None]
    assert margin(c, fgsm(c, grey(), epsilon=2.0)) == pytest.approx(9 - 2 * np.abs(per_grey_level).sum())
    radius = 2 * np.sqrt(VALUES)
    assert margin(c, pgd_l2(c, grey(), epsilon=2.0, seed=None)) == pytest.approx(
        9 - radius * np.linalg.norm(per_grey_level)
    )


@pytest.mark.parametrize("seed", range(5))
def test_deepfool_crosses_the_nearest_of_many_borders_by_the_shortest_way(seed):
    """Distance to the border with class k: lead / ||w_k - w_0||_2; the nearest one, not the runner-up's, counts."""
    c, w = linear(classes=6, seed=seed, lead=30.0, steep=3)
    out = logits(c, grey())[0]
    distances = {k: (out[0] - out[k]) / np.linalg.norm(w[k] - w[0]) for k in range(1, 6)}
    nearest = min(distances, key=distances.get)
    assert nearest == 3
    moved = deepfool(c, grey())
    assert logits(c, moved).argmax() == nearest
    assert np.linalg.norm(moved - grey()) == pytest.approx(1.02 * (distances[nearest] + 1e-4), rel=1e-9)
    direction = (moved - grey()).ravel() @ (w[nearest] - w[0])
    assert direction == pytest.approx(np.linalg.norm(moved - grey()) * np.linalg.norm(w[nearest] - w[0]))


@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd", "pgd_l2"])
def test_a_targeted_attack_comes_nearer_to_its_class_and_an_untargeted_one_leaves(name):
    c, _ = linear(classes=4, lead=5.0)
    attack = ATTACKS[name]
    before = logits(c, grey())[0]
    for target in (1, 2, 3):
        after = logits(c, attack(c, grey(), target, epsilon=0.5, targeted=True))[0]
        assert after[target] - after[0] > before[target] - before[0]
    assert logits(c, attack(c, grey(), epsilon=2.0)).argmax() != 0


@pytest.mark.parametrize(("epsilon", "steps"), [(0, 0), (1, 2), (2, 3), (4, 5), (8, 10), (16, 20), (32, 36)])
def test_steps_are_the_papers(epsilon, steps):
    """Kurakin et al. 2017, section 2.2: min(epsilon + 4, 1.25 epsilon)."""
    assert kurakin_steps(epsilon) == steps


@pytest.mark.parametrize("name", ["bim", "pgd", "pgd_l2", "deepfool"])
def test_a_saturated_softmax_does_not_stall_it(name):
    """A lead of 2,000: the probability is 1, and the cross-entropy's gradient 0, in any precision."""
    c, _ = linear(lead=2000.0)
    p = grey().astype(np.float32)
    options = {} if name == "deepfool" else {"epsilon": 8.0}
    assert margin(c, ATTACKS[name](c, p, **options)) < 2000 - 100


def test_pgd_starts_at_random_within_the_ball_by_its_seed():
    c, _ = linear(lead=50.0)
    first, again, other = (pgd(c, grey(2), epsilon=3.0, steps=0, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, grey(2))  # no steps, no start
    first, again, other = (pgd(c, grey(2), epsilon=3.0, steps=1, alpha=0.0, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert np.abs(first - grey(2)).max() <= 3
    assert np.abs(first - grey(2)).max() > 2.5
    inside = pgd_l2(c, grey(2), epsilon=3.0, steps=1, alpha=0.0, seed=1)
    assert (rms(inside - grey(2)) <= 3).all()


def test_a_smallest_epsilon_that_does_not_exist_is_infinite_and_one_of_a_wrong_picture_0():
    c, _ = linear(lead=1e6)
    assert smallest_epsilon(c, grey(), fgsm, highest=8).item() == np.inf
    assert smallest_epsilon(c, grey(), fgsm, label=1).item() == 0


def test_less_than_half_a_grey_level_is_nothing_once_it_is_rounded():
    c, w = linear(lead=50.0)
    exact = 50 / np.abs(w[0] - w[1]).sum()
    assert 0.5 < exact < 1.5
    assert smallest_epsilon(c, grey(), fgsm, within=0.01, whole=True).item() == pytest.approx(
        max(0.5, np.floor(exact) + 0.5), abs=0.02
    )
