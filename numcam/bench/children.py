"""What only a fresh process can tell: peak memory, and the time from its start to the first Grad-CAM."""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from numcam import scenes
from numcam.bench.jobs import by_numcam, pictures, subject
from numcam.explain import spatial_layer
from numcam.formats import Weights, write_weights
from numcam.models.preprocessing import TORCHVISION

COLD_NUMCAM = """
import sys, numcam
classifier = numcam.load(sys.argv[1])
trace = classifier.forward(classifier.preprocess(numcam.read_image(sys.argv[2])))
print(numcam.grad_cam(trace).sum())
"""
COLD_TORCH = """
import sys, numpy, torch
from PIL import Image
from torch import nn
state = torch.load(sys.argv[1], mmap=True, weights_only=True)
layers, c = [], 3
for k in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
    layers += [nn.Conv2d(c, k, 3, padding=1), nn.ReLU()] if k else [nn.MaxPool2d(2)]
    c = k or c
with torch.device("meta"):
    head = nn.Sequential(nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000))
with torch.no_grad():
    features = nn.Sequential(*layers)
convolutions = [m for m in features if isinstance(m, nn.Conv2d)] + [m for m in head if isinstance(m, nn.Linear)]
for m, name in zip(convolutions, sorted({k.rsplit(".", 1)[0] for k in state})):
    m.weight = nn.Parameter(state[name + ".weight"], requires_grad=False)
    m.bias = nn.Parameter(state[name + ".bias"], requires_grad=False)
pixels = torch.from_numpy(numpy.asarray(Image.open(sys.argv[2]).convert("RGB").resize((224, 224))).copy())
x = pixels.permute(2, 0, 1)[None].float() / 255
x = (x - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
with torch.no_grad():
    a = features[:30](x)
y = head(features[30:](a.requires_grad_()).flatten(1))
(g,) = torch.autograd.grad(y.max(), a)
print(torch.relu((g.mean((2, 3), keepdim=True) * a).sum(1)).sum().item())
"""


def peak_memory(model: str, batch: int, job: str, who: str) -> float:
    """Megabytes that a fresh process doing this job three times held at most; NaN where the system does not tell."""
    call = [sys.executable, "-m", "numcam.bench.children", json.dumps([model, batch, job, who])]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 and done.stdout.strip() else float("nan")


def cold_starts(folder: Path, with_torch: bool, runs: int = 5) -> dict[str, float]:
    """Median seconds of a process from its start to its end, with Grad-CAM of VGG16 in between; files in `folder`."""
    network = subject("vgg16").network
    photo, ours, theirs = folder / "photo.png", folder / "vgg16.h5", folder / "vgg16.pth"
    Image.fromarray(scenes.draw(1).image).save(photo)
    names = tuple(str(i) for i in range(1000))
    write_weights(ours, Weights("vgg16", network.parameters, names, TORCHVISION))
    calls = {"numcam": [sys.executable, "-c", COLD_NUMCAM, str(ours), str(photo)]}
    if with_torch:
        import torch

        number = {name: f"{i:02d}" for i, name in enumerate(n for n in network.layers if network.layers[n].parameters)}
        arrays = {f"{number[k.split('.')[0]]}.{k.split('.')[1]}": np.array(v) for k, v in network.parameters.items()}
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, theirs)
        calls["torch"] = [sys.executable, "-c", COLD_TORCH, str(theirs), str(photo)]
    times: dict[str, list[float]] = {name: [] for name in calls}
    for round in range(runs + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            subprocess.run(call, capture_output=True, check=True)
            if round:  # the first fills the page cache
                times[name].append(time.perf_counter() - start)
    return {name: median(seconds) for name, seconds in times.items()}


def _measure(model: str, batch: int, job: str, who: str) -> float:
    import resource

    classifier = subject(model)
    x = pictures(classifier, batch)
    if who in ("fast", "plain"):
        jobs = by_numcam(classifier.network, x, who)
    else:
        from numcam.bench.with_torch import as_written, at_its_best

        layer = spatial_layer(classifier.forward(x[:1]))
        network = classifier.network
        jobs = as_written(network, x, layer) if who == "written" else at_its_best(network, x, layer, who == "last")
    for _ in range(3):
        jobs[job]()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


if __name__ == "__main__":
    print(_measure(*json.loads(sys.argv[1])))
