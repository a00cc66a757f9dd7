"""The form of the built-in head: a loft through sections of skull, face and neck, and what is modelled onto it.

Pure functions of a point's place on the head (angle round it, height of its section at the front) and of the traits; knows no
mesh, no action unit and no picture. Proportions follow the adult means of Farkas, "Anthropometry of the Head and Face", 2nd
ed., 1994; the nose's projection before the cornea follows Byrd & Hobar, Plast. Reconstr. Surg. 91 (1993) 642-654. The form in
between is modelled by hand.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recorder.sim.builtin_traits import Traits

Array = NDArray[np.float64]

MOUTH_V_MM = -68.0  # height of the line between the lips (stomion): upper face height and upper lip below the sellion
EYE_V_MM = -0.5  # height of the line between the canthi

# Sections from the crown to the shoulders, in mm: height in front, at the side, behind; depth of the front and of the back;
# half width and where it lies; how square front and back are (superellipse exponents; Gardner 1965).
_SECTIONS = np.array(
    [
        # y_front y_side y_back z_front z_back half_w z_wide n_front n_back
        [116.5, 116.5, 116.5, -70.0, -70.0, 0.0, -70.0, 2.0, 2.0],
        [112.0, 112.0, 111.0, -45.0, -97.0, 25.0, -71.0, 2.0, 2.0],
        [102.0, 102.0, 99.5, -18.0, -124.0, 44.5, -73.0, 2.1, 2.0],
        [87.0, 87.0, 83.0, 3.0, -145.0, 60.5, -75.0, 2.2, 2.0],
        [67.0, 67.0, 60.0, 16.0, -158.0, 71.0, -77.0, 2.2, 2.05],
        [44.0, 43.0, 34.0, 22.5, -163.0, 75.0, -79.0, 2.25, 2.1],
        [21.0, 19.0, 10.0, 20.0, -162.0, 74.5, -80.0, 2.4, 2.1],
        [0.0, -4.0, -10.0, 11.0, -157.0, 70.5, -80.0, 2.5, 2.1],
        [-22.0, -26.0, -28.0, 13.0, -150.0, 67.3, -80.0, 2.5, 2.1],
        [-46.0, -46.0, -45.0, 17.0, -144.0, 64.3, -80.0, 2.35, 2.1],
        [-68.0, -60.0, -60.0, 18.0, -141.0, 61.0, -80.0, 2.2, 2.1],
        [-88.0, -69.0, -70.0, 15.5, -140.0, 58.0, -80.0, 2.05, 2.1],
        [-104.0, -77.0, -80.0, 13.0, -139.0, 54.5, -80.0, 1.95, 2.1],
        [-113.0, -85.0, -88.0, 4.0, -138.0, 50.5, -82.0, 1.95, 2.1],
        [-118.0, -94.0, -97.0, -14.0, -138.5, 48.5, -84.0, 1.95, 2.1],
        [-124.0, -105.0, -107.0, -34.0, -139.5, 48.5, -86.0, 2.0, 2.1],
        [-139.0, -122.0, -121.0, -40.0, -142.0, 50.0, -88.0, 2.0, 2.1],
        [-162.0, -146.0, -140.0, -39.0, -150.0, 54.0, -91.0, 2.0, 2.1],
        [-186.0, -166.0, -160.0, -36.0, -160.0, 78.0, -94.0, 2.0, 2.2],
        [-204.0, -184.0, -178.0, -32.0, -168.0, 122.0, -97.0, 2.0, 2.3],
        [-226.0, -208.0, -200.0, -26.0, -174.0, 172.0, -98.0, 2.1, 2.4],
    ]
)
_DENSE = 4001


def natural_spline(knots: Array, values: Array, at: Array) -> Array:
    """The natural cubic spline through (knots, values [n, k]) at other places (de Boor, "A Practical Guide to Splines")."""
    step = np.diff(knots)
    slope = np.diff(values, axis=0) / step[:, None]
    size = len(knots)
    system, right = np.eye(size), np.zeros_like(values)
    for i in range(1, size - 1):
        system[i, i - 1 : i + 2] = step[i - 1], 2 * (step[i - 1] + step[i]), step[i]
        right[i] = 6 * (slope[i] - slope[i - 1])
    bend = np.linalg.solve(system, right)
    k = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, size - 2)
    h, t = step[k][:, None], (at - knots[k])[:, None]
    linear = slope[k] - h * (2 * bend[k] + bend[k + 1]) / 6
    result: Array = values[k] + t * (linear + t * (bend[k] / 2 + t * (bend[k + 1] - bend[k]) / (6 * h)))
    return result


def curve(points: Sequence[tuple[float, float]], at: Array) -> Array:
    """A smooth curve through (place, value) points in rising order; constant outside."""
    table = np.array(points)
    inside = np.clip(at.ravel(), table[0, 0], table[-1, 0])
    result: Array = natural_spline(table[:, 0], table[:, 1:], inside)[:, 0].reshape(at.shape)
    return result


def smoothstep(low: float, high: float, at: Array) -> Array:
    """0 below `low`, 1 above `high` (or the other way round), with a smooth passage."""
    t = np.clip((at - low) / (high - low), 0, 1)
    result: Array = t * t * (3 - 2 * t)
    return result


def blob(points: Array, centre: Sequence[float], size: Sequence[float]) -> Array:
    """A Gaussian of `points` [n, 3] round a centre, with a spread (one sigma) for each axis in mm."""
    apart = (points - np.array(centre)) / np.array(size)
    result: Array = np.exp(-0.5 * (apart**2).sum(axis=1))
    return result


def pair(points: Array, centre: Sequence[float], size: Sequence[float]) -> Array:
    """The sum of a `blob` and its mirror image."""
    mirrored = (-centre[0], *centre[1:])
    return blob(points, centre, size) + blob(points, mirrored, size)


@lru_cache(maxsize=1)
def _dense_sections() -> Array:
    count = len(_SECTIONS)
    return natural_spline(np.arange(count, dtype=float), _SECTIONS, np.linspace(0, count - 1, _DENSE))


def _sections_at(v: Array) -> Array:
    """The nine numbers of the sections whose front lies at heights v: [9, n]."""
    table = _dense_sections()[::-1]
    return np.stack([np.interp(v, table[:, 0], column) for column in table.T])


def loft(phi: Array, v: Array, traits: Traits) -> Array:
    """The head without its features: points [n, 3] in mm at angles phi (radians, 0 in front) and front heights v."""
    front, side, back, z_front, z_back, wide, z_wide, n_front, n_back = _sections_at(v)
    wide = wide * (1 + traits.neck_width * smoothstep(-100, -135, v) * smoothstep(-215, -180, v))
    ahead = np.cos(phi) > 0
    reach = np.where(ahead, z_front - z_wide, z_wide - z_back)
    power = np.where(ahead, n_front, n_back)
    with np.errstate(divide="ignore"):
        across = np.abs(np.sin(phi)) / np.maximum(wide, 1e-6)
        along = np.abs(np.cos(phi)) / np.maximum(reach, 1e-6)
    radius = (across**power + along**power) ** (-1 / power)
    sideways = np.sin(phi) ** 2
    y = np.where(ahead, front, back) * (1 - sideways) + side * sideways
    return np.stack([radius * np.sin(phi), y, z_wide + radius * np.cos(phi)], axis=1)


# What is added to the loft: name, centre, spread (one sigma), push; all in mm, for the subject's left and mirrored.
_PAIRED = (
    ("brow ridge, inner", (22.0, 20.5, 20.0), (13.0, 7.0, 40.0), (0.0, 0.0, 3.6)),
    ("brow ridge, outer", (42.0, 19.0, 5.0), (10.0, 7.0, 30.0), (1.0, 0.0, 3.8)),
    ("beside the bridge of the nose", (16.5, 2.0, 6.0), (4.5, 8.0, 30.0), (0.0, 0.0, -5.2)),
    ("eye socket", (31.0, 7.0, 8.0), (13.0, 6.0, 30.0), (0.0, 0.0, -3.2)),
    ("below the lower lid", (31.0, -14.0, 8.0), (13.0, 4.5, 30.0), (0.0, 0.0, 2.6)),
    ("cheek bone", (51.0, -22.0, 0.0), (12.0, 11.0, 30.0), (2.6, 0.0, 4.2)),
    ("front of the cheek", (34.0, -25.0, 10.0), (14.0, 12.0, 30.0), (0.0, 0.0, 4.0)),
    ("hollow of the cheek", (47.0, -64.0, -10.0), (11.0, 15.0, 25.0), (-1.2, 0.0, -1.4)),
    ("temple", (62.0, 20.0, -25.0), (14.0, 16.0, 20.0), (-2.6, 0.0, -2.0)),
    ("angle of the jaw", (54.0, -74.0, -62.0), (14.0, 11.0, 18.0), (2.2, 0.0, 0.0)),
    ("border of the jaw", (30.0, -112.0, -20.0), (16.0, 7.0, 26.0), (0.5, 1.5, 1.0)),
    ("sides of the chin", (10.0, -104.0, 16.0), (6.0, 7.0, 20.0), (0.0, 0.0, 1.2)),
    ("sternocleidomastoid", (34.0, -150.0, -62.0), (9.0, 34.0, 18.0), (1.5, 0.0, 2.5)),
    ("outer rim of the socket", (50.0, -3.0, -8.0), (6.0, 9.0, 20.0), (0.0, 0.0, 5.0)),
    ("beside the mouth", (28.0, -58.0, 8.0), (9.0, 11.0, 25.0), (0.0, 0.0, 2.4)),
    ("fold from the nose to the mouth", (24.5, -52.0, 10.0), (2.6, 9.0, 25.0), (0.0, 0.0, -1.0)),
)
_CENTRAL = (
    ("glabella", (0.0, 21.0, 25.0), (9.0, 9.0, 40.0), (0.0, 0.0, 2.6)),
    ("over the teeth", (0.0, -63.0, 22.0), (24.0, 15.0, 30.0), (0.0, 0.0, 4.0)),
    ("furrow above the chin", (0.0, -87.5, 16.0), (17.0, 5.0, 30.0), (0.0, 0.0, -3.4)),
    ("chin", (0.0, -102.0, 14.0), (12.0, 8.5, 30.0), (0.0, 0.0, 6.4)),
    ("larynx", (0.0, -148.0, -40.0), (7.5, 9.0, 12.0), (0.0, 0.0, 4.5)),
)


def _add(points: Array, weight: Array, push: Sequence[float], strength: float = 1.0) -> None:
    points[:, 0] += np.sign(points[:, 0]) * np.minimum(1, np.abs(points[:, 0]) / 8) * weight * push[0] * strength
    points[:, 1] += weight * push[1] * strength
    points[:, 2] += weight * push[2] * strength


def with_features(points: Array, traits: Traits) -> Array:
    """Bones, soft tissue and the muscles of the neck modelled onto the loft [n, 3]."""
    source, shaped = points, points.copy()
    for name, centre, size, push in _PAIRED:
        _add(shaped, pair(source, centre, size), push, traits.emphasis(name))
    for name, centre, size, push in _CENTRAL:
        _add(shaped, blob(source, centre, size), push, traits.emphasis(name))
    return shaped


# Along the ridge of the nose, by height v: how far it stands before the face, its half width, how far it is moved down.
_NOSE_HEIGHT = (
    (-60.0, 0.0), (-54.0, 0.6), (-50.5, 2.4), (-48.0, 5.4), (-46.0, 10.0), (-44.0, 16.5), (-42.0, 22.0), (-40.0, 25.4),
    (-38.0, 26.9), (-36.0, 27.0), (-33.0, 25.4), (-28.0, 22.4), (-20.0, 18.4), (-10.0, 14.2), (0.0, 11.0), (8.0, 7.6),
    (15.0, 3.6), (22.0, 0.8), (30.0, 0.0),
)  # fmt: skip
_NOSE_WIDTH = ((-52.0, 10.0), (-44.0, 9.2), (-38.0, 8.8), (-30.0, 9.2), (-18.0, 8.4), (-4.0, 7.6), (6.0, 8.4), (20.0, 12.0))
_NOSE_DROP = ((-56.0, 0.0), (-50.0, -0.3), (-47.0, -1.6), (-44.0, -2.4), (-41.0, -2.2), (-37.0, -1.0), (-32.0, 0.0))
_TIP_ROUND = 1.3  # how much higher the underside begins 10 mm beside the middle, mm


def with_nose(points: Array, v: Array, traits: Traits) -> Array:
    """The nose modelled onto the face [n, 3]: ridge, tip, wings, the crease round them, nostrils."""
    shaped = points.copy()
    x, z = points[:, 0], points[:, 2]
    place = v - _TIP_ROUND * (x / 10) ** 2 * smoothstep(-30, -38, v) * smoothstep(-54, -49, v)
    front = smoothstep(-25, -5, z)
    wide = curve(_NOSE_WIDTH, v) * (1 + traits.nose_width * smoothstep(0, -30, v))
    ridge = np.exp(-(np.abs(x / wide) ** (2.0 + 0.5 * smoothstep(-36, -26, v)))) * front
    tip = np.exp(-0.5 * ((v + 38) / 7) ** 2)
    bridge = np.exp(-0.5 * ((v + 8) / 12) ** 2)
    height = curve(_NOSE_HEIGHT, place)
    hump = np.exp(-0.5 * ((v + 14) / 6) ** 2)
    height = height + np.minimum(1, height / 12) * (
        traits.nose_tip_mm * tip + traits.nose_bridge_mm * bridge + traits.nose_hump_mm * hump
    )
    shaped[:, 2] += ridge * height
    shaped[:, 1] += ridge * (curve(_NOSE_DROP, place) + traits.nose_turn_mm * tip)
    _add_wings(shaped, np.stack([x / (1 + traits.nose_width), v, np.zeros_like(v)], axis=1), front)
    return shaped


# Place (x, v), spread and push, in mm, on the subject's left and mirrored.
_WINGS = (
    ((13.8, -41.0), (3.3, 4.2), (2.6, -0.2, 11.0)),  # wing
    ((20.2, -41.0), (1.9, 5.5), (0.0, 0.0, -2.4)),  # crease between wing and cheek
    ((14.0, -33.4), (3.5, 2.4), (0.0, 0.0, -1.8)),  # crease above the wing
    ((10.2, -37.0), (1.6, 3.6), (0.0, 0.0, -2.0)),  # between wing and tip
    ((5.0, -37.6), (3.6, 4.2), (0.6, -0.4, 4.0)),  # halves of the tip
    ((7.6, -45.0), (2.3, 1.6), (0.0, 5.5, -4.5)),  # nostril
)


def _add_wings(shaped: Array, place: Array, front: Array) -> None:
    for centre, size, push in _WINGS:
        _add(shaped, pair(place, (*centre, 0.0), (*size, 1.0)) * front, push)


# Profile of a lip from the line between the lips (0) to the border of the red (1): it rolls in towards the line.
_LIP_ROLL = 0.42
_LIP_DEPTH_MM = 4.2


def lip_heights(x: Array, traits: Traits) -> tuple[Array, Array, Array]:
    """Across the mouth: height of the upper and the lower red in mm, and the lip's share (1 in the middle, 0 at the corner)."""
    share = np.clip(np.abs(x) / traits.mouth_half_mm, 0, 1.4)
    body = np.clip(1 - share**2, 0, 1) ** 0.75
    bow = 6.6 + 1.7 * np.exp(-0.5 * ((np.abs(x) - 5.5) / 3.2) ** 2)
    full = traits.lip_fullness
    return np.maximum(bow * body * full, 1.6), np.maximum(9.2 * body * full, 1.8), body


