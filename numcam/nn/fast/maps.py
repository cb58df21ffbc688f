"""Pictures as the fast engine keeps them, in memory that is used again."""

from abc import ABC, abstractmethod
from collections import defaultdict, deque
from itertools import count
from math import prod
from typing import Self
from weakref import finalize

import numpy as np

from numcam.nn.types import Array, Shape

TILE = 4
"""Rows and columns that Winograd's convolution writes together, at most."""

KEPT = 1 << 30
"""Bytes of memory kept for the next pictures; fresh memory costs a quarter of a millisecond per megabyte."""


class Kept(ABC):
    """What the two layouts share: n pictures of c channels, rows x cols."""

    def __init__(self, n: int, c: int, rows: int, cols: int) -> None:
        self.n, self.c, self.rows, self.cols = n, c, rows, cols
        self.data = _MEMORY.take(self._shape(), (rows, cols))

    @abstractmethod
    def _shape(self) -> Shape:
        """Of the array that holds them."""

    @property
    @abstractmethod
    def inside(self) -> Array:
        """(n, rows, cols, c), a view."""

    @property
    def pictures(self) -> Array:
        """(n, c, rows, cols), a view."""
        return self.inside.transpose(0, 3, 1, 2)

    def like(self) -> Self:
        """Another one of the same shape, with anything in it."""
        return type(self)(self.n, self.c, self.rows, self.cols)

    @classmethod
    def of(cls, x: Array) -> Self:
        """A copy of pictures (n, c, rows, cols)."""
        made = cls(*x.shape)
        made.pictures[...] = x
        return made


class Map(Kept):
    """Channels last, in data (n, 1 + whole tiles + 1, the same across, c), zero round the picture."""

    def _shape(self) -> Shape:
        return self.n, -(-self.rows // TILE) * TILE + 2, -(-self.cols // TILE) * TILE + 2, self.c

    @property
    def inside(self) -> Array:
        return self.data[:, 1 : 1 + self.rows, 1 : 1 + self.cols]

    def wipe(self, images: slice, rows: slice) -> None:
        """Zero what a convolution may have written beyond the picture, at these rows and below the last one."""
        if self.data.shape[2] > self.cols + 2:
            self.data[images, 1 + rows.start : 1 + rows.stop, 1 + self.cols :] = 0
        if rows.stop >= self.rows:
            self.data[images, 1 + self.rows :] = 0


class Rows(Kept):
    """Row by row, in data (n, rows, c, cols): for few channels."""

    def _shape(self) -> Shape:
        return self.n, self.rows, self.c, self.cols

    @property
    def inside(self) -> Array:
        return self.data.transpose(0, 1, 3, 2)


def strided(a: Array, shape: Shape, strides: Shape, start: int = 0) -> Array:
    """What `as_strided` gives, from a contiguous array, in a microsecond for five; `start` and strides in bytes."""
    return np.ndarray(shape, a.dtype, a, start, strides)


class _Memory:
    """Arrays of zeros outside a picture, given out and taken back when nobody holds a view of them any more.

    Views go in any thread, and in the midst of anything: every step here is one that Python does not interrupt.
    """

    def __init__(self) -> None:
        self.free: defaultdict[object, deque[Array]] = defaultdict(deque)
        self.turn: dict[object, int] = {}
        self.turns = count()
        self.bytes = 0

    def take(self, shape: Shape, picture: tuple[int, int]) -> Array:
        """An array whose values inside `picture` are left over, and zero around it."""
        key = (shape, picture)
        self.turn[key] = next(self.turns)
        try:
            block = self.free[key].pop()
            self.bytes -= block.nbytes
        except IndexError:
            block = np.zeros(prod(shape), np.float32)
        # An array over a memoryview is where NumPy's chain of views ends, so that its end is that of all of them.
        root = np.frombuffer(memoryview(block), np.float32)  # type: ignore[arg-type]  # an array is a buffer
        finalize(root, self.give, key, block).atexit = False
        return root.reshape(shape)

    def give(self, key: object, block: Array) -> None:
        """Take a block back, and let go of what has been asked for the longest time ago if it is too much."""
        self.free[key].append(block)
        self.bytes += block.nbytes
        while self.bytes > KEPT:
            held = [key for key in list(self.free) if self.free[key]]
            if not held:
                return
            oldest = min(held, key=lambda key: self.turn[key])
            try:
                self.bytes -= self.free[oldest].popleft().nbytes
            except IndexError:
                continue  # somebody else took it


_MEMORY = _Memory()


def forget() -> None:
    """Give back the memory that is kept for the next pictures."""
    for blocks in list(_MEMORY.free.values()):
        while blocks:
            _MEMORY.bytes -= blocks.popleft().nbytes
