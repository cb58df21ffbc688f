"""The same networks in PyTorch, from the same arrays, written with nothing of numcam's backward pass."""

import torch
import torch.nn.functional as F

from numcam.nn import Conv2d, Linear, MaxPool2d, ReLU


class RuledReLU(torch.autograd.Function):
    """ReLU with the guided or the deconvnet backward."""

    @staticmethod
    def forward(ctx, x, guided):
        ctx.save_for_backward(x)
        ctx.guided = guided
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, dout):
        (x,) = ctx.saved_tensors
        passed = dout.clamp(min=0)
        return (passed * (x > 0) if ctx.guided else passed), None


def activations(network, x, rule="standard"):
    """Every activation by name, as tensors in one autograd graph."""
    a = {"input": x}
    for name, layer in network.layers.items():
        if isinstance(layer, Conv2d):
            w, b = torch.from_numpy(layer.weight), torch.from_numpy(layer.bias)
            x = F.conv2d(x, w, b, layer.stride, layer.padding)
        elif isinstance(layer, Linear):
            x = F.linear(x, torch.from_numpy(layer.weight), torch.from_numpy(layer.bias))
        elif isinstance(layer, MaxPool2d):
            x = F.max_pool2d(x, layer.size, layer.stride)
        elif isinstance(layer, ReLU):
            x = F.relu(x) if rule == "standard" else RuledReLU.apply(x, rule == "guided")
        elif name == "flatten":
            x = x.flatten(1)
        else:
            assert name.startswith("drop"), name
            x = x * 1  # a tensor of its own, so that it has a gradient of its own
        a[name] = x
    return a


def gradients(network, x, target, rule="standard"):
    """Activations and gradients of the target logit, as NumPy arrays by name."""
    a = activations(network, torch.from_numpy(x).requires_grad_(), rule)
    score = a[next(reversed(a))][range(len(x)), target].sum()
    grads = torch.autograd.grad(score, list(a.values()))
    return (
        {name: t.detach().numpy() for name, t in a.items()},
        {name: g.numpy() for name, g in zip(a, grads, strict=True)},
    )