def with_lips(points: Array, above: NDArray[np.bool_], line_y: Array, traits: Traits) -> Array:
    """The lips and the philtrum modelled onto the face [n, 3].

    above: whether a point belongs to the upper lip's side; line_y: height of the line between the lips at its column, mm.
    """
    shaped = points.copy()
    x, y, z = points.T
    front = smoothstep(-25, -5, z)
    upper, lower, body = lip_heights(x, traits)
    height = np.where(above, upper, lower)
    e = np.abs(y - line_y) / height
    bulge = np.where(above, 3.0, 3.6) * np.exp(-0.5 * ((e - 0.45) / 0.36) ** 2) * traits.lip_fullness
    rim = np.where(above, 0.55, 0.4) * np.exp(-0.5 * ((e - 1.0) / 0.13) ** 2)
    roll = 1 - np.sqrt(np.clip(1 - np.clip(1 - e / _LIP_ROLL, 0, 1) ** 2, 0, 1))
    corner = np.exp(-0.5 * ((np.abs(x) - traits.mouth_half_mm) / 3.5) ** 2) * np.exp(-0.5 * ((y - line_y) / 3.0) ** 2)
    lip = (bulge + rim) * body - _LIP_DEPTH_MM * roll * np.clip(body * 1.6, 0, 1) - 2.0 * corner
    philtrum = -1.5 * np.exp(-0.5 * (x / 2.6) ** 2) + 0.5 * np.exp(-0.5 * ((np.abs(x) - 5.5) / 1.8) ** 2)
    between = np.exp(-0.5 * ((y + 55) / 4.0) ** 2) * above
    shaped[:, 2] += front * (lip + philtrum * between)
    return shaped
