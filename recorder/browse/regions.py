"""Which pixel belongs to which part of a face: brow, eyes, nose, mouth, jaw. Knows no event and no picture."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import FaceBox
from recorder.faces.geometry import ABOVE, BELOW, HALF_WIDTH


class Region(StrEnum):
    """A part of the face whose events are counted; `face` is all of it, or the whole sensor where no face is known."""

    FACE = "face"
    BROW = "brow"
    EYES = "eyes"
    NOSE = "nose"
    MOUTH = "mouth"
    JAW = "jaw"


REGIONS = tuple(Region)
OUTSIDE = len(REGIONS)  # the code of pixels beside the face

# (top, bottom, half width) in units of the distance between the pupils (63 mm), down from the line between them and to each
# side of its middle. From means of grown-ups (Farkas, Anthropometry of the Head and Face, 1994): upper edge of the brow 25 mm
# above the pupil, opening of the eye 11 mm high and its outer corner 45 mm from the middle, root of the nose to its base 50 mm,
# base of the nose to the line of the lips 22 mm, mouth 53 mm wide, lips to chin 48 mm. The borders lie where two neighbours
# move least: below the brow's hair, below the lower lid's fold, at the base of the nose, between lower lip and chin.
BROW = (-0.65, -0.22, 1.0)
EYES = (-0.22, 0.25, 1.0)
NOSE = (0.25, 0.78, 0.45)
MOUTH = (0.78, 1.40, 0.62)  # 13 mm beside its corners, which a smile pulls that far
JAW_TOP, JAW_BESIDE = 0.60, 0.62  # the masseter, from below the cheek bone to the angle of the jaw, beside the mouth


def region_map(face: FaceBox | None, resolution: tuple[int, int]) -> NDArray[np.uint8]:
    """The place in REGIONS of each pixel, uint8 [H, W]; OUTSIDE beside the face. Without a face every pixel is 0, the whole.

    resolution: (width, height). Follows the line of the eyes where they were seen, so that a tilted head is met.
    """
    width, height = resolution
    if face is None or face.width <= 0 or face.height <= 0:
        return np.zeros((height, width), np.uint8)
    across, down = _face_axes(face, resolution)
    codes = np.full((height, width), OUTSIDE, np.uint8)
    codes[(across <= HALF_WIDTH) & (down >= -ABOVE) & (down <= BELOW)] = 0
    jaw = ((down >= JAW_TOP) & (across > JAW_BESIDE)) | (down >= MOUTH[1])
    codes[jaw & (codes == 0)] = REGIONS.index(Region.JAW)
    for region, (top, bottom, half) in {Region.BROW: BROW, Region.EYES: EYES, Region.NOSE: NOSE, Region.MOUTH: MOUTH}.items():
        codes[(down >= top) & (down < bottom) & (across <= half) & (codes != OUTSIDE)] = REGIONS.index(region)
    return codes


def _face_axes(face: FaceBox, resolution: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far each pixel lies from the middle of the face and below its eyes, [H, W] each, in distances between pupils."""
    left, right = _eyes(face)
    along = (right[0] - left[0], right[1] - left[1])
    squared = max(along[0] ** 2 + along[1] ** 2, 1e-6)
    y, x = np.mgrid[: resolution[1], : resolution[0]].astype(np.float64)
    x, y = x - (left[0] + right[0]) / 2, y - (left[1] + right[1]) / 2
    return np.abs(x * along[0] + y * along[1]) / squared, (y * along[0] - x * along[1]) / squared


def _eyes(face: FaceBox) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where they were seen, else where they lie in a face of that box."""
    if face.left_eye and face.right_eye and face.left_eye[0] != face.right_eye[0]:
        return min(face.left_eye, face.right_eye), max(face.left_eye, face.right_eye)
    y, middle = face.y + face.height * ABOVE / (ABOVE + BELOW), face.x + face.width / 2
    half = face.width / HALF_WIDTH / 4
    return (middle - half, y), (middle + half, y)
