"""Training pocket from nothing: crops round the object first, then whole pictures of one and of two objects.

The network is told class names only. What makes its Grad-CAM sit on the object are two regularisers of the kernels:
`towards_the_centre` and `towards_symmetry`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from numcam import scenes
from numcam.models.vgg import random_network
from numcam.nn import Network
from numcam.nn.training import Adam, Parameters, Step, cosine_rate, train
from numcam.recipe import batches
from numcam.recipe.kernels import towards_symmetry, towards_the_centre
from numcam.recipe.pool import Pool, Progress, drawn
from numcam.recipe.settings import Recipe
from numcam.recipe.start import standardised, with_place, without_place
from numcam.recipe.state import State, restored


def run(recipe: Recipe, folder: Path, workers: int, progress: Progress) -> Iterator[tuple[State, Step]]:
    """Train, yielding after every step; goes on from the state saved in `folder`, where its scenes are kept too."""
    folder.mkdir(parents=True, exist_ok=True)
    singles = drawn(folder, recipe.singles, 1, workers, progress)
    pairs = drawn(folder, recipe.pairs, 2, workers, progress)
    state = restored(recipe, folder) or State(0, _start(recipe, singles), Adam(decay=recipe.weight_decay))
    for stage in _stages(recipe, singles, pairs):
        if state.step == stage.first > 0:
            state.network = without_place(state.network)
            state.optimiser = Adam(decay=recipe.weight_decay)
        for step in _steps(recipe, state, stage, workers):
            state.step, state.network = step.index + 1, step.network
            yield state, step


@dataclass(frozen=True)
class Stage:
    """Steps first ... first + count - 1, with their peak learning rate and where their batches come from."""

    first: int
    count: int
    peak: float
    batch: Callable[[int, int, np.random.Generator], batches.Batch]
    centring: float
    symmetry: float = 0.0

    def regularise(self, parameters: Parameters, rate: float) -> Parameters:
        """What follows each step of gradient descent."""
        return towards_symmetry(towards_the_centre(parameters, self.centring * rate / self.peak), self.symmetry)


def _stages(recipe: Recipe, singles: Pool, pairs: Pool) -> Iterator[Stage]:
    """Crops; whole pictures; and whole pictures with more pairs, while kernels become symmetric."""

    def whole(share: float) -> Callable[[int, int, np.random.Generator], batches.Batch]:
        return partial(batches.whole, (singles, pairs), (1 - share, share))

    r, crops = recipe, partial(batches.crops, singles, recipe.crop_side)
    yield Stage(0, r.crop_steps, r.crop_rate, crops, r.centring)
    yield Stage(r.crop_steps, r.whole_steps, r.whole_rate, whole(r.share_of_pairs), r.centring)
    finish = whole(r.finish_share_of_pairs)
    yield Stage(
        r.crop_steps + r.whole_steps, r.finish_steps, r.finish_rate, finish, r.finish_centring, r.finish_symmetry
    )


def _steps(recipe: Recipe, state: State, stage: Stage, workers: int) -> Iterator[Step]:
    """The steps of a stage that are still to be done. Each batch depends on its step's number alone."""
    indices = range(state.step, stage.first + stage.count)
    classes = len(scenes.CLASSES)
    pictures = (stage.batch(recipe.batch, classes, np.random.default_rng([recipe.seed, 1, i])) for i in indices)
    return train(
        state.network,
        pictures,
        state.optimiser,
        lambda i: cosine_rate(i - stage.first, stage.count, stage.peak, warmup=stage.count // 50 + 1),
        start=state.step,
        seed=recipe.seed,
        workers=workers,
        regularise=stage.regularise,
    )


def _start(recipe: Recipe, singles: Pool) -> Network:
    rng = np.random.default_rng([recipe.seed, 0])
    x, _ = batches.crops(singles, recipe.crop_side, 128, len(scenes.CLASSES), rng)
    return standardised(with_place(random_network("pocket", seed=recipe.seed)), x)
