"""Training pocket from nothing: crops round the object first, then whole pictures of one and of two objects.

The network is told class names only. What makes its Grad-CAM sit on the object are two regularisers of the kernels:
`towards_the_centre` and `towards_symmetry`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from numcam import scenes
from numcam.errors import InputError
from numcam.files import replacing
from numcam.formats import Weights
from numcam.models.preprocessing import CENTRED
from numcam.models.vgg import assemble, random_network
from numcam.nn import Network
from numcam.nn.training import Adam, Parameters, Step, cosine_rate, train
from numcam.recipe import batches
from numcam.recipe.pool import Pool, Progress, drawn
from numcam.recipe.start import PlaceOnMap, standardised

STATE = "state.npz"
CELL = {"conv3": 4, "conv4": 8, "conv5": 16}
"""Pixels of the picture between neighbouring taps of a kernel."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, but for the numbers' last digits. Steps are of `batch` pictures."""

    seed: int = 0
    singles: int = 12_000
    pairs: int = 6_000
    batch: int = 32
    crop_side: int = 128
    crop_steps: int = 1_200
    whole_steps: int = 2_000
    finish_steps: int = 1_400
    share_of_pairs: float = 0.35
    finish_share_of_pairs: float = 0.5
    crop_rate: float = 1.5e-3
    whole_rate: float = 1e-3
    finish_rate: float = 6e-4
    weight_decay: float = 1e-3
    centring: float = 0.006
    finish_centring: float = 0.002
    finish_symmetry: float = 0.05

    @property
    def steps(self) -> int:
        return self.crop_steps + self.whole_steps + self.finish_steps


@dataclass
class State:
    """What a run needs to go on: the network and optimiser after `step` steps, and the seconds spent."""

    step: int
    network: Network
    optimiser: Adam
    seconds: float = 0.0


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


def towards_the_centre(parameters: Parameters, amount: float) -> Parameters:
    """Shrink the eight outer taps of every kernel from conv3_1 on, the more the further apart its taps are.

    Nothing in a class label tells a kernel where to keep what it found, so features drift by a constant, and with
    them the Grad-CAM. This makes the middle the cheapest place.
    """
    shrunk = dict(parameters)
    for name in _kernels(parameters):
        w = parameters[name]
        keep = np.full((3, 3), 1 - amount * CELL[name[:5]] / 16, w.dtype)
        keep[1, 1] = 1
        shrunk[name] = w * keep
    return shrunk


def towards_symmetry(parameters: Parameters, amount: float) -> Parameters:
    """Move every kernel from conv3_1 on towards its mean over left-right and up-down reflections.

    A symmetric kernel sees as far as any other, but cannot move what it found to one side.
    """
    moved = dict(parameters)
    for name in _kernels(parameters) if amount else ():
        w = parameters[name]
        mean = (w + w[..., ::-1] + w[..., ::-1, :] + w[..., ::-1, ::-1]) / 4
        moved[name] = w + w.dtype.type(amount) * (mean - w)
    return moved


def _kernels(parameters: Parameters) -> list[str]:
    return [name for name in parameters if name[:5] in CELL and name.endswith(".weight")]


def _start(recipe: Recipe, singles: Pool) -> Network:
    rng = np.random.default_rng([recipe.seed, 0])
    x, _ = batches.crops(singles, recipe.crop_side, 128, len(scenes.CLASSES), rng)
    return standardised(with_place(random_network("pocket", seed=recipe.seed)), x)


def with_place(network: Network) -> Network:
    """The network with a PlaceOnMap after pool5, for crops."""
    pairs = []
    for name, layer in network.layers.items():
        pairs += [(name, layer), ("place", PlaceOnMap((7, 7)))] if name == "pool5" else [(name, layer)]
    return Network(pairs)


def without_place(network: Network) -> Network:
    """The network for whole pictures again."""
    return Network((name, layer) for name, layer in network.layers.items() if name != "place")


def save(recipe: Recipe, folder: Path, state: State) -> None:
    """Keep the state in `folder`, in place of the one before."""
    arrays = {f"parameter {k}": v for k, v in state.network.parameters.items()}
    arrays |= {f"optimiser {k}": v for k, v in state.optimiser.state.items()}
    counts = {"step": state.step, "adam_steps": state.optimiser.steps, "seconds": state.seconds}
    with replacing(folder / STATE) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, about=json.dumps({"recipe": asdict(recipe), **counts}), **arrays)


def restored(recipe: Recipe, folder: Path) -> State | None:
    """The state saved in `folder`, or None; InputError where it belongs to another recipe."""
    path = folder / STATE
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        if about["recipe"] != asdict(recipe):
            raise InputError(f"{path} is of a run with other settings: {about['recipe']}. Remove it or use those.")
        parameters = {k.removeprefix("parameter "): file[k] for k in file.files if k.startswith("parameter ")}
        optimiser = Adam(decay=recipe.weight_decay)
        optimiser.steps = about["adam_steps"]
        optimiser.state = {k.removeprefix("optimiser "): file[k] for k in file.files if k.startswith("optimiser ")}
    network = assemble("pocket", parameters)
    network = with_place(network) if about["step"] <= recipe.crop_steps else network
    return State(about["step"], network, optimiser, about["seconds"])


def weights_of(state: State, training: Mapping[str, Any]) -> Weights:
    """What goes into pocket.h5."""
    return Weights("pocket", state.network.parameters, scenes.CLASSES, CENTRED, training=training)
