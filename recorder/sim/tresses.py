"""Hair that hangs freely: a curtain round the sides and the back of the head, and fringes, as sheets of strands.

Both follow the head in its cylinder: so far from the axis at each angle and height. Knows no renderer.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from recorder.sim.clothes import shirt_mm
from recorder.sim.hair import ear_angle, hairline
from recorder.sim.head import Floats
from recorder.sim.painting import Canvas, radius_mm, step, texels_at
from recorder.sim.pieces import Piece, grid_triangles, plain
from recorder.sim.texture import AXIS_MM, SIZE, TURN
from recorder.sim.traits import Hair, Traits

ROWS = 22
GAP_MM = 4.0  # between skin and hanging hair
INWARD, OUTWARD = 0.10, 0.5  # mm that hair hangs inwards, or spreads over ears and shoulders, for each mm down
HAIR_C, ENDS_C = 30.0, 26.0
GLOSS = 0.22
ROOTED_MM = 3.0  # how deep in the scalp's hair a curtain begins
CLEAR_OF_EYES_MM = 7.0  # a fringe would tickle
LINING = 0.5  # hair shades its own inside
FRINGE_SHARE = 0.70  # half its width round the head / angle to the ear
ROOTS_MM = 27.0  # a fringe starts so far above the hairline


def tresses(on: Canvas, volume: Floats, traits: Traits) -> tuple[Piece, ...]:
    """Curtain and fringe, where the subject has them. volume: [SIZE, SIZE], mm by which hair lifts the scalp."""
    pieces = []
    if traits.hair.style in ("medium", "long"):
        pieces.append(_curtain(on, volume, traits))
    if traits.hair.fringe > 0:
        pieces.append(_fringe(on, volume, traits))
    return tuple(pieces)


def _curtain(on: Canvas, volume: Floats, traits: Traits) -> Piece:
    hair, rng = traits.hair, np.random.default_rng(traits.hair.texture_seed + 7)
    ear = ear_angle(on)
    half = np.concatenate([ear * np.linspace(0.76, 1.25, 30), np.linspace(ear * 1.25, np.pi, 24)[1:]])
    columns = np.concatenate([half, 2 * np.pi - half[-2::-1]])
    aside = np.minimum(columns, 2 * np.pi - columns)
    top = float(on.marks[17:27, 1].max()) + 38 - 10 * step(aside.astype(np.float32), 0.9 * ear, 1.3 * ear)
    layered = 14 * (1 - step(aside.astype(np.float32), 0.8 * ear, 1.2 * ear))
    ends = -hair.length_mm + layered + 7 * _jagged(rng, len(columns), 1.5) + 5 * _jagged(rng, len(columns), 0.6)
    down = np.linspace(0, 1, ROWS)[:, None]
    height = top + (ends - top) * down
    # The front edge frames the face: it swings back beside the cheeks, where it would hide too much.
    angle = columns + np.sign(np.pi - columns) * 0.10 * ear * np.sin(np.pi * down) * (aside < 1.2 * ear)
    hung = _hanging(_radii(on, volume, angle, height) + GAP_MM, height)
    waves = hair.wave * 3.0 * down * np.sin(2 * np.pi * height / 45 + 2 * _jagged(rng, len(columns), 4))
    body = 0.45 * hair.volume_mm * np.sin(np.pi * np.clip(1.3 * down, 0, 1))
    radius = _smooth_across(hung) + waves + body
    radius = np.maximum(radius, shirt_mm(on, angle, height) + GAP_MM)
    # The first rows come out of the scalp's hair: no edge of the sheet shows.
    roots = _radii(on, volume, angle[:1], height[:1]) - ROOTED_MM
    radius = roots + (radius - roots) * np.clip(down / 0.18, 0, 1)
    return _lined(_sheet(angle, height, radius, hair, rng))


def _fringe(on: Canvas, volume: Floats, traits: Traits) -> Piece:
    hair, rng = traits.hair, np.random.default_rng(traits.hair.texture_seed + 8)
    angle = FRINGE_SHARE * ear_angle(on) * np.linspace(-1, 1, 150)
    border = np.interp(angle, (np.linspace(0, 1, SIZE) - 0.5) * TURN, hairline(on, traits))
    brow = float(on.marks[17:27, 1].max())
    reach = border - hair.fringe * (border.max() - brow) * (1 - 0.35 * (angle / angle.max()) ** 4)
    tips = 2.5 * _jagged(rng, len(angle), 5) + 2.0 * _jagged(rng, len(angle), 1.2) + 2.0 * _jagged(rng, len(angle), 0.4)
    ends = np.maximum(np.minimum(reach, border - 4) + tips, on.marks[36:48, 1].max() + CLEAR_OF_EYES_MM)
    down = np.linspace(0, 1, ROWS // 2)[:, None]
    start = border + ROOTS_MM
    height = start + (ends - start) * down
    swept = angle + np.sign(hair.parting) * 0.16 * down**1.5 * np.cos(angle)
    # It leaves the scalp's hair without a step: under its surface at the roots, over it from the hairline on.
    above = np.interp(down, (0, 0.25, 0.5, 0.8, 1), (-2.5, 0.3, 3.0, 3.5, 2.0))
    radius = _hanging(_radii(on, volume, swept, height), height) + above
    return _sheet(swept, height, radius, hair, rng)


def _jagged(rng: np.random.Generator, many: int, smooth: float) -> NDArray[np.float64]:
    """Noise along the columns, of about unit deviation, correlated over `smooth` of them."""
    kernel = np.exp(-0.5 * (np.arange(-12, 13) / smooth) ** 2)
    return np.convolve(rng.standard_normal(many + 24), kernel / np.sqrt(np.sum(kernel**2)), mode="valid")[:many]


def _radii(on: Canvas, volume: Floats, angle: NDArray[np.float64], height: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the scalp's hair or the skin stands from the axis at angles and heights, mm."""
    angle, height = np.broadcast_arrays(angle, height)
    return np.asarray(radius_mm(on, angle, height) + volume[texels_at(angle, height)], np.float64)


