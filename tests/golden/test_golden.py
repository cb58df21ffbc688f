"""numcam against arrays that PyTorch computed (see make_golden.py), with no PyTorch here.

Bound 1e-12 relative to the largest entry: both sides are float64 and differ in the order of summation only.
"""

from pathlib import Path

import h5py
import numpy as np
import pytest

from numcam.attack import fgsm
from numcam.explain import grad_cam, guided_grad_cam
from numcam.models.classifier import Classifier
from numcam.models.preprocessing import Preprocessing
from numcam.nn import DECONVNET, GUIDED, STANDARD, Conv2d, Flatten, Linear, MaxPool2d, Network, ReLU
from numcam.nn.gradcheck import relative_error
from numcam.nn.training import loss_and_gradients

BOUND = 1e-12
RULES = {"standard": STANDARD, "guided": GUIDED, "deconvnet": DECONVNET}


@pytest.fixture(scope="module")
def golden():
    with h5py.File(Path(__file__).with_name("golden.h5")) as file:
        arrays = {}
        file.visititems(lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        return arrays, dict(file.attrs)


@pytest.fixture(scope="module")
def network(golden):
    p = {name.removeprefix("parameters/"): a for name, a in golden[0].items() if name.startswith("parameters/")}

    def conv(name):
        return Conv2d(p[f"{name}.weight"], p[f"{name}.bias"], padding=1)

    def linear(name):
        return Linear(p[f"{name}.weight"], p[f"{name}.bias"])

    return Network(
        {
            "conv1_1": conv("conv1_1"),
            "relu1_1": ReLU(),
            "conv1_2": conv("conv1_2"),
            "relu1_2": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2_1": conv("conv2_1"),
            "relu2_1": ReLU(),
            "pool2": MaxPool2d(2),
            "flatten": Flatten(),
            "fc3": linear("fc3"),
            "relu3": ReLU(),
            "fc4": linear("fc4"),
        }
    )


@pytest.fixture(scope="module")
def trace(golden, network):
    return network.forward(golden[0]["activations/input"])


def test_every_activation(golden, trace):
    for name, value in trace.items():
        assert relative_error(value, golden[0][f"activations/{name}"]) < BOUND, name


@pytest.mark.parametrize("rule", RULES)
def test_every_gradient_under_each_rule(golden, trace, rule):
    grads = trace.backward(golden[1]["target"], RULES[rule])
    for name, value in grads.items():
        assert relative_error(value, golden[0][f"gradients/{rule}/{name}"]) < BOUND, name


def test_the_loss_and_every_parameter_gradient(golden, network):
    loss, _, gradients = loss_and_gradients(network, golden[0]["activations/input"], golden[1]["target"])
    assert loss.sum() == pytest.approx(golden[0]["loss"], rel=BOUND)
    for name, value in gradients.items():
        assert relative_error(value, golden[0][f"loss_gradients/{name}"]) < BOUND, name


@pytest.mark.parametrize("layer", ["relu2_1", "relu1_2"])
def test_grad_cam_and_guided_grad_cam(golden, trace, layer):
    target = golden[1]["target"]
    assert relative_error(grad_cam(trace, target, layer), golden[0][f"grad_cam/{layer}"]) < BOUND
    assert relative_error(guided_grad_cam(trace, target, layer), golden[0][f"guided_grad_cam/{layer}"]) < BOUND


def test_fgsm(golden, network):
    arrays, about = golden
    preprocessing = Preprocessing((about["mean"],) * 3, (about["scale"],) * 3)
    classifier = Classifier(network, ("a", "b", "c", "d"), preprocessing, (18, 22))
    attacked = fgsm(classifier, arrays["pixels"], about["target"], about["epsilon"])
    np.testing.assert_allclose(attacked, arrays["fgsm"], atol=1e-12)


def test_the_arrays_say_which_pytorch_made_them(golden):
    assert golden[1]["torch"].startswith("2.")
