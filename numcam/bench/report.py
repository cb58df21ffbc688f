"""The table."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from numcam.bench.jobs import by_numcam, operations, pictures, subject, warm
from numcam.bench.timing import Job, Times, compared, ratios
from numcam.explain import spatial_layer
from numcam.models.classifier import Classifier
from numcam.nn import Network
from numcam.nn.fast import release

COLUMNS = ("fast", "plain", "written", "best", "onnxrt", "fast/best")
HEAD = f"{'network':8} {'batch':>5}  {'job':16} {' '.join(f'{c:>9}' for c in COLUMNS)} {'spread':>11} {'peak':>6}"
LEGEND = """fast, plain: numcam's engines. written: PyTorch as people write it (trainable, hooks, .backward()).
best: PyTorch at its best (frozen parameters, autograd.grad for what is asked, no recording, the faster of its two
memory layouts). onnxrt: ONNX Runtime, which has no gradients. Milliseconds for the whole batch: medians of runs in
turns. fast/best: below 1, numcam is faster; spread: the same, round by round, the least and the most. peak: what the
fast engine does, counted as direct convolution, as a share of NumPy's product above. * other programs were busy."""

LAYOUTS = ("best, channels first", "best, channels last")


@dataclass(frozen=True)
class Row:
    """One job on one batch: times by who did it."""

    model: str
    batch: int
    job: str
    times: Mapping[str, Times]
    operations: float

    @property
    def layout(self) -> str | None:
        """PyTorch's faster layout; None without PyTorch."""
        found = [who for who in LAYOUTS if who in self.times]
        return min(found, key=lambda who: self.times[who].median, default=None)

    @property
    def best(self) -> float:
        """Seconds of PyTorch at its best; NaN without PyTorch."""
        return self.times[self.layout].median if self.layout else float("nan")

    @property
    def ratio(self) -> float:
        """numcam's fast engine to PyTorch at its best."""
        return self.times["fast"].median / self.best

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest ratio of a round; NaN without PyTorch."""
        found = ratios(self.times["fast"], self.times[self.layout]) if self.layout else [float("nan")]
        return min(found), max(found)

    @property
    def busy(self) -> bool:
        """Were other programs busy in most of somebody's runs?"""
        return any(t.busy for t in self.times.values())

    def line(self, peak: float) -> str:
        """A line under `HEAD`; peak in operations a second."""
        times = (self.times.get(who, Times()).median for who in ("fast", "plain", "written"))
        found = [*times, self.best, self.times.get("onnxruntime", Times()).median]
        cells = " ".join(f"{1e3 * s:9.1f}" if s == s else f"{'-':>9}" for s in found)
        low, high = self.spread
        ratio = f"{self.ratio:9.2f} {low:5.2f}-{high:.2f}" if self.layout else f"{'-':>9} {'-':>11}"
        share = self.operations / self.times["fast"].median / peak
        return (
            f"{self.model:8} {self.batch:5}  {self.job:16} {cells} {ratio:21} {share:6.0%}{' *' if self.busy else ''}"
        )

    def as_json(self, peak: float) -> dict[str, object]:
        """Everything in a line and behind it; None where there is no number."""
        found: dict[str, object] = {"network": self.model, "batch": self.batch, "job": self.job}
        found |= {
            "milliseconds": {who: 1e3 * t.median for who, t in self.times.items()},
            "runs": {who: [1e3 * s for s in t.seconds] for who, t in self.times.items()},
            "fast/best": self.ratio if self.layout else None,
            "spread": list(self.spread) if self.layout else None,
            "share of the peak": self.operations / self.times["fast"].median / peak,
            "busy": self.busy,
        }
        return found


@dataclass(frozen=True)
class Plan:
    """What is measured: rows by network, batch and job, and who beside the fast engine."""

    rows: Sequence[tuple[str, int, str]]
    against: Collection[str]
    thorough: bool
    runs: int
    budget: float


def rows(plan: Plan) -> Iterator[Row]:
    """Measure, and yield row by row. Whoever is measured is made for a batch, and let go of after it."""
    made: tuple[str, int] | None = None
    classifier: Classifier | None = None
    contenders: dict[str, Mapping[str, Job]] = {}
    for model, batch, job in plan.rows:
        if classifier is None or classifier.name != model:
            contenders, classifier = {}, None  # two networks are never held at once
            classifier = subject(model)
        if made != (model, batch):
            contenders = {}
            release()
            contenders, made = _contenders(classifier, batch, plan), (model, batch)
        given = {who: theirs[job] for who, theirs in contenders.items() if job in theirs}
        times = compared(given, plan.runs, budget=plan.budget, rivals=LAYOUTS)
        yield Row(model, batch, job, times, operations(classifier.network, job, batch))
    release()


def _contenders(classifier: Classifier, batch: int, plan: Plan) -> dict[str, Mapping[str, Job]]:
    network, x = classifier.network, pictures(classifier, batch)
    few = batch <= (1 if classifier.name != "pocket" else 8)  # the slow ways are shown on few pictures
    warm(network, x[:1])
    found = {"fast": by_numcam(network, x, "fast")}
    if plan.thorough and few:
        found["plain"] = by_numcam(network, x, "plain")
    if "torch" in plan.against:
        from numcam.bench.with_torch import as_written, at_its_best

        layer = spatial_layer(classifier.forward(x[:1]))
        if plan.thorough and few:
            found["written"] = as_written(network, x, layer)
        for who in LAYOUTS:
            found[who] = at_its_best(network, x, layer, channels_last=who == LAYOUTS[1])
    if "onnxruntime" in plan.against:
        from numcam.bench.with_onnxruntime import by_onnxruntime

        found["onnxruntime"] = by_onnxruntime(network, x)
    return found


def growth(model: str, sides: Sequence[int], batches: Sequence[int], runs: int) -> Iterator[str]:
    """How the fast forward pass grows with the pixels of a picture, and with pictures: milliseconds for each."""
    classifier = subject(model)
    layers = list(classifier.network.layers.items())
    convolutions = Network(layers[: [name for name, _ in layers].index("flatten")])
    rng = np.random.default_rng(0)
    for side in sides:
        x = rng.standard_normal((1, 3, side, side)).astype(np.float32)
        seconds = compared({"it": partial(convolutions.forward, x)}, runs)["it"].median
        each = 1e9 * seconds / side**2
        yield f"{model:8} convolutions at {side}x{side}: {1e3 * seconds:8.1f} ms, {each:6.0f} ns a pixel"
    for batch in batches:
        x = pictures(classifier, batch)
        seconds = compared({"it": partial(classifier.forward, x)}, runs)["it"].median
        yield f"{model:8} forward, batch {batch:3}: {1e3 * seconds:8.1f} ms, {1e3 * seconds / batch:6.1f} ms a picture"
