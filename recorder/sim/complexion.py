"""Skin as it is without hair: colour, pores, flush, freckles, the surroundings of the eyes, lips, nostrils; how it shines.

Knows landmarks only through the canvas. Colours are linear (blue, green, red).
"""

from collections.abc import Sequence

import numpy as np

from recorder.sim.head import Floats
from recorder.sim.painting import SMALL, Canvas, blend, blob, curve, enlarged, filled, lines, noise, softened
from recorder.sim.texture import SIZE, texture_coordinates
from recorder.sim.traits import Traits

# How much of each colour a blush takes away: haemoglobin absorbs blue and green light, hardly red (Prahl's tabulated spectra).
BLOOD = (0.32, 0.42, 0.06)
MELANIN = (1.1, 0.75, 0.45)  # absorption falls as wavelength^-3.3 (Jacques 2013)
LID_BGR = (0.28, 0.26, 0.50)  # the wet margin of a lid
LASH_BGR = (0.015, 0.017, 0.022)
LIP_LINE_BGR = (0.05, 0.04, 0.11)
EYES = (range(36, 42), range(42, 48))


def shifted(on: Canvas, mark: int, right_mm: float, up_mm: float) -> Floats:
    """The texel [2] that lies so far from a landmark."""
    return np.asarray(texture_coordinates(on.marks[mark : mark + 1] + np.array([[right_mm, up_mm, 0]], np.float32))[0])


def outward(mark: int) -> int:
    """-1 for a landmark of the subject's right side (the viewer's left), 1 for the other."""
    return 1 if mark in (*range(9, 17), *range(22, 27), 34, 35, *range(42, 48), 52, 53, 54, 55, 56, 63, 64, 65) else -1


def cheeks(on: Canvas) -> list[Floats]:
    """The middle of both cheeks, [3] each."""
    return [np.asarray(on.marks[list(three)].mean(axis=0)) for three in ((36, 48, 3), (45, 54, 13))]


def mouth(on: Canvas) -> Floats:
    """The lips, mask [SIZE, SIZE] with a soft border."""
    return filled(curve(on.texels[48:60], 8, closed=True), 0.8)


def paint_skin(on: Canvas, traits: Traits) -> Floats:
    """Albedo of the bare skin, float32 [SIZE, SIZE, 3]."""
    rng = np.random.default_rng(traits.skin.texture_seed)
    tint = np.array(traits.skin.colour_bgr, np.float32)
    picture = tint * _relief(on, traits, rng)[:, :, None]
    _absorb(picture, _flush(on, traits) * (1 + 0.25 * noise(rng, 4)), BLOOD)
    _absorb(picture, enlarged(_shade(on, traits)), (0.9, 0.95, 0.75))
    _absorb(picture, _spots(on, traits, rng), MELANIN)
    _paint_mouth(picture, on, traits, rng)
    _paint_eyes(picture, on, traits)
    _paint_nostrils(picture, on)
    return np.asarray(np.clip(picture, 0.003, 0.95), np.float32)


def _absorb(picture: Floats, amount: Floats, strength: Sequence[float]) -> None:
    picture *= np.exp(-amount[:, :, None] * np.array(strength, np.float32))


def _relief(on: Canvas, traits: Traits, rng: np.random.Generator) -> Floats:
    """Pores, fine lines and blotches as a factor; none of the fine grain where the cylinder would stretch it."""
    fine = np.clip(1.6 - 0.6 * on.stretch, 0, 1)
    pores = noise(rng, 0.45)
    grain = 0.05 * np.minimum(pores, 0.7) + 0.035 * noise(rng, 1.1)
    blotches = 0.022 * noise(rng, 4) + 0.025 * noise(rng, 14)
    return np.asarray(np.exp(traits.skin.roughness * grain * fine + blotches), np.float32)


def _flush(on: Canvas, traits: Traits) -> Floats:
    """Blood in cheeks, nose, chin and ears, [SIZE, SIZE]."""
    red = np.zeros((SMALL, SMALL), np.float32)
    for centre in cheeks(on):
        red += (0.9 + 0.7 * traits.makeup.blush) * blob(on, centre + np.array([0, 6, 0]), (17, 14, 40))
    red += 0.55 * blob(on, on.marks[30], (12, 12, 18)) + 0.35 * blob(on, on.marks[8], (14, 9, 20))
    for mark in (0, 16):
        red += 0.7 * blob(on, on.marks[mark] + np.array([12 * outward(mark), -12, -25]), (14, 24, 20))
    return enlarged(red * np.float32((0.22 + 0.5 * traits.skin.flush) * np.interp(traits.skin.ita_deg, (-20, 40), (0.45, 1))))


def _shade(on: Canvas, traits: Traits) -> Floats:
    """Darker skin round the eyes and in the folds beside nose and mouth, [SMALL, SMALL]."""
    dark = np.zeros((SMALL, SMALL), np.float32)
    tired, liner = traits.skin.tired, traits.makeup.liner
    for eye in EYES:
        points = on.marks[list(eye)]
        middle = points.mean(axis=0)
        nose = middle + (points[3] - points[0]) * (0.55 if eye[0] == 36 else -0.55)
        dark += (0.08 + 0.28 * tired) * blob(on, middle - np.array([0, 10, 0]), (12, 4.5, 14))
        dark += (0.05 + 0.10 * tired) * blob(on, nose + np.array([0, 2, 0]), (5, 8, 12))
        dark += (0.08 + 0.4 * liner) * blob(on, middle + np.array([0, 7, 0]), (13, 3.5, 14))
    for mark in (31, 35):
        dark += 0.16 * blob(on, on.marks[mark] + np.array([4 * outward(mark), 3, -6]), (3, 5, 8))
    return dark + 0.12 * blob(on, on.marks[57] - np.array([0, 7, 3]), (13, 3, 9))


