"""Every gradient of every layer against central differences in float64.

The bound 1e-7 leaves room for the differences' own error, about 1e-10 here: h^2 f'''/6 with h = 1e-5, and rounding.
"""

import numpy as np
import pytest
from helpers import apart, naive_conv2d, small_input, small_network

from numcam.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    ReLU,
    Softmax,
)
from numcam.nn.conv import col2im, conv2d, conv2d_backward, im2col
from numcam.nn.gradcheck import check_layer, directional_derivative, numerical_gradient, relative_error
from numcam.nn.linear import linear, linear_backward
from numcam.nn.norm import batch_norm2d_backward
from numcam.nn.pool import max_pool2d, max_pool2d_backward
from numcam.nn.relu import deconvnet_relu_backward, guided_relu_backward, relu_backward
from numcam.nn.softmax import (
    binary_cross_entropy,
    binary_cross_entropy_backward,
    cross_entropy,
    cross_entropy_backward,
    softmax,
)

BOUND = 1e-7
KERNELS = [(1, 1), (3, 3), (2, 3), (5, 1)]
STRIDES = [(1, 1), (2, 1), (3, 2)]
PADDINGS = [(0, 0), (1, 1), (2, 0)]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("padding", PADDINGS)
def test_convolution(kernel, stride, padding):
    r = rng()
    layer = Conv2d(r.standard_normal((4, 3, *kernel)), r.standard_normal(4), stride, padding)
    errors = check_layer(layer, r.standard_normal((2, 3, 5, 6)))
    assert max(errors.values()) < BOUND, errors


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("padding", PADDINGS)
def test_convolution_is_its_definition(kernel, stride, padding):
    r = rng()
    x, w, b = r.standard_normal((2, 3, 6, 7)), r.standard_normal((4, 3, *kernel)), r.standard_normal(4)
    np.testing.assert_allclose(conv2d(x, w, b, stride, padding), naive_conv2d(x, w, b, stride, padding), rtol=1e-12)


def test_convolution_worked_out_by_hand():
    x = np.array([[[[0.0, 1, 2], [3, 4, 5], [6, 7, 8]]]])
    w = np.array([[[[0.0, 1], [2, 3]]]])
    np.testing.assert_array_equal(conv2d(x, w, np.array([10.0])), [[[[29, 35], [47, 53]]]])  # 0*0+1*1+2*3+3*4+10 = 29
    dx, dw, db = conv2d_backward(np.array([[[[1.0, 0], [0, 2]]]]), x, w, np.array([10.0]))
    np.testing.assert_array_equal(dx, [[[[0, 1, 0], [2, 3, 2], [0, 4, 6]]]])
    np.testing.assert_array_equal(dw, [[[[8, 11], [17, 20]]]])  # 0 + 2*4, 1 + 2*5, 3 + 2*7, 4 + 2*8
    np.testing.assert_array_equal(db, [3])


def test_im2col_columns_are_the_windows_in_reading_order():
    image = np.arange(2 * 3 * 4.0).reshape(2, 3, 4)
    columns = im2col(image, (2, 3))
    assert columns.shape == (2 * 2 * 3, 2 * 2)
    np.testing.assert_array_equal(columns[:, 0], image[:, 0:2, 0:3].ravel())
    np.testing.assert_array_equal(columns[:, 1], image[:, 0:2, 1:4].ravel())
    np.testing.assert_array_equal(columns[:, 2], image[:, 1:3, 0:3].ravel())


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("padding", PADDINGS)
def test_col2im_is_the_transpose_of_im2col(stride, padding):
    r = rng()
    image = r.standard_normal((3, 6, 7))
    columns = im2col(image, (3, 2), stride, padding)
    other = r.standard_normal(columns.shape)
    assert (columns * other).sum() == pytest.approx((image * col2im(other, image.shape, (3, 2), stride, padding)).sum())


def test_relu():
    assert check_layer(ReLU(), apart(rng(), (2, 3, 4, 5)))["input"] < BOUND


@pytest.mark.parametrize("rule", [relu_backward, guided_relu_backward, deconvnet_relu_backward])
def test_each_relu_rule_is_the_gradient_of_something(rule):
    """guided: of relu, once the seed's negative part is dropped; deconvnet: of the identity, likewise."""
    x, dout = apart(rng(), (2, 3, 4, 5)), rng(1).standard_normal((2, 3, 4, 5))
    seed = dout if rule is relu_backward else np.maximum(dout, 0)
    forward = (lambda v: v) if rule is deconvnet_relu_backward else (lambda v: np.maximum(v, 0))
    numerical = numerical_gradient(lambda v: (seed * forward(v)).sum(), x)
    assert relative_error(rule(dout, x), numerical) < BOUND


