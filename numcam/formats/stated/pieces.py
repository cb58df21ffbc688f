"""A chain of layers that somebody states, in PyTorch's terms, and what has been put together of it so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numcam.formats.checkpoint import Refused
from numcam.formats.modules import Module
from numcam.formats.steps import Parameter, Step, output_shape
from numcam.nn.types import Pair, Shape


@dataclass(frozen=True)
class Piece:
    """One layer: PyTorch's name of its class, its name in the file, and its settings by PyTorch's names."""

    kind: str
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"its {self.name!r}, a {self.kind}," if self.name else f"its {self.kind}"

    def pair(self, key: str, default: Any) -> Pair:
        """A setting that is a whole number or two of them."""
        value = self.settings.get(key, default)
        given = (value, value) if type(value) is int else value
        if not (isinstance(given, tuple | list) and len(given) == 2 and all(type(v) is int for v in given)):
            raise Refused(f"{self.title} has {key} {str(value)[:40]!r}; expected whole numbers")
        if min(given) < 0 or max(given) > 4096:
            raise Refused(f"{self.title} has {key} {given}; expected numbers from 0 to 4096")
        return given[0], given[1]

    def number(self, key: str, default: float) -> float:
        """A setting that is a number."""
        value = self.settings.get(key, default)
        if type(value) not in (int, float) or not abs(value) < 1e6:
            raise Refused(f"{self.title} has {key} {str(value)[:40]!r}; expected a number")
        return float(value)

    def only(self, **expected: Any) -> None:
        """Refused where a setting is another than numcam computes."""
        for key, value in expected.items():
            found = self.settings.get(key, value)
            same = found == value or found == (value, value) or (found, value) == ((1, 1), 1)
            if not same:
                raise Refused(f"{self.title} has {key} {str(found)[:40]}; numcam computes {value}")


@dataclass
class Chain:
    """What has been put together so far. shape: (c, rows, cols) or (units,).

    channels_last: whether the file's linear layers take maps flattened (rows, cols, c), as Keras does. flattened: that
    order, where units still stand in it. lenient: whether a missing Flatten is understood. end: what makes
    probabilities, where that is stated.
    """

    modules: Mapping[str, Module]
    shape: Shape
    channels_last: bool = False
    lenient: bool = False
    steps: list[Step] = field(default_factory=list)
    flattened: tuple[int, int, int] | None = None
    end: str | None = None

    def add(self, type: str, piece: Piece, parameters: Mapping[str, Parameter] | None = None, **settings: Any) -> None:
        if self.end:
            raise Refused(f"{piece.title} stands behind a {self.end}; numcam takes classes from the last layer alone")
        step = Step(type, piece.name, settings, parameters or {})
        self.shape = output_shape(step, self.shape)
        self.steps.append(step)

    def maps(self, piece: Piece) -> tuple[int, int, int]:
        """(c, rows, cols); Refused where there are none."""
        if len(self.shape) != 3:
            raise Refused(f"{piece.title} stands where rows and columns have ended")
        c, rows, cols = self.shape
        return c, rows, cols
