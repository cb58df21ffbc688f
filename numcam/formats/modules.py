"""A layer with arrays as a file of tensors has it, under its name there and in PyTorch's layout."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from numcam.formats.checkpoint import Tensor
from numcam.formats.steps import Parameter, Step, constant

EPSILON = 1e-5
"""Of PyTorch's batch normalisation, unless somebody chose another."""


@dataclass(frozen=True)
class Module:
    """A layer with arrays, under its name in the file."""

    name: str
    parts: Mapping[str, Tensor]

    @property
    def kind(self) -> str:
        """ "convolution", "linear", "norm" or "" for what numcam has no name for."""
        if {"running_mean", "running_var"} <= set(self.parts):
            return "norm"
        weight = self.parts.get("weight")
        return {2: "linear", 4: "convolution"}.get(len(weight.shape), "") if weight else ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the weight, or of the statistics of a norm."""
        return self.parts["running_mean" if self.kind == "norm" else "weight"].shape

    @property
    def place(self) -> tuple[str, int] | None:
        """The Sequential that it stands in, and its number there; None where it has a name instead."""
        parent, _, last = self.name.rpartition(".")
        return (parent, int(last)) if last.isascii() and last.isdigit() and len(last) < 7 else None


def natural(name: str) -> list[tuple[int, str]]:
    """A key to sort names by, numbers as numbers."""
    return [(int(p), "") if p.isdigit() else (1 << 30, p) for p in re.findall(r"[0-9]{1,18}|[^0-9]+", name)]


def norm_step(type: str, module: Module) -> Step:
    size = module.shape
    names = {"mean": "running_mean", "variance": "running_var", "weight": "weight", "bias": "bias"}
    parameters = {}
    for key, name in names.items():
        part = module.parts.get(name)
        parameters[key] = Parameter(size, part.read) if part else constant(np.full(size, float(key == "weight")))
    return Step(type, module.name, {"epsilon": EPSILON}, parameters)
