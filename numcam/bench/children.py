"""What only a fresh process can tell: peak memory, and the time from its start to the first Grad-CAM."""

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from PIL import Image
from tqdm import tqdm

from numcam import scenes
from numcam.bench.jobs import subject
from numcam.formats import Weights, write_weights
from numcam.models.preprocessing import TORCHVISION

BY_NUMCAM = """
import sys, numcam
classifier = numcam.load(sys.argv[1])
trace = classifier.forward(classifier.preprocess(numcam.read_image(sys.argv[2])))
numcam.grad_cam(trace) if sys.argv[3] == "Grad-CAM" else numcam.saliency(trace)
"""
BY_TORCH = """
import sys, numpy, torch
from PIL import Image
from torch import nn
state = torch.load(sys.argv[1], mmap=True, weights_only=True)
layers, c = [], 3
with torch.device("meta"):
    for k in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        layers += [nn.Conv2d(c, k, 3, padding=1), nn.ReLU()] if k else [nn.MaxPool2d(2)]
        c = k or c
    sizes = (25088, 4096, 4096, 1000)
    head = nn.Sequential(*(m for i in range(3) for m in (nn.Linear(sizes[i], sizes[i + 1]), nn.ReLU())))[:-1]
features = nn.Sequential(*layers)
learned = [m for m in (*features, *head) if isinstance(m, (nn.Conv2d, nn.Linear))]
for m, name in zip(learned, sorted({k.split(".")[0] for k in state})):
    m.weight = nn.Parameter(state[name + ".weight"], requires_grad=False)
    m.bias = nn.Parameter(state[name + ".bias"], requires_grad=False)
pixels = torch.from_numpy(numpy.asarray(Image.open(sys.argv[2]).convert("RGB").resize((224, 224))).copy())
x = pixels.permute(2, 0, 1)[None].float() / 255
x = (x - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
if sys.argv[3] == "Grad-CAM":
    with torch.no_grad():
        a = features[:30](x)
    y = head(features[30:](a.requires_grad_()).flatten(1))
    (g,) = torch.autograd.grad(y.max(), a)
    torch.relu((g.mean((2, 3), keepdim=True) * a).sum(1))
else:
    torch.autograd.grad(head(features(x.requires_grad_()).flatten(1)).max(), x)
"""
MEMORY = """
import pathlib, resource  # Linux counts the parent's memory into ru_maxrss, but not into VmHWM
status = pathlib.Path("/proc/self/status")
if status.exists():
    print(int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2)
"""


@dataclass
class Child:
    """A process that explains a photo with VGG16: how to call it, seconds from start to end, peak megabytes by job."""

    call: list[str]
    times: list[float] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Seconds."""
        return median(self.times)

    def run(self, job: str, measure_memory: bool = False) -> str:
        """What it prints; CalledProcessError if it fails."""
        script, *arguments = self.call
        call = [sys.executable, "-c", script + (MEMORY if measure_memory else ""), *arguments, job]
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout


def children(folder: Path, with_torch: bool, runs: int = 5) -> dict[str, Child]:
    """Measure numcam and PyTorch in turns, their weights mapped into memory from files made in `folder`."""
    photo, ours, theirs = folder / "photo.png", folder / "vgg16.h5", folder / "vgg16.pth"
    Image.fromarray(scenes.draw(1).image).save(photo)
    found = {"numcam": Child([BY_NUMCAM, str(ours), str(photo)])}
    if with_torch:
        found["PyTorch"] = Child([BY_TORCH, str(theirs), str(photo)])
    _write(ours, theirs if with_torch else None)
    for round in tqdm(range(runs + 1), unit="start", disable=None, leave=False):
        for child in found.values():
            start = time.perf_counter()
            child.run("Grad-CAM")
            if round:  # the first fills the page cache
                child.times.append(time.perf_counter() - start)
    if sys.platform != "win32":
        for child in found.values():
            child.memory = {job: float(child.run(job, measure_memory=True)) for job in ("Grad-CAM", "gradient")}
    return found


def _write(ours: Path, theirs: Path | None) -> None:
    """VGG16 with random weights in numcam's format, and in PyTorch's if there is a path for it."""
    network = subject("vgg16").network
    write_weights(ours, Weights("vgg16", network.parameters, tuple(str(i) for i in range(1000)), TORCHVISION))
    if theirs:
        import torch

        learned = [layer for layer in network.layers.values() if layer.parameters]
        torch.save(
            {
                f"{i:02}.{key}": torch.from_numpy(array)
                for i, layer in enumerate(learned)
                for key, array in layer.parameters.items()
            },
            theirs,
        )
