"""docs/results.md says what the tables beside it say, and names commands that exist."""

import re
import shlex
from pathlib import Path

import pytest

from numcam.cli import evaluate
from numcam.cli.main import Parser
from numcam.cli.measured import names_of

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "results.md").read_text(encoding="utf-8")
TABLES = sorted((DOCS / "results").glob("*.md"))


@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.stem)
def test_every_row_that_the_page_shows_of_a_table_is_the_tables(path):
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    shown = [row for row in rows if row in PAGE]
    assert len(shown) == len(rows) or path.stem == "sanity"
    assert len(shown) >= 2


def test_every_number_in_the_pages_tables_comes_from_one_of_them():
    known = {line for path in TABLES for line in path.read_text(encoding="utf-8").splitlines()}
    measured = [line for line in PAGE.splitlines() if re.match(r"\| .*\d \(−?[\d.]+(-| to )−?[\d.]+\) \|", line)]
    assert len(measured) > 50
    assert set(measured) <= known


def test_every_picture_and_link_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert target.startswith("http") or (DOCS / target).exists(), target


def test_every_command_is_understood():
    commands = re.findall(r"^    numcam evaluate (.*)$", PAGE, re.M)
    assert len(commands) >= 8
    for command in commands:
        parser = Parser()
        evaluate.add_parser(parser.add_subparsers())
        options = parser.parse_args(["evaluate", *shlex.split(command)])
        assert names_of(options.measures) or options.imagenet
