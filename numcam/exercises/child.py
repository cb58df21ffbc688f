"""The process in which a reader's file runs: it loads the file, calls its functions, and tells what came back.

Each event is one line of JSON on the standard output that the process was started with; what the file prints is caught.
"""

import io
import json
import os
import sys
import threading
import time
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from numcam.exercises.attempt import LARGEST, Outcome, attempt, parameters_of
from numcam.exercises.catalogue import EXERCISES
from numcam.exercises.exercise import Exercise, Function
from numcam.exercises.telling import Teller
from numcam.exercises.uses import uses

HEARD = 400
"""Characters of a function's prints that are kept."""


class Ear(io.RawIOBase):
    """A standard output that remembers its beginning only."""

    def __init__(self) -> None:
        self.kept = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.kept += bytes(data[: max(0, HEARD - len(self.kept))])
        return len(data)

    def take(self) -> str:
        text, self.kept = self.kept.decode("utf-8", "replace"), b""
        return text.strip()


class Watch(threading.Thread):
    """Ends the process, after saying where the file is, when a deadline passes."""

    def __init__(self, teller: Teller, limit: float) -> None:
        super().__init__(daemon=True)
        self.teller, self.limit, self.name_ = teller, limit, ""
        self.main = threading.get_ident()
        self.deadline = time.monotonic() + limit

    def begin(self, name: str) -> None:
        self.name_, self.deadline = name, time.monotonic() + self.limit

    def run(self) -> None:
        while (left := self.deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        where = self.teller.place(sys._current_frames()[self.main])
        say("hang", name=self.name_, where=where)
        os._exit(0)


LOCK = threading.Lock()
OUT = [sys.__stdout__]


def say(event: str, **facts: Any) -> None:
    """One event to the parent."""
    with LOCK:
        print(json.dumps({"event": event, **facts}), file=OUT[0], flush=True)


def main(path: str, wanted: list[str], limit: float, memory: float) -> None:
    """Check the functions `wanted`, or all exercises that the file defines; limit in seconds each, memory in GB."""
    ear = overheard()
    bound(memory)
    say("started")
    teller = Teller(path, memory)
    watch = Watch(teller, limit)
    watch.start()
    try:
        module = load(path)
    except BaseException as error:
        say("broken", message=teller.of_loading(error))
        return
    found = {name: f for name, f in vars(module).items() if name in EXERCISES and callable(f)}
    own = [name for name, f in found.items() if home(f).startswith("numcam.")]
    names = [name for name, f in vars(module).items() if callable(f) and home(f) == module.__name__]
    calls = {n: sorted(uses(n, vars(module)) & set(found) - set(own)) for n in found if n not in own}
    found_names = [n for n in EXERCISES if n in found]
    say("loaded", found=found_names, own=own, functions=names, calls=calls, printed=ear.take())
    for name in wanted or [n for n in EXERCISES if n in found and n not in own]:
        if name in found:
            watch.begin(name)
            check(EXERCISES[name], found[name], teller, ear)
    watch.begin("")
    say("done")


def overheard() -> Ear:
    """From here on prints are caught, and what C code prints goes nowhere; events keep the output they had."""
    OUT[0] = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    ear = Ear()
    sys.stdout = sys.stderr = io.TextIOWrapper(io.BufferedWriter(ear, 1), "utf-8", "replace", write_through=True)
    warnings.simplefilter("ignore")
    return ear


def home(function: Function) -> str:
    """The module in which a function was written."""
    return str(getattr(function, "__module__", ""))


def load(path: str) -> types.ModuleType:
    """Run the file as a module called answers: its `if __name__ == "__main__"` part stays quiet."""
    sys.path.insert(0, str(Path(path).parent))
    module = types.ModuleType("answers")
    module.__file__ = path
    sys.modules["answers"] = module
    exec(compile(Path(path).read_bytes(), path, "exec"), vars(module))
    return module


def check(exercise: Exercise, function: Function, teller: Teller, ear: Ear) -> None:
    """Call the function on every case it takes, and on the first one again at the end."""
    say("begin", name=exercise.name)
    missing = lacking(exercise, function)
    taken = [i for i, case in enumerate(exercise.cases) if not missing & set(case.options)]
    for i in [*taken, taken[0]]:
        say("case", name=exercise.name, case=i, outcome=packed(attempt(exercise, function, exercise.cases[i], teller)))
    say("end", name=exercise.name, printed=ear.take(), lacking=sorted(missing))


def lacking(exercise: Exercise, function: Function) -> set[str]:
    """The optional parameters that the function does not have."""
    theirs = parameters_of(function)
    return set() if theirs is None else set(exercise.optional) - set(theirs)


def packed(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON takes it; of an array that is far too large only the shape."""
    arrays = None if outcome.values is None else [None if a is None else pack(a) for a in outcome.values]
    return {**vars(outcome), "values": arrays}


def pack(array: Any) -> dict[str, Any]:
    if array.dtype.itemsize > 8:  # long doubles, which JSON does not know
        array = array.astype(np.float64)
    data = array.ravel().tolist() if array.size <= LARGEST else None
    return {"shape": array.shape, "dtype": str(array.dtype), "data": data}


def bound(memory: float) -> None:
    """Let the process have so many GB of memory of its own, on systems that can hold it to that."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (int(memory * 2**30),) * 2)
    except (ImportError, ValueError, OSError):
        return
