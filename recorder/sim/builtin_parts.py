"""What the built-in head has besides its skin: eyeballs, ears, teeth, tongue and lashes, each a closed mesh of its own.

Pure functions to points and triangles, counter-clockwise seen from outside; knows no action unit and no picture. Millimetres.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from recorder.sim.builtin_form import Array, curve, smoothstep
from recorder.sim.builtin_grid import Numbers, fan, tube

_EYE_AROUND = 24
_EYE_POLAR_DEG = (
    4.0,
    9.0,
    14.0,
    19.5,
    25.0,
    31.0,
    38.0,
    46.0,
    55.0,
    65.0,
    76.0,
    90.0,
    110.0,
    135.0,
    160.0,
)  # finest at the iris
_EAR_AROUND = 32
_TEETH = 14  # on an arch, without wisdom teeth
_TOOTH_STEPS = 4


@dataclass(frozen=True)
class Piece:
    """points [n, 3] in mm; triangles [f, 3]."""

    points: Array
    triangles: Numbers


def _capsule_triangles(rings: int, around: int) -> Numbers:
    """Of a pole numbered 0, closed rings and the other pole; each ring counter-clockwise seen from the first pole."""
    ring = 1 + np.arange(rings * around).reshape(rings, around)
    last = 1 + rings * around
    return np.concatenate([fan(ring[0], 0), tube(ring)[:, ::-1], fan(ring[-1], last)[:, ::-1]])


def eyeball(centre: Array, radius_mm: float) -> Piece:
    """A sphere whose pole looks ahead, so that its rings lie round the iris."""
    polar = np.radians(_EYE_POLAR_DEG)[:, None]
    angle = np.arange(_EYE_AROUND)[None, :] * 2 * np.pi / _EYE_AROUND
    unit = np.stack(np.broadcast_arrays(np.sin(polar) * np.cos(angle), np.sin(polar) * np.sin(angle), np.cos(polar)), axis=-1)
    poles = np.array([[0.0, 0.0, 1.0]]), np.array([[0.0, 0.0, -1.0]])
    points = np.concatenate([poles[0], unit.reshape(-1, 3), poles[1]]) * radius_mm + centre
    return Piece(points, _capsule_triangles(len(_EYE_POLAR_DEG), _EYE_AROUND))


def tongue(tip: Array) -> Piece:
    """A flattened ellipsoid behind the lower teeth; tip: where it begins."""
    ball = eyeball(np.zeros(3), 1.0)
    return Piece(ball.points * np.array([17.0, 8.0, 24.0]) + tip - np.array([0.0, 0.0, 24.0]), ball.triangles)


# The ear's face from the middle of the concha outwards: share of the outline; then its back. Heights are in `_ear_relief`.
_EAR_FRONT = (0.14, 0.28, 0.4, 0.5, 0.58, 0.66, 0.74, 0.82, 0.89, 0.95, 1.0)
_EAR_BACK = ((1.0, -3.0), (0.9, -5.0), (0.72, -7.0), (0.5, -11.0), (0.3, -17.0))
EAR_LENGTH_MM, EAR_WIDTH_MM = 62.0, 35.0  # Farkas 1994: sa-sba and pra-pa of adults
_EAR_LEAN_DEG, _EAR_OFF_DEG = 16.0, 24.0  # leans back; stands off the head
_EAR_PLACE = (71.0, -13.0, -82.0)  # middle of its root


def _ear_relief(share: Array, angle: Array) -> Array:
    """Height over the ear's plane in mm: helix, groove, antihelix, concha, tragus, lobe. angle: 0 behind, pi / 2 on top."""
    behind = smoothstep(-0.75, 0.1, np.cos(angle - 0.45))
    lobe = smoothstep(-0.62, -0.92, np.sin(angle))
    helix = 5.0 * np.exp(-0.5 * ((share - 0.93) / 0.055) ** 2) * (1 - lobe) * (0.3 + 0.7 * behind)
    fold = 4.4 * np.exp(-0.5 * ((share - 0.6) / 0.085) ** 2) * behind * (1 - lobe)
    concha = -6.0 * smoothstep(0.58, 0.34, share)
    tragus = 5.5 * np.exp(
        -0.5 * ((share - 0.55) / 0.12) ** 2 - 0.5 * ((np.angle(np.exp(1j * (angle - np.pi - 0.35)))) / 0.35) ** 2
    )
    return np.asarray(helix + fold + concha + tragus + 1.5 * lobe)


def _ear_outline(angle: Array) -> Array:
    """(backward, up) of the outline as shares of half width and half length, [n, 2]: broad above, narrow at the lobe."""
    up = np.sin(angle)
    wide = 1.0 - 0.3 * smoothstep(0.1, -1.0, up)
    return np.stack([np.cos(angle) * wide + 0.06 * up, up], axis=1)


