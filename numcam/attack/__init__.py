"""Attacks: small changes of the pixels that change the answer. Everything is measured in grey levels, 0-255."""

from collections.abc import Callable

from numcam.attack.confident import Reached, reach
from numcam.attack.deepfool import deepfool
from numcam.attack.fgsm import fgsm
from numcam.attack.given import answers, loss_direction, loss_gradient, rounded
from numcam.attack.iterated import Walk, bim, kurakin_steps, pgd, pgd_l2, rms
from numcam.attack.lasting import at_full_size, lasting
from numcam.attack.smallest import smallest_epsilon
from numcam.nn.types import Array

ATTACKS: dict[str, Callable[..., Array]] = {
    "fgsm": fgsm,
    "bim": bim,
    "pgd": pgd,
    "pgd_l2": pgd_l2,
    "deepfool": deepfool,
}
"""Every attack by name: attack(classifier, pixels, label=None, ...); all but deepfool take epsilon and targeted."""

__all__ = [
    "ATTACKS",
    "Reached",
    "Walk",
    "answers",
    "at_full_size",
    "bim",
    "deepfool",
    "fgsm",
    "kurakin_steps",
    "lasting",
    "loss_direction",
    "loss_gradient",
    "pgd",
    "pgd_l2",
    "reach",
    "rms",
    "rounded",
    "smallest_epsilon",
]
