"""How the built-in head's skin is meshed: a grid round the head, slit at eyes and mouth, with a pocket behind each slit.

Topology only, the same for every identity; knows no millimetre but the heights of the rows and the angles of the columns.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recorder.sim.builtin_form import EYE_V_MM, MOUTH_V_MM

Numbers = NDArray[np.int_]  # of vertices, rows, columns

# Angles of the columns of one half; the canthi and the corner of the mouth lie on columns of their own.
_HALF_DEG = (
    0.0, 1.3, 2.6, 3.9, 5.2, 6.5, 7.9, 9.4, 11.0, 12.3, 13.8, 15.4, 17.0, 18.5, 19.9, 21.3, 22.7, 24.2, 25.8, 27.6, 29.5,
    31.5, 33.8, 36.8, 40.8, 46.0, 52.0, 59.0, 67.0, 76.0, 86.0, 97.0, 110.0, 125.0, 141.0, 160.0, 180.0,
)  # fmt: skip
INNER_CANTHUS, OUTER_CANTHUS, MOUTH_CORNER = 8, 21, 11  # places in _HALF_DEG
# Heights of the rows at the front, in mm, from below the crown to the shoulders; the lid and lip rows are given from the slit.
_ROWS = (
    112.2, 109.8, 105.8, 100.0, 93.0, 85.0, 77.0, 69.0, 61.5, 54.5, 48.0, 42.0, 37.0, 32.7, 29.0, 25.8, 22.8, 20.0,
    17.3, 14.8, 12.4, 10.2, 8.3, 6.6, 5.1, 3.8, 2.6, 1.6, 0.7, 0.0, EYE_V_MM, -1.1, -1.9, -2.8, -3.9, -5.3, -7.0, -9.0,
    -11.2, -13.6, -16.2, -18.9, -21.6, -24.3, -26.8, -29.1, -31.2, -33.1, -34.8, -36.3, -37.7, -39.0, -40.2, -41.3,
    -42.4, -43.5, -44.6, -45.7, -46.9, -48.3, -50.1, -52.2, -54.4, -56.5, -58.4, -60.1, -61.6, -62.9, -64.1, -65.2,
    -66.1, -66.9, -67.5, MOUTH_V_MM, -68.5, -69.1, -69.9, -70.9, -72.1, -73.4, -74.9, -76.5, -78.2, -80.2, -82.4, -84.7,
    -87.1, -89.8, -92.7, -95.9, -99.2, -102.4, -105.4, -108.2, -110.7, -112.9, -115.1, -117.5, -120.3, -123.8, -128.0,
    -133.5, -140.5, -149.0, -158.5, -168.5, -179.0, -190.0, -201.0, -213.0, -226.0,
)  # fmt: skip
EYE_ROW, MOUTH_ROW = _ROWS.index(EYE_V_MM), _ROWS.index(MOUTH_V_MM)
EYE_RINGS, MOUTH_RINGS = 3, 5


@dataclass(frozen=True)
class Slit:
    """A slit in a row of the grid. columns: from its left to its right corner (as the viewer sees it), [n]; upper, lower:
    vertices of its margins, [n] each, sharing their first and last; loop: both, counter-clockwise from the left corner along
    the lower margin, [2n - 2]; rings: the pocket's vertices behind the loop, [rings, 2n - 2]; apex: its closing vertex.
    """

    columns: Numbers
    upper: Numbers
    lower: Numbers
    loop: Numbers
    rings: Numbers
    apex: int


@dataclass(frozen=True)
class Grid:
    """The skin's mesh. phi, v: angle (radians) and front height of each vertex, [n], pockets and crown left out; row, column:
    its place, [n]; upper: vertices [rows, columns] seen from the row above; lower: from below; crown: the vertex on top;
    slits: right eye, left eye, mouth; count: vertices with pockets; triangles: [f, 3]; mirror: each vertex's mirror image.
    """

    phi: NDArray[np.float64]
    v: NDArray[np.float64]
    row: Numbers
    column: Numbers
    upper: Numbers
    lower: Numbers
    crown: int
    slits: tuple[Slit, Slit, Slit]
    count: int
    triangles: Numbers
    mirror: Numbers


def column_angles() -> NDArray[np.float64]:
    """Angles of all columns, radians, from behind over the subject's right, the front and the left."""
    half = np.radians(_HALF_DEG)
    return np.concatenate([-half[:0:-1], half[:-1]])


def _front(steps: int) -> int:
    """The column that lies so many steps to the subject's left of the middle."""
    return len(_HALF_DEG) - 1 + steps


def _slit(upper: Numbers, lower: Numbers, row: int, columns: range, first: int, rings: int) -> Slit:
    above, below = upper[row, list(columns)], lower[row, list(columns)]
    loop = np.concatenate([below, above[-2:0:-1]])
    behind = first + np.arange(rings * len(loop)).reshape(rings, -1)
    return Slit(np.array(columns), above, below, loop, behind, first + rings * len(loop))


