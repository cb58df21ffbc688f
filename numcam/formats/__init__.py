"""Weights on disk to arrays by layer name; one file per format, told apart by content."""

from numcam.formats.own import Weights, write_weights
from numcam.formats.reading import convert, read_weights

__all__ = ["Weights", "convert", "read_weights", "write_weights"]
