"""Training pocket from nothing: crops round the object first, then whole pictures of one and of two objects.

The network is told class names only. What makes its Grad-CAM sit on the object are two regularisers:
`towards_the_centre` and `towards_shared_positions`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from numcam import scenes
from numcam.models.vgg import random_network
from numcam.nn import Network
from numcam.nn.training import PRESENCE, SOFTMAX, Adam, Loss, Parameters, Step, cosine_rate, train
from numcam.recipe import batches
from numcam.recipe.kernels import towards_shared_positions, towards_the_centre
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


Source = Callable[[int, int, np.random.Generator], batches.Batch]
"""source(size, classes, rng) -> a batch"""


@dataclass(frozen=True)
class Stage:
    """Steps first ... first + count - 1, with their peak learning rate and where their batches come from."""

    first: int
    count: int
    peak: float
    batch: Source
    centring: float
    sharing: float = 0.0
    loss: Loss = SOFTMAX

    def regularise(self, parameters: Parameters, rate: float) -> Parameters:
        """What follows each step of gradient descent."""
        parameters = towards_the_centre(parameters, self.centring * rate / self.peak)
        return towards_shared_positions(parameters, self.sharing)


def _stages(recipe: Recipe, singles: Pool, pairs: Pool) -> Iterator[Stage]:
    """Crops; whole pictures; more pairs, while the head learns to treat all places alike; then each class on its own.

    Softmax fixes logits only up to a term that all classes share, which a Grad-CAM of one logit shows as well, on
    every object. Asking of each class by itself whether it is there settles that term.
    """

    def whole(share: float) -> Source:
        return partial(batches.whole, (singles, pairs), (1 - share, share))

    r, crops = recipe, partial(batches.crops, singles, recipe.crop_side)
    yield Stage(0, r.crop_steps, r.crop_rate, crops, r.centring)
    yield Stage(r.crop_steps, r.whole_steps, r.whole_rate, whole(r.share_of_pairs), r.centring)
    finish = whole(r.finish_share_of_pairs)
    yield Stage(r.crop_steps + r.whole_steps, r.finish_steps, r.finish_rate, finish, r.centring, r.finish_sharing)
    last, present = r.steps - r.presence_steps, partial(_present, finish)
    yield Stage(last, r.presence_steps, r.presence_rate, present, r.centring, r.finish_sharing, PRESENCE)


def _present(batch: Source, size: int, classes: int, rng: np.random.Generator) -> batches.Batch:
    """The batch with a 1, not a share, for every class in the picture."""
    x, target = batch(size, classes, rng)
    return x, (target > 0).astype(target.dtype)


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
        loss=stage.loss,
        engine=recipe.engine,
    )


def _start(recipe: Recipe, singles: Pool) -> Network:
    rng = np.random.default_rng([recipe.seed, 0])
    x, _ = batches.crops(singles, recipe.crop_side, 128, len(scenes.CLASSES), rng)
    return standardised(with_place(random_network("pocket", seed=recipe.seed)), x)
