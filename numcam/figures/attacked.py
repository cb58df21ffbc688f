"""One picture under attack: what the network answers, and where Grad-CAM looks, before and after."""

from typing import TYPE_CHECKING

import numpy as np

from numcam.figures.panels import Panel, panels
from numcam.figures.report import explained
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def attacked_figure(classifier: Classifier, pixels: Array, rounded: Array, attack: str) -> "Figure":
    """Grad-CAM of the picture; the attacked picture; its Grad-CAM for the class before and for the class after.

    pixels (1, 3, rows, cols); rounded uint8 (rows, cols, 3); attack: its name and size, for the title.
    """
    original = np.rint(pixels[0].transpose(1, 2, 0)).astype(np.uint8)
    traces = [classifier.forward(classifier.preprocess(p)) for p in (original, rounded)]
    before, after = (t.probabilities()[0] for t in traces)
    right, wrong = int(before.argmax()), int(after.argmax())
    names = [classifier.classes[i] for i in (right, wrong)]
    size = classifier.input_size
    first, kept, other = (
        explained(classifier, t, "grad_cam", c, size)
        for t, c in ((traces[0], right), (traces[1], right), (traces[1], wrong))
    )
    row = [
        first.panel(original, f"{names[0]} {before[right]:.1%}"),
        Panel(rounded, f"{names[1]} {after[wrong]:.1%}"),
        kept.panel(rounded, f"for “{names[0]}”, now {after[right]:.1%}"),
        other.panel(rounded, f"for “{names[1]}”"),
    ]
    verdict = f"turns “{names[0]}” into “{names[1]}”" if right != wrong else f"leaves “{names[0]}” standing"
    columns = ["original", "adversarial image", "adversarial, original class", "adversarial, predicted class"]
    return panels([row], f"{attack}: {verdict}", columns)
