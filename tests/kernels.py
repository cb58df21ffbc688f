"""Print the kinds of kernels that NumPy's OpenBLAS can run on this processor, one name a line.

For running tests once on each: OPENBLAS_CORETYPE=Haswell python -m pytest tests/nn. Nothing is printed where NumPy has
another BLAS, or an OpenBLAS that was built for one kind alone.
"""

import os
import subprocess
import sys

NAMES = ("SkylakeX", "Haswell", "Zen", "Sandybridge", "Nehalem", "Prescott", "NeoverseN1", "ARMV8")
MULTIPLY = """
import numpy
from numcam.nn.fast.blas import kernel
for size in (5, 300):
    for dtype in ("f4", "f8"):
        a = numpy.ones((size, size), dtype)
        assert (a @ a == size).all()
print(kernel())
"""


def running(name: str) -> str:
    """The kernels that run when these are asked for; "" where the processor cannot run them."""
    environment = os.environ | {"OPENBLAS_CORETYPE": name}
    done = subprocess.run([sys.executable, "-c", MULTIPLY], env=environment, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def main() -> None:
    found = {running(name): name for name in reversed(NAMES)}  # the first name that leads to each
    found.pop("", None)
    if len(found) > 1:
        print(*(name for name in NAMES if name in found.values()), sep="\n")


if __name__ == "__main__":
    main()
