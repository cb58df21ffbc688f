"""What is left of an attack in a picture file: whole grey levels, and the photograph's own size."""

import numpy as np
from PIL import Image

from numcam.attack.given import answers, rounded
from numcam.models.classifier import Classifier
from numcam.nn.types import Array

FURTHER = 1.1
MOST_FURTHER = 4.0
"""How many times its own length a change is drawn out at most."""


def lasting(classifier: Classifier, pixels: Array, moved: Array, label: int) -> Array:
    """The attacked pixels drawn out along the same way, until they are answered otherwise than `label` after rounding.

    One picture, (1, 3, rows, cols). DeepFool stops right behind the border between two classes, where rounding to whole
    grey levels falls back. Returned as it is where that takes more than four times the change.
    """
    times = 1.0
    while times <= MOST_FURTHER:
        further = np.clip(pixels + pixels.dtype.type(times) * (moved - pixels), 0, 255)
        if answers(classifier, rounded(further))[0] != label:
            return further
        times *= FURTHER
    return moved


def at_full_size(photo: Array, change: Array, exact: bool = False) -> Array:
    """A photograph with a change that was made at the network's input size: uint8 (rows, cols, 3), as is photo.

    change: (3, h, w) in grey levels. It is enlarged in blocks, and shrinking the photograph again blurs it; exact: as
    the least change that shrinks to it, which is larger in places. Rounding and clipping apply to both.
    """
    size = photo.shape[0], photo.shape[1]
    if exact:
        rows, cols = (np.linalg.pinv(shrinking(big, small)) for big, small in zip(size, change.shape[1:], strict=True))
        large = rows @ change.astype(np.float64) @ cols.T
    else:
        rows, cols = (np.arange(big) * small // big for big, small in zip(size, change.shape[1:], strict=True))
        large = change[:, rows][:, :, cols]
    return np.asarray(rounded(photo + large.transpose(1, 2, 0)), np.uint8)


def shrinking(large: int, small: int) -> Array:
    """The matrix (small, large) by which `Classifier.to_pixels` changes one side of a picture, float64."""
    one = Image.fromarray(np.eye(large, dtype=np.float32))
    return np.asarray(one.resize((large, small), Image.Resampling.BILINEAR), np.float64)