def ear(size: float) -> Piece:
    """The subject's left ear, `size` times the mean. The right one is its mirror image."""
    angle = np.arange(_EAR_AROUND) * 2 * np.pi / _EAR_AROUND
    outline = _ear_outline(angle)
    centre = np.array([-0.18, -0.12])
    rings = []
    for share, base in [(s, None) for s in _EAR_FRONT] + list(_EAR_BACK):
        flat = centre + (outline - centre) * share
        height = _ear_relief(np.full_like(angle, share), angle) if base is None else np.full_like(angle, base)
        rings.append(np.column_stack([flat, height]))
    local = np.concatenate([[[*centre, -8.5]], *rings, [[*centre, -22.0]]])
    triangles = _capsule_triangles(len(rings), _EAR_AROUND)
    return Piece(_placed_ear(local * np.array([EAR_WIDTH_MM / 2, EAR_LENGTH_MM / 2, 1.0]) * size), triangles)


def _placed_ear(local: Array) -> Array:
    lean, off = np.radians(_EAR_LEAN_DEG), np.radians(_EAR_OFF_DEG)
    behind = local[:, 0] * np.cos(lean) + local[:, 1] * np.sin(lean)
    up = local[:, 1] * np.cos(lean) - local[:, 0] * np.sin(lean)
    root = EAR_WIDTH_MM * 0.42  # the hinge at its front edge
    x = np.sin(off) * (behind + root) + local[:, 2] * np.cos(off)
    z = -np.cos(off) * (behind + root) + root + local[:, 2] * np.sin(off)
    placed: Array = np.stack([x, up, z], axis=1) + np.array(_EAR_PLACE)
    return placed


@lru_cache(maxsize=1)
def _tooth_widths() -> Array:
    """Crown widths from the middle outwards in mm (upper arch; Wheeler, "Dental Anatomy")."""
    return np.array([8.5, 6.5, 7.5, 7.0, 7.0, 10.0, 9.0])


def _arch(across: Array, half_mm: float) -> tuple[Array, Array]:
    """(x, z) along a parabolic dental arch, by length along it in mm from the middle."""
    t = np.linspace(-half_mm, half_mm, 801)
    z = -1.75 * half_mm * (t / half_mm) ** 2
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(t), np.diff(z)))])
    length -= length[400]
    return np.interp(across, length, t), np.interp(across, length, z)


def teeth(front: Array, up: float, shrink: float) -> Piece:
    """An arch of teeth. front: the middle of the incisors' cutting edge; up: 1 for the upper arch (crowns hang down), -1 for
    the lower one; shrink: size relative to the upper arch.
    """
    edges = np.concatenate([[0.0], np.cumsum(_tooth_widths())]) * shrink
    half = np.concatenate([np.linspace(edges[k], edges[k + 1], _TOOTH_STEPS, endpoint=False) for k in range(_TEETH // 2)])
    along = np.concatenate([-edges[-1:], -half[:0:-1], half, edges[-1:]])
    within = np.interp(np.abs(along), edges, np.arange(len(edges))) % 1.0
    round_off = np.sin(np.pi * within) ** 0.5 * (within > 0)
    x, z = _arch(along, 27.0 * shrink)
    tangent = np.stack([np.gradient(x), np.gradient(z)], axis=1)
    outward = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) / np.linalg.norm(tangent, axis=1, keepdims=True)
    bulge = 0.9 * (round_off - 1)
    rows = ((0.0 + bulge, 9.5), (0.9 + bulge, 5.0), (0.3 + bulge, 1.0), (-1.0, 0.0), (-5.0, 1.0), (-7.0, 9.5))
    loops = []
    for out, height in rows:
        rise = up * (height + 0.7 * (1 - round_off) * (height < 2))
        loops.append(np.stack([x + outward[:, 0] * out, rise, z + outward[:, 1] * out], axis=1) + front)
    return _closed_strip(np.stack(loops, axis=1), up)


def _closed_strip(loops: Array, up: float) -> Piece:
    """A tube of cross-sections [n, k, 3], closed at both ends."""
    count, around = loops.shape[:2]
    ring = np.arange(count * around).reshape(count, around)
    ends = np.stack([loops[0].mean(axis=0), loops[-1].mean(axis=0)])
    triangles = np.concatenate([fan(ring[0], count * around)[:, ::-1], tube(ring), fan(ring[-1], count * around + 1)])
    return Piece(np.concatenate([loops.reshape(-1, 3), ends]), triangles if up > 0 else triangles[:, ::-1])


_LASH_MM = 4.2


def lashes(margin: Array) -> Piece:
    """The lashes of the left upper lid, whose margin [n, 3] runs from the inner canthus: a thin wedge for each column of it.

    Points are three to a column: above and below the margin, then the tip; the last two close the ends.
    """
    share = np.linspace(-1, 1, len(margin))
    reach = _LASH_MM * curve(((-1.0, 0.1), (-0.6, 0.6), (0.0, 0.9), (0.6, 1.0), (1.0, 0.3)), share)[:, None]
    tips = margin + reach * np.array([0.12, 0.3, 0.9])
    thick = np.array([0.0, 0.22, 0.1])
    return _closed_strip(np.stack([margin + thick, margin - thick, tips], axis=1), -1.0)
