"""numcam explain --class all: every class's Grad-CAM, from one forward pass."""

import argparse
from pathlib import Path

import numpy as np

from numcam.cli.common import percent, tell
from numcam.cli.findings import layers_asked
from numcam.cli.outputs import NUMBERS
from numcam.errors import InputError
from numcam.explain import grad_cam, spatial_layer
from numcam.explain.export import write
from numcam.figures import save
from numcam.figures.atlas import atlas
from numcam.front.provenance import provenance
from numcam.models.classifier import Classifier
from numcam.nn import Trace
from numcam.nn.types import Array

SHOWN = 5
"""Classes that are printed."""


def draw_atlas(
    classifier: Classifier, trace: Trace, image: Array, photo: str, options: argparse.Namespace, path: Path
) -> None:
    """Print the first maps, and draw all, or write them as numbers."""
    layers = layers_asked(classifier, options.layer) or [spatial_layer(trace)]
    if len(layers) > 1:
        raise InputError("--class all draws one layer; leave all but one out of --layer")
    maps = np.asarray(grad_cam(trace, "all", layers[0])[0])  # (classes, rows, cols)
    if classifier.classes:
        shares = classifier.probabilities(trace)[0]
        order = np.argsort(-shares, kind="stable")
        names = [classifier.classes[i] for i in order]
        numbers = [percent(shares[i]).strip() for i in order]
    else:
        order = np.argsort(-maps.max(axis=(1, 2)), kind="stable")
        names, numbers = [f"channel {i}" for i in order], [f"{maps[i].max():.3g}" for i in order]
    blank = int((~maps.any(axis=(1, 2))).sum())
    first = f"the {min(SHOWN, len(maps))} {'likeliest' if classifier.classes else 'strongest'} of {len(maps):,}"
    tell(f"  {first}, in the figure's order; {blank:,} maps are blank")
    for i in range(min(SHOWN, len(order))):
        tell(f"      {names[i]:24} {numbers[i]:>8}   maximum {maps[order[i]].max():.3g}")
    if path.suffix.lower() not in NUMBERS:
        what = "classes" if classifier.classes else "channels"
        title = f"What {classifier.name} sees for each of its {len(maps):,} {what}, from one forward pass"
        save(atlas(image, maps[order], names, numbers, title), path)
    else:
        every = {"method": "grad_cam", "layer": layers[0], "values": maps, "scores": trace.output[0]}
        write(path, [every], provenance(classifier, image, photo, str(options.weights or options.model)))
