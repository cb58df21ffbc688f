"""The family's table: counts as published, shapes as in the paper, names as everyone uses them."""

import numpy as np
import pytest

from numcam.models.vgg import ARCHITECTURES, parameter_shapes, random_network

PUBLISHED = {"vgg11": 132_863_336, "vgg13": 133_047_848, "vgg16": 138_357_544, "vgg19": 143_667_240}


@pytest.mark.parametrize(("name", "count"), PUBLISHED.items())
def test_parameter_counts_are_the_published_ones(name, count):
    assert sum(int(np.prod(shape)) for shape in parameter_shapes(name).values()) == count


def test_pocket_has_the_names_and_spatial_shapes_of_vgg16():
    pocket = random_network("pocket").shapes((1, 3, 224, 224))
    assert [n for n in pocket if n.startswith("conv")] == [
        n.removesuffix(".weight") for n in parameter_shapes("vgg16") if n.startswith("conv") and n.endswith("weight")
    ]
    assert list(pocket)[:6] == ["input", "conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"]
    assert list(pocket)[-9:] == ["pool5", "flatten", "fc6", "relu6", "drop6", "fc7", "relu7", "drop7", "fc8"]
    assert pocket["relu5_3"] == (1, 64, 14, 14)
    assert pocket["pool5"] == (1, 64, 7, 7)
    assert pocket["fc8"] == (1, 10)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("size", [(32, 32), (64, 96), (100, 70)])
def test_any_size_that_survives_five_poolings_can_be_built(name, size):
    shapes = parameter_shapes(name, classes=3, input_size=size)
    last = ARCHITECTURES[name].channels[-1]
    assert shapes["fc6.weight"][1] == last * (size[0] // 32) * (size[1] // 32)
    assert shapes["fc8.bias"] == (3,)


def test_a_small_picture_runs_through_pocket():
    network = random_network("pocket", classes=3, input_size=(64, 96))
    trace = network.forward(np.ones((2, 3, 64, 96), np.float32))
    assert trace.output.shape == (2, 3)
    assert trace["pool5"].shape == (2, 64, 2, 3)


def test_too_small_a_picture_and_an_unknown_name_are_refused():
    with pytest.raises(ValueError, match="32x32"):
        parameter_shapes("vgg16", input_size=(31, 224))
    with pytest.raises(ValueError, match="pocket, vgg11"):
        random_network("vgg12")


def test_he_initialisation_has_its_variance_and_its_seed():
    weight = random_network("pocket", seed=3).parameters["fc6.weight"]
    assert weight.std() == pytest.approx(np.sqrt(2 / weight.shape[1]), rel=0.01)
    np.testing.assert_array_equal(weight, random_network("pocket", seed=3).parameters["fc6.weight"])
    assert not np.array_equal(weight, random_network("pocket", seed=4).parameters["fc6.weight"])
    assert not random_network("pocket").parameters["fc6.bias"].any()
