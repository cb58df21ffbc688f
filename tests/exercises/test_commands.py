"""numcam exercises, and the misuse of numcam check."""

import ast
from pathlib import Path

import pytest

from numcam.cli.main import main
from numcam.exercises.catalogue import EXERCISES, PAGES, of_page
from numcam.exercises.stubs import stub_file


def run(capsys, *arguments):
    return main([str(a) for a in arguments]), *capsys.readouterr()


def test_the_list_shows_every_function_under_its_page(capsys):
    code, out, err = run(capsys, "exercises", "list")
    assert (code, err) == (0, "")
    assert out.count("\n") == len(PAGES) + len(EXERCISES)
    assert "      relu_backward(dout, x) -> dx\n" in out


@pytest.mark.parametrize("page", PAGES)
def test_a_stub_is_python_and_is_recognised_as_not_written_yet(page):
    namespace = {}
    exec(compile(stub_file(page, "answers.py"), "answers.py", "exec"), namespace)
    from exercises.answering import verdict_on

    for exercise in of_page(page):
        assert namespace[exercise.name].__doc__.splitlines()[0] in exercise.doc
        assert verdict_on(exercise.name, namespace[exercise.name]).status == "not written yet"


def test_new_writes_a_file_that_check_can_read(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(capsys, "exercises", "new", "6")
    assert (code, out.splitlines()[1]) == (0, "replace every ... and run: numcam check answers06.py")
    code, out, _ = run(capsys, "check", "answers06.py")
    assert code == 1
    assert out.splitlines()[:4] == [f"{e.name:30} not written yet" for e in of_page("06")]


def test_answers_are_never_overwritten(capsys, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("precious")
    code, _, err = run(capsys, "exercises", "new", "06", "-o", path)
    assert (code, path.read_text()) == (2, "precious")
    assert "is there already, perhaps with answers in it; choose another name with -o" in err


@pytest.mark.parametrize("name", ['three""".py', "users\\new.py", "caf\udce9.py", "猫.py"])
def test_a_stub_is_python_whatever_its_name(capsys, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert main(["exercises", "new", "04", "-o", name]) == 0
    module = ast.parse(Path(name).read_bytes())
    assert f"numcam check {name}" in ast.get_docstring(module)


def test_mistakes_are_listed_with_their_sentences(capsys):
    code, out, _ = run(capsys, "exercises", "mistakes", "relu_backward")
    assert code == 0
    assert "greater_or_equal: The gate is open at exactly 0 (`x >= 0`, or" in out
    assert out.endswith("11 wrong versions of 1 functions\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nowhere.py"], "no file nowhere.py; numcam exercises new 06 writes one to start from"),
        (["check", "notes.ipynb"], "notes.ipynb is a notebook; save it as Python"),
        (["check", "notes.txt"], "notes.txt is no Python file"),
        (["check", "empty"], "no Python file in empty"),
        (["check", "other.py"], "nothing to check. no function in it has the name of an exercise"),
        (["check", "other.py", "--only", "relu_backwards"], "did you mean relu_backward or guided_relu_backward"),
        (["check", "other.py", "--only", "14"], "page 14 has no exercise to check; it is done by hand"),
        (["check", "other.py", "--limit", "0"], "the limit is a number of seconds, above 0"),
        (["check", "--only", "06"], "--only, --json and --limit belong to a file of answers"),
        (["check", "--limit", "3"], "--only, --json and --limit belong to a file of answers"),
        (["check", "other.py", "--limit", "nan"], "the limit is a number of seconds, above 0"),
        (["check", "other.py", "--seed", "3"], "--seed is for numcam's own gradients"),
        (["check", ""], "argument ANSWERS: the name is empty"),
        (["exercises", "new", ""], "no page ''"),
        (["exercises", "new", "06", "-o", ""], "argument -o/--output: the name is empty"),
        (["exercises", "new", "06", "-o", "notes2.txt"], "give a name that ends in .py, not notes2.txt"),
        (["exercises", "new", "06", "-o", "empty"], "give a name that ends in .py, not empty"),
        (["exercises", "new", "99"], "no page '99'; the tutorial's pages are 00 to 14"),
        (["exercises", "new", "06", "-o", "nowhere/a.py"], "cannot write"),
        (["exercises", "mistakes", "relu"], "no exercise 'relu'; there are runner_up, derivative"),
    ],
)
def test_misuse_is_one_sentence_and_exit_code_2(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("notes.ipynb", "notes.txt"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "other.py").write_text("def other():\n    return 1\n")
    try:
        code, out, err = run(capsys, *arguments)
    except SystemExit as end:  # argparse's own
        code, (out, err) = end.code, capsys.readouterr()
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
