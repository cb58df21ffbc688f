"""Threads that work on one call together, while the BLAS library keeps to one of its own."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from math import prod

import numpy as np

from numcam.nn.fast.blas import one_blas_thread, one_openmp_thread
from numcam.nn.fast.maps import forget
from numcam.nn.types import Array, Shape

MOST = 16

ALONE = 1e8
"""Up to so many operations a thread does by itself: half a millisecond, of which waking another would take a fifth."""


class Scratch:
    """Arrays for intermediate results, used again from call to call; each thread has its own."""

    def __init__(self) -> None:
        self.blocks: dict[str, Array] = {}

    def array(self, name: str, shape: Shape) -> Array:
        """An array of this shape with anything in it; the one of the same name before it is no longer valid."""
        size = prod(shape)
        block = self.blocks.get(name)
        if block is None or block.size < size:
            block = self.blocks[name] = np.empty(size, np.float32)
        return block[:size].reshape(shape)

    def drop(self, name: str) -> None:
        """Give this array's memory back."""
        self.blocks.pop(name, None)


Band = Callable[[slice, slice, Scratch], None]
"""band(pictures, rows, scratch): do these rows of these pictures."""


class Team:
    """The calling thread and its helpers."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.scratch = [Scratch() for _ in range(size)]
        self.start = [threading.Semaphore(0) for _ in range(size - 1)]
        self.done = threading.Semaphore(0)
        self.task: Callable[[int], None] = lambda _: None
        self.failure: BaseException | None = None
        for i in range(size - 1):
            threading.Thread(target=self._help, args=(i,), daemon=True, name=f"numcam-{i}").start()

    def _help(self, i: int) -> None:
        with one_openmp_thread():
            while True:
                self.start[i].acquire()
                try:
                    self.task(i + 1)
                except BaseException as failure:
                    self.failure = failure
                self.done.release()

    def run(self, task: Callable[[int], None]) -> None:
        """task(0) here, task(1) ... in the helpers; returns when all are done."""
        if self.size == 1:
            return task(0)
        self.task, self.failure = task, None
        for start in self.start:
            start.release()
        try:
            task(0)
        finally:
            for _ in self.start:
                self.done.acquire()
        if self.failure:
            raise self.failure
        return None

    def share(self, total: int, step: int, work: Callable[[slice, Scratch], None]) -> None:
        """work(slice, scratch) over 0 ... total in steps; each thread takes the next step when it is free."""
        if total <= step:
            work(slice(0, total), self.scratch[0])
            return
        turns = count()

        def task(i: int) -> None:
            while (start := next(turns) * step) < total:
                work(slice(start, min(start + step, total)), self.scratch[i])

        self.run(task)

    def bands(self, n: int, rows: int, height: int, work: Band, even: bool = False, alone: bool = False) -> None:
        """work(pictures, rows, scratch) over n pictures, in bands of about `height` rows.

        Lower pictures go several together, up to that height. even: bands begin at even rows. alone: this thread does
        them all. The bands are the same for any number of threads, and so are the results to the last digit.
        """
        unit = 2 if even else 1
        units = -(-rows // unit)
        group = max(1, min(height // rows, -(-n // 2)))
        count = min(-(-rows // height), units)
        count += n == 1 and not alone and count % 2 == 1 and count < units
        cuts = [unit * (band * units // count) for band in range(count)] + [rows]

        def each(some: slice, scratch: Scratch) -> None:
            for which, band in (divmod(u, count) for u in range(some.start, some.stop)):
                pictures = slice(which * group, min((which + 1) * group, n))
                work(pictures, slice(cuts[band], cuts[band + 1]), scratch)

        total = -(-n // group) * count
        if alone:
            each(slice(0, total), self.scratch[0])
        else:
            self.share(total, 1, each)

    def halves(self, total: int, work: Callable[[slice, Scratch], None]) -> None:
        """work on as many equal parts as there are threads."""
        self.share(total, -(-total // self.size), work)


def processors() -> int:
    """How many threads to use: the processors this process may use, or OMP_NUM_THREADS, and 16 at most."""
    given = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(int(given) if given.isdigit() else mine, mine, MOST))


_guard = threading.Lock()
_team: Team | None = None
_here = threading.local()


@contextmanager
def team() -> Iterator[Team]:
    """The team, if it is free and wanted, else this thread by itself. BLAS keeps to one thread inside."""
    global _team
    with one_blas_thread():
        if not getattr(_here, "alone", False) and _guard.acquire(blocking=False):
            try:
                if _team is None:
                    _team = Team(processors())
                yield _team
            finally:
                _guard.release()
        else:
            if not hasattr(_here, "team"):
                _here.team = Team(1)
            yield _here.team


@contextmanager
def alone() -> Iterator[None]:
    """This thread asks for no help, neither from ours nor from BLAS: others like it are at work on other pictures."""
    _here.alone = True
    try:
        with one_blas_thread():
            yield
    finally:
        _here.alone = False


def release() -> None:
    """Give back the memory that is kept between calls: of intermediate results, and for the next pictures."""
    with team() as together:
        for scratch in together.scratch:
            scratch.blocks.clear()
    forget()


def _after_fork() -> None:
    """A forked process has no helper threads: begin anew."""
    global _team, _guard
    _team, _guard = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
