"""What each action unit does to the built-in head's skin, in millimetres at full strength.

Knows places on the mean face and directions, no mesh topology beyond which side of the lips a vertex belongs to. Which skin an
action unit moves and where to follows Ekman, Friesen & Hager, "Facial Action Coding System" (2002); amplitudes are those of
strong movements of adults: smile excursion of the corner about 8 to 10 mm (Paletz, Manktelow & Chaban, Plast. Reconstr. Surg.
93 (1994)), brow lift 5 to 7 mm, mouth opening up to 50 mm between the incisors of which about half is asked for here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.sim.builtin_form import Array, blob, smoothstep
from recorder.sim.builtin_traits import Traits

Push = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class Face:
    """The skin without its pockets, as the mean head would have it. points: [n, 3]; above: whether on the upper lip's side of
    the mouth, [n]; line_y: height of the line between the lips at a vertex's column, [n].
    """

    points: Array
    above: NDArray[np.bool_]
    line_y: Array
    traits: Traits


# Each push: place on the subject's left, spread (one sigma), movement (outwards, up, forwards); mirrored on the right.
_PUSHES: dict[str, tuple[Push, ...]] = {
    "AU1": (((12, 23, 22), (9, 8.5, 30), (0.4, 5.2, 0.4)), ((13, 42, 22), (11, 11, 30), (0, 2.4, 0.4))),
    "AU2": (((42, 22, 5), (10, 8.5, 30), (0.3, 5.4, 0.3)), ((38, 42, 8), (12, 12, 30), (0, 2.2, 0.3))),
    "AU4": (
        ((16, 20, 20), (10, 8, 30), (-3.0, -4.6, 1.0)),
        ((40, 20, 8), (11, 8, 30), (-1.2, -2.6, 0.0)),
        ((16, 40, 22), (13, 11, 30), (-0.8, -1.6, 0)),
        ((5, 22, 26), (2.6, 9, 30), (-0.8, 0, -0.9)),
    ),
    "AU6": (
        ((40, -21, 8), (12, 9, 30), (0, 4.4, 2.4)),
        ((53, -4, -6), (7, 10, 20), (-1.6, 0.8, 0.4)),
        ((33, -14, 10), (11, 5, 30), (0, 1.8, 1.4)),
    ),
    "AU9": (
        ((13, -38, 20), (6, 7, 30), (0.8, 3.8, 1.2)),
        ((6, -4, 20), (5.5, 8, 30), (0, 2.6, 1.4)),
        ((21, -17, 12), (7, 8, 30), (-0.6, 3.0, 1.8)),
        ((10, -59, 24), (10, 7, 30), (0.4, 2.6, 0.6)),
        ((12, 18, 20), (9, 7, 30), (-1.2, -2.4, 0.6)),
        ((9, -14, 24), (3, 3, 30), (0, 0, -0.9)),
    ),
    "AU10": (
        ((10, -61, 24), (9, 7.5, 30), (0.4, 5.0, 1.0)),
        ((25, -46, 12), (8, 9, 30), (0.6, 2.8, 2.2)),
        ((13, -42, 20), (5, 5, 30), (0.6, 1.2, 0.3)),
    ),
    "AU12": (
        ((26, -68, 8), (12, 10, 30), (5.4, 7.0, -4.2)),
        ((38, -38, 6), (11, 10, 30), (1.2, 4.0, 4.4)),
        ((31, -55, 6), (4, 8, 30), (0, 0, -2.2)),
        ((8, -72, 24), (8, 9, 30), (0.6, 0.6, -1.4)),
    ),
    "AU14": (((29, -67, 6), (6, 7, 30), (1.4, 0.8, -3.8)), ((40, -66, 0), (8, 12, 30), (0.4, 0, 0.8))),
    "AU15": (((25, -71, 8), (9, 9, 30), (0.8, -6.8, -1.2)), ((26, -88, 4), (10, 9, 30), (0.4, -2.4, 0.8))),
    "AU20": (((27, -70, 8), (14, 13, 30), (6.6, -1.2, -4.6)), ((46, -72, -10), (12, 18, 24), (1.6, -0.6, -0.6))),
    "AU31": (((61, -58, -46), (16, 17, 15), (4.0, 0, 0.8)),),
    "AU17": (
        ((0, -99, 16), (12, 9, 30), (0, 3.0, 1.0)),
        ((0, -78, 20), (14, 9, 30), (0, 1.7, 0.8)),
        ((7, -95, 16), (3, 5, 30), (0, 0, -0.4)),
    ),
    "AU27": (((25, -70, 8), (9, 10, 30), (-2.5, 0, 1.0)),),
    "AU18": (((24, -68, 8), (11, 11, 30), (-8.0, 0, 3.6)), ((7, -68, 22), (9, 9, 30), (-0.8, 0, 3.4))),
    "swallow": (((0, -148, -38), (9, 12, 14), (0, 1.6, 0)),),
}
_LARYNX_RISE_MM, _LARYNX_MM = (
    14.0,
    4.0,
)  # about two centimetres when swallowing (Leonard et al., Dysphagia 15 (2000)), less in skin


def _pushed(points: Array, pushes: Sequence[Push]) -> Array:
    moved = np.zeros_like(points)
    outward = np.clip(points[:, 0] / 8, -1, 1)
    for (x, y, z), size, (out, up, ahead) in pushes:
        weight = blob(points, (x, y, z), size) + blob(points, (-x, y, z), size)
        moved += weight[:, None] * np.stack([outward * out, np.full_like(outward, up), np.full_like(outward, ahead)], axis=1)
    return moved


def lid_guard(points: Array, traits: Traits) -> Array:
    """0 on the lids, which have movements of their own, 1 away from them."""
    far = np.hypot((np.abs(points[:, 0]) - traits.eye_half_mm) / 17, points[:, 1] / 11.5)
    return np.where(points[:, 2] > -25, smoothstep(0.95, 1.95, far), 1.0)


def pushes(face: Face, unit: str) -> Array:
    """What a unit moves besides lids, jaw and the parting of the lips: displacement [n, 3] in mm for both sides together."""
    moved = _pushed(face.points, _PUSHES.get(unit, ()))
    if unit == "AU24":
        moved += _pressed(face)
    if unit == "swallow":
        raised, low, spread = (0.0, -148.0 + _LARYNX_RISE_MM, -38.0), (0.0, -148.0, -40.0), (7.5, 9.0, 14.0)
        lifted = blob(face.points, raised, spread) - blob(face.points, low, spread)
        moved[:, 2] += _LARYNX_MM * lifted
    return moved * lid_guard(face.points, face.traits)[:, None]


def _mouth_share(face: Face) -> Array:
    """1 at the middle of the mouth, 0 at its corners and beyond."""
    return np.asarray(np.sqrt(np.clip(1 - (face.points[:, 0] / face.traits.mouth_half_mm) ** 2, 0, 1)))


def _pressed(face: Face) -> Array:
    """The red of both lips rolled in and flattened against each other."""
    x, y, z = face.points.T
    off = y - face.line_y
    near = np.exp(-0.5 * (off / 7.5) ** 2 - 0.5 * (x / (0.75 * face.traits.mouth_half_mm)) ** 2) * smoothstep(-15, 0, z)
    still = 1 - np.exp(-0.5 * (off / 1.5) ** 2)
    return np.stack([np.zeros_like(x), -0.42 * off * near, -2.0 * near * still], axis=1)


def parted(face: Face, upper_mm: float, lower_mm: float) -> Array:
    """Lips parted at the middle: the upper one raised, the lower one lowered by so much; [n, 3]."""
    off = np.abs(face.points[:, 1] - face.line_y)
    share = _mouth_share(face) ** 1.2 * smoothstep(-15, 0, face.points[:, 2])
    up = np.where(face.above, upper_mm * np.exp(-0.5 * (off / 9) ** 2), -lower_mm * np.exp(-0.5 * (off / 13) ** 2))
    return np.stack([np.zeros_like(up), up * share, -0.12 * np.abs(up) * share], axis=1)


_CONDYLE = np.array([0.0, -14.0, -80.0])  # the jaw's axis runs through here, from side to side


_SLOPE = 0.5  # and downwards, along the articular eminence


def jaw_turn(points: Array, degrees: float, ahead_mm: float) -> Array:
    """Displacement [n, 3] of points that belong to the jaw: a turn round the condyles, which slide forwards and down."""
    angle = np.radians(degrees)
    y, z = points[:, 1] - _CONDYLE[1], points[:, 2] - _CONDYLE[2]
    turned_y, turned_z = y * np.cos(angle) - z * np.sin(angle), z * np.cos(angle) + y * np.sin(angle)
    return np.stack([np.zeros_like(y), turned_y - y - _SLOPE * ahead_mm, turned_z - z + ahead_mm], axis=1)


def jaw_share(face: Face, v: Array) -> Array:
    """How far the skin goes along with the jaw, [n]: 1 on chin and lower lip, 0 above the mouth and down the neck."""
    x, y, z = face.points.T
    open_share = _mouth_share(face) ** 1.4  # sharper corners than the lips can make would turn their skin over
    level = np.interp(z, [_CONDYLE[2], 5.0], [_CONDYLE[1] - 8, 0.0]) + np.where(
        z < 5, face.line_y * smoothstep(-80, 5, z), face.line_y
    )
    below = level - y
    lower = 0.5 + 0.42 * open_share + (0.5 - 0.42 * open_share) * smoothstep(0, 20, below)
    upper = (0.5 - 0.44 * open_share) * (1 - smoothstep(0, 26, -below))
    share = np.where(face.above, upper, lower)
    wide = np.abs(x) > face.traits.mouth_half_mm - 1e-6
    share = np.where(
        wide, np.where(below > 0, 0.5 + 0.5 * smoothstep(0, 20, below), 0.5 * (1 - smoothstep(0, 26, -below))), share
    )
    throat = v - 12 * smoothstep(0, -65, z)  # at the sides the neck begins higher, below the angles of the jaw
    return np.asarray(share * smoothstep(-174, -112, throat) * smoothstep(-110, -64, z))
