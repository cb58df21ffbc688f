"""Pictures of explanations: overlays, signed gradients, panels, and the two figures that numcam makes by itself."""

from numcam.explain import TITLES
from numcam.figures.paint import overlay, shares, signed
from numcam.figures.panels import Panel, panels, save
from numcam.figures.report import Explanation, explained, figure_1, figure_2, flips, where

__all__ = [
    "TITLES",
    "Explanation",
    "Panel",
    "explained",
    "figure_1",
    "figure_2",
    "flips",
    "overlay",
    "panels",
    "save",
    "shares",
    "signed",
    "where",
]
