"""From two eyes to a face: proportions of grown-ups' faces. Knows no picture and no event."""

import math
from dataclasses import dataclass
from typing import TypeAlias

from protocol.analysis import FaceBox

Point: TypeAlias = tuple[float, float]  # (x, y) in pixels, y down

# Means of grown-ups in units of the distance between the pupils (63 mm, Dodgson 2004): the face is 137 mm wide over the cheek
# bones and 180 mm high from hairline to chin, of which 113 mm lie below the eyes (Farkas, Anthropometry of the Head and Face,
# 1994, North American whites, both sexes).
HALF_WIDTH = 1.09
ABOVE = 1.06
BELOW = 1.80


@dataclass(frozen=True)
class Eyes:
    """Centres of the two eyes, left and right as the picture shows them."""

    left: Point
    right: Point

    @property
    def middle(self) -> Point:
        """Half way between them."""
        return (self.left[0] + self.right[0]) / 2, (self.left[1] + self.right[1]) / 2

    @property
    def apart_px(self) -> float:
        """Distance between them."""
        return math.dist(self.left, self.right)


def face_box(eyes: Eyes, source: str, confidence: float) -> FaceBox:
    """The upright box of a face that has these eyes; its middle follows a head that is tilted."""
    apart = eyes.apart_px
    along = ((eyes.right[0] - eyes.left[0]) / apart, (eyes.right[1] - eyes.left[1]) / apart)
    below = (BELOW - ABOVE) / 2 * apart
    x, y = eyes.middle[0] - along[1] * below, eyes.middle[1] + along[0] * below
    width, height = 2 * HALF_WIDTH * apart, (ABOVE + BELOW) * apart
    return FaceBox(
        x=x - width / 2,
        y=y - height / 2,
        width=width,
        height=height,
        left_eye=eyes.left,
        right_eye=eyes.right,
        source=source,
        confidence=min(max(confidence, 0.0), 1.0),
    )
