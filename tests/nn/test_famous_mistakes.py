"""The checks are checked: each classic wrong backward pass must fail where the right one passes.

A test suite with n = 1, square pictures or symmetric kernels lets most of these through.
"""

import numpy as np
import pytest
from helpers import apart, small_input, small_network

from numcam.explain import grad_cam
from numcam.nn import Conv2d, Linear, MaxPool2d, ReLU
from numcam.nn.conv import conv2d_input_gradient
from numcam.nn.gradcheck import check_layer, numerical_gradient, relative_error
from numcam.nn.relu import deconvnet_relu_backward, guided_relu_backward
from numcam.nn.softmax import softmax

CAUGHT = 1e-3
"""A mistake must be this far off, ten thousand times the bound of the right code."""


def rng(seed=0):
    return np.random.default_rng(seed)


def conv(layer=Conv2d, **options):
    return layer(rng(1).standard_normal((4, 3, 3, 3)), rng(2).standard_normal(4), padding=1, **options)


class NotFlipped(Conv2d):
    def backward(self, dout, x, out):
        w = self.weight[:, :, ::-1, ::-1]
        return conv2d_input_gradient(dout, x.shape, w, self.stride, self.padding)


class AssignedForAdded(Conv2d):
    """The last window that covers a pixel wins, as with `=` for `+=` in col2im."""

    def backward(self, dout, x, out):
        padded = np.zeros((x.shape[0], x.shape[1], x.shape[2] + 2, x.shape[3] + 2))
        for row in range(out.shape[2]):
            for col in range(out.shape[3]):
                window = np.tensordot(dout[:, :, row, col], self.weight, axes=1)
                padded[:, :, row : row + 3, col : col + 3] = window
        return padded[:, :, 1:-1, 1:-1]


class MeanForSum(Conv2d):
    def parameter_gradients(self, dout, x):
        return {k: g / len(x) for k, g in super().parameter_gradients(dout, x).items()}


class BatchForgottenInBias(Conv2d):
    def parameter_gradients(self, dout, x):
        return {**super().parameter_gradients(dout, x), "bias": dout[0].sum(axis=(1, 2))}


class ChannelsSwapped(Conv2d):
    def parameter_gradients(self, dout, x):
        right = super().parameter_gradients(dout, x)
        return {**right, "weight": right["weight"].transpose(0, 1, 3, 2)}


@pytest.mark.parametrize("wrong", [NotFlipped, AssignedForAdded, MeanForSum, BatchForgottenInBias, ChannelsSwapped])
def test_wrong_convolutions_are_caught(wrong):
    x = rng().standard_normal((2, 3, 5, 6))
    assert max(check_layer(conv(), x).values()) < 1e-7
    assert max(check_layer(conv(wrong), x).values()) > CAUGHT


def test_a_forgotten_flip_keeps_the_norm_and_is_caught_all_the_same():
    x = rng().standard_normal((2, 3, 12, 13))
    dout = rng(5).standard_normal((2, 4, 12, 13))
    right, wrong = conv().backward(dout, x, dout), conv(NotFlipped).backward(dout, x, dout)
    assert np.linalg.norm(wrong) / np.linalg.norm(right) == pytest.approx(1, abs=0.1)  # so a norm would not tell
    assert relative_error(right, wrong) > 0.5


class WrongTranspose(Linear):
    def backward(self, dout, x, out):
        return dout @ self.weight.T


def test_a_wrong_transpose_of_a_square_matrix_is_caught():
    w, b = rng().standard_normal((4, 4)), rng().standard_normal(4)
    assert check_layer(WrongTranspose(w, b), rng().standard_normal((3, 4)))["input"] > CAUGHT


class AllTies(MaxPool2d):
    def backward(self, dout, x, out):
        spread = out.repeat(2, axis=2).repeat(2, axis=3)
        return (x == spread) * dout.repeat(2, axis=2).repeat(2, axis=3)


def test_gradient_to_all_ties_passes_differences_and_fails_at_a_tie():
    x = apart(rng(), (2, 3, 4, 6))
    assert check_layer(AllTies(2), x)["input"] < 1e-7  # ties have measure zero: this check cannot see them
    tied = np.ones((1, 1, 2, 2))
    dout = np.array([[[[5.0]]]])
    right, wrong = (layer.backward(dout, tied, layer.forward(tied)) for layer in (MaxPool2d(2), AllTies(2)))
    np.testing.assert_array_equal(right, [[[[5, 0], [0, 0]]]])
    assert wrong.sum() == 20


def test_greater_or_equal_in_relu_passes_differences_and_fails_at_zero():
    class GreaterOrEqual(ReLU):
        def backward(self, dout, x, out):
            return dout * (x >= 0)

    assert check_layer(GreaterOrEqual(), apart(rng(), (3, 4)))["input"] < 1e-7
    zero, one = np.zeros(1), np.ones(1)
    assert ReLU().backward(one, zero, zero) == 0
    assert GreaterOrEqual().backward(one, zero, zero) == 1


def test_a_backward_that_writes_into_dout_is_caught_by_read_only_arrays():
    class Mutating(ReLU):
        def backward(self, dout, x, out):
            dout[x <= 0] = 0
            return dout

    x, dout = apart(rng(), (3, 4)), rng().standard_normal((3, 4))
    dout.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        Mutating().backward(dout, x, x)
    ReLU().backward(dout, x, x)


def test_deconvnet_called_guided_is_caught():
    x, dout = apart(rng(), (3, 4)), rng(1).standard_normal((3, 4))
    seed = np.maximum(dout, 0)
    numerical = numerical_gradient(lambda v: (seed * np.maximum(v, 0)).sum(), x)
    assert relative_error(guided_relu_backward(dout, x), numerical) < 1e-7
    assert relative_error(deconvnet_relu_backward(dout, x), numerical) > CAUGHT


def naive_grad_cam(trace, target, layer, start=0.0, relu_first=False, pool=np.mean, score="logit"):
    """Grad-CAM with loops, and with a dial for each way it is got wrong in the wild."""
    seed = np.zeros(trace.output.shape)
    seed[np.arange(len(seed)), target] = 1
    if score == "softmax":
        p = softmax(trace.output)
        seed = p * (seed - p[np.arange(len(p)), target][:, None])
    gradient = trace.backward(seed, stop=layer)[layer]
    activations = trace[layer]
    n, k, rows, cols = activations.shape
    maps = np.full((n, rows, cols), float(start))
    for i in range(n):
        for channel in range(k):
            alpha = pool(gradient[i, channel])
            term = alpha * activations[i, channel]
            maps[i] += np.maximum(term, 0) if relu_first else term
    return np.maximum(maps, 0)


@pytest.mark.parametrize("target", [0, 1, 2, 3])
def test_grad_cam_equals_its_naive_twin(target):
    trace = small_network().forward(small_input(n=3))
    np.testing.assert_allclose(
        grad_cam(trace, target, "relu2"), naive_grad_cam(trace, target, "relu2"), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize(
    "mistake",
    [{"start": 1.0}, {"relu_first": True}, {"pool": np.max}, {"score": "softmax"}],
    ids=lambda m: next(iter(m)),
)
def test_wrong_grad_cams_are_caught(mistake):
    trace = small_network().forward(small_input(n=3))
    right = naive_grad_cam(trace, 2, "relu2")
    wrong = naive_grad_cam(trace, 2, "relu2", **mistake)
    assert right.max() > 0
    assert relative_error(right, wrong) > CAUGHT
    # and not only by a constant factor, which a display would hide
    assert relative_error(right / right.max(), wrong / wrong.max()) > CAUGHT
