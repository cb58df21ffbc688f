"""The same jobs in PyTorch: as people write them, and as fast as it can do them."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import nn

from numcam.bench.jobs import JOBS, RATE, TARGET
from numcam.bench.timing import Job
from numcam.nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, Network, ReLU
from numcam.nn.types import Array


def module(network: Network, shared: bool = False) -> Any:
    """The network as a torch module, its children named like the layers; shared: on the network's own arrays."""
    return nn.Sequential(OrderedDict((name, _layer(layer, shared)) for name, layer in network.layers.items())).eval()


def _layer(layer: object, shared: bool) -> Any:
    if isinstance(layer, Conv2d):
        k, c, rows, _ = layer.weight.shape
        return _filled(nn.Conv2d(c, k, rows, layer.stride, layer.padding, device="meta"), layer, shared)
    if isinstance(layer, Linear):
        return _filled(nn.Linear(1, 1), layer, shared)
    if isinstance(layer, MaxPool2d):
        return nn.MaxPool2d(layer.size, layer.stride)
    return {ReLU: nn.ReLU, Flatten: nn.Flatten, Dropout: nn.Dropout}[type(layer)]()


def _filled(made: Any, layer: Conv2d | Linear, shared: bool) -> Any:
    for name, array in (("weight", layer.weight), ("bias", layer.bias)):
        own = array if shared and array.flags.writeable else np.array(array)  # torch warns of what it may not write
        setattr(made, name, nn.Parameter(torch.from_numpy(own)))
    return made


def _made_when_run(make: Callable[[], Job]) -> Job:
    """A job that takes memory, made the first time that it is run."""
    made = cache(make)
    return lambda: made()()


def as_written(network: Network, x: Array, layer: str) -> Mapping[str, Job]:
    """Trainable parameters, hooks, and .backward() all the way."""
    net, pixels = module(network, shared=True), torch.from_numpy(x)

    def forward() -> object:
        with torch.no_grad():
            return net(pixels)

    def cam() -> object:
        kept: dict[str, Any] = {}
        at = getattr(net, layer)
        hooks = [
            at.register_forward_hook(lambda _module, _given, out: kept.update(out=out)),
            at.register_full_backward_hook(lambda _module, _into, gradient: kept.update(gradient=gradient[0])),
        ]
        net.zero_grad()
        net(pixels)[:, TARGET].sum().backward()
        for hook in hooks:
            hook.remove()
        return torch.relu((kept["gradient"].mean((2, 3), keepdim=True) * kept["out"]).sum(1))

    def gradient(guided: bool = False) -> object:
        hooks = [
            m.register_full_backward_hook(lambda _module, into, _out: (into[0].clamp(min=0),))
            for m in net
            if guided and isinstance(m, nn.ReLU)
        ]
        net.zero_grad()
        leaf = pixels.clone().requires_grad_()
        net(leaf)[:, TARGET].sum().backward()
        for hook in hooks:
            hook.remove()
        return leaf.grad

    step = _made_when_run(partial(training_step, network, x, torch.contiguous_format))
    return dict(zip(JOBS, (forward, cam, lambda: gradient(guided=True), gradient, step), strict=True))


class _Guided(torch.autograd.Function):
    """A ReLU that guided backpropagation goes back through."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        out = x.clamp(min=0)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        (out,) = ctx.saved_tensors
        return gradient.clamp(min=0) * (out > 0)


def at_its_best(network: Network, x: Array, layer: str, channels_last: bool) -> Mapping[str, Job]:
    """Frozen parameters, only the gradient that is asked for, no recording where none is needed."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = module(network, shared=True).to(memory_format=layout).requires_grad_(False)
    pixels = torch.from_numpy(x).to(memory_format=layout)
    at = [name for name, _ in net.named_children()].index(layer) + 1
    step = _made_when_run(partial(training_step, network, x, layout))

    def forward() -> object:
        with torch.inference_mode():
            return net(pixels)

    def cam() -> object:
        with torch.no_grad():
            out = net[:at](pixels)
        (gradient,) = torch.autograd.grad(net[at:](out.requires_grad_())[:, TARGET].sum(), out)
        return torch.relu((gradient.mean((2, 3), keepdim=True) * out).sum(1))

    def gradient(guided: bool = False) -> object:
        leaf = here = pixels.detach().clone(memory_format=torch.preserve_format).requires_grad_()
        for m in net:
            here = _Guided.apply(here) if guided and isinstance(m, nn.ReLU) else m(here)
        return torch.autograd.grad(here[:, TARGET].sum(), leaf)[0]

    return dict(zip(JOBS, (forward, cam, lambda: gradient(guided=True), gradient, step), strict=True))


def training_step(network: Network, x: Array, layout: Any) -> Job:
    """A training step, in one of PyTorch's memory layouts."""
    net = module(network).to(memory_format=layout).train()
    pixels, targets = torch.from_numpy(x).to(memory_format=layout), torch.full((len(x),), TARGET)
    optimiser = torch.optim.SGD(net.parameters(), RATE, momentum=0.9)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(net(pixels), targets).backward()
        optimiser.step()

    return step
