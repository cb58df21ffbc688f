"""FGSM in small steps: the basic iterative method, and projected gradient descent within a box or a ball."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from numcam.attack.given import Label, answers, checked, labels_of, loss_gradient
from numcam.errors import InputError
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

NORMS = ("linf", "l2")


def bim(
    classifier: Classifier,
    pixels: Array,
    label: Label = None,
    epsilon: float = 8.0,
    targeted: bool = False,
    steps: int | None = None,
    alpha: float = 1.0,
    engine: str | None = None,
) -> Array:
    """The basic iterative method: FGSM steps of `alpha` grey levels, kept within epsilon of the picture.

    Pictures, labels and errors as in `fgsm`. steps: None for the paper's own min(epsilon + 4, 1.25 epsilon), rounded
    up; engine as in `Classifier.forward`. Kurakin et al. 2017, section 2.2.
    """
    pixels = checked(classifier, pixels, epsilon, "bim")
    steps = kurakin_steps(epsilon) if steps is None else steps
    walk = Walk(classifier, pixels, epsilon, "linf", alpha, steps, targeted, engine)
    return last(walk.run(pixels, label), pixels)


def pgd(
    classifier: Classifier,
    pixels: Array,
    label: Label = None,
    epsilon: float = 8.0,
    targeted: bool = False,
    steps: int = 40,
    alpha: float | None = None,
    norm: str = "linf",
    seed: int | None = 0,
    engine: str | None = None,
) -> Array:
    """Projected gradient descent from a random start within epsilon of the picture (None for seed: from the picture).

    norm "linf": no value moves by more than epsilon grey levels. "l2": the root mean square of all the moves is at
    most epsilon, which is a ball of radius epsilon * sqrt(3 * rows * cols); so epsilon is in grey levels here too.
    alpha: grey levels of a step, None for 2.5 epsilon / steps. Madry et al. 2018.
    """
    pixels = checked(classifier, pixels, epsilon, "pgd")
    if norm not in NORMS:
        raise InputError(f'norm is "linf" or "l2"; got {norm!r}')
    alpha = 2.5 * epsilon / max(steps, 1) if alpha is None else alpha
    walk = Walk(classifier, pixels, epsilon, norm, alpha, steps, targeted, engine)
    return last(walk.run(pixels if seed is None else walk.random_start(seed), label), pixels)


def pgd_l2(
    classifier: Classifier,
    pixels: Array,
    label: Label = None,
    epsilon: float = 2.0,
    targeted: bool = False,
    **more: object,
) -> Array:
    """`pgd` within an L2 ball; epsilon is the root mean square of the change, in grey levels."""
    return pgd(classifier, pixels, label, epsilon, targeted, norm="l2", **more)  # type: ignore[arg-type]


def kurakin_steps(epsilon: float) -> int:
    """min(epsilon + 4, 1.25 epsilon), rounded up: enough for steps of 1 to reach the edge of the box, and some more."""
    return ceil(min(epsilon + 4, 1.25 * epsilon))


@dataclass(frozen=True)
class Walk:
    """Steps of `alpha` grey levels up (or, targeted, down) the loss, back into the epsilon ball after each."""

    classifier: Classifier
    pixels: Array
    epsilon: float
    norm: str
    alpha: float
    steps: int
    targeted: bool = False
    engine: str | None = None

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise InputError(f"steps is a count, 0 or more; got {self.steps}")
        if not (np.isfinite(self.alpha) and self.alpha >= 0):
            raise InputError(f"alpha is a number of grey levels, 0 or more; got {self.alpha}")

    def run(self, start: Array, label: Label) -> Iterator[Array]:
        """The pixels after each step."""
        labels = labels_of(self.classifier, len(start), label, self.targeted)
        labels = answers(self.classifier, self.pixels, self.engine) if labels is None else labels
        here = start
        for _ in range(self.steps):
            _, gradient = loss_gradient(self.classifier, here, labels, self.engine)
            step = self._steepest(gradient) * here.dtype.type(-self.alpha if self.targeted else self.alpha)
            here = self.within(here + step)
            yield here

    def within(self, moved: Array) -> Array:
        """The nearest pixels within the ball (projected), then within [0, 255] (clipped)."""
        change = moved - self.pixels
        if self.norm == "linf":
            change = np.clip(change, -self.epsilon, self.epsilon)
        else:
            size = rms(change)
            change = change * np.minimum(1, self.epsilon / np.maximum(size, 1e-30)).astype(change.dtype)
        return np.clip(self.pixels + change, 0, 255)

    def random_start(self, seed: int) -> Array:
        """Drawn evenly from the ball: each value within epsilon, or a direction and a radius of density r^(d-1)."""
        rng, shape = np.random.default_rng(seed), self.pixels.shape
        if self.norm == "linf":
            change = rng.uniform(-self.epsilon, self.epsilon, shape)
        else:
            change = rng.standard_normal(shape)
            radius = rng.uniform(size=(shape[0], 1, 1, 1)) ** (1 / np.prod(shape[1:]))
            change *= self.epsilon * radius / rms(change)
        return np.clip(self.pixels + change.astype(self.pixels.dtype), 0, 255)

    def _steepest(self, gradient: Array) -> Array:
        """The step of size 1 that raises the loss most: each value by 1, or a root mean square of 1."""
        if self.norm == "linf":
            return np.sign(gradient)
        return gradient / np.maximum(rms(gradient), np.finfo(gradient.dtype).tiny)


def rms(change: Array) -> Array:
    """Root mean square over each picture's values, (n, 1, 1, 1); summed in float64, since squares may be tiny."""
    return np.sqrt((change.astype(np.float64) ** 2).mean(axis=(1, 2, 3), keepdims=True)).astype(change.dtype)


def last(walk: Iterator[Array], start: Array) -> Array:
    """Where a walk ends; where it starts if it has no steps."""
    here = start
    for here in walk:  # noqa: B007
        pass
    return here
