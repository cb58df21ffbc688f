"""The fast engine: the same numbers as the layers' own, to float32's rounding, in a fraction of the time.

Nothing here is needed to understand the rest: `Network.forward(x, engine="plain")` does without it.
"""

from numcam.nn.fast.engine import Pass, Walk

__all__ = ["Pass", "Walk"]
