"""Action units out of the expressions of ICT-FaceKit, and the movements that it lacks. Knows no identity and no lids' fit.

Its expressions are those of ARKit ("ARFaceAnchor.BlendShapeLocation"), `_L` being the subject's left (positive x).
"""

from collections.abc import Mapping

import numpy as np

from recorder.sim.head import Floats, Ints
from recorder.sim.state import SIDES, UNITS

# Unit -> expression -> weight, after the descriptions of the action units by Ekman, Friesen & Hager (2002) and, for which
# expression shows which unit, Ozel, "ARKit to FACS" (melindaozel.com, 2020). "*" stands for the side.
SIDED_RECIPES: Mapping[str, Mapping[str, float]] = {
    "AU1": {"browInnerUp_*": 1.0},
    "AU2": {"browOuterUp_*": 0.9},
    "AU4": {"browDown_*": 1.0},
    "AU5": {"eyeWide_*": 1.0},
    "AU6": {"cheekRaiser_*": 0.6, "cheekSquint_*": 0.3, "eyeSquint_*": 0.3},
    "AU7": {"eyeSquint_*": 1.0, "eyeBlink_*": 0.1},
    "AU9": {"noseSneer_*": 1.0, "browDown_*": 0.25, "mouthUpperUp_*": -0.4},  # the lips stay nearly closed
    "AU10": {"mouthUpperUp_*": 1.0},
    "AU12": {"mouthSmile_*": 0.9},
    "AU14": {"mouthDimple_*": 1.0},
    "AU15": {"mouthFrown_*": 1.2},
    "AU20": {"mouthStretch_*": 1.0},
    "AU31": {},
    "AU45": {"eyeBlink_*": 1.0},
}
CENTRAL_RECIPES: Mapping[str, Mapping[str, float]] = {
    "AU17": {"mouthShrugLower": 0.8, "mouthShrugUpper": 0.4},
    "AU18": {"mouthPucker": 0.9},
    "AU24": {"mouthPress_L": 0.8, "mouthPress_R": 0.8, "mouthRollLower": 0.15, "mouthRollUpper": 0.2},
    "AU25": {"mouthLowerDown_L": 0.6, "mouthLowerDown_R": 0.6, "mouthUpperUp_L": 0.25, "mouthUpperUp_R": 0.25},
    "AU26": {"jawOpen": 0.38},  # the lower incisors sink by 31 mm at 1
    "AU27": {"jawOpen": 0.9},
}
NEEDED = tuple(
    sorted(
        {name.replace("*", side) for recipe in SIDED_RECIPES.values() for name in recipe for side in SIDES}
        | {name for recipe in CENTRAL_RECIPES.values() for name in recipe}
    )
)
MASSETER_MM, TEMPORALIS_MM = 3.5, 0.7
MEDIAL_MM, SINK_MM = 1.6, 0.6  # of the inner end of a brow: corrugator supercilii
WING_MM = (1.2, 1.8, -0.4)  # outwards, up, forwards: levator labii superioris alaeque nasi
SWALLOW_RISE_MM, LARYNX_MM = 6.0, 1.2  # skin goes along; how far the larynx stands out


def recipe(unit: str) -> Mapping[str, float]:
    """Which expressions, by name, make up an action unit of `recorder.sim.state.UNITS`."""
    if unit in CENTRAL_RECIPES:
        return CENTRAL_RECIPES[unit]
    name, side = unit.split("_")
    return {expression.replace("*", side): weight for expression, weight in SIDED_RECIPES[name].items()}


def unit_deltas(
    rest: Floats, normals: Floats, skin: Ints, landmarks: Ints, expressions: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Displacements of all vertices, float32 [V, 3] in mm, of each unit and of "swallow" at full strength.

    rest, normals: the mean head, [V, 3]; skin: numbers of the skin's vertices; expressions: [V, 3] in mm by name.
    """
    deltas = {unit: _mixed(rest, recipe(unit), expressions) for unit in UNITS}
    for side, sign in zip(SIDES, (1, -1), strict=True):
        marks = rest[landmarks]
        deltas[f"AU4_{side}"][skin] += _corrugator(rest[skin], marks, sign)
        deltas[f"AU9_{side}"][skin] += _wing(rest[skin], marks, sign)
        deltas[f"AU31_{side}"][skin] += _clench(rest[skin], normals[skin], marks, sign)
    swallow = np.zeros_like(rest)
    swallow[skin] = _larynx(rest[skin], normals[skin], rest[landmarks])
    return {**deltas, "swallow": swallow}


def _mixed(rest: Floats, weights: Mapping[str, float], expressions: Mapping[str, Floats]) -> Floats:
    total = np.zeros_like(rest)
    for name, weight in weights.items():
        total += np.float32(weight) * expressions[name]
    return total


def _bump(points: Floats, centre: Floats, reach_mm: tuple[float, float, float]) -> Floats:
    """A smooth hill: 1 at the centre, a Gaussian with these standard deviations along x, y and z. [n, 1]."""
    away = (points - centre) / np.array(reach_mm, np.float32)
    return np.asarray(np.exp(-0.5 * np.sum(away * away, axis=1, keepdims=True)), np.float32)


def _corrugator(points: Floats, marks: Floats, sign: int) -> Floats:
    """The inner end of the brow goes to the middle and down, which folds the skin between the brows."""
    inner = marks[22 if sign > 0 else 21]
    return _bump(points, inner, (7, 7, 12)) * np.array([-sign * MEDIAL_MM, -SINK_MM, 0], np.float32)


def _wing(points: Floats, marks: Floats, sign: int) -> Floats:
    """The wing of the nose is raised and widened."""
    wing = marks[35 if sign > 0 else 31] + np.array([sign * 4, 3, -2], np.float32)
    return _bump(points, wing, (6, 7, 9)) * np.array([sign * WING_MM[0], WING_MM[1], WING_MM[2]], np.float32)


def _clench(points: Floats, normals: Floats, marks: Floats, sign: int) -> Floats:
    """The masseter bulges from the cheek bone to the angle of the jaw; the temporalis a little, above and behind the eye."""
    jaw, brow = (marks[[12, 13]], marks[26]) if sign > 0 else (marks[[3, 4]], marks[17])
    belly = jaw.mean(axis=0) + np.array([0, 6, -8], np.float32)
    temple = brow + np.array([sign * 8, 12, -26], np.float32)
    bulge = MASSETER_MM * _bump(points, belly, (14, 15, 12)) + TEMPORALIS_MM * _bump(points, temple, (14, 14, 14))
    outwards = normals + np.array([sign, 0, 0], np.float32)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True) + np.float32(1e-6)
    return np.where(points[:, :1] * sign > 0, bulge * outwards, 0).astype(np.float32)


def _larynx(points: Floats, normals: Floats, marks: Floats) -> Floats:
    """The skin over the larynx goes up with it, and the hill that it makes is now higher: out above, in below."""
    chin = marks[8]
    low, high = (chin + np.array([0, drop, -45], np.float32) for drop in (-48, -36))
    reach = (11.0, 8.0, 25.0)
    rise = _bump(points, low, (16, 14, 30)) * np.array([0, SWALLOW_RISE_MM, 0], np.float32)
    hill = np.float32(LARYNX_MM) * (_bump(points, high, reach) - _bump(points, low, reach)) * normals
    return (rise * 0.4 + hill).astype(np.float32)
