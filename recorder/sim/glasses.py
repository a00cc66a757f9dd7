"""Spectacles that fit a head: rims, bridge, temples and lenses. Knows no light; how a lens reflects is the renderer's."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recorder.sim.head import Floats, HeadMesh, Ints, Part
from recorder.sim.pieces import Piece, plain, tube
from recorder.sim.traits import Glasses, Traits

WRAP_MM = 230.0  # radius in which a frame bends round the face
WIDEST = 0.86  # width of a frame / width of the face
CLEAR_MM = 1.5  # between frame and skin
LENS_BULGE_MM = 1.6  # about four dioptres of base curve over half a lens
STEPS = 40  # round a lens
FRAME_C, LENS_C = 27.0, 27.5  # between the face and a room of 23 degrees; glass is opaque in thermal infrared
FRAME_GLOSS = 0.35
LENS_BGR = (0.55, 0.56, 0.55)
EXPONENTS = {"rectangle": 4.0, "round": 2.0, "oval": 2.4, "aviator": 2.5, "cat-eye": 2.9}  # of superellipses
NEAR_MM = 6.0  # skin so near a point in the picture plane counts as under it


def spectacles(mesh: HeadMesh, offsets: Floats, traits: Traits) -> tuple[Piece, ...]:
    """The subject's glasses, if any. offsets: float32 [V, 3], how hair lifts the head."""
    if traits.glasses is None:
        return ()
    worn = _fitting(traits.glasses, mesh)
    skin = (mesh.rest + offsets)[mesh.parts == Part.SKIN]
    marks = mesh.rest[mesh.landmarks]
    level = float(marks[36:48, 1].mean()) - 1.0
    rims = [_rim(worn, side) + np.array([0, level], np.float32) for side in (-1, 1)]
    front_mm = _front(np.concatenate(rims), skin, worn)
    frame = [_bent(rim, front_mm) for rim in rims]
    bars = [_rim_bar(rim, worn) for rim in frame]
    bars += [_bridge_bar(frame, worn, skin), *(_temple_bar(rim, worn, skin, marks) for rim in frame)]
    pieces = [plain(points, faces, worn.colour_bgr, FRAME_C, gloss=FRAME_GLOSS) for points, faces in bars]
    return (*pieces, *(_lens(rim, worn) for rim in frame))


def _fitting(worn: Glasses, mesh: HeadMesh) -> Glasses:
    """The same model in a size for this head: a frame is no wider than the face in front of the ears."""
    face_mm = float(np.ptp(mesh.rest[mesh.landmarks[[0, 16]], 0]))
    scale = min(1.0, WIDEST * face_mm / (2 * worn.lens_width_mm + worn.bridge_mm))
    return replace(worn, lens_width_mm=scale * worn.lens_width_mm, lens_height_mm=scale * worn.lens_height_mm)


