"""Times that can be compared: taken in turns, the median of them, and without those that other programs disturbed."""

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

Job = Callable[[], object]

STAT = Path("/proc/stat")
QUIET = 0.15
"""Processors that other programs may have kept busy during a run that counts."""


@dataclass
class Times:
    """Seconds of one job: of the runs that nobody disturbed, and of the others."""

    quiet: list[float] = field(default_factory=list)
    disturbed: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Of the undisturbed runs, or of all where there are none; NaN without any."""
        return median(self.quiet or self.disturbed or [float("nan")])


def compared(jobs: Mapping[str, Job], runs: int = 5, most: int = 15, budget: float = 60.0) -> dict[str, Times]:
    """Run the jobs in turns, until each has `runs` undisturbed times, or `most` rounds or `budget` seconds are over.

    Every round has an order of its own: threads that still wait for work, and memory that has just been given back,
    are felt by whoever comes next.
    """
    dice = random.Random(0)
    times = {name: Times() for name in jobs}
    end = time.monotonic() + budget
    for job in jobs.values():
        job()  # the first run fills caches and makes what is made once
    for round in range(most):
        for name, job in dice.sample(list(jobs.items()), len(jobs)):
            seconds, foreign = run(job)
            (times[name].quiet if foreign <= QUIET else times[name].disturbed).append(seconds)
        enough = min(len(t.quiet) for t in times.values()) >= runs
        if enough or (round + 1 >= 2 and time.monotonic() > end):
            break
    return times


def run(job: Job) -> tuple[float, float]:
    """Seconds that the job took, and how many processors other programs kept busy meanwhile (0 where unknown)."""
    busy, own, start = _busy(), time.process_time(), time.perf_counter()
    job()
    seconds = time.perf_counter() - start
    foreign = (_busy() - busy) - (time.process_time() - own)
    return seconds, max(0.0, foreign - 0.02) / seconds  # the system counts in hundredths of a second


def _busy() -> float:
    """Seconds that all processors have been busy, or that a host took from them; 0 where the system does not tell."""
    if not STAT.exists():
        return 0.0
    fields = [int(n) for n in STAT.read_text().split("\n", 1)[0].split()[1:]]
    ticks = os.sysconf("SC_CLK_TCK")
    return (sum(fields[:3]) + sum(fields[5:8])) / ticks


def sgemm_peak(size: int = 2048) -> float:
    """Operations a second of NumPy's own product of two float32 matrices, the best of five."""
    a = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
    out = np.empty_like(a)
    np.matmul(a, a, out=out)
    return 2 * size**3 / min(run(lambda: np.matmul(a, a, out=out))[0] for _ in range(5))