def _spots(on: Canvas, traits: Traits, rng: np.random.Generator) -> Floats:
    """Freckles and moles, amount of melanin [SIZE, SIZE]."""
    amount = np.zeros((SIZE, SIZE), np.float32)
    many = int(900 * traits.skin.freckles)
    face = enlarged(np.sum([blob(on, centre, (22, 15, 40)) for centre in [*cheeks(on), on.marks[29]]], axis=0))
    at = rng.integers(0, SIZE, (many * 12, 2))
    chosen = at[face[at[:, 1], at[:, 0]] > rng.random(len(at)) * 1.2][:many]
    amount[chosen[:, 1], chosen[:, 0]] = rng.uniform(1, 3.5, len(chosen))
    freckles = softened(amount, 0.45)
    return freckles + _moles(traits, rng)


def _moles(traits: Traits, rng: np.random.Generator) -> Floats:
    amount = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(traits.skin.moles):
        column, row = rng.uniform(0.3, 0.7) * SIZE, rng.uniform(0.25, 0.85) * SIZE
        turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        ring = np.array([column, row]) + rng.uniform(0.8, 2.4) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        amount += float(rng.uniform(0.5, 1.6)) * filled(ring.astype(np.float32), 0.25)
    return amount


def _paint_mouth(picture: Floats, on: Canvas, traits: Traits, rng: np.random.Generator) -> None:
    creases = np.exp(0.10 * noise(rng, 0.5, 2.5) + 0.05 * noise(rng, 2))
    lips = np.array(traits.mouth.lips_bgr, np.float32) * creases[:, :, None]
    blend(picture, lips.astype(np.float32), mouth(on) * np.float32(0.9))
    line = np.concatenate([on.texels[48:49], (on.texels[60:65] + on.texels[[60, 67, 66, 65, 64]]) / 2, on.texels[54:55]])
    blend(picture, LIP_LINE_BGR, lines([curve(line)], [1.2], [0.8], 0.5))


def _paint_eyes(picture: Floats, on: Canvas, traits: Traits) -> None:
    """Lid margins, the lines of the lashes, the crease of the upper lid."""
    uppers, lowers, creases = [], [], []
    for eye in EYES:
        texels = on.texels[list(eye)]
        blend(picture, LID_BGR, filled(curve(texels, 8, closed=True), 0.4) * np.float32(0.8))
        uppers.append(curve(texels[:4]))
        lowers.append(curve(texels[[3, 4, 5, 0]]))
        creases.append(curve(_crease(on, eye)))
    liner = traits.makeup.liner
    female = 1.0 if traits.sex == "f" else 0.0
    _absorb(picture, lines(creases, [1.4, 1.4], [1.0, 1.0], 0.7), (0.8, 0.8, 0.6))
    blend(picture, LASH_BGR, lines(lowers, [0.5 + liner] * 2, [0.45 + 0.3 * liner] * 2, 0.35))
    blend(picture, LASH_BGR, lines(uppers, [1.0 + 0.4 * female + liner] * 2, [1.0] * 2, 0.3) * np.float32(0.92))


def _crease(on: Canvas, eye: range) -> Floats:
    """Texels of the fold above the upper lid, from the outer or inner corner to the other."""
    lifts = (1.5, 4.2, 4.6, 2.5) if eye[0] == 36 else (2.5, 4.6, 4.2, 1.5)
    return np.stack([shifted(on, mark, 0, lift) for mark, lift in zip(list(eye)[:4], lifts, strict=True)])


def _paint_nostrils(picture: Floats, on: Canvas) -> None:
    for wing, other in ((31, 35), (35, 31)):
        centre = 0.42 * on.texels[30] + 0.58 * on.texels[wing] + 0.10 * (on.texels[wing] - on.texels[other])
        turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        ring = centre + np.stack([5.0 * np.cos(turn), 5.5 * np.sin(turn)], axis=1)
        blend(picture, LIP_LINE_BGR, filled(ring.astype(np.float32), 1.0) * np.float32(0.75))


def shine(on: Canvas, traits: Traits) -> Floats:
    """Gloss of the bare skin, float32 [SIZE, SIZE], 0 ... 1: oily forehead, nose and chin; moist lips."""
    oily = 0.8 * blob(on, (on.marks[21] + on.marks[22]) / 2 + np.array([0, 24, 0]), (24, 16, 30))
    oily += blob(on, on.marks[29], (9, 16, 20)) + 0.6 * blob(on, on.marks[8] + np.array([0, 10, 0]), (12, 8, 20))
    for centre in cheeks(on):
        oily += 0.45 * blob(on, centre + np.array([0, 16, 0]), (13, 8, 30))
    gloss = 0.10 + np.float32(0.30 * traits.skin.oil) * enlarged(oily)
    rng = np.random.default_rng(traits.skin.texture_seed + 1)
    gloss *= np.exp(0.25 * noise(rng, 0.8))
    wet = mouth(on) * np.float32(0.30 + 0.3 * traits.makeup.lips)
    return np.asarray(np.clip(np.maximum(gloss, wet), 0, 1), np.float32)
