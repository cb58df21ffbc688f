"""A function answers an exercise, here and now or in a file of its own."""

import numpy as np

from numcam.exercises.attempt import attempt
from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.child import lacking
from numcam.exercises.judge import judge
from numcam.exercises.running import Answer


def verdict_on(name, function):
    """What the checker says of a function, without a child process."""
    exercise = EXERCISES[name]
    missing = lacking(exercise, function)
    cases = [i for i, case in enumerate(exercise.cases) if not missing & set(case.options)]
    outcomes = [attempt(exercise, function, exercise.cases[i]) for i in cases]
    again = attempt(exercise, function, exercise.cases[cases[0]])
    return judge(Answer(name, cases, outcomes, again, lacking=sorted(missing)))


def single(value):
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == np.float64 else value


def in_float32(function):
    """The same function on arrays of single precision."""

    def called(*arguments, **options):
        return function(*map(single, arguments), **options)

    return called
