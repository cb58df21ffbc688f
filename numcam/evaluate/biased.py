"""Training on planted scenes, with the parts of pocket's own recipe, at half the side and with a shorter schedule."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from numcam.evaluate import planted
from numcam.formats import Weights
from numcam.models.preprocessing import CENTRED
from numcam.models.vgg import Head, assemble, parameter_shapes
from numcam.nn import Network
from numcam.nn.training import PRESENCE, SOFTMAX, Adam, Parameters, Step, cosine_rate, train
from numcam.recipe import batches
from numcam.recipe.kernels import towards_the_centre
from numcam.recipe.pool import FIRST_TRAINING_SEED, Pool, Progress
from numcam.recipe.settings import Recipe
from numcam.recipe.start import standardised
from numcam.recipe.state import State, restored, save

SCHEDULE = Recipe(
    singles=3_000, pairs=0, crop_steps=0, whole_steps=600, finish_steps=0, presence_steps=200, whole_rate=2e-3
)
SAVE_EVERY = 20


def run(
    folder: Path, shortcut: bool, progress: Progress, recipe: Recipe = SCHEDULE, workers: int = 1
) -> Iterator[State]:
    """Train, yielding after every step; goes on from the state saved in `folder`, and saves there now and then.

    shortcut: on planted scenes, or on the same scenes without what was planted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = restored(recipe, folder)
    if state and state.step == recipe.steps:
        yield state
        return
    pool = drawn(recipe, shortcut, progress)
    state = state or State(0, _start(recipe, pool), Adam(decay=recipe.weight_decay))
    try:
        for step in _steps(recipe, state, pool, workers):
            state.step, state.network = step.index + 1, step.network
            if state.step % SAVE_EVERY == 0 or state.step == recipe.steps:
                save(recipe, folder, state)
            yield state
    except BaseException:  # Ctrl-C, or a caller that stops
        save(recipe, folder, state)
        raise


def drawn(recipe: Recipe, shortcut: bool, progress: Progress) -> Pool:
    """The training scenes: seeds from 1,000,000 on."""
    seeds = range(FIRST_TRAINING_SEED, FIRST_TRAINING_SEED + recipe.singles)
    images, labels = planted.stacked(planted.draw(s, shortcut) for s in progress(seeds, desc="drawing scenes"))
    return Pool(images, labels[:, None], np.zeros((len(images), 1, 4), int))


def weights_of(network: Network, about: dict[str, object]) -> Weights:
    """What goes into a weights file."""
    return Weights("pocket", network.parameters, planted.CLASSES, CENTRED, (planted.SIDE, planted.SIDE), about)


def _start(recipe: Recipe, pool: Pool) -> Network:
    """Pocket with a head that averages over all places, each unit standardised on a batch."""
    rng = np.random.default_rng([recipe.seed, 0])
    head = Head((64, len(planted.CLASSES)), "average")
    parameters = {}
    for key, shape in parameter_shapes("pocket", input_size=(planted.SIDE, planted.SIDE), head=head).items():
        scale = np.sqrt(2 / np.prod(shape[1:])) if key.endswith(".weight") else 0
        parameters[key] = (scale * rng.standard_normal(shape)).astype(np.float32)
    x, _ = batches.whole((pool,), (1.0,), 64, len(planted.CLASSES), rng)
    return standardised(assemble("pocket", parameters), x)


def _steps(recipe: Recipe, state: State, pool: Pool, workers: int) -> Iterator[Step]:
    """The steps still to be done: softmax first, then each class on its own. A batch depends on its step's number."""
    for first, count, peak, loss in (
        (0, recipe.whole_steps, recipe.whole_rate, SOFTMAX),
        (recipe.whole_steps, recipe.presence_steps, recipe.presence_rate, PRESENCE),
    ):
        indices = range(state.step, first + count)
        yield from train(
            state.network,
            (_batch(recipe, pool, i) for i in indices),
            state.optimiser,
            partial(_rate, first=first, count=count, peak=peak),
            start=state.step,
            seed=recipe.seed,
            workers=workers,
            regularise=partial(_centred, amount=recipe.centring / peak),
            loss=loss,
        )


def _centred(parameters: Parameters, rate: float, amount: float) -> Parameters:
    return towards_the_centre(parameters, amount * rate)


def _rate(step: int, first: int, count: int, peak: float) -> float:
    return cosine_rate(step - first, count, peak, warmup=count // 50 + 1)


def _batch(recipe: Recipe, pool: Pool, index: int) -> batches.Batch:
    rng = np.random.default_rng([recipe.seed, 1, index])
    return batches.whole((pool,), (1.0,), recipe.batch, len(planted.CLASSES), rng)
