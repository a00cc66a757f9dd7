"""The two eyes within the box of a face: where they must be, whether they look like eyes, and the middle of each iris.

Knows one grey picture and one box; no camera and no time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorder.faces.geometry import Eyes, Point
from recorder.sources.pictures import opencv
from recorder.video2events.errors import LandmarkError

Box = tuple[float, float, float, float]  # x, y, width, height in pixels
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Side:
    """Where one of the eyes is, in widths of the face's box: x of its middle, columns in which it is looked for."""

    x: float
    columns: tuple[float, float]


@dataclass(frozen=True)
class Candidate:
    """Where an iris may be, with its votes (more than 0)."""

    at: Point
    votes: float


CASCADE = "haarcascade_eye.xml"
CASCADE_STEP, CASCADE_VOTES = 1.1, 2
LEAST, MOST = 0.12, 0.36  # width of an eye's box as that cascade draws it, in widths of the face's box; behind glasses small
# Where the eyes are in a box of OpenCV's frontal face cascade, in its widths and heights: simulated faces of both heads, whose
# standard deviation is 0.02.
ROWS, HEIGHT = (0.18, 0.62), 0.42
APART, APART_SPREAD = 0.41, 0.05  # distance of the eyes, with what the box itself is off
ROLL_SPREAD_DEG = 5.0  # of people who look straight at a camera
LEFT, RIGHT = Side(0.29, (0.0, 0.56)), Side(0.70, (0.44, 1.0))
EXPECTED_SPREAD, SEEN_SPREAD = 0.06, 0.05  # standard deviation of the iris about where it is expected, in widths of the box
# The iris is 11.7 mm wide (Caroline & Andre, Contact Lens Spectrum 17, 2002), a box about 155 mm: a radius of 0.038 widths.
# Lids hide part of it and the pupil has an edge of its own.
RADII = (0.025, 0.033, 0.040)
STRONGEST = 0.4  # share of pixels that vote: those with the steepest light
DARK = 4.0  # grey levels of black: without them the logarithm makes noise of shadows
VOTES_WEIGHT = 4.0  # by this an iris with a fifth more votes outweighs a pair one standard deviation off
HIDDEN_VOTES = 0.5  # of the best candidate, for an eye that is only where it must be
CANDIDATES = 4  # of each eye: iris, brow, two corners of a rim
AROUND_PX = 3  # the middle of the votes is taken this far around the best


class EyeFinder:
    """Finds both eyes of a face. OpenCV's cascade says whether an eye is seen; radial symmetry says where its middle is."""

    def __init__(self) -> None:
        """Raises LandmarkError when this OpenCV has no cascades."""
        cv2 = opencv()
        path = Path(cv2.data.haarcascades) / CASCADE
        if not hasattr(cv2, "CascadeClassifier") or not path.is_file():
            raise LandmarkError(f"OpenCV {cv2.__version__} has no eye cascades; install opencv-python 4.")
        self._cascade = cv2.CascadeClassifier(str(path))

    def find(self, grey: NDArray[np.uint8], box: Box) -> tuple[Eyes, int]:
        """(eyes, how many of them the cascade has seen). grey: [H, W]; box: of a face that looks at the camera."""
        (left, left_seen), (right, right_seen) = (self._candidates(grey, box, side) for side in (LEFT, RIGHT))
        if left_seen != right_seen:
            seen, other, way = (left, right, 1) if left_seen else (right, left, -1)
            other.append(_opposite(seen[0], other[0].votes, way * APART * box[2]))
        return _best_pair(left, right, box[2]), int(left_seen) + int(right_seen)

    def _candidates(self, grey: NDArray[np.uint8], box: Box, side: Side) -> tuple[list[Candidate], bool]:
        """Where one eye may be, and whether the cascade has seen it."""
        x, y, width, height = box
        top, left = max(0, round(y + ROWS[0] * height)), max(0, round(x + side.columns[0] * width))
        part = grey[top : max(0, round(y + ROWS[1] * height)), left : max(0, round(x + side.columns[1] * width))]
        expected = (x + side.x * width - left, y + HEIGHT * height - top)
        if min(part.shape) < LEAST * width:
            return [Candidate((expected[0] + left, expected[1] + top), 1.0)], False
        seen = self._seen(part, width, expected)
        spread = (EXPECTED_SPREAD if seen is None else SEEN_SPREAD) * width
        found = iris_candidates(part, seen or expected, spread, [radius * width for radius in RADII])
        return [Candidate((one.at[0] + left, one.at[1] + top), one.votes) for one in found], seen is not None

    def _seen(self, part: NDArray[np.uint8], width: float, expected: Point) -> Point | None:
        """The middle of the cascade's box that is nearest to where the eye is expected."""
        least, most = (max(8, round(share * width)) for share in (LEAST, MOST))
        boxes = self._cascade.detectMultiScale(part, CASCADE_STEP, CASCADE_VOTES, minSize=(least,) * 2, maxSize=(most,) * 2)
        middles = [(float(x + w / 2), float(y + h / 2)) for x, y, w, h in np.asarray(boxes, float).reshape(-1, 4)]
        return min(middles, key=lambda at: (at[0] - expected[0]) ** 2 + (at[1] - expected[1]) ** 2, default=None)


