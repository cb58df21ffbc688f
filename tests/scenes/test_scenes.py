"""Scenes are the ground truth: the same everywhere, with masks that are exact, and backgrounds that know nothing."""

import hashlib

import numpy as np
import pytest

from numcam import scenes
from numcam.errors import InputError


@pytest.mark.parametrize(
    ("seed", "objects", "digest"),
    [
        (0, 1, "8900f40819aa326c"),
        (1, 2, "22f962dfb9907f89"),
        (2, 3, "8ac4b667b6cdf2ac"),
        (123_456, 2, "b90abc4f603f0ab5"),
    ],
)
def test_a_seed_gives_the_same_picture_on_every_machine(seed, objects, digest):
    scene = scenes.draw(seed, objects=objects)
    everything = scene.image.tobytes() + b"".join(np.packbits(o.mask).tobytes() for o in scene.objects)
    assert hashlib.sha256(everything).hexdigest()[:16] == digest


@pytest.mark.parametrize("objects", [1, 2, 3])
def test_objects_differ_in_class_and_have_tight_boxes_and_allowed_sizes(objects):
    sides = {1: (0.30, 0.65), 2: (0.29, 0.46), 3: (0.27, 0.39)}[objects]  # the drawing's own, and an outline's width
    for seed in range(40):
        scene = scenes.draw(seed, objects=objects)
        assert scene.image.shape == (224, 224, 3)
        assert scene.image.dtype == np.uint8
        assert len({o.name for o in scene.objects}) == objects
        for o in scene.objects:
            left, top, right, bottom = o.box
            assert o.mask[top:bottom, left:right].sum() == o.mask.sum() > 0
            assert all(edge.any() for edge in (o.mask[top], o.mask[bottom - 1], o.mask[:, left], o.mask[:, right - 1]))
            cut = left == 0 or top == 0 or right == 224 or bottom == 224
            assert max(right - left, bottom - top) <= sides[1] * 224
            if objects == 1 and not cut:
                assert max(right - left, bottom - top) >= sides[0] * 224


def test_masks_of_one_scene_do_not_overlap():
    for seed in range(30):
        a, b, c = (o.mask for o in scenes.draw(seed, objects=3).objects)
        assert not (a & b).any()
        assert not (b & c).any()
        assert not (a & c).any()


def test_at_most_a_quarter_of_an_object_is_out_of_the_picture_or_hidden():
    from numcam.scenes import compose

    shown, whole = [], []
    original = compose._mask

    def recording(shapes):
        left, top, right, bottom = compose.bounds(shapes)
        side = compose.SIDE * compose.FINE
        inside = (min(right, side) - max(left, 0)) * (min(bottom, side) - max(top, 0))
        shown.append(inside)
        whole.append((right - left) * (bottom - top))
        return original(shapes)

    compose._mask = recording
    try:
        for seed in range(150):
            scenes.draw(seed, objects=1 + seed % 3)
    finally:
        compose._mask = original
    assert min(np.array(shown) / np.array(whole)) >= 0.75


def test_every_class_occurs_about_equally_often():
    names = [o.name for seed in range(300) for o in scenes.draw(seed, objects=1).objects]
    counts = [names.count(name) for name in scenes.CLASSES]
    assert min(counts) >= 15  # 30 expected, standard deviation 5
    assert max(counts) <= 48


def test_the_background_does_not_depend_on_the_class():
    for seed in range(12):
        cat, car = (scenes.draw(seed, objects=1, names=(name,)) for name in ("cat", "car"))
        near = _grown(cat.objects[0].mask | car.objects[0].mask)
        assert (~near).sum() > 10_000
        np.testing.assert_array_equal(cat.image[~near], car.image[~near])


def _grown(mask):
    """The mask and two pixels round it: the smoothed edge of the outline."""
    out = mask.copy()
    for _ in range(2):
        padded = np.pad(out, 1)
        out = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:] | out
    return out


def test_objects_stand_out_from_what_is_around_them():
    """Mean colour of the object against that of a ring round it: a person should see every one at a glance."""
    faint = 0
    for seed in range(200):
        scene = scenes.draw(seed)
        mask = scene.objects[0].mask
        inner, ring = scene.image[mask], scene.image[_grown(_grown(_grown(mask))) & ~_grown(mask)]
        faint += np.abs(inner.mean(0) - ring.mean(0)).max() < 20
    assert faint <= 10


def test_given_names_are_drawn_in_that_order():
    assert [o.name for o in scenes.draw(3, objects=2, names=("cat", "dog")).objects] == ["cat", "dog"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": "1"}, "seed"),
        ({"seed": 1, "objects": 0}, "1, 2 or 3"),
        ({"seed": 1, "objects": 4}, "1, 2 or 3"),
        ({"seed": 1, "objects": True}, "1, 2 or 3"),
        ({"seed": 1, "names": ("cot",)}, "cat"),
        ({"seed": 1, "names": "cat"}, "'c'"),
        ({"seed": 1, "objects": 2, "names": ("cat",)}, "2 different"),
        ({"seed": 1, "objects": 2, "names": ("cat", "cat")}, "2 different"),
    ],
)
def test_bad_arguments_are_answered_with_what_was_expected(arguments, words):
    with pytest.raises(InputError, match=words):
        scenes.draw(**arguments)
