"""What is asked of a weights file, and what is found in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from numcam.formats.steps import Parameter
from numcam.models.chain import Described
from numcam.models.preprocessing import Preprocessing
from numcam.nn.types import Pair


@dataclass(frozen=True)
class Asked:
    """What the caller says of the network where the file says nothing: None for what is left to numcam."""

    preprocessing: Preprocessing | None = None
    input_size: Pair | None = None
    output: str | None = None
    key: str | None = None
    """Of the state_dict to take, where a checkpoint has several."""
    layers: str | None = None
    """Which layers follow each other, in words, where the file holds tensors alone."""


def output_of(classes: int, asked: Asked) -> tuple[str, list[str]]:
    """What makes probabilities for a file that does not say it, and what is assumed for that where it is not usual."""
    if asked.output is None and classes == 1:
        return "sigmoid", ["a sigmoid at the end (there is one output; --output says otherwise)"]
    return asked.output or "softmax", []


@dataclass(frozen=True)
class Recognised:
    """A network: its parameters, what meets a picture before it and after it, and what had to be assumed for that.

    architecture: a row of the table, or "chain" for `layers` of its own. classes: 0 for a network without a head.
    """

    architecture: str
    layers: tuple[Described, ...]
    parameters: Mapping[str, Parameter]
    input_size: Pair
    preprocessing: Preprocessing
    output: str
    classes: int
    assumed: tuple[str, ...]
    family: str
    names: tuple[str, ...] | None = None
    """Of the classes, where the file has them."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """The layers' names by those that they have in the file."""
