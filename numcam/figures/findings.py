"""Findings of one picture as one figure: a row for each class, a panel for each method."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from numcam.explain import TITLES, Finding
from numcam.figures.evidence import finding_panel, place
from numcam.figures.grid import arranged
from numcam.figures.panels import Panel, panels
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ClassFindings:
    """A class by its name, its probability or value in words, and what the methods found for it."""

    name: str
    value: str
    findings: Sequence[Finding]


def findings_figure(classifier: Classifier, image: Array, classes: Sequence[ClassFindings]) -> "Figure":
    """image: uint8 (rows, cols, 3)."""
    rows: list[list[Panel]] = []
    labels: list[str] = []
    columns: list[str] = []
    for one in classes:
        answers = [(TITLES[f.method], _panel(f, classifier, image)) for f in one.findings]
        block, columns = arranged([("image", Panel(image, f"{one.name}: {one.value}")), *answers])
        labels += [f"“{one.name}”", *[""] * (len(block) - 1)]
        rows += block
    names = [f"“{one.name}”" for one in classes]
    methods = max(len(one.findings) for one in classes)
    by = f", by {methods} methods" if methods > 6 else ""
    title = f"Where {classifier.name} sees {' and '.join(names)}{by}"
    return panels(rows, title if len(names) < 3 else "The same picture, class by class", columns, labels)


def _panel(finding: Finding, classifier: Classifier, image: Array) -> Panel:
    at = place(finding, classifier, (image.shape[0], image.shape[1]))
    return finding_panel(finding, classifier, image, f"maximum at row {at[0]}, column {at[1]}" if at else "")
