"""Whole models as Keras saves them: numcam says what Keras says and explains it as autograd does, or it refuses.

Keras runs on PyTorch here, so that its layers can be walked back through.
"""

import os
import zipfile
from itertools import pairwise

import numpy as np
import pytest

os.environ["KERAS_BACKEND"] = "torch"
pytest.importorskip("keras", reason="Keras is not installed: pip install -e '.[parity]'")
torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[parity]'")

from kerasnets import L, keras, keras_says, random_model  # noqa: E402

from numcam.errors import InputError  # noqa: E402
from numcam.explain import grad_cam  # noqa: E402
from numcam.loading import load  # noqa: E402
from numcam.models.chain import CHAIN  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning"),
]
CLOSE = 1e-5
"""Of a probability: some hundred roundings of float32."""


def opened(model, path, **options):
    """The classifier of a saved model, and what it said while it was loaded."""
    lines = []
    model.save(path)
    return load(str(path), say=lines.append, **options), " ".join(lines)


def picture(classifier, seed=0):
    """Noise, in which no two windows are equal."""
    return np.random.default_rng(seed).integers(0, 256, (*classifier.input_size, 3), dtype=np.uint8)


def ours(classifier, image):
    return classifier.probabilities(classifier.forward(classifier.preprocess(image)))[0]


def of_both(says):
    """Keras's one number as two classes."""
    return np.array([1 - says[0], says[0]]) if len(says) == 1 else says


def agree(model, path, seed=0, before=lambda x: x, **options):
    classifier, _ = opened(model, path, **options)
    image = picture(classifier, seed)
    trace = classifier.forward(classifier.preprocess(image))
    # models of unscaled pixels have logits of hundreds, of which a probability shows a few roundings
    close = max(CLOSE, 1e-6 * float(np.abs(trace.output).max()))
    expected = of_both(keras_says(model, before(image)))
    np.testing.assert_allclose(classifier.probabilities(trace)[0], expected, atol=close)
    return classifier


@pytest.mark.parametrize("kind", ["keras", "h5"])
@pytest.mark.parametrize("seed", range(60))
def test_a_random_model_is_computed_as_keras_does_or_refused(seed, kind, tmp_path):
    model, unknown = random_model(seed)
    if unknown:
        with pytest.raises(InputError, match=r"its layer '\w+' "):
            opened(model, tmp_path / f"it.{kind}", preprocess="0-255")
    else:
        agree(model, tmp_path / f"it.{kind}", seed, preprocess="0-255")


@pytest.mark.slow
def test_five_hundred_more_random_models(tmp_path):
    for seed in range(1000, 1500):
        model, unknown = random_model(seed)
        if unknown:
            with pytest.raises(InputError):
                opened(model, tmp_path / "it.keras", preprocess="0-255")
        else:
            agree(model, tmp_path / "it.keras", seed, preprocess="0-255")


def vgg(size=(48, 40), head=(L.Flatten,), last="softmax", classes=3, first=(), **conv):
    """A small VGG as a course has people build it."""
    keras.utils.set_random_seed(3)
    layers = [keras.Input((*size, 3)), *first]
    for block, (count, k) in enumerate(zip((1, 2), (6, 8), strict=True), 1):
        layers += [
            L.Conv2D(k, 3, padding="same", name=f"block{block}_conv{i}", **({"activation": "relu"} | conv))
            for i in range(1, count + 1)
        ]
        layers.append(L.MaxPooling2D())
    layers += [one() for one in head]
    model = keras.Sequential(
        [*layers, L.Dense(9, activation="relu"), L.Dropout(0.5), L.Dense(classes, activation=last)]
    )
    for one in model.layers:
        if isinstance(one, L.Conv2D | L.Dense):
            one.bias.assign(np.random.default_rng(1).normal(0, 0.1, one.bias.shape))
    return model


