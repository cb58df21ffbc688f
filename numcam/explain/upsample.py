"""From a layer's few cells to the picture's many pixels: three operators that are all called bilinear or nearest."""

import numpy as np

from numcam.nn.types import Array

MODES = ("half-pixel", "corner", "nearest")


def upsample(map: Array, size: tuple[int, int], mode: str = "half-pixel") -> Array:
    """Maps (n, rows, cols), or one (rows, cols), enlarged to `size` (rows, cols).

    "half-pixel": bilinear between cell centres, as PyTorch, OpenCV and Pillow do it; the default.
    "corner": bilinear with the corner cells' centres on the picture's corners, as the Grad-CAM paper's code did it.
    "nearest": blocks. ValueError for another mode or size.
    """
    if mode not in MODES:
        raise ValueError(f"no upsampling {mode!r}; there are {', '.join(MODES)}")
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size is (rows, cols), at least 1 each; got {size!r}")
    rows, cols = (interpolation(small, large, mode) for small, large in zip(map.shape[-2:], size, strict=True))
    return rows.astype(map.dtype) @ map @ cols.T.astype(map.dtype)


def interpolation(small: int, large: int, mode: str) -> Array:
    """The matrix (large, small) that enlarges one direction; each row holds at most two weights and sums to 1."""
    pixel = np.arange(large)
    position = (pixel + 0.5) * small / large - 0.5  # in cells; the centre of cell 0 lies at 0
    if mode == "corner":
        position = pixel * (small - 1) / max(1, large - 1)
    elif mode == "nearest":
        position = np.floor(position + 0.5)
    position = np.clip(position, 0, small - 1)
    below = np.floor(position).astype(int)
    above = np.minimum(below + 1, small - 1)
    matrix = np.zeros((large, small))
    matrix[pixel, below] += 1 - (position - below)
    matrix[pixel, above] += position - below
    return matrix


def bicubic(small: int, large: int) -> Array:
    """The matrix (large, small) of Pillow's bicubic enlargement; rows sum to 1, with weights below 0 beside an edge."""
    position = (np.arange(large) + 0.5) * small / large - 0.5  # in cells, as for "half-pixel"
    distance = np.abs(position[:, None] - np.arange(small))
    near = (1.5 * distance - 2.5) * distance**2 + 1  # Keys 1981 with a = -1/2
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    matrix = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    return matrix / matrix.sum(axis=1, keepdims=True)  # at the border, where cells are missing
