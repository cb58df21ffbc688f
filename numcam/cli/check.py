"""numcam check: every gradient against central differences, here and now; numcam check ANSWERS.py: a reader's own."""

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from numcam.cli.common import command
from numcam.cli.grading import add_options, check_answers
from numcam.errors import InputError
from numcam.exercises.running import LIMIT
from numcam.nn import (
    ELU,
    GELU,
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    ClippedReLU,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    ZeroPad2d,
)
from numcam.nn.gradcheck import check_layer, numerical_gradient, relative_error
from numcam.nn.relu import deconvnet_relu_backward, guided_relu_backward
from numcam.nn.softmax import cross_entropy, cross_entropy_backward
from numcam.nn.types import Array, Layer

EXAMPLES = """  numcam check                      numcam's own gradients
  numcam check --seed 7
  numcam check answers06.py         your answers to page 06 of the tutorial (numcam exercises new 06)
  numcam check answers06.py --only conv2d_backward
  numcam check submissions/ --json  a folder of them; exit code 0: all pass, 1: something differs, 2: misuse"""
BOUND = 1e-7
SHAPE = (2, 3, 7, 6)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(subparsers, "check", EXAMPLES)
    add_options(parser)
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers (%(default)s)")
    parser.set_defaults(run=check)


def check(options: argparse.Namespace) -> int:
    """Print each gradient's relative error; exit code 1 if one is too large. With a file: check the answers in it."""
    if options.answers:
        return check_answers(options)
    if options.only or options.json or options.limit != LIMIT:
        raise InputError("--only, --json and --limit belong to a file of answers: numcam check answers.py --only 06")
    if options.seed < 0:
        raise InputError(f"--seed is a whole number, 0 or more; got {options.seed}")
    rng = np.random.default_rng(options.seed)
    print(f"relative error of each gradient against central differences, float64; the bound is {BOUND:g}\n")
    worst = 0.0
    for name, errors in checks(rng):
        for of, error in errors.items():
            worst = max(worst, error)
            print(f"{name:38} d/d {of:10} {error:10.1e}   {'ok' if error < BOUND else 'FAILED'}")
    print(f"\nthe largest error is {worst:.1e}: {'all gradients are right' if worst < BOUND else 'something is wrong'}")
    return 0 if worst < BOUND else 1


ACTIVATIONS = (
    Sigmoid(), Tanh(), LeakyReLU(0.2), ClippedReLU(5), ELU(0.7), SiLU(), Softplus(), GELU(), GELU(approximate=True),
)  # fmt: skip


def checks(rng: np.random.Generator) -> Iterator[tuple[str, dict[str, float]]]:
    """Every layer and rule, with the relative error of each of its gradients."""
    n = rng.standard_normal
    # far from 0, where ReLU has a kink, and no two alike, where a maximum would have one
    x = rng.permuted(np.linspace(0.1, 2, int(np.prod(SHAPE)))).reshape(SHAPE) * rng.choice([-1, 1], SHAPE)
    layers: list[tuple[str, Layer, Array]] = [
        ("Conv2d 3x3, padding 1", Conv2d(n((4, 3, 3, 3)), n(4), padding=1), x),
        ("Conv2d 3x2, stride (2, 1), padding (1, 0)", Conv2d(n((4, 3, 3, 2)), n(4), (2, 1), (1, 0)), x),
        ("ReLU", ReLU(), x),
        ("MaxPool2d 2", MaxPool2d(2), x),
        ("MaxPool2d 3, stride 2, overlapping", MaxPool2d(3, 2), x),
        ("AvgPool2d 3, stride 2", AvgPool2d(3, 2), x),
        ("MaxPool2d 3, stride 2, padding (0, 1, 1, 1)", MaxPool2d(3, 2, (0, 1, 1, 1)), x),
        ("AvgPool2d 3, stride 2, padding (0, 1, 1, 1)", AvgPool2d(3, 2, (0, 1, 1, 1)), x),
        ("AdaptiveAvgPool2d (3, 4) of (7, 6)", AdaptiveAvgPool2d((3, 4)), x),
        ("GlobalAvgPool2d", GlobalAvgPool2d(), x),
        ("GlobalMaxPool2d", GlobalMaxPool2d(), x),
        ("ZeroPad2d (0, 1, 2, 3)", ZeroPad2d((0, 1, 2, 3)), x),
        *((repr(layer), layer, 4 * x) for layer in ACTIVATIONS),
        ("Flatten", Flatten(), x),
        ("Linear", Linear(n((5, 8)), n(5)), n((3, 8))),
        ("Dropout, thinned", Dropout(0.4, seed=1), n((3, 8))),
        ("Softmax", Softmax(), n((3, 5))),
    ]
    for name, layer, at in layers:
        yield name, check_layer(layer, at)
    norm = check_layer(BatchNorm2d(mean=n(3), variance=rng.uniform(0.5, 2, 3), weight=n(3), bias=n(3)), x)
    yield "BatchNorm2d, fixed statistics", {key: norm[key] for key in ("input", "weight", "bias")}
    norm = check_layer(BatchNorm1d(mean=n(8), variance=rng.uniform(0.5, 2, 8), weight=n(8), bias=n(8)), n((3, 8)))
    yield "BatchNorm1d, fixed statistics", {key: norm[key] for key in ("input", "weight", "bias")}
    yield (
        "cross-entropy",
        _against(_loss, n((2, 5)), _loss_gradient),
    )
    dout = n(SHAPE)
    clipped = np.maximum(dout, 0)  # both rules are the gradient of something, once negative gradients are dropped
    yield (
        "guided rule",
        _against(lambda v: float((clipped * np.maximum(v, 0)).sum()), x, lambda v: guided_relu_backward(dout, v)),
    )
    yield (
        "deconvnet rule",
        _against(lambda v: float((clipped * v).sum()), x, lambda v: deconvnet_relu_backward(dout, v)),
    )


def _loss(logits: Array) -> float:
    return float(cross_entropy(logits, np.array([1, 4])).sum())


def _loss_gradient(logits: Array) -> Array:
    return cross_entropy_backward(logits, np.array([1, 4]))


def _against(f: Callable[[Array], float], x: Array, gradient: Callable[[Array], Array]) -> dict[str, float]:
    return {"input": relative_error(gradient(x), numerical_gradient(f, x))}
