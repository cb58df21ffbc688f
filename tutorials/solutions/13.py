"""Page 13: do not trust a pretty picture."""

import numpy as np

import numcam
from numcam.models.vgg import random_network


def ranks(values):
    """The rank of each value, from 1; equal values share the mean of their ranks."""
    flat = np.ravel(values)
    below = (flat[None, :] < flat[:, None]).sum(axis=1)  # how many are smaller
    equal = (flat[None, :] == flat[:, None]).sum(axis=1)  # itself included
    return below + (equal + 1) / 2


def rank_correlation(a, b):
    """Spearman's correlation over all cells; 0.0 where an array is constant."""
    u, v = ranks(a), ranks(b)
    u, v = u - u.mean(), v - v.mean()
    length = np.sqrt((u * u).sum() * (v * v).sum())
    return float((u * v).sum() / length) if length > 0 else 0.0


def points_at(map, mask, tolerance=0.0):
    """Does the first maximum of map (rows, cols) lie on the mask, or within `tolerance` pixels of it?"""
    if map.max() == map.min() or not mask.any():
        return False
    row, col = np.unravel_index(map.argmax(), map.shape)
    rows, cols = np.nonzero(mask)
    return bool(np.hypot(rows - row, cols - col).min() <= tolerance)


if __name__ == "__main__":
    classifier = numcam.load()
    scene = numcam.scenes.draw(14, objects=2, names=("cat", "dog"))
    x, cat = classifier.preprocess(scene.image), classifier.index("cat")
    trained = classifier.forward(x)
    random = random_network("pocket").forward(x)  # the same layers, and nothing learned
    for name in ("grad_cam", "saliency", "guided_backprop"):
        maps = [np.abs(numcam.METHODS[name](trace, cat)[0]) for trace in (trained, random)]
        maps = [m.max(axis=0)[::8, ::8] if m.ndim == 3 else m for m in maps]
        print(f"{name:16} rank correlation of the trained and the random network {rank_correlation(*maps):6.2f}")
    cam = numcam.upsample(numcam.grad_cam(trained, cat), (224, 224))[0]
    print("Grad-CAM points at the", [thing.name for thing in scene.objects if points_at(cam, thing.mask, 15.0)])
