"""Labels are equal exactly where windows are: compared with the windows themselves, laid out by im2col."""

from itertools import product

import numpy as np
import pytest

from numcam.nn.conv import conv2d, im2col, window_count
from numcam.nn.pool import AvgPool2d
from numcam.nn.repeats import first_alike, of_values, of_windows

PICTURES = {
    "whole numbers": lambda rng, shape: rng.integers(0, 256, shape),
    "two values": lambda rng, shape: rng.integers(0, 2, shape),
    "powers of two": lambda rng, shape: 2.0 ** rng.integers(-3, 4, shape),
    "signs": lambda rng, shape: rng.choice([-1.0, -0.0, 0.0, 1.0], shape),
    "halves": lambda rng, shape: rng.integers(-5, 5, shape) / 2,
    "thirds of grey levels": lambda rng, shape: (rng.integers(0, 256, shape) - 123.675) / 3,
    "huge and tiny": lambda rng, shape: rng.choice([1e-30, 1e30, -1e30], shape),
    "flat": lambda rng, shape: np.full(shape, 0.3),
    "black": lambda rng, shape: np.zeros(shape),
    "stripes": lambda rng, shape: np.resize(rng.standard_normal((1, 1, 3)), shape),
    "noise": lambda rng, shape: rng.standard_normal(shape),
}
WINDOWS = [((3, 3), (1, 1), (1, 1)), ((1, 1), (1, 1), (0, 0)), ((5, 2), (2, 3), (2, 1)), ((2, 2), (2, 2), (0, 0))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", PICTURES)
def test_labels_are_equal_exactly_where_windows_are(kind, dtype):
    rng = np.random.default_rng(0)
    for c, (size, stride, padding) in product((1, 3), WINDOWS):
        picture = np.asarray(PICTURES[kind](rng, (c, 37, 41)), dtype)
        labels = of_windows(of_values(picture[None]), size, stride, padding)
        columns = im2col(picture, size, stride, padding) + 0.0  # -0 is 0
        assert labels.shape[1:] == tuple(
            window_count(picture.shape[1 + i], size[i], stride[i], padding[i]) for i in (0, 1)
        )
        _, which = np.unique(columns, axis=1, return_inverse=True)
        _, found = np.unique(labels, return_inverse=True)
        assert len(set(zip(which.ravel(), found.ravel(), strict=True))) == which.max() + 1
        assert found.max() == which.max()


def test_every_place_is_sent_to_the_first_that_is_equal():
    assert first_alike(np.array([[7, 3, 7], [3, 7, 9]])).tolist() == [0, 1, 0, 1, 0, 5]
    assert first_alike(np.arange(6)[::-1]) is None
    assert first_alike(np.zeros((2, 2))).tolist() == [0] * 4


@pytest.mark.parametrize("kind", PICTURES)
def test_a_convolution_of_unequal_windows_is_left_alone(kind):
    rng = np.random.default_rng(1)
    x = np.asarray(PICTURES[kind](rng, (2, 3, 19, 17)), np.float64)
    w, b = rng.standard_normal((4, 3, 3, 3)), rng.standard_normal(4)
    found = conv2d(x, w, b, (1, 1), (1, 1))
    columns = np.stack([im2col(picture, (3, 3), (1, 1), (1, 1)) for picture in x])
    theirs = np.einsum("kp,npw->nkw", w.reshape(4, -1), columns, optimize=False) + b[:, None]
    scale = np.einsum("kp,npw->nkw", np.abs(w).reshape(4, -1), np.abs(columns)) + 1
    assert (np.abs(found.reshape(theirs.shape) - theirs) <= 1e-14 * scale).all()


def test_average_pooling_keeps_equal_windows_equal():
    x = np.random.default_rng(2).standard_normal((1, 2, 4, 4)).astype(np.float32)
    tiled = np.tile(x, (1, 1, 3, 5))
    pooled = AvgPool2d(2).forward(tiled)
    labels = of_windows(of_values(tiled), (2, 2), (2, 2))
    first = first_alike(labels)
    np.testing.assert_array_equal(pooled.reshape(1, 2, -1)[:, :, first], pooled.reshape(1, 2, -1))
