"""Everything that it takes to compute the same numbers again."""

import hashlib
from dataclasses import asdict
from typing import Any

from numcam import __version__
from numcam.explain.export import digest
from numcam.models.classifier import Classifier
from numcam.nn.types import Array


def provenance(
    classifier: Classifier, image: Array, photo: str | None = None, weights: str | None = None
) -> dict[str, Any]:
    """The network, the picture, and the conventions; photo and weights: their files' names."""
    return {
        "numcam": __version__,
        "model": classifier.name,
        "weights": _text(weights or classifier.name),
        "parameters": digest(classifier.network),
        "input_size": list(classifier.input_size),
        "preprocessing": asdict(classifier.preprocessing),
        "output": classifier.network.output,
        "assumed": list(classifier.assumed),
        "classes": list(classifier.classes),
        "photo": _text(photo or "an array"),
        "pixels": f"sha256:{hashlib.sha256(image.tobytes()).hexdigest()}",
        "conventions": {"score": "logit", "relu": "cells", "upsample": "never", "normalise": "never"},
    }


def _text(name: str) -> str:
    """A file name that is not text, with escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
