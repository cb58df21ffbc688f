"""The activations that are not the rectifier. Each is a function of one value and its derivative, in any shape."""

import numpy as np

from numcam.nn.types import Array, Parameterless


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), in a form that cannot overflow."""
    half = x.dtype.type(0.5)
    return half * (1 + np.tanh(half * x))


def sigmoid_backward(dout: Array, out: Array) -> Array:
    """dx from the sigmoid's *output* p: p (1 - p) dout."""
    return dout * out * (1 - out)


def tanh_backward(dout: Array, out: Array) -> Array:
    """dx from the *output* y of tanh: (1 - y^2) dout."""
    return dout * (1 - out * out)


def leaky_relu(x: Array, slope: float) -> Array:
    """x where it is positive, slope * x elsewhere (Maas et al. 2013)."""
    return np.where(x > 0, x, x.dtype.type(slope) * x)


def leaky_relu_backward(dout: Array, x: Array, slope: float) -> Array:
    """dx: dout, times the slope where x was not positive."""
    return np.where(x > 0, dout, dout.dtype.type(slope) * dout)


def clipped_relu(x: Array, most: float) -> Array:
    """max(x, 0), and `most` at most."""
    return np.clip(x, 0, x.dtype.type(most))


def clipped_relu_backward(dout: Array, x: Array, most: float) -> Array:
    """dx: dout where 0 < x < most."""
    return dout * ((x > 0) & (x < most))


def elu(x: Array, alpha: float, scale: float) -> Array:
    """scale * (x where it is positive, alpha * (exp(x) - 1) elsewhere) (Clevert et al. 2016)."""
    return x.dtype.type(scale) * np.where(x > 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0)))


def elu_backward(dout: Array, x: Array, alpha: float, scale: float) -> Array:
    """dx: scale * dout, times alpha * exp(x) where x was not positive."""
    return dout.dtype.type(scale) * np.where(x > 0, dout, dout * dout.dtype.type(alpha) * np.exp(np.minimum(x, 0)))


def silu(x: Array) -> Array:
    """x * sigmoid(x) (Elfwing et al. 2018), also called swish."""
    return x * sigmoid(x)


def silu_backward(dout: Array, x: Array) -> Array:
    """dx: p + x p (1 - p), with p the sigmoid of x, times dout."""
    p = sigmoid(x)
    return dout * (p + x * p * (1 - p))


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), in a form that cannot overflow."""
    return np.logaddexp(x, x.dtype.type(0))


def gelu(x: Array, approximate: bool) -> Array:
    """x times the normal distribution's function (Hendrycks and Gimpel 2016), or its approximation by a tanh."""
    half = x.dtype.type(0.5)
    if approximate:
        return half * x * (1 + np.tanh(_inner(x)))
    return half * x * (1 + _erf(x * x.dtype.type(np.sqrt(0.5))))


def gelu_backward(dout: Array, x: Array, approximate: bool) -> Array:
    """dx, by the product rule."""
    half = x.dtype.type(0.5)
    if approximate:
        t = np.tanh(_inner(x))
        slope = x.dtype.type(np.sqrt(2 / np.pi)) * (1 + x.dtype.type(3 * 0.044715) * x * x)
        return dout * half * (1 + t + x * (1 - t * t) * slope)
    density = np.exp(-half * x * x) * x.dtype.type(np.sqrt(0.5 / np.pi))
    return dout * (half * (1 + _erf(x * x.dtype.type(np.sqrt(0.5)))) + x * density)


def _erf(x: Array) -> Array:
    from scipy.special import erf  # here, because it takes as long to import as all of numcam

    values: Array = erf(x)
    return values


def _inner(x: Array) -> Array:
    return x.dtype.type(np.sqrt(2 / np.pi)) * (x + x.dtype.type(0.044715) * x * x * x)


class Elementwise(Parameterless):
    """What the activations share: each value of the output is made from one value of the input."""

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value:g}" for name, value in vars(self).items())
        return f"{type(self).__name__}({settings})"


class Sigmoid(Elementwise):
    """1 / (1 + exp(-x)) as a layer within a network; what comes last in one gives probabilities, and is left out."""

    def forward(self, x: Array) -> Array:
        return sigmoid(x)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return sigmoid_backward(dout, out)


class Tanh(Elementwise):
    """The hyperbolic tangent."""

    def forward(self, x: Array) -> Array:
        return np.tanh(x)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return tanh_backward(dout, out)


class LeakyReLU(Elementwise):
    """x where it is positive, slope * x elsewhere. The guided rules are for ReLU and do not touch it."""

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = float(slope)

    def forward(self, x: Array) -> Array:
        return leaky_relu(x, self.slope)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return leaky_relu_backward(dout, x, self.slope)


class ClippedReLU(Elementwise):
    """A ReLU with an upper end, as in ReLU6."""

    def __init__(self, most: float = 6) -> None:
        self.most = float(most)
        if not self.most > 0:
            raise ValueError(f"a clipped ReLU ends above 0; got {most!r}")

    def forward(self, x: Array) -> Array:
        return clipped_relu(x, self.most)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return clipped_relu_backward(dout, x, self.most)


class ELU(Elementwise):
    """The exponential linear unit; with alpha 1.67326 and scale 1.05070 SELU (Klambauer et al. 2017)."""

    def __init__(self, alpha: float = 1, scale: float = 1) -> None:
        self.alpha, self.scale = float(alpha), float(scale)

    def forward(self, x: Array) -> Array:
        return elu(x, self.alpha, self.scale)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return elu_backward(dout, x, self.alpha, self.scale)


class SiLU(Elementwise):
    """x * sigmoid(x), also called swish."""

    def forward(self, x: Array) -> Array:
        return silu(x)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return silu_backward(dout, x)


class Softplus(Elementwise):
    """log(1 + exp(x)), whose derivative is the sigmoid."""

    def forward(self, x: Array) -> Array:
        return softplus(x)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return dout * sigmoid(x)


class GELU(Elementwise):
    """x times the probability that a standard normal number is smaller; approximate: by a tanh."""

    def __init__(self, approximate: bool = False) -> None:
        self.approximate = bool(approximate)

    def forward(self, x: Array) -> Array:
        return gelu(x, self.approximate)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        return gelu_backward(dout, x, self.approximate)
