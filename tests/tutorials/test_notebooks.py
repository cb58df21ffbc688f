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
    assert main(["tutorials", "notebooks", "-o", str(tmp_path), "04"]) == 0
    assert [p.name[:2] for p in tmp_path.glob("*.ipynb")] == ["04"]


def test_an_unknown_page_is_answered_in_a_sentence(tmp_path, capsys):
    assert main(["tutorials", "notebooks", "-o", str(tmp_path / "out"), "77"]) == 2
    assert "no page 77" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_jupytext_the_person_is_told_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert main(["tutorials", "notebooks", "-o", str(tmp_path / "out")]) == 2
    assert "pip install" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_pages_are_listed_by_their_titles(capsys):
    assert main(["tutorials", "list"]) == 0
    assert "04 · Close the gates" in capsys.readouterr().out
