"""How good a classifier and its explanations are on drawn scenes, where the truth is known to the pixel."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from numcam import scenes
from numcam.evaluate.explanations import maps
from numcam.evaluate.localisation import TOLERANCE, chance, distance_to_mask, peak
from numcam.explain import upsample
from numcam.models.classifier import Classifier
from numcam.nn.types import Array


@dataclass
class Pointing:
    """Hits of one method over the named objects of many scenes."""

    asked: int = 0
    near: int = 0
    inside: int = 0
    other: int = 0
    offsets: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, map: Array, scene: scenes.Scene, which: int) -> None:
        """Count the peak of one map (rows, cols) for the scene's object number `which`."""
        self.asked += 1
        named = scene.objects[which]
        at = peak(map)
        blank = map.max() <= map.min()
        distance = np.inf if blank else distance_to_mask(named.mask, at)
        self.near += distance <= TOLERANCE
        self.inside += distance == 0
        self.other += not blank and any(o.mask[at] for k, o in enumerate(scene.objects) if k != which)
        rows, cols = np.nonzero(named.mask)
        self.offsets.setdefault(named.name, []).append((at[0] - rows.mean(), at[1] - cols.mean()))


@dataclass
class Report:
    """`correct` of `count` scenes had all their objects' classes at the top; pointing by method; chance of a hit."""

    objects: int
    count: int = 0
    correct: int = 0
    pointing: dict[str, Pointing] = field(default_factory=dict)
    chance_near: float = 0.0
    chance_inside: float = 0.0


MEASURED = ("grad_cam", "guided_grad_cam", "guided_backprop", "saliency")


def measure(
    classifier: Classifier, seeds: Iterable[int], objects: int, methods: tuple[str, ...] = MEASURED, batch: int = 10
) -> Iterator[Report]:
    """Measure over scenes.draw(seed, objects) for all seeds, yielding the report so far after each batch.

    A scene is right if its `objects` classes are the `objects` highest scores. Each class in turn is asked for, and
    where the method's map has its maximum is compared with that object's mask; methods in pixel space count by the
    largest absolute value over the colour channels.
    """
    report = Report(objects, pointing={name: Pointing() for name in methods})
    for some in _grouped(seeds, batch):
        drawn = [scenes.draw(seed, objects=objects) for seed in some]
        labels = np.array([[classifier.index(o.name) for o in scene.objects] for scene in drawn])  # (n, objects)
        trace = classifier.forward(classifier.preprocess(np.stack([scene.image for scene in drawn])))
        best = np.argsort(-trace.output, axis=1)[:, :objects]
        report.correct += int((np.sort(best, axis=1) == np.sort(labels, axis=1)).all(axis=1).sum())
        for which in range(objects):
            for name, pointing in report.pointing.items():
                found = maps(trace, name, labels[:, which])
                if found.shape[1:] != drawn[0].image.shape[:2]:  # a network for other sizes: laid on the scene
                    found = upsample(found, drawn[0].image.shape[:2])
                for scene, map in zip(drawn, found, strict=True):
                    pointing.add(map, scene, which)
            for scene in drawn:
                report.chance_near += chance(scene.objects[which].mask, TOLERANCE)
                report.chance_inside += chance(scene.objects[which].mask)
        report.count += len(drawn)
        yield report


def _grouped(seeds: Iterable[int], size: int) -> Iterator[list[int]]:
    group: list[int] = []
    for seed in seeds:
        group.append(seed)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
