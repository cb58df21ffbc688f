"""What no catalogue holds is narrowed down: shape, sign, scale, axes, places."""

import numpy as np
import pytest
from exercises.answering import verdict_on

from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.diagnose import diagnosis

RIGHT = {name: exercise.right for name, exercise in EXERCISES.items()}


def said(name, change):
    """What is said of the right answer with a change to what it returns."""
    verdict = verdict_on(name, lambda *arguments, **options: change(RIGHT[name](*arguments, **options)))
    return verdict, "\n".join(verdict.message)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("relu_backward", lambda dx: -dx, "dx: every number has the wrong sign"),
        ("relu_backward", lambda dx: 3 * dx, "dx: every number is 3 times what is expected"),
        ("grad_cam", lambda cam: cam + 0.25, "cam: every number is 0.25 too large"),
        ("conv2d", lambda out: out[:, :, ::-1], "out: the right numbers, back to front along axis 2"),
        ("saliency", lambda g: np.flip(g, (2, 3)), "gradient: the right numbers, back to front along axes 2 and 3"),
        (
            "grad_cam_weights",
            lambda a: a.T,
            "weights: the axes are in another order: transpose(1, 0) of yours is right",
        ),
        ("saliency", lambda g: g.transpose(0, 2, 3, 1), "the axes are in another order: transpose(0, 3, 1, 2)"),
        ("softmax", lambda p: p[:, None], "in another shape: a reshape is missing"),
        ("guided_grad_cam", lambda g: g.mean(1), "the right numbers, but averaged over axis 1"),
        ("saliency", lambda g: np.stack([g / 2, g / 2], 1), "the sum over axis 1 of yours is right"),
        (
            "conv2d",
            lambda out: np.pad(out, ((0, 0), (0, 0), (2, 2), (2, 2))),
            "the right numbers with a border around them",
        ),
        ("grad_cam", lambda cam: np.roll(cam, 1, axis=2), "the right numbers, shifted by one along axis 2"),
        ("maxpool_backward", lambda dx: np.abs(dx), "all positive: the signs are lost"),
        ("maxpool_backward", lambda dx: np.maximum(dx, 0), "negative numbers have become 0"),
        ("saliency", lambda g: 0 * g, "everything is 0"),
        ("softmax", lambda p: p / 0.0, "are no numbers"),
        ("im2col", lambda columns: np.trunc(columns), "the fractions are cut off"),
        ("saliency", lambda g: g.astype(np.float16), "perhaps float16?"),
        ("im2col", lambda c: np.concatenate([c[:-1], 9 + c[-1:]]), "along axis 0 only the last is wrong"),
        (
            "saliency",
            lambda g: np.concatenate([g[:1], 2 * g[1:]]),
            "along axis 0 all but the first are wrong",
        ),
    ],
)
def test_an_unknown_mistake_is_narrowed_down(name, change, words):
    with np.errstate(all="ignore"):
        verdict, text = said(name, change)
    assert verdict.mistakes == []
    assert words in text


def test_one_wrong_array_of_three_is_diagnosed_by_itself():
    verdict, text = said("conv2d_backward", lambda g: (g[0], -g[1], g[2]))
    assert "dw: every number has the wrong sign" in text
    assert "dx" not in text
    assert verdict.mistakes == []


def test_two_known_mistakes_in_two_arrays_are_both_named():
    wrong = {m.name: m.function for m in EXERCISES["conv2d_backward"].mistakes.values()}

    def both(*arguments, **options):
        dx, _, _ = wrong["dx_not_flipped"](*arguments, **options)
        _, dw, db = wrong["dw_batch_mean"](*arguments, **options)
        return dx, dw, db

    verdict = verdict_on("conv2d_backward", both)
    assert [m.name for m in verdict.mistakes] == ["dx_not_flipped", "dw_batch_mean"]


def test_a_known_mistake_times_a_constant_is_still_recognised():
    wrong = EXERCISES["grad_cam"].mistakes["relu_before_sum"].function
    verdict = verdict_on("grad_cam", lambda *a, **options: 0.5 * wrong(*a, **options))
    assert "cam: 0.5 times the known mistake relu_before_sum (page 10)" in "\n".join(verdict.message)


def test_a_factor_that_follows_a_length_is_called_by_that_axis():
    pairs = [(a / len(a), a) for a in (np.arange(1.0, 7).reshape(2, 3), np.arange(1.0, 13).reshape(4, 3))]
    assert diagnosis(pairs) == "every number is divided by the length of axis 0"


def test_the_first_wrong_number_is_shown_with_inputs_that_can_be_worked_by_hand():
    verdict, _ = said("relu_backward", lambda dx: dx + (np.arange(dx.size) == dx.size - 1).reshape(dx.shape))
    assert verdict.message[0] == "dx[2]: expected 7, got 8 (with one number below 0, one at 0, one above)"
    assert verdict.message[1] == "for dout = [5, 6, 7], x = [-1, 0, 2]"


