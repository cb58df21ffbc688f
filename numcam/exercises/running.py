"""A reader's file, run in a child process with a time limit; a function that hangs does not lose the others."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

import numcam
from numcam.errors import InputError
from numcam.exercises.attempt import Outcome

LIMIT = 10.0
"""Seconds that a function may take for all of its cases together; and the file itself, to be loaded."""
MEMORY = 4.0
"""GB that the child may have."""
PATIENCE = 60.0
"""Seconds for Python itself to start, on a busy machine."""

CODE = """import sys; sys.path.append({root!r})
from numcam.exercises.child import main; main({path!r}, {wanted!r}, {limit!r}, {memory!r})"""

Event = dict[str, Any]


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
    """What a file holds: exercises, those of them that are numcam's own, and all of its functions."""

    found: list[str]
    own: list[str]
    functions: list[str]
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


def events(path: Path, wanted: list[str], limit: float) -> Iterator[Event]:
    """The child's events; at the end "silent" where it stopped talking, "died" where it ended without being done."""
    errors = tempfile.TemporaryFile()  # noqa: SIM115, closed below
    child = start(path, wanted, limit, errors)
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=listen, args=(child, lines), daemon=True).start()
    wait, started = PATIENCE, False
    try:
        while True:
            try:
                line = lines.get(timeout=wait)
            except queue.Empty:
                yield {"event": "silent"}
                return
            if not line and not started:
                raise InputError(f"the process for the answers did not start: {last_line(errors)}")
            if not line:
                yield {"event": "died", "code": child.wait()}
                return
            event, started = json.loads(line), True
            yield event
            if event["event"] in ("done", "broken", "hang"):
                return
            wait = limit + 5  # the child's own watch comes first, unless C code holds it up
    finally:
        end(child)
        errors.close()


def last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


def listen(child: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    assert child.stdout
    for line in child.stdout:
        lines.put(line)
    lines.put("")


def start(path: Path, wanted: list[str], limit: float, errors: IO[bytes]) -> "subprocess.Popen[str]":
    """-P and -B: no file beside the current one hides a library, and nothing is written next to the reader's."""
    root = str(Path(numcam.__file__).parents[1])
    code = CODE.format(root=root, path=str(path.resolve()), wanted=wanted, limit=limit, memory=MEMORY)
    quiet = {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    return subprocess.Popen(
        [sys.executable, "-P", "-B", "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={**os.environ, **quiet},
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def end(child: "subprocess.Popen[str]") -> None:
    """End the child and whatever it has started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):
        child.kill()
    child.wait()
    if child.stdout:
        child.stdout.close()


def unpacked(packed: Event) -> Outcome:
    """The outcome that `child.packed` wrote."""
    arrays = packed["values"]
    values = None if arrays is None else [None if a is None else unpack(a) for a in arrays]
    return Outcome(**{**packed, "values": values})


def unpack(packed: Event) -> Any:
    if packed["data"] is None:  # far too large: only its shape is known, and is wrong enough
        return np.broadcast_to(np.float64(np.nan), packed["shape"])
    return np.array(packed["data"], packed["dtype"]).reshape(packed["shape"])
