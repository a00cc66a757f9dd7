"""The subject as one mesh that moves: head, hair, glasses and clothes, deformed by a FaceState and set before the cameras.

World coordinates are millimetres from the event camera: x to the viewer's right, y up, z towards the viewer. Knows no pixels.
"""

from collections.abc import Sequence
from dataclasses import replace

import numba
import numpy as np

from recorder.sim.head import Floats, HeadMesh, Ints, Part
from recorder.sim.pieces import Piece
from recorder.sim.shading import PIECE
from recorder.sim.state import FaceState, Pose

# The head turns about the upper neck, between the atlas and the base of the skull: below and behind the eyes.
PIVOT_MM = (0.0, -95.0, -85.0)
STILL_FROM_MM, STILL_TO_MM = -115.0, -165.0  # the neck twists between these heights, shoulders stay
BREATH_RISE_MM = 1.2  # of the shoulders when sitting; chest wall excursions are 4-12 mm (De Troyer & Estenne 1984)
EYE_SINK_MM = 0.4  # keeps the ball under lids that are flat triangles
EYES_UP_MM = 35.0  # the cameras look below the eyes, so that a dropped jaw is in view as well as the forehead


@numba.njit(cache=True, nogil=True, fastmath=True)
def _add(points: Floats, indices: Ints, deltas: Floats, amount: float) -> None:
    for n in range(indices.shape[0]):
        v = indices[n]
        points[v, 0] += amount * deltas[n, 0]
        points[v, 1] += amount * deltas[n, 1]
        points[v, 2] += amount * deltas[n, 2]


@numba.njit(cache=True, nogil=True, fastmath=True)
def _place(points: Floats, follow: Floats, turn: Floats, pivot: Floats, shift: Floats, rise: Floats) -> None:
    """Turn each point about the pivot by the share `follow` [V] and shift it; where the head does not lead, `rise` is added."""
    for v in range(points.shape[0]):
        x, y, z = points[v, 0] - pivot[0], points[v, 1] - pivot[1], points[v, 2] - pivot[2]
        share = follow[v]
        tx = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
        ty = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z
        tz = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z
        points[v, 0] = pivot[0] + x + share * (tx - x + shift[0])
        points[v, 1] = pivot[1] + y + share * (ty - y + shift[1]) + (1 - share) * rise[0]
        points[v, 2] = pivot[2] + z + share * (tz - z + shift[2]) + (1 - share) * rise[1]


def turning(pose: Pose) -> Floats:
    """The head's rotation matrix, float32 [3, 3]: yaw about the vertical first, then pitch, then roll."""
    yaw, pitch, roll = np.radians([pose.yaw_deg, pose.pitch_deg, pose.roll_deg])
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    # Towards the subject's left shoulder, which the viewer sees at the right: clockwise for the viewer.
    about_z = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y, np.float32)


class Body:
    """Everything of the subject as one list of vertices.

    rest: float32 [V, 3] in the head's coordinates; triangles: [F, 3], the first `outer` of them all that is seen while the
    mouth is shut; lenses: triangles of spectacle lenses; pieces: as they are in the list, two-sided ones with own backs.
    """

    def __init__(self, mesh: HeadMesh, offsets: Floats, pieces: Sequence[Piece]) -> None:
        """offsets: [V of the mesh, 3], hair and beard; pieces: glasses, hair, clothes."""
        self.mesh = mesh
        self.pieces = pieces = tuple(_backed(piece) for piece in pieces)
        skin = _sunk(mesh.rest, mesh.parts) + offsets
        self.rest = np.concatenate([skin, *(piece.points for piece in pieces)]).astype(np.float32)
        self.parts = np.full(len(self.rest), PIECE, np.uint8)
        self.parts[: len(skin)] = mesh.parts
        opaque, self.lenses = _triangles(mesh, pieces)
        inner = np.isin(self.parts[opaque[:, 0]], (Part.TEETH, Part.MOUTH))
        self.triangles = np.concatenate([opaque[~inner], opaque[inner]])
        self.outer = int(np.count_nonzero(~inner))
        self._follow = _follow(skin, pieces)

    def points(self, face: FaceState, base: Pose, distance_mm: float) -> Floats:
        """Vertices in world coordinates at a moment, float32 [V, 3]. base: how the subject sits. Safe from any thread."""
        points = self.rest.copy()
        for unit, level in face.units.items():
            if unit.startswith("AU5_"):
                level *= 1 - face.units.get(f"AU45_{unit[-1]}", 0.0)  # lids that close let go of being raised
            if level > 0:
                shape = self.mesh.shapes[unit]
                _add(points, shape.indices, shape.deltas, level)
        if face.swallow > 0:
            _add(points, self.mesh.shapes["swallow"].indices, self.mesh.shapes["swallow"].deltas, face.swallow)
        pose = _sum(base, face.pose)
        shift = np.array([pose.x_mm - base.x_mm, pose.y_mm - base.y_mm, pose.z_mm - base.z_mm], np.float32)
        rise = np.array([face.breath * BREATH_RISE_MM, face.breath * BREATH_RISE_MM], np.float32)
        _place(points, self._follow, turning(pose), np.array(PIVOT_MM, np.float32), shift, rise)
        points += np.array([base.x_mm, base.y_mm + EYES_UP_MM, base.z_mm - distance_mm], np.float32)
        return points


def _sunk(rest: Floats, parts: "np.ndarray[tuple[int], np.dtype[np.uint8]]") -> Floats:
    sunk = rest.copy()
    sunk[(parts == Part.EYE_RIGHT) | (parts == Part.EYE_LEFT), 2] -= EYE_SINK_MM
    return sunk


def _backed(piece: Piece) -> Piece:
    """A two-sided piece with vertices and triangles for its back: they need normals of their own."""
    if not piece.two_sided:
        return piece
    back = piece.triangles[:, ::-1] + len(piece.points)
    return replace(
        piece,
        points=np.concatenate([piece.points, piece.points]),
        albedo=np.concatenate([piece.albedo, piece.albedo]),
        temperature=np.concatenate([piece.temperature, piece.temperature]),
        triangles=np.concatenate([piece.triangles, back]).astype(np.int32),
    )


def _triangles(mesh: HeadMesh, pieces: Sequence[Piece]) -> tuple[Ints, Ints]:
    """(opaque, lenses), both numbered over all vertices."""
    opaque, lenses, first = [mesh.triangles], [np.empty((0, 3), np.int32)], len(mesh.rest)
    for piece in pieces:
        faces = (piece.triangles + first).astype(np.int32)
        (lenses if piece.lens else opaque).append(faces)
        first += len(piece.points)
    return np.concatenate(opaque).astype(np.int32), np.concatenate(lenses).astype(np.int32)


def _follow(skin: Floats, pieces: Sequence[Piece]) -> Floats:
    """How much each vertex follows the head, 0 ... 1."""
    shares = [np.full(len(piece.points), piece.anchor == "head", np.float32) for piece in pieces]
    return np.concatenate([_neck(skin[:, 1]), *shares])


def _neck(height_mm: Floats) -> Floats:
    share = np.clip((height_mm - STILL_TO_MM) / (STILL_FROM_MM - STILL_TO_MM), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _sum(one: Pose, other: Pose) -> Pose:
    return Pose(
        one.yaw_deg + other.yaw_deg,
        one.pitch_deg + other.pitch_deg,
        one.roll_deg + other.roll_deg,
        one.x_mm + other.x_mm,
        one.y_mm + other.y_mm,
        one.z_mm + other.z_mm,
    )
