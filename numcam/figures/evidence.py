"""Signed maps over a picture, and findings as panels."""

import numpy as np

from numcam.evaluate.localisation import peak
from numcam.explain import Finding, upsample
from numcam.explain.methods import CONTRIBUTIONS
from numcam.figures.paint import STRENGTH, colours, grey_mixed, overlay, signed
from numcam.figures.panels import Panel
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

STRIP = 256
"""Rows that are painted together: a large photo would fill gigabytes at once."""

BLANK = {False: "0 everywhere", True: "blank: every cell argues against it"}


def evidence(image: Array, map: Array, scale: float | None = None) -> Array:
    """A signed map over its picture, uint8 (rows, cols, 3): red where it is positive, blue where it is negative.

    image: uint8 (rows, cols, 3). map: (any rows, any cols), enlarged to it. scale: the |value| of full colour; None for
    the largest there is. Where the map is 0 stands the picture, in grey.
    """
    large = upsample(np.asarray(map, np.float64), image.shape[:2])
    top = np.abs(large).max() if scale is None else scale
    share = np.clip(large / top, -1, 1) if top > 0 else np.zeros_like(large)
    out = np.empty(image.shape, np.uint8)
    for first in range(0, len(image), STRIP):
        rows = slice(first, first + STRIP)
        opacity = STRENGTH * np.sqrt(np.abs(share[rows]))[..., None]  # the root: small differences should be seen too
        colour = 255 * colours("RdBu_r")(0.5 + 0.5 * share[rows])[..., :3]
        out[rows] = np.rint(grey_mixed(image[rows], 1.0) * (1 - opacity) + colour * opacity)
    return out


def drawn(finding: Finding, classifier: Classifier) -> Array:
    """What is drawn of a finding: a map (rows, cols), or three channels in RGB order, (3, rows, cols).

    Gradients become d(score)/d(pixels); contributions stay what they are.
    """
    values = finding.values
    if values.ndim == 2:
        return values
    per_unit = classifier.pixel_gradient(np.ones_like(values[None])) if finding.method in CONTRIBUTIONS else 1
    return (classifier.pixel_gradient(values[None]) / per_unit)[0]


def place(finding: Finding, classifier: Classifier, size: tuple[int, int]) -> tuple[int, int] | None:
    """(row, col) of the largest value in a picture of that size, in pixel space of the largest |value|; None where
    nothing is above 0."""
    values = drawn(finding, classifier)
    strength = np.abs(values).max(axis=0) if values.ndim == 3 else values
    return peak(upsample(strength, size)) if strength.max() > 0 else None


def finding_panel(finding: Finding, classifier: Classifier, image: Array, note: str = "") -> Panel:
    """The finding over its picture, uint8 (rows, cols, 3)."""
    values = drawn(finding, classifier)
    at = place(finding, classifier, (image.shape[0], image.shape[1]))
    caption = note if at else BLANK[bool(finding.signed.any())]
    if values.ndim == 3:
        return Panel(signed(upsample(values, image.shape[:2])), caption, None, "signed")
    if values.min() < 0:
        return Panel(evidence(image, values), caption, at, "evidence")
    return Panel(overlay(image, values), caption, at, "map")
