"""What is worn below the neck: a torso in a shirt, so that no head floats. Stays when the head turns."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recorder.sim.head import Floats
from recorder.sim.painting import Canvas, radius_mm, step
from recorder.sim.pieces import Piece, grid_triangles, plain
from recorder.sim.texture import AXIS_MM
from recorder.sim.traits import Clothes, Traits

COLUMNS = 56
CLOTH_C = 29.0  # a shirt's outside in a room of 23 degrees
SQUARENESS = 2.4  # exponent of the superellipses that are the cross-sections
NECK_MM, NAPE_MM = 36.0, 16.0  # the collar's height below the chin in front, and how much higher it is behind
# Drop below the chin, half the width and half the depth of a trunk, mm: shoulders of 40 cm (biacromial breadth of adults:
# 36-41 cm, Gordon et al., ANSUR II 2014), chest of 22 cm.
TRUNK = (
    (36, 39, 46, 55, 65, 82, 105, 150, 300),
    (40, 52, 92, 120, 146, 178, 200, 213, 216),
    (40, 48, 60, 74, 86, 97, 106, 112, 116),
)
EASE_MM = 3.5  # between skin and cloth
NEIGHBOURS = ((0.0, 0.0), (0.0, 9.0), (0.0, -9.0), (0.07, 0.0), (-0.07, 0.0))  # radians, mm: cloth spans hollows


def torso(on: Canvas, traits: Traits) -> tuple[Piece, ...]:
    """A shirt that lies round the neck and covers what the head's mesh has of the shoulders."""
    below = np.linspace(NECK_MM + 5, 130, 36 if traits.clothes.stripe_mm else 14)
    drops = np.concatenate([[NECK_MM + 4, NECK_MM, NECK_MM + 0.5, NECK_MM + 3], below, [170, 300]])[:, None]
    angle = np.linspace(0, 2 * np.pi, COLUMNS, endpoint=False)[None, :]
    # Collars rise towards the nape, over the slope of the shoulders.
    raised = NAPE_MM * np.sin(angle / 2) ** 2 * np.clip((60 - drops) / 24, 0, 1)
    height = float(on.marks[8, 1]) - drops + raised
    around = np.broadcast_to(angle, height.shape)
    radius = shirt_mm(on, around, height)
    # The first row lies inside the neck, so that no gap opens between neck and collar.
    radius[:3] = radius_mm(on, around, height)[:3] + np.array([[-4.0], [0.5], [2.0]])
    points = np.stack([radius * np.sin(angle), height, radius * np.cos(angle) - AXIS_MM], axis=-1)
    trunk = np.asarray(points.reshape(-1, 3), np.float32)
    triangles = grid_triangles(len(drops), COLUMNS, around=True)
    shirt = plain(trunk, triangles, _cloth(traits.clothes, trunk, np.repeat(drops, COLUMNS)), CLOTH_C, anchor="body")
    return (replace(shirt, two_sided=True),)  # where the neck leaves room, the collar's back is seen from inside


def shirt_mm(on: Canvas, angle: NDArray[np.float64], height: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the shirt reaches from the cylinder's axis at angles and heights, mm; above the collar, 0."""
    drops = float(on.marks[8, 1]) - height
    spans = step(np.asarray(drops, np.float32), NECK_MM, NECK_MM + 12)
    skin = np.maximum.reduce([radius_mm(on, angle + turn, height + spans * up) for turn, up in NEIGHBOURS])
    covered = np.maximum(skin + EASE_MM, _trunk(angle, drops))
    return np.asarray(np.where(drops >= NECK_MM - NAPE_MM, covered, 0.0), np.float64)


def _trunk(angle: NDArray[np.float64], drops: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far an average trunk reaches from the axis, [drops, angles]: superellipses."""
    wide, deep = (np.interp(drops, *columns) for columns in ((TRUNK[0], TRUNK[1]), (TRUNK[0], TRUNK[2])))
    inverse = np.abs(np.sin(angle) / wide) ** SQUARENESS + np.abs(np.cos(angle) / deep) ** SQUARENESS
    return np.asarray(inverse ** (-1 / SQUARENESS), np.float64)


def _cloth(clothes: Clothes, points: Floats, drops: NDArray[np.float64]) -> Floats:
    """Colour of each point: plain or striped, a little uneven as cloth is."""
    folds = 1 + 0.06 * np.sin(points[:, 0] / 17 + 1.5 * np.sin(points[:, 1] / 23))
    if clothes.stripe_mm:
        share = (np.sin(2 * np.pi * drops / clothes.stripe_mm) > 0).astype(np.float32)[:, None]
    else:
        share = np.zeros((len(points), 1), np.float32)
    colour = (1 - share) * np.array(clothes.colour_bgr) + share * np.array(clothes.stripe_bgr)
    return np.asarray(np.clip(colour * folds[:, None], 0.003, 0.95), np.float32)
