"""Lids and lips of one identity: eyeballs as spheres, lids that lie on them and close over them, lips that touch at rest.

The model's expressions are the same for every identity while eyes are not; here they are fitted. Knows no action unit but by
the displacement that it is given. All lengths in mm.
"""

import numpy as np
from numpy.typing import NDArray

from recorder.sim.head import Eye, Floats
from recorder.sim.ict_topology import Flags, Slit

SHRINK_MM = 0.4  # the fitted sphere follows the bulge of the cornea; the ball that is shown lies this much deeper
# The innermost ring of a lid is tucked into the eyeball, so that no gap shows between them, by more than renderers may push
# eyeballs back. The other rings lie this far before the eyeball at least, at rest and on their way over it.
TUCK_MM = 0.9
REST_MM = np.array([0.0, 0.2, 0.5, 0.8, 1.1, 1.3, 1.5, 1.6, 1.6, 1.6, 1.6, 1.6])
WAY_MM = np.array([0.0, 0.0, 0.2, 0.4, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6])
LEVELS = (0.5, 0.25, 0.75, 0.375, 0.625, 1.0)  # of a movement at which this is seen to
OVERLAP_MM = 0.9  # of closed lids
CORNER = 0.07  # part of a slit's width at either end over which overlaps fade
UPPER_SHARE = 0.8  # of what is missing for closed lids that the upper one adds
FADE_FROM, FADE_TO = 3, 11  # rings over which the correction of the lids fades
LIP_TOUCH_MM, LIP_FADE = 0.1, 5.0  # lips overlap by this; rings (standard deviation) over which they are drawn together


def fitted_eye(points: Floats, bare: Flags) -> Eye:
    """The sphere nearest to the part of an eyeball, float32 [n, 3], that lids may bare (linear least squares)."""
    front = points[bare].astype(np.float64)
    system = np.column_stack([2 * front, np.ones(len(front))])
    solution = np.linalg.lstsq(system, np.sum(front * front, axis=1), rcond=None)[0]
    centre = solution[:3]
    return Eye(centre.astype(np.float32), float(np.sqrt(solution[3] + centre @ centre)) - SHRINK_MM)


def on_sphere(points: Floats, eye: Eye) -> Floats:
    """The points moved along their radii onto the eyeball."""
    away = points - eye.centre
    return np.asarray(eye.centre + away * (eye.radius / np.linalg.norm(away, axis=1, keepdims=True)), np.float32)


def laid_on(points: Floats, slit: Slit, eye: Eye, least_mm: NDArray[np.float64]) -> Floats:
    """The skin of `slit`, float32 [n, 3], with its inner edge inside the eyeball and ring i at least least_mm[i] before it."""
    away = points - eye.centre
    radius = np.linalg.norm(away, axis=1)
    outside = np.maximum(radius, eye.radius + least_mm[slit.ring])
    wanted = np.where(slit.ring == 0, np.minimum(radius, eye.radius - TUCK_MM), outside)
    return np.asarray(eye.centre + away * (wanted / radius)[:, None], np.float32)


def arched(rest: Floats, deltas: Floats, slit: Slit, eye: Eye) -> tuple[Floats, Floats]:
    """Skin at rest and displacements of a blink, [n, 3] each, lifted so that the lids stay before the eyeball all the way.

    The way is straight and the eyeball round: the middle of the way is the nearest to its centre. What is missing there is
    divided between both ends so that the least is changed.
    """
    rest, end = rest.copy(), rest + deltas
    for level in LEVELS:
        there = (1 - level) * rest + level * end
        lift = (laid_on(there, slit, eye, WAY_MM) - there) / ((1 - level) ** 2 + level**2)
        rest += (1 - level) * lift
        end += level * lift
    return rest, end - rest


def kept_clear(rest: Floats, deltas: Floats, slit: Slit, eye: Eye) -> Floats:
    """Displacements [n, 3] of a small movement changed so that it does not press the lids into the eyeball."""
    end = laid_on(rest + deltas, slit, eye, WAY_MM)
    return np.where(np.any(deltas != 0, axis=1, keepdims=True), end - rest, 0).astype(np.float32)


def closed(rest: Floats, deltas: Floats, slit: Slit) -> Floats:
    """Displacements [n, 3] of a full blink, changed so that the margins meet and overlap over the whole width."""
    there = rest + deltas
    missing = np.maximum(_gap(there, slit, OVERLAP_MM), 0)
    fade = np.clip((FADE_TO - slit.ring) / (FADE_TO - FADE_FROM), 0, 1)
    share = np.where(slit.upper, -UPPER_SHARE, 1 - UPPER_SHARE) * fade * fade * (3 - 2 * fade)
    changed = deltas.copy()
    changed[:, 1] += (missing * share).astype(np.float32)
    return changed


def _gap(points: Floats, slit: Slit, overlap_mm: float) -> Floats:
    """How far the upper margin is above the lower one at each point's x, and the overlap that is wanted, which fades to the
    corners; nothing beyond them. float32 [n].
    """
    x = points[:, 0]
    above, below = (_height_at(x, points[row]) for row in (slit.above, slit.below))
    corners = points[np.concatenate([slit.above, slit.below]), 0]
    along = (x - corners.min()) / (corners.max() - corners.min())
    fade = np.clip(np.minimum(along, 1 - along) / CORNER, 0, 1)
    return np.asarray((above - below) * (fade > 0) + overlap_mm * fade, np.float32)


def _height_at(x: Floats, row: Floats) -> NDArray[np.float64]:
    order = np.argsort(row[:, 0])
    return np.asarray(np.interp(x, row[order, 0], row[order, 1]))


def lips_together(points: Floats, slit: Slit) -> Floats:
    """The skin of the mouth, float32 [n, 3], with the lips drawn together until they touch, half by each."""
    missing = np.maximum(_gap(points, slit, LIP_TOUCH_MM), 0)
    from_margin = (slit.ring - _margin(slit)) / LIP_FADE
    share = np.where(slit.upper, -0.5, 0.5) * np.exp(-0.5 * from_margin**2)
    changed = points.copy()
    changed[:, 1] += (missing * share).astype(np.float32)
    return changed


def _margin(slit: Slit) -> int:
    return int(slit.ring[slit.above[0]])
