"""The table."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from numcam.bench.jobs import by_numcam, operations, pictures, subject
from numcam.bench.timing import Job, Times, compared
from numcam.explain import spatial_layer
from numcam.models.classifier import Classifier
from numcam.nn import Network

COLUMNS = ("fast", "plain", "written", "best", "fast/best", "onnxrt")
HEAD = f"{'network':8} {'batch':>5}  {'job':16} {' '.join(f'{c:>9}' for c in COLUMNS)} {'peak':>6}"
LEGEND = """fast, plain: numcam's engines. written: PyTorch as people write it (trainable, hooks, .backward()).
best: PyTorch at its best (frozen parameters, autograd.grad for what is asked, no recording, the faster of its two
memory layouts). onnxrt: ONNX Runtime, which has no gradients. Milliseconds for the whole batch: medians of runs in
turns. fast/best: below 1, numcam is faster. peak: what the fast engine does, counted as direct convolution, as a share
of what NumPy's product of two large float32 matrices does here. * other programs were busy in most of the runs: measure
again when the machine is quiet."""


@dataclass(frozen=True)
class Row:
    """One job on one batch: times by who did it."""

    model: str
    batch: int
    job: str
    times: Mapping[str, Times]
    operations: float

    @property
    def best(self) -> float:
        """Seconds of PyTorch at its best; NaN without PyTorch."""
        found = [t.median for who, t in self.times.items() if who.startswith("best")]
        return min(found, default=float("nan"))

    @property
    def ratio(self) -> float:
        """numcam's fast engine to PyTorch at its best."""
        return self.times["fast"].median / self.best

    def line(self, peak: float) -> str:
        """A line under `HEAD`; peak in operations a second."""

        def cell(seconds: float) -> str:
            return f"{1e3 * seconds:9.1f}" if seconds == seconds else f"{'-':>9}"

        nobody = Times()
        plain, written, onnx = (self.times.get(who, nobody).median for who in ("plain", "written", "onnxruntime"))
        fast = self.times["fast"].median
        ratio = f"{self.ratio:9.2f}" if self.best == self.best else f"{'-':>9}"
        share = self.operations / fast / peak
        busy = any(len(t.disturbed) > len(t.quiet) for t in self.times.values())
        cells = f"{cell(fast)} {cell(plain)} {cell(written)} {cell(self.best)} {ratio} {cell(onnx)} {share:6.0%}"
        return f"{self.model:8} {self.batch:5}  {self.job:16} {cells}{' *' if busy else ''}"


def rows(
    models: Sequence[str], batches: Sequence[int], jobs: Sequence[str], against: Container[str], runs: int
) -> Iterator[Row]:
    """Measure, and yield row by row; against: "torch", "onnxruntime", both or none."""
    for model in models:
        classifier = subject(model)
        for batch in batches:
            contenders = _contenders(classifier, batch, against)
            for job in jobs:
                if job == "training step" and model != "pocket" and batch > 1:
                    continue  # half a minute and 10 GB for what batch 1 and pocket show
                given = {
                    who: theirs[job]
                    for who, theirs in contenders.items()
                    if job in theirs and not _too_long(who, model, batch)
                }
                yield Row(model, batch, job, compared(given, runs), operations(classifier.network, job, batch))


def _contenders(classifier: Classifier, batch: int, against: Container[str]) -> dict[str, Mapping[str, Job]]:
    network, x = classifier.network, pictures(classifier, batch)
    found = {engine: by_numcam(network, x, engine) for engine in ("fast", "plain")}
    if "torch" in against:
        from numcam.bench.with_torch import as_written, at_its_best

        layer = spatial_layer(classifier.forward(x[:1]))
        found["written"] = as_written(network, x, layer)
        found["best, channels first"] = at_its_best(network, x, layer, channels_last=False)
        found["best, channels last"] = at_its_best(network, x, layer, channels_last=True)
    if "onnxruntime" in against:
        from numcam.bench.with_onnxruntime import by_onnxruntime

        found["onnxruntime"] = by_onnxruntime(network, x)
    return found


def _too_long(who: str, model: str, batch: int) -> bool:
    """The slow ways are shown on few pictures."""
    return who in ("plain", "written") and batch > (1 if model != "pocket" else 8)


def growth(model: str, sides: Sequence[int], batches: Sequence[int], runs: int) -> Iterator[str]:
    """How the fast forward pass grows with the pixels of a picture, and with pictures: milliseconds for each."""
    classifier = subject(model)
    layers = list(classifier.network.layers.items())
    convolutions = Network(layers[: [name for name, _ in layers].index("flatten")])
    rng = np.random.default_rng(0)
    for side in sides:
        x = rng.standard_normal((1, 3, side, side)).astype(np.float32)
        seconds = compared({"it": lambda x=x: convolutions.forward(x)}, runs)["it"].median  # type: ignore[misc]
        each = 1e9 * seconds / side**2
        yield f"{model:8} convolutions at {side}x{side}: {1e3 * seconds:8.1f} ms, {each:6.0f} ns a pixel"
    for batch in batches:
        x = pictures(classifier, batch)
        seconds = compared({"it": lambda x=x: classifier.forward(x)}, runs)["it"].median  # type: ignore[misc]
        yield f"{model:8} forward, batch {batch:3}: {1e3 * seconds:8.1f} ms, {1e3 * seconds / batch:6.1f} ms a picture"
