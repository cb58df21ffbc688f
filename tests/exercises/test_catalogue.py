"""Every wrong version is named, by its own name and no other, and the right functions are right."""

import re

import numpy as np
import pytest
from exercises.answering import single, verdict_on
from helpers import naive_conv2d

from numcam.exercises.attempt import Outcome
from numcam.exercises.catalogue import EXERCISES, PAGES, chosen, of_page
from numcam.exercises.compare import part_same, right_outcomes, value, wrong_outcomes
from numcam.exercises.exercise import Exercise
from numcam.nn.gradcheck import numerical_gradient, relative_error

MISTAKES = [(name, mistake) for name, e in EXERCISES.items() for mistake in e.mistakes.values()]
IDS = [f"{name}-{mistake.name}" for name, mistake in MISTAKES]


def test_the_catalogue_is_as_large_as_the_readme_says():
    assert len(EXERCISES) == 29
    assert len(MISTAKES) == 349


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=IDS)
def test_a_wrong_version_is_named(name, mistake):
    verdict = verdict_on(name, mistake.function)
    assert not verdict.passed
    assert [m.name for m in verdict.mistakes] == [mistake.name]
    assert verdict.message


@pytest.mark.parametrize("name", EXERCISES)
def test_all_wrong_versions_of_a_function_differ_from_it_and_from_each_other(name):
    exercise = EXERCISES[name]
    versions = {"right": right_outcomes(name), **wrong_outcomes(name)}
    for first in versions:
        for second in versions:
            if first < second:
                assert distance(exercise, versions[first], versions[second]) >= 100 * exercise.tolerance, (
                    first,
                    second,
                )


def distance(exercise, a, b):
    """How far two versions are apart in the case and array that tells them best, relative to the right array."""
    right = right_outcomes(exercise.name)
    parts = range(len(exercise.returns))
    return max(gap(exercise, x, y, r, p) for x, y, r in zip(a, b, right, strict=True) for p in parts)


def gap(exercise: Exercise, a: Outcome, b: Outcome, right: Outcome, part: int) -> float:
    if sorted(a.changed) != sorted(b.changed):
        return np.inf
    x, y, r = value(a, part), value(b, part), value(right, part)
    if x is None or y is None or x.shape != y.shape:
        return 0.0 if part_same(exercise, a, b, part) else np.inf
    if r.dtype.kind != "f" or not (np.isfinite(x) == np.isfinite(y)).all():
        return 0.0 if part_same(exercise, a, b, part) else np.inf
    x, y = np.nan_to_num(x.astype(float)), np.nan_to_num(y.astype(float))
    return np.abs(x - y).max(initial=0) / (np.abs(np.nan_to_num(r, posinf=0)).max(initial=0) or 1)


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=IDS)
def test_a_wrong_version_has_one_sentence_and_a_page(name, mistake):
    assert re.fullmatch(r".{30,240}\.", mistake.about)
    assert mistake.page in PAGES
    assert not mistake.about.startswith(("This", "Here"))


def test_every_page_has_a_function_to_write():
    assert [page for page in PAGES if not of_page(page)] == []
    assert chosen(["6", "06", "im2col", "relu_backward"]) == [
        "im2col",
        "col2im",
        "conv2d",
        "conv2d_backward",
        "relu_backward",
    ]


@pytest.mark.parametrize("name", EXERCISES)
def test_right_functions_change_nothing_and_answer_every_case(name):
    for outcome in right_outcomes(name):
        assert (outcome.error, outcome.complaint, outcome.changed) == ("", "", {})


@pytest.mark.parametrize("name", EXERCISES)
def test_inputs_are_the_same_in_single_precision(name):
    """So that a tie, and a 0, is one there too."""
    for case in EXERCISES[name].cases[:2]:
        for argument in case.arguments:
            if isinstance(argument, np.ndarray) and name not in ("rank_correlation", "points_at"):
                np.testing.assert_array_equal(single(argument), argument)


def test_the_truth_of_convolution_is_its_definition():
    conv2d, backward = EXERCISES["conv2d"], EXERCISES["conv2d_backward"]
    for case in conv2d.cases:
        at = {"stride": (1, 1), "padding": (0, 0), **case.options}
        np.testing.assert_allclose(conv2d.right(*case.arguments, **case.options), naive_conv2d(*case.arguments, **at))
    for case in backward.cases:
        dout, *arrays = case.arguments
        grads = backward.right(*case.arguments, **case.options)
        for k in range(3):

            def loss(v, k=k, arrays=arrays, dout=dout, case=case):
                return float((dout * conv2d.right(*arrays[:k], v, *arrays[k + 1 :], **case.options)).sum())

            assert relative_error(grads[k], numerical_gradient(loss, arrays[k])) < 1e-7


@pytest.mark.parametrize(
    ("name", "special"),
    [
        ("relu_backward", lambda dout, x: (x == 0).any() and (dout[x == 0] != 0).any()),
        ("guided_relu_backward", lambda dout, x: (x == 0).any() and (dout[x == 0] > 0).any()),
        ("maxpool_backward", lambda dout, x, size, stride: stride < size and x.size > len(np.unique(x))),
        ("linear_backward", lambda dout, x, w, b: len(x) > 1 and len({*x.shape, *w.shape}) == 3),
        ("conv2d_backward", lambda dout, x, w, b: len({*x.shape, *w.shape[:1]}) == 5 and len(x) > 1),
        ("conv2d_backward", lambda dout, x, w, b: w.shape[0] == w.shape[1]),
        ("grad_cam_weights", lambda gradient: len(set(gradient.shape)) == 4),
        ("rank_correlation", lambda a, b: len(np.unique(a)) < a.size),
    ],
)
def test_inputs_have_what_mistakes_hide_behind(name, special):
    assert any(special(*case.arguments) for case in EXERCISES[name].cases)
