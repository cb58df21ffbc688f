"""The fast engine: the same numbers as the layers' own, to float32's rounding, in a fraction of the time.

Nothing here is needed to understand the rest: it is used where `Network.forward(x, engine="fast")` asks for it.
"""

from numcam.nn.fast.backward import Walk
from numcam.nn.fast.forward import Pass, Value
from numcam.nn.fast.team import alone, release

__all__ = ["Pass", "Value", "Walk", "alone", "release"]
