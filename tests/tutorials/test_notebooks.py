"""numcam tutorials: the pages are the only source, and a notebook made from one gives the page back."""

import json
import sys

import pytest

from numcam.cli.main import main
from numcam.cli.tutorials import pages


@pytest.fixture
def built(tmp_path, capsys):
    pytest.importorskip("jupytext")
    assert main(["tutorials", "notebooks", "-o", str(tmp_path / "out")]) == 0
    return tmp_path / "out"


def test_a_notebook_gives_its_page_back(built):
    import jupytext

    for page in pages():
        again = jupytext.writes(jupytext.read(built / f"{page.stem}.ipynb"), fmt="md")
        assert again == page.read_text(encoding="utf-8")


def test_a_notebook_runs_the_python_blocks_and_nothing_else(built):
    for page in pages():
        cells = json.loads((built / f"{page.stem}.ipynb").read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        assert len(code) == page.read_text(encoding="utf-8").count("```python")
        assert not any(source.startswith(("%", "import torch")) for source in code)


def test_the_figures_come_along(built):
    assert {p.name for p in (built / "figures").iterdir()} == {
        p.name for p in (pages()[0].parent / "figures").iterdir()
    }


def test_one_page_can_be_asked_for(tmp_path, capsys):
    pytest.importorskip("jupytext")
    assert main(["tutorials", "notebooks", "-o", str(tmp_path), "04", "6"]) == 0
    assert sorted(p.name[:2] for p in tmp_path.glob("*.ipynb")) == ["04", "06"]


def test_an_unknown_page_is_answered_in_a_sentence(tmp_path, capsys):
    assert main(["tutorials", "notebooks", "-o", str(tmp_path / "out"), "77"]) == 2
    assert "no page 77" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("taken", "cannot make the folder"),
        (str(pages()[0].parent), "holds the pages themselves"),
        ("", "argument -o/--out: the name is empty"),
    ],
)
def test_a_folder_that_cannot_be_is_answered_in_a_sentence(tmp_path, monkeypatch, capsys, out, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    monkeypatch.setitem(sys.modules, "jupytext", sys)  # it is never asked for anything
    try:
        code = main(["tutorials", "notebooks", "04", "-o", out])
    except SystemExit as end:  # argparse's own
        code = end.code
    assert code == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not list(tmp_path.rglob("*.ipynb"))


def test_without_jupytext_the_person_is_told_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert main(["tutorials", "notebooks", "-o", str(tmp_path / "out")]) == 2
    assert "pip install" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_pages_are_listed_by_their_titles(capsys):
    assert main(["tutorials", "list"]) == 0
    assert "04 · Close the gates" in capsys.readouterr().out
