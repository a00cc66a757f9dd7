"""How the built-in head's lids move: over the eyeball, in front of it all the way.

Knows no other part of the face, no action unit's name and no picture. Millimetres. Shapes are linear, so a lid that starts and
ends on the eyeball would cut through it on its way: the end is moved outwards until the whole chord stays in front.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.sim.builtin_form import Array, smoothstep
from recorder.sim.builtin_grid import Grid, Numbers, Slit
from recorder.sim.builtin_skin import EYE_RADIUS_MM, LID_MM, eye_centres, lid_margins
from recorder.sim.builtin_traits import Traits

_UPPER_REACH_MM, _LOWER_REACH_MM = 13.0, 11.0  # from a lid's margin to where its skin no longer moves along
_CLEAR_MM = 0.25  # between the eyeball and the lid at any stage
_UPPER_DEPTH, _LOWER_DEPTH = 0.62, 0.3  # of the radius: further back, the skin leaves the ball for what surrounds it
_EDGE_MM = 0.35  # the least that is left of a lid's thickness at its margin
_CLOSED_LIFT_MM = 1.0  # a blink's share of the lower lid (Sforza et al., J. Anat. 212 (2008): about a tenth of the opening)
_STILL_MM = 1e-9
_STAGES = np.linspace(0.1, 1.0, 10)


@dataclass(frozen=True)
class Lids:
    """The lids at rest. points: the whole skin [n, 3]; sides: 1 above the lids' slit, 2 below, [n]."""

    grid: Grid
    points: Array
    sides: NDArray[np.int64]
    traits: Traits


def closing(lids: Lids) -> Array:
    """The skin's displacement [n, 3] that closes both eyes."""
    upper, lower = lid_margins(_xi(lids), lids.traits)
    ends = lower + _CLOSED_LIFT_MM * _belly(_xi(lids))
    return _moved(lids, ends - upper, ends - lower, closes=True)


def opening(lids: Lids, upper_mm: float, lower_mm: float) -> Array:
    """The skin's displacement [n, 3] that moves the middle of the upper and the lower lid up by that much."""
    belly = _belly(_xi(lids))
    return _moved(lids, upper_mm * belly, lower_mm * belly, closes=False)


def _belly(xi: Array) -> Array:
    return np.asarray(np.clip(1 - xi**2, 0, 1) ** 0.85)


def _xi(lids: Lids) -> Array:
    """From -1 at the inner to 1 at the outer canthus, for each column of the grid; the ends hold beyond."""
    phi = np.abs(lids.grid.phi[lids.grid.upper[0]])
    inner, outer = (abs(lids.grid.phi[lids.grid.slits[1].upper[k]]) for k in (0, -1))
    return np.asarray(np.clip((phi - inner) / (outer - inner), 0, 1) * 2 - 1)


def _moved(lids: Lids, upper_mm: Array, lower_mm: Array, closes: bool) -> Array:
    """Displacements for margins that move up by so much at each column [columns]."""
    grid, points = lids.grid, lids.points
    ends = points.copy()
    for slit, centre in zip(grid.slits[:2], eye_centres(lids.traits), strict=True):
        _move_lid(lids, ends, slit, centre, _Lid(1, slit.upper, upper_mm, _UPPER_REACH_MM, _UPPER_DEPTH))
        _move_lid(lids, ends, slit, centre, _Lid(2, slit.lower, lower_mm, _LOWER_REACH_MM, _LOWER_DEPTH))
        _follow(points, ends, slit, centre)
        _keep_edge(points, ends, slit, centre)
        if closes:
            ends[slit.upper] = ends[slit.lower] = _further(ends[slit.upper], ends[slit.lower], centre)
        _follow(points, ends, slit, centre)
    return ends - points


@dataclass(frozen=True)
class _Lid:
    """One lid of an eye: side (as in `Lids`), margin, way up at each column of the grid, reach, depth (see `_on_ball`)."""

    side: int
    margin: Numbers
    mm: Array
    reach_mm: float
    depth_share: float


