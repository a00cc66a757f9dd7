"""Where the vertices of the built-in head's skin lie at rest: the form on the grid, lids laid on the eyeballs, lips closed.

Knows no action unit and no picture. Millimetres.
"""

import numpy as np
from numpy.typing import NDArray

from recorder.sim.builtin_form import Array, curve, loft, smoothstep, with_features, with_lips, with_nose
from recorder.sim.builtin_grid import EYE_ROW, INNER_CANTHUS, MOUTH_CORNER, MOUTH_ROW, OUTER_CANTHUS, Grid, Slit
from recorder.sim.builtin_traits import Traits

EYE_RADIUS_MM = 12.0  # a corneal apex 12 mm before the centre: axial length 24 mm (Bekerman et al., J. Ophthalmol. 2014)
LID_MM = 1.9  # thickness of a lid before the eyeball
LID_CLEARANCE_MM = 0.5  # between a lid's inner edge and the eyeball
_UPPER_ROOM_MM, _LOWER_ROOM_MM = 28.0, 23.0  # over which the grid makes room for the opening of the lids
_CREASE_MM, _FOLD_MM = 4.4, 1.6  # above the margin; how far the skin above the crease stands out
_HIDDEN_MM = -1.5  # how far below the eyeball's surface a lid ends


def eye_centres(traits: Traits) -> Array:
    """Centres of the subject's right and left eyeball, [2, 3]."""
    return np.array([[-traits.eye_half_mm, 0.0, 0.0], [traits.eye_half_mm, 0.0, 0.0]])


def canthi(traits: Traits) -> tuple[tuple[float, float], tuple[float, float]]:
    """(x, y) of the inner and the outer canthus of the left eye."""
    reach = 1 + traits.eye_length
    inner = (traits.eye_half_mm - 15.0 * reach, -0.4 - traits.eye_tilt_mm)
    return inner, (traits.eye_half_mm + 14.4 * reach, -0.4 + traits.eye_tilt_mm)


def lid_margins(xi: Array, traits: Traits) -> tuple[Array, Array]:
    """Heights of the upper and the lower lid's margin at xi: -1 at the inner, 1 at the outer canthus."""
    (_, inner_y), (_, outer_y) = canthi(traits)
    line = inner_y + (outer_y - inner_y) * (xi + 1) / 2
    middle = (inner_y + outer_y) / 2
    high = np.clip(1 - np.abs((xi + 0.12) / np.where(xi < -0.12, 0.88, 1.12)) ** 2.1, 0, 1) ** 0.85
    low = np.clip(1 - np.abs((xi - 0.1) / np.where(xi > 0.1, 0.9, 1.1)) ** 2.1, 0, 1) ** 0.9
    return line + (traits.upper_lid_mm - middle) * high, line + (traits.lower_lid_mm - middle) * low


def _canthus_angles(grid: Grid) -> tuple[float, float, float]:
    middle = grid.upper.shape[1] // 2
    inner, outer, corner = (grid.phi[grid.upper[0, middle + k]] for k in (INNER_CANTHUS, OUTER_CANTHUS, MOUTH_CORNER))
    return float(inner), float(outer), float(corner)


def _room(grid: Grid) -> tuple[Array, NDArray[np.bool_]]:
    """How far a vertex goes along with its column's lid margin (1 ... 0), and whether it is above the lids' slit."""
    above = grid.row < EYE_ROW
    above[grid.slits[0].upper[1:-1]] = above[grid.slits[1].upper[1:-1]] = True
    off = np.abs(grid.v - grid.v[grid.upper[EYE_ROW, 0]])
    return np.where(above, 1 - smoothstep(0, _UPPER_ROOM_MM, off), 1 - smoothstep(0, _LOWER_ROOM_MM, off)), above


def _wanted_heights(grid: Grid, traits: Traits, above: NDArray[np.bool_]) -> Array:
    inner, outer, _ = _canthus_angles(grid)
    xi = np.clip((np.abs(grid.phi) - inner) / (outer - inner), 0, 1) * 2 - 1
    upper, lower = lid_margins(xi, traits)
    return np.where(above, upper, lower)