def _rim(worn: Glasses, side: int) -> Floats:
    """Outline of a lens, [STEPS, 2] mm, counter-clockwise; side -1: the viewer's left."""
    turn = np.linspace(0, 2 * np.pi, STEPS, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    power = 2 / EXPONENTS[worn.shape]
    out = np.sign(c) * np.abs(c) ** power
    up = np.sign(s) * np.abs(s) ** power
    if worn.shape == "aviator":
        up -= 0.12 * (1 - out * side) * (up < 0) * up - 0.06
        out *= 1 - 0.12 * np.clip(-up, 0, 1)
    if worn.shape == "cat-eye":
        up += 0.28 * np.clip(out * side, 0, 1) ** 2 * np.clip(up, 0, 1)
        out *= 1 - 0.06 * np.clip(-up, 0, 1)
    middle = side * (worn.lens_width_mm + worn.bridge_mm) / 2
    return np.stack([middle + out * worn.lens_width_mm / 2, up * worn.lens_height_mm / 2], axis=1).astype(np.float32)


def _front(outline: Floats, skin: Floats, worn: Glasses) -> float:
    """How far forward the middle of the frame sits so that it clears brows and cheeks, mm."""
    apart = np.abs(skin[None, :, :2] - outline[:, None, :]).max(axis=2)
    under = np.where((apart < NEAR_MM) & (skin[None, :, 2] > -40), skin[None, :, 2], -np.inf).max(axis=1)
    needed = under + outline[:, 0] ** 2 / (2 * WRAP_MM)
    beside_nose = np.abs(outline[:, 0]) < worn.bridge_mm / 2 + 4  # pads hold the rims off the nose
    return float(np.max(needed[~beside_nose])) + CLEAR_MM + worn.rim_mm / 2


def _bent(outline: Floats, front_mm: float) -> Floats:
    return np.column_stack([outline, front_mm - outline[:, 0] ** 2 / (2 * WRAP_MM)]).astype(np.float32)


def _rim_bar(rim: Floats, worn: Glasses) -> tuple[Floats, Ints]:
    width = np.array([1.2 + 0.3 * worn.rim_mm, worn.rim_mm], np.float32)
    return tube(rim, width, np.array([0, 0, 1], np.float32), closed=True)


def _bridge_bar(frame: list[Floats], worn: Glasses, skin: Floats) -> tuple[Floats, Ints]:
    """The bar over the nose, between the nearest points of the upper halves of both rims."""
    start, end = (_nearest(rim, (0.0, 0.30 * worn.lens_height_mm + float(rim[:, 1].mean()))) for rim in frame)
    t = np.linspace(0, 1, 9)[:, None]
    path = start + (end - start) * t + np.array([0, 2.0, 0]) * np.sin(np.pi * t)
    apart = np.abs(skin[None, :, :2] - path[:, None, :2]).max(axis=2)
    nose = np.where((apart < 3.0) & (skin[None, :, 2] > -40), skin[None, :, 2], -np.inf).max(axis=1)
    path[:, 2] = np.maximum(path[:, 2], nose + CLEAR_MM + worn.rim_mm / 2)
    width = np.array([worn.rim_mm, worn.rim_mm * 0.9], np.float32)
    return tube(path.astype(np.float32), width, np.array([0, 0, 1], np.float32), closed=False)


def _temple_bar(rim: Floats, worn: Glasses, skin: Floats, marks: Floats) -> tuple[Floats, Ints]:
    """The arm from the outer upper corner of a rim along the temple, over the ear and down behind it."""
    side = 1 if rim[:, 0].mean() > 0 else -1
    hinge = _nearest(rim, (side * 200.0, float(rim[:, 1].mean()) + 0.28 * worn.lens_height_mm))
    ear = marks[16 if side > 0 else 0]
    over = np.array([ear[0], ear[1] + 14, ear[2] - 24])
    t = np.linspace(0, 1, 12)[:, None]
    path = hinge + np.array([side * 1.5, 0, -1.0]) + (over - hinge) * t
    outside = _beside(path, skin, side, float(ear[2]) - 4) + CLEAR_MM
    path[:, 0] = side * np.maximum.accumulate(np.maximum(np.abs(path[:, 0]), outside))
    bend = path[-1] + np.array([[0, -2, -6], [0, -10, -12], [0, -22, -17]])
    width = np.array([1.6, min(2.0 + worn.rim_mm, 5.5)], np.float32)
    return tube(np.concatenate([path, bend]).astype(np.float32), width, np.array([1, 0, 0], np.float32), closed=False)


def _nearest(rim: Floats, target: tuple[float, float]) -> NDArray[np.float64]:
    chosen = np.argmin(np.linalg.norm(rim[:, :2] - np.array(target), axis=1))
    return np.asarray(rim[chosen], np.float64)


def _beside(path: NDArray[np.float64], skin: Floats, side: int, ear_mm: float) -> NDArray[np.float64]:
    """How far the head reaches to that side at each point of a path, in mm; behind `ear_mm`, where the ears are, 0."""
    near = np.linalg.norm(skin[None, :, 1:] - path[:, None, 1:], axis=2) < NEAR_MM
    reach = np.where(near, side * skin[None, :, 0], 0.0).max(axis=1)
    return np.asarray(np.where(path[:, 2] > ear_mm, reach, 0.0))


def _lens(rim: Floats, worn: Glasses) -> Piece:
    """A curved disc inside a rim: the middle, a ring half way, and the edge."""
    middle = rim.mean(axis=0)
    bulge = np.array([0, 0, LENS_BULGE_MM], np.float32)
    points = np.concatenate([[middle + bulge], middle + (rim - middle) * 0.5 + 0.75 * bulge, rim])
    inner = 1 + np.arange(STEPS)
    following = 1 + (np.arange(STEPS) + 1) % STEPS
    fan = np.stack([np.zeros(STEPS, np.int64), inner, following], axis=1)
    ring = np.concatenate(
        [np.stack([inner, inner + STEPS, following], 1), np.stack([following, inner + STEPS, following + STEPS], 1)]
    )
    return plain(points, np.concatenate([fan, ring]), LENS_BGR, LENS_C, gloss=worn.reflection, lens=True)
