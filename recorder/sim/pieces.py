"""Meshes that are added to a head: what glasses, hanging hair and clothes are made of, and how tubes and sheets are built.

Knows no subject and no renderer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from recorder.sim.head import Floats, Ints


@dataclass(frozen=True)
class Piece:
    """A mesh beside the head's own.

    points: float32 [V, 3], head coordinates in mm; triangles: int32 [F, 3], counter-clockwise seen from outside; albedo:
    float32 [V, 3], linear (blue, green, red); temperature: float32 [V], degrees Celsius; gloss: 0 ... 1; two_sided: seen from
    behind too; anchor: what it moves with; lens: see-through with reflections (opaque in thermal infrared).
    """

    points: Floats
    triangles: Ints
    albedo: Floats
    temperature: Floats
    gloss: float
    two_sided: bool
    anchor: Literal["head", "body"]
    lens: bool


def grid_triangles(rows: int, columns: int, *, around: bool = False) -> Ints:
    """Triangles of a grid of points numbered row by row, int32 [F, 3].

    Seen from outside, rows go down and columns to the right; around: the last column is joined to the first.
    """
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns if around else columns - 1), indexing="ij")
    right = (column + 1) % columns
    a, b = row * columns + column, row * columns + right
    c, d = a + columns, b + columns
    return np.stack([a, c, b, b, c, d], axis=-1).reshape(-1, 3).astype(np.int32)


def tube(path: Floats, width: Floats, sideways: Floats, *, closed: bool) -> tuple[Floats, Ints]:
    """(points [4 n, 3], triangles) of a bar of rectangular section along a path.

    path: [n, 3] in mm; width: [n, 2] or [2], full widths along `sideways` and across it; sideways: [n, 3] or [3], roughly
    at right angles to the path; closed: the end is joined to the start, otherwise both ends are capped.
    """
    ahead = (np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)) if closed else np.gradient(path, axis=0)
    ahead = _unit(ahead)
    side = np.broadcast_to(sideways, path.shape)
    side = _unit(side - ahead * np.sum(side * ahead, axis=1, keepdims=True))
    other = np.cross(ahead, side)
    half = np.broadcast_to(np.asarray(width) / 2, (len(path), 2))
    corners = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    points = np.stack([path + s * half[:, :1] * side + o * half[:, 1:] * other for s, o in corners], axis=1)
    # Rows run along the path; seen from outside with the path pointing down, the corners run to the left.
    triangles = grid_triangles(len(path), 4, around=True)[:, ::-1]
    ends = _joined(len(path)) if closed else _caps(len(path))
    return points.reshape(-1, 3).astype(np.float32), np.ascontiguousarray(np.concatenate([triangles, ends]), np.int32)


def _joined(rings: int) -> Ints:
    two = grid_triangles(2, 4, around=True)[:, ::-1]
    return np.where(two < 4, two + 4 * (rings - 1), two - 4).astype(np.int32)


def _caps(rings: int) -> Ints:
    last = 4 * (rings - 1)
    return np.array([[0, 2, 1], [0, 3, 2], [last, last + 1, last + 2], [last, last + 2, last + 3]], np.int32)


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9), np.float32)


def plain(
    points: Floats,
    triangles: Ints,
    colour: tuple[float, float, float] | Floats,
    celsius: float,
    *,
    gloss: float = 0.0,
    two_sided: bool = False,
    anchor: Literal["head", "body"] = "head",
    lens: bool = False,
) -> Piece:
    """A piece of one temperature, and of one colour or one a vertex ([V, 3])."""
    return Piece(
        points=np.ascontiguousarray(points, np.float32),
        triangles=np.ascontiguousarray(triangles, np.int32),
        albedo=np.array(np.broadcast_to(np.asarray(colour, np.float32), points.shape)),
        temperature=np.full(len(points), celsius, np.float32),
        gloss=gloss,
        two_sided=two_sided,
        anchor=anchor,
        lens=lens,
    )
