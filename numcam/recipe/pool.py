"""Drawn scenes kept on disk, so that an epoch does not draw them again and an interrupted run goes on at once."""

import json
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numcam import scenes
from numcam.errors import InputError
from numcam.files import replacing
from numcam.nn.types import Array

FIRST_TRAINING_SEED = 1_000_000
"""Scenes for training start here; those below are for looking and measuring."""

CHUNK = 50
Progress = Callable[..., Iterable[Any]]


@dataclass(frozen=True)
class Pool:
    """`images` uint8 (n, 224, 224, 3), `labels` (n, objects) class indices, `boxes` (n, objects, 4)."""

    images: Array
    labels: Array
    boxes: Array


def drawn(folder: Path, count: int, objects: int, workers: int, progress: Progress) -> Pool:
    """`count` scenes of so many objects each, read from `folder` where they are, drawn into it where not."""
    stem = folder / f"scenes-{count}x{objects}"
    done = stem.with_suffix(".json")
    images = stem.with_suffix(".npy")
    if not done.is_file():
        labels, boxes = _draw_all(images, count, objects, workers, progress)
        with replacing(done) as part:  # last, and whole: where it stands, the pictures do too
            part.write_text(json.dumps({"labels": labels, "boxes": boxes}))
    try:
        truth = json.loads(done.read_text())
        return Pool(np.load(images, mmap_mode="r"), np.array(truth["labels"]), np.array(truth["boxes"]))
    except (OSError, EOFError, KeyError, ValueError) as error:
        raise InputError(f"{stem} is damaged ({error}); remove {done} to have its scenes drawn anew") from None


def _draw_all(path: Path, count: int, objects: int, workers: int, progress: Progress) -> tuple[list[Any], list[Any]]:
    store = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, 224, 224, 3))
    labels: list[Any] = []
    boxes: list[Any] = []
    starts = range(0, count, CHUNK)
    with ProcessPoolExecutor(workers, initializer=_leave_interrupts_to_the_parent) as pool:
        chunks = pool.map(_draw_chunk, starts, [min(CHUNK, count - s) for s in starts], [objects] * len(starts))
        bar = progress(chunks, total=len(starts), desc=f"drawing {count} scenes of {objects}", unit_scale=CHUNK)
        try:
            for start, (images, more_labels, more_boxes) in zip(starts, bar, strict=True):
                store[start : start + len(images)] = images
                labels += more_labels
                boxes += more_boxes
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C should not wait for all that was asked for
            raise
    store.flush()
    return labels, boxes


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _draw_chunk(start: int, count: int, objects: int) -> tuple[Array, list[Any], list[Any]]:
    drawn = [scenes.draw(FIRST_TRAINING_SEED + start + i, objects=objects) for i in range(count)]
    labels = [[scenes.CLASSES.index(o.name) for o in scene.objects] for scene in drawn]
    boxes = [[list(o.box) for o in scene.objects] for scene in drawn]
    return np.stack([scene.image for scene in drawn]), labels, boxes
