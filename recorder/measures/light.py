"""The light on the face, from a few grey or colour pictures: even, bright enough, not too bright. Knows no events."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import FaceBox
from recorder.measures.thresholds import Reading

WHITE = 250  # of 255: beyond it sensors and codecs no longer tell one brightness from another
NO_PICTURES = "There are no pictures with a face, so the light on it cannot be judged."
# Without a known face: where somebody sits before a camera. Narrower than the picture, for the wall is lit otherwise.
USUAL_FACE = (0.3, 0.2, 0.7, 0.85)  # left, top, right, bottom as shares of width and height

Picture: TypeAlias = NDArray[np.uint8]
Box = tuple[float, float, float, float]


def within(pictures: Sequence[Picture], face: FaceBox | None, resolution: tuple[int, int]) -> Box | None:
    """Where the face is in pictures of the event camera, as shares; None without a face, or in pictures of another camera.

    resolution: (width, height) of the sensor in whose pixels the face is.
    """
    width, height = resolution
    if face is None or not pictures or pictures[0].shape[:2] != (height, width):
        return None
    return face.x / width, face.y / height, (face.x + face.width) / width, (face.y + face.height) / height


def grey(picture: Picture) -> NDArray[np.float64]:
    """Brightness [H, W] of a grey [H, W] or BGR [H, W, 3] picture, 0 ... 255 (ITU-R BT.601 weights)."""
    if picture.ndim == 2:
        return picture.astype(np.float64)
    return np.asarray(picture[..., :3] @ np.array([0.114, 0.587, 0.299]))


def evenness(pictures: Sequence[Picture], face: Box | None) -> Reading:
    """Difference of the halves of the face in per cent of their sum, 0 for even light: medians over its left and right half,
    since pupils, glasses and hair must not count; and the median over the pictures.

    face: (left, top, right, bottom) in shares of width and height. Details: `darker`, "left" or "right" in the picture.
    """
    if not pictures or face is None:
        return Reading(unknown=NO_PICTURES)
    differences = [_difference(_cut(grey(picture), face)) for picture in pictures]
    difference = float(np.median(differences))
    return Reading(100.0 * abs(difference), {"darker": "left" if difference < 0 else "right"})


def _cut(image: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    height, width = image.shape
    left, top, right, bottom = (min(max(share, 0.0), 1.0) for share in box)
    part = image[int(top * height) : int(np.ceil(bottom * height)), int(left * width) : int(np.ceil(right * width))]
    return part if min(part.shape) >= 2 else image


def _difference(image: NDArray[np.float64]) -> float:
    """(left - right) / (left + right), -1 ... 1."""
    middle = image.shape[1] // 2
    left, right = float(np.median(image[:, :middle])), float(np.median(image[:, -middle:]))
    return (left - right) / (left + right) if left + right > 0 else 0.0


def brightness(pictures: Sequence[Picture], face: Box | None = None) -> Reading:
    """Mean grey level of the face, 0 ... 255; the median over the pictures."""
    if not pictures:
        return Reading(unknown=NO_PICTURES)
    return Reading(float(np.median([_cut(grey(picture), face or USUAL_FACE).mean() for picture in pictures])))


def white_share(pictures: Sequence[Picture], face: Box | None = None) -> Reading:
    """Share of the face's pixels that are white, in per cent; the median over the pictures."""
    if not pictures:
        return Reading(unknown=NO_PICTURES)
    shares = [float((_cut(grey(picture), face or USUAL_FACE) >= WHITE).mean()) for picture in pictures]
    return Reading(100.0 * float(np.median(shares)))