def test_changing_an_argument_is_noticed_also_where_no_known_mistake_does():
    def changing(gradient):
        gradient *= 2
        return gradient.mean((2, 3)) / 2

    verdict = verdict_on("grad_cam_weights", changing)
    assert verdict.status == "changes its arguments"
    assert "it changes its argument gradient: [0, 0, 0, 0] was 1 and is 2" in verdict.message[0]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (
            "fgsm",
            lambda classifier, pixels, label, epsilon: pixels.copy(),
            "moved: that is the argument pixels as it came",
        ),
        ("runner_up", lambda scores: 1, "index: that is a single number; an array is expected"),
        ("grad_cam_weights", lambda g: g[0].mean((1, 2)), "weights: the first axis, that of the pictures, is missing"),
        ("conv2d", lambda x, w, b, **at: np.zeros((len(x), len(w), 1, 1)), "out: axis 2 is too short, by 1 or"),
        (
            "im2col",
            lambda image, k, **at: RIGHT["im2col"](image, k).T,
            "it is the known mistake windows_as_rows",
        ),
        (
            "points_at",
            lambda map, mask, **at: bool(map.max() > 9),
            "hit: expected True, got False (with the",
        ),
        (
            "maxpool",
            lambda x, size, stride: RIGHT["maxpool"](x, size, stride)[..., ::-1, :].copy() + 0.0,
            "along axis 2",
        ),
        ("flatten", lambda x: np.sort(x.reshape(len(x), -1))[:, ::-1], "flat: the right numbers in the wrong places"),
    ],
)
def test_an_answer_that_is_no_answer_is_called_what_it_is(name, change, words):
    verdict = verdict_on(name, change)
    assert verdict.mistakes == []
    assert words in "\n".join(verdict.message)


def test_the_right_numbers_in_another_order_are_no_local_derivatives():
    for change in (lambda six: six[::-1], lambda six: (*six[1:], six[0])):
        verdict, text = said("six_gradients", change)
        assert text == "right numbers in another order: return da, db, dc, dd, de, df"
        assert (verdict.status, verdict.mistakes) == ("differs", [])


def test_exchanged_arrays_are_told_by_their_shapes_and_the_rest_as_usual():
    verdict, text = said("conv2d_backward", lambda g: (0 * g[1], 0 * g[0], -g[2]))
    assert verdict.message[0] == "dx and dw are exchanged: return dx, dw, db"
    assert "db: every number has the wrong sign" in text
    assert "expected shape" not in text
    _, text = said("conv2d_backward", lambda g: (g[2] + 9, g[0] + 9, g[1] + 9))
    assert text == "the shapes are right, but in another order: return dx, dw, db"


def test_infinity_is_no_accident_where_it_is_an_answer():
    verdict = verdict_on("smallest_epsilon", lambda classifier, pixels, epsilons: np.inf)
    assert "overflow" not in "".join(verdict.message)
    verdict = verdict_on("smallest_epsilon", lambda classifier, pixels, epsilons: np.nan)
    assert "smallest: that is no number (nan): a division by 0, or an overflow" in verdict.message
    verdict = verdict_on("derivative", lambda f, x, **_: np.inf)
    assert "slope: that is no number (inf): a division by 0, or an overflow" in verdict.message


def test_a_single_number_has_no_common_factor():
    factors = iter(range(2, 99))
    _, text = said("count_parameters", lambda count: count * next(factors))
    assert "common factor" not in text
    _, text = said("six_gradients", lambda six: (six[0] * next(factors), *six[1:]))
    assert "common factor" not in text
    _, text = said("conv2d", lambda out: out * next(factors))
    assert "in each case every number is off by one common factor" in text


def test_padding_and_stride_are_suspected_where_a_window_slides_and_nowhere_else():
    def longer(array):
        return np.concatenate([array, array[-1:] + 1])

    assert "axis 0 is too long, by 1: the padding, the stride" in said("maxpool", longer)[1]
    for name in ("softmax", "grad_cam_weights", "saliency"):
        verdict, _ = said(name, longer)
        assert len(verdict.message) == 1
        assert ": expected shape" in verdict.message[0]


JUNK = [
    *(0, 1.5, True, np.nan, np.inf, -np.inf, 1 + 2j, "text", b"bytes", {}, set(), object(), [], (), [[1], [2, 3]]),
    *(np.zeros(0), np.zeros((0, 3)), np.ones((1,) * 9), np.array(["a"]), np.array([True]), np.full((2, 3), np.nan)),
    *(np.arange(6, dtype=np.uint8), np.array(1e300), np.array([1e308, -1e308]), np.datetime64("2020-01-01"), range(3)),
    *([np.zeros(2)] * 3, (..., ..., 1), (None, None, None), np.ma.masked_array([1.0, 2], [True, False]), len),
    *(10**400, [None]),
]


@pytest.mark.parametrize("name", EXERCISES)
def test_no_junk_passes_or_upsets_the_checker(name):
    exercise = EXERCISES[name]
    for junk in JUNK:
        assert not verdict_on(name, lambda *arguments, junk=junk, **options: junk).passed
        parts = (junk,) * len(exercise.returns)
        assert not verdict_on(name, lambda *arguments, parts=parts, **options: parts).passed


@pytest.mark.parametrize("name", EXERCISES)
def test_noise_in_the_shape_of_the_answer_is_no_known_mistake(name):
    exercise, rng = EXERCISES[name], np.random.default_rng(0)

    def noisy(*arguments, **options):
        right = exercise.right(*arguments, **options)
        parts = right if len(exercise.returns) > 1 else (right,)
        made = [rng.integers(1000, 2000, np.shape(p)) + rng.random(np.shape(p)) for p in parts]
        return made if len(made) > 1 else made[0]

    verdict = verdict_on(name, noisy)
    assert (verdict.status, verdict.mistakes) == ("differs", [])
