"""Which way of laying out products is the fastest here: what the table of `nn.fast.ways` was filled from."""

from collections.abc import Callable, Iterator
from itertools import product

from numcam.bench.jobs import by_numcam, pictures, subject, warm
from numcam.bench.timing import Job, Times, compared
from numcam.nn.fast.blas import kernel
from numcam.nn.fast.ways import SAFE, UNPACKED, WAYS, Way, chosen, trying

CASES = (("vgg16", 1, "forward"), ("vgg16", 1, "FGSM gradient"), ("pocket", 32, "forward"), ("pocket", 1, "Grad-CAM"))
HEAD = f"{'small':>9} {'gathered':>8}  " + " ".join(f"{f'{m} {n}, {j}':>24}" for m, n, j in CASES)


def candidates() -> list[Way]:
    """Every choice of both settings."""
    return [Way(small, gathered) for small, gathered in product((SAFE.small, UNPACKED.small), (False, True))]


def tuned(runs: int, budget: float) -> Iterator[str]:
    """Measure them in turns, and yield lines: milliseconds, and what the table has and what would be best."""
    ways = list(dict.fromkeys([chosen(), *candidates()]))
    row = "a row of the table" if kernel() in WAYS else "no row of its own, and takes the safe one"
    yield f"{kernel() or 'This BLAS'} has {row}. * is what numcam takes here.\n\n{HEAD}"
    times = [_measured(ways, *case, runs, budget) for case in CASES]
    for way in ways:
        cells = " ".join(f"{1e3 * case[way].median:24.1f}" for case in times)
        mark = "*" if way == chosen() else " "
        yield f"{way.small:9,} {way.gathered!s:>8} {mark}{cells}"
    score = {way: sum(case[way].median / min(t.median for t in case.values()) for case in times) for way in ways}
    best = min(ways, key=lambda way: score[way])
    gain = 1 - score[best] / score[chosen()]
    yield f"\nbest on the whole: {best}" + ("" if best == chosen() else f", {gain:.0%} less than what is taken")


def _measured(ways: list[Way], model: str, batch: int, job: str, runs: int, budget: float) -> dict[Way, Times]:
    classifier = subject(model)
    x = pictures(classifier, batch)
    jobs = {}
    for way in ways:
        network = classifier.network.with_parameters(classifier.network.parameters)  # kernels are cut for each way
        with trying(way):
            warm(network, x[:1])
        jobs[str(way)] = _by(way, by_numcam(network, x, "fast")[job])
    times = compared(jobs, runs, budget=budget)
    return {way: times[str(way)] for way in ways}


def _by(way: Way, job: Job) -> Callable[[], object]:
    def run() -> object:
        with trying(way):
            return job()

    return run
