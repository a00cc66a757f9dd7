"""Hair that hangs freely: curtains beside the face and fringes, as sheets of strands."""

from recorder.sim.head import Floats, HeadMesh
from recorder.sim.pieces import Piece
from recorder.sim.traits import Traits


def torso(mesh: HeadMesh, traits: Traits) -> tuple[Piece, ...]:
    """x"""
    return ()
