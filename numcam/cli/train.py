"""numcam train: pocket, from nothing."""

import argparse
import os
import time
from pathlib import Path

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from numcam.cli.common import command
from numcam.errors import InputError
from numcam.evaluate.on_scenes import measure
from numcam.files import check_writable
from numcam.formats import write_weights
from numcam.loading import from_weights
from numcam.nn.network import ENGINES
from numcam.recipe.pocket import run
from numcam.recipe.seen import familiar_scenes
from numcam.recipe.settings import Recipe
from numcam.recipe.state import State, restored, save, weights_of

EXAMPLES = """  numcam train                              the bundled network: about an hour on two cores
  numcam train --engine fast                in half the time; Dropout draws otherwise, and so another network
  numcam train --singles 500 --pairs 250 --crop-steps 40 --whole-steps 40 --finish-steps 10 --presence-steps 10
                                            two minutes, to see it run

Ctrl-C keeps what was learned; the same command goes on from there."""
SETTINGS = {
    "seed": "of everything random",
    "singles": "training scenes of one object",
    "pairs": "training scenes of two objects",
    "crop_steps": "steps on crops round one object",
    "whole_steps": "steps on whole pictures",
    "finish_steps": "steps in which the head learns to treat all places alike",
    "presence_steps": "steps that ask of each class on its own whether it is there",
}
SAVE_EVERY = 25
LOOK_EVERY = 200
LOOK_SEEDS = range(500_000, 500_100)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "train", EXAMPLES)
    parser.add_argument("--out", type=Path, default=Path("weights/pocket.h5"), help="the file to write (%(default)s)")
    parser.add_argument(
        "--folder", type=Path, default=Path("training"), help="scenes and state of the run (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="threads (all cores: %(default)s)")
    defaults = Recipe()
    for name, help in SETTINGS.items():
        value = getattr(defaults, name)
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=value, metavar="N", help=f"{help} ({value})")
    parser.add_argument(
        "--engine", choices=ENGINES, default=defaults.engine, help="how gradients are computed (%(default)s)"
    )
    parser.set_defaults(run=train)


def train(options: argparse.Namespace) -> int:
    """Run the recipe to its end, or until Ctrl-C."""
    recipe = Recipe(engine=options.engine, **{name: getattr(options, name) for name in SETTINGS})
    _check(options, recipe)
    kept: State | None = None
    began = time.monotonic()
    try:
        with threadpool_limits(1):  # one BLAS thread each: the workers are threads already
            bar = tqdm(total=recipe.steps, unit="step", desc="training")
            for state, step in run(recipe, options.folder, options.workers, tqdm):
                state.seconds += time.monotonic() - began
                began = time.monotonic()
                kept = state.kept()
                bar.update(state.step - bar.n)
                bar.set_postfix(loss=f"{step.loss:.3f}", right=f"{step.accuracy:.0%}")
                if state.step % SAVE_EVERY == 0:
                    save(recipe, options.folder, state)
                if state.step > recipe.crop_steps and state.step % LOOK_EVERY == 0:
                    tqdm.write(_look(state))
            bar.close()
    except KeyboardInterrupt:
        if kept:  # not `state`, which a step may be changing
            save(recipe, options.folder, kept)
        print("\nstopped; the same command goes on" + (f" from step {kept.step}" if kept else ""))
        return 130
    if kept:
        save(recipe, options.folder, kept)
    kept = kept or restored(recipe, options.folder)  # a run that was finished already is written again
    assert kept is not None
    about = {"seed": recipe.seed, "steps": recipe.steps, "batch": recipe.batch, "engine": recipe.engine}
    about |= {"minutes": round(kept.seconds / 60, 1)}
    write_weights(options.out, weights_of(kept, about, familiar_scenes(kept.network, recipe.singles, tqdm)))
    print(
        f"wrote {options.out} after {kept.seconds / 60:.0f} minutes; numcam evaluate --model {options.out} measures it"
    )
    return 0


def _check(options: argparse.Namespace, recipe: Recipe) -> None:
    """Before an hour of work: would its result have a place to go?"""
    check_writable(options.out)
    if (
        recipe.seed < 0
        or options.workers < 1
        or min(
            recipe.singles,
            recipe.pairs,
            recipe.crop_steps,
            recipe.whole_steps,
            recipe.finish_steps,
            recipe.presence_steps,
        )
        < 1
    ):
        raise InputError("seeds are 0 or more; workers, scenes and steps at least 1")
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {options.folder}: {error.strerror}") from None


def _look(state: State) -> str:
    """One line on a hundred scenes of each kind that training never sees."""
    classifier = from_weights(weights_of(state, {}))
    words = [f"step {state.step}"]
    for objects in (1, 2):
        *_, report = measure(classifier, LOOK_SEEDS, objects, methods=("grad_cam",))
        cam = report.pointing["grad_cam"]
        words.append(
            f"{objects} object{'s' * (objects > 1)}: {report.correct / report.count:.0%} right, Grad-CAM within 15 px "
            f"{cam.near / cam.asked:.0%}, inside {cam.inside / cam.asked:.0%}, on the other {cam.other / cam.asked:.0%}"
        )
    return "; ".join(words)
