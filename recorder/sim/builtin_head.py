"""The head that the project computes itself: skin, eyeballs, ears, teeth, tongue and lashes of one identity, and its shapes.

Puts the parts together as `recorder.sim.head.Head` wants them; form, lids and action units are modules of their own.
Knows no renderer and no picture.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recorder.sim import builtin_lids, builtin_shapes
from recorder.sim.builtin_form import Array, smoothstep
from recorder.sim.builtin_grid import Grid, skin_grid
from recorder.sim.builtin_landmarks import landmark_vertices
from recorder.sim.builtin_parts import Piece, ear, eyeball, lashes, teeth, tongue
from recorder.sim.builtin_skin import (
    EYE_RADIUS_MM,
    eye_centres,
    eye_pocket,
    lid_sides,
    lip_sides,
    mouth_line,
    mouth_pocket,
    outer_skin,
    stature,
)
from recorder.sim.builtin_traits import PARAMETERS, Traits, traits_of
from recorder.sim.head import Eye, Floats, HeadMesh, Ints, Part, Shape
from recorder.sim.state import CENTRAL_UNITS, SIDED_UNITS

_CROWN = (0.0, 116.5, -70.0)
_UPPER_TEETH_BEHIND_MM, _LOWER_TEETH_BEHIND_MM = 8.5, 11.0  # incisors behind the line between the lips
_UPPER_TEETH_BELOW_MM, _OVERBITE_MM = 2.2, 2.0
_STILL_MM = 1e-3  # displacements below this are none
_MIDDLE_MM = 7.0  # half width of the passage between the sides of the face
# How far the pockets' rings go along with the margin before them.
_MOUTH_FOLLOWS = (1.0, 0.98, 0.85, 0.3, 0.0)
_JAW_RINGS = (1.0, 1.0, 1.0, 0.9, 0.45)
_JAW_DEG = {"AU26": (8.0, 2.0), "AU27": (17.0, 5.0)}  # turn of the jaw, way of the condyles forwards in mm
_PARTED_MM = {"AU25": (1.6, 2.9), "AU27": (3.4, 3.6)}  # of the upper and the lower lip
_LIDS_MM = {"AU5": (2.6, 0.0), "AU6": (-0.2, 1.3), "AU7": (-1.2, 2.0), "AU9": (-0.3, 0.9), "AU12": (0.0, 0.4)}


@dataclass(frozen=True)
class _Body:
    """Everything of one identity. mean: points [V, 3] before `stature`, rest: after it; firsts: where each piece begins."""

    grid: Grid
    traits: Traits
    mean: Array
    rest: Array
    triangles: Ints
    parts: NDArray[np.uint8]
    firsts: dict[str, slice]


class BuiltinHead:
    """A family of heads made of formulas; see `recorder.sim.head.Head`."""

    name = "builtin"
    sex_parameter: int | None = 0
    identity_size = len(PARAMETERS)

    def mesh(self, identity: Floats) -> HeadMesh:
        """The head of an identity, float32 [30] (`builtin_traits.PARAMETERS`), each ~ N(0, 1); zeros give the mean head.

        Raises:
            ValueError: the identity has another length.

        """
        body = _body(traits_of(identity))
        eyes = [Eye(centre.astype(np.float32), EYE_RADIUS_MM) for centre in eye_centres(body.traits)]
        rest = body.rest.astype(np.float32)
        return HeadMesh(rest, body.triangles, body.parts, _shapes(body), _landmarks().copy(), (eyes[0], eyes[1]))


@lru_cache(maxsize=1)
def _landmarks() -> Ints:
    grid, traits = skin_grid(), traits_of(np.zeros(len(PARAMETERS), np.float32))
    return landmark_vertices(grid, outer_skin(grid, traits), traits)


def _skin(grid: Grid, traits: Traits) -> Array:
    outer = outer_skin(grid, traits)
    points = np.zeros((grid.count, 3))
    points[: len(outer)], points[grid.crown] = outer, _CROWN
    centres = eye_centres(traits)
    pockets = [eye_pocket(outer, slit, centre) for slit, centre in zip(grid.slits[:2], centres, strict=True)]
    for slit, rings in zip(grid.slits, [*pockets, mouth_pocket(outer, grid.slits[2])], strict=True):
        points[slit.rings], points[slit.apex] = rings[:-1], rings[-1, 0]
    return points


def _inner_pieces(grid: Grid, skin: Array) -> dict[str, tuple[Piece, Part]]:
    mouth = grid.slits[2]
    line = skin[mouth.lower[len(mouth.columns) // 2]]
    upper = teeth(line - [0, _UPPER_TEETH_BELOW_MM, _UPPER_TEETH_BEHIND_MM], 1, 1.0)
    lower = teeth(line - [0, _UPPER_TEETH_BELOW_MM + 1.2 - _OVERBITE_MM, _LOWER_TEETH_BEHIND_MM], -1, 0.9)
    return {
        "teeth_upper": (upper, Part.TEETH),
        "teeth_lower": (lower, Part.TEETH),
        "tongue": (tongue(line - [0, 6.0, _LOWER_TEETH_BEHIND_MM + 7.0]), Part.MOUTH),
    }


def _mirrored(piece: Piece) -> Piece:
    return Piece(piece.points * [-1, 1, 1], piece.triangles[:, ::-1])


def _pieces(grid: Grid, traits: Traits) -> dict[str, tuple[Piece, Part]]:
    skin = _skin(grid, traits)
    right, left = eye_centres(traits)
    left_ear = ear(1 + traits.ear_size)
    return {
        "skin": (Piece(skin, grid.triangles), Part.SKIN),
        "eye_right": (eyeball(right, EYE_RADIUS_MM), Part.EYE_RIGHT),
        "eye_left": (eyeball(left, EYE_RADIUS_MM), Part.EYE_LEFT),
        "ear_left": (left_ear, Part.SKIN),
        "ear_right": (_mirrored(left_ear), Part.SKIN),
        **_inner_pieces(grid, skin),
        "lash_left": (lashes(skin[grid.slits[1].upper]), Part.LASH),
        "lash_right": (_mirrored(lashes(skin[grid.slits[0].upper[::-1]] * [-1, 1, 1])), Part.LASH),
    }


def _body(traits: Traits) -> _Body:
    grid = skin_grid()
    pieces = _pieces(grid, traits)
    sizes = np.cumsum([0] + [len(piece.points) for piece, _ in pieces.values()])
    firsts = {name: slice(int(a), int(b)) for name, a, b in zip(pieces, sizes[:-1], sizes[1:], strict=True)}
    mean = np.concatenate([piece.points for piece, _ in pieces.values()])
    rest = stature(mean, traits)
    for name in ("eye_right", "eye_left"):
        rest[firsts[name]] = mean[firsts[name]]
    triangles = np.concatenate([p.triangles + firsts[name].start for name, (p, _) in pieces.items()]).astype(np.int32)
    parts = np.concatenate([np.full(len(piece.points), part, np.uint8) for piece, part in pieces.values()])
    parts[grid.slits[2].rings[1:]] = parts[grid.slits[2].apex] = Part.MOUTH
    return _Body(grid, traits, mean, rest, triangles, parts, firsts)


def _shapes(body: _Body) -> dict[str, Shape]:
    """A shape for each unit of `recorder.sim.state.UNITS`, and "swallow"."""
    left = smoothstep(-_MIDDLE_MM, _MIDDLE_MM, body.mean[:, 0])[:, None]
    made, shapes = _Movements(body), {}
    for unit in SIDED_UNITS:
        both = made.of(unit)
        shapes[f"{unit}_L"], shapes[f"{unit}_R"] = _sparse(both * left), _sparse(both * (1 - left))
    for unit in (*CENTRAL_UNITS, "swallow"):
        shapes[unit] = _sparse(made.of(unit))
    return shapes


def _sparse(deltas: Array) -> Shape:
    indices = np.flatnonzero(np.abs(deltas).max(axis=1) > _STILL_MM).astype(np.int32)
    return Shape(indices, deltas[indices].astype(np.float32))


class _Movements:
    """Displacements [V, 3] of all vertices for each unit of one body."""

    def __init__(self, body: _Body) -> None:
        self._body, grid = body, body.grid
        skin, outer = body.mean[body.firsts["skin"]], len(grid.phi)
        self._face = builtin_shapes.Face(skin[:outer], lip_sides(grid), mouth_line(skin[:outer], grid), body.traits)
        self._lids = builtin_lids.Lids(grid, body.rest[body.firsts["skin"]], lid_sides(grid), body.traits)
        self._outer = outer

    def of(self, unit: str) -> Array:
        """Displacement at full strength, of both sides together."""
        moved = np.zeros_like(self._body.mean)
        skin = moved[: self._body.grid.count]
        skin[: self._outer] = builtin_shapes.pushes(self._face, unit)
        if unit in _PARTED_MM:
            skin[: self._outer] += builtin_shapes.parted(self._face, *_PARTED_MM[unit])
        self._follow_lips(skin)
        if unit in _JAW_DEG:
            self._turn_jaw(moved, *_JAW_DEG[unit])
        if unit in _LIDS_MM:
            skin += builtin_lids.opening(self._lids, *_LIDS_MM[unit])
        if unit == "AU45":
            skin += builtin_lids.closing(self._lids)
        self._follow_lashes(moved)
        return moved

    def _follow_lips(self, skin: Array) -> None:
        mouth = self._body.grid.slits[2]
        for ring, share in zip(mouth.rings, _MOUTH_FOLLOWS, strict=True):
            skin[ring] += skin[mouth.loop] * share

    def _turn_jaw(self, moved: Array, degrees: float, ahead_mm: float) -> None:
        body, mouth = self._body, self._body.grid.slits[2]
        turn = builtin_shapes.jaw_turn(body.rest, degrees, ahead_mm)
        share = np.zeros(len(moved))
        share[: self._outer] = builtin_shapes.jaw_share(self._face, body.grid.v)
        side = np.zeros(len(mouth.loop))
        side[1 : len(mouth.columns) - 1] = 1.0
        for ring, along in zip(mouth.rings, _JAW_RINGS, strict=True):
            share[ring] = share[mouth.loop] if ring is mouth.rings[0] else side * along
            share[ring[[0, len(mouth.columns) - 1]]] = 0.5 * along
        share[mouth.rings[0]] = share[mouth.loop]
        share[mouth.apex] = 0.4
        share[body.firsts["teeth_lower"]] = share[body.firsts["tongue"]] = 1.0
        moved += share[:, None] * turn

    def _follow_lashes(self, moved: Array) -> None:
        """Lashes go along with the margin that they stand on, and turn down with it."""
        for name, slit in (("lash_left", self._body.grid.slits[1]), ("lash_right", self._body.grid.slits[0])):
            margin = slit.upper if name == "lash_left" else slit.upper[::-1]
            rows = moved[self._body.firsts[name]]
            along = moved[margin]
            rows[: 3 * len(margin)] = np.repeat(along, 3, axis=0)
            rows[2 : 3 * len(margin) : 3, 1] += 0.25 * along[:, 1]
            rows[-2:] = along[[0, -1]]
