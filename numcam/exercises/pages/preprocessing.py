"""Page 08: what goes into a network, and how its maps become a row."""

from collections.abc import Iterator

import numpy as np

from numcam.exercises.exercise import Case, exercise
from numcam.exercises.inputs import numbers
from numcam.models.preprocessing import CAFFE, TORCHVISION
from numcam.nn.types import Array

Colour = tuple[float, float, float]


@exercise("08", "flat")
def flatten(x: Array) -> Array:
    """Each picture as one row, channel by channel, as PyTorch's VGG and numcam order it.

    x (n, c, rows, cols) -> (n, c * rows * cols).
    """
    return x.reshape(len(x), -1)


@flatten.inputs
def _() -> Iterator[Case]:
    yield Case("2 channels of 2x3", (np.arange(12.0).reshape(1, 2, 2, 3),))
    yield Case("3 pictures", (numbers(80, 3, 2, 4, 5),))


@flatten.wrong("Keras flattens so: a head carried over between the two libraries needs its weights reordered")
def channels_last(x: Array) -> Array:
    """Channels run fastest (HWC): right numbers, wrong places, and fc6 multiplies each with a stranger's weight."""
    return x.transpose(0, 2, 3, 1).reshape(len(x), -1)


@flatten.wrong()
def by_columns(x: Array) -> Array:
    """Each map is read down its columns; it is read along its rows."""
    return x.swapaxes(2, 3).reshape(len(x), -1)


@flatten.wrong()
def batch_too(x: Array) -> Array:
    """The whole batch became one row; the picture axis stays."""
    return x.reshape(-1)


@flatten.wrong()
def fortran_order(x: Array) -> Array:
    """Read in Fortran's order, the last axis slowest; NumPy's own order has it fastest."""
    return x.reshape(len(x), -1, order="F")


@flatten.wrong()
def places_only(x: Array) -> Array:
    """Only rows and columns were joined; the channels belong in the row too."""
    return x.reshape(*x.shape[:2], -1)


@flatten.wrong()
def columns_for_rows(x: Array) -> Array:
    """Each picture is a column; it is a row, (n, inputs)."""
    return x.reshape(len(x), -1).T


@exercise("08", "x")
def preprocess(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """What a network takes: (pixels - mean) / scale, channel by channel.

    image uint8 (rows, cols, 3), RGB; mean and scale are three numbers each, in RGB order and pixel units.
    order "BGR" reverses the channels of the result. Returns x (1, 3, rows, cols), float.
    """
    x = (image.astype(np.float64) - np.array(mean)) / np.array(scale)  # (rows, cols, 3)
    return np.ascontiguousarray((x[..., ::-1] if order == "BGR" else x).transpose(2, 0, 1)[None])


@preprocess.inputs
def _() -> Iterator[Case]:
    image = np.random.default_rng(81).integers(0, 256, (3, 4, 3)).astype(np.uint8)
    yield Case("one pixel, RGB", (image[:1, :1], (100.0, 50.0, 10.0), (2.0, 4.0, 5.0)), {"order": "RGB"})
    yield Case("one pixel, BGR", (image[:1, :1], (100.0, 50.0, 10.0), (2.0, 4.0, 5.0)), {"order": "BGR"})
    yield Case(
        "3x4 pixels as torchvision's VGG16 takes them", (image, TORCHVISION.mean, TORCHVISION.scale), {"order": "RGB"}
    )
    yield Case("3x4 pixels as Oxford's VGG16 takes them", (image, CAFFE.mean, CAFFE.scale), {"order": "BGR"})


@preprocess.wrong("machrisaa/tensorflow-vgg#55, pytorch/vision#28: two sets of weights are called VGG16")
def bgr_for_rgb(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """The channels are always reversed; torchvision's weights want RGB, Oxford's BGR, and `order` says which."""
    return preprocess.right(image, mean, scale, "BGR")


@preprocess.wrong("machrisaa/tensorflow-vgg#55, pytorch/vision#28: two sets of weights are called VGG16")
def rgb_for_bgr(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """The channels are never reversed; order "BGR" asks for it."""
    return preprocess.right(image, mean, scale)


@preprocess.wrong()
def order_reversed(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """The channels are reversed for "RGB" and left alone for "BGR": the picture comes as RGB, so it is the other way
    round.
    """
    return preprocess.right(image, mean, scale, "RGB" if order == "BGR" else "BGR")


@preprocess.wrong()
def mean_after_reversal(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """The channels are reversed first, and the RGB mean is then taken from BGR values: blue loses red's mean."""
    if order == "BGR":
        image = image[..., ::-1]
    return preprocess.right(image, mean, scale)


@preprocess.wrong("ART#894: black images where VGG16's preprocessing was set wrongly")
def divided_by_255(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """The pixels are divided by 255 first, but mean and scale are in pixel units (0-255)."""
    return preprocess.right(image / 255, mean, scale, order)


@preprocess.wrong("frgfm/torch-cam lets uint8 wrap around when it squares a saved map")
def wrapped(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """The subtraction was done in uint8, where 3 - 5 is 254: make the pixels float first."""
    x = (image - np.array(mean).astype(np.uint8)).astype(np.uint8) / np.array(scale)
    return (x[..., ::-1] if order == "BGR" else x).transpose(2, 0, 1)[None]


@preprocess.wrong()
def mean_forgotten(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """The mean is not subtracted: a grey picture should come out near 0."""
    return preprocess.right(image, (0, 0, 0), scale, order)


@preprocess.wrong()
def scale_forgotten(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """The division by the scale is missing; Oxford's scale is 1, so only torchvision's weights notice."""
    return preprocess.right(image, mean, (1, 1, 1), order)


@preprocess.wrong()
def multiplied(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """Multiplied by the scale; it is divided by it."""
    return preprocess.right(image, mean, tuple(1 / s for s in scale), order)


@preprocess.wrong()
def one_mean_for_all(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """All channels lose the same number, the mean of the three; each has its own."""
    return preprocess.right(image, (sum(mean) / 3,) * 3, scale, order)


@preprocess.wrong()
def scaled_before_mean(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """pixels / scale - mean: the mean is in pixel units, so it is subtracted before the division."""
    return preprocess.right(image, tuple(m * s for m, s in zip(mean, scale, strict=True)), scale, order)


@preprocess.wrong()
def reshaped(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """(rows, cols, 3) was *reshaped* to (3, rows, cols), which scatters the colours; the axes must be transposed."""
    x = preprocess.right(image, mean, scale, order)
    return x.transpose(0, 2, 3, 1).reshape(x.shape)


@preprocess.wrong()
def rows_and_columns_swapped(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """`.T` turned (rows, cols, 3) into (3, cols, rows), a picture on its side; transpose(2, 0, 1) keeps it upright."""
    return preprocess.right(image, mean, scale, order).swapaxes(2, 3)


@preprocess.wrong()
def batch_axis_missing(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """The picture axis is missing: a network takes a batch, (1, 3, rows, cols), here of one."""
    return preprocess.right(image, mean, scale, order)[0]


@preprocess.wrong()
def channels_left_last(image: Array, mean: Colour, scale: Colour, order: str = "RGB") -> Array:
    """The channels are still the last axis; VGG takes (n, 3, rows, cols)."""
    return preprocess.right(image, mean, scale, order).transpose(0, 2, 3, 1)
