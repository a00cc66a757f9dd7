"""Hair that grows on the skin: scalp, brows and beard; where it is, its colour, and how far it lifts the surface.

Hair that hangs freely is in `tresses`. Masks are float32 [SIZE, SIZE], 0 ... 1; colours linear (blue, green, red).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from recorder.sim.colours import Colour
from recorder.sim.complexion import mouth, outward, shifted
from recorder.sim.head import Floats, HeadMesh, Part
from recorder.sim.painting import (
    MM_A_TEXEL,
    Canvas,
    at_vertices,
    blend,
    curve,
    filled,
    noise,
    softened,
    step,
)
from recorder.sim.texture import AXIS_MM, SIZE, texel_grid
from recorder.sim.traits import Brows, Hair, Traits

EAR_DEPTH_MM = 3.0  # what stands out of the side of the head by more is ear
EAR_KERNEL_MM = 75.0  # larger than an ear
FINER = 4  # brows are drawn at so many times the resolution
SKULL_MM, THROAT_MM = (0.0, 15.0, -85.0), (0.0, -60.0, -90.0)  # hair and beard stand away from here
SIDE_VOLUME = {"short": 0.45, "receding": 0.6, "medium": 0.9, "long": 0.8, "tied": 0.7, "bald": 0.0}


def ear_angle(on: Canvas) -> float:
    """Where the ears begin, radians from the front."""
    return float(np.abs(np.arctan2(on.marks[[0, 16], 0], on.marks[[0, 16], 2] + AXIS_MM)).mean())


def ears(on: Canvas) -> Floats:
    """Where the ears are, mask [SIZE, SIZE]: what stands out at the sides of the head."""
    radius = np.hypot(on.points[:, :, 0], on.points[:, :, 2] + AXIS_MM).astype(np.float32)
    side = int(EAR_KERNEL_MM / MM_A_TEXEL)
    small = cv2.resize(radius, (SIZE // 4, SIZE // 4), interpolation=cv2.INTER_AREA)
    opened = cv2.morphologyEx(small, cv2.MORPH_OPEN, np.ones((3, side // 4), np.uint8))
    out = radius - cv2.resize(opened, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    angle, height = texel_grid()
    beside = (np.abs(angle) > 1.1 * ear_angle(on)) & (np.abs(angle) < 2.1) & (height < 45) & (height > -75)
    return softened(((out > EAR_DEPTH_MM) & beside).astype(np.float32), 1.0)


def hairline(on: Canvas, traits: Traits) -> Floats:
    """Height of the border of the scalp's hair in mm for each column, float32 [SIZE]."""
    hair, marks = traits.hair, on.marks
    brow, base = float(marks[17:27, 1].max()), float(marks[33, 1])
    # Hairline, brows and base of the nose divide the face into thirds, but the forehead curves back: less of it is height.
    top = brow + 0.57 * (brow - base) + hair.forehead_mm
    recess = {"receding": 20.0, "bald": 24.0}.get(hair.style, 6.0 if traits.sex == "m" else 0.0)
    burn = {"f": -2.0, "m": -24.0}[traits.sex]
    border = [
        (0.0, top + (0.9 if recess > 10 else 0.3) * recess),
        (0.25, top + (1.1 if recess > 10 else 0.6) * recess),
        (0.44, top - 1 + 1.3 * recess),
        (0.57, top - 8 + 1.1 * recess),
        (0.655, 0.55 * top + 0.45 * brow + 0.4 * recess),
        (0.72, brow + 3),
        (0.79, brow - 12),
        (0.86, burn),
        (1.09, burn - 4),
        (1.13, 12.0),
        (1.45, 6.0),
        (1.62, -12.0),
        (1.72, -50.0),
        (1.85, -68.0),
        (4.0, -78.0),
    ]
    angle = texel_grid()[0][0]
    shares, heights = zip(*border, strict=True)
    return np.asarray(np.interp(np.abs(angle) / ear_angle(on), shares, heights), np.float32)


def scalp(on: Canvas, traits: Traits) -> Floats:
    """How densely the scalp is covered with hair, mask [SIZE, SIZE]."""
    rng = np.random.default_rng(traits.hair.texture_seed)
    _, height = texel_grid()
    combed_back = traits.hair.style in ("tied", "medium", "long")
    ragged = (0.5 if combed_back else 1.4) * noise(rng, 0.45, 4) + 2.0 * noise(rng, 9)
    soft = 3.5 if traits.hair.style == "short" else 7.0
    cover = softened(step(height - hairline(on, traits)[None, :] + ragged, -soft, soft), soft / 6)
    # The cylinder has no room for the crown: texels above the head belong to it.
    return np.asarray(cover * (1 - ears(on)) * {"bald": 0.22, "receding": 0.9}.get(traits.hair.style, 1.0), np.float32)


