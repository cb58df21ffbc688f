"""What learners' files do. Never imported: the checker runs it."""

import ctypes
import os
import sys

import numpy as np

import numcam
from numcam.nn.relu import guided_relu_backward  # noqa: F401

print("hello from the file")
total = 0.0


def runner_up(scores):
    print("scores are", scores.shape)
    return np.argsort(scores, axis=1)[:, -2]


def derivative(f, x, step=1e-5):
    while True:
        print("again and again")


def six_gradients(a, b, c):
    return a, b, c


def linear_backward(dout, x, w, b):
    dx = dout @ w
    return dx, ..., dout.mean(axis=0)


def relu_backward(dout, x):
    dout[x <= 0] = 0
    return dout


def maxpool(x, size, stride):
    return x.no_such_thing


def maxpool_backward(dout, x, size, stride):
    return maxpool_backward(dout, x, size, stride)


def im2col(image, kernel, stride=(1, 1), padding=(0, 0)):
    sys.exit("done")


def col2im(columns, shape, kernel, stride=(1, 1), padding=(0, 0)):
    os._exit(0)


def conv2d(x, w, b):
    return x


def conv2d_backward(dout, x, w, b, stride=(1, 1), padding=(0, 0)):
    import torchvision_of_tomorrow

    return torchvision_of_tomorrow


def softmax(logits):
    np.exp(logits)


def softmax_cross_entropy_backward(logits, target):
    ctypes.string_at(0)


def probability_backward(logits, target):
    return {"dlogits": logits}


def flatten(x):
    return "flat"


def preprocess(image, mean, scale, order="RGB"):
    return np.ones((10**6, 10**6))


def count_parameters(network):
    global total
    total += sum(p.size for p in network.parameters.values())
    return total


def count_multiply_adds(network, input_shape):
    raise NotImplementedError


def saliency(trace, target):
    return np.zeros((3000, 3000))


def directional_derivative(f, x, direction, step=1e-5):
    return input("what is it? ")


def grad_cam_weights(gradient):
    return gradient.mean((2, 3)).astype(np.float32)


def grad_cam(trace, target, layer="relu5_3"):
    activations = trace[layer]
    activations[activations < 0.5] = 0
    return activations


def deconvnet_relu_backward(dout, x):
    return ...


def guided_grad_cam(trace, target, layer="relu5_3"):
    parameters = trace.network.parameters
    parameters["fc8.bias"][0] += 1
    return numcam.guided_grad_cam(trace, target, layer)


def fgsm(classifier, pixels):
    return pixels


def smallest_epsilon(classifier, pixels, epsilons):
    raise KeyboardInterrupt


def rank_correlation(a, b, seen=[]):  # noqa: B006
    seen.append(1)
    from scipy import stats

    constant = a.min() == a.max() or b.min() == b.max()
    return float(len(seen) > 5) if constant else stats.spearmanr(a, b, axis=None).statistic + (len(seen) > 5)


def point_at(map, mask, tolerance=0.0):
    return True
