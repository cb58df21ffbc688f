"""A file, or a folder of files, checked: verdicts as they come."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from numcam.errors import InputError
from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.judge import Verdict, judge
from numcam.exercises.running import LIMIT, Broken, Loaded, run

SHARED = {"softmax"}
"""Exercises of one page that other pages take for granted; to have one of them is not yet to answer its page."""


@dataclass
class Report:
    """Everything that is said of one file. problem: why it could not be run at all, or ""."""

    path: Path
    verdicts: list[Verdict] = field(default_factory=list)
    problem: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.problem and bool(self.verdicts) and all(v.passed for v in self.verdicts)

    def as_json(self) -> dict[str, Any]:
        return {
            "file": str(self.path),
            "passed": self.passed,
            "problem": self.problem,
            "functions": [v.as_json() for v in self.verdicts],
            "notes": self.notes,
        }


def check_file(path: Path, wanted: list[str], limit: float = LIMIT) -> Iterator[Verdict | Report]:
    """Each verdict as it comes, and the whole report at the end. InputError where there is nothing to check."""
    readable(path)
    report, calls = Report(path), {}
    try:
        for one in run(path, wanted, limit):
            if isinstance(one, Loaded):
                calls = one.calls
                report.notes += file_notes(one, wanted)
                absent = [missing(name, one) for name in wanted if name not in one.found]
                report.verdicts += absent
                yield from absent
            else:
                report.verdicts.append(traced(judge(one), report.verdicts, calls.get(one.name, [])))
                yield report.verdicts[-1]
    except Broken as error:
        report.problem = str(error)
    yield report


def traced(verdict: Verdict, earlier: list[Verdict], calls: list[str]) -> Verdict:
    """The verdict; where a function that it calls has failed before, that one is named and nothing else."""
    cause = next((v for v in earlier if v.name in calls and not v.passed), None)
    if verdict.passed or verdict.status == "not written yet" or cause is None:
        return verdict
    how = f"is {cause.status}" if cause.status == "not written yet" else cause.status
    text = f"{verdict.name} calls your {cause.name}, which {how}: put that right first"
    return Verdict(verdict.name, verdict.status, [text], notes=verdict.notes)


def readable(path: Path) -> None:
    """InputError for what is no Python file."""
    if not path.exists():
        raise InputError(f"no file {path}; numcam exercises new 06 writes one to start from")
    if path.suffix == ".ipynb":
        raise InputError(f"{path} is a notebook; save it as Python (File, Save and Export as, Executable Script)")
    if path.suffix != ".py":
        raise InputError(f"{path} is no Python file; its name should end in .py")


def file_notes(loaded: Loaded, wanted: list[str]) -> list[str]:
    """What is worth saying of the file as a whole."""
    notes = [f"the file itself prints: {loaded.printed.splitlines()[0][:80]}"] if loaded.printed else []
    for name in loaded.functions:
        near = get_close_matches(name, EXERCISES, n=1, cutoff=0.8)
        if name not in EXERCISES and near and near[0] not in loaded.found:
            notes.append(f"{name} is no exercise; was {near[0]} meant?")
    if not wanted and not loaded.found:
        notes.append("no function in it has the name of an exercise; numcam exercises list shows them")
    elif not wanted:
        pages = answered(loaded)
        more = [n for n, e in EXERCISES.items() if e.page in pages and n not in loaded.found]
        if more:
            notes.append(f"not in this file: {', '.join(more)}")
        for name in loaded.own:
            notes.append(f"{name} is numcam's own, imported; it is not checked")
    return notes


def answered(loaded: Loaded) -> set[str]:
    """The pages that the file answers: those of which it holds more than a helper of another page's functions."""
    page = {name: EXERCISES[name].page for name in loaded.found}
    helpers = {called for name, others in loaded.calls.items() for called in others if page[called] != page[name]}
    own = {page[name] for name in loaded.found if name not in helpers and name not in SHARED}
    return own or set(page.values())


def missing(name: str, loaded: Loaded) -> Verdict:
    """The verdict on a function that was asked for and is not there."""
    near = get_close_matches(name, set(loaded.functions) - set(EXERCISES), n=1, cutoff=0.6)
    hint = f"was {near[0]} meant?" if near else f"numcam exercises new {EXERCISES[name].page} writes a stub"
    return Verdict(name, "missing", [f"no function of this name in the file; {hint}"])


def files_in(folder: Path) -> list[Path]:
    """All Python files below a folder, hidden ones left out. InputError where there is none."""
    files = sorted(
        p for p in folder.rglob("*.py") if not any(part.startswith((".", "__")) for part in p.relative_to(folder).parts)
    )
    if not files:
        raise InputError(f"no Python file in {folder}; submissions are files that end in .py")
    return files
