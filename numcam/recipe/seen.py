"""What drawn scenes look like to a network, kept with its weights: see `numcam.models.familiar`."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from numcam import scenes
from numcam.models.familiar import Familiar, familiar_with, statistics
from numcam.models.preprocessing import CENTRED
from numcam.nn import Network
from numcam.recipe.pool import FIRST_TRAINING_SEED

LAYER = "relu3_3"
"""Of VGG16's layers the one whose statistics tell photographs from scenes best: deeper ones see objects in either."""

MOST = 6000
BATCH = 20


def quiet(items: Iterable[Any], **_: object) -> Iterable[Any]:
    """No progress bar."""
    return items


def familiar_scenes(network: Network, count: int, progress: Callable[..., Iterable[Any]] = quiet) -> Familiar | None:
    """The statistics of up to `count` scenes of one, two and three objects, of training's seeds; None for too few."""
    count = min(count, MOST)
    starts = range(0, count, BATCH)
    bar = progress(starts, desc="what scenes look like", unit_scale=BATCH)
    found = [_of(network, range(start, min(start + BATCH, count))) for start in bar]
    return familiar_with(np.concatenate(found), LAYER)


def _of(network: Network, seeds: range) -> Any:
    pictures = [scenes.draw(FIRST_TRAINING_SEED + seed, objects=1 + seed % 3).image for seed in seeds]
    x = CENTRED.forward(np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32))
    return statistics(network.forward(x)[LAYER])
