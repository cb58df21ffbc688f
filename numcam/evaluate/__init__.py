"""Measures of explanations against a known truth."""

from numcam.evaluate.localisation import chance, distance_to_mask, peak, points_at, wilson_interval

__all__ = ["chance", "distance_to_mask", "peak", "points_at", "wilson_interval"]