def test_relu_rules_worked_out_by_hand_also_at_zero():
    x = np.array([-1.0, 0, 2, -1, 0, 2])
    dout = np.array([3.0, 3, 3, -3, -3, -3])
    np.testing.assert_array_equal(relu_backward(dout, x), [0, 0, 3, 0, 0, -3])
    np.testing.assert_array_equal(guided_relu_backward(dout, x), [0, 0, 3, 0, 0, 0])
    np.testing.assert_array_equal(deconvnet_relu_backward(dout, x), [3, 3, 3, 0, 0, 0])


@pytest.mark.parametrize(
    "layer",
    [
        MaxPool2d(2),
        MaxPool2d(3, 2),
        MaxPool2d((2, 3), (1, 2)),
        AvgPool2d(2),
        AvgPool2d(3, 1),
        AvgPool2d((1, 4), (2, 3)),
        AdaptiveAvgPool2d((4, 3)),
        AdaptiveAvgPool2d(9),
    ],
    ids=repr,
)
def test_pooling(layer):
    assert check_layer(layer, apart(rng(), (2, 3, 6, 7)))["input"] < BOUND


def test_the_first_of_tied_maxima_takes_the_gradient():
    x = np.array([[[[0.0, 5, 1, 1], [5, 5, 1, 1]]]])
    out = max_pool2d(x, (2, 2), (2, 2))
    dx = max_pool2d_backward(np.array([[[[7.0, 3]]]]), x, out, (2, 2), (2, 2))
    np.testing.assert_array_equal(dx, [[[[0, 7, 3, 0], [0, 0, 0, 0]]]])


def test_adaptive_windows_share_what_lies_between_them():
    """Of 5 values, 2 windows take the first three and the last three; of 2, three windows repeat."""
    layer, x = AdaptiveAvgPool2d((1, 2)), np.array([[[[1.0, 2, 6, 4, 11]]]])
    np.testing.assert_allclose(layer.forward(x), [[[[3, 7]]]], rtol=1e-15)
    dx = layer.backward(np.array([[[[30.0, 3]]]]), x, layer.forward(x))
    np.testing.assert_allclose(dx, [[[[10, 10, 11, 1, 1]]]], rtol=1e-15)
    np.testing.assert_allclose(AdaptiveAvgPool2d((1, 3)).forward(np.array([[[[2.0, 6]]]])), [[[[2, 4, 6]]]])


def test_overlapping_windows_add_their_gradients():
    x = np.array([[[[1.0, 9, 2]]]])
    out = max_pool2d(x, (1, 2), (1, 1))
    np.testing.assert_array_equal(
        max_pool2d_backward(np.array([[[[10.0, 100]]]]), x, out, (1, 2), (1, 1)), [[[[0, 110, 0]]]]
    )


def test_cells_that_no_window_covers_get_no_gradient():
    layer, x = MaxPool2d(2), apart(rng(), (1, 2, 5, 5))
    dx = layer.backward(np.ones((1, 2, 2, 2)), x, layer.forward(x))
    assert (dx[:, :, 4] == 0).all()
    assert (dx[:, :, :, 4] == 0).all()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (GlobalAvgPool2d(), (2, 3, 4, 5)),
        (Flatten(), (2, 3, 4, 5)),
        (Dropout(0.3), (3, 7)),
        (Dropout(0.3, seed=5), (3, 7)),
        (Linear(rng(3).standard_normal((4, 7)), rng(4).standard_normal(4)), (3, 7)),
        (Softmax(), (3, 7)),
    ],
    ids=lambda v: repr(v) if not isinstance(v, tuple) else "",
)
def test_the_other_layers(layer, shape):
    errors = check_layer(layer, rng().standard_normal(shape))
    assert max(errors.values()) < BOUND, errors


def test_linear_backward_returns_all_three_gradients():
    r = rng()
    x, w, b, dout = (r.standard_normal(s) for s in ((3, 4), (5, 4), (5,), (3, 5)))
    for gradient, value, of in zip(linear_backward(dout, x, w, b), (x, w, b), range(3), strict=True):
        arguments = [x, w, b]

        def score(v, of=of, arguments=arguments):
            return (dout * linear(*arguments[:of], v, *arguments[of + 1 :])).sum()

        assert relative_error(gradient, numerical_gradient(score, value)) < BOUND


def test_batch_normalisation():
    r = rng()
    mean, variance, w, b = r.standard_normal(3), r.uniform(0.5, 2, 3), r.standard_normal(3), r.standard_normal(3)
    layer = BatchNorm2d(mean=mean, variance=variance, weight=w, bias=b, epsilon=1e-3)
    x = r.standard_normal((2, 3, 4, 5)) + 1
    errors = check_layer(layer, x)
    assert max(errors[k] for k in ("input", "weight", "bias")) < BOUND
    gradients = layer.parameter_gradients(np.ones(x.shape), x)
    assert not gradients["mean"].any()  # measured, not learned
    assert not gradients["variance"].any()
    dx, _, _ = batch_norm2d_backward(x, x, layer.mean, layer.variance, layer.weight, layer.epsilon)
    np.testing.assert_allclose(dx, layer.backward(x, x, x))


