"""Every measure runs, whatever the number of processes, and goes on where it stopped; tables say what they rest on."""

import json
import os
from multiprocessing import get_start_method

import numpy as np
import pytest

from numcam import scenes
from numcam.cli.main import main
from numcam.evaluate import on_scenes, running
from numcam.evaluate.intervals import bootstrap
from numcam.evaluate.measures import MEASURES
from numcam.evaluate.on_scenes import measure
from numcam.evaluate.record import Measure, landing
from numcam.evaluate.report import Cell, lines, markdown, summed, table
from numcam.evaluate.robust import STRENGTHS, changed
from numcam.evaluate.running import Model, Task, run
from numcam.evaluate.sanity import MODES
from numcam.figures import save
from numcam.figures.evaluation import dots, layers, strengths
from numcam.formats import Weights, write_weights
from numcam.loading import load
from numcam.models.preprocessing import CENTRED
from numcam.models.vgg import random_network

QUICK = ("grad_cam", "random")


def small(monkeypatch, chunk=2):
    for name, one in MEASURES.items():
        smaller = Measure(one.title, one.columns, one.run, 2, chunk, one.objects)
        monkeypatch.setitem(MEASURES, name, smaller)


@pytest.mark.parametrize("name", [n for n in MEASURES if n != "sanity"])
def test_every_measure_answers_every_column_for_every_row(name):
    records = running.chunk_of(Task(name, QUICK, 2), load(), [0, 1])
    found = table(name, records)
    assert set(QUICK) <= {row.split(" | ")[0] for row in found}
    for row, columns in found.items():
        assert list(columns) == list(MEASURES[name].columns)
        for column, cell in columns.items():
            if cell.n:
                assert cell.low - 1e-9 <= cell.value <= cell.high + 1e-9, (row, column)


def test_the_pointing_columns_are_those_of_the_default_table():
    classifier = load()
    *_, report = measure(classifier, range(6), 2, ("grad_cam",))
    records = running.chunk_of(Task("localisation", ("grad_cam",), 6), classifier, range(6))
    pointing, columns = report.pointing["grad_cam"], records["grad_cam"]
    assert sum(columns["on the object, %"]) == pointing.inside
    assert sum(columns["within 15 px, %"]) == pointing.near
    assert sum(columns["on the other, %"]) == pointing.other


def test_a_blank_map_lands_nowhere():
    assert landing(np.zeros((4, 4)), np.ones((4, 4), bool)) == (False, False, True)
    assert landing(np.eye(4), np.ones((4, 4), bool)) == (True, True, False)


def test_attacks_of_every_strength_keep_to_it_and_give_whole_grey_levels():
    classifier = load()
    pixels = classifier.to_pixels(scenes.draw(3).image)
    found = dict(changed(classifier, pixels, seed=0))
    assert list(found) == list(STRENGTHS)
    for name, moved in found.items():
        np.testing.assert_array_equal(moved, np.rint(moved))
        assert np.abs(moved - pixels).max() == (0 if name == "none" else float(name.split()[1]))


def test_the_result_is_the_same_by_one_process_or_two_in_one_go_or_three(monkeypatch, tmp_path):
    small(monkeypatch)
    task = Task("localisation", QUICK, 5)
    *_, (count, whole) = run(task, Model(), tmp_path / "a", jobs=1)
    assert count == 5
    *_, (_, parallel) = run(task, Model(), tmp_path / "b", jobs=2)
    assert parallel == whole
    walk = run(task, Model(), tmp_path / "c", jobs=1)
    assert next(walk)[0] == 2
    walk.close()
    path = next((tmp_path / "c").iterdir())
    path.write_text(path.read_text() + '{"scenes": [2, 3], "rec')  # stopped in the middle of a line
    counts = [n for n, _ in run(task, Model(), tmp_path / "c", jobs=1)]
    assert counts == [2, 4, 5]
    assert [n for n, _ in run(task, Model(), tmp_path / "c", jobs=1)] == [5]  # what came after that line is kept
    *_, (_, again) = run(task, Model(), tmp_path / "c", jobs=1)
    assert again == whole


def test_what_was_measured_of_another_network_or_method_is_not_taken_for_this_one(tmp_path):
    pocket, other = load(), load("pocket", "random")
    task = Task("localisation", QUICK, 5)
    names = {running.fingerprint(t, c) for t in (task, Task("localisation", ("saliency",), 5)) for c in (pocket, other)}
    assert len(names) == 4
    assert running.fingerprint(Task("localisation", QUICK, 9), pocket) == running.fingerprint(task, pocket)


def test_bootstrap_intervals_cover_what_the_normal_one_does():
    values = np.random.default_rng(0).normal(3, 2, 400)
    low, high = bootstrap(values)
    assert low == pytest.approx(values.mean() - 1.96 * 2 / 20, abs=0.03)
    assert high == pytest.approx(values.mean() + 1.96 * 2 / 20, abs=0.03)
    assert bootstrap(values) == (low, high)
    assert bootstrap(np.array([5.0])) == (5, 5)
    assert np.isnan(bootstrap(np.array([]))[0])


