"""numcam train stopped at awkward moments: the same command goes on, and ends where an unbroken run does."""

from functools import partial

import h5py
import numpy as np
import pytest

from numcam.cli.main import main
from numcam.errors import InputError
from numcam.models.vgg import random_network
from numcam.nn.training import Adam
from numcam.recipe.pool import drawn
from numcam.recipe.settings import Recipe
from numcam.recipe.state import STATE, State, restored, save

STEPS = ("--crop-steps=2", "--whole-steps=1", "--finish-steps=1", "--presence-steps=1")
PARAMETERS = 32
"""Of pocket: 13 convolutions and 3 linear layers, a weight and a bias each; so many moves make one step of Adam."""


@pytest.fixture
def train(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("numcam.cli.train.Recipe", partial(Recipe, batch=2, crop_side=64))

    def command(name):
        return main(
            ["train", "--singles=4", "--pairs=2", *STEPS, "--workers=1", f"--out={name}.h5", f"--folder={name}"]
        )

    return command


def trained(name):
    with h5py.File(f"{name}.h5") as file:
        return {key: file[key][()] for key in file}


def interrupted(call, at):
    """The function, with Ctrl-C pressed in its call number `at`."""
    calls = 0

    def wrapped(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt
        return call(*arguments, **options)

    return wrapped


@pytest.mark.slow
def test_ctrl_c_within_a_step_ends_where_an_unbroken_run_does(train, monkeypatch, capsys):
    assert train("whole") == 0
    for step in (1, 2, 4):  # in the first step, between two of one stage, in a later stage
        name = f"broken-{step}"
        with monkeypatch.context() as patch:
            patch.setattr(Adam, "_moved", interrupted(Adam._moved, PARAMETERS * (step - 1) + PARAMETERS // 2))
            assert train(name) == 130
        assert ("from step" in capsys.readouterr().out) == (step > 1)
        assert train(name) == 0
        found = trained(name)
        for key, value in trained("whole").items():
            np.testing.assert_array_equal(found[key], value, err_msg=f"{key}, stopped in step {step}")


def test_ctrl_c_while_scenes_are_drawn_is_one_line_and_no_traceback(train, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr("numcam.recipe.pocket.drawn", interrupted(drawn, 2))
        assert train("early") == 130
    captured = capsys.readouterr()
    assert captured.out == "\nstopped; the same command goes on\n"
    assert "Traceback" not in captured.err
    assert train("early") == 0


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"nonsense"])
def test_a_damaged_state_is_named_with_what_to_do(tmp_path, damage):
    save(Recipe(), tmp_path, State(1, random_network("pocket"), Adam()))
    path = tmp_path / STATE
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"state\.npz is damaged .*remove it to begin anew"):
        restored(Recipe(), tmp_path)


@pytest.mark.parametrize("ending", [".json", ".npy"])
def test_damaged_scenes_are_named_with_what_to_do(tmp_path, ending):
    def draw():
        return drawn(tmp_path, 2, 1, 1, lambda items, **_: items)

    first = draw()
    path = tmp_path / f"scenes-2x1{ending}"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match=r"scenes-2x1 is damaged .*remove .*scenes-2x1\.json"):
        draw()
    (tmp_path / "scenes-2x1.json").unlink()
    np.testing.assert_array_equal(draw().images, first.images)