@pytest.mark.parametrize("target", [np.array([2, 0, 4]), rng(8).dirichlet(np.ones(5), 3)], ids=["indices", "shares"])
def test_cross_entropy(target):
    logits = rng().standard_normal((3, 5))
    numerical = numerical_gradient(lambda v: cross_entropy(v, target).sum(), logits)
    assert relative_error(cross_entropy_backward(logits, target), numerical) < BOUND


def test_binary_cross_entropy():
    logits, present = rng().standard_normal((3, 5)), np.array([[0, 1, 0, 0, 1], [0] * 5, [1] * 5])
    numerical = numerical_gradient(lambda v: binary_cross_entropy(v, present).sum(), logits)
    assert relative_error(binary_cross_entropy_backward(logits, present), numerical) < BOUND
    by_hand = binary_cross_entropy(np.log([[3.0, 1.0]]), np.array([[1, 0]]))  # -log(3/4) - log(1/2)
    np.testing.assert_allclose(by_hand, np.log(8 / 3))
    huge = np.array([[1000.0, -1000.0]])
    np.testing.assert_array_equal(binary_cross_entropy(huge, np.array([[1, 0]])), [0])
    np.testing.assert_array_equal(binary_cross_entropy_backward(huge, np.array([[0, 1]])), [[1, -1]])


def test_softmax_and_cross_entropy_do_not_overflow():
    logits = np.array([[1000.0, 0, -1000]])
    np.testing.assert_array_equal(softmax(logits), [[1, 0, 0]])
    np.testing.assert_array_equal(cross_entropy(logits, np.array([1])), [1000])


def test_cross_entropy_worked_out_by_hand():
    np.testing.assert_allclose(cross_entropy(np.log([[1.0, 3, 4]]), np.array([1])), -np.log(3 / 8))


@pytest.mark.parametrize("target", [np.array([5]), np.array([-1]), np.array([0.0]), np.array([0, 1])])
def test_cross_entropy_refuses_what_is_no_target(target):
    with pytest.raises(ValueError, match="class indices"):
        cross_entropy(np.zeros((1, 5)), target)


def test_a_whole_network_along_a_random_direction():
    """Two evaluations for all inputs together, and two for all parameters together."""
    network, x = small_network(), small_input()
    trace = network.forward(x)
    seed = rng(2).standard_normal(trace.output.shape)
    grads = trace.backward(seed)
    direction = rng(3).standard_normal(x.shape)
    numerical = directional_derivative(lambda v: (seed * network.forward(v).output).sum(), x, direction, 1e-7)
    assert (grads["input"] * direction).sum() == pytest.approx(numerical, rel=1e-6)  # a smaller step for the kinks
    gradients, parameters = trace.parameter_gradients(grads), network.parameters
    for name, value in parameters.items():
        direction = rng(4).standard_normal(value.shape)

        def score(v, name=name):
            return (seed * network.with_parameters({**parameters, name: v}).forward(x).output).sum()

        numerical = directional_derivative(score, value, direction, 1e-7)
        assert (gradients[name] * direction).sum() == pytest.approx(numerical, rel=1e-6), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backward_changes_none_of_its_arguments_and_keeps_their_dtype(dtype):
    r = rng()
    shape = (2, 3, 6, 6)
    layers = [Conv2d(r.standard_normal((4, 3, 3, 3)).astype(dtype), np.ones(4, dtype), padding=1), ReLU(), MaxPool2d(2)]
    layers += [AvgPool2d(2), GlobalAvgPool2d(), Flatten(), Dropout(0.5, seed=1)]
    for layer in layers:
        x = r.standard_normal(shape).astype(dtype)
        out = layer.forward(x)
        dout = r.standard_normal(out.shape).astype(dtype)
        for a in (x, out, dout):
            a.flags.writeable = False
        assert out.dtype == dtype
        assert layer.backward(dout, x, out).dtype == dtype
        assert layer.backward(dout, x, out).shape == x.shape
        assert all(g.dtype == dtype for g in layer.parameter_gradients(dout, x).values())


def test_gradcheck_itself_finds_a_wrong_gradient_and_refuses_unequal_shapes():
    class Wrong(ReLU):
        def backward(self, dout, x, out):
            return 1.01 * super().backward(dout, x, out)

    assert check_layer(Wrong(), apart(rng(), (2, 3)))["input"] == pytest.approx(0.01 / 1.01, rel=1e-3)
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
    with pytest.raises(ValueError, match="one shape"):
        relative_error(np.zeros(3), np.zeros((3, 1)))