def _move_lid(lids: Lids, ends: Array, slit: Slit, centre: Array, lid: _Lid) -> None:
    """Write where the skin of one lid ends, its margin included."""
    grid, points = lids.grid, lids.points
    skin = len(grid.phi)
    mine = np.isin(grid.column, slit.columns[1:-1]) & (lids.sides[:skin] == lid.side) & (points[:skin, 2] > -25)
    margin_y = np.zeros(grid.upper.shape[1])
    margin_y[slit.columns] = points[lid.margin, 1]
    off = np.abs(points[:skin, 1] - margin_y[grid.column])
    chosen = np.flatnonzero(mine & (off < lid.reach_mm))
    rise = (1 - smoothstep(0, lid.reach_mm, off[chosen])) * lid.mm[grid.column[chosen]]
    way = _on_ball(points[chosen], rise, centre, lid.depth_share)
    ends[chosen] = _kept_clear(points[chosen], way, centre, EYE_RADIUS_MM + LID_MM * 0.5)


def _keep_edge(points: Array, ends: Array, slit: Slit, centre: Array) -> None:
    """Margins that move are kept before the lid's inner edge."""
    inner = np.linalg.norm(ends[slit.rings[0]] - centre, axis=1)
    lack = np.maximum(0, inner + _EDGE_MM - np.linalg.norm(ends[slit.loop] - centre, axis=1))
    moves = np.abs(ends - points)[slit.loop].max(axis=1) > _STILL_MM
    ends[slit.loop] += _unit(ends[slit.loop] - centre) * (lack * moves)[:, None]


def _further(one: Array, other: Array, centre: Array) -> Array:
    """Of two places for a margin, the one further from the eyeball."""
    first = np.linalg.norm(one - centre, axis=1) >= np.linalg.norm(other - centre, axis=1)
    return np.where(first[:, None], one, other)


def _on_ball(points: Array, rise: Array, centre: Array, depth_share: float) -> Array:
    """Points of a lid after a rise in mm along the surface on which the lid lies."""
    radius = EYE_RADIUS_MM + LID_MM
    room = radius**2 - (points[:, 0] - centre[0]) ** 2

    def depth(y: Array) -> Array:
        return np.asarray(np.sqrt(np.maximum(room - y**2, (depth_share * radius) ** 2)))

    y = points[:, 1] + rise
    return np.stack([points[:, 0], y, points[:, 2] + depth(y) - depth(points[:, 1])], axis=1)


def _kept_clear(start: Array, end: Array, centre: Array, radius: float) -> Array:
    """Ends moved away from the centre until every stage between start and end is `radius` away, or as far as the start."""
    goal = np.minimum(radius, np.linalg.norm(start - centre, axis=1))
    end = end.copy()
    for _ in range(6):
        for stage in _STAGES:
            away = np.linalg.norm(start + stage * (end - start) - centre, axis=1)
            lack = np.maximum(0, goal - away)
            end += _unit(end - centre) * (lack / stage)[:, None]
    return end


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _follow(points: Array, ends: Array, slit: Slit, centre: Array) -> None:
    """The pocket behind the margin: the lid's inner edge stays before the eyeball, the rest inside it."""
    margin = ends[slit.loop]
    moves = np.linalg.norm(margin - points[slit.loop], axis=1, keepdims=True) > _STILL_MM
    out = margin - centre
    away = np.linalg.norm(out, axis=1, keepdims=True)
    rest_gap = np.linalg.norm(points[slit.loop] - points[slit.rings[0]], axis=1, keepdims=True)
    edge = centre + out / away * np.maximum(away - rest_gap, EYE_RADIUS_MM + _CLEAR_MM)
    start = points[slit.rings[0]]
    ends[slit.rings[0]] = np.where(moves, _kept_clear(start, edge, centre, EYE_RADIUS_MM + _CLEAR_MM), start)
    for ring in slit.rings[1:]:
        start = points[ring]
        along = start + (margin - points[slit.loop]) - centre
        length = np.linalg.norm(start - centre, axis=1, keepdims=True)
        ends[ring] = np.where(moves, centre + along / np.linalg.norm(along, axis=1, keepdims=True) * length, start)
