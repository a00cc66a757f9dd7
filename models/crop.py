"""Which square of the sensor a network looks at, and onto which cell of its grid each pixel falls.

Cells sum their pixels, so that no event is lost or invented by the change of size. Knows no events and no file.
"""

import math
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models.errors import ModelError
from protocol.analysis import FaceBox
from protocol.schema import Strict
from recorder.faces.geometry import HALF_WIDTH

# From hairline to chin a face is 2.86 distances between the pupils high (recorder/faces/geometry.py); a little room is left
# for brows that rise and a jaw that drops.
SIDE_INTEROCULAR = 3.0
FEWEST_INTEROCULAR_PX = 2.0  # below, the two "eyes" are one
MOST_PIXELS = 1 << 15  # coordinates of events are int16

Coordinate = Annotated[float, Field(allow_inf_nan=False, ge=-MOST_PIXELS, le=MOST_PIXELS)]
Side = Annotated[float, Field(allow_inf_nan=False, ge=1, le=2 * MOST_PIXELS)]


class FaceCrop(Strict):
    """An upright square of the sensor; it may reach beyond it.

    x, y: its middle, in pixels from the upper left corner of the upper left pixel (whose own middle is at 0.5, 0.5);
    side_px: length of its sides.
    """

    x: Coordinate
    y: Coordinate
    side_px: Side

    @property
    def left(self) -> float:
        """Where it begins, in pixels."""
        return self.x - self.side_px / 2

    @property
    def top(self) -> float:
        """Where it begins, in pixels."""
        return self.y - self.side_px / 2

    @classmethod
    def of_face(cls, face: FaceBox) -> Self:
        """The square of 3 interocular distances about the face's middle; without eyes their distance follows from its width.

        Raises ModelError for a box without extent.
        """
        apart_px = math.dist(face.left_eye, face.right_eye) if face.left_eye and face.right_eye else 0.0
        if not apart_px >= FEWEST_INTEROCULAR_PX:
            apart_px = face.width / (2 * HALF_WIDTH)
        middle = (face.x + face.width / 2, face.y + face.height / 2)
        inside = all(abs(value) <= MOST_PIXELS for value in (*middle, apart_px))
        if not (inside and apart_px >= FEWEST_INTEROCULAR_PX):
            raise ModelError(
                f"A face box of {face.width:.4g} x {face.height:.4g} pixels shows no face; "
                "find the face anew or use the whole sensor."
            )
        return cls(x=middle[0], y=middle[1], side_px=SIDE_INTEROCULAR * apart_px)

    @classmethod
    def whole_sensor(cls, resolution: tuple[int, int]) -> Self:
        """The smallest square about the middle that holds all of a sensor of (width, height) pixels: nothing is distorted."""
        width, height = resolution
        return cls(x=width / 2, y=height / 2, side_px=max(width, height))

    @classmethod
    def of(cls, face: FaceBox | None, resolution: tuple[int, int]) -> Self:
        """Of the face where there is one, else of the whole sensor."""
        return cls.whole_sensor(resolution) if face is None else cls.of_face(face)

    def moved(self, dx_px: float = 0.0, dy_px: float = 0.0, scale: float = 1.0) -> "FaceCrop":
        """The same shifted, then `scale` times as large about its middle."""
        return FaceCrop(x=self.x + dx_px, y=self.y + dy_px, side_px=self.side_px * scale)

    def columns(self, size_px: int) -> NDArray[np.int32]:
        """The cell 0 ... size_px - 1 of every column x = 0, 1, ... of pixels, -1 outside; columns behind these are outside.

        `floor((x + 0.5 - left) * size_px / side_px)`.
        """
        return _cells(self.left, self.side_px, size_px)

    def rows(self, size_px: int) -> NDArray[np.int32]:
        """The same of rows y."""
        return _cells(self.top, self.side_px, size_px)


def _cells(begin_px: float, side_px: float, size_px: int) -> NDArray[np.int32]:
    pixels = np.arange(np.clip(math.ceil(begin_px + side_px), 0, MOST_PIXELS))
    cells = np.floor((pixels + 0.5 - begin_px) * size_px / side_px).astype(np.int32)
    return np.where((cells >= 0) & (cells < size_px), cells, np.int32(-1))