def strands(hair: Hair, colour_bgr: Colour, seed: int, *, length_mm: float, contrast: float = 1.0) -> Floats:
    """Colour of combed hair, float32 [SIZE, SIZE, 3]; strands run downwards, the more wavy the more they wander."""
    rng = np.random.default_rng(seed)
    light = 0.22 * noise(rng, 0.45, length_mm) + 0.14 * noise(rng, 1.6, 1.5 * length_mm) + 0.08 * noise(rng, 10)
    columns, rows = np.meshgrid(np.arange(SIZE, dtype=np.float32), np.arange(SIZE, dtype=np.float32))
    wander = np.float32(1 + 7 * hair.wave * min(1.0, length_mm / 16)) * noise(rng, 4)
    light = contrast * cv2.remap(
        light, columns + wander * np.float32(hair.wave), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(np.exp(light)[:, :, None] * np.array(colour_bgr, np.float32), np.float32)


def paint_scalp(picture: Floats, cover: Floats, traits: Traits) -> None:
    """Paint the scalp's hair over an albedo, in place."""
    length_mm = {"short": 4.0, "receding": 4.0, "bald": 1.0}.get(traits.hair.style, 16.0)
    blend(picture, strands(traits.hair, traits.hair.colour_bgr, traits.hair.texture_seed + 1, length_mm=length_mm), cover)


def brows(on: Canvas, traits: Traits) -> Floats:
    """How densely the brows cover the skin, mask [SIZE, SIZE]: single hairs over a soft shade."""
    rng = np.random.default_rng(traits.skin.texture_seed + 2)
    top = int(max(0.0, on.texels[17:27, 1].min() - 60))
    rows = int(on.texels[17:27, 1].max() + 60) - top
    hairs = np.zeros((rows * FINER, SIZE * FINER), np.uint8)
    shade = np.zeros((SIZE, SIZE), np.float32)
    for marks in (range(21, 16, -1), range(22, 27)):
        spine = _spine(on, traits.brows, marks)
        shade += filled(_outline(spine, traits.brows), 1.0)
        _draw_hairs(hairs, spine - np.array([0, top], np.float32), traits.brows, rng)
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[top : top + rows] = cv2.resize(hairs, (SIZE, rows), interpolation=cv2.INTER_AREA) / np.float32(255)
    cover = mask * np.float32(0.95) + shade * np.float32(0.15 + 0.3 * traits.brows.density)
    return np.asarray(np.clip(cover, 0, 0.93), np.float32)


def _spine(on: Canvas, look: Brows, marks: range) -> Floats:
    """Texels [n, 2] along the middle of a brow, from the nose outwards."""
    lifts = np.array([-1.0, -1.5, -1.5, -1.0, -0.5]) + np.array([-0.3, 0.2, 0.8, 0.6, -0.2]) * look.arch_mm
    return curve(np.stack([shifted(on, mark, 0, float(lift)) for mark, lift in zip(marks, lifts, strict=True)]))


def _thickness(along: NDArray[np.floating]) -> Floats:
    """Relative height of a brow along it."""
    shape = np.interp(along, (0, 0.08, 0.35, 0.7, 1.0), (0.5, 0.85, 1.0, 0.75, 0.2))
    return np.asarray(shape, np.float32)


def _outline(spine: Floats, look: Brows) -> Floats:
    half = _thickness(np.linspace(0, 1, len(spine))) * np.float32(0.36 * look.thickness_mm / MM_A_TEXEL)
    up = np.stack([np.zeros_like(half), half], axis=1)
    return np.concatenate([spine - up, (spine + up)[::-1]])


def _draw_hairs(picture: NDArray[np.uint8], spine: Floats, look: Brows, rng: np.random.Generator) -> None:
    many = int(140 + 260 * look.density)
    along = rng.random(many) ** 0.9
    across = np.clip(rng.normal(0, 0.27, many), -0.5, 0.5)
    ahead = np.gradient(spine, axis=0)
    at = along * (len(spine) - 1)
    point, tangent = (
        np.stack([np.interp(at, np.arange(len(spine)), part[:, k]) for k in (0, 1)], axis=1) for part in (spine, ahead)
    )
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    start = point - np.stack([np.zeros(many), across * _thickness(along) * look.thickness_mm / MM_A_TEXEL], axis=1)
    # Hairs at the nose stand up, those further out lie along the brow; upper and lower ones lean towards each other.
    lean = np.radians(np.interp(along, (0, 0.15, 0.5, 1), (78, 45, 20, 4)) - 30 * across + rng.normal(0, 9, many))
    upwards = np.where(tangent[:, 0] > 0, -1, 1)
    c, s = np.cos(lean), np.sin(lean) * upwards
    way = np.stack([tangent[:, 0] * c - tangent[:, 1] * s, tangent[:, 0] * s + tangent[:, 1] * c], axis=1)
    length = (rng.uniform(3.5, 7, many) * np.interp(along, (0, 0.3, 1), (0.8, 1, 0.7)) / MM_A_TEXEL)[:, None]
    for first, last, dark in zip(
        start - 0.3 * way * length, start + 0.7 * way * length, rng.uniform(110, 255, many), strict=True
    ):
        ends = [(round(float(p[0]) * FINER * 16), round(float(p[1]) * FINER * 16)) for p in (first, last)]
        cv2.line(picture, ends[0], ends[1], int(dark), 1 + int(dark > 190), cv2.LINE_AA, 4)


def beard(on: Canvas, traits: Traits) -> Floats:
    """How densely facial hair covers the skin, mask [SIZE, SIZE]."""
    if traits.beard.density <= 0:
        return np.zeros((SIZE, SIZE), np.float32)
    rng = np.random.default_rng(traits.hair.texture_seed + 3)
    moustache = filled(_moustache(on), 1.6)
    area = moustache if traits.beard.style == "moustache" else np.maximum(filled(_beard_outline(on), 4.0), moustache)
    lips = softened((mouth(on) > 0.25).astype(np.float32), 0.9)
    cover = area * (1 - np.clip(1.5 * lips, 0, 1)) * np.clip(1 + 0.18 * noise(rng, 6), 0, 1.3)
    strength = {"none": 0.5, "stubble": 0.62, "moustache": 0.95, "full": 0.95}[traits.beard.style] * traits.beard.density
    if traits.beard.style in ("none", "stubble"):
        cover = cover * np.clip(0.5 + 0.3 * noise(rng, 0.35), 0.1, 1)
    else:
        strength = 0.6 + 0.4 * strength
    return np.asarray(np.clip(cover * strength, 0, 0.97), np.float32)


def _moustache(on: Canvas) -> Floats:
    upper = [
        shifted(on, 48, -5, -3),
        shifted(on, 31, -5, -5),
        shifted(on, 33, 0, -2.5),
        shifted(on, 35, 5, -5),
        shifted(on, 54, 5, -3),
    ]
    return np.concatenate([curve(np.stack(upper)), curve(on.texels[54:47:-1])])


def _beard_outline(on: Canvas) -> Floats:
    """Outline of a full beard in texels: sideburns, cheeks, under the nose, and down to the throat."""
    right = [(0, 3, -4), (2, 11, 8), (3, 16, 18), (48, -13, 9), (31, -5, -4)]
    upper = [shifted(on, mark, dx, dy) for mark, dx, dy in right]
    upper += [shifted(on, 33, 0, -2)] + [shifted(on, _mirror(mark), -dx, dy) for mark, dx, dy in reversed(right)]
    lower = [
        shifted(on, mark, 9 * outward(mark) if mark in (2, 14) else 0, -drop)
        for mark, drop in zip(range(14, 1, -1), _DROPS, strict=True)
    ]
    return np.concatenate([np.stack(upper), np.stack(lower)]).astype(np.float32)


_DROPS = (4, 8, 12, 14, 15, 16, 17, 16, 15, 14, 12, 8, 4)


def _mirror(mark: int) -> int:
    return {0: 16, 2: 14, 3: 13, 48: 54, 31: 35}[mark]


def paint_beard(picture: Floats, cover: Floats, traits: Traits) -> None:
    """Paint facial hair over an albedo, in place."""
    length_mm = max(1.0, 1.2 * traits.beard.length_mm)
    seed = traits.hair.texture_seed + 4
    blend(picture, strands(traits.hair, traits.beard.colour_bgr, seed, length_mm=length_mm, contrast=0.7), cover)


def volume(cover: Floats, traits: Traits) -> Floats:
    """How far hair stands from the scalp, float32 [SIZE, SIZE] in mm. cover: where it grows."""
    rng = np.random.default_rng(traits.hair.texture_seed + 5)
    side = SIDE_VOLUME[traits.hair.style]
    _, height = texel_grid()
    share = side + (1 - side) * step(height, 15, 75)
    return np.asarray(softened(cover, 5.0) * share * traits.hair.volume_mm * (1 + 0.10 * noise(rng, 12)), np.float32)


def lift(mesh: HeadMesh, on: Canvas, hair_mm: Floats, chin: Floats, traits: Traits) -> Floats:
    """How hair moves the surface outwards, float32 [V, 3] in mm. hair_mm: its volume; chin: where the beard is."""
    away, forward = (_unit(mesh.rest - np.array(centre, np.float32)) for centre in (SKULL_MM, THROAT_MM))
    beard_mm = softened(chin, 3.0) * np.float32(traits.beard.length_mm)
    movable = ((mesh.parts == Part.SKIN) & (at_vertices(ears(on), mesh.rest) < 0.5)).astype(np.float32)[:, None]
    moved = away * at_vertices(hair_mm, mesh.rest)[:, None] + forward * at_vertices(beard_mm, mesh.rest)[:, None]
    return np.asarray(moved * movable, np.float32)


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6), np.float32)
