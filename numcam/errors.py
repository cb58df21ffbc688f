"""The one exception that means: what was given cannot be used, and here is why and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """A picture, file, name or number from outside that numcam cannot use. The message is made to be shown."""


def did_you_mean(name: str, known: Iterable[str], most: int = 12) -> str:
    """The end of an error sentence: the nearest of the known names, or the names there are."""
    names = list(known)
    lower = {n.lower(): n for n in reversed(names)}
    near = [lower[m] for m in get_close_matches(name.lower(), lower, n=3, cutoff=0.6)]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are {', '.join(names[:most])}" + (f" and {len(names) - most} more" if len(names) > most else "")
