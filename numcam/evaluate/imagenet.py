"""A folder in ImageNet's layout: pictures, and beside them or elsewhere below it an XML file of boxes for each.

The official validation set has Data/CLS-LOC/val/ILSVRC2012_val_00000001.JPEG and the boxes in Annotations/CLS-LOC/val/
ILSVRC2012_val_00000001.xml; older archives use other folders. Pictures and boxes belong together by name.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numcam.errors import InputError
from numcam.evaluate.boxes import Box
from numcam.evaluate.record import Records
from numcam.evaluate.table1 import PAPER, Protocol, located
from numcam.images import read_image
from numcam.models.classifier import Classifier

PICTURES = (".jpeg", ".jpg", ".png", ".webp", ".bmp")
MOST_BYTES = 1 << 20
COLUMNS = {
    "class, top 1, %": "share",
    "class, top 5, %": "share",
    "box, top 1, %": "share",
    "box, top 5, %": "share",
    "box, class known, %": "share",
}
"""Errors: lower is better."""


@dataclass(frozen=True)
class Annotated:
    """A picture's path; the class it shows; the size its boxes are in, (rows, cols); all boxes of that class."""

    path: Path
    name: str
    size: tuple[int, int]
    boxes: tuple[Box, ...]


def annotated(folder: Path) -> list[Annotated]:
    """Every picture below the folder that has boxes, in the order of their names. InputError where there are none."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give one that holds ImageNet's pictures and XML files of boxes")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    pictures = {path.stem: path for path in files if path.suffix.lower() in PICTURES}
    found = [_read(path, pictures[path.stem]) for path in files if path.suffix == ".xml" and path.stem in pictures]
    if not found:
        raise InputError(
            f"{folder} has {len(pictures)} pictures and no XML file of boxes for any of them; expected such as "
            "Data/CLS-LOC/val/NAME.JPEG and Annotations/CLS-LOC/val/NAME.xml"
        )
    return found


def _read(path: Path, picture: Path) -> Annotated:
    try:
        text = path.read_bytes()
        if len(text) > MOST_BYTES or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise InputError(f"{path} is no file of boxes: it is too long, or declares entities")
        root = ET.fromstring(text)
        size = int(root.findtext("size/height", "")), int(root.findtext("size/width", ""))
        objects = [(o.findtext("name", "").strip(), _box(o)) for o in root.iter("object")]
    except (ET.ParseError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is no file of boxes ({error}); expected ImageNet's XML") from None
    if not objects:
        raise InputError(f"{path} names no object; expected ImageNet's XML, with a box for each object")
    name = objects[0][0]
    return Annotated(picture, name, size, tuple(box for other, box in objects if other == name))


def _box(of: "ET.Element") -> Box:
    """The file's last row and column lie inside the box; here right and bottom do not."""
    left, top, right, bottom = (int(of.findtext(f"bndbox/{key}", "")) for key in ("xmin", "ymin", "xmax", "ymax"))
    return left, top, right + 1, bottom + 1


def measure(
    classifier: Classifier,
    pictures: list[Annotated],
    methods: tuple[str, ...],
    protocol: Protocol = PAPER,
    batch: int = 8,
) -> Iterator[tuple[int, Records]]:
    """The paper's Table 1: after each batch, how many pictures are done, and the records so far.

    A picture of another size than its file of boxes says has its boxes stretched with it.
    """
    records: Records = {method: {column: [] for column in COLUMNS} for method in methods}
    labels = [classifier.index(one.name) for one in pictures]
    for start in range(0, len(pictures), batch):
        some, wanted = pictures[start : start + batch], labels[start : start + batch]
        x = np.concatenate([classifier.preprocess(read_image(one.path)) for one in some])
        trace = classifier.forward(x, engine="fast")
        for method in methods:
            judged = located(trace, method, wanted, [p.boxes for p in some], [p.size for p in some], protocol)
            names = ("class_1", "class_5", "box_1", "box_5", "known")
            for column, name in zip(records[method].values(), names, strict=True):
                column.extend(float(not getattr(j, name)) for j in judged)
        yield start + len(some), records
