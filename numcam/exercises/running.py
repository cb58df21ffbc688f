"""A reader's file, run in a child process with a time limit; a function that hangs does not lose the others."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from numcam.exercises.attempt import Outcome
from numcam.exercises.process import Event, events, unpacked

LIMIT = 10.0
"""Seconds that a function may take for all of its cases together; and the file itself, to be loaded."""


@dataclass
class Answer:
    """What one function did: an outcome for each of `cases` (their indices), and for the first one again.

    stopped: why the function never came to an end, or "".
    """

    name: str
    cases: list[int] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    again: Outcome | None = None
    printed: str = ""
    lacking: list[str] = field(default_factory=list)
    stopped: str = ""


@dataclass
class Loaded:
    """What a file holds: exercises, those of them that are numcam's own, and all of its functions.

    calls: for each of the reader's exercises the others that it calls, perhaps through functions between.
    """

    found: list[str]
    own: list[str]
    functions: list[str]
    calls: dict[str, list[str]]
    printed: str


class Broken(Exception):
    """The file as a whole cannot be run; the message is made to be shown."""


def run(path: Path, wanted: list[str], limit: float = LIMIT) -> Iterator[Loaded | Answer]:
    """First what the file holds, then an answer for each function that is there, as they come. Raises Broken.

    wanted: the functions to check; none = all exercises in the file that are not imported from numcam.
    """
    queued, first = list(wanted), True
    while first or queued:
        left = queued
        for one in once(path, queued, limit):
            if isinstance(one, Loaded):
                left = [n for n in (queued or [n for n in one.found if n not in one.own]) if n in one.found]
                if first:
                    yield one
                first = False
            else:
                left = left[left.index(one.name) + 1 :]
                yield one
        queued = left


def once(path: Path, wanted: list[str], limit: float) -> Iterator[Loaded | Answer]:
    """One child process, until it is done or has to be ended."""
    answer: Answer | None = None
    for event in events(path, wanted, limit):
        match event["event"]:
            case "broken":
                raise Broken(event["message"])
            case "loaded":
                yield Loaded(**{key: fact for key, fact in event.items() if key != "event"})
            case "begin":
                answer = Answer(event["name"])
            case "case" if answer:
                add(answer, event)
            case "end" if answer:
                answer.printed, answer.lacking = event["printed"], event["lacking"]
                yield answer
                answer = None
            case "hang" | "silent" | "died":
                sentence = stopped(event, limit)
                if answer is None:
                    raise Broken(f"the file itself does not come to an end: {sentence}")
                answer.stopped = sentence
                yield answer


def add(answer: Answer, event: Event) -> None:
    outcome = unpacked(event["outcome"])
    if event["case"] in answer.cases:
        answer.again = outcome
    else:
        answer.cases.append(event["case"])
        answer.outcomes.append(outcome)


def stopped(event: Event, limit: float) -> str:
    """Why the child had to be ended, or ended by itself."""
    if event["event"] == "died":
        code = event["code"]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"Python itself ended in the middle of it ({how}): a crash, too much memory, or os._exit"
    where = f" in {event['where']}" if event.get("where") else ""
    return f"it was still running after {limit:g} s{where}; is there a loop that never ends?"
