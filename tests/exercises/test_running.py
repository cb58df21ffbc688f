"""Whatever a learner's file does is answered kindly, and loses nothing of the others."""

import json
import sys
from pathlib import Path

import pytest

from numcam.cli.main import main
from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.checking import check_file
from numcam.exercises.judge import Verdict

MISBEHAVING = Path(__file__).parent / "misbehaving.py"


@pytest.fixture(scope="module")
def said():
    """One check of one file of misbehaving functions, by name; and what is said of the file."""
    verdicts, report = {}, None
    for one in check_file(MISBEHAVING, [], limit=3):
        if isinstance(one, Verdict):
            verdicts[one.name] = one
        else:
            report = one
    return verdicts, report


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("runner_up", "passes", "it prints: scores are (1, 4)"),
        ("derivative", "hangs", 'still running after 3 s in line {}, `print("again and again")`'),
        (
            "six_gradients",
            "returns something else",
            "it returns a tuple of 3, and not 6 arrays (da, db, dc, dd, de, df)",
        ),
        ("linear_backward", "differs", "dw is not written yet"),
        ("relu_backward", "changes its arguments", "it changes its argument dout: [0] was 5 and is 0"),
        ("maxpool", "raises", "line {}, `return x.no_such_thing`: AttributeError: 'numpy.ndarray' object has no"),
        ("maxpool_backward", "raises", "it calls itself without end"),
        ("im2col", "raises", 'line {}, `sys.exit("done")`: it ends Python (sys.exit, exit or quit)'),
        ("col2im", "hangs", "Python itself ended in the middle of it (exit code 0)"),
        ("conv2d", "raises", "got an unexpected keyword argument 'padding'"),
        ("conv2d", "raises", "it is called as conv2d(x, w, b, stride=(1, 1), padding=(0, 0))"),
        ("conv2d_backward", "raises", "it imports torchvision_of_tomorrow, which is not installed here"),
        ("softmax", "returns something else", "it returns None; is the line with return missing"),
        ("probability_backward", "returns something else", "dlogits is a dict of 1, and not an array of numbers"),
        ("flatten", "returns something else", "flat is the text 'flat', and not an array of numbers"),
        ("preprocess", "raises", "it asks for more memory than the 4 GB it may have"),
        ("count_parameters", "differs", "a second call with the same arguments gives another result"),
        ("count_multiply_adds", "not written yet", ""),
        ("saliency", "differs", "gradient: expected shape (1, 3, 8, 12), got (3000, 3000)"),
        ("directional_derivative", "raises", "it waits for input(), and nobody is there to type"),
        ("grad_cam_weights", "passes", "weights is float32 where float64 went in; numcam keeps the dtype"),
        ("grad_cam", "raises", "are read-only here: copy one before you change it"),
        ("deconvnet_relu_backward", "not written yet", ""),
        ("guided_grad_cam", "raises", "the arrays of traces and networks are read-only here"),
        ("fgsm", "raises", "it is called as fgsm(classifier, pixels, label, epsilon)"),
        ("smallest_epsilon", "raises", "it raises KeyboardInterrupt"),
        ("rank_correlation", "differs", "a second call with the same arguments gives another result"),
    ],
)
def test_a_misbehaving_function_is_told_what_it_does(said, name, status, words):
    verdict = said[0][name]
    assert verdict.status == status
    assert numbered(words) in "\n".join(verdict.message + verdict.notes)
    assert "Traceback" not in "".join(verdict.message)


def numbered(words):
    """The words with the number of the line that they quote."""
    lines = [line.strip() for line in MISBEHAVING.read_text().splitlines()]
    return words.format(lines.index(words.split("`")[1]) + 1) if "{}" in words else words


@pytest.mark.skipif(sys.platform == "win32", reason="signals have numbers on POSIX")
def test_a_crash_of_python_itself_is_told(said):
    assert "(signal 11)" in said[0]["softmax_cross_entropy_backward"].message[0]


def test_no_function_is_lost_and_imported_ones_are_not_checked(said):
    verdicts, report = said
    assert set(verdicts) == set(EXERCISES) - {"guided_relu_backward", "points_at"}
    notes = "\n".join(report.notes)
    assert "guided_relu_backward is numcam's own, imported; it is not checked" in notes
    assert "the file itself prints: hello from the file" in notes
    assert "point_at is no exercise; was points_at meant?" in notes


def test_known_mistakes_beside_gaps_are_named_all_the_same(said):
    assert [m.name for m in said[0]["linear_backward"].mistakes] == ["db_batch_mean"]
    assert [m.name for m in said[0]["relu_backward"].mistakes] == ["dout_overwritten"]


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def relu_backward(dout, x)\n    return dout\n", "line 1, `def relu_backward(dout, x)`: expected ':'"),
        ("import torch_of_tomorrow\n", "line 1, `import torch_of_tomorrow`: it imports torch_of_tomorrow, which is"),
        pytest.param("while True:\n    x = 1\n", "the file itself does not come to an end: it was still", marks=SLOW),
        pytest.param("raise SystemExit\n", 'put such a call under if __name__ == "__main__":', marks=SLOW),
        pytest.param("1 / 0\n", "line 1, `1 / 0`: ZeroDivisionError: division by zero", marks=SLOW),
        pytest.param("import os\nos.abort()\n", "Python itself ended in the middle of it (signal 6)", marks=SLOW),
        pytest.param("a\0b", "it is not a Python file, or not saved as UTF-8", marks=SLOW),
        pytest.param(b"\xff\xfe nonsense", "it is not a Python file, or not saved as UTF-8", marks=SLOW),
    ],
)
def test_a_file_that_cannot_be_run_says_where(tmp_path, capsys, text, words):
    path = tmp_path / "answers.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["check", str(path), "--limit", "1"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f"{path} cannot be run\n")
    assert words in " ".join(out.split())
    assert (err, [p.name for p in tmp_path.iterdir()]) == ("", ["answers.py"])


