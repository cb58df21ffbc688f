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


UNPACKED = Way(small=1_000_000, gathered=False)
"""For kernels that multiply small matrices where they lie."""

SAFE = Way(small=0, gathered=True)
"""Whole products, few of them."""

WAYS: Mapping[str, Way] = {
    "SkylakeX": UNPACKED,  # AVX-512
    "Cooperlake": UNPACKED,  # AVX-512 too, in builds that tell them apart
    "Haswell": SAFE,  # AVX2
    "Zen": SAFE,  # AVX2 too
    "Sandybridge": SAFE,  # AVX
    "Nehalem": SAFE,  # SSE4.2
    "Katmai": SAFE,  # any x86-64
}
"""By the name that threadpoolctl gives to the kernels of NumPy's BLAS; all others take the safe row.

Milliseconds of VGG16's forward pass and FGSM gradient, of pocket's forward pass for 32 pictures and Grad-CAM for one
(Zen 5, two threads, OpenBLAS 0.3.31 told to take each kind; Cooperlake and Zen: Debian's 0.3.21 on Zen 4):

               small, not gathered     small, gathered         whole, not gathered     whole, gathered
    SkylakeX   45.1  98.7  57.2  3.9   50.6 109.5  60.4  4.0   48.8 110.4  55.6  3.8   54.3 118.4  59.1  3.9
    Cooperl.   88.3 174   121    7.6   95.6 197   118    7.8    102 198   130    7.7    106 222   135    7.6
    Haswell    77.4 167   115    6.4   78.0 153    92.0  6.2   77.6 146.6 113.6  6.3   72.9 147.9  91.2  6.2
    Zen        140  257   198   10.0   144  316   165    9.7    136 233   196   10.7    129 273   154   10.8
    Sandybr.   91.7 188   145    7.9   85.7 179   119.5  7.4   85.7 175.6 140    7.8   81.6 171.5 118    7.4
    Nehalem    167  357   221   11.4   167  351   199   11.2   157  326   206   11.2   157  321   202   11.2
    Katmai     165  334   229   10.5   166  342   194   10.3   145  295   212   10.4   145  293   192   10.2

Gathering gains with 32 pictures because two threads that make products of (6, 6) by (6, 32) wait for each other's lock,
and take six times as long for each as one alone."""

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
