"""tutorials/solutions: one file a page, every exercise answered, each file runs."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from exercises.answering import verdict_on

from numcam.cli.main import main
from numcam.exercises.catalogue import PAGES, of_page

SOLUTIONS = Path(__file__).parents[2] / "tutorials" / "solutions"


@pytest.mark.parametrize("page", PAGES)
def test_the_solution_of_every_page_answers_its_exercises(page):
    found = runpy.run_path(str(SOLUTIONS / f"{page}.py"), run_name="solution")
    for exercise in of_page(page):
        assert found[exercise.name].__module__ == "solution"  # written there, not imported
        verdict = verdict_on(exercise.name, found[exercise.name])
        assert (verdict.status, verdict.message) == ("passes", [])


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_solution_runs_and_prints(page):
    environment = {**os.environ, "PYTHONPATH": str(SOLUTIONS.parents[1])}
    done = subprocess.run(
        [sys.executable, SOLUTIONS / f"{page}.py"], capture_output=True, text=True, env=environment, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.mark.slow
def test_the_command_passes_all_solutions(capsys):
    assert main(["check", str(SOLUTIONS)]) == 0
    assert capsys.readouterr().out.endswith("14 of 14 files pass in everything\n")
