"""The Grad-CAM paper's Table 1: weakly supervised localisation, a box from the map of each predicted class.

The map is cut at 15 % of its maximum, and the box goes round the single largest connected segment. A picture is located
if one of the predictions is the right class and its box overlaps a true one by at least half (IoU). Selvaraju et al.
2017, section 4.1. What the paper leaves open is an argument here: which cells touch, and the space the box is drawn in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numcam.errors import InputError
from numcam.evaluate.boxes import Box, box_iou, box_of, largest_component, scaled
from numcam.evaluate.explanations import native, strength
from numcam.explain import upsample
from numcam.nn import Trace
from numcam.nn.types import Array

ENOUGH = 0.5


@dataclass(frozen=True)
class Protocol:
    """threshold: share of the maximum. connectivity: 4 or 8.

    space: where the map is enlarged to and the box drawn, "input" (the network's 224x224; the box is then stretched to
    the picture) or "picture" (the picture's own pixels).
    """

    threshold: float = 0.15
    connectivity: int = 8
    space: str = "input"

    def __post_init__(self) -> None:
        if self.space not in ("input", "picture"):
            raise InputError(f'space is "input" or "picture"; got {self.space!r}')


PAPER = Protocol()


@dataclass(frozen=True)
class Located:
    """For the first and the first five predictions: was the class right, and was it right with a good box?

    known: whether the box of the right class's map is good, whatever was predicted.
    """

    class_1: bool
    class_5: bool
    box_1: bool
    box_5: bool
    known: bool


def box_from(
    map: Array, picture: tuple[int, int], input_size: tuple[int, int], protocol: Protocol = PAPER
) -> Box | None:
    """The box in the picture, of size (rows, cols), that a map (any rows, any cols) gives; None for a blank one."""
    size = input_size if protocol.space == "input" else picture
    part = largest_component(upsample(np.maximum(map, 0), size), protocol.threshold, protocol.connectivity)
    return scaled(box_of(part), size, picture)


def located(
    trace: Trace,
    method: str,
    labels: Sequence[int],
    truths: Sequence[Sequence[Box]],
    sizes: Sequence[tuple[int, int]],
    protocol: Protocol = PAPER,
) -> list[Located]:
    """Judge each picture of the trace: its right class, its true boxes, and its size (rows, cols)."""
    best = np.argsort(-trace.output, axis=1, kind="stable")[:, :5]  # (n, 5)
    wanted = np.column_stack([best, labels])
    good = np.zeros(wanted.shape, bool)
    input_size = trace["input"].shape[2:]
    for column in range(wanted.shape[1]):
        maps = strength(native(trace, method, wanted[:, column]))
        for i, map in enumerate(maps):
            box = box_from(map, sizes[i], input_size, protocol)
            good[i, column] = any(box_iou(box, truth) >= ENOUGH for truth in truths[i])
    right = best == np.asarray(labels)[:, None]
    hit = right & good[:, :-1]
    return [
        Located(bool(r[0]), bool(r.any()), bool(h[0]), bool(h.any()), bool(k))
        for r, h, k in zip(right, hit, good[:, -1], strict=True)
    ]
