"""Which vertices of the ICT-FaceKit mesh are what, which are kept, and how they lie in rings round the slits of eyes and mouth.

Knows no identity and no expression. Vertex ranges: ICT-FaceKit's README, "Face Model Topology" and the tables below it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.sim.head import Floats, Ints, Part

Flags = NDArray[np.bool_]

FACE_END, HEAD_END, MOUTH_END, SOCKET_END, GUMS_END, TEETH_END = 9409, 11248, 13294, 14062, 17039, 21451
SOCKETS = {Part.EYE_LEFT: (13294, 13678), Part.EYE_RIGHT: (13678, 14062)}
SCLERAS = {Part.EYE_LEFT: (21451, 22221), Part.EYE_RIGHT: (23021, 23791)}
# Second and third molars: the lips hide them at every opening.
MOLARS = ((17039, 17416), (18870, 19602), (21096, 21451))
BALL_FRONT = 0.1  # part of an eyeball that is kept: cosine of the angle to straight ahead
FIT_FRONT = 0.55  # part that the lids may bare, to which the sphere is fitted
TURNED_AWAY = -0.5  # teeth and gums whose normal points this far to the back are never seen
LID_RINGS, LIP_RINGS = 12, 30
LID_MARGIN, LIP_MARGIN = 1, 7  # the rings whose edges meet, counted from where the skin joins the eye socket and the mouth


@dataclass(frozen=True)
class Slit:
    """The skin round an eye or the mouth. vertices: int32 [n]; ring: int [n], 0 next to the inside; upper: [n].

    above, below: positions in `vertices` of the margins' vertices in order of x.
    """

    vertices: Ints
    ring: Ints
    upper: Flags
    above: Ints
    below: Ints


@dataclass(frozen=True)
class Topology:
    """The kept mesh. kept: int32 [V], numbers in the file; the others number kept vertices. balls, lids: right, left.

    bare: for each ball, which of its vertices the lids may bare.
    """

    kept: Ints
    triangles: Ints
    parts: NDArray[np.uint8]
    landmarks: Ints
    balls: tuple[Ints, Ints]
    bare: tuple[Flags, Flags]
    lids: tuple[Slit, Slit]
    lips: Slit


def topology(points: Floats, triangles: Ints, landmarks: Ints) -> Topology:
    """Sort the mesh of the file: points [V, 3] of the mean head (any unit), triangles [F, 3], landmarks [68]."""
    wanted = triangles[_wanted(points, triangles)]
    kept = np.unique(wanted).astype(np.int32)
    number = np.full(len(points), -1, np.int32)
    number[kept] = np.arange(len(kept), dtype=np.int32)
    right, left = Part.EYE_RIGHT, Part.EYE_LEFT
    return Topology(
        kept=kept,
        triangles=np.ascontiguousarray(number[wanted]),
        parts=_parts(len(points))[kept],
        landmarks=number[landmarks],
        balls=(number[_ball(points, right, BALL_FRONT)], number[_ball(points, left, BALL_FRONT)]),
        bare=(_bare(points, right), _bare(points, left)),
        lids=(
            _slit(points, triangles, number, SOCKETS[right], LID_RINGS, LID_MARGIN),
            _slit(points, triangles, number, SOCKETS[left], LID_RINGS, LID_MARGIN),
        ),
        lips=_slit(points, triangles, number, (HEAD_END, MOUTH_END), LIP_RINGS, LIP_MARGIN),
    )


def _parts(count: int) -> NDArray[np.uint8]:
    parts = np.full(count, Part.SKIN, np.uint8)
    parts[HEAD_END:MOUTH_END] = parts[SOCKET_END:GUMS_END] = Part.MOUTH
    parts[GUMS_END:TEETH_END] = Part.TEETH
    for part, (first, end) in SCLERAS.items():
        parts[first:end] = part
    return parts


def _wanted(points: Floats, triangles: Ints) -> Flags:
    """Which triangles are kept: skin, mouth, teeth, and the fronts of the two scleras with their corneas.

    Left out: irises (painted), eye sockets (the lids' inner edges end inside the eyeballs), molars, and what is turned away.
    """
    good = np.zeros(len(points), np.bool_)
    good[:MOUTH_END] = good[SOCKET_END:TEETH_END] = True
    for part in SCLERAS:
        good[_ball(points, part, BALL_FRONT)] = True
    for first, end in MOLARS:
        good[first:end] = False
    inside = ((triangles >= SOCKET_END) & (triangles < TEETH_END)).all(axis=1)
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    away = normals[:, 2] < TURNED_AWAY * np.linalg.norm(normals, axis=1)
    return np.asarray(good[triangles].all(axis=1) & ~(inside & away))


def _straight_ahead(points: Floats, part: Part) -> Floats:
    """Cosine of the angle between straight ahead and each vertex of an eyeball, seen from the middle of its sclera."""
    first, end = SCLERAS[part]
    ball = points[first:end]
    away = ball - (ball.min(axis=0) + ball.max(axis=0)) / 2
    return np.asarray(away[:, 2] / np.linalg.norm(away, axis=1), np.float32)


def _ball(points: Floats, part: Part, cosine: float) -> Ints:
    return (SCLERAS[part][0] + np.flatnonzero(_straight_ahead(points, part) > cosine)).astype(np.int32)


def _bare(points: Floats, part: Part) -> Flags:
    cosine = _straight_ahead(points, part)
    return np.asarray(cosine[cosine > BALL_FRONT] > FIT_FRONT)


def _slit(points: Floats, triangles: Ints, number: Ints, inside: tuple[int, int], rings: int, margin: int) -> Slit:
    """The rings of skin round an opening. inside: range of the vertices of what lies behind it."""
    touching = ((triangles >= inside[0]) & (triangles < inside[1])).any(axis=1)
    ring = np.full(len(points), -1)
    ring[_skin(triangles[touching])] = 0
    upper = np.zeros(len(points), np.bool_)
    upper[ring == 0] = _over_corners(points[ring == 0])
    for step in range(rings - 1):
        near = triangles[(ring[triangles] == step).any(axis=1)]
        new = _skin(near)
        new = new[ring[new] < 0]
        ring[new] = step + 1
        upper[new] = _side(near, ring == step, upper, len(points))[new] > 0
    vertices = np.flatnonzero(ring >= 0)
    above, below = (_row(points, ring, upper == side, margin) for side in (True, False))
    place = np.full(len(points), -1)
    place[vertices] = np.arange(len(vertices))
    return Slit(number[vertices], ring[vertices], upper[vertices], place[above].astype(np.int32), place[below].astype(np.int32))


def _skin(triangles: Ints) -> NDArray[np.intp]:
    vertices = np.unique(triangles)
    return vertices[vertices < FACE_END].astype(np.intp)


def _over_corners(points: Floats) -> Flags:
    """Which points of a ring lie above the line through its left and right ends."""
    first, last = points[points[:, 0].argmin()], points[points[:, 0].argmax()]
    line = np.interp(points[:, 0], [first[0], last[0]], [first[1], last[1]])
    return np.asarray(points[:, 1] > line)


def _side(triangles: Ints, inner: Flags, upper: Flags, count: int) -> NDArray[np.float64]:
    """For each vertex of the triangles, how many more of its neighbours in the inner ring are upper than lower ones."""
    votes = np.where(inner, np.where(upper, 1.0, -1.0), 0.0)
    total = np.zeros(count)
    for corner in range(3):
        for other in ((corner + 1) % 3, (corner + 2) % 3):
            np.add.at(total, triangles[:, corner], votes[triangles[:, other]])
    return total


def _row(points: Floats, ring: NDArray[np.int_], side: Flags, margin: int) -> NDArray[np.intp]:
    row = np.flatnonzero((ring == margin) & side)
    return row[np.argsort(points[row, 0])]
