"""Nothing heavy is imported before it is needed: a command starts as fast as what it does allows."""

import subprocess
import sys

import pytest

from numcam.cli.commands import COMMANDS
from numcam.cli.main import main

HEAVY = {"scipy", "matplotlib", "h5py", "requests", "pooch", "tqdm", "torch", "unittest", "multiprocessing"}
GRAD_CAM = """
import numcam
classifier = numcam.load()
numcam.grad_cam(classifier.forward(classifier.preprocess(numcam.scenes.draw(0).image)))
"""
MAIN = "from numcam.cli.main import main\ntry:\n    main({arguments})\nexcept SystemExit:\n    pass\n"
CASES = {
    "import": ("import numcam", HEAVY),
    "help": (MAIN.format(arguments=["--help"]), HEAVY),
    "version": (MAIN.format(arguments=["--version"]), HEAVY),
    "a mistyped command": (MAIN.format(arguments=["explian"]), HEAVY),
    "Grad-CAM": (GRAD_CAM, HEAVY - {"h5py"}),  # pocket lies in a file of HDF5
    "a list of classes": (MAIN.format(arguments=["classify", "nowhere.png"]), HEAVY - {"h5py"}),
    "a mistyped picture": (MAIN.format(arguments=["explain", "nowhere.png"]), {"matplotlib", "tqdm", "scipy.ndimage"}),
    **{
        f"the options of {name}": (
            MAIN.format(arguments=[name, "--help"]),
            {"matplotlib", "requests", "torch", "scipy.stats", "scipy.ndimage", "scipy.sparse", "scipy.optimize"},
        )
        for name in COMMANDS
    },
}

EVERY_MODULE = """
import importlib, pkgutil, sys
import numcam
for optional in ("torch", "onnx", "onnxruntime"):
    sys.modules[optional] = None  # as where they are not installed
first = set(sys.modules)  # what every import of a part of numcam begins with
for module in pkgutil.walk_packages(numcam.__path__, "numcam."):
    for name in [name for name in sys.modules if name.startswith("numcam.") and name not in first]:
        del sys.modules[name]
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "onnx", "onnxruntime"):
            raise
    print(module.name)
"""


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-500:]}\n{done.stderr}"
    return done.stdout.splitlines()


@pytest.mark.parametrize("case", CASES)
def test_what_is_heavy_is_imported_where_it_is_needed_and_not_before(case):
    code, heavy = CASES[case]
    asked = f"{code}\nimport sys\nprint('imported', *(set({sorted(heavy)}) & sys.modules.keys()))"
    assert python(asked)[-1].split() == ["imported"]


def test_a_number_that_needs_scipy_brings_it():
    code = "import sys, numpy\nfrom numcam.evaluate import spearman\nspearman(numpy.eye(2), numpy.eye(2))\n"
    assert python(code + "print('scipy.stats' in sys.modules)") == ["True"]


def test_pixels_filled_in_and_a_figure_bring_what_they_need():
    code = "import sys, numpy\nfrom numcam.evaluate.road import imputed\nfrom numcam.figures import Panel, panels\n"
    code += "imputed(numpy.ones((3, 4, 5)), numpy.eye(4, 5) > 0)\n"
    code += "panels([[Panel(numpy.zeros((4, 5, 3), numpy.uint8), scale='map')]], 'title')\n"
    assert python(code + "print({'scipy.sparse.linalg', 'matplotlib'} <= sys.modules.keys())") == ["True"]


def test_every_module_can_be_the_first_that_is_imported():
    names = python(EVERY_MODULE)
    assert {"numcam.cli.explain", "numcam.formats.own", "numcam.evaluate.road", "numcam.bench.errors"} <= set(names)


def test_ctrl_c_while_a_command_is_imported_is_one_word(capsys, monkeypatch):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("numcam.cli.main.import_module", interrupted)
    assert main(["explain", "photo.png"]) == 130
    assert capsys.readouterr() == ("", "numcam: stopped\n")
