"""Nothing heavy is imported before it is needed: a command starts as fast as what it does allows."""

import subprocess
import sys

import pytest

HEAVY = {"scipy", "matplotlib", "requests", "pooch", "tqdm", "torch", "unittest", "multiprocessing"}
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
    "Grad-CAM": (GRAD_CAM, HEAVY),
    "a list of classes": (MAIN.format(arguments=["classify", "nowhere.png"]), HEAVY),
    "the options of explain": (
        MAIN.format(arguments=["explain", "--help"]),
        {"scipy.stats", "scipy.ndimage", "scipy.sparse", "requests", "matplotlib.pyplot"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_heavy_is_imported_where_it_is_needed_and_not_before(case):
    code, heavy = CASES[case]
    asked = f"{code}\nimport sys\nprint('imported', *(set({sorted(heavy)}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].split() == ["imported"]


def test_a_number_that_needs_scipy_brings_it():
    code = "import sys, numpy\nfrom numcam.evaluate import spearman\nspearman(numpy.eye(2), numpy.eye(2))\n"
    done = subprocess.run([sys.executable, "-c", code + "print('scipy.stats' in sys.modules)"], capture_output=True)
    assert done.stdout.strip() == b"True"
