"""Gradients in pixel space: one backward pass each, told apart by the rule at a ReLU."""

from numcam.explain.target import predicted
from numcam.nn import DECONVNET, GUIDED, STANDARD, Rules, Target, Trace
from numcam.nn.types import Array


def saliency(trace: Trace, target: Target | None = None) -> Array:
    """The gradient of the target's logit with respect to the input, signed: (n, 3, rows, cols).

    target None = the predicted class. Simonyan et al. 2014, section 3, before the absolute value.
    """
    return _input_gradient(trace, target, STANDARD)


def gradient_times_input(trace: Trace, target: Target | None = None) -> Array:
    """What each value of the input contributes to the logit, signed: (n, 3, rows, cols).

    The sum is the last line of the `ledger`; where the input is 0, the mean colour, so is this. Shrikumar et al. 2016.
    """
    return trace["input"] * saliency(trace, target)


def guided_backprop(trace: Trace, target: Target | None = None) -> Array:
    """Backpropagation that drops negative gradients at every ReLU: (n, 3, rows, cols), signed.

    target None = the predicted class. Springenberg et al. 2015, figure 1.
    """
    return _input_gradient(trace, target, GUIDED)


def deconvnet(trace: Trace, target: Target | None = None) -> Array:
    """Backpropagation that looks at the gradient's sign only, not at the activation's: (n, 3, rows, cols), signed.

    target None = the predicted class. Zeiler and Fergus 2014, section 2.1.
    """
    return _input_gradient(trace, target, DECONVNET)


def _input_gradient(trace: Trace, target: Target | None, rules: Rules) -> Array:
    return trace.backward(predicted(trace) if target is None else target, rules)["input"]
