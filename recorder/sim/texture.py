"""Where a point of a head lies in its textures: one cylinder round every head, so that no mesh needs a map of its own.

Knows no colours.
"""

import numpy as np

from recorder.sim.head import Floats

SIZE = 768  # texels along each side: about two to a millimetre, twice what the colour camera resolves
AXIS_MM = 90.0  # the cylinder's axis stands this far behind the eyes, in the middle of the skull
TOP_MM, SPAN_MM = 160.0, 340.0  # above the eyes' centres; down to the shoulders
TURN = 1.5 * np.pi  # the front 270 degrees; the back of the head repeats the edges


def texture_coordinates(points: Floats) -> Floats:
    """Column and row in the textures, float32 [V, 2], of points [V, 3] of a head at rest in mm."""
    angle = np.arctan2(points[:, 0], points[:, 2] + AXIS_MM)
    across = np.clip(0.5 + angle / TURN, 0, 1)
    down = np.clip((TOP_MM - points[:, 1]) / SPAN_MM, 0, 1)
    return np.stack([across, down], axis=1).astype(np.float32) * np.float32(SIZE - 1)


def texel_grid() -> tuple[Floats, Floats]:
    """(angle in radians, height y in mm) of every texel, float32 [SIZE, SIZE] each."""
    steps = np.linspace(0, 1, SIZE, dtype=np.float32)
    angle, height = np.meshgrid((steps - 0.5) * np.float32(TURN), TOP_MM - steps * SPAN_MM)
    return angle.astype(np.float32), height.astype(np.float32)
