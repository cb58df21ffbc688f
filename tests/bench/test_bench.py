"""The bench measures what it says, and its table is arithmetic on what it measured."""

import time

import numpy as np
import pytest

from numcam import scenes
from numcam.bench.jobs import by_numcam, operations, pictures, subject
from numcam.bench.report import Row, rows
from numcam.bench.timing import Times, compared, run, sgemm_peak
from numcam.cli.main import main
from numcam.models.vgg import assemble, parameter_shapes, random_network


def test_the_jobs_run_in_turns_and_the_first_run_of_each_does_not_count():
    order = []
    times = compared({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, runs=20, most=20)
    rounds = [order[at : at + 2] for at in range(0, len(order), 2)]
    assert len(rounds) == 21
    assert all(sorted(pair) == ["a", "b"] for pair in rounds)
    assert 2 < sum(pair == ["a", "b"] for pair in rounds) < 19  # nobody always comes after the same
    assert all(len(t.quiet) + len(t.disturbed) == 20 for t in times.values())


def test_a_run_takes_the_time_that_passes():
    seconds, _ = run(lambda: time.sleep(0.05))
    assert 0.05 <= seconds < 5


def test_disturbed_runs_count_only_where_there_is_nothing_else():
    assert Times([3.0, 1.0, 2.0], [9.0, 9.0]).median == 2.0
    assert Times([], [9.0, 7.0, 8.0]).median == 8.0
    assert np.isnan(Times().median)


def test_operations_of_vgg16_are_the_published_ones():
    network = subject("pocket").network
    assert operations(network, "forward", 2) == 2 * operations(network, "forward", 1)
    vgg = assemble("vgg16", {key: np.broadcast_to(np.float32(0), s) for key, s in parameter_shapes("vgg16").items()})
    assert operations(vgg, "forward", 1) == 2 * 15_470_264_320
    assert operations(vgg, "Grad-CAM", 1) == 2 * (15_470_264_320 + 123_633_664)


def test_a_line_of_the_table_holds_the_ratio_and_the_share_of_the_peak():
    times = {"fast": Times([0.1]), "best, channels first": Times([0.5]), "best, channels last": Times([0.4])}
    line = Row("pocket", 1, "forward", times, operations=2e9).line(peak=1e11)
    assert line.split() == ["pocket", "1", "forward", "100.0", "-", "-", "400.0", "0.25", "-", "20%"]
    times["fast"] = Times([], [0.1])
    assert Row("pocket", 1, "forward", times, operations=2e9).line(peak=1e11).endswith("*")


def test_the_two_engines_do_the_same_jobs():
    classifier = subject("pocket")
    x = pictures(classifier, 2)
    fast, plain = (by_numcam(classifier.network, x, engine) for engine in ("fast", "plain"))
    for job in ("Grad-CAM", "FGSM gradient", "guided backprop"):
        ours, theirs = fast[job](), plain[job]()
        assert np.linalg.norm(ours - theirs) < 0.03 * np.linalg.norm(theirs), job
    (step,) = fast["training step"]()
    assert np.isfinite(step.loss)
    (row,) = rows(["pocket"], [1], ["forward"], against=(), runs=1)
    assert row.times["fast"].median > 0
    assert np.isnan(row.best)
    assert sgemm_peak(64) > 0


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


@pytest.mark.slow
def test_the_command_prints_its_table(capsys):
    assert main(["bench", "--model", "pocket", "--batch", "1", "--runs", "1", "--no-processes"]) == 0
    out = capsys.readouterr().out
    assert "GFLOP/s" in out
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
    forward, cam = rows(["pocket"], [1], ["forward", "Grad-CAM"], against=["onnxruntime"], runs=1)
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