def outer_skin(grid: Grid, traits: Traits) -> Array:
    """The skin without crown and pockets, [n, 3], as the mean head would have it of these traits (before `stature`)."""
    room, above = _room(grid)
    wanted = _wanted_heights(grid, traits, above)
    near = 1 - smoothstep(0.75, 1.2, np.abs(grid.phi))
    v = grid.v + room * near * (wanted - grid.v[grid.upper[EYE_ROW, 0]])
    points = with_nose(with_features(loft(grid.phi, v, traits), traits), v, traits)
    _fit_to_canthi(points, grid, traits, room * near, wanted)
    _lay_lids(points, traits)
    _fit_to_mouth(points, grid, traits)
    points = with_lips(points, lip_sides(grid), mouth_line(points, grid), traits)
    mouth = grid.slits[2]
    points[mouth.upper] = points[mouth.lower] = (points[mouth.upper] + points[mouth.lower]) / 2
    points[np.isin(grid.phi, (0.0, -np.pi)), 0] = 0.0
    return points


def lip_sides(grid: Grid) -> NDArray[np.bool_]:
    """Whether a vertex of the outer skin, [n], is on the upper lip's side of the mouth."""
    above = grid.row < MOUTH_ROW
    above[grid.slits[2].upper[1:-1]] = True
    return above


def mouth_line(points: Array, grid: Grid) -> Array:
    """Height of the line between the lips at each vertex's column, [n]."""
    heights: Array = points[grid.upper[MOUTH_ROW], 1][grid.column]
    return heights


def _fit_to_canthi(points: Array, grid: Grid, traits: Traits, room: Array, wanted: Array) -> None:
    """Move the columns so that the slits run from canthus to canthus, and the rows so that margins lie where they should."""
    inner, outer, _ = _canthus_angles(grid)
    row = grid.upper[EYE_ROW]
    (x_in, _), (x_out, _) = canthi(traits)
    front = (np.abs(grid.phi[row]) < 1.3) & (grid.phi[row] >= 0)
    phi, x = grid.phi[row][front], points[row, 0][front]
    target = np.interp(phi, (0, inner, outer), (0, x_in, x_out))
    shift = np.where(phi <= outer, target - x, (x_out - np.interp(outer, phi, x)) * (1 - smoothstep(outer, 1.2, phi)))
    points[:, 0] += np.sign(grid.phi) * np.interp(np.abs(grid.phi), phi, shift, right=0.0) * room
    for edge in (grid.upper, grid.lower):
        missing = (wanted - points[:, 1])[edge[EYE_ROW]]
        side = lid_sides(grid) == (1 if edge is grid.upper else 2)
        points[side, 1] += (room * missing[grid.column])[side]


def lid_sides(grid: Grid) -> NDArray[np.int64]:
    """1 above the lids' slit and on its upper margins, 2 below."""
    _, above = _room(grid)
    above = above | (grid.row == EYE_ROW)
    for slit in grid.slits[:2]:
        above[slit.lower[1:-1]] = False
    return np.where(above, 1, 2)


def lid_cap(x: Array, y: Array, traits: Traits) -> Array:
    """Depth z of the surface on which the lids lie, over (x, y) of either eye; far behind where there is none."""
    across = np.abs(x) - traits.eye_half_mm
    radius = EYE_RADIUS_MM + LID_MM
    half = np.where(across < 0, 15.8, 14.8)
    inside = 1 - (across / half) ** 2 - (y / radius) ** 2
    return np.where(inside > 0, radius * np.sqrt(np.abs(inside)), -30.0 * np.abs(inside))


def _lay_lids(points: Array, traits: Traits) -> None:
    x, y, z = points.T
    across = np.abs(x) - traits.eye_half_mm
    near = (z > -30) & (np.abs(across) < 24) & (np.abs(y) < 24)
    cap = lid_cap(x, y, traits)[near]
    soft = (1.4 + 2.6 * smoothstep(0, -6, y) + 1.6 * smoothstep(9, 14, np.abs(across)))[near]
    points[near, 2] = 0.5 * (z[near] + cap + np.hypot(z[near] - cap, soft))
    _fold_lids(points, traits)


def _fold_lids(points: Array, traits: Traits) -> None:
    """The crease of the upper lid, and the skin that hangs over it."""
    (x_in, _), (x_out, _) = canthi(traits)
    x, y, z = points.T
    xi = np.clip((np.abs(x) - x_in) / (x_out - x_in), 0, 1) * 2 - 1
    above = y - lid_margins(xi, traits)[0] - _CREASE_MM
    share = np.clip(1 - xi**2, 0, 1) ** 0.5 * (z > -25)
    crease, fold = np.exp(-0.5 * (above / 0.9) ** 2), np.exp(-0.5 * ((above - 3.2) / 1.9) ** 2)
    points[:, 2] += share * (_FOLD_MM * traits.lid_fold * fold - 0.9 * crease)


