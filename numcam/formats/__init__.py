"""Weights on disk to arrays by layer name; one file per format."""

from numcam.formats.own import Weights, read_weights, write_weights

__all__ = ["Weights", "read_weights", "write_weights"]
