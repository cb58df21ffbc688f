"""Explanations: each reads a trace and its backward pass in a few lines."""

from numcam.explain.averaged import completeness_gap, integrated_gradients, smooth_grad
from numcam.explain.cams import (
    counterfactual_grad_cam,
    grad_cam,
    grad_cam_plus_plus,
    hires_cam,
    layer_cam,
    xgrad_cam,
)
from numcam.explain.conventions import PRESETS, Conventions, conventional
from numcam.explain.finding import Finding, find
from numcam.explain.full_grad import full_grad
from numcam.explain.fused import fused
from numcam.explain.guided_grad_cam import guided_grad_cam
from numcam.explain.ledger import Ledger, ledger
from numcam.explain.masked import occlusion, rise
from numcam.explain.methods import METHODS, TITLES
from numcam.explain.other_cams import ablation_cam, cam, eigen_cam, score_cam
from numcam.explain.pixels import deconvnet, gradient_times_input, guided_backprop, saliency
from numcam.explain.remarks import remarks
from numcam.explain.target import predicted, spatial_layer
from numcam.explain.upsample import upsample

__all__ = [
    "METHODS",
    "PRESETS",
    "TITLES",
    "Conventions",
    "Finding",
    "Ledger",
    "ablation_cam",
    "cam",
    "completeness_gap",
    "conventional",
    "counterfactual_grad_cam",
    "deconvnet",
    "eigen_cam",
    "find",
    "full_grad",
    "fused",
    "grad_cam",
    "grad_cam_plus_plus",
    "gradient_times_input",
    "guided_backprop",
    "guided_grad_cam",
    "hires_cam",
    "integrated_gradients",
    "layer_cam",
    "ledger",
    "occlusion",
    "predicted",
    "remarks",
    "rise",
    "saliency",
    "score_cam",
    "smooth_grad",
    "spatial_layer",
    "upsample",
    "xgrad_cam",
]