def _fit_to_mouth(points: Array, grid: Grid, traits: Traits) -> None:
    *_, corner = _canthus_angles(grid)
    place = grid.slits[2].lower[-1]
    missing = traits.mouth_half_mm - points[place, 0]
    angle = np.abs(grid.phi)
    share = np.where(angle < corner, angle / corner, 1 - smoothstep(corner, 0.8, angle))
    height = np.exp(-0.5 * ((points[:, 1] - points[place, 1]) / 14.0) ** 2)
    points[:, 0] += np.sign(grid.phi) * missing * share * height


def eye_pocket(points: Array, slit: Slit, centre: Array) -> Array:
    """Behind a lid's margin: its edge on the eyeball, then inside the eyeball; [rings + 1, n, 3], the last the apex."""
    margin = points[slit.loop]
    out = margin - centre
    distance = np.linalg.norm(out, axis=1, keepdims=True)
    way = out / distance
    edge = centre + way * np.minimum(distance - 0.2, EYE_RADIUS_MM + LID_CLEARANCE_MM)
    behind = way + (margin - margin.mean(axis=0)) * np.array([0.0, 0.03, 0.0])
    behind /= np.linalg.norm(behind, axis=1, keepdims=True)
    hidden = centre + behind * (EYE_RADIUS_MM + _HIDDEN_MM)
    deep = centre + behind * EYE_RADIUS_MM * 0.5
    return np.stack([edge, hidden, deep, np.broadcast_to(centre, margin.shape)])


# Rings of the pocket behind the lips: share of the width, height from the line, depth behind the lips at the middle, in mm.
_MOUTH_RINGS = ((0.97, 0.5, -3.6), (0.92, 5.0, -6.4), (0.86, 14.0, -9.0), (0.8, 15.0, -28.0), (0.6, 9.0, -52.0))


def mouth_pocket(points: Array, slit: Slit) -> Array:
    """The inside of the mouth: inner edges of the lips, room for the teeth, palate and floor; [rings + 1, n, 3]."""
    margin = points[slit.loop]
    half = np.abs(margin[:, 0]).max()
    open_share = np.sqrt(np.clip(1 - (margin[:, 0] / half) ** 2, 0, 1))
    count = len(slit.columns)
    side = np.where(np.arange(len(margin)) < count, -1.0, 1.0)
    side[[0, count - 1]] = 0.0
    rings = []
    for width, height, depth in _MOUTH_RINGS:
        ring = margin.copy()
        ring[:, 0] *= width
        ring[:, 1] += side * height * open_share
        ring[:, 2] += depth * (0.7 + 0.3 * open_share) if depth > -10 else depth
        rings.append(ring)
    apex = np.array([0.0, margin[:, 1].mean(), rings[-1][:, 2].min() - 6])
    return np.stack([*rings, np.broadcast_to(apex, margin.shape)])


def stature(points: Array, traits: Traits) -> Array:
    """What the traits do to whole regions: widths, heights and lengths, with the surroundings of the eyes left as they are."""
    x, y, z = points.T
    far = np.hypot((np.abs(x) - traits.eye_half_mm) / 22, y / 17)
    free = np.where(z > -25, smoothstep(0.75, 1.7, far), 1.0)
    wide = x * traits.face_width * smoothstep(8, 60, np.abs(x))
    wide += (
        np.sign(x) * traits.jaw_width_mm * smoothstep(-35, -80, y) * smoothstep(-150, -105, y) * smoothstep(12, 46, np.abs(x))
    )
    below = curve(((-140.0, -104.0), (-115.0, -97.0), (-60.0, -44.0), (-16.0, -3.0), (-4.0, 0.0)), y)
    down = traits.face_height * below
    down -= traits.nose_length_mm * smoothstep(-8, -44, y) * (1 - 0.6 * smoothstep(-62, -108, y))
    down += traits.lip_place_mm * np.exp(-0.5 * ((y + 69) / 13) ** 2)
    down -= traits.chin_height_mm * smoothstep(-76, -106, y)
    ahead = traits.forehead_mm * np.exp(-0.5 * ((y - 62) / 20) ** 2) * smoothstep(-40, 0, z)
    ahead += traits.head_length * np.minimum(0, z + 60)
    down += traits.brow_height_mm * np.exp(-0.5 * ((y - 22) / 9) ** 2) * smoothstep(-40, 0, z)
    down += traits.head_height * np.maximum(0, y - 40)
    return np.stack([x + free * wide, y + free * down, z + free * ahead], axis=1)
