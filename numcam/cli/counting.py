"""A bar on a terminal that counts a network's forward passes, for work whose length nobody knows before."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numcam.models.classifier import Classifier
from numcam.nn import Trace
from numcam.nn.types import Array


class Counted(Classifier):
    """A classifier that tells of each of its passes."""

    def __init__(self, of: Classifier, bar: Any) -> None:
        self.__dict__.update(of.__dict__)
        self._bar = bar

    def forward(self, x: Array, engine: str | None = None) -> Trace:
        """As of the classifier that it counts for."""
        self._bar.update()
        return super().forward(x, engine)


@contextmanager
def passes(classifier: Classifier) -> Iterator[Classifier]:
    """The classifier, with a bar after a second of work; itself where nobody looks on."""
    if not sys.stderr.isatty():
        yield classifier
        return
    from tqdm import tqdm  # here, for it is wanted on a terminal alone

    with tqdm(unit="pass", leave=False, delay=1, file=sys.stderr) as bar:
        yield Counted(classifier, bar)
