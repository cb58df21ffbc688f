"""Whole Keras models at random, as people build them, and what Keras itself says of a picture."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
from keras import layers as L

ACTIVATIONS = (
    "relu",
    "tanh",
    "sigmoid",
    "linear",
    "elu",
    "selu",
    "silu",
    "gelu",
    "softplus",
    "leaky_relu",
    "relu6",
    None,
)
UNKNOWN = (
    "separable",
    "depthwise",
    "upsample",
    "dilated",
    "groups",
    "layer norm",
    "add",
    "concatenate",
    "mish",
    "crop",
)
"""What numcam must refuse by name."""


def random_model(seed):
    """A chain of everything that may stand in one; with one layer in ten models that numcam cannot compute.

    The model, and the names of what it cannot.
    """
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    some = rng.choice
    order = "channels_first" if rng.random() < 0.15 else "channels_last"
    size = tuple(int(v) for v in rng.integers(16, 41, 2))
    shape = (3, *size) if order == "channels_first" else (*size, 3)
    x = inputs = keras.Input(shape)
    axis = 1 if order == "channels_first" else -1
    bad = []
    for _ in range(rng.integers(0, 3)):
        kind = some(["flip", "rescale", "normalise", "three", "dropout"])
        if kind == "flip":
            x = L.RandomFlip("horizontal")(x) if order == "channels_last" else x
        elif kind == "rescale":
            x = L.Rescaling(*some([(1 / 255, 0), (1 / 127.5, -1), (0.5, 3)]))(x)
        elif kind == "three" and order == "channels_last":
            x = L.Rescaling([0.01, 0.02, 0.03], [0.5, -1, 0])(x)
        elif kind == "normalise":
            mean, variance = rng.uniform(50, 200, 3), rng.uniform(1000, 5000, 3)
            if rng.random() < 0.5:
                x = L.Normalization(axis=axis, mean=mean, variance=variance)(x)
            else:
                one = L.Normalization(axis=axis)
                data = rng.uniform(0, 255, (4, *shape))
                one.adapt(data.astype("float32"))
                x = one(x)
        elif kind == "dropout":
            x = L.Dropout(0.2)(x)
    many = int(rng.integers(2, 8))
    unknown = some(UNKNOWN) if rng.random() < 0.1 else None
    at = rng.integers(0, many)
    body = x
    cut = int(rng.integers(1, many)) if rng.random() < 0.4 else 0
    for i in range(many):
        if i == cut and cut:  # the rest stands in a model of its own
            body = keras.Input(x.shape[1:])
            outer, x = x, body
        if unknown and i == at:
            x = _unknown(unknown, x, order)
            bad.append(unknown)
        x = _layer(rng, x, order, axis)
    if cut:
        inner = keras.Model(body, x)
        x = inner(outer)
    x = _head(rng, x, order)
    model = keras.Model(inputs, x)
    if rng.random() < 0.5 and not cut and not bad:
        model = keras.Sequential([inputs, *model.layers[1:]])
    for one in _all(model):
        if isinstance(one, L.BatchNormalization):
            one.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in one.get_weights()])
        elif isinstance(one, L.Conv2D | L.Dense) and one.use_bias:
            one.bias.assign(rng.normal(0, 0.1, one.bias.shape))
    return model, bad


def _layer(rng, x, order, axis):
    some, sides = rng.choice, x.shape[2:4] if order == "channels_first" else x.shape[1:3]
    kind = some(["conv"] * 5 + ["pool"] * 2 + ["norm", "pad", "activation", "drop"])
    small = min(sides) < 6
    if kind == "conv":
        kernel = tuple(int(v) for v in rng.integers(1, 4 if small else 6, 2))
        padding = "same" if small else str(some(["same", "valid"]))
        stride = 1 if small else int(some([1, 1, 2]))
        act = some(ACTIVATIONS) if rng.random() < 0.5 else "relu"
        act = L.LeakyReLU(0.15) if rng.random() < 0.1 else act
        return L.Conv2D(
            int(rng.integers(2, 9)), kernel, stride, padding, data_format=order, activation=act,
            use_bias=bool(rng.random() < 0.8),
        )(x)  # fmt: skip
    if kind == "pool" and not small:
        pool = L.MaxPooling2D if rng.random() < 0.6 else L.AveragePooling2D
        stride = some([None, 1, 2])
        padding = str(some(["same", "valid"]))
        if pool is L.AveragePooling2D and keras.backend.backend() == "torch":
            padding = "valid"  # where "same" is uneven, Keras averages other values with PyTorch than with the others
        return pool(int(some([2, 3])), None if stride is None else int(stride), padding, data_format=order)(x)
    if kind == "norm":
        return L.BatchNormalization(
            axis=axis,
            epsilon=float(some([1e-3, 1e-5])),
            scale=bool(rng.random() < 0.7),
            center=bool(rng.random() < 0.7),
        )(x)
    if kind == "pad":
        pad = some(["one", "pair", "four"])
        padding = {"one": 1, "pair": (1, 2), "four": ((0, 1), (2, 0))}[pad]
        return L.ZeroPadding2D(padding, data_format=order)(x)
    if kind == "activation":
        return [
            L.ReLU(), L.ReLU(max_value=4.0), L.ReLU(negative_slope=0.1), L.LeakyReLU(0.3), L.ELU(0.7),
            L.Activation("tanh"), L.Activation("sigmoid"),
        ][rng.integers(7)](x)  # fmt: skip
    return L.SpatialDropout2D(0.2, data_format=order)(x) if rng.random() < 0.5 else L.GaussianNoise(0.1)(x)


def _head(rng, x, order):
    some = rng.choice
    kind = some(["flatten", "average", "maximum", "kept", "reshape"])
    if kind == "flatten":
        x = L.Flatten(data_format=str(some([order, "channels_last"])))(x)
    elif kind == "reshape":
        x = L.Reshape((-1,))(x)
    elif kind == "kept":
        x = L.Flatten()(L.GlobalAveragePooling2D(data_format=order, keepdims=True)(x))
    else:
        x = {"average": L.GlobalAveragePooling2D, "maximum": L.GlobalMaxPooling2D}[kind](data_format=order)(x)
    for _ in range(rng.integers(0, 3)):
        one = some(["dense", "dense", "norm", "drop", "activation"])
        if one == "dense":
            x = L.Dense(int(rng.integers(2, 9)), activation=some(ACTIVATIONS), use_bias=bool(rng.random() < 0.8))(x)
        elif one == "norm":
            x = L.BatchNormalization()(x)
        elif one == "drop":
            x = L.Dropout(0.5)(x)
        else:
            x = L.LeakyReLU()(x)
    classes = int(rng.integers(1, 5))
    last = "sigmoid" if classes == 1 else str(some(["softmax", "softmax", "sigmoid"]))
    if rng.random() < 0.2:
        return L.Activation(last)(L.Dense(classes)(x))
    return L.Dense(classes, activation=last)(x)


def _unknown(kind, x, order):
    if kind == "separable":
        return L.SeparableConv2D(4, 3, padding="same", data_format=order)(x)
    if kind == "depthwise":
        return L.DepthwiseConv2D(3, padding="same", data_format=order)(x)
    if kind == "upsample":
        return L.UpSampling2D(2, data_format=order)(x)
    if kind == "dilated":
        return L.Conv2D(4, 3, padding="same", dilation_rate=2, data_format=order)(x)
    if kind == "groups":
        c = x.shape[1 if order == "channels_first" else 3]
        return L.Conv2D(2 * c, 3, padding="same", groups=c, data_format=order)(x) if c > 1 else L.UpSampling2D(2)(x)
    if kind == "layer norm":
        return L.LayerNormalization()(x)
    if kind == "add":
        return L.Add()([x, L.Activation("tanh")(x)])
    if kind == "concatenate":
        return L.Concatenate(axis=-1)([x, L.Activation("tanh")(x)])
    if kind == "mish":
        return L.Activation("mish")(x)
    return L.Cropping2D(1, data_format=order)(x)


def _all(model):
    for one in model.layers:
        yield from _all(one) if isinstance(one, keras.Model) else (one,)


def keras_says(model, image):
    """Keras's own probabilities of an image (rows, cols, 3) in 0-255, before which nothing is done."""
    x = image.astype("float32")
    x = x.transpose(2, 0, 1) if model.input_shape[1] == 3 and model.input_shape[3] != 3 else x
    return np.asarray(model.predict(x[None], verbose=0))[0]
