"""All methods by name, and what they are called in print."""

import re
from collections.abc import Callable

from numcam.errors import InputError, did_you_mean
from numcam.explain.averaged import integrated_gradients, smooth_grad
from numcam.explain.cams import (
    counterfactual_grad_cam,
    grad_cam,
    grad_cam_plus_plus,
    hires_cam,
    layer_cam,
    xgrad_cam,
)
from numcam.explain.full_grad import full_grad
from numcam.explain.guided_grad_cam import guided_grad_cam
from numcam.explain.masked import occlusion, rise
from numcam.explain.other_cams import ablation_cam, cam, eigen_cam, score_cam
from numcam.explain.pixels import deconvnet, gradient_times_input, guided_backprop, saliency
from numcam.nn.types import Array

CAMS: dict[str, Callable[..., Array]] = {
    "grad_cam": grad_cam,
    "counterfactual_grad_cam": counterfactual_grad_cam,
    "grad_cam_plus_plus": grad_cam_plus_plus,
    "xgrad_cam": xgrad_cam,
    "hires_cam": hires_cam,
    "layer_cam": layer_cam,
    "score_cam": score_cam,
    "ablation_cam": ablation_cam,
    "eigen_cam": eigen_cam,
    "full_grad": full_grad,
}
"""Maps (n, rows, cols) >= 0, of a layer or, for FullGrad, of all."""

PIXELS: dict[str, Callable[..., Array]] = {
    "guided_backprop": guided_backprop,
    "guided_grad_cam": guided_grad_cam,
    "saliency": saliency,
    "deconvnet": deconvnet,
    "smooth_grad": smooth_grad,
    "gradient_times_input": gradient_times_input,
    "integrated_gradients": integrated_gradients,
    "occlusion": occlusion,
    "rise": rise,
}
"""Answers at the input's own resolution: signed (n, 3, rows, cols), or for the last two (n, rows, cols)."""

METHODS: dict[str, Callable[..., Array]] = {**CAMS, **PIXELS}
"""Every method that explains any network, by name, called as method(trace, target=None, **options)."""

EVERY: dict[str, Callable[..., Array]] = {**METHODS, "cam": cam}
"""And CAM, for networks that end in global average pooling and one linear layer."""

CONTRIBUTIONS = ("gradient_times_input", "integrated_gradients")
"""Methods whose values are parts of the score; the others in (n, 3, rows, cols) give scores per unit of input."""

TITLES = {
    "cam": "CAM",
    "grad_cam": "Grad-CAM",
    "counterfactual_grad_cam": "counterfactual Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "xgrad_cam": "XGrad-CAM",
    "hires_cam": "HiResCAM",
    "layer_cam": "LayerCAM",
    "score_cam": "Score-CAM",
    "ablation_cam": "Ablation-CAM",
    "eigen_cam": "Eigen-CAM",
    "full_grad": "FullGrad",
    "guided_backprop": "guided backpropagation",
    "guided_grad_cam": "guided Grad-CAM",
    "saliency": "gradient",
    "deconvnet": "deconvnet",
    "smooth_grad": "SmoothGrad",
    "gradient_times_input": "gradient × input",
    "integrated_gradients": "integrated gradients",
    "occlusion": "occlusion",
    "rise": "RISE",
}

ALSO = {
    "saliency": ("gradient", "saliency map", "vanilla gradient", "vanilla backprop", "backprop", "grad"),
    "guided_backprop": ("guided bp", "gbp", "guided backpropagation", "guided gradient"),
    "gradient_times_input": ("gradient x input", "grad x input", "input x gradient", "input times gradient"),
    "integrated_gradients": ("ig", "integrated gradient"),
    "deconvnet": ("deconv", "deconvolution", "deconvolutional network"),
    "grad_cam_plus_plus": ("gradcampp",),
    "counterfactual_grad_cam": ("counterfactual",),
    "occlusion": ("occlusion sensitivity", "occlusion map"),
    "full_grad": ("full gradient",),
}
"""What else people call them."""


def spelled(name: str) -> str:
    """A method's name without what spellings differ in: case, hyphens, spaces, plus signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "plus").replace("×", "x"))


SPELLINGS = {
    spelled(text): name
    for name in EVERY
    for text in (name, TITLES[name], TITLES[name].replace("×", ""), *ALSO.get(name, ()))
}


def method_named(name: str) -> str:
    """The method of EVERY that is meant, however it is spelled: "Grad-CAM++", "gradcampp", "GradCAMPlusPlus".

    InputError with the nearest names, or those there are.
    """
    found = SPELLINGS.get(spelled(name)) if isinstance(name, str) else None
    if found is None:
        near = did_you_mean(str(name).replace("-", "_"), [*METHODS, "cam"], most=30)
        raise InputError(f"no method {name!r}; {near}")
    return found