def _quads(a: Numbers, b: Numbers, c: Numbers, d: Numbers, other: NDArray[np.bool_]) -> Numbers:
    """Two triangles for each quadrilateral a b c d (counter-clockwise), cut from a to c, or from b to d where `other`."""
    one = np.where(other[..., None], np.stack([a, b, d], -1), np.stack([a, b, c], -1))
    two = np.where(other[..., None], np.stack([b, c, d], -1), np.stack([a, c, d], -1))
    return np.concatenate([one.reshape(-1, 3), two.reshape(-1, 3)])


def tube(rings: Numbers, other: NDArray[np.bool_] | None = None) -> Numbers:
    """Triangles between closed rings [r, n], each ring inside the one before as seen from outside, counter-clockwise.

    other: which of a ring's steps are cut along the other diagonal, [n]; half of them if not said.
    """
    ahead = np.roll(rings, -1, axis=1)
    a, b, c, d = rings[:-1], ahead[:-1], ahead[1:], rings[1:]
    cut = np.arange(rings.shape[1]) * 2 < rings.shape[1] if other is None else other
    return _quads(a, b, c, d, np.broadcast_to(cut[None, :], a.shape))


def fan(ring: Numbers, apex: int) -> Numbers:
    """Triangles that close a ring [n] with one vertex, counter-clockwise as the ring."""
    return np.stack([ring, np.roll(ring, -1), np.full_like(ring, apex)], axis=1)


def _skin_triangles(upper: Numbers, lower: Numbers, crown: int) -> Numbers:
    a, b = lower[:-1], upper[1:]
    d, c = np.roll(a, -1, axis=1), np.roll(b, -1, axis=1)
    columns = a.shape[1]
    left_half = np.broadcast_to(np.arange(columns)[None, :] < columns // 2, a.shape)
    return np.concatenate([_quads(a, b, c, d, left_half), fan(upper[0], crown)])


def _pocket_triangles(slit: Slit, place: Numbers) -> Numbers:
    """The pocket behind a slit; cut so that the mirror image of a triangle is a triangle. place: row and column of vertices."""
    columns = place[slit.loop, 1]
    middle = len(_HALF_DEG) - 1
    right = columns + np.roll(columns, -1) < 2 * middle
    return np.concatenate([tube(np.vstack([slit.loop, slit.rings]), right), fan(slit.rings[-1], slit.apex)])


def _mirror(upper: Numbers, lower: Numbers, slits: tuple[Slit, Slit, Slit], crown: int, count: int) -> Numbers:
    mirror = np.full(count, -1)
    across = -np.arange(upper.shape[1]) % upper.shape[1]
    mirror[upper], mirror[lower], mirror[crown] = upper[:, across], lower[:, across], crown
    for one, two in ((slits[0], slits[1]), (slits[1], slits[0]), (slits[2], slits[2])):
        partner = {int(v): k for k, v in enumerate(two.loop)}
        order = [partner[int(mirror[v])] for v in one.loop]
        mirror[one.rings], mirror[one.apex] = two.rings[:, order], two.apex
    return mirror


@lru_cache(maxsize=1)
def skin_grid() -> Grid:
    """The grid, the same for every head."""
    angles, heights = column_angles(), np.array(_ROWS)
    upper = np.arange(len(heights) * len(angles)).reshape(len(heights), len(angles))
    lower, place = upper.copy(), [(row, column) for row in range(len(heights)) for column in range(len(angles))]
    spans = (
        (EYE_ROW, range(_front(-OUTER_CANTHUS), _front(-INNER_CANTHUS) + 1), EYE_RINGS),
        (EYE_ROW, range(_front(INNER_CANTHUS), _front(OUTER_CANTHUS) + 1), EYE_RINGS),
        (MOUTH_ROW, range(_front(-MOUTH_CORNER), _front(MOUTH_CORNER) + 1), MOUTH_RINGS),
    )
    for row, span, _ in spans:
        for column in span[1:-1]:
            lower[row, column] = len(place)
            place.append((row, column))
    crown = len(place)
    slits, count = [], crown + 1
    for row, span, rings in spans:
        slits.append(_slit(upper, lower, row, span, count, rings))
        count = slits[-1].apex + 1
    three = (slits[0], slits[1], slits[2])
    triangles = np.concatenate(
        [_skin_triangles(upper, lower, crown), *(_pocket_triangles(slit, np.array(place)) for slit in slits)]
    )
    row_of, column_of = np.array(place).T
    mirror = _mirror(upper, lower, three, crown, count)
    return Grid(angles[column_of], heights[row_of], row_of, column_of, upper, lower, crown, three, count, triangles, mirror)
