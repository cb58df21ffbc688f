"""A run's state on disk, so that Ctrl-C loses at most the step it interrupts."""

import json
import zipfile
from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from numcam import scenes
from numcam.errors import InputError
from numcam.files import replacing
from numcam.formats import Weights
from numcam.models.familiar import Familiar
from numcam.models.preprocessing import CENTRED
from numcam.models.vgg import assemble
from numcam.nn import Network
from numcam.nn.training import Adam
from numcam.recipe.settings import Recipe
from numcam.recipe.start import with_place

STATE = "state.npz"


@dataclass
class State:
    """What a run needs to go on: the network and optimiser after `step` steps, and the seconds spent."""

    step: int
    network: Network
    optimiser: Adam
    seconds: float = 0.0

    def kept(self) -> "State":
        """The state as it is now, whatever the next step does to this one. No array is copied: none ever changes."""
        optimiser = copy(self.optimiser)
        optimiser.state = dict(self.optimiser.state)
        return replace(self, optimiser=optimiser)


def save(recipe: Recipe, folder: Path, state: State) -> None:
    """Keep the state in `folder`, in place of the one before."""
    arrays = {f"parameter {k}": v for k, v in state.network.parameters.items()}
    arrays |= {f"optimiser {k}": v for k, v in state.optimiser.state.items()}
    counts = {"step": state.step, "adam_steps": state.optimiser.steps, "seconds": state.seconds}
    with replacing(folder / STATE) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, about=json.dumps({"recipe": asdict(recipe), **counts}), **arrays)


def restored(recipe: Recipe, folder: Path) -> State | None:
    """The state saved in `folder`, or None; InputError where it belongs to another recipe or is damaged."""
    path = folder / STATE
    if not path.exists():
        return None
    try:
        return _read(recipe, path)
    except InputError:
        raise
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is damaged ({error}); remove it to begin anew") from None


def _read(recipe: Recipe, path: Path) -> State:
    with path.open("rb") as source, np.load(source, allow_pickle=False) as file:
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


def weights_of(state: State, training: Mapping[str, Any], familiar: Familiar | None = None) -> Weights:
    """What goes into pocket.h5. familiar: as `numcam.recipe.seen.familiar_scenes` gives it."""
    return Weights("pocket", state.network.parameters, scenes.CLASSES, CENTRED, training=training, familiar=familiar)
