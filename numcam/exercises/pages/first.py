"""Pages 00 to 02: another class, a slope, and the sum over paths."""

from collections.abc import Callable, Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import integers, numbers
from numcam.nn.types import Array

Six = tuple[float, float, float, float, float, float]
Curve = Callable[[float], float]


@exercise("00", "index")
def runner_up(scores: Array) -> Array:
    """The other class: the index of each picture's second-highest score.

    scores (n, classes) -> (n,) integers.
    """
    return np.argsort(scores, axis=1)[:, -2]


@runner_up.inputs
def _() -> Iterator[Case]:
    yield Case("one picture, four classes", (integers([1, 7, -9, 4]),))
    yield Case("three pictures, five classes", (integers([3, -8, 2, 6, 1], [-1, -2, -3, -4, -7], [0, 9, 4, -5, 8]),))
    yield Case("as many pictures as classes", (integers([1, 2, 3], [9, 7, 8], [4, 6, 5]),))


@runner_up.wrong()
def likeliest(scores: Array) -> Array:
    """That is the highest score, the class that the network answers; the runner-up comes second."""
    return scores.argmax(axis=1)


@runner_up.wrong()
def least_likely(scores: Array) -> Array:
    """That is the lowest score: argsort sorts upwards, so the runner-up is its last but one."""
    return scores.argmin(axis=1)


@runner_up.wrong()
def second_from_below(scores: Array) -> Array:
    """That is the second-lowest score: argsort sorts upwards, so count from the end with -2, not from the start."""
    return np.argsort(scores, axis=1)[:, 1]


@runner_up.wrong()
def pictures_for_classes(scores: Array) -> Array:
    """The scores are compared along axis 0, between pictures; the classes of one picture lie along axis 1."""
    return np.argsort(scores, axis=0)[-2 if len(scores) > 1 else 0]


@runner_up.wrong("jacobgil/pytorch-grad-cam's guided backpropagation takes the argmax over the flattened batch")
def flattened_batch(scores: Array) -> Array:
    """The second-highest is sought in the whole batch at once; every picture has a runner-up of its own."""
    return np.argsort(scores, axis=None)[-2:-1] % scores.shape[1]


@runner_up.wrong()
def by_magnitude(scores: Array) -> Array:
    """A score of -9 is a low one, but its absolute value is high: rank the scores themselves."""
    return np.argsort(np.abs(scores), axis=1)[:, -2]


@runner_up.wrong()
def score_for_index(scores: Array) -> Array:
    """That is the second-highest score itself; asked for is where it stands, an index."""
    return np.sort(scores, axis=1)[:, -2]


@exercise("01", "slope")
def derivative(f: Curve, x: float, step: float = 1e-5) -> float:
    """The slope of f at x by a central difference: one wiggle of size `step` up, one down.

    f takes a number and returns a number; x and step are numbers. Returns a number.
    """
    return (f(x + step) - f(x - step)) / (2 * step)


def square(x: float) -> float:
    return x * x


def cube(x: float) -> float:
    return x * x * x


@derivative.inputs
def _() -> Iterator[Case]:
    yield Case("x squared at 3", (square, 3.0), {"step": 0.5})
    yield Case("x cubed at 2", (cube, 2.0), {"step": 0.5})
    yield Case("x cubed at -1, a smaller step", (cube, -1.0), {"step": 0.25})


@derivative.wrong()
def forward_difference(f: Curve, x: float, step: float = 1e-5) -> float:
    """A forward difference, f(x + step) - f(x): its error shrinks with the step, that of the central one with its
    square.
    """
    return (f(x + step) - f(x)) / step


@derivative.wrong()
def backward_difference(f: Curve, x: float, step: float = 1e-5) -> float:
    """A backward difference, f(x) - f(x - step): wiggle to both sides instead."""
    return (f(x) - f(x - step)) / step


