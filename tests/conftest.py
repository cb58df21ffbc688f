"""No test looks into this machine's caches, or at the net."""

import pytest


@pytest.fixture(autouse=True)
def _alone_in_the_world(monkeypatch, tmp_path_factory):
    for variable in ("NUMCAM_WEIGHTS", "NUMCAM_MIRROR", "HF_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("NUMCAM_CACHE", "TORCH_HOME", "KERAS_HOME", "HF_HOME"):
        monkeypatch.setenv(variable, str(tmp_path_factory.getbasetemp() / variable))
    monkeypatch.setenv("NUMCAM_OFFLINE", "1")
