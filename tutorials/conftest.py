"""pytest tutorials: every page is run as a reader would run it, and everything it shows is compared.

What the blocks of a page mean stands in harness/page.py. --update-figures writes the figures anew instead of
comparing them; look at them afterwards.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from harness.compare import difference
from harness.links import broken
from harness.page import Block, Page, Picture, read
from harness.pictures import CLOSE, DRAWN_WITH, tolerance, unlike

HERE = Path(__file__).parent
MOST_LINES = 180
MOST_SECONDS = 120
"""The aim is 150 lines and 10 seconds; a derivation may need a few more, and a busy machine many, but not so many."""

WARNINGS = ["-Werror", "-Wignore::DeprecationWarning", "-Werror::DeprecationWarning:__main__"]
"""Whatever warning a reader would see is an error: not those between libraries."""

REPORT = pytest.StashKey[list[str]]()


class Fault(Exception):
    """What is wrong with a page, in words for whoever mends it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-figures", action="store_true", help="write tutorials/figures/ anew")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORT] = []


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in config.stash[REPORT]:
        terminalreporter.write_line(line)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    return Tutorial.from_parent(parent, path=file_path) if file_path.suffix == ".md" else None


class Tutorial(pytest.File):
    """A Markdown file: its links; and if it is a page, its blocks, pictures and length."""

    def collect(self) -> Iterator[pytest.Item]:
        if self.path.name[:2].isdigit() and self.path.parent == HERE:
            for number, block in enumerate(self.page.blocks):
                yield self.check(f"line {block.line}", lambda n=number, b=block: self.block(n, b))
            for picture in self.page.pictures:
                yield self.check(Path(picture.path).name, lambda p=picture: self.picture(p))
            yield self.check("length and time", self.measures)
        yield self.check("links", self.links)

    def check(self, name: str, test: Callable[[], None]) -> "Check":
        item: Check = Check.from_parent(self, name=name)
        item.test = test
        return item

    @cached_property
    def page(self) -> Page:
        return read(self.path)

    @cached_property
    def folder(self) -> Path:
        """Where the page runs."""
        factory = self.config._tmp_path_factory  # type: ignore[attr-defined]  # fixtures are for tests in modules only
        return Path(factory.mktemp(self.path.stem))

    @property
    def results(self) -> list[dict[str, Any]]:
        """What each block printed and wrote."""
        if isinstance(self.outcome, Fault):
            raise self.outcome
        return self.outcome

    @cached_property
    def outcome(self) -> list[dict[str, Any]] | Fault:
        """The page is run once, when first asked for."""
        work, results = self.folder / "work", self.folder / "results.json"
        work.mkdir()
        paths = [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
        settings = {"MPLBACKEND": "agg", "PYTHONUTF8": "1", "NUMCAM_OFFLINE": "1", "COLUMNS": "80"}
        reader = os.environ | settings | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        command = [sys.executable, *WARNINGS, "-m", "harness.run", str(self.path), str(results)]
        try:
            done = subprocess.run(
                command,
                cwd=work,
                env=reader,
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=5 * MOST_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Fault(f"the page does not end within {5 * MOST_SECONDS} seconds")
        if done.returncode:
            return Fault(f"the page could not be run:\n{done.stderr}")
        return json.loads(results.read_text(encoding="utf-8"))

    def links(self) -> None:
        if faults := broken(self.path):
            raise Fault("\n".join(faults))

    def block(self, number: int, block: Block) -> None:
        if number >= len(self.results):
            pytest.skip("a block above fails")
        result = self.results[number]
        if result["error"] and not block.raises:
            raise Fault(f"{result['error']}\n{result['where']}")
        if block.raises and not result["error"]:
            raise Fault("the page promises an error, and there is none")
        if fault := difference(block.expected, f"{result['printed']}\n{result['error']}"):
            raise Fault(f"{fault}\nall of it:\n{result['printed']}{result['error']}")

    def picture(self, picture: Picture) -> None:
        name = Path(picture.path).name
        if not picture.alt.strip():
            raise Fault(f"line {picture.line}: {name} has no alt text")
        if picture.path != f"figures/{name}" or name[:2] != self.path.name[:2]:
            raise Fault(f"line {picture.line}: a page's pictures are figures/{self.path.name[:2]}-*.png")
        made = self.results[picture.after - 1]["written"] if 0 < picture.after <= len(self.results) else []
        if name not in made:
            raise Fault(f"line {picture.line}: {name} is not written by the block above it, which writes {made}")
        committed, drawn = HERE / picture.path, self.folder / "work" / name
        if self.config.getoption("--update-figures"):
            if tolerance() is not CLOSE:
                raise Fault(
                    f"the figures are drawn with Matplotlib {DRAWN_WITH}; install that, or draw all of them anew"
                )
            shutil.copyfile(drawn, committed)
        elif not committed.exists():
            raise Fault(f"{picture.path} is not there; run pytest tutorials --update-figures, and look at it")
        elif fault := unlike(committed, drawn, tolerance()):
            raise Fault(fault)

    def measures(self) -> None:
        seconds = sum(result["seconds"] for result in self.results)
        self.config.stash[REPORT].append(f"{self.path.name:44} {self.page.length:4} lines {seconds:6.1f} seconds")
        if self.page.length > MOST_LINES or seconds > MOST_SECONDS:
            raise Fault(f"{self.page.length} lines, {seconds:.0f} seconds: one idea a page, 150 lines, 10 seconds")


class Check(pytest.Item):
    """One thing that is compared."""

    test: Callable[[], None]

    def runtest(self) -> None:
        self.test()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if isinstance(excinfo.value, Fault) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}: {self.name}"
