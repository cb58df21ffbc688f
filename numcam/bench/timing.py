"""Times that can be compared: taken in turns, the median of them, and without those that other programs disturbed."""

import os
import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from statistics import median

import numpy as np

Job = Callable[[], object]

STAT = Path("/proc/stat")
QUIET = 0.15
"""Processors that other programs may have kept busy during a run that counts."""

SLOWER = 1.25
"""Of rivals that do the same, one that takes so many times as long as the best is not asked again."""


@dataclass
class Times:
    """Seconds of one job, round by round, and how many processors other programs kept busy meanwhile."""

    seconds: list[float] = field(default_factory=list)
    foreign: list[float] = field(default_factory=list)

    @property
    def calm(self) -> list[bool]:
        """For each round: did nobody disturb it?"""
        return [busy <= QUIET for _, busy in zip_longest(self.seconds, self.foreign, fillvalue=0.0)]

    @property
    def quiet(self) -> list[float]:
        """Seconds of the runs that nobody disturbed."""
        return [s for s, calm in zip(self.seconds, self.calm, strict=True) if calm]

    @property
    def busy(self) -> bool:
        """Were most runs disturbed?"""
        return 2 * len(self.quiet) < len(self.seconds)

    @property
    def median(self) -> float:
        """Of the undisturbed runs, or of all where there are none; NaN without any."""
        return median(self.quiet or self.seconds or [float("nan")])


def ratios(one: Times, other: Times) -> list[float]:
    """The one's time in the other's, round by round: of the rounds that nobody disturbed, if there are any."""
    pairs = list(zip(one.seconds, other.seconds, one.calm, other.calm, strict=False))
    return [a / b for a, b, *calm in pairs if all(calm)] or [a / b for a, b, *_ in pairs]


def compared(
    jobs: Mapping[str, Job], runs: int = 5, most: int = 15, budget: float = 60.0, rivals: Collection[str] = ()
) -> dict[str, Times]:
    """Run the jobs in turns, until each has `runs` undisturbed times, or `most` rounds or `budget` seconds are over.

    Every round has an order of its own: threads that still wait for work, and memory that has just been given back,
    are felt by whoever comes next. rivals: jobs of which only the fastest matters; after two rounds the others, where
    they are clearly slower, are left out.
    """
    dice = random.Random(0)
    times = {name: Times() for name in jobs}
    end = time.monotonic() + budget
    for job in jobs.values():
        job()  # the first run fills caches and makes what is made once
    running = dict(jobs)
    for round in range(most):
        for name, job in dice.sample(list(running.items()), len(running)):
            seconds, foreign = run(job)
            times[name].seconds.append(seconds)
            times[name].foreign.append(foreign)
        if min(len(times[name].quiet) for name in running) >= runs or (round and time.monotonic() > end):
            break
        if round == 1:
            best = min((times[name].median for name in rivals if name in times), default=0.0)
            running = {n: j for n, j in running.items() if n not in rivals or times[n].median <= SLOWER * best}
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


def sgemm_peak(size: int = 2048) -> tuple[float, float]:
    """Operations a second of NumPy's own product of two float32 matrices, the best of eight, and how many processors
    other programs kept busy meanwhile."""
    a = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
    out = np.empty_like(a)
    np.matmul(a, a, out=out)
    found = Times(*map(list, zip(*(run(lambda: np.matmul(a, a, out=out)) for _ in range(8)), strict=True)))
    return 2 * size**3 / min(found.seconds), median(found.foreign)
