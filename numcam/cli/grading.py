"""numcam check ANSWERS.py: what the checker says of a file, or of a folder of them, as text or as JSON."""

import argparse
import json
import textwrap
from collections import Counter
from pathlib import Path

from numcam.errors import InputError
from numcam.exercises.catalogue import chosen
from numcam.exercises.checking import Report, check_file, files_in
from numcam.exercises.judge import Verdict

WIDTH = 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that go with a file of answers."""
    parser.add_argument("answers", nargs="?", type=Path, metavar="ANSWERS", help="a Python file, or a folder of them")
    parser.add_argument("--only", action="append", metavar="NAME|PAGE", help="check only this function or page")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--limit", type=float, default=10.0, metavar="S", help="seconds for a function (%(default)g)")


def check_answers(options: argparse.Namespace) -> int:
    """Check a file or a folder; exit code 0 where all pass, 1 where something differs."""
    wanted = chosen(options.only or [])
    if not 0 < options.limit <= 3600:
        raise InputError(f"the limit is a number of seconds, above 0 and at most 3600; got {options.limit:g}")
    if options.answers.is_dir():
        return folder(options, wanted)
    report = file(options.answers, wanted, options)
    if not report.verdicts and not report.problem:
        raise InputError(f"{options.answers}: nothing to check. {'. '.join(report.notes)}")
    if options.json:
        print(json.dumps(report.as_json(), indent=2))
    return 0 if report.passed else 1


def file(path: Path, wanted: list[str], options: argparse.Namespace) -> Report:
    """Check one file, printing as it goes unless JSON was asked for."""
    for one in check_file(path, wanted, options.limit):
        if isinstance(one, Report):
            if not options.json:
                print_end(one)
            return one
        if not options.json:
            print_verdict(one)
    raise AssertionError("a report comes last")


def print_verdict(verdict: Verdict) -> None:
    """A line for a function, and below it why it does not pass."""
    print(f"{verdict.name:30} {verdict.status}", flush=True)
    for line in verdict.message:
        say(line)
    for mistake in verdict.mistakes:
        say(f"This is a known mistake, {mistake.name}. {mistake.about} See page {mistake.page} of the tutorial.")
        if mistake.published:
            say(f"You are in company: {mistake.published}.")
    for note in verdict.notes:
        say(f"note: {note}")


def say(text: str) -> None:
    print(textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="    "))


def print_end(report: Report) -> None:
    if report.problem:
        print(f"{report.path} cannot be run")
        say(report.problem)
    for note in report.notes if report.verdicts or report.problem else []:
        say(f"note: {note}")
    if report.verdicts:
        print(f"\n{sum(v.passed for v in report.verdicts)} of {len(report.verdicts)} pass")


def folder(options: argparse.Namespace, wanted: list[str]) -> int:
    """A row for each file, as they are done, and a summary for each function."""
    reports: list[Report] = []
    paths = files_in(options.answers)
    names = {path: str(path.relative_to(options.answers)) for path in paths}
    width = max(map(len, names.values()))
    for path in paths:
        report = next(r for r in check_file(path, wanted, options.limit) if isinstance(r, Report))
        reports.append(report)
        if not options.json:
            print(f"{names[path]:{width}}  {row(report)}", flush=True)
    if options.json:
        print(json.dumps([r.as_json() for r in reports], indent=2))
    else:
        print_summary(reports)
    return 0 if all(r.passed for r in reports) else 1


def row(report: Report) -> str:
    """ "3 of 4  conv2d_backward: dx_not_flipped" """
    if report.problem:
        return f"cannot be run: {report.problem}"
    if not report.verdicts:
        return "nothing to check"
    failed = [f"{v.name}: {cause(v)}" for v in report.verdicts if not v.passed]
    passed = len(report.verdicts) - len(failed)
    return f"{passed} of {len(report.verdicts)}  {'; '.join(failed)}".rstrip()


def cause(verdict: Verdict) -> str:
    """The mistake's name where it is known, else what happened."""
    return " and ".join(m.name for m in verdict.mistakes) or verdict.status


def print_summary(reports: list[Report]) -> None:
    """How many pass each function, and what keeps the others from it."""
    causes: dict[str, Counter[str]] = {}
    for verdict in (v for r in reports for v in r.verdicts):
        causes.setdefault(verdict.name, Counter())[cause(verdict)] += 1
    print()
    for name, counted in causes.items():
        others = ", ".join(f"{count} {what}" for what, count in counted.most_common() if what != "passes")
        print(f"{name:30} {counted['passes']} of {counted.total()} pass{': ' if others else ''}{others}")
    print(f"\n{sum(r.passed for r in reports)} of {len(reports)} files pass in everything")
