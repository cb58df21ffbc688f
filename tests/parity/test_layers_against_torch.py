"""Every layer against PyTorch's, over a grid of shapes.

float64: 1e-12, the order of summation; float32: 1e-5, a few hundred roundings of 6e-8.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[parity]'")
F = torch.nn.functional

from numcam.nn import (  # noqa: E402
    ELU,
    GELU,
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    ClippedReLU,
    Conv2d,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    ZeroPad2d,
)
from numcam.nn.gradcheck import relative_error  # noqa: E402
from numcam.nn.softmax import cross_entropy, cross_entropy_backward  # noqa: E402
from numcam.nn.training import SGD, Adam  # noqa: E402

pytestmark = pytest.mark.torch
BOUNDS = {np.float64: 1e-12, np.float32: 1e-5}
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])


def normal(rng, dtype, *shape):
    return rng.standard_normal(shape).astype(dtype)


def agree(layer, x, function, dtype, names=()):
    """Output, input gradient and parameter gradients of `layer` against those of `function(x, *parameters)`."""
    out = layer.forward(x)
    dout = normal(np.random.default_rng(9), dtype, *out.shape)
    leaves = [torch.from_numpy(a.copy()).requires_grad_() for a in (x, *(layer.parameters[n] for n in names))]
    expected = function(*leaves)
    grads = torch.autograd.grad(expected, leaves, torch.from_numpy(dout))
    found = [layer.backward(dout, x, out), *(layer.parameter_gradients(dout, x)[n] for n in names)]
    assert out.dtype == dtype
    assert relative_error(out, expected.detach().numpy()) < BOUNDS[dtype]
    for a, b in zip(found, grads, strict=True):
        assert relative_error(a, b.numpy()) < BOUNDS[dtype]


@DTYPES
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (5, 2)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (2, 3)])
@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (2, 0)])
@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (3, 2, 7, 11)])
def test_convolution(dtype, kernel, stride, padding, shape):
    rng = np.random.default_rng(0)
    layer = Conv2d(normal(rng, dtype, 4, shape[1], *kernel), normal(rng, dtype, 4), stride, padding)
    function = lambda x, w, b: F.conv2d(x, w, b, stride, padding)  # noqa: E731
    agree(layer, normal(rng, dtype, *shape), function, dtype, ("weight", "bias"))


@DTYPES
@pytest.mark.parametrize(("size", "stride"), [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((2, 3), (1, 2)), ((3, 1), (3, 1))])
@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (3, 2, 7, 11)])
def test_pooling(dtype, size, stride, shape):
    x = normal(np.random.default_rng(0), dtype, *shape)
    agree(MaxPool2d(size, stride), x, lambda x: F.max_pool2d(x, size, stride), dtype)
    agree(AvgPool2d(size, stride), x, lambda x: F.avg_pool2d(x, size, stride), dtype)


@DTYPES
@pytest.mark.parametrize("size", [(7, 7), (3, 5), (1, 1), (20, 4)])
@pytest.mark.parametrize("shape", [(2, 3, 14, 14), (1, 2, 9, 11), (3, 2, 2, 3)])
def test_adaptive_pooling(dtype, size, shape):
    x = normal(np.random.default_rng(0), dtype, *shape)
    agree(AdaptiveAvgPool2d(size), x, lambda x: F.adaptive_avg_pool2d(x, size), dtype)


@DTYPES
@pytest.mark.parametrize(("size", "stride"), [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((3, 3), (1, 1))])
def test_max_pooling_with_ties_everywhere(dtype, size, stride):
    x = np.random.default_rng(0).integers(0, 3, (3, 2, 9, 8)).astype(dtype)
    agree(MaxPool2d(size, stride), x, lambda x: F.max_pool2d(x, size, stride), dtype)


@DTYPES
@pytest.mark.parametrize("padding", [1, (1, 0), (0, 1, 0, 1), (0, 0, 2, 1)])
def test_pooling_with_padding_that_takes_no_part(dtype, padding):
    x = np.random.default_rng(0).integers(-9, 3, (2, 3, 7, 10)).astype(dtype)  # with ties
    layer = MaxPool2d(3, 2, padding)
    top, bottom, left, right = layer.padding
    border = (left, right, top, bottom)
    agree(layer, x, lambda x: F.max_pool2d(F.pad(x, border, value=-torch.inf), 3, 2), dtype)
    counted = F.avg_pool2d(F.pad(torch.ones(x.shape, dtype=getattr(torch, np.dtype(dtype).name)), border), 3, 2)
    agree(AvgPool2d(3, 2, padding), x, lambda x: F.avg_pool2d(F.pad(x, border), 3, 2) / counted, dtype)
    agree(ZeroPad2d(padding), x, lambda x: F.pad(x, border), dtype)


ACTIVATIONS = {
    Sigmoid(): torch.sigmoid,
    Tanh(): torch.tanh,
    LeakyReLU(0.2): lambda x: F.leaky_relu(x, 0.2),
    ClippedReLU(): F.relu6,
    ELU(0.7): lambda x: F.elu(x, 0.7),
    ELU(1.6732632423543772, 1.0507009873554805): F.selu,
    SiLU(): F.silu,
    Softplus(): lambda x: torch.logaddexp(x, torch.zeros_like(x)),  # F.softplus is a line from 20 on
    GELU(): F.gelu,
    GELU(approximate=True): lambda x: F.gelu(x, approximate="tanh"),
}


@DTYPES
@pytest.mark.parametrize("layer", ACTIVATIONS, ids=repr)
def test_activations_also_at_zero_and_far_out(dtype, layer):
    x = 3 * normal(np.random.default_rng(0), dtype, 3, 4, 5, 6)
    x[0] = 0
    x[1] *= 30
    agree(layer, x, ACTIVATIONS[layer], dtype)
    agree(layer, x[:, :, 0, 0], ACTIVATIONS[layer], dtype)


@DTYPES
def test_pooling_over_all_places_takes_the_first_of_equal_values(dtype):
    x = np.random.default_rng(0).integers(0, 3, (3, 2, 5, 8)).astype(dtype)
    agree(GlobalMaxPool2d(), x, lambda x: x.flatten(2).max(2)[0], dtype)


@DTYPES
def test_batch_normalisation_of_units(dtype):
    rng = np.random.default_rng(0)
    mean, w, b = (normal(rng, dtype, 4) for _ in range(3))
    layer = BatchNorm1d(mean=mean, variance=rng.uniform(0.5, 2, 4).astype(dtype), weight=w, bias=b, epsilon=1e-3)
    statistics = [torch.from_numpy(a) for a in (layer.mean, layer.variance)]
    function = lambda x, w, b: F.batch_norm(x, *statistics, w, b, eps=1e-3)  # noqa: E731
    agree(layer, normal(rng, dtype, 6, 4), function, dtype, ("weight", "bias"))


@DTYPES
def test_relu_also_at_zero(dtype):
    x = np.random.default_rng(0).integers(-2, 3, (3, 4, 5, 6)).astype(dtype)
    agree(ReLU(), x, F.relu, dtype)


@DTYPES
def test_linear_global_pooling_softmax_and_batch_normalisation(dtype):
    rng = np.random.default_rng(0)
    agree(
        Linear(normal(rng, dtype, 5, 7), normal(rng, dtype, 5)),
        normal(rng, dtype, 3, 7),
        F.linear,
        dtype,
        ("weight", "bias"),
    )
    agree(GlobalAvgPool2d(), normal(rng, dtype, 3, 4, 5, 6), lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), dtype)
    agree(Softmax(), normal(rng, dtype, 3, 7), lambda x: F.softmax(x, 1), dtype)
    mean, variance = normal(rng, dtype, 4), rng.uniform(0.5, 2, 4).astype(dtype)
    layer = BatchNorm2d(mean=mean, variance=variance, weight=normal(rng, dtype, 4), bias=normal(rng, dtype, 4))
    statistics = torch.from_numpy(mean), torch.from_numpy(variance)
    function = lambda x, w, b: F.batch_norm(x, *statistics, w, b)  # noqa: E731
    agree(layer, normal(rng, dtype, 3, 4, 5, 6), function, dtype, ("weight", "bias"))


@DTYPES
def test_cross_entropy(dtype):
    rng = np.random.default_rng(0)
    logits = 5 * normal(rng, dtype, 4, 6)
    for target in (np.array([0, 5, 2, 2]), rng.dirichlet(np.ones(6), 4).astype(dtype)):
        leaf = torch.from_numpy(logits.copy()).requires_grad_()
        loss = F.cross_entropy(leaf, torch.from_numpy(target), reduction="none")
        (grad,) = torch.autograd.grad(loss.sum(), leaf)
        assert relative_error(cross_entropy(logits, target), loss.detach().numpy()) < BOUNDS[dtype]
        assert relative_error(cross_entropy_backward(logits, target), grad.numpy()) < BOUNDS[dtype]


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_twenty_steps_of_an_optimiser(kind):
    rng = np.random.default_rng(0)
    p = {"fc.weight": rng.standard_normal((3, 4))}
    leaf = torch.from_numpy(p["fc.weight"].copy()).requires_grad_()
    if kind == "adam":
        ours, theirs = Adam(decay=0.1), torch.optim.AdamW([leaf], lr=0.01, weight_decay=0.1)
    else:
        ours, theirs = SGD(momentum=0.9), torch.optim.SGD([leaf], lr=0.01, momentum=0.9)
    for _ in range(20):
        g = rng.standard_normal((3, 4))
        p = ours.step(p, {"fc.weight": g}, 0.01)
        leaf.grad = torch.from_numpy(g)
        theirs.step()
    assert relative_error(p["fc.weight"], leaf.detach().numpy()) < 1e-12