@pytest.mark.parametrize("kind", ["keras", "h5"])
@pytest.mark.parametrize("seed", [1, 2, 3, 6, 7, 9, 13, 21])
def test_grad_cam_and_the_pixel_gradient_are_those_of_autograd_through_kerass_layers(seed, kind, tmp_path):
    last, classes = ("sigmoid", 1) if seed % 2 else ("softmax", 3)
    heads = ([L.Flatten], [L.GlobalAveragePooling2D], [L.GlobalMaxPooling2D])
    first = [L.Rescaling(1 / 127.5, -1)]
    activation = ["relu", "tanh", "elu"][seed % 3] if seed > 3 else "relu"
    model = vgg(head=heads[seed % 3], last=last, classes=classes, first=first, activation=activation)
    classifier, said = opened(model, tmp_path / f"it.{kind}")
    assert said == ""
    image = picture(classifier, seed)
    x = torch.tensor(image[None].astype(np.float32), requires_grad=True)
    value, maps = x, None
    for layer in model.layers[:-1]:
        value = layer(value, training=False) if isinstance(layer, L.Dropout) else layer(value)
        maps = value if layer.name == "block2_conv2" else maps
    logits = value @ model.layers[-1].kernel + model.layers[-1].bias
    index = 0 if classes == 1 else int(logits.argmax())
    gradient, pixels = torch.autograd.grad(logits[0, index], [maps, x])
    weights = gradient.mean((1, 2), keepdim=True)
    expected = torch.relu((weights * maps).sum(3))[0].detach().numpy()

    trace = classifier.forward(classifier.preprocess(image))
    asked = 1 if classes == 1 else index
    stem = {"relu": "relu", "tanh": "tanh", "elu": "elu"}[activation]
    found = grad_cam(trace, asked, f"{stem}2_2")[0]
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())
    dx = classifier.pixel_gradient(trace.backward(asked)["input"])[0].transpose(1, 2, 0)
    assert np.linalg.norm(dx - pixels[0].numpy()) < 1e-3 * np.linalg.norm(pixels[0].numpy())
    if classes == 1:  # the score of the other class is the negated logit
        np.testing.assert_allclose(trace.output[0, 0], -float(logits.detach()), rtol=1e-5)
        np.testing.assert_array_equal(trace.output[:, 0], -trace.output[:, 1])


def test_what_a_model_states_is_not_assumed(tmp_path):
    classifier, said = opened(vgg(first=[L.Rescaling(1 / 255)]), tmp_path / "it.keras")
    assert (said, classifier.assumed, classifier.input_size) == ("", (), (48, 40))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "assumed: Oxford's preprocessing, BGR minus its means"),
        ({"first": [L.Rescaling(1 / 255)], "last": None}, "assumed: a softmax at the end (the last layer has no act"),
        ({"first": [L.Rescaling(1 / 255)], "last": None, "classes": 1}, "assumed: a sigmoid at the end"),
        (
            {"first": [L.Rescaling(1 / 255)], "size": (None, None), "head": [L.GlobalAveragePooling2D]},
            "assumed: pictures of 224x224 (no size is stated; --input-size says otherwise)",
        ),
    ],
    ids=["preprocessing", "softmax", "sigmoid", "size"],
)
def test_what_a_model_leaves_open_is_assumed_aloud(change, words, tmp_path):
    classifier, said = opened(vgg(**change), tmp_path / "it.keras")
    assert said.startswith(words)
    assert len(classifier.assumed) == 1


def test_a_vgg_of_keras_applications_is_taken_with_oxfords_preprocessing(tmp_path):
    model = vgg()
    agree(model, tmp_path / "it.h5", before=lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32))
    agree(model, tmp_path / "it.h5", before=lambda x: x / np.float32(255), preprocess="0-1")
    agree(model, tmp_path / "it.h5", before=lambda x: x / np.float32(127.5) - 1, preprocess="-1-1")


@pytest.mark.parametrize("size", [(48, 40), (64, 64), (33, 97)])
def test_a_size_can_be_said_where_the_model_leaves_it_open(size, tmp_path):
    model = vgg(first=[L.Rescaling(1 / 255)], size=(None, None), head=[L.GlobalMaxPooling2D])
    assert agree(model, tmp_path / "it.keras", input_size=size).input_size == size


def test_a_size_that_the_head_rules_out_is_refused_with_both(tmp_path):
    with pytest.raises(
        InputError, match=r"64x64 do not fit \(the model states 48x40\): the kernel of its layer 'dense\w*'"
    ):
        opened(vgg(), tmp_path / "it.keras", input_size=64)


def test_a_model_within_a_model_with_augmentation_and_preprocessing(tmp_path):
    keras.utils.set_random_seed(0)
    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=(64, 64, 3))
    augment = keras.Sequential([L.RandomFlip("horizontal"), L.RandomRotation(0.1)])
    inputs = keras.Input((64, 64, 3))
    x = base(L.Rescaling(1 / 255)(augment(inputs)), training=False)
    x = L.Dropout(0.3)(L.BatchNormalization()(L.Dense(8, activation="relu")(L.GlobalAveragePooling2D()(x))))
    model = keras.Model(inputs, L.Dense(1, activation="sigmoid")(x))
    for name in ("it.keras", "it.h5"):
        classifier = agree(model, tmp_path / name)
        assert classifier.name == "it"  # a network of its own is called as its file
        assert list(classifier.network.layers)[-5:] == ["avgpool", "fc6", "relu6", "norm6", "fc7"]


