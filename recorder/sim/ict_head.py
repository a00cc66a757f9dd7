"""The ICT-FaceKit head: a morphable face of scans, with its expressions put together to action units.

Knows neither where its file is looked for nor how it is made; draws nothing.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from recorder.sim.head import Eye, Floats, HeadMesh, Shape
from recorder.sim.ict_file import REMEDY, HeadError, IctFile, read_file
from recorder.sim.ict_lids import REST_MM, arched, closed, fitted_eye, kept_clear, laid_on, lips_together, on_sphere
from recorder.sim.ict_topology import Slit, topology
from recorder.sim.ict_units import NEEDED, unit_deltas
from recorder.sim.raster import vertex_normals
from recorder.sim.state import UNITS

IDENTITY_SIZE = 80  # of 100 modes; the others move the face by less than 0.1 mm each
LARGEST = 2.0  # standard deviations that no mode exceeds: farther out, scans become caricatures
STRENGTH = 0.85  # of ordinary parameters; at 1 one face in twenty looked drawn rather than born
STILL_MM = 0.02  # vertices that move less belong to no shape
MM = 10.0  # the file is in centimetres


class IctHead:
    """The head of an ICT-FaceKit file. Immutable after opening; `mesh` is a pure function of the identity."""

    name = "ict"
    identity_size = IDENTITY_SIZE
    sex_parameter: int | None = None

    def __init__(self, path: Path) -> None:
        """Open the file; HeadError when it is none."""
        file = read_file(path)
        _need_expressions(path, file)
        self._topology = topology(file.vertices, file.triangles, file.landmarks)
        kept = self._topology.kept
        self._mean = (file.vertices[kept] * MM).astype(np.float32)
        self._modes = file.identity[:IDENTITY_SIZE, kept]
        self._deltas = self._composed(file)

    def _composed(self, file: IctFile) -> dict[str, Floats]:
        """Displacements of the units, not fitted to an identity yet; the eyeballs stay where they are."""
        shape = self._topology
        numbers = {name: file.expression_names.index(name) for name in NEEDED}
        named = {
            name: file.expression[number, shape.kept].astype(np.float32) * np.float32(MM) for name, number in numbers.items()
        }
        normals = np.empty_like(self._mean)
        vertex_normals(self._mean, shape.triangles, normals)
        skin = np.flatnonzero(shape.parts == 0).astype(np.int32)
        deltas = unit_deltas(self._mean, normals, skin, shape.landmarks, named)
        for moved in deltas.values():
            moved[np.concatenate(shape.balls)] = 0
        return deltas

    def mesh(self, identity: Floats) -> HeadMesh:
        """The head of an identity, float32 [identity_size], each from N(0, 1); extremes are damped. Zeros: the mean head."""
        shape = self._topology
        rest, eyes = self._at_rest(identity)
        blinks: dict[str, Floats] = {}
        for side, ball, lid, eye in zip("RL", shape.balls, shape.lids, eyes, strict=True):
            rest[ball] = on_sphere(rest[ball], eye)
            rest[lid.vertices], blinks[side] = self._blink(side, rest, lid, eye)
        rest[shape.lips.vertices] = lips_together(rest[shape.lips.vertices], shape.lips)
        shapes = {unit: self._shape(unit, rest, eyes, blinks) for unit in (*UNITS, "swallow")}
        return HeadMesh(rest, shape.triangles, shape.parts, shapes, shape.landmarks, eyes)

    def _at_rest(self, identity: Floats) -> tuple[Floats, tuple[Eye, Eye]]:
        shape = self._topology
        rest = self._mean + np.tensordot(damped(identity) * np.float32(MM), self._modes.astype(np.float32), axes=1)
        right, left = (fitted_eye(rest[ball], bare) for ball, bare in zip(shape.balls, shape.bare, strict=True))
        origin = ((right.centre + left.centre) / 2).astype(np.float32)
        return rest - origin, (_moved(right, origin), _moved(left, origin))

    def _blink(self, side: str, rest: Floats, lid: Slit, eye: Eye) -> tuple[Floats, Floats]:
        """A lid at rest on its eyeball, and how it closes over it; float32 [n, 3] each."""
        laid = laid_on(rest[lid.vertices], lid, eye, REST_MM)
        laid, deltas = arched(laid, self._deltas[f"AU45_{side}"][lid.vertices], lid, eye)
        return laid, closed(laid, deltas, lid)

    def _shape(self, unit: str, rest: Floats, eyes: tuple[Eye, Eye], blinks: Mapping[str, Floats]) -> Shape:
        deltas = self._deltas[unit].copy()
        for side, lid, eye in zip("RL", self._topology.lids, eyes, strict=True):
            own = deltas[lid.vertices]
            deltas[lid.vertices] = blinks[side] if unit == f"AU45_{side}" else kept_clear(rest[lid.vertices], own, lid, eye)
        moved = np.flatnonzero(np.linalg.norm(deltas, axis=1) > STILL_MM)
        return Shape(moved.astype(np.int32), np.ascontiguousarray(deltas[moved]))


def _moved(eye: Eye, origin: Floats) -> Eye:
    return Eye(np.asarray(eye.centre - origin, np.float32), eye.radius)


def damped(identity: Floats) -> Floats:
    """The weights of the modes: as drawn where ordinary, at most `LARGEST` where extreme."""
    drawn = np.asarray(identity, np.float32) * np.float32(STRENGTH)
    return np.asarray(np.float32(LARGEST) * np.tanh(drawn / np.float32(LARGEST)), np.float32)


def _need_expressions(path: Path, file: IctFile) -> None:
    missing = [name for name in NEEDED if name not in file.expression_names]
    if missing:
        raise HeadError(f"{path}: the expression {missing[0]!r} is missing; {REMEDY}.")
