"""The one source of chance in a scene: Python promises that random() gives the same numbers everywhere and always."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws made from random() alone, so that a seed means the same picture on every machine."""

    def __init__(self, *seed: object) -> None:
        self._random = random.Random(" ".join(map(str, seed))).random

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self._random()

    def integer(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def choice(self, things: Sequence[T]) -> T:
        """One of them."""
        return things[int(self._random() * len(things))]

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self._random() < probability

    def sample(self, things: Sequence[T], count: int) -> list[T]:
        """`count` different ones, in random order."""
        rest = list(things)
        return [rest.pop(int(self._random() * len(rest))) for _ in range(count)]
