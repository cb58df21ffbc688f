"""Right answers in other styles than numcam's, by the exercise they answer: none of them may ever be called wrong."""

from collections.abc import Callable

RIGHT: dict[str, list[Callable]] = {}


def right(name):
    """Declare a right answer to the exercise `name`."""

    def add(function):
        RIGHT.setdefault(name, []).append(function)
        return function

    return add


def all_right():
    """The whole collection: importing the modules fills it."""
    from exercises import (  # noqa: F401
        right_cams,
        right_convolutions,
        right_first,
        right_fooling,
        right_layers,
        right_networks,
        right_scores,
    )

    return RIGHT
