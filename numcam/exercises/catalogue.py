"""All exercises by name, in the order of the tutorial's pages."""

from collections.abc import Iterable

from numcam.errors import InputError, did_you_mean
from numcam.exercises.exercise import Exercise
from numcam.exercises.pages import (
    cam_weights,
    cams,
    columns,
    convolution,
    convolution_backward,
    counting,
    first,
    fooling,
    guided_product,
    layers,
    pointing,
    pooling,
    preprocessing,
    ranks,
    rules,
    scores,
    smallest_step,
    softmax,
    walking,
)

ROOMS = (
    *(first, layers, pooling, columns, convolution, convolution_backward, softmax, scores, preprocessing),
    *(counting, walking, cam_weights, cams, rules, guided_product, fooling, smallest_step, ranks, pointing),
)

EXERCISES: dict[str, Exercise] = {
    value.name: value for room in ROOMS for value in vars(room).values() if isinstance(value, Exercise)
}

PAGES = {
    "00": "See where a network looks",
    "01": "Follow one number backwards",
    "02": "Add up the paths",
    "03": "Read the shapes",
    "04": "Close the gates",
    "05": "Let the winner take the gradient",
    "06": "Slide a window, then slide it back",
    "07": "Choose what to explain",
    "08": "Build VGG16 and trust it",
    "09": "Walk all the way back",
    "10": "Ask each channel how much it matters",
    "11": "Change one rule",
    "12": "Push the picture over the edge",
    "13": "Do not trust a pretty picture",
}

BY_HAND = {"14"}
"""Pages of the tutorial without a function to check."""


def of_page(page: str) -> list[Exercise]:
    """The exercises of a page, given as "6" or "06"; InputError for another page."""
    number = page.zfill(2)
    if number in BY_HAND:
        raise InputError(f"page {number} has no exercise to check; it is done by hand")
    if not page or number not in PAGES:
        raise InputError(f"no page {page!r}; the tutorial's pages are 00 to {max({*PAGES, *BY_HAND})}")
    return [e for e in EXERCISES.values() if e.page == number]


def chosen(wanted: Iterable[str]) -> list[str]:
    """The names that function names and page numbers stand for; InputError for what is neither."""
    names: list[str] = []
    for one in wanted:
        if one.isdigit():
            names += [e.name for e in of_page(one)]
        elif one in EXERCISES:
            names.append(one)
        else:
            raise InputError(f"no exercise {one!r}; {did_you_mean(one, EXERCISES, most=40)}")
    return list(dict.fromkeys(names))
