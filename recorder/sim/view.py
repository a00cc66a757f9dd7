"""Where a simulated camera stands and what its lens does. Pure geometry."""

from dataclasses import dataclass

import numba
import numpy as np

from recorder.sim.head import Floats
from recorder.sim.raster import SUB

FOCUS_MM = 350.0  # the lenses are focused on the face
APERTURE_MM = 2.5  # a 7 mm lens at f/2.8


@dataclass(frozen=True)
class View:
    """A camera before the subject. size: (width, height) in pixels; focal_px; place_mm: (x, y) beside the event camera, in
    its front plane; it is turned so that it looks at the same point of the face; samples: of each pixel along
    either direction that are rendered.
    """

    size: tuple[int, int]
    focal_px: float
    place_mm: tuple[float, float] = (0.0, 0.0)
    samples: int = SUB

    def turn(self) -> Floats:
        """From world to camera coordinates (x right, y down, z forward), float32 [3, 3]."""
        x, y = self.place_mm
        forward = np.array([-x, -y, -FOCUS_MM]) / np.sqrt(x * x + y * y + FOCUS_MM**2)
        right = np.cross(forward, [0, 1, 0])
        right /= np.linalg.norm(right)
        return np.stack([right, -np.cross(right, forward), forward]).astype(np.float32)

    def to_camera(self, points: Floats) -> Floats:
        """World points [V, 3] in camera coordinates."""
        camera = np.empty_like(points)
        _turned(points, self.turn(), np.array([*self.place_mm, 0], np.float32), camera)
        return camera

    def plane_mm(self, distance_mm: float) -> tuple[Floats, Floats]:
        """World x and y, [H, W] each, of what every pixel sees in the plane that far before the event camera."""
        width, height = self.size
        column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        rays = np.stack([(column - width / 2) / self.focal_px, (row - height / 2) / self.focal_px, np.ones_like(row)], axis=-1)
        world = rays @ self.turn()
        scale = -distance_mm / world[..., 2]
        x, y = world[..., 0] * scale + self.place_mm[0], world[..., 1] * scale + self.place_mm[1]
        return x.astype(np.float32), y.astype(np.float32)

    def blur_mm(self, distance_mm: float) -> float:
        """Half the width, in its own plane, of the blurred edge of something that far away: thin lens, geometric optics."""
        return float(APERTURE_MM / 2 * abs(1 - distance_mm / FOCUS_MM)) + 0.5 * distance_mm / self.focal_px


@numba.njit(cache=True, nogil=True, fastmath=True)
def _turned(points: Floats, turn: Floats, place: Floats, out: Floats) -> None:
    for v in range(points.shape[0]):
        x, y, z = points[v, 0] - place[0], points[v, 1] - place[1], points[v, 2] - place[2]
        out[v, 0] = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
        out[v, 1] = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z
        out[v, 2] = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z


# DAVIS346: 346 x 260 pixels of 18.5 um; a 7 mm lens shows 240 mm of height at 350 mm.
EVENT_VIEW = View((346, 260), 7.0 / 0.0185)
# One sample a pixel is enough for a sensor with a Bayer mosaic behind a lens that blurs, and spares a third of the time.
RGB_VIEW = View((640, 480), 600.0, (48.0, 6.0), samples=1)
THERMAL_VIEW = View((160, 120), 150.0, (-48.0, 4.0))  # FLIR Lepton 3.5 has 57 degrees; here with a narrower lens