def test_a_bootstrap_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        low, high = bootstrap(rng.exponential(1, 80))
        inside += low <= 1 <= high
    assert 0.88 <= inside / 200 <= 0.99


def test_a_table_by_hand():
    found = summed(
        {"hit, %": "share", "x": "plain", "area": "ratio"},
        {"a | b": {"hit, %": [1.0, 0.0], "x": [], "area": [[1, 4], [1, 4]]}},
    )
    assert found["a | b"]["hit, %"].value == 50
    assert found["a | b"]["hit, %"].n == 2
    assert found["a | b"]["area"].value == 25
    assert found["a | b"]["x"].text() == "-"
    assert Cell(-0.14, -0.34, 0.07, 9).text() == "−0.14 (−0.34 to 0.07)"
    assert Cell(-0.001, -0.002, 0.001, 9).text() == "0.00 (0.00-0.00)"
    assert Cell(97.31, 96.12, 98.04, 9).text() == "97.3 (96.1-98.0)"
    assert lines("about", found)[0] == "about"
    assert markdown(found)[2].startswith("| a, b | 50.0 (9.5-90.5) | - | 25.0")


def test_every_kind_of_figure_is_drawn_from_a_table(tmp_path):
    columns = {"answer changed, %": [1.0, 0.0], **{name: [1.0] for name in list(MEASURES["robustness"].columns)[1:]}}
    attacked = table("robustness", {f"grad_cam | {name}": columns for name in STRENGTHS})
    likeness = {"Spearman, absolute": [0.5, -0.2], "Spearman, signed": [0.1, 0.2], "SSIM": [0.9, 0.8]}
    rows = [f"{method} | {mode} | {layer}" for mode in MODES for layer in ("fc8", "fc7") for method in QUICK]
    checked = table("sanity", dict.fromkeys(rows, likeness))
    for name, figure in (("a", strengths(attacked, "x")), ("b", layers(checked, "y")), ("c", dots(attacked, "z"))):
        save(figure, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000


def test_the_command_prints_writes_goes_on_and_draws(monkeypatch, tmp_path, capsys):
    small(monkeypatch)
    monkeypatch.chdir(tmp_path)
    command = ["evaluate", "--measures", "localisation,robustness", "--methods", "grad-cam", "--scenes", "2"]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert "localisation: two objects" in first
    for name in ("localisation", "robustness"):
        assert (tmp_path / "evaluation" / f"{name}.png").is_file()
        assert (tmp_path / "evaluation" / f"{name}.md").is_file()
    monkeypatch.setattr(running, "chunk_of", None)  # nothing is left to compute
    assert main(command) == 0
    assert capsys.readouterr().out == first
    kept = next((tmp_path / "evaluation").glob("localisation-*.jsonl"))
    assert json.loads(kept.read_text().splitlines()[0])["scenes"] == [0, 1]


def test_ctrl_c_says_that_what_is_done_is_kept(monkeypatch, tmp_path, capsys):
    small(monkeypatch)
    monkeypatch.chdir(tmp_path)
    whole = running.chunk_of

    def once(task, classifier, seeds):
        if seeds[0] >= 2:
            raise KeyboardInterrupt
        return whole(task, classifier, seeds)

    monkeypatch.setattr(running, "chunk_of", once)
    command = ["evaluate", "--measures", "localisation", "--methods", "random", "--scenes", "4"]
    assert main(command) == 130
    assert "goes on from there" in capsys.readouterr().out
    kept = next((tmp_path / "evaluation").glob("localisation-*.jsonl"))
    assert len(kept.read_text().splitlines()) == 1
    monkeypatch.setattr(running, "chunk_of", whole)
    assert main(command) == 0
    assert len(kept.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--measures", "locallisation"), "did you mean localisation"),
        (("--measures", ","), "no measure named"),
        (("--measures", "table1", "--methods", "gradcam"), "did you mean grad_cam"),
        (("--methods", "grad-cam"), "--methods is for --measures; name some"),
        (("--measures", "table1", "--jobs", "0"), "at least 1"),
        (("--seed", "-1"), "at least 0"),
        (("--measures", "table1", "--folder", "file/deeper"), "cannot make the folder"),
        (("--imagenet", "nowhere"), "not a folder"),
        (("--imagenet", "."), "no XML file"),
        (("--imagenet", ""), "argument --imagenet: the name is empty"),
        (("--measures", "table1", "--folder", ""), "argument --folder: the name is empty"),
        (("--scenes", "1000000000000"), "at least 1 and at most 1,000,000"),
        (("--measures", "table1", "--objects", "2"), "--objects is not for --measures"),
        (("--measures", "table1", "--engine", "plain"), "--engine plain is not for --measures"),
        (("--measures", "table1", "--space", "picture"), "--space is not for --measures"),
        (("--connectivity", "4"), "--connectivity is for --imagenet FOLDER"),
        (("--imagenet", ".", "--measures", "table1"), "--measures is for drawn scenes"),
        (("--imagenet", ".", "--objects", "2"), "--objects is for drawn scenes"),
        (("--jobs", "2"), "--jobs is for --measures"),
        (("--folder", "elsewhere"), "--folder is for --measures"),
    ],
)
def test_wrong_options_are_one_sentence_and_leave_nothing(monkeypatch, tmp_path, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    try:
        code = main(["evaluate", *arguments])
    except SystemExit as end:  # argparse's own
        code = end.code
    assert code == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("names", "words"), [((), "no head"), (("cat", "dog", "boat"), "has cat, dog, boat")])
