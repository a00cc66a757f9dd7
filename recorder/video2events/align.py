"""How the face comes to the same place in every picture: pure geometry on landmarks. Knows no detector and no file.

The recipe is the one published with Spiking-FER (Barchid et al., CBMI 2023, README "Standardization of frames"): 68 landmarks,
the picture rotated so that they match those of the first picture, a crop centred on the nose, 2 x 2/3 nose lengths high and
2 x 2/3 eye distances wide, resized to 200 x 200. It leaves open which landmarks measure what; the choices are named below.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from recorder.sources.pictures import opencv

Points: TypeAlias = NDArray[np.float64]

# The 68 points of Multi-PIE / iBUG 300-W, counted from 0.
LANDMARKS = 68
NOSE_ROOT, NOSE_TIP, NOSE_BASE = 27, 30, 33
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)  # the subject's right eye is on the left of the picture
# What the movements of the face move least: corners of the eyes, bridge, tip and base of the nose. All 68 would turn the
# picture when the jaw drops.
STABLE = (36, 39, 42, 45, 27, 28, 29, 30, 33)

PUBLISHED_SHARE = 2 * 2 / 3  # of nose length and eye distance, Spiking-FER
WIDE_EYE_DISTANCES = 3.0  # from the brows to the chin and past both cheeks, with room for a turned head
SIZE_PX = 200  # Spiking-FER


class Crop(StrEnum):
    """Which part of the face is kept."""

    PUBLISHED = "published"  # the numbers of Spiking-FER: nose, inner cheeks, half of the eyes
    WIDE = "wide"  # a square around the whole face


@dataclass(frozen=True)
class Window:
    """A rectangle in the first picture, in pixels: its centre and its size."""

    x: float
    y: float
    width: float
    height: float


def window(landmarks: Points, crop: Crop) -> Window:
    """The crop around a face. landmarks: [68, 2] pixels (x, y).

    Nose length: from its root (27) to its base (33); eye distance: between the means of the six points of each eye;
    centre: the tip of the nose (30).
    """
    nose_px = float(np.linalg.norm(landmarks[NOSE_ROOT] - landmarks[NOSE_BASE]))
    eyes_px = float(np.linalg.norm(landmarks[RIGHT_EYE].mean(axis=0) - landmarks[LEFT_EYE].mean(axis=0)))
    x, y = landmarks[NOSE_TIP]
    if crop is Crop.PUBLISHED:
        return Window(float(x), float(y), PUBLISHED_SHARE * eyes_px, PUBLISHED_SHARE * nose_px)
    side = WIDE_EYE_DISTANCES * eyes_px
    return Window(float(x), float(y), side, side)


def similarity(source: Points, target: Points) -> Points:
    """The rotation, scale and shift that bring `source` [n, 2] nearest to `target` [n, 2]: a matrix [2, 3].

    Least squares; in complex numbers w = a z + b with a = sum(conj(z) w) / sum(|z|^2) about the means (Umeyama 1991 in two
    dimensions). Points that all coincide are only shifted.
    """
    z, w = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    about_z, about_w = z - z.mean(), w - w.mean()
    spread = float(np.vdot(about_z, about_z).real)
    a = complex(np.vdot(about_z, about_w) / spread) if spread else 1 + 0j
    b = complex(w.mean() - a * z.mean())
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def into(view: Window, size_px: int) -> Points:
    """The matrix [2, 3] from the first picture to `size_px` x `size_px`, where the window's centre is the middle."""
    scale_x, scale_y = size_px / view.width, size_px / view.height
    middle = (size_px - 1) / 2
    return np.array([[scale_x, 0.0, middle - scale_x * view.x], [0.0, scale_y, middle - scale_y * view.y]])


def chained(first: Points, then: Points) -> Points:
    """The matrix [2, 3] that does `first` and `then`, both [2, 3]."""
    square = np.vstack([first, [0.0, 0.0, 1.0]])
    product: Points = then @ square
    return product


def transforms(landmarks: Points, crop: Crop, size_px: int = SIZE_PX) -> Points:
    """For every picture the matrix [2, 3] to its standardised form, [n, 2, 3].

    landmarks: [n, 68, 2] pixels without gaps. Every picture is laid on the first, whose crop serves for all: a crop measured
    anew in each picture would pump with every wrinkled nose and make events of nothing.
    """
    place = into(window(landmarks[0], crop), size_px)
    stable = landmarks[:, STABLE]
    return np.stack([chained(similarity(points, stable[0]), place) for points in stable])


def filled(landmarks: Points, times_us: NDArray[np.int64]) -> Points:
    """Landmarks [n, k, 2] with what is NaN filled in: linear in time, at the ends the nearest. One picture must be whole."""
    seen = ~np.isnan(landmarks).any(axis=(1, 2))
    flat = landmarks.reshape(len(landmarks), -1)
    columns = [np.interp(times_us, times_us[seen], column[seen]) for column in flat.T]
    return np.stack(columns, axis=1).reshape(landmarks.shape)


def steadied(landmarks: Points, times_us: NDArray[np.int64], sigma_us: float) -> Points:
    """Landmarks [n, k, 2] smoothed in time by a Gaussian of that standard deviation, cut at three of them."""
    if sigma_us <= 0:
        return landmarks
    first = np.searchsorted(times_us, times_us - 3 * sigma_us, side="left")
    last = np.searchsorted(times_us, times_us + 3 * sigma_us, side="right")
    return np.stack(
        [_mean_around(landmarks[a:b], times_us[a:b] - t, sigma_us) for t, a, b in zip(times_us, first, last, strict=True)]
    )


def _mean_around(landmarks: Points, away_us: NDArray[np.int64], sigma_us: float) -> Points:
    weights = np.exp(-0.5 * (away_us / sigma_us) ** 2)
    mean: Points = np.tensordot(weights / weights.sum(), landmarks, axes=1)
    return mean


def warped(image: NDArray[np.uint8], matrix: Points, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Picture [H, W] through `matrix` [2, 3] to `size` (width, height), bilinear; beyond its border the border goes on.

    A picture that shrinks to less than half is first averaged over blocks, or it would shimmer when it moves.
    """
    cv2 = opencv()
    block = int(1 / max(float(np.hypot(*matrix[:, 0])), float(np.hypot(*matrix[:, 1])), 1e-6))
    if block >= 2:
        image, matrix = _averaged(image, matrix, min(block, *image.shape))
    out: NDArray[np.uint8] = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return out


def _averaged(image: NDArray[np.uint8], matrix: Points, block: int) -> tuple[NDArray[np.uint8], Points]:
    """The picture in blocks of `block` x `block` pixels, and the matrix from it; what is left over at two sides is cut off."""
    cv2 = opencv()
    height, width = (length // block for length in image.shape)
    whole = image[: height * block, : width * block]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    # The centre of block i lies at pixel block * i + (block - 1) / 2.
    up = np.array([[block, 0.0, (block - 1) / 2], [0.0, block, (block - 1) / 2]])
    return small, chained(up, matrix)
