"""The same scenes through two networks: one that learned a planted shortcut, and one that could not."""

from typing import TYPE_CHECKING

from numcam.evaluate import planted
from numcam.explain import grad_cam
from numcam.figures.paint import overlay
from numcam.figures.panels import Panel, panels
from numcam.models.classifier import Classifier

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def side_by_side(tempted: Classifier, plain: Classifier, seed: int = 0, rows: int = 2) -> "Figure":
    """For boats and fish: the scene and its Grad-CAM with the shortcut; and without it, for both networks."""
    count = len(planted.CLASSES)
    start = seed + (-seed) % count
    grid, labels = [], []
    for k, name in enumerate((planted.MARKED, planted.STRIPED)):
        for i in range(rows):
            at = start + i * count + k
            with_it, without = planted.draw(at), planted.draw(at, shortcut=False)
            row = [Panel(with_it.image, name), _explained(tempted, with_it)]
            grid.append([*row, _explained(tempted, without), _explained(plain, without)])
            labels.append(name)
    columns = ["picture", "trained on such pictures", "the same, shortcut taken away", "trained without it"]
    return panels(grid, "Right for the wrong reason: Grad-CAM of the right class", columns, labels)


def _explained(classifier: Classifier, scene: planted.Planted) -> Panel:
    trace = classifier.forward(classifier.preprocess(scene.image))
    answer = classifier.classes[int(trace.output.argmax())]
    map = grad_cam(trace, classifier.index(scene.name))[0]
    return Panel(overlay(scene.image, map), f"answer: {answer}", None, "map")
