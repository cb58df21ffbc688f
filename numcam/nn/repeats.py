"""Where a picture repeats itself, and with it every map made from it.

In a flat part of a picture the values of a max pooling window are equal, and the first of them takes the gradient. But
a matrix product may round equal columns in different ways: BLAS libraries sum the last columns of a product in another
order than the rest, and Winograd's tiles each place of a tile. So what is equal is not asked of rounded values. Each
place gets a label, an exact sum (modulo 2**64) over all that its values are made from; where two labels are equal, so
are the values.
"""

from functools import lru_cache

import numpy as np

from numcam.nn.types import Array, Pair


@lru_cache
def _odd(count: int, draw: int) -> Array:
    """Odd factors. Multiplied by one, different numbers stay different; two sums agree by chance in one of 2**64."""
    drawn: Array = np.random.default_rng((count, draw)).integers(1 << 62, size=count, dtype=np.uint64)
    return 2 * drawn + 1


(MADE,) = _odd(1, 0)
"""Added where a layer makes something of nothing: behind a convolution, zeros differ from the zeros of padding."""


def of_values(x: Array) -> Array:
    """Labels (n, rows, cols), uint64, of values (n, c, rows, cols): of all channels together, by their bits."""
    n, c, rows, cols = x.shape
    bits = (x + np.zeros((), x.dtype)).view(f"u{x.itemsize}")  # -0 + 0 is 0
    # A number of few digits has its last bits 0, and factors act upwards
    bits ^= bits >> np.array(4 * x.itemsize, bits.dtype)
    labels = np.zeros((n, rows, cols), np.uint64)
    for channel, factor in enumerate(_odd(c, 1)):
        labels += np.multiply(bits[:, channel], factor, dtype=np.uint64)
    return labels


def of_windows(labels: Array, size: Pair, stride: Pair, padding: Pair = (0, 0)) -> Array:
    """Labels (n, out rows, out cols) of windows: of the labels in them, 0 in the padding."""
    for axis in (1, 2):
        labels = _sums(labels, axis, size[axis - 1], stride[axis - 1], padding[axis - 1])
    return labels


def _sums(labels: Array, axis: int, size: int, stride: int, padding: int) -> Array:
    """Along one axis: `size` labels each, times factors that tell them apart."""
    most = labels.shape[axis]
    count = (most + 2 * padding - size) // stride + 1
    total = np.zeros((*labels.shape[:axis], count, *labels.shape[axis + 1 :]), np.uint64)
    other = (slice(None),) * axis
    for tap, factor in enumerate(_odd(size, 1 + axis)):
        first = -(min(0, tap - padding) // stride)  # of the windows whose tap lies within the picture
        last = min(count, (most - 1 - tap + padding) // stride + 1)
        if first < last:
            place = first * stride + tap - padding
            part = total[(*other, slice(first, last))]
            part += factor * labels[(*other, slice(place, place + (last - first - 1) * stride + 1, stride))]
    return total


def first_alike(labels: Array) -> Array | None:
    """For each label of an array, the number of the first one that is equal, (labels.size,); None if all differ."""
    order = np.argsort(labels, axis=None)
    ordered = labels.reshape(-1)[order]
    begins = np.append(True, ordered[1:] != ordered[:-1])  # with each begins a group of equal labels
    if begins.all():
        return None
    first = np.empty_like(order)
    first[order] = np.minimum.reduceat(order, np.flatnonzero(begins))[np.cumsum(begins) - 1]
    return first
