"""Many scenes, in chunks: by several processes, kept on disk as they come, and taken up again where they stopped."""

import hashlib
import json
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from threadpoolctl import threadpool_limits

from numcam.errors import InputError
from numcam.evaluate.measures import MEASURES
from numcam.evaluate.record import Records
from numcam.loading import load
from numcam.models.classifier import Classifier
from numcam.models.labels import read_names


@dataclass(frozen=True)
class Model:
    """How each process finds the classifier: what `load` takes."""

    model: str = "pocket"
    weights: str | None = None
    classes: str | None = None

    def load(self) -> Classifier:
        """The classifier."""
        return load(self.model, self.weights, None if self.classes is None else read_names(self.classes))


@dataclass(frozen=True)
class Task:
    """One measure of some methods on scenes first ... first + scenes - 1; seed of everything else that is random."""

    measure: str
    methods: tuple[str, ...]
    scenes: int
    first: int = 0
    seed: int = 0

    def chunks(self) -> list[list[int]]:
        """The scenes' seeds, in pieces whose borders do not depend on how many there are."""
        size, stop = MEASURES[self.measure].chunk, self.first + self.scenes
        return [list(range(s, min(s + size, stop))) for s in range(self.first, stop, size)]


def chunk_of(task: Task, classifier: Classifier, seeds: Sequence[int]) -> Records:
    """The records of one chunk; on one thread, so that they do not depend on how many there are."""
    with threadpool_limits(1):
        return MEASURES[task.measure].run(classifier, seeds, task.methods, task.seed)


def run(task: Task, model: Model, folder: Path, jobs: int = 1) -> Iterator[tuple[int, Records]]:
    """After each chunk: how many scenes are done, and the records of all so far, in the order of the scenes.

    What `folder` holds of the same measure, methods and network is not computed again; new chunks are added to it.
    """
    classifier = model.load()
    path = folder / f"{task.measure}-{fingerprint(task, classifier)}.jsonl"
    done = {key: records for key, records in _kept(path) if list(key) in task.chunks()}
    todo = [seeds for seeds in task.chunks() if tuple(seeds) not in done]
    if done:
        yield sum(map(len, done)), merged(done)
    folder.mkdir(parents=True, exist_ok=True)
    for seeds, records in _computed(task, model, classifier, todo, jobs):
        _add(path, json.dumps({"scenes": seeds, "records": records}))
        done[tuple(seeds)] = records
        yield sum(map(len, done)), merged(done)


def fingerprint(task: Task, classifier: Classifier) -> str:
    """Eight letters that differ where the results would: measure, methods, seed, and every parameter."""
    digest = hashlib.sha256(json.dumps([task.measure, task.methods, task.seed, classifier.classes]).encode())
    for name, value in classifier.network.parameters.items():
        digest.update(name.encode() + value.tobytes())
    return digest.hexdigest()[:8]


def merged(done: dict[tuple[int, ...], Records]) -> Records:
    """The records of all chunks as one, the chunks in the order of their scenes."""
    whole: Records = {}
    for _, records in sorted(done.items()):
        for row, columns in records.items():
            for name, values in columns.items():
                whole.setdefault(row, {}).setdefault(name, []).extend(values)
    return whole


def _kept(path: Path) -> Iterator[tuple[tuple[int, ...], Records]]:
    """What a file holds; a last line that was cut is left out."""
    if not path.is_file():
        return
    for line in path.read_text().splitlines():
        try:
            held = json.loads(line)
        except ValueError:
            continue
        yield tuple(held["scenes"]), held["records"]


def _add(path: Path, line: str) -> None:
    """A line at the end of a file, in one piece, as another process may be adding its own; after one that was cut."""
    cut = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
    with path.open("ab", buffering=0) as file:
        file.write((b"\n" if cut else b"") + line.encode() + b"\n")


def _computed(
    task: Task, model: Model, classifier: Classifier, todo: list[list[int]], jobs: int
) -> Iterator[tuple[list[int], Records]]:
    jobs = min(jobs, len(todo), os.cpu_count() or 1)  # more would only wait for each other, in as much memory
    if jobs < 2:
        for seeds in todo:
            yield seeds, chunk_of(task, classifier, seeds)
        return
    with ProcessPoolExecutor(jobs, initializer=_leave_interrupts_to_the_parent) as pool:
        waiting: dict[Future[Records], list[int]] = {pool.submit(_in_a_process, task, model, s): s for s in todo}
        try:
            while waiting:
                ready, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ready:
                    yield waiting.pop(future), future.result()
        except BrokenProcessPool:
            raise InputError(
                f"one of the {jobs} processes was ended from outside, for want of memory perhaps; the same command "
                "goes on where it stopped, and needs less memory with fewer --jobs"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C should not wait for all that was asked for
            raise


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@cache
def _loaded(model: Model) -> Classifier:
    """Once for each process."""
    return model.load()


def _in_a_process(task: Task, model: Model, seeds: list[int]) -> Records:
    return chunk_of(task, _loaded(model), seeds)