def _hanging(radius: NDArray[np.float64], height: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hair falls straight from where it was widest, leaning inwards and outwards only slowly, and never goes into the skin."""
    hung, drop = radius.copy(), np.abs(np.diff(height, axis=0))
    for row in range(len(hung) - 2, -1, -1):
        hung[row] = np.maximum(hung[row], hung[row + 1] - OUTWARD * drop[row])
    for row in range(1, len(hung)):
        hung[row] = np.maximum(hung[row], hung[row - 1] - INWARD * drop[row - 1])
    return hung


def _smooth_across(radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Strands carry their neighbours over what sticks out, such as an ear."""
    widest = cv2.dilate(radius, np.ones((1, 5), np.uint8))
    return np.asarray(cv2.GaussianBlur(widest, (9, 1), 2.0), np.float64)


def _sheet(
    angle: NDArray[np.float64],
    height: NDArray[np.float64],
    radius: NDArray[np.float64],
    hair: Hair,
    rng: np.random.Generator,
) -> Piece:
    rows, columns = height.shape
    points = np.stack([radius * np.sin(angle), height, radius * np.cos(angle) - AXIS_MM], axis=-1).reshape(-1, 3)
    strand = 0.22 * _jagged(rng, columns, 0.5) + 0.15 * _jagged(rng, columns, 2.5)
    light = strand + 0.08 * rng.standard_normal((rows, columns)) - 0.1 * np.linspace(0, 1, rows)[:, None]
    colours = np.exp(light).reshape(-1, 1) * np.array(hair.colour_bgr)
    piece = plain(points, grid_triangles(rows, columns), np.clip(colours, 0.003, 0.95), HAIR_C, gloss=GLOSS)
    piece.temperature[:] = np.repeat(np.linspace(HAIR_C, ENDS_C, rows), columns)
    return piece


def _lined(piece: Piece) -> Piece:
    """The same sheet with an inner side of its own vertices, in the shade of the outer one."""
    inner = piece.triangles[:, ::-1] + len(piece.points)
    return Piece(
        points=np.concatenate([piece.points, piece.points]),
        triangles=np.ascontiguousarray(np.concatenate([piece.triangles, inner]), np.int32),
        albedo=np.concatenate([piece.albedo, np.float32(LINING) * piece.albedo]),
        temperature=np.concatenate([piece.temperature, piece.temperature]),
        gloss=piece.gloss,
        two_sided=False,
        anchor=piece.anchor,
        lens=False,
    )