def test_keras_applications_vgg16_itself_is_vgg16(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.applications.VGG16(weights=None, classes=6)
    classifier, said = opened(model, tmp_path / "it.keras")
    assert (classifier.name, classifier.input_size, len(classifier.classes)) == ("vgg16", (224, 224), 6)
    assert "Oxford's" in said


def test_a_model_cut_off_has_channels_to_explain(tmp_path):
    whole = vgg(first=[L.Rescaling(1 / 255)])
    model = keras.Model(whole.inputs, whole.get_layer("block2_conv1").output)
    classifier, _ = opened(model, tmp_path / "it.keras")
    image = picture(classifier)
    expected = np.asarray(model.predict(image[None].astype(np.float32), verbose=0)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(classifier.forward(classifier.preprocess(image)).output, expected, atol=1e-5)
    assert (classifier.classes, classifier.channels) == ((), 8)
    with pytest.raises(InputError, match="without its head"):
        classifier.predict(image)


def test_several_sigmoids_are_probabilities_of_their_own(tmp_path):
    model = vgg(first=[L.Rescaling(1 / 255)], last="sigmoid", classes=4)
    classifier = agree(model, tmp_path / "it.keras")
    assert classifier.network.output == "sigmoid"
    assert abs(ours(classifier, picture(classifier)).sum() - 1) > 1e-2


@pytest.mark.parametrize("names", [["cat", "dog"], ["dog"]])
def test_one_sigmoid_is_two_classes_by_name(names, tmp_path):
    model = vgg(first=[L.Rescaling(1 / 255)], last="sigmoid", classes=1)
    classifier, _ = opened(model, tmp_path / "it.h5", classes=names)
    image = picture(classifier)
    p = float(keras_says(model, image)[0])
    expected = {"dog": p, "cat" if len(names) == 2 else "not dog": 1 - p}
    found = {name: p for _, name, p in classifier.predict(image)}
    assert found == pytest.approx(expected, abs=CLOSE)


def branched():
    x = inputs = keras.Input((32, 32, 3))
    x = L.Conv2D(4, 3, padding="same", name="stem")(x)
    return keras.Model(inputs, L.Dense(2, activation="softmax")(L.Flatten()(L.Add(name="join")([x, L.ReLU()(x)]))))


def shared():
    x = inputs = keras.Input((32, 32, 3))
    conv = L.Conv2D(3, 3, padding="same", name="twice")
    return keras.Model(inputs, L.Dense(2, activation="softmax")(L.Flatten()(conv(conv(x)))))


def arithmetic():
    x = inputs = keras.Input((32, 32, 3))
    return keras.Model(inputs, L.Dense(2, activation="softmax")(L.Flatten()(L.Conv2D(4, 3)(x / 255.0))))


def two_answers():
    x = inputs = keras.Input((32, 32, 3))
    x = L.GlobalAveragePooling2D()(L.Conv2D(4, 3)(x))
    return keras.Model(inputs, [L.Dense(2, name="kind")(x), L.Dense(3, name="colour")(x)])


def of_layers(*layers, channels=3):
    return lambda: keras.Sequential([keras.Input((32, 32, channels)), *(layer() for layer in layers)])


DENSE = (lambda: L.Flatten(), lambda: L.Dense(2, activation="softmax"))
REFUSED = {
    "a branch": (branched, "its layer 'join' is a Add that takes 2 inputs"),
    "a layer used twice": (shared, "its layer 'twice' is used 2 times"),
    "arithmetic on tensors": (arithmetic, r"its layer 'true_divide\w*' is a TrueDivide.* Rescaling"),
    "two answers": (two_answers, r"it has 2 outputs \(kind, colour\)"),
    "pictures of two channels": (of_layers(lambda: L.Conv2D(2, 3), *DENSE, channels=2), "takes 2 channels"),
    "a Lambda": (
        of_layers(lambda: L.Lambda(lambda x: x / 255, name="scale"), *DENSE),
        "its layer 'scale' is a Lambda, .*piece of program",
    ),
    "dropout in use": (
        lambda: _dropout_in_use(),
        "its layer 'always' .* is called with training=True",
    ),
    "tanh at the end": (of_layers(L.Flatten, lambda: L.Dense(2, activation="tanh", name="end")), "'end' ends in Tanh"),
    "softmax in each place": (
        of_layers(lambda: L.Conv2D(3, 3, activation="softmax", name="each"), *DENSE),
        "its layer 'each' takes a softmax in each place",
    ),
    "normalised along rows": (
        of_layers(lambda: L.BatchNormalization(axis=1, name="rows"), *DENSE),
        "its layer 'rows' normalises along axis 1",
    ),
}


def _dropout_in_use():
    x = inputs = keras.Input((32, 32, 3))
    x = L.Dropout(0.5, name="always")(L.Flatten()(x), training=True)
    return keras.Model(inputs, L.Dense(2, activation="softmax")(x))


@pytest.mark.parametrize("kind", ["keras", "h5"])
@pytest.mark.parametrize("case", REFUSED)
def test_what_numcam_cannot_compute_is_refused_by_its_name_in_the_file(case, kind, tmp_path):
    make, words = REFUSED[case]
    with pytest.raises(InputError, match=words):
        opened(make(), tmp_path / f"it.{kind}")


def test_a_class_of_its_own_is_refused_though_it_has_a_layers_name(tmp_path):
    @keras.saving.register_keras_serializable("mine")
    class Conv2D(L.Conv2D):
        def call(self, x):
            return -super().call(x)

    model = keras.Sequential([keras.Input((32, 32, 3)), Conv2D(2, 3, name="turned"), L.Flatten(), L.Dense(2)])
    with pytest.raises(InputError, match="its layer 'turned' is a mine>Conv2D, a class of its own"):
        opened(model, tmp_path / "it.keras")


def test_a_converted_model_keeps_everything(tmp_path):
    from numcam.formats import convert, read_weights

    model = vgg(last="sigmoid", classes=1, head=[L.GlobalMaxPooling2D], activation="elu")
    model.save(tmp_path / "it.keras")
    convert(tmp_path / "it.keras", tmp_path / "it.h5", ["cat", "dog"])
    kept = read_weights(tmp_path / "it.h5")
    assert (kept.architecture, kept.output, kept.classes, kept.input_size) == (
        CHAIN,
        "sigmoid",
        ("cat", "dog"),
        (48, 40),
    )
    assert kept.assumed == load(str(tmp_path / "it.keras"), say=lambda _: None).assumed
    lines = []
    converted = load(str(tmp_path / "it.h5"), say=lines.append)
    assert lines[0].startswith("assumed: Oxford's")
    image = picture(converted)
    np.testing.assert_array_equal(
        ours(converted, image), ours(load(str(tmp_path / "it.keras"), say=lambda _: None), image)
    )


def test_both_engines_give_the_same_for_every_kind_of_layer(tmp_path):
    for seed in range(200, 230):
        model, unknown = random_model(seed)
        if unknown:
            continue
        classifier, _ = opened(model, tmp_path / "it.keras", preprocess="0-1")
        x = classifier.preprocess(picture(classifier, seed))
        plain, fast = (classifier.forward(x, engine) for engine in ("plain", "fast"))
        for before, name in pairwise(fast):
            scale = np.abs(plain[name]).max() + 1e-6
            np.testing.assert_allclose(fast[name], plain[name], atol=2e-5 * scale, err_msg=f"{seed} {before} {name}")
        dx = [t.backward(0)["input"] for t in (plain, fast)]
        assert np.linalg.norm(dx[0] - dx[1]) <= 1e-2 * np.linalg.norm(dx[0]) + 1e-12


def test_the_configuration_is_found_wherever_the_heap_lies_and_in_compressed_members(tmp_path):
    model = vgg(first=[L.Rescaling(1 / 255)])
    model.save(tmp_path / "it.keras")
    with zipfile.ZipFile(tmp_path / "it.keras") as source, zipfile.ZipFile(tmp_path / "small.keras", "w") as target:
        for member in source.infolist():
            kind = zipfile.ZIP_DEFLATED if member.filename == "config.json" else zipfile.ZIP_STORED
            target.writestr(member.filename, source.read(member), compress_type=kind)
    image = np.zeros((48, 40, 3), np.uint8)
    first, second = (load(str(tmp_path / n), say=lambda _: None) for n in ("it.keras", "small.keras"))
    np.testing.assert_array_equal(ours(first, image), ours(second, image))


def test_a_layer_s_name_in_the_file_means_what_that_layer_gives(tmp_path):
    """With its activation, which is a layer of its own here, and with the batch normalisation behind it."""
    model = keras.Sequential(
        [
            L.Input((33, 40, 3)),
            L.Rescaling(1 / 255),
            L.Conv2D(5, 3, activation="relu", name="first"),
            L.MaxPooling2D(name="smaller"),
            L.Conv2D(6, 3, name="second"),
            L.BatchNormalization(name="normal"),
            L.Activation("tanh", name="bent"),
            L.GlobalAveragePooling2D(),
            L.Dense(3, activation="softmax"),
        ]
    )
    classifier, _ = opened(model, tmp_path / "it.keras")
    image = picture(classifier)
    trace = classifier.forward(classifier.preprocess(image))
    for name in ("first", "smaller", "normal", "bent"):
        whole = keras.Model(model.inputs, model.get_layer(name).output)
        expected = np.asarray(whole(image[None].astype(np.float32)).detach()).transpose(0, 3, 1, 2)
        np.testing.assert_allclose(trace[classifier.layer(name)], expected, atol=1e-4)
    with pytest.raises(InputError, match="no layer 'second'"):
        classifier.layer("second")  # without its batch normalisation, which numcam has put into it


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("scaled", ["not", "by a number", "by its own"])
def test_pictures_become_grey_or_opaque_for_a_model_of_other_channels(channels, scaled, tmp_path):
    first = {
        "not": [],
        "by a number": [L.Rescaling(1 / 127.5, -1.0)],
        "by its own": [
            L.Normalization(mean=[100.0, 90, 80, 70][:channels], variance=[900.0, 400, 100, 2500][:channels])
        ],
    }[scaled]
    model = keras.Sequential(
        [
            keras.Input((31, 40, channels)),
            *first,
            L.Conv2D(5, 3, padding="same", activation="relu"),
            L.Flatten(),
            L.Dense(4, activation="softmax"),
        ]
    )

    def before(image):
        pixels = image.astype(np.float32)
        if channels == 1:
            pixels = pixels @ np.array([[0.299], [0.587], [0.114]], np.float32)
        else:
            pixels = np.concatenate([pixels, np.full((*image.shape[:2], 1), 255, np.float32)], axis=2)
        return pixels if first else pixels / 255

    agree(model, tmp_path / "it.keras", before=before)
    _, said = opened(model, tmp_path / "it.keras")
    assert ("grey" if channels == 1 else "opaque") in said


def test_weights_alone_and_a_line_of_words_are_the_model(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            L.Conv2D(6, 5, activation="relu"),
            L.MaxPooling2D(),
            L.Conv2D(8, 3, padding="same", use_bias=False),
            L.BatchNormalization(epsilon=1e-3),
            L.ReLU(),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(12, activation="tanh"),
            L.Dense(3, activation="softmax"),
        ]
    )
    for layer in model.layers:
        layer.set_weights(
            [np.random.default_rng(i).uniform(0.1, 0.5, w.shape) for i, w in enumerate(layer.get_weights())]
        )
    model.save_weights(tmp_path / "it.weights.h5")
    line = "conv2d(padding=0) relu pool conv2d_1(padding=same) batch_normalization relu pool dense tanh dense_1"
    classifier = load(str(tmp_path / "it.weights.h5"), layers=line, input_size=28, say=lambda _: None)
    image = picture(classifier)
    grey = (image @ np.array([0.299, 0.587, 0.114]))[..., None] / 255
    np.testing.assert_allclose(ours(classifier, image), keras_says(model, grey), atol=CLOSE)
    with pytest.raises(InputError, match='perhaps --layers "layers/conv2d relu'):
        load(str(tmp_path / "it.weights.h5"))
    model.save(tmp_path / "it.keras")
    with pytest.raises(InputError, match="states its layers itself"):
        load(str(tmp_path / "it.keras"), layers=line)


@pytest.mark.parametrize("kind", ["Dropout", "BatchNormalization", "nothing"])
def test_a_model_within_a_model_that_is_called_for_training_is_refused_where_that_means_something(kind, tmp_path):
    middle = {"Dropout": [L.Dropout(0.5, name="it")], "BatchNormalization": [L.BatchNormalization(name="it")]}
    inner = keras.Sequential([keras.Input((20, 20, 3)), L.Conv2D(4, 3), *middle.get(kind, []), L.ReLU()], name="inner")
    x = keras.Input((20, 20, 3))
    model = keras.Model(x, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(inner(x, training=True))))
    if kind == "nothing":
        agree(model, tmp_path / "it.keras", before=lambda image: image / np.float32(255))
        return
    with pytest.raises(InputError, match=r"'it' .*training=True"):
        opened(model, tmp_path / "it.keras")


def test_every_average_pooling_of_two_meanings_is_named(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((23, 25, 3)),
            L.Conv2D(4, 3, activation="relu"),
            L.AveragePooling2D(2, padding="same", name="first"),
            L.AveragePooling2D(2, padding="same", name="second"),
            L.Flatten(),
            L.Dense(2, activation="softmax"),
        ]
    )
    assert "'first', 'second' average what lies inside" in opened(model, tmp_path / "it.keras")[1]
