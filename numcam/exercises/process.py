"""The child process: started, listened to, ended."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

import numcam
from numcam.errors import InputError
from numcam.exercises.attempt import Outcome

MEMORY = 4.0
"""GB that the child may have."""

PATIENCE = 60.0
"""Seconds for Python itself to start, on a busy machine."""

CODE = """import sys; sys.path.append({root!r})
from numcam.exercises.child import main; main({path!r}, {wanted!r}, {limit!r}, {memory!r})"""

Event = dict[str, Any]


def events(path: Path, wanted: list[str], limit: float) -> Iterator[Event]:
    """The child's events; at the end "silent" where it stopped talking, "died" where it ended without being done."""
    errors = tempfile.TemporaryFile()  # noqa: SIM115, closed below
    child = start(path, wanted, limit, errors)
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=listen, args=(child, lines), daemon=True).start()
    wait, event = PATIENCE, {"event": ""}
    try:
        while event["event"] not in ("done", "broken", "hang", "silent", "died"):
            line = following(lines, wait)
            if line == "" and not event["event"]:
                raise InputError(f"the process for the answers did not start: {last_line(errors)}")
            event = {"event": "silent"} if line is None else json.loads(line or "null")
            event = event or {"event": "died", "code": child.wait()}
            yield event
            wait = limit + 5  # the child's own watch comes first, unless C code holds it up
    finally:
        end(child)
        errors.close()


def following(lines: "queue.Queue[str]", wait: float) -> str | None:
    """The next line, "" at the end of them, None if nothing comes."""
    try:
        return lines.get(timeout=wait)
    except queue.Empty:
        return None


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