def test_files_beside_the_answers_hide_no_library_and_can_be_imported(tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise ImportError('not the library')\n")
    (tmp_path / "mine.py").write_text("def gate(x):\n    return x > 0\n")
    (tmp_path / "answers.py").write_text("import mine\n\ndef relu_backward(dout, x):\n    return dout * mine.gate(x)\n")
    monkeypatch.chdir(tmp_path)
    assert main(["check", "answers.py"]) == 0
    assert {p.name for p in tmp_path.iterdir()} == {"random.py", "mine.py", "answers.py"}


def check(tmp_path, text):
    """Verdicts by name, and the report."""
    path = tmp_path / "answers.py"
    path.write_text(text)
    *verdicts, report = check_file(path, [])
    return {v.name: v for v in verdicts}, report


FOOLING = """
import numpy as np

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def slope(classifier, pixels, label):
    trace = classifier.forward(classifier.preprocessing.forward(pixels))
    seed = softmax(trace.output) - np.eye(trace.output.shape[1])[label]
    return classifier.pixel_gradient(trace.backward(seed)["input"])

def fgsm(classifier, pixels, label, epsilon):
    return np.clip(pixels + epsilon * np.sign(slope(classifier, pixels, label)), 0, 255)

def step(*arguments):
    return fgsm(*arguments)

def smallest_epsilon(classifier, pixels, epsilons):
    def answer(x):
        return classifier.forward(classifier.preprocessing.forward(x)).output.argmax(axis=1)

    for epsilon in epsilons:
        if answer(step(classifier, pixels, answer(pixels), epsilon)) != answer(pixels):
            return epsilon
    return float("inf")
"""


def test_a_fault_is_sought_where_it_is_and_not_in_the_function_that_calls_it(tmp_path):
    verdicts, _ = check(tmp_path, FOOLING.replace("pixels + epsilon", "pixels - epsilon"))
    assert [m.name for m in verdicts["fgsm"].mistakes] == ["downhill"]
    assert verdicts["smallest_epsilon"].status == "differs"
    assert verdicts["smallest_epsilon"].message == [
        "smallest_epsilon calls your fgsm, which differs: put that right first"
    ]
    assert verdicts["smallest_epsilon"].mistakes == []


def test_a_caller_of_a_right_function_has_its_own_mistakes(tmp_path):
    verdicts, _ = check(tmp_path, FOOLING.replace("return epsilon\n", "return epsilon / 2\n"))
    assert verdicts["fgsm"].passed
    assert verdicts["smallest_epsilon"].message[0].startswith("smallest: expected ")


def test_the_function_of_the_same_name_in_numcam_is_not_taken_for_the_readers(tmp_path):
    wrong = FOOLING.replace("pixels + epsilon", "pixels - epsilon")
    theirs = wrong.replace("return fgsm(*arguments)", "return numcam.fgsm(*arguments)").replace(
        "epsilon\n", "epsilon / 2\n"
    )
    verdicts, _ = check(tmp_path, f"import numcam\n{theirs}")
    assert not verdicts["fgsm"].passed
    assert verdicts["smallest_epsilon"].message[0].startswith("smallest: expected ")


def test_a_helper_from_another_page_does_not_call_for_that_page(tmp_path):
    verdicts, report = check(tmp_path, FOOLING)
    assert all(v.passed for v in verdicts.values())
    assert report.notes == []
    _, report = check(tmp_path, FOOLING.split("def slope", maxsplit=1)[0])
    assert "not in this file: softmax_cross_entropy_backward, probability_backward" in report.notes[0]


def test_an_if_that_asks_a_whole_array_is_told_what_to_ask(tmp_path):
    verdicts, _ = check(tmp_path, "def relu_backward(dout, x):\n    return dout if x > 0 else 0 * dout\n")
    text = verdicts["relu_backward"].message[0]
    assert "`if` cannot ask it one question; `x > 0` gives one answer for each number" in text


def test_json_says_everything(tmp_path, capsys):
    path = tmp_path / "answers.py"
    path.write_text("def relu_backward(dout, x):\n    return dout * (x >= 0)\n")
    assert main(["check", str(path), "--json", "--only", "04", "--only", "softmax"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(f["function"], f["page"], f["status"]) for f in report["functions"]] == [
        ("softmax", "07", "missing"),
        ("relu_backward", "04", "differs"),
    ]
    assert report["functions"][1]["mistakes"][0]["name"] == "greater_or_equal"
    assert (report["passed"], report["problem"]) == (False, "")


def test_a_folder_of_submissions_is_a_table(tmp_path, capsys):
    for student, gate in (("ada", ">"), ("ben", ">=")):
        (tmp_path / student).mkdir()
        (tmp_path / student / "answers.py").write_text(f"def relu_backward(dout, x):\n    return dout * (x {gate} 0)\n")
    (tmp_path / "dan.py").write_text("def relu_backward(:\n")
    (tmp_path / ".hidden.py").write_text("1 / 0\n")
    assert main(["check", str(tmp_path), "--only", "04"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "ada/answers.py  1 of 1",
        "ben/answers.py  0 of 1  relu_backward: greater_or_equal",
        "dan.py          cannot be run: line 1, `def relu_backward(:`: invalid syntax",
        "",
        "relu_backward                  1 of 2 pass: 1 greater_or_equal",
        "",
        "1 of 3 files pass in everything",
    ]
