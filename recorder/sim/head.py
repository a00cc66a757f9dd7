"""What a head is to the simulator: a triangle mesh of one identity with named shapes for the action units.

Knows no renderer and no texture. Millimetres; x to the viewer's right (the subject's left), y up, z towards the viewer; the
origin lies between the eyeballs' centres.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


class Part(IntEnum):
    """What a vertex belongs to; decides how it is coloured."""

    SKIN = 0  # face, scalp, ears, neck; lips and brows are painted on
    EYE_RIGHT = 1  # the subject's right eyeball; iris and pupil are painted by direction from the eyeball's centre
    EYE_LEFT = 2
    TEETH = 3
    MOUTH = 4  # gums, tongue and the inside of the mouth
    LASH = 5


@dataclass(frozen=True)
class Shape:
    """How one action unit at full strength moves the mesh. indices: int32 [n]; deltas: float32 [n, 3] in mm."""

    indices: Ints
    deltas: Floats


@dataclass(frozen=True)
class Eye:
    """An eyeball. centre: float32 [3] in mm; radius in mm."""

    centre: Floats
    radius: float


@dataclass(frozen=True)
class HeadMesh:
    """One identity at rest: neutral, lids open, mouth closed.

    rest: float32 [V, 3] in mm; triangles: int32 [F, 3], counter-clockwise seen from outside; parts: uint8 [V] of `Part`;
    shapes: one for each of `recorder.sim.state.UNITS`, and "swallow"; landmarks: int32 [68] vertex numbers in the order of the
    iBUG 300-W annotation (0-16 jaw line from the viewer's left, 17-26 brows, 27-35 nose, 36-47 eyes, 48-67 lips);
    eyes: the subject's right (viewer's left) and left; yours to leave out: hair, clothes, glasses are added by others.
    """

    rest: Floats
    triangles: Ints
    parts: NDArray[np.uint8]
    shapes: Mapping[str, Shape]
    landmarks: Ints
    eyes: tuple[Eye, Eye]


class Head(Protocol):
    """A family of heads."""

    name: str  # "builtin", "ict"
    identity_size: int  # how many parameters an identity has
    sex_parameter: int | None  # the one that makes a head more male when positive, where there is one

    def mesh(self, identity: Floats) -> HeadMesh:
        """The head of an identity, float32 [identity_size], each parameter drawn from N(0, 1); zeros give the mean head."""
