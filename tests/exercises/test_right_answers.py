"""A right answer is never called wrong, whatever it looks like."""

import numpy as np
import pytest
from exercises.answering import in_float32, verdict_on
from exercises.variants import all_right

from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.child import lacking

RIGHT = all_right()
VARIANTS = [(name, function) for name, functions in RIGHT.items() for function in functions]


def test_every_exercise_has_ten_right_answers_in_other_styles():
    assert set(RIGHT) == set(EXERCISES)
    assert {name: len(functions) for name, functions in RIGHT.items() if len(functions) < 10} == {}


@pytest.mark.parametrize(("name", "function"), VARIANTS, ids=[f"{n}-{f.__name__}" for n, f in VARIANTS])
def test_a_right_answer_passes(name, function):
    verdict = verdict_on(name, function)
    assert (verdict.status, verdict.message) == ("passes", [])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "function"), VARIANTS, ids=[f"{n}-{f.__name__}" for n, f in VARIANTS])
def test_a_right_answer_passes_in_single_precision(name, function):
    if any(key in f"{name} {function.__name__}" for key in ("wiggl", "differences")):
        pytest.skip("a finite difference of single precision is no right answer")
    called = in_float32(function)
    called.__wrapped__ = function  # so that its parameters are seen
    assert lacking(EXERCISES[name], called) == lacking(EXERCISES[name], function)
    verdict = verdict_on(name, called)
    assert (verdict.status, verdict.message) == ("passes", [])


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("derivative", lambda g, at, h=1e-5: (g(at + h) - g(at - h)) / (2 * h)),
        ("grad_cam", lambda record, c, layer_name="relu5_3": EXERCISES["grad_cam"].right(record, c, layer_name)),
        ("preprocess", lambda im, m, std, channels="RGB": EXERCISES["preprocess"].right(im, m, std, channels)),
        ("im2col", lambda p, k, step=(1, 1), border=(0, 0), **_: EXERCISES["im2col"].right(p, k, **_)),
        ("points_at", lambda *arguments, **options: EXERCISES["points_at"].right(*arguments, **options)),
        ("relu_backward", np.vectorize(lambda d, v: d if v > 0 else 0.0)),
    ],
)
def test_parameters_may_have_other_names(name, function):
    assert verdict_on(name, function).status == "passes"