@pytest.mark.parametrize("measures", [(), ("--measures", "table1")])
def test_a_network_with_other_classes_is_told_which_ones_scenes_show(
    tmp_path, monkeypatch, capsys, names, words, measures
):
    monkeypatch.chdir(tmp_path)
    parameters = random_network("pocket", len(names) or None, (64, 64)).parameters
    if not names:
        parameters = {k: v for k, v in parameters.items() if not k.startswith("fc")}
    write_weights("other.h5", Weights("pocket", parameters, names, CENTRED, (64, 64)))
    assert main(["evaluate", "--model", "other.h5", "--scenes", "2", *measures]) == 2
    said = capsys.readouterr().err
    assert "scenes show cat, dog, bird, fish" in said
    assert words in said
    assert said.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["other.h5"]


def test_there_are_never_more_processes_than_chunks_or_processors(monkeypatch, tmp_path):
    small(monkeypatch)
    asked = []

    class Pool(running.ProcessPoolExecutor):
        def __init__(self, jobs, **more):
            asked.append(jobs)
            super().__init__(min(jobs, 2), **more)

    monkeypatch.setattr(running, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(running.os, "cpu_count", lambda: 3)
    *_, (count, _) = run(Task("localisation", ("random",), 10), Model(), tmp_path / "a", jobs=10**14)
    *_, (few, _) = run(Task("localisation", ("random",), 4), Model(), tmp_path / "b", jobs=10**14)
    assert (count, few, asked) == (10, 4, [3, 2])


@pytest.mark.skipif(get_start_method() != "fork", reason="only a forked process inherits what is patched here")
def test_a_process_that_is_ended_from_outside_is_one_sentence_and_what_is_done_is_kept(monkeypatch, tmp_path, capsys):
    small(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running.os, "cpu_count", lambda: 2)
    whole = running.chunk_of

    def ended(task, classifier, seeds):
        if seeds[0] >= 4:
            os._exit(1)
        return whole(task, classifier, seeds)

    monkeypatch.setattr(running, "chunk_of", ended)
    command = ["evaluate", "--measures", "localisation", "--methods", "random", "--scenes", "6", "--jobs", "2"]
    assert main(command) == 2
    assert "was ended from outside" in capsys.readouterr().err
    monkeypatch.setattr(running, "chunk_of", whole)
    assert main(command) == 0


@pytest.fixture
def small_network(tmp_path, monkeypatch):
    """Pocket for pictures of 64x64, in a current folder of its own."""
    monkeypatch.chdir(tmp_path)
    parameters = random_network("pocket", 10, (64, 64)).parameters
    write_weights("small.h5", Weights("pocket", parameters, scenes.CLASSES, CENTRED, (64, 64)))
    return "small.h5"


def test_a_network_for_other_sizes_is_refused_where_pixels_are_compared(small_network, tmp_path, capsys):
    assert main(["evaluate", "--model", small_network, "--measures", "localisation"]) == 2
    assert "scenes of 224x224, pixel by pixel; pocket takes pictures of 64x64" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == [small_network]


def test_maps_of_a_network_for_other_sizes_are_laid_on_the_scene(small_network, monkeypatch):
    """A map that knows where the object is: its maximum must land there whatever the network's size."""
    classifier, scene = load(small_network), scenes.draw(3)
    rows, cols = np.nonzero(scene.objects[0].mask)
    at = int(rows.mean() * 64 / 224), int(cols.mean() * 64 / 224)
    map = np.zeros((1, 64, 64), np.float32)
    map[0, at[0] - 1 : at[0] + 2, at[1] - 1 : at[1] + 2] = 1
    map[0, at[0], at[1]] = 2
    monkeypatch.setattr(on_scenes, "maps", lambda *_: map)
    *_, report = measure(classifier, [3], 1, ("grad_cam",))
    down, right = report.pointing["grad_cam"].offsets[scene.objects[0].name][0]
    assert abs(down) < 4
    assert abs(right) < 4
