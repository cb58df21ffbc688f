"""numcam trace: the forward and backward pass, layer by layer."""

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from numcam.cli.asked import one_asked
from numcam.cli.common import add_class, add_model, add_photos, classifier_of, command, tell
from numcam.cli.pictures import Pictures
from numcam.models.classifier import Classifier
from numcam.nn import Conv2d, Linear
from numcam.nn.types import Array, Layer, Shape


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its options."""
    parser = command(
        subparsers,
        "trace",
        "  numcam trace photo.jpg\n  numcam trace photo.jpg --class cat",
    )
    add_photos(parser)
    add_class(parser, "whose logit to walk back (the likeliest)")
    add_model(parser)
    parser.set_defaults(run=trace)


def trace(options: argparse.Namespace) -> int:
    """Run each picture through and back, and print a row for each layer."""
    pictures = Pictures(options.photos, options.white)
    classifier = classifier_of(options)
    for _, image in pictures.announced():
        _tell(classifier, image, options)
    return pictures.finish()


def _tell(classifier: Classifier, image: Array, options: argparse.Namespace) -> None:
    record = classifier.forward(classifier.preprocess(image))
    one = one_asked(classifier, record, options.wanted)
    grads = record.backward(one.target)
    tell(f"{classifier.name}, {'logit' if classifier.classes else 'value'} of “{one.name}” = {one.score:.3f}\n")
    tell(
        f"{'layer':8} {'output':>13} {'parameters':>11} {'multiply-adds':>14} {'active':>7} "
        f"{'mean |gradient|':>16} {'forward':>10} {'backward':>10}"
    )
    totals = np.zeros(4)
    tell(_row("input", record["input"].shape, grads["input"]))
    for before, name in pairwise(record):
        layer = record.network.layers[name]
        out = record[name]
        counts = sum(p.size for p in layer.parameters.values()), multiply_adds(layer, out.shape)
        forward = _seconds(partial(layer.forward, record[before]))
        backward = _seconds(partial(layer.backward, grads[name], record[before], out))
        totals += (*counts, forward, backward)
        parameters, adds = (f"{c:,}" if c else "" for c in counts)
        times = [f"{1e3 * s:.2f} ms" for s in (forward, backward)]
        tell(_row(name, out.shape, grads[name], parameters, adds, f"{(out > 0).mean():.0%}", *times))
    sums = f"{int(totals[0]):11,} {int(totals[1]):14,}", f"{1e3 * totals[2]:7.1f} ms {1e3 * totals[3]:7.1f} ms"
    tell(f"{'total':8} {'':13} {sums[0]} {'':7} {'':16} {sums[1]}")


def multiply_adds(layer: Layer, out: Shape) -> int:
    """Multiplications (each with its addition) of one forward pass through a layer; out is its output's shape."""
    if isinstance(layer, Conv2d):
        return int(np.prod(out)) * int(np.prod(layer.weight.shape[1:]))
    return int(np.prod(out)) * layer.weight.shape[1] if isinstance(layer, Linear) else 0


def _row(
    name: str,
    shape: Shape,
    grads: Array,
    parameters: str = "",
    adds: str = "",
    active: str = "",
    forward: str = "",
    backward: str = "",
) -> str:
    size, gradient = "x".join(map(str, shape[1:])), float(np.abs(grads).mean())
    return f"{name:8} {size:>13} {parameters:>11} {adds:>14} {active:>7} {gradient:16.3e} {forward:>10} {backward:>10}"


def _seconds(call: Callable[[], object]) -> float:
    """The median of five runs after one that warms up."""
    times = []
    for _ in range(6):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))
