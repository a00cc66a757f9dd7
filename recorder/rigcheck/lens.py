"""The focal length of a camera in pixels, found once for a rig: from a face or a pattern at a known distance, or from a
checkerboard shown at several angles. Knows no camera and no window.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.streams import Stream
from recorder.measures.distance import INTERPUPILLARY_MM, INTERPUPILLARY_SD_MM
from recorder.rigprofile import LensCalibration, LensMethod
from recorder.sources.pictures import opencv

# Somebody holds a ruler from the lens to the eye: neither the front of the lens nor the eye is where geometry has it.
RULER_SD_MM = 5.0
PRINT_SD_MM = 0.5  # a print is measured to half a millimetre
LEAST_FACES = 3  # of one picture nobody can tell how far the eyes were off
LEAST_BOARDS = 5  # OpenCV's tutorial asks for ten; five tilted ones give 1 % on simulated boards
LEAST_SHARE, MOST_SPREAD = 0.02, 0.10  # of the focal length: no spread is better than a lens thread, nor useful beyond a tenth
# A board that is never tilted says nothing: near and far, short and long lens look alike then (Zhang 2000, sec. 3.3).
LEAST_TILT_DEG, LEAST_TILTED = 12.0, 3
CORNERS_PX = 0.5  # what corners may be off after the fit; more is a bent print or a moving one
_REFINE_PX = 11  # half the window in which a corner is refined, as in OpenCV's tutorial; less where squares are small


class LensError(GlimpseError):
    """Pictures from which no focal length can be had: one sentence with what to do."""


@dataclass(frozen=True)
class Sighting:
    """Something of known width at a known distance. apart_px: its width in the picture; distance_mm: from the lens."""

    apart_px: float
    distance_mm: float


def calibrate_from_faces(
    stream: Stream,
    sightings: Sequence[Sighting],
    *,
    resolution: tuple[int, int] | None = None,
    interocular_mm: float | None = None,
    taken_on: date | None = None,
) -> LensCalibration:
    """From the pupils of one person who sat at known distances: focal_px = apart_px * distance / interocular distance.

    interocular_mm: as measured with a ruler or taken from a prescription of glasses; None: people's mean, which makes the
    spread 6 %. The spread is that of the single answers, of the ruler and of the width, together. Raises LensError.
    """
    width_mm = interocular_mm or INTERPUPILLARY_MM
    width_sd = 1.0 if interocular_mm else INTERPUPILLARY_SD_MM  # a ruler before the eyes is read to a millimetre
    return _from_width(stream, sightings, width_mm, width_sd, LensMethod.FACE, resolution, taken_on)


def calibrate_from_pattern(
    stream: Stream,
    sightings: Sequence[Sighting],
    width_mm: float,
    *,
    resolution: tuple[int, int] | None = None,
    taken_on: date | None = None,
) -> LensCalibration:
    """From a printed pattern of known width held upright at known distances. Raises LensError."""
    return _from_width(stream, sightings, width_mm, PRINT_SD_MM, LensMethod.PATTERN, resolution, taken_on)


def _from_width(
    stream: Stream,
    sightings: Sequence[Sighting],
    width_mm: float,
    width_sd_mm: float,
    method: LensMethod,
    resolution: tuple[int, int] | None,
    taken_on: date | None,
) -> LensCalibration:
    if width_mm <= 0:
        raise LensError(f"A width of {width_mm:g} mm is none; measure it and write it in millimetres.")
    usable = [one for one in sightings if one.apart_px > 0 and one.distance_mm > 0]
    if len(usable) < LEAST_FACES:
        raise LensError(f"{len(usable)} usable pictures are not enough to find the focal length; take {LEAST_FACES} or more.")
    answers = np.array([one.apart_px * one.distance_mm / width_mm for one in usable])
    focal = float(np.median(answers))
    scatter = _robust_sd(answers) / math.sqrt(len(answers)) / focal
    ruler = RULER_SD_MM / float(np.mean([one.distance_mm for one in usable]))
    share = math.hypot(scatter, ruler, width_sd_mm / width_mm)
    if _robust_sd(answers) > MOST_SPREAD * focal:
        raise LensError(
            f"The pictures contradict each other ({answers.min():.0f} to {answers.max():.0f} pixels); hold still at the "
            "distance that is asked for, and measure it again."
        )
    return _made(stream, focal, share * focal, method, len(usable), resolution, taken_on)


def _robust_sd(values: NDArray[np.float64]) -> float:
    """Standard deviation from the median absolute deviation (1.4826: of a normal distribution)."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _made(
    stream: Stream,
    focal: float,
    spread: float,
    method: LensMethod,
    count: int,
    resolution: tuple[int, int] | None,
    taken_on: date | None,
) -> LensCalibration:
    return LensCalibration(
        stream=stream,
        focal_px=round(focal, 2),
        spread_px=round(spread, 2),
        method=method,
        taken_on=(taken_on or date.today()).isoformat(),
        resolution=resolution,
        count=count,
    )


