"""Training: batches that mean what they say, a run that can be interrupted, a network that learns."""

import numpy as np
import pytest

from numcam import scenes
from numcam.errors import InputError
from numcam.models.vgg import random_network
from numcam.nn.training import Adam
from numcam.recipe import batches
from numcam.recipe.kernels import towards_shared_positions, towards_the_centre
from numcam.recipe.pocket import run
from numcam.recipe.pool import FIRST_TRAINING_SEED, Pool, drawn
from numcam.recipe.settings import Recipe
from numcam.recipe.start import PlaceOnMap, standardised
from numcam.recipe.state import State, restored, save

TINY = Recipe(singles=12, pairs=6, batch=4, crop_side=64, crop_steps=2, whole_steps=2, finish_steps=1, presence_steps=1)


def silent(items, **_):
    return items


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return drawn(tmp_path_factory.mktemp("pool"), 12, 1, 1, silent)


def test_the_pool_holds_the_scenes_of_the_training_seeds(pool):
    for i in (0, 11):
        scene = scenes.draw(FIRST_TRAINING_SEED + i)
        np.testing.assert_array_equal(pool.images[i], scene.image)
        assert scenes.CLASSES[pool.labels[i, 0]] == scene.objects[0].name
        assert tuple(pool.boxes[i, 0]) == scene.objects[0].box


def test_targets_are_probabilities_over_the_objects_in_the_picture():
    rng = np.random.default_rng(0)
    images = np.zeros((2, 224, 224, 3), np.uint8)
    pairs = Pool(images, np.array([[1, 4], [2, 3]]), np.zeros((2, 2, 4), int))
    x, target = batches.whole((pairs,), (1.0,), 5, 10, rng)
    assert x.shape == (5, 3, 224, 224)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(target.sum(axis=1), 1)
    assert set(np.unique(target)) == {0, 0.5}


def test_crops_hold_the_object_and_its_class(pool):
    x, target = batches.crops(pool, 128, 8, 10, np.random.default_rng(0))
    assert x.shape == (8, 3, 128, 128)
    assert x.min() >= (0 - 127.5) / 64
    assert x.max() <= (255 - 127.5) / 64
    assert (target.sum(axis=1) == 1).all()


def test_place_on_map_moves_the_map_and_takes_the_gradient_back():
    layer = PlaceOnMap((7, 7)).thinned(5)
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 4))
    out = layer.forward(x)
    assert out.shape == (2, 3, 7, 7)
    assert out.sum() == pytest.approx(x.sum())
    np.testing.assert_array_equal(layer.backward(out, x, out), x)
    assert len({PlaceOnMap((7, 7)).thinned(k).forward(x).tobytes() for k in range(20)}) > 5


def test_standardised_units_have_mean_0_and_variance_1():
    x = np.random.default_rng(0).standard_normal((4, 3, 64, 64)).astype(np.float32)
    network = standardised(random_network("pocket", input_size=(64, 64)), x)
    trace = network.forward(x)
    for name in ("conv1_1", "conv4_2"):
        np.testing.assert_allclose(trace[name].mean(axis=(0, 2, 3)), 0, atol=1e-4)
        np.testing.assert_allclose(trace[name].std(axis=(0, 2, 3)), 1, atol=1e-3)


def test_towards_the_centre_shrinks_outer_taps_of_deep_kernels_only():
    parameters = random_network("pocket").parameters
    after = towards_the_centre(parameters, 0.01)
    ratio = after["conv5_1.weight"] / parameters["conv5_1.weight"]
    np.testing.assert_allclose(ratio[..., 1, 1], 1)
    np.testing.assert_allclose(ratio[..., 0, 2], 0.99, rtol=1e-5)
    np.testing.assert_allclose(after["conv3_1.weight"][..., 0, 0] / parameters["conv3_1.weight"][..., 0, 0], 0.9975)
    for same in ("conv2_2.weight", "fc6.weight", "conv5_1.bias"):
        np.testing.assert_array_equal(after[same], parameters[same])


def test_towards_shared_positions_ends_at_the_mean_over_cells_channel_by_channel():
    parameters = random_network("pocket").parameters
    cells = parameters["fc6.weight"].reshape(256, 64, 49)
    once = towards_shared_positions(parameters, 1.0)["fc6.weight"].reshape(256, 64, 49)
    np.testing.assert_allclose(once, np.broadcast_to(cells.mean(axis=2, keepdims=True), cells.shape), atol=1e-6)
    half = towards_shared_positions(parameters, 0.5)
    np.testing.assert_allclose(half["fc6.weight"].reshape(256, 64, 49), (once + cells) / 2, atol=1e-6)
    np.testing.assert_array_equal(half["conv5_3.weight"], parameters["conv5_3.weight"])


@pytest.mark.slow
def test_an_interrupted_run_ends_where_an_unbroken_one_does(tmp_path):
    whole = [state.network.parameters for state, _ in run(TINY, tmp_path / "whole", 2, silent)][-1]
    for stop in (1, 2, 3, 4, 5):  # within the crops, at a change of stage, within whole pictures, at the last stage
        folder = tmp_path / f"broken-{stop}"
        for state, _ in run(TINY, folder, 1, silent):
            if state.step == stop:
                save(TINY, folder, state)
                break
        resumed = [state.network.parameters for state, _ in run(TINY, folder, 2, silent)][-1]
        for name, value in whole.items():
            np.testing.assert_array_equal(resumed[name], value, err_msg=f"{name}, stopped after {stop}")


def test_a_state_of_another_recipe_is_refused(tmp_path):
    save(TINY, tmp_path, State(1, random_network("pocket"), Adam()))
    with pytest.raises(InputError, match="other settings"):
        restored(Recipe(), tmp_path)
