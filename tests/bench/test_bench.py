"""The bench measures what it says, and its table is arithmetic on what it measured."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from numcam import scenes
from numcam.bench.jobs import by_numcam, operations, pictures, subject
from numcam.bench.machine import processor
from numcam.bench.report import Plan, Row, rows
from numcam.bench.timing import Times, compared, ratios, run, sgemm_peak
from numcam.cli.main import main
from numcam.models.vgg import assemble, parameter_shapes, random_network
from numcam.nn.fast.blas import kernel, library


def test_the_jobs_run_in_turns_and_the_first_run_of_each_does_not_count():
    order = []
    times = compared({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, runs=20, most=20)
    rounds = [order[at : at + 2] for at in range(0, len(order), 2)]
    assert len(rounds) == 21
    assert all(sorted(pair) == ["a", "b"] for pair in rounds)
    assert 2 < sum(pair == ["a", "b"] for pair in rounds) < 19  # nobody always comes after the same
    assert all(len(t.seconds) == len(t.foreign) == 20 for t in times.values())


def test_of_rivals_only_the_fastest_goes_on_and_nobody_else_is_left_out():
    count = Counter()

    def job(name, seconds):
        def work():
            count[name] += 1
            time.sleep(seconds)

        return work

    jobs = {"fast": job("fast", 0.005), "slow": job("slow", 0.02), "slowest of all": job("slowest of all", 0.03)}
    times = compared(jobs, runs=30, most=8, rivals=("fast", "slow", "nobody"))
    assert count["slow"] == 1 + 2
    assert count["slowest of all"] == count["fast"] == 1 + 8
    assert len(times["slow"].seconds) == 2


def test_a_budget_ends_after_the_round_that_has_begun():
    times = compared({"a": lambda: time.sleep(0.02), "b": lambda: None}, runs=50, most=50, budget=0.0)
    assert [len(t.seconds) for t in times.values()] == [2, 2]


def test_a_run_takes_the_time_that_passes():
    seconds, _ = run(lambda: time.sleep(0.05))
    assert 0.05 <= seconds < 5


def test_disturbed_runs_count_only_where_there_is_nothing_else():
    assert Times([3.0, 9.0, 1.0, 2.0], [0.0, 0.9, 0.1, 0.0]).median == 2.0
    assert Times([9.0, 7.0, 8.0], [1.0, 1.0, 0.5]).median == 8.0
    assert np.isnan(Times().median)
    assert Times([1.0, 2.0, 3.0], [1.0, 1.0, 0.0]).busy
    assert not Times([1.0, 2.0, 3.0], [0.0, 1.0, 0.0]).busy


def test_ratios_are_taken_round_by_round_of_the_quiet_ones():
    one, other = Times([1.0, 2.0, 3.0], [0, 0, 0.9]), Times([2.0, 8.0, 3.0], [0, 0, 0])
    assert ratios(one, other) == [0.5, 0.25]
    assert ratios(Times([1.0], [1.0]), other) == [0.5]
    assert ratios(one, Times([2.0], [0.0])) == [0.5]  # the other was left out after a round


def test_operations_of_vgg16_are_the_published_ones():
    network = subject("pocket").network
    assert operations(network, "forward", 2) == 2 * operations(network, "forward", 1)
    vgg = assemble("vgg16", {key: np.broadcast_to(np.float32(0), s) for key, s in parameter_shapes("vgg16").items()})
    assert operations(vgg, "forward", 1) == 2 * 15_470_264_320
    assert operations(vgg, "Grad-CAM", 1) == 2 * (15_470_264_320 + 123_633_664)


def test_a_line_of_the_table_holds_the_ratio_its_spread_and_the_share_of_the_peak():
    first, last = Times([0.5, 0.5]), Times([0.4, 0.5, 0.25])
    times = {"fast": Times([0.1, 0.1, 0.1]), "best, channels first": first, "best, channels last": last}
    row = Row("pocket", 1, "forward", times, operations=2e9)
    cells = ["pocket", "1", "forward", "100.0", "-", "-", "400.0", "-", "0.25", "0.20-0.40", "20%"]
    assert row.line(peak=1e11).split() == cells
    assert row.as_json(1e11)["fast/best"] == pytest.approx(0.25)
    assert row.as_json(1e11)["spread"] == pytest.approx([0.2, 0.4])
    alone = Row("pocket", 1, "forward", {"fast": Times([0.1], [0.9])}, operations=2e9)
    assert alone.line(peak=1e11).split() == ["pocket", "1", "forward", "100.0", *"------", "20%", "*"]
    assert json.loads(json.dumps(alone.as_json(1e11), allow_nan=False))["busy"] is True


def test_the_two_engines_do_the_same_jobs():
    classifier = subject("pocket")
    x = pictures(classifier, 2)
    fast, plain = (by_numcam(classifier.network, x, engine) for engine in ("fast", "plain"))
    for job in ("Grad-CAM", "FGSM gradient", "guided backprop"):
        ours, theirs = fast[job](), plain[job]()
        assert np.linalg.norm(ours - theirs) < 0.03 * np.linalg.norm(theirs), job
    (step,) = fast["training step"]()
    assert np.isfinite(step.loss)
    (row,) = rows(Plan([("pocket", 1, "forward")], (), thorough=False, runs=1, budget=60))
    assert row.times["fast"].median > 0
    assert np.isnan(row.best)
    assert set(row.times) == {"fast"}
    assert sgemm_peak(64)[0] > 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "vgg61"], "bench knows vgg16 and pocket, not 'vgg61'"),
        (["--batch", "0"], "--batch takes counts from 1 to 256"),
        (["--batch", "1,two"], "--batch takes counts from 1 to 256"),
        (["--runs", "0"], "--runs is a count of at least 1"),
        (["--runs", "1000000000000"], "at most 1000"),
        (["--job", "fly"], "no job 'fly'"),
        (["--job", ""], "no job ''"),
        (["--model", ""], "bench knows vgg16 and pocket, not ''"),
        (["--batch", "9" * 5000], "--batch takes counts from 1 to 256"),
        (["--batch", "²"], "--batch takes counts from 1 to 256"),
        (["--json", "no/such/folder.json"], "cannot write no/such/folder.json"),
        (["--json", "."], "it is a folder"),
        (["--errors", "0"], "--errors is a count of pictures, from 1 to 10,000; got 0"),
    ],
)
def test_a_wrong_option_is_one_sentence(arguments, sentence, capsys):
    assert main(["bench", *arguments]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("others", "missing", "install"),
    [(["torch"], "torch", "pip install torch"), (["torch", "onnxruntime"], "onnxruntime", "onnxruntime onnx")],
)
def test_who_is_not_installed_is_named_with_what_to_install(others, missing, install, capsys, monkeypatch):
    monkeypatch.setattr("numcam.cli.bench.find_spec", lambda package: package not in install.split())
    assert main(["bench", "--against", *others]) == 2
    error = capsys.readouterr().err
    assert f"{missing} is not installed" in error
    assert install in error


QUICK = ["bench", "--model", "pocket", "--batch", "1", "--runs", "1"]


def test_the_table_comes_row_by_row_and_as_json(capsys, tmp_path):
    assert main([*QUICK, "--job", "forward", "--json", str(tmp_path / "bench.json")]) == 0
    out = capsys.readouterr().out
    assert f"BLAS {library() or 'unknown'} with its {kernel() or 'unknown'} kernels" in out
    assert "GFLOP/s" in out
    assert "pocket       1  forward" in out
    found = json.loads((tmp_path / "bench.json").read_text())
    assert found["complete"] is True
    assert found["machine"]["NumPy"] == np.__version__
    (row,) = found["rows"]
    assert (row["network"], row["batch"], row["job"]) == ("pocket", 1, "forward")
    assert row["milliseconds"]["fast"] > 0
    assert row["fast/best"] is None


def test_a_bench_that_is_stopped_keeps_what_it_has(capsys, tmp_path, monkeypatch):
    def stopped(plan):
        yield Row("pocket", 1, "forward", {"fast": Times([0.1])}, operations=1e9)
        raise KeyboardInterrupt

    monkeypatch.setattr("numcam.cli.bench.rows", stopped)
    assert main([*QUICK, "--json", str(tmp_path / "bench.json")]) == 130
    assert "stopped: what is above was measured" in capsys.readouterr().out
    found = json.loads((tmp_path / "bench.json").read_text())
    assert found["complete"] is False
    assert [row["job"] for row in found["rows"]] == ["forward"]
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]


@pytest.mark.parametrize(("busy", "sentence"), [(1.3, "Other programs keep 1.3 processors busy"), (0.0, "")])
def test_a_busy_machine_is_said_before_anything_is_measured(busy, sentence, capsys, monkeypatch):
    monkeypatch.setattr("numcam.cli.bench.sgemm_peak", lambda: (1e11, busy))
    monkeypatch.setattr("numcam.cli.bench.STAT", Path(__file__))
    monkeypatch.setattr("numcam.cli.bench.rows", lambda plan: iter(()))
    assert main(QUICK) == 0
    out = capsys.readouterr().out
    assert sentence in out
    assert busy or "Other programs" not in out


def test_disturbed_rows_are_counted_and_an_unknown_load_is_said(capsys, monkeypatch):
    row = Row("pocket", 1, "forward", {"fast": Times([0.1], [0.9])}, operations=1e9)
    monkeypatch.setattr("numcam.cli.bench.STAT", Path("/nowhere"))
    monkeypatch.setattr("numcam.cli.bench.rows", lambda plan: iter([row, row]))
    assert main(QUICK) == 0
    out = capsys.readouterr().out
    assert "Whether other programs are busy is not known" in out
    assert "2 of 2 rows were disturbed by other programs" in out


@pytest.mark.parametrize(
    ("arguments", "jobs"),
    [
        ([], {("vgg16", 1): 4, ("vgg16", 8): 2, ("pocket", 1): 5, ("pocket", 32): 5}),
        (["--batch", "8"], {("vgg16", 8): 4, ("pocket", 8): 5}),
        (["--thorough", "--model", "vgg16"], {("vgg16", 1): 5, ("vgg16", 8): 4, ("vgg16", 32): 4}),
        (["--job", "training"], {("vgg16", 1): 1, ("vgg16", 8): 1, ("pocket", 1): 1, ("pocket", 32): 1}),
    ],
)
def test_the_defaults_leave_out_what_takes_minutes_and_options_bring_it_back(arguments, jobs, monkeypatch):
    plans = []
    monkeypatch.setattr("numcam.cli.bench.rows", lambda plan: plans.append(plan) or iter(()))
    monkeypatch.setattr("numcam.cli.bench.growth", lambda *_: iter(()))
    assert main(["bench", "--no-processes", *arguments]) == 0
    assert Counter((model, batch) for model, batch, _ in plans[0].rows) == jobs


def test_without_being_asked_for_pytorch_is_not_imported():
    asked = [*QUICK, "--job", "forward"]
    code = f"from numcam.cli.main import main\nmain({asked!r})\nimport sys\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("name", ["model name\t: AMD EPYC 9B45\n", "Hardware : Apple M2\nx: y\n"])
def test_the_processor_is_called_what_its_maker_calls_it(name, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text("processor: 0\n" + name)
    monkeypatch.setattr("numcam.bench.machine.CPUINFO", tmp_path / "cpuinfo")
    assert processor() in name
    (tmp_path / "cpuinfo").write_text("flags: none\n")
    assert processor()


@pytest.mark.slow
def test_all_ways_of_laying_out_products_are_measured(capsys):
    assert main(["bench", "--tune", "--runs", "1"]) == 0
    out = capsys.readouterr().out
    assert "best on the whole: Way(small=" in out
    assert sum(" *" in line for line in out.splitlines()) >= 1


@pytest.mark.slow
def test_the_command_prints_its_whole_table(capsys):
    assert main([*QUICK, "--no-processes", "--thorough"]) == 0
    out = capsys.readouterr().out
    for job in ("forward", "Grad-CAM", "guided backprop", "FGSM gradient", "training step"):
        assert f"pocket       1  {job}" in out
    assert "ns a pixel" in out


@pytest.mark.torch
def test_torch_does_the_same_jobs():
    pytest.importorskip("torch")
    from numcam.bench.with_torch import as_written, at_its_best

    classifier = subject("pocket")
    x = pictures(classifier, 2)
    ours = by_numcam(classifier.network, x, "fast")
    ways = [as_written(classifier.network, x, "relu5_3")]
    ways += [at_its_best(classifier.network, x, "relu5_3", last) for last in (False, True)]
    for way in ways:
        np.testing.assert_allclose(way["forward"]().numpy(), ours["forward"]().output, atol=1e-3)
        for job in ("Grad-CAM", "FGSM gradient", "guided backprop"):
            theirs = way[job]().detach().numpy()
            assert np.linalg.norm(ours[job]() - theirs) < 0.03 * np.linalg.norm(theirs), job


@pytest.mark.torch
def test_onnxruntime_does_the_same_forward_pass():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from numcam.bench.with_onnxruntime import by_onnxruntime

    classifier = subject("pocket")
    x = pictures(classifier, 2)
    theirs = by_onnxruntime(classifier.network, x)["forward"]()
    np.testing.assert_allclose(theirs, by_numcam(classifier.network, x, "fast")["forward"]().output, atol=1e-3)
    jobs = [("pocket", 1, "forward"), ("pocket", 1, "Grad-CAM")]
    forward, cam = rows(Plan(jobs, ["onnxruntime"], thorough=False, runs=1, budget=60))
    assert forward.times["onnxruntime"].median > 0
    assert "onnxruntime" not in cam.times


@pytest.mark.torch
def test_windows_count_as_flipped_where_another_value_was_the_largest():
    pytest.importorskip("torch")
    from numcam.bench.errors import _other_winners

    exact = np.array([[[[1, 2, 5, 5], [3, 4, 5, 5]]]], np.float64)
    found = np.array([[[[9, 0, 7, 0], [0, 0, 0, 0]]]], np.float64)
    assert _other_winners(exact, exact).tolist() == [False, False]
    assert _other_winners(found, exact).tolist() == [True, False]  # of equal ones any may win


@pytest.mark.torch
def test_the_fast_engine_is_as_exact_as_torch():
    pytest.importorskip("torch")
    from numcam.bench.errors import measured, with_biases

    network = with_biases(random_network("vgg16", 10, (96, 96)), 0.05)
    preprocess = subject("pocket").preprocessing.forward
    scenes_of_them = (scenes.draw(seed).image[64:160, 64:160].transpose(2, 0, 1)[None] for seed in range(12))
    found = measured(network, (preprocess(pixels.astype(np.float64)).astype(np.float32) for pixels in scenes_of_them))
    ours, theirs = found["numcam"], found["PyTorch"]
    assert np.median(ours.logits) < 2 * np.median(theirs.logits)
    # Scenes are flat, and their windows full of ties: where these are decided at random, this is 0.5.
    assert np.median(ours.gradient) < 2 * np.median(theirs.gradient) + 0.01
    assert np.mean(ours.gates) < 1e-5
    assert np.mean(ours.winners) < 1e-4


@pytest.mark.torch
def test_the_command_prints_a_table_of_errors(capsys):
    pytest.importorskip("torch")
    assert main(["bench", "--model", "pocket", "--errors", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "its own weights" in lines
    assert [line.split()[0] for line in lines[-2:]] == ["numcam", "PyTorch"]
    assert all(0 < float(number) < 1e-2 for line in lines[-2:] for number in line.split()[1:5])