def board_corners(picture: NDArray[np.uint8], inner: tuple[int, int]) -> NDArray[np.float32] | None:
    """The inner corners of a checkerboard, float32 [columns * rows, 2] in pixels; None where it is not seen as a whole.

    picture: [H, W] grey or [H, W, 3] BGR; inner: inner corners (columns, rows), one less than the squares each.
    """
    cv2 = opencv()
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
    flags = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_FAST_CHECK
    found, corners = cv2.findChessboardCorners(grey, inner, flags=flags)
    if not found:
        return None
    size = max(2, min(_REFINE_PX, round(_nearest(corners.reshape(-1, 2)) / 2)))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.01)
    refined = cv2.cornerSubPix(grey, corners, (size, size), (-1, -1), criteria)
    return np.asarray(refined.reshape(-1, 2), np.float32)


def _nearest(corners: NDArray[np.float32]) -> float:
    """Least distance between corners that follow one another."""
    return float(np.linalg.norm(np.diff(corners, axis=0), axis=1).min())


def calibrate_from_boards(
    stream: Stream,
    boards: Sequence[NDArray[np.float32]],
    inner: tuple[int, int],
    resolution: tuple[int, int],
    *,
    taken_on: date | None = None,
) -> LensCalibration:
    """From corners of a checkerboard in pictures at several angles (Zhang, A flexible new technique for camera calibration,
    IEEE TPAMI 22, 2000): no distance and no size needs to be known. boards: of `board_corners`, all of one board; square pixels
    and a centred lens are assumed, with one term of radial distortion. Raises LensError.
    """
    if len(boards) < LEAST_BOARDS:
        raise LensError(f"{len(boards)} pictures of the board are not enough; show it at {LEAST_BOARDS} angles or more.")
    focal, spread, off_px, tilts_deg = _fitted(boards, inner, resolution)
    tilted = sum(tilt >= LEAST_TILT_DEG for tilt in tilts_deg)
    if not math.isfinite(focal) or focal <= 0 or spread > MOST_SPREAD * focal or tilted < LEAST_TILTED:
        raise LensError("The pictures of the board are too much alike; tilt it by some 30 degrees, to all four sides.")
    if off_px > CORNERS_PX * max(1.0, resolution[0] / 640):
        raise LensError(f"The corners of the board are {off_px:.1f} pixels off; glue it on something flat and hold it still.")
    return _made(stream, focal, spread, LensMethod.CHECKERBOARD, len(boards), resolution, taken_on)


def _fitted(
    boards: Sequence[NDArray[np.float32]], inner: tuple[int, int], resolution: tuple[int, int]
) -> tuple[float, float, float, list[float]]:
    """Focal length and its standard deviation, the corners' root mean square error, in pixels; the tilt of each board."""
    cv2: Any = opencv()
    flat = np.zeros((inner[0] * inner[1], 3), np.float32)
    flat[:, :2] = np.mgrid[: inner[0], : inner[1]].T.reshape(-1, 2)
    start = np.array([[resolution[0], 0, resolution[0] / 2], [0, resolution[0], resolution[1] / 2], [0, 0, 1]], np.float64)
    flags = (
        cv2.CALIB_USE_INTRINSIC_GUESS
        | cv2.CALIB_FIX_ASPECT_RATIO
        | cv2.CALIB_FIX_PRINCIPAL_POINT
        | cv2.CALIB_ZERO_TANGENT_DIST
        | cv2.CALIB_FIX_K2
        | cv2.CALIB_FIX_K3
    )
    found = cv2.calibrateCameraExtended([flat] * len(boards), list(boards), resolution, start, None, flags=flags)
    off_px, matrix, turns, deviations = found[0], found[1], found[3], found[5]
    tilts = [math.degrees(math.acos(min(1.0, abs(float(cv2.Rodrigues(turn)[0][2, 2]))))) for turn in turns]
    # Both focal lengths are one here, and OpenCV tells the deviation of the second one only.
    spread = max(float(deviations[0][0]), float(deviations[1][0]), LEAST_SHARE / 4 * float(matrix[1, 1]))
    return float(matrix[1, 1]), spread, float(off_px), tilts
