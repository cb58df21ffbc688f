"""ImageNet's 1,000 classes in the order of the published networks: synset, name, and the synset's other words.

Names as torchvision gives them (each once), synsets and words from WordNet 3.0.
"""

from importlib.resources import files

_ROWS = [
    line.split("\t") for line in (files("numcam.models") / "imagenet.tsv").read_text(encoding="utf-8").splitlines()
]

NAMES: tuple[str, ...] = tuple(row[1] for row in _ROWS)
SYNSETS: tuple[str, ...] = tuple(row[0] for row in _ROWS)
SYNONYMS: tuple[tuple[str, ...], ...] = tuple(tuple(row[2].split(", ")) if len(row) > 2 else () for row in _ROWS)
