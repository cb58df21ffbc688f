"""Pages 00, 01, 02 and 13 in other styles."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from exercises.variants import right
from scipy import ndimage, stats


@right("runner_up")
def by_partition(scores):
    return np.argpartition(scores, -2, axis=1)[:, -2]


@right("runner_up")
def by_masking_the_best(scores):
    rest = scores.copy()
    rest[np.arange(len(rest)), rest.argmax(axis=1)] = -np.inf
    return rest.argmax(axis=1)


@right("runner_up")
def by_sorted_lists(scores):
    return [sorted(range(len(row)), key=row.__getitem__)[-2] for row in scores.tolist()]


@right("runner_up")
def by_descending_order(scores):
    return (-scores).argsort(axis=1)[:, 1]


@right("runner_up")
def by_loops(scores):
    found = np.zeros(len(scores), dtype=np.int32)
    for i, row in enumerate(scores):
        best = second = None
        for j, s in enumerate(row):
            if best is None or s > row[best]:
                best, second = j, best
            elif second is None or s > row[second]:
                second = j
        found[i] = second
    return found


@right("runner_up")
def by_counting_who_is_higher(scores):
    higher = (scores[:, None, :] > scores[:, :, None]).sum(axis=2)
    return (higher == 1).argmax(axis=1)


@right("runner_up")
def by_value(scores):
    second = np.sort(scores, axis=1)[:, -2:-1]
    return np.where(scores == second)[1]


@right("runner_up")
def by_rank_of_each_row(scores):
    return np.array([np.argsort(np.argsort(row)).tolist().index(len(row) - 2) for row in scores])


@right("runner_up")
def by_popping_lists(scores):
    found = []
    for row in scores.tolist():
        rest = list(row)
        rest.remove(max(rest))
        found.append(row.index(max(rest)))
    return tuple(found)


@right("runner_up")
def by_lexsort_as_float(scores):
    order = np.apply_along_axis(np.argsort, 1, scores)
    return order[..., -2].astype(np.float64)


@right("derivative")
def two_halves(f, x, step=1e-5):
    return ((f(x + step) - f(x)) / step + (f(x) - f(x - step)) / step) / 2


@right("derivative")
def in_exact_fractions(f, x, step=1e-5):
    x, step = Fraction(x), Fraction(step)
    return float((f(x + step) - f(x - step)) / (2 * step))


@right("derivative")
def with_the_real_distance(f, x, step=1e-5):
    high, low = x + step, x - step
    return (f(high) - f(low)) / (high - low)


@right("derivative")
def by_numpy_diff(f, x, step=1e-5):
    return np.diff([f(x - step), f(x + step)])[0] / (2 * step)


@right("derivative")
def by_numpy_gradient(f, x, step=1e-5):
    return np.gradient(np.array([f(x + k * step) for k in (-1, 0, 1)]), step)[1]


@right("derivative")
def by_loop_over_signs(f, x, step=1e-5):
    total = 0.0
    for sign in (1, -1):
        total += sign * f(x + sign * step)
    return total * 0.5 / step


@right("derivative")
def by_dot_product(f, x, step=1e-5):
    return np.dot([1, -1], [f(x + step), f(x - step)]) / step / 2


@right("derivative")
def by_a_line_through_both(f, x, step=1e-5):
    return np.polyfit([-step, step], [f(x - step), f(x + step)], 1)[0]


@right("derivative")
def in_float32(f, x, step=1e-5):
    x, step = np.float32(x), np.float32(step)
    return (f(x + step) - f(x - step)) / (step + step)


@right("derivative")
def by_pairs(f, x, step=1e-5):
    (low, high), *_ = pairwise([f(x - step), f(x + step)])
    return np.array((high - low) / (2 * step))


def forward(a, b, c):
    d = a * b
    e = d + c
    return d, e, e * a


@right("six_gradients")
def backwards_with_plus_equals(a, b, c):
    _, e, _ = forward(a, b, c)
    g = dict.fromkeys("abcdef", 0.0)
    g["f"] = 1.0
    g["e"] += g["f"] * a
    g["a"] += g["f"] * e
    g["d"] += g["e"]
    g["c"] += g["e"]
    g["a"] += g["d"] * b
    g["b"] += g["d"] * a
    return tuple(g[k] for k in "abcdef")


@right("six_gradients")
def written_out(a, b, c):
    return 2 * a * b + c, a * a, a, a, a, 1


@right("six_gradients")
def as_a_list(a, b, c):
    return [a * b + c + a * b, a**2, a, a, a, 1.0]


@right("six_gradients")
def as_numpy_scalars(a, b, c):
    a, b, c = np.float32(a), np.float32(b), np.float32(c)
    de = np.float32(1) * a
    return de * b + (a * b + c), de * a, de, de, de, np.float32(1)


def wiggled(f, values, k, h=1e-4):
    up, down = list(values), list(values)
    up[k] += h
    down[k] -= h
    return (f(*up) - f(*down)) / (2 * h)


@right("six_gradients")
def by_wiggling(a, b, c):
    da, db, dc = (wiggled(lambda a, b, c: forward(a, b, c)[2], (a, b, c), k) for k in range(3))
    d, e, _ = forward(a, b, c)
    dd = wiggled(lambda d: (d + c) * a, (d,), 0)
    de = wiggled(lambda e: e * a, (e,), 0)
    return da, db, dc, dd, de, 1.0


@right("six_gradients")
def by_dual_numbers(a, b, c):
    def times(u, v):
        return u[0] * v[0], u[0] * v[1] + u[1] * v[0]

    def plus(u, v):
        return u[0] + v[0], u[1] + v[1]

    def f(da=0, db=0, dc=0, dd=0, de=0):
        d = plus(times((a, da), (b, db)), (0, dd))
        e = plus(plus(d, (c, dc)), (0, de))
        return times(e, (a, da))[1]

    return f(da=1), f(db=1), f(dc=1), f(dd=1), f(de=1), 1.0


@right("six_gradients")
def by_complex_step(a, b, c):
    h = 1e-20j
    d, e, _ = forward(a, b, c)
    return (
        *(forward(a + h, b, c)[2].imag / 1e-20, forward(a, b + h, c)[2].imag / 1e-20),
        *(forward(a, b, c + h)[2].imag / 1e-20, ((d + h + c) * a).imag / 1e-20, ((e + h) * a).imag / 1e-20, 1.0),
    )


@right("six_gradients")
def by_jacobians(a, b, c):
    # (a, b, c) -> (a, d, c) -> (a, e) -> f: a row vector times three matrices
    first = np.array([[1, 0, 0], [b, a, 0], [0, 0, 1]])
    second = np.array([[1, 0, 0], [0, 1, 1]])
    third = np.array([[forward(a, b, c)[1], a]])
    da, db, dc = (third @ second @ first)[0]
    _, dd, _ = (third @ second)[0]
    return da, db, dc, dd, third[0, 1], 1.0


@right("six_gradients")
def as_an_array(a, b, c):
    return list(np.array([2 * a * b + c, a * a, a, a, a, 1.0]))


@right("six_gradients")
def by_recursion(a, b, c):
    values = {"a": a, "b": b, "c": c}
    values["d"] = a * b
    values["e"] = values["d"] + c
    uses = {
        "a": [("d", b), ("f", values["e"])],
        "b": [("d", a)],
        "c": [("e", 1)],
        "d": [("e", 1)],
        "e": [("f", a)],
        "f": [],
    }

    def red(name):
        return 1.0 if name == "f" else sum(red(above) * local for above, local in uses[name])

    return tuple(map(red, "abcdef"))


@right("rank_correlation")
def by_scipy(a, b):
    if a.min() == a.max() or b.min() == b.max():
        return 0.0
    return stats.spearmanr(a.ravel(), b.ravel()).statistic


@right("rank_correlation")
def by_rankdata_and_corrcoef(a, b):
    u, v = stats.rankdata(a), stats.rankdata(b)
    return np.corrcoef(u, v)[0, 1] if np.ptp(u) and np.ptp(v) else 0


@right("rank_correlation")
def by_loops_over_cells(a, b):
    def ranks(values):
        return [sum((w < v) + 0.5 * (w == v) for w in values) for v in values]

    u, v = ranks(a.ravel().tolist()), ranks(b.ravel().tolist())
    mu, mv = sum(u) / len(u), sum(v) / len(v)
    top = sum((p - mu) * (q - mv) for p, q in zip(u, v, strict=True))
    bottom = (sum((p - mu) ** 2 for p in u) * sum((q - mv) ** 2 for q in v)) ** 0.5
    return top / bottom if bottom else 0.0


def rank_by_broadcasting(m):
    m = m.ravel()
    return (m[:, None] > m).sum(1) + ((m[:, None] == m).sum(1) - 1) / 2


@right("rank_correlation")
def by_broadcasting(a, b):
    u, v = (r - r.mean() for r in map(rank_by_broadcasting, (a, b)))
    norm = np.linalg.norm(u) * np.linalg.norm(v)
    return u @ v / norm if norm > 0 else 0.0


@right("rank_correlation")
def by_searchsorted(a, b):
    def ranks(m):
        flat, ordered = m.ravel(), np.sort(m, axis=None)
        return (np.searchsorted(ordered, flat, "left") + np.searchsorted(ordered, flat, "right") + 1) / 2

    u, v = ranks(a), ranks(b)
    c = np.cov(u, v)
    return 0.0 if c[0, 0] * c[1, 1] == 0 else c[0, 1] / np.sqrt(c[0, 0] * c[1, 1])


@right("rank_correlation")
def by_standard_scores(a, b):
    u, v = stats.rankdata(a), stats.rankdata(b)
    if u.std() == 0 or v.std() == 0:
        return 0.0
    return np.mean((u - u.mean()) / u.std() * (v - v.mean()) / v.std())


@right("rank_correlation")
def of_pair_signs(a, b):
    def ranks(m):
        return np.sign(m.ravel()[:, None] - m.ravel()).sum(axis=1)

    u, v = ranks(a), ranks(b)
    norm = np.sqrt(np.einsum("i,i", u, u) * np.einsum("i,i", v, v))
    return float(np.einsum("i,i", u, v) / norm) if norm else 0.0


@right("rank_correlation")
def in_float32_ranks(a, b):
    u, v = (stats.rankdata(m.astype(np.float32)).astype(np.float32) for m in (a, b))
    u -= u.mean()
    v -= v.mean()
    norm = np.sqrt((u * u).sum() * (v * v).sum())
    return (u * v).sum() / norm if norm else np.float32(0)


@right("rank_correlation")
def by_walking_sorted_runs(a, b):
    def ranks(m):
        values = m.ravel().tolist()
        order = sorted(range(len(values)), key=values.__getitem__)
        rank, i = [0.0] * len(values), 0
        while i < len(order):
            j = i
            while j + 1 < len(order) and values[order[j + 1]] == values[order[i]]:
                j += 1
            for k in order[i : j + 1]:
                rank[k] = (i + j) / 2
            i = j + 1
        return np.array(rank)

    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.corrcoef(ranks(a), ranks(b))[0, 1])


@right("rank_correlation")
def by_regression(a, b):
    u, v = stats.rankdata(a), stats.rankdata(b)
    if np.all(u == u[0]) or np.all(v == v[0]):
        return np.array(0.0)
    return np.polyfit(u, v, 1)[0] * u.std() / v.std()


@right("points_at")
def by_distances(map, mask, tolerance=0.0):
    if not mask.any() or map.min() == map.max():
        return False
    row, col = divmod(int(map.argmax()), map.shape[1])
    return min((row - r) ** 2 + (col - c) ** 2 for r, c in np.argwhere(mask).tolist()) <= tolerance**2


@right("points_at")
def by_distance_transform(map, mask, tolerance=0.0):
    if not mask.any() or np.ptp(map) == 0:
        return np.False_
    return ndimage.distance_transform_edt(~mask).ravel()[map.argmax()] <= tolerance


@right("points_at")
def by_growing_the_mask(map, mask, tolerance=0.0):
    rows, cols = np.indices(map.shape)
    grown = np.zeros(map.shape, bool)
    for r, c in zip(*np.nonzero(mask), strict=True):
        grown |= np.hypot(rows - r, cols - c) <= tolerance
    return bool(grown[np.unravel_index(map.argmax(), map.shape)] and (map != map.flat[0]).any())


@right("points_at")
def by_dilation(map, mask, tolerance=0.0):
    if map.max() <= map.min() or mask.sum() == 0:
        return 0
    reach = int(tolerance)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    grown = ndimage.binary_dilation(mask, structure=y * y + x * x <= tolerance**2)
    return int(grown.flat[map.argmax()])


@right("points_at")
def by_loops_over_cells_and_mask(map, mask, tolerance=0.0):
    best = (0, 0)
    for row in range(map.shape[0]):
        for col in range(map.shape[1]):
            if map[row, col] > map[best]:
                best = (row, col)
    if all(v == map[0, 0] for v in map.ravel()):
        return False
    for row in range(map.shape[0]):
        for col in range(map.shape[1]):
            if mask[row, col] and ((row - best[0]) ** 2 + (col - best[1]) ** 2) ** 0.5 <= tolerance:
                return True
    return False


@right("points_at")
def by_complex_numbers(map, mask, tolerance=0.0):
    rows, cols = np.indices(map.shape)
    place = rows + 1j * cols
    here = place.flat[np.argmax(map)]
    there = place[mask]
    return bool(np.ptp(map) and there.size and np.abs(there - here).min() <= tolerance)


@right("points_at")
def as_zero_or_one(map, mask, tolerance=0.0):
    where = np.argwhere(map == map.max())[0]
    cells = np.argwhere(mask)
    if len(cells) == 0 or (map == map.max()).all():
        return np.float64(0)
    return np.float64(np.linalg.norm(cells - where, axis=1).min() <= tolerance)


@right("points_at")
def by_cumulative_flags(map, mask, tolerance=0.0):
    flat = map.reshape(-1).tolist()
    first = flat.index(max(flat))
    if min(flat) == max(flat):
        return False
    row, col = first // map.shape[1], first % map.shape[1]
    near = [(r, c) for r, c in np.ndindex(*mask.shape) if (r - row) ** 2 + (c - col) ** 2 <= tolerance * tolerance]
    return any(mask[r, c] for r, c in near)


@right("points_at")
def by_sorting(map, mask, tolerance=0.0):
    order = np.argsort(-map, axis=None, kind="stable")
    row, col = np.unravel_index(order[0], map.shape)
    if np.unique(map).size == 1 or not np.count_nonzero(mask):
        return False
    r, c = np.where(mask)
    return np.array(np.sqrt(((r - row) ** 2 + (c - col) ** 2).min()) <= tolerance)


@right("points_at")
def by_kdtree_like_minimum(map, mask, tolerance=0.0):
    if map.std() == 0:
        return False
    row, col = np.unravel_index(np.nanargmax(map), map.shape)
    distances = [np.hypot(r - row, c - col) for r, c in zip(*mask.nonzero(), strict=True)]
    return bool(min(distances, default=np.inf) <= tolerance)
