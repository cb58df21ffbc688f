"""The two figures of the demo: explanations of two classes in one picture, and of a picture under attack."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from numcam.attack import fgsm
from numcam.evaluate.localisation import peak
from numcam.explain import METHODS, upsample
from numcam.figures.paint import overlay, signed
from numcam.figures.panels import Panel, panels
from numcam.models.classifier import Classifier
from numcam.nn import Target, Trace
from numcam.nn.types import Array
from numcam.scenes import Scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLANK = "blank: every cell argues against it"


@dataclass(frozen=True)
class Explanation:
    """One method's answer for one class of one picture.

    values: (rows, cols) for a map, (3, rows, cols) for a pixel gradient, in logits per grey level. at: (row, col) of
    its maximum, in the size asked for; None where it is blank.
    """

    method: str
    values: Array
    at: tuple[int, int] | None

    @property
    def is_map(self) -> bool:
        return self.values.ndim == 2

    @property
    def blank(self) -> str:
        """What there is to say where all values are 0."""
        return BLANK if self.is_map else "0 everywhere"

    def panel(self, image: Array, note: str = "") -> Panel:
        """The explanation of `image`, uint8 (rows, cols, 3), as a panel of that size."""
        if self.is_map:
            return Panel(overlay(image, self.values), note if self.at else self.blank, self.at, "map")
        return Panel(signed(upsample(self.values, image.shape[:2])), note if self.at else self.blank, None, "signed")


def explained(
    classifier: Classifier, trace: Trace, method: str, target: Target, size: tuple[int, int], layer: str | None = None
) -> Explanation:
    """Explain the first picture of the trace, and look for the maximum in a picture of `size` (rows, cols)."""
    options = {"layer": layer} if layer and method in ("grad_cam", "guided_grad_cam") else {}
    values = METHODS[method](trace, target, **options)
    if values.ndim == 4:
        values = classifier.pixel_gradient(values)
        strength = np.abs(values).max(axis=1)
    else:
        strength = values
    at = peak(upsample(strength, size)[0]) if strength.max() > 0 else None
    return Explanation(method, values[0], at)


def where(scene: Scene, at: tuple[int, int] | None) -> str:
    """What lies at (row, col) of a scene: "on the cat", or "on no object"."""
    on = [o.name for o in scene.objects if at is not None and o.mask[at]]
    return f"on the {on[0]}" if on else "on no object"


def figure_1(classifier: Classifier, scene: Scene) -> "tuple[Figure, list[tuple[str, Explanation]]]":
    """The scene explained for each of its classes: image, Grad-CAM, guided backpropagation, guided Grad-CAM.

    Returns the figure and the explanations in it by class name.
    """
    trace = classifier.forward(classifier.preprocess(scene.image))
    probabilities = trace.probabilities()[0]
    rows, found = [], []
    for thing in scene.objects:
        index = classifier.index(thing.name)
        row = [Panel(scene.image, f"{thing.name}: {probabilities[index]:.1%}")]
        for method in ("grad_cam", "guided_backprop", "guided_grad_cam"):
            one = explained(classifier, trace, method, index, scene.image.shape[:2])
            row.append(one.panel(scene.image, f"maximum {where(scene, one.at)}"))
            found.append((thing.name, one))
        rows.append(row)
    names = [thing.name for thing in scene.objects]
    columns = ["image", "Grad-CAM", "guided backpropagation", "guided Grad-CAM"]
    title = f"Ask for the {names[0]}, ask for the {names[-1]}: each class has its own evidence"
    return panels(rows, title, columns, [f"“{name}”" for name in names]), found


def flips(classifier: Classifier, scenes: Iterable[Scene], epsilon: float) -> Iterator[tuple[Scene, Array, int, int]]:
    """The scenes that are classified right and, after FGSM, wrong: (scene, adversarial pixels, right, wrong index)."""
    for scene in scenes:
        label = classifier.index(scene.objects[0].name)
        pixels = classifier.to_pixels(scene.image)
        attacked = np.rint(fgsm(classifier, pixels, epsilon=epsilon))  # as a file of whole grey levels would hold it
        before, after = (
            int(classifier.forward(classifier.preprocessing.forward(p)).output.argmax()) for p in (pixels, attacked)
        )
        if before == label != after:
            yield scene, attacked, before, after


def figure_2(classifier: Classifier, attacked: Sequence[tuple[Scene, Array, int, int]], epsilon: float) -> "Figure":
    """For scenes as from `flips`: Grad-CAM before the attack, the attacked picture, and Grad-CAM for both classes."""
    rows, still, astray = [], 0, 0
    for scene, pixels, right, wrong in attacked:
        picture = pixels[0].transpose(1, 2, 0).astype(np.uint8)
        before = classifier.forward(classifier.preprocess(scene.image))
        after = classifier.forward(classifier.preprocessing.forward(pixels))
        old, new = before.probabilities()[0], after.probabilities()[0]
        size = scene.image.shape[:2]
        first, kept = (explained(classifier, t, "grad_cam", right, size) for t in (before, after))
        other = explained(classifier, after, "grad_cam", wrong, size)
        still += kept.at is not None and bool(scene.objects[0].mask[kept.at])
        astray += other.at is None or not scene.objects[0].mask[other.at]
        name, false = classifier.classes[right], classifier.classes[wrong]
        rows.append(
            [
                first.panel(scene.image, f"{name} {old[right]:.1%}\nmaximum {where(scene, first.at)}"),
                Panel(picture, f"{false} {new[wrong]:.1%} (was {name})\nevery value ±{epsilon:g} of 255"),
                kept.panel(picture, f"for “{name}”\nmaximum {where(scene, kept.at)}"),
                other.panel(picture, f"for “{false}”\nmaximum {where(scene, other.at)}"),
            ]
        )
    n = len(rows)
    title = (
        f"After FGSM with ε = {epsilon:g}, the right class's map is still on the object in {still} of {n};\n"
        f"the wrong class's is elsewhere in {astray} of {n}"
    )
    columns = [
        "original, predicted class",
        "adversarial image",
        "adversarial, original class",
        "adversarial, wrong class",
    ]
    return panels(rows, title, columns)
