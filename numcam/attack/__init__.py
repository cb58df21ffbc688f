"""Attacks: small changes of the pixels that change the answer. Everything is measured in grey levels, 0-255."""

from numcam.attack.fgsm import fgsm

__all__ = ["fgsm"]
