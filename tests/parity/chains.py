"""Chains of PyTorch's layers, drawn at random, and the line of words that says each."""

import numpy as np
import torch
from torch import nn


def trained(model, seed=0):
    """With numbers in every array that matter."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.2, 0.2)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            if module.weight is not None:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.5, 0.5)
    return model.eval()


class SmallVGG(nn.Module):
    """VGG16 with pocket's channels, as torchvision writes it: with an adaptive pooling to 7x7."""

    def __init__(self, classes=5):
        super().__init__()
        layers, c = [], 3
        for count, k in zip((2, 2, 3, 3, 3), (8, 16, 32, 64, 64), strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(c, k, 3, padding=1), nn.ReLU()]
                c = k
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        hidden = [nn.Linear(64 * 49, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, 32), nn.ReLU(), nn.Dropout()]
        self.classifier = nn.Sequential(*hidden, nn.Linear(32, classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


ACTIVATIONS = (
    (nn.ReLU, (), "relu"), (nn.LeakyReLU, (0.1,), "leaky_relu(0.1)"), (nn.ELU, (), "elu"), (nn.Tanh, (), "tanh"),
    (nn.SiLU, (), "silu"), (nn.GELU, (), "gelu"), (nn.ReLU6, (), "relu6"), (nn.Sigmoid, (), "sigmoid"),
)  # fmt: skip


def random_sequential(seed):
    """A chain that fits, the side of its pictures, and their channels."""
    rng = np.random.default_rng(seed)
    side, channels = int(rng.integers(17, 49)), int(rng.choice([3, 3, 3, 1, 4]))
    shape, layers = (channels, side, side), []

    def add(layer):
        nonlocal shape
        with torch.no_grad():
            after = layer.eval()(torch.zeros(1, *shape)).shape[1:]
        if min(after) < 1:
            return
        layers.append(layer)
        shape = tuple(after)

    for _ in range(int(rng.integers(1, 5))):
        if min(shape[1:]) < 5:
            break
        kernel = tuple(int(v) for v in rng.integers(1, 6, 2))
        padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
        stride = int(rng.choice([1, 1, 1, 2]))
        bias = bool(rng.random() < 0.7)
        add(nn.Conv2d(shape[0], int(rng.integers(2, 9)), kernel, stride, padding, bias=bias))
        if rng.random() < 0.3:
            add(nn.BatchNorm2d(shape[0], eps=float(rng.choice([1e-5, 1e-3]))))
        add(_activation(rng))
        if rng.random() < 0.6 and min(shape[1:]) > 3:
            size, step = int(rng.integers(2, 4)), int(rng.integers(1, 4))
            if rng.random() < 0.6:
                add(nn.MaxPool2d(size, step, int(rng.integers(0, size // 2 + 1)), ceil_mode=bool(rng.random() < 0.3)))
            else:
                add(nn.AvgPool2d(size, step))
        if rng.random() < 0.2:
            add(nn.Dropout(0.3))
    if rng.random() < 0.3:
        add(nn.AdaptiveAvgPool2d(1))
    elif rng.random() < 0.3:
        add(nn.AdaptiveAvgPool2d(tuple(int(v) for v in rng.integers(1, 5, 2))))
    add(nn.Flatten())
    for units in rng.integers(3, 12, int(rng.integers(0, 3))):
        add(nn.Linear(shape[0], int(units)))
        if rng.random() < 0.2:
            add(nn.BatchNorm1d(shape[0]))
        add(_activation(rng))
    add(nn.Linear(shape[0], int(rng.integers(2, 6))))
    return trained(nn.Sequential(*layers), seed), side, channels


def _activation(rng):
    kind, settings, _ = ACTIVATIONS[int(rng.integers(len(ACTIVATIONS)))]
    return kind(*settings)


def words_of(model):
    """The line that says a Sequential."""
    return " ".join(_word(str(i), layer) for i, layer in enumerate(model))


def _word(name, layer):
    pair = lambda v: "x".join(map(str, v if isinstance(v, tuple) else (v, v)))  # noqa: E731
    if isinstance(layer, nn.Conv2d):
        return f"{name}(stride={pair(layer.stride)},padding={pair(layer.padding)})"
    if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
        return f"{name}(eps={layer.eps})"
    if isinstance(layer, nn.Linear):
        return name
    if isinstance(layer, nn.MaxPool2d):
        return f"pool({pair(layer.kernel_size)},{pair(layer.stride)},{pair(layer.padding)})"
    if isinstance(layer, nn.AvgPool2d):
        return f"avgpool({pair(layer.kernel_size)},{pair(layer.stride)})"
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return f"adaptive_avg_pool({pair(layer.output_size)})"
    return next((word for kind, _, word in ACTIVATIONS if type(layer) is kind), type(layer).__name__.lower())
