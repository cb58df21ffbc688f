"""Drawn pictures with exact masks: what pocket was trained on, and a ground truth for explanations."""

from numcam.scenes.compose import CLASSES, Object, Scene, draw

__all__ = ["CLASSES", "Object", "Scene", "draw"]
