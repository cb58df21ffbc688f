"""What is chosen by the kernels that BLAS runs on this processor: one table, of which the rest knows nothing.

Its rows were measured, and what was measured stands beside each. A BLAS that is not in it gets the safe row, which
takes nothing for granted. `numcam bench --tune` measures the rows where it runs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from numcam.nn.fast.blas import kernel


@dataclass(frozen=True)
class Way:
    """How convolutions become matrix products."""

    small: int
    """Products of m by k by n with m k n up to this are multiplied without being packed first, and larger ones are cut
    into such; 0 where BLAS has no such kernels."""

    gathered: bool
    """Whether few calls of BLAS are worth a copy. A call that packs takes a lock, at which threads wait for each other,
    and then for the system to wake them."""

    alone: float
    """Operations of a convolution of few channels that a thread does by itself: about a quarter of a millisecond."""

    def piece(self, c: int, k: int) -> int:
        """How many of k columns of a matrix (c, k) are multiplied together."""
        if not self.small:
            return k
        return max(p for p in (1, 2, 4, 8, 16, 32, 64, k) if k % p == 0 and (p <= 32 or c * p <= self.small // 32))

    def block(self, tiles: int, c: int, piece: int) -> int:
        """How many of so many rows are multiplied together with a matrix (c, piece)."""
        if not self.small:
            return tiles
        most = max(1, min(tiles, 64, self.small // (c * piece)))
        return max(b for b in range(1, most + 1) if tiles % b == 0 or b == most)


UNPACKED = Way(small=1_000_000, gathered=False, alone=1e8)
"""AVX-512 (Zen 5, two cores; milliseconds). VGG16's forward pass 44 and FGSM 94; gathered 51 and 106, whole ... ."""

SAFE = Way(small=0, gathered=True, alone=2.5e7)
"""AVX2 (the same processor with OpenBLAS's Haswell kernels). VGG16's forward pass 69.7; cut 77, not gathered 71.7.
pocket, 32 pictures: 100; not gathered 131, for two threads that make products of (6, 6) by (6, 32) take six times as
long for each as one alone."""

WAYS: Mapping[str, Way] = {"SkylakeX": UNPACKED}
"""By the name that threadpoolctl gives to the kernels of NumPy's BLAS; all others take the safe row."""

_tried: Way | None = None


def chosen() -> Way:
    """The way for this process."""
    return _tried or WAYS.get(kernel(), SAFE)


@contextmanager
def trying(way: Way) -> Iterator[None]:
    """Another way for a while, in all threads: for tests and measurements."""
    global _tried
    _tried = way
    try:
        yield
    finally:
        _tried = None