@derivative.wrong()
def not_halved(f: Curve, x: float, step: float = 1e-5) -> float:
    """Divided by step: between x - step and x + step lie 2 * step, so this slope is twice too steep."""
    return (f(x + step) - f(x - step)) / step


@derivative.wrong()
def precedence(f: Curve, x: float, step: float = 1e-5) -> float:
    """`/ 2 * step` divides by 2 and multiplies by step; write `/ (2 * step)`."""
    return (f(x + step) - f(x - step)) / 2 * step


@derivative.wrong()
def not_divided(f: Curve, x: float, step: float = 1e-5) -> float:
    """That is the change of the output; the slope is that change *per* change of the input."""
    return f(x + step) - f(x - step)


@derivative.wrong()
def reversed_difference(f: Curve, x: float, step: float = 1e-5) -> float:
    """The difference is taken the wrong way round: the output after the wiggle upwards comes first."""
    return (f(x - step) - f(x + step)) / (2 * step)


@derivative.wrong()
def step_ignored(f: Curve, x: float, step: float = 1e-5) -> float:
    """The function uses a step of its own; the size of the wiggle is the argument `step`."""
    return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6


@exercise("02", "da", "db", "dc", "dd", "de", "df")
def six_gradients(a: float, b: float, c: float) -> Six:
    """The six red numbers of the graph  d = a * b,  e = d + c,  f = e * a.

    Numbers in; returns (da, db, dc, dd, de, df), each the derivative of f with respect to that number, so df is 1.
    """
    d = a * b
    e = d + c
    de = a
    dd = dc = de
    return e + dd * b, dd * a, dc, dd, de, 1.0


@six_gradients.inputs
def _() -> Iterator[Case]:
    yield Case("a = 2, b = 3, c = 4", (2.0, 3.0, 4.0))
    yield Case("a = -3, b = 5, c = 0.5", (-3.0, 5.0, 0.5))
    yield Case("eighths", tuple(numbers(2, 3).tolist()))


@six_gradients.wrong()
def last_path_only(a: float, b: float, c: float) -> Six:
    """a reaches f by two paths, and their gradients add up; here da holds only the one through d (`=` for `+=`)."""
    right = six_gradients.right(a, b, c)
    return (right[3] * b, *right[1:])


@six_gradients.wrong()
def first_path_only(a: float, b: float, c: float) -> Six:
    """a reaches f by two paths, and their gradients add up; here da holds only the direct one, e."""
    right = six_gradients.right(a, b, c)
    return (a * b + c, *right[1:])


@six_gradients.wrong()
def paths_multiplied(a: float, b: float, c: float) -> Six:
    """The two paths from a are multiplied: along a path gradients multiply, between paths they add."""
    right = six_gradients.right(a, b, c)
    return ((a * b + c) * right[3] * b, *right[1:])


@six_gradients.wrong()
def own_factor(a: float, b: float, c: float) -> Six:
    """Each factor of a product gets itself; the derivative of e * a with respect to e is the *other* factor, a."""
    de = a * b + c
    return a + de * a, de * b, de, de, de, 1.0


@six_gradients.wrong()
def sum_like_product(a: float, b: float, c: float) -> Six:
    """The addition is treated like a multiplication: a sum hands its gradient unchanged to both of its terms."""
    d = a * b
    dd, dc = a * c, a * d
    return d + c + dd * b, dd * a, dc, dd, a, 1.0


@six_gradients.wrong()
def local_only(a: float, b: float, c: float) -> Six:
    """These are the local derivatives; each must still be multiplied by the red number of the node above (the
    chain).
    """
    return a * b + c + b, a, 1.0, 1.0, a, 1.0


@six_gradients.wrong()
def seeded_with_f(a: float, b: float, c: float) -> Six:
    """The walk starts with the value of f; it starts with df/df, which is 1."""
    f = (a * b + c) * a
    da, db, dc, dd, de, _ = (f * g for g in six_gradients.right(a, b, c))
    return da, db, dc, dd, de, f
