"""Writes golden.h5: what PyTorch computes on a small network, for tests that run without PyTorch.

    python tests/golden/make_golden.py

Uses nothing of numcam. Standard gradients come from autograd; the guided and deconvnet rules are autograd functions.
"""

from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F

CONVOLUTIONS = {"conv1_1": (4, 3), "conv1_2": (5, 4), "conv2_1": (6, 5)}
INPUT = (2, 3, 18, 22)
MEAN, SCALE = 127.5, 64.0
TARGET = [2, 0]
EPSILON = 2.0


class Relu(torch.autograd.Function):
    """ReLU with a choice of backward rule."""

    @staticmethod
    def forward(ctx, x, rule):
        ctx.save_for_backward(x)
        ctx.rule = rule
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, dout):
        (x,) = ctx.saved_tensors
        if ctx.rule == "deconvnet":
            return dout.clamp(min=0), None
        return dout.clamp(min=0) * (x > 0), None


def relu(x, rule):
    return F.relu(x) if rule == "standard" else Relu.apply(x, rule)


def forward(p, x, rule="standard"):
    """Every named activation, each kept so that autograd can be asked for its gradient."""
    a = {"input": x}
    a["conv1_1"] = F.conv2d(a["input"], p["conv1_1.weight"], p["conv1_1.bias"], padding=1)
    a["relu1_1"] = relu(a["conv1_1"], rule)
    a["conv1_2"] = F.conv2d(a["relu1_1"], p["conv1_2.weight"], p["conv1_2.bias"], padding=1)
    a["relu1_2"] = relu(a["conv1_2"], rule)
    a["pool1"] = F.max_pool2d(a["relu1_2"], 2)
    a["conv2_1"] = F.conv2d(a["pool1"], p["conv2_1.weight"], p["conv2_1.bias"], padding=1)
    a["relu2_1"] = relu(a["conv2_1"], rule)
    a["pool2"] = F.max_pool2d(a["relu2_1"], 2)
    a["flatten"] = a["pool2"].flatten(1)
    a["fc3"] = F.linear(a["flatten"], p["fc3.weight"], p["fc3.bias"])
    a["relu3"] = relu(a["fc3"], rule)
    a["fc4"] = F.linear(a["relu3"], p["fc4.weight"], p["fc4.bias"])
    return a


def parameters():
    generator = torch.Generator().manual_seed(0)
    shapes = {f"{name}.weight": (k, c, 3, 3) for name, (k, c) in CONVOLUTIONS.items()}
    shapes |= {"fc3.weight": (7, 6 * 4 * 5), "fc4.weight": (4, 7)}
    p = {}
    for name, shape in shapes.items():
        scale = (2 / np.prod(shape[1:])) ** 0.5
        p[name] = torch.randn(shape, generator=generator, dtype=torch.float64) * scale
        p[name.replace("weight", "bias")] = torch.randn(shape[0], generator=generator, dtype=torch.float64) * 0.1
    return p


def gradients(p, x, rule):
    """d(sum of the target logits)/d(every activation)."""
    a = forward(p, x.clone().requires_grad_(), rule)
    score = sum(a["fc4"][i, k] for i, k in enumerate(TARGET))
    return dict(zip(a, torch.autograd.grad(score, list(a.values())), strict=True))


def main():
    p = parameters()
    pixels = torch.rand(INPUT, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 255
    x = (pixels - MEAN) / SCALE
    arrays = {f"parameters/{k}": v for k, v in p.items()}
    arrays |= {f"activations/{k}": v for k, v in forward(p, x).items()}
    for rule in ("standard", "guided", "deconvnet"):
        arrays |= {f"gradients/{rule}/{k}": v for k, v in gradients(p, x, rule).items()}

    leaves = {k: v.clone().requires_grad_() for k, v in p.items()}
    loss = F.cross_entropy(forward(leaves, x)["fc4"], torch.tensor(TARGET), reduction="sum")
    arrays |= {f"loss_gradients/{k}": g for k, g in zip(p, torch.autograd.grad(loss, leaves.values()), strict=True)}
    arrays["loss"] = loss.detach()

    for layer in ("relu2_1", "relu1_2"):
        g = arrays[f"gradients/standard/{layer}"]
        cam = F.relu((g.mean((2, 3), keepdim=True) * arrays[f"activations/{layer}"]).sum(1))
        arrays[f"grad_cam/{layer}"] = cam
        large = F.interpolate(cam[:, None], INPUT[2:], mode="bilinear", align_corners=False)
        arrays[f"guided_grad_cam/{layer}"] = large * arrays["gradients/guided/input"]

    leaf = pixels.clone().requires_grad_()
    loss = F.cross_entropy(forward(p, (leaf - MEAN) / SCALE)["fc4"], torch.tensor(TARGET))
    (g,) = torch.autograd.grad(loss, leaf)
    arrays["pixels"] = pixels
    arrays["fgsm"] = (pixels + EPSILON * g.sign()).clamp(0, 255)

    with h5py.File(Path(__file__).with_name("golden.h5"), "w") as file:
        file.attrs.update(torch=str(torch.__version__), target=TARGET, epsilon=EPSILON, mean=MEAN, scale=SCALE)
        for name, value in arrays.items():
            file[name] = value.detach().numpy()


if __name__ == "__main__":
    main()
