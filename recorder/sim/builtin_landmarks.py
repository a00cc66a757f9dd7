"""Which vertices of the built-in head are the 68 landmarks of the iBUG 300-W annotation (Sagonas et al., ICCV Workshops 2013).

Knows the grid and the mean skin; the numbers hold for every identity.
"""

import numpy as np

from recorder.sim.builtin_form import Array, lip_heights
from recorder.sim.builtin_grid import Grid
from recorder.sim.builtin_traits import Traits
from recorder.sim.head import Ints

# Jaw line from the chin to the subject's left ear: angle in degrees, front height in mm.
_JAW = (
    (0.0, -113.0),
    (15.4, -111.0),
    (29.5, -107.0),
    (40.8, -100.0),
    (52.0, -87.0),
    (59.0, -68.0),
    (67.0, -48.0),
    (72.0, -26.0),
    (76.0, -6.0),
)
_BROW = ((11.5, 17.5), (20.0, 21.5), (29.5, 23.0), (39.0, 21.0), (47.5, 16.5))  # left brow from the middle: x, y in mm
_BRIDGE_V = (4.0, -9.0, -22.5, -37.7)  # nasal bridge down to the tip, front heights
_BASE = ((7.9, -46.9), (4.0, -47.6), (0.0, -48.3))  # below the nose, from its left wing to the middle: degrees, front height
_UPPER_LIP_MM, _LOWER_LIP_MM = (17.0, 6.0), (18.5, 9.0)  # places along the red's borders
_INNER_STEPS = (9, 5)  # columns from the middle along the line between the lips


def _nearest(grid: Grid, degrees: float, v: float) -> int:
    return int(np.argmin(((grid.phi - np.radians(degrees)) * 80) ** 2 + (grid.v - v) ** 2))


def _left_half(grid: Grid, points: Array, traits: Traits) -> dict[int, int]:
    """Landmarks of the middle and of the subject's left."""
    found = {8 + k: _nearest(grid, *place) for k, place in enumerate(_JAW)}
    front = points[:, 2] > -30
    for k, (x, y) in enumerate(_BROW):
        found[22 + k] = int(np.argmin((points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2 + 1e6 * ~front))
    found |= {27 + k: _nearest(grid, 0.0, v) for k, v in enumerate(_BRIDGE_V)}
    found |= {35 - k: _nearest(grid, *place) for k, place in enumerate(_BASE)}
    eye = grid.slits[1]
    third, last = len(eye.columns) // 3, len(eye.columns) - 1
    found |= {42: eye.upper[0], 43: eye.upper[third], 44: eye.upper[last - third], 45: eye.upper[last]}
    found |= {46: eye.lower[last - third], 47: eye.lower[third]}
    return {number: int(vertex) for number, vertex in found.items()} | _lips(grid, points, traits)


def _lips(grid: Grid, points: Array, traits: Traits) -> dict[int, int]:
    mouth = grid.slits[2]
    middle = len(mouth.columns) // 2
    outer, inner = (middle + steps for steps in _INNER_STEPS)
    upper = [_on_border(grid, points, traits, x, True) for x in (0.0, _UPPER_LIP_MM[1], _UPPER_LIP_MM[0])]
    lower = [_on_border(grid, points, traits, x, False) for x in (0.0, _LOWER_LIP_MM[1], _LOWER_LIP_MM[0])]
    return {
        51: upper[0], 52: upper[1], 53: upper[2], 54: int(mouth.upper[-1]), 55: lower[2], 56: lower[1], 57: lower[0],
        62: int(mouth.upper[middle]), 63: int(mouth.upper[inner]), 64: int(mouth.upper[outer]), 65: int(mouth.lower[inner]),
        66: int(mouth.lower[middle]),
    }  # fmt: skip


def _on_border(grid: Grid, points: Array, traits: Traits, x: float, above: bool) -> int:
    """The vertex nearest to the border of the red at x."""
    mouth = grid.slits[2]
    heights = lip_heights(np.array([x]), traits)
    line = float(np.interp(x, points[mouth.lower, 0], points[mouth.lower, 1]))
    y = line + heights[0][0] if above else line - heights[1][0]
    return int(np.argmin((points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2 + 1e6 * (points[:, 2] < -30)))


# The landmark that mirrors each: 0-16, 17-26, 27-30, 31-35, eyes, lips.
MIRRORED = (
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1), 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)  # fmt: skip


def landmark_vertices(grid: Grid, points: Array, traits: Traits) -> Ints:
    """Vertex numbers, int32 [68]; points: the mean skin [n, 3]."""
    known = _left_half(grid, points, traits)
    return np.array([known[k] if k in known else grid.mirror[known[MIRRORED[k]]] for k in range(68)], np.int32)
