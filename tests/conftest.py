"""No test looks into this machine's caches, or at the net; and a small network that many of them use."""

import pytest

from numcam.formats import Weights, write_weights
from numcam.models.preprocessing import CENTRED
from numcam.models.vgg import random_network
from numcam.scenes import CLASSES


@pytest.fixture(autouse=True)
def _alone_in_the_world(monkeypatch, tmp_path_factory):
    for variable in ("NUMCAM_WEIGHTS", "NUMCAM_MIRROR", "HF_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("NUMCAM_CACHE", "TORCH_HOME", "KERAS_HOME", "HF_HOME"):
        monkeypatch.setenv(variable, str(tmp_path_factory.getbasetemp() / variable))
    monkeypatch.setenv("NUMCAM_OFFLINE", "1")


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The file of pocket with random weights, for 64x64 pictures: what the commands do does not depend on training."""
    path = tmp_path_factory.mktemp("model") / "small.h5"
    network = random_network("pocket", input_size=(64, 64))
    write_weights(path, Weights("pocket", network.parameters, CLASSES, CENTRED, (64, 64)))
    return str(path)
