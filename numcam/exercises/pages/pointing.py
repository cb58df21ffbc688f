"""Page 13: does a map point at the object?"""

from collections.abc import Iterator

import numpy as np
import scipy

from numcam.evaluate.localisation import peak
from numcam.evaluate.localisation import points_at as hits
from numcam.exercises.exercise import Case, exercise
from numcam.nn.types import Array


@exercise("13", "hit")
def points_at(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """The pointing game: does the map's maximum lie on the mask, or within `tolerance` pixels of it?

    map (rows, cols), of which the first maximum in reading order counts; mask (rows, cols) bool. The distance is
    measured straight, between cell centres. A constant map, or an empty mask, is no hit. Returns True or False.
    """
    return hits(map, mask, tolerance)


def hot(*cells: tuple[int, int], shape: tuple[int, int] = (5, 7)) -> Array:
    """A map that is 1 at some cells, with a slight slope elsewhere."""
    map = np.linspace(0, 0.5, shape[0] * shape[1]).reshape(shape)
    for cell in cells:
        map[cell] = 1
    return map


def box(rows: slice, cols: slice, shape: tuple[int, int] = (5, 7)) -> Array:
    mask = np.zeros(shape, bool)
    mask[rows, cols] = True
    return mask


@points_at.inputs
def _() -> Iterator[Case]:
    mask, none = box(slice(1, 3), slice(2, 4)), {"tolerance": 0.0}
    yield Case("the maximum on the mask", (hot((1, 3)), mask), none)
    yield Case("the maximum beside it", (hot((1, 4)), mask), none)
    yield Case("the maximum at row 3, column 2: a hit only if the two are exchanged", (hot((3, 2)), mask), none)
    yield Case("two maxima, the second on the mask", (hot((0, 0), (2, 2)), mask), none)
    yield Case("two maxima, the first on the mask", (hot((1, 2), (4, 6)), mask), none)
    yield Case("a blank map", (np.zeros((5, 7)), mask), none)
    yield Case("a blank map, the mask in its first corner", (np.zeros((5, 7)), box(slice(0, 2), slice(0, 2))), none)
    yield Case("an empty mask", (hot((1, 3)), box(slice(0, 0), slice(0, 0))), none)
    yield Case("a negative peak on the mask", (hot((0, 6)) - 3 * hot((2, 2)) * mask, mask), none)
    yield Case("one cell away, tolerance 1", (hot((1, 4)), mask), {"tolerance": 1.0})
    yield Case("one cell away diagonally, tolerance 1", (hot((0, 4)), mask), {"tolerance": 1.0})
    yield Case("one cell away diagonally, tolerance 1.5", (hot((0, 4)), mask), {"tolerance": 1.5})
    yield Case("two cells away, tolerance 1.5", (hot((1, 5)), mask), {"tolerance": 1.5})
    ring = box(slice(0, 5), slice(1, 6)) & ~box(slice(1, 4), slice(2, 5))
    yield Case("inside a ring-shaped mask, in its hole", (hot((2, 3)), ring), none)
    yield Case(
        "near a mask far from its centre, tolerance 2", (hot((4, 5)), box(slice(0, 5), slice(0, 4))), {"tolerance": 2.0}
    )


@points_at.wrong("Quantus' PointingGame counts a hit if *any* pixel equal to the maximum lies on the mask")
def any_maximum(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """Any of several equal maxima may hit; the first one counts, or a flat map would always win."""
    near = scipy.ndimage.distance_transform_edt(~mask) <= tolerance if mask.any() else mask
    return bool(np.ptp(map) > 0 and (near & (map == map.max())).any())


@points_at.wrong("Quantus' PointingGame: a blank map scores 1")
def blank_is_a_hit(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """A constant map counts as a hit where the mask holds its first cell; it points nowhere."""
    return bool(mask.any() and scipy.ndimage.distance_transform_edt(~mask)[peak(map)] <= tolerance)


@points_at.wrong("Quantus' PointingGame: a blank map and an empty mask both score 1")
def any_and_blank(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """Any cell equal to the maximum may hit, and in a constant map every cell is one: it always wins."""
    near = scipy.ndimage.distance_transform_edt(~mask) <= tolerance if mask.any() else mask
    return bool((near & (map == map.max())).any())


@points_at.wrong()
def row_and_column_swapped(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """Row and column of the maximum are exchanged; arrays are indexed [row, col], that is [y, x]."""
    row, col = peak(map)
    size = max(mask.shape)
    square = np.zeros((size, size), bool)
    square[: mask.shape[0], : mask.shape[1]] = mask
    return bool(np.ptp(map) > 0 and mask.any() and scipy.ndimage.distance_transform_edt(~square)[col, row] <= tolerance)


@points_at.wrong()
def tolerance_ignored(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """The tolerance is taken but not used."""
    return hits(map, mask)


@points_at.wrong()
def square_tolerance(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """The tolerance is a square around the point (the larger of the two differences); distance is measured straight."""
    if not mask.any() or np.ptp(map) == 0:
        return False
    return bool(scipy.ndimage.distance_transform_cdt(~mask, "chessboard")[peak(map)] <= tolerance)


@points_at.wrong()
def steps_tolerance(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """The distance adds rows and columns (steps along the grid); it is measured straight, by Pythagoras."""
    if not mask.any() or np.ptp(map) == 0:
        return False
    return bool(scipy.ndimage.distance_transform_cdt(~mask, "taxicab")[peak(map)] <= tolerance)


@points_at.wrong()
def centre_distance(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """The distance is measured to the centre of the mask; the nearest of its cells counts."""
    if not mask.any() or np.ptp(map) == 0:
        return False
    row, col = peak(map)
    rows, cols = np.nonzero(mask)
    return bool(mask[row, col] or np.hypot(row - rows.mean(), col - cols.mean()) <= tolerance)


@points_at.wrong()
def box_for_mask(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """The box around the mask counts as the object; the hole of a ring is not the ring."""
    if not mask.any():
        return False
    rows, cols = np.nonzero(mask)
    filled = np.zeros_like(mask)
    filled[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1] = True
    return hits(map, filled, tolerance)


@points_at.wrong()
def strongest_by_magnitude(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """The point farthest from 0 is taken; the strongest evidence *against* the class is no hit."""
    return hits(np.abs(map), mask, tolerance)


@points_at.wrong()
def mean_compared(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """The mean inside the mask is compared with that outside; the pointing game asks for the maximum's place alone."""
    if not mask.any() or mask.all():
        return False
    return bool(map[mask].mean() > map[~mask].mean())


@points_at.wrong()
def strictly_inside_tolerance(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """`<` where `<=` belongs: a distance of exactly the tolerance is a hit, and with tolerance 0 the mask itself is
    one.
    """
    if not mask.any() or np.ptp(map) == 0:
        return False
    return bool(scipy.ndimage.distance_transform_edt(~mask)[peak(map)] < tolerance)


@points_at.wrong()
def last_maximum(map: Array, mask: Array, tolerance: float = 0.0) -> bool:
    """Among equal maxima the last was taken; the first in reading order counts."""
    if not mask.any() or np.ptp(map) == 0:
        return False
    row, col = peak(map[::-1, ::-1])
    at = map.shape[0] - 1 - row, map.shape[1] - 1 - col
    return bool(scipy.ndimage.distance_transform_edt(~mask)[at] <= tolerance)