def _opposite(seen: Candidate, votes: float, apart: float) -> Candidate:
    """Where the other eye is, if none of its candidates fits: a lamp in a lens of the glasses may hide it."""
    return Candidate((seen.at[0] + apart, seen.at[1]), HIDDEN_VOTES * votes)


def _best_pair(left: Sequence[Candidate], right: Sequence[Candidate], width: float) -> Eyes:
    """The two with most votes that lie as a pair of eyes does: as far apart as eyes are, and nearly level."""

    def worth(pair: tuple[Candidate, Candidate]) -> float:
        across, down = (pair[1].at[n] - pair[0].at[n] for n in (0, 1))
        apart = (float(np.hypot(across, down)) / width - APART) / APART_SPREAD
        roll = float(np.degrees(np.arctan2(down, across))) / ROLL_SPREAD_DEG
        return VOTES_WEIGHT * float(np.log(pair[0].votes) + np.log(pair[1].votes)) - (apart**2 + roll**2) / 2

    one, other = max(product(left, right), key=worth)
    return Eyes(one.at, other.at)


def iris_candidates(part: NDArray[np.uint8], expected: Point, spread_px: float, radii_px: Sequence[float]) -> list[Candidate]:
    """The middles of dark discs near `expected`, the best first, in pixels of `part` [H, W]; `expected` where there is none.

    Fast radial symmetry (Loy & Zelinsky, IEEE Trans. PAMI 25, 2003) for dark discs: every steep pixel votes for the points that
    lie a radius away from it towards the dark; here of the logarithm of light, so that dark skin votes like light skin. The
    votes are weighted by a Gaussian about `expected`.
    """
    votes = _votes(part, radii_px)
    grid = np.indices(votes.shape, np.float32)
    votes *= np.exp(-((grid[1] - expected[0]) ** 2 + (grid[0] - expected[1]) ** 2) / (2 * spread_px**2))
    found: list[Candidate] = []
    for _ in range(CANDIDATES):
        row, column = divmod(int(votes.argmax()), votes.shape[1])
        best = float(votes[row, column])
        if best <= 0:
            break
        found.append(Candidate(_middle(votes, grid, row, column), best))
        votes[np.hypot(grid[0] - row, grid[1] - column) <= max(radii_px)] = 0
    return found or [Candidate(expected, 1.0)]


def _middle(votes: Floats, grid: Floats, row: int, column: int) -> Point:
    """Centre of gravity of the votes around a pixel, (x, y)."""
    near = tuple(slice(max(0, at - AROUND_PX), at + AROUND_PX + 1) for at in (row, column))
    around = votes[near]
    weight = around - around.min()
    total = float(weight.sum())
    if total <= 0:
        return float(column), float(row)
    y, x = (float((weight * way[near]).sum()) / total for way in (grid[0], grid[1]))
    return x, y


def _votes(part: NDArray[np.uint8], radii_px: Sequence[float]) -> Floats:
    """Votes for the middles of dark discs, [H, W]."""
    cv2: Any = opencv()
    light = np.log(cv2.GaussianBlur(part.astype(np.float32), (0, 0), 1.0) + DARK)
    to_right, to_bottom = (cv2.Sobel(light, cv2.CV_32F, *way) for way in ((1, 0), (0, 1)))
    steep = np.hypot(to_right, to_bottom)
    votes = np.zeros(part.shape, np.float32)
    rows, columns = np.nonzero(steep > max(float(np.quantile(steep, 1 - STRONGEST)), 1e-6))
    if not len(rows):
        return votes
    strength = steep[rows, columns]
    x_step, y_step = to_right[rows, columns] / strength, to_bottom[rows, columns] / strength
    strength = np.minimum(strength, np.quantile(strength, 0.75))  # rims of glasses are steeper than any iris
    height, width = part.shape
    for radius in radii_px:
        x, y = np.rint(columns - radius * x_step).astype(int), np.rint(rows - radius * y_step).astype(int)
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        flat = np.bincount(y[inside] * width + x[inside], strength[inside], height * width)
        votes += cv2.GaussianBlur(flat.reshape(height, width).astype(np.float32), (0, 0), 0.25 * radius + 0.5) / radius
    return votes
