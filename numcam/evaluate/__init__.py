"""Measures of explanations against a known truth; `measures.MEASURES` has each by name, on drawn scenes."""

from numcam.evaluate.boxes import box_iou, box_of, energy_inside, largest_component, mask_iou
from numcam.evaluate.faithful import deletion, drop, insertion
from numcam.evaluate.intervals import bootstrap
from numcam.evaluate.localisation import chance, distance_to_mask, peak, points_at, wilson_interval
from numcam.evaluate.similarity import spearman, ssim

__all__ = [
    "bootstrap",
    "box_iou",
    "box_of",
    "chance",
    "deletion",
    "distance_to_mask",
    "drop",
    "energy_inside",
    "insertion",
    "largest_component",
    "mask_iou",
    "peak",
    "points_at",
    "spearman",
    "ssim",
    "wilson_interval",
]
