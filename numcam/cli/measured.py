"""What numcam evaluate does with --measures and --imagenet: run, print, and write a table and a figure of each."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from numcam.cli.common import classifier_of
from numcam.errors import InputError, did_you_mean
from numcam.evaluate import biased, hidden
from numcam.evaluate import imagenet as folders
from numcam.evaluate.explanations import names
from numcam.evaluate.measures import MEASURES
from numcam.evaluate.record import Records
from numcam.evaluate.report import Table, lines, markdown, summed, table
from numcam.evaluate.running import Model, Task, run
from numcam.evaluate.table1 import Protocol
from numcam.figures import save
from numcam.figures.biased import side_by_side
from numcam.figures.evaluation import dots, layers, strengths
from numcam.files import check_writable, replacing
from numcam.formats import write_weights
from numcam.loading import from_weights
from numcam.models.classifier import Classifier

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HIDDEN_BIAS = "hidden_bias"
NETWORKS = {"with the shortcut": True, "without": False}
USUAL = ("grad_cam", "guided_grad_cam", "guided_backprop", "saliency", "random")
FEW = {"robustness": ("grad_cam",), "confident": ("grad_cam",)}
"""Measures that are about Grad-CAM unless told."""


def names_of(asked: str | None) -> tuple[str, ...]:
    """The measures of --measures; InputError for an unknown one."""
    known = (*MEASURES, HIDDEN_BIAS)
    if asked is not None and asked.strip().lower() == "all":
        return known
    wanted = tuple(name.strip().lower().replace("-", "_") for name in (asked or "").split(",") if name.strip())
    for name in wanted:
        if name not in known:
            raise InputError(f"no measure {name!r}; {did_you_mean(name, known)}")
    if asked is not None and not wanted:
        raise InputError(f"no measure named; there are {', '.join(known)}")
    return tuple(dict.fromkeys(wanted))


def measured(options: argparse.Namespace, asked: tuple[str, ...]) -> int:
    """Every measure in turn; Ctrl-C keeps what is done."""
    methods = {name: names(options.methods, FEW.get(name, USUAL)) for name in asked}
    _make(options.folder)
    try:
        for name in asked:
            _one(options, name, methods[name])
    except KeyboardInterrupt:
        print(f"\nstopped; {options.folder} holds what is done, and the same command goes on from there")
        return 130
    return 0


def _one(options: argparse.Namespace, name: str, methods: tuple[str, ...]) -> None:
    if name == HIDDEN_BIAS:
        _hidden_bias(options)
    else:
        task = Task(name, methods, options.scenes or MEASURES[name].scenes, options.seed, options.seed)
        records = _run(task, Model(options.model, options.weights, options.classes), options.folder, options.jobs)
        found = table(name, records)
        title = MEASURES[name].title
        about = f"{name}: {title}; {task.scenes} scenes, 95 % intervals"
        figure = _drawn(name, found, f"{title[0].upper()}{title[1:]}\n{task.scenes} scenes")
        _tell(options.folder / name, about, found, figure)


def _run(task: Task, model: Model, folder: Path, jobs: int) -> Records:
    records: Records = {}
    with tqdm(total=task.scenes, unit="scene", desc=task.measure, leave=False) as bar:
        for count, records in run(task, model, folder, jobs):  # noqa: B007
            bar.update(count - bar.n)
    return records


def _drawn(name: str, found: Table, title: str) -> "Figure":
    if name == "sanity" and found:
        return layers(found, title)
    if name == "robustness" and len({row.split(" | ")[0] for row in found}) == 1:
        return strengths(found, title)
    return dots(found, title)


def _tell(stem: Path, about: str, found: Table, figure: "Figure") -> None:
    """Print the table; write it as Markdown, and the figure beside it."""
    print("\n".join(lines(about, found)), flush=True)
    with replacing(stem.with_suffix(".md")) as part:
        part.write_text("\n".join([about, "", *markdown(found)]) + "\n", encoding="utf-8")
    save(figure, stem.with_suffix(".png"))
    print(f"wrote {stem.with_suffix('.md')} and {stem.with_suffix('.png')}\n", flush=True)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}; choose another with --folder") from None
    check_writable(folder / "table.md")


def _hidden_bias(options: argparse.Namespace) -> None:
    """Train both networks, going on where they stopped; measure them; draw the same scenes through both."""
    scenes = options.scenes or 600
    networks = {title: _trained(options.folder / HIDDEN_BIAS, title, shortcut) for title, shortcut in NETWORKS.items()}
    records: Records = {}
    with threadpool_limits(1):
        for title, shortcut in NETWORKS.items():
            seeds = range(options.seed, options.seed + scenes)
            records |= hidden.measure(networks[title], seeds, f"trained {title}", shortcut)
    about = f"hidden_bias: right, and for which reason? {scenes} scenes of one object, 95 % intervals"
    figure = side_by_side(networks["with the shortcut"], networks["without"], options.seed)
    _tell(options.folder / HIDDEN_BIAS, about, summed(hidden.COLUMNS, records), figure)


def _trained(folder: Path, title: str, shortcut: bool) -> Classifier:
    folder = folder / ("shortcut" if shortcut else "plain")
    with (
        threadpool_limits(1),
        tqdm(total=biased.SCHEDULE.steps, unit="step", desc=f"training {title}", leave=False) as bar,
    ):
        for state in biased.run(folder, shortcut, tqdm):
            bar.update(state.step - bar.n)
    weights = biased.weights_of(state.network, {"steps": state.step, "shortcut": shortcut})
    write_weights(folder / "weights.h5", weights)
    return from_weights(weights)


def imagenet(options: argparse.Namespace) -> int:
    """The paper's Table 1 on a folder of pictures with boxes."""
    pictures = folders.annotated(options.imagenet)[: options.scenes]
    classifier = classifier_of(options)
    if not classifier.classes:
        raise InputError(f"{classifier.name} was loaded without its head, so it names no class; give weights with it")
    methods = names(options.methods, ("grad_cam",))
    protocol = Protocol(connectivity=options.connectivity, space=options.space)
    _make(options.folder)
    with threadpool_limits(1), tqdm(total=len(pictures), unit="picture", leave=False) as bar:
        for count, records in folders.measure(classifier, pictures, methods, protocol):  # noqa: B007
            bar.update(count - bar.n)
    found = summed(folders.COLUMNS, records)
    about = (
        f"Table 1 of the Grad-CAM paper: errors of {classifier.name} on {len(pictures)} pictures; "
        f"15 % of the maximum, connectivity {protocol.connectivity}, boxes in the space of the {protocol.space}"
    )
    _tell(options.folder / "imagenet", about, found, dots(found, about.replace("; ", "\n")))
    return 0
