"""One face through a whole video, or a sentence on why there is none. Knows no file and no particular detector."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from recorder.video2events.align import LANDMARKS, Points
from recorder.video2events.errors import FaceError
from recorder.video2events.faces import Face, FaceFinder

COMPARABLE = 0.25  # a second box smaller than this share of the largest is a pattern on the wall
TWO_FACES_SHARE = 0.2  # of the pictures: less is a detector's slip
LEAST_SEEN = 0.5  # of the pictures: what is filled in between is no observation


class Which(StrEnum):
    """Which face is taken when there are several."""

    ONLY = "only"
    LARGEST = "largest"


@dataclass(frozen=True)
class Track:
    """A face in n pictures; NaN where it was not found. boxes: [n, 4] (x, y, width, height); landmarks: [n, 68, 2] or None."""

    boxes: Points
    landmarks: Points | None

    @property
    def seen(self) -> NDArray[np.bool_]:
        """[n]: whether the face was found."""
        return ~np.isnan(self.boxes[:, 0])


def follow(pictures: Iterable[NDArray[np.uint8] | None], finder: FaceFinder, which: Which, name: str) -> Track:
    """The face of every picture [H, W] (None: damaged): the one nearest to where it was, at first the largest.

    Raises FaceError, one sentence that begins with `name`: no face, not often enough, or two of them.
    """
    chosen: list[Face | None] = []
    crowded = 0
    last: Face | None = None
    for picture in pictures:
        faces = [] if picture is None else _comparable(finder.find(picture))
        crowded += len(faces) > 1
        face = _chosen(faces, None if which is Which.LARGEST else last)
        chosen.append(face)
        last = face or last
    _check(chosen, crowded, which, name)
    return _track(chosen, finder.has_landmarks)


def _comparable(faces: Sequence[Face]) -> list[Face]:
    largest = max((face.area for face in faces), default=0.0)
    return [face for face in faces if face.area >= COMPARABLE * largest]


def _chosen(faces: Sequence[Face], last: Face | None) -> Face | None:
    if not faces:
        return None
    if last is None:
        return max(faces, key=lambda face: face.area)
    before = last.centre
    return min(faces, key=lambda face: float(np.linalg.norm(face.centre - before)))


def _check(chosen: Sequence[Face | None], crowded: int, which: Which, name: str) -> None:
    count, seen = len(chosen), sum(face is not None for face in chosen)
    instead = "or convert it as it is with --no-align"
    if not seen:
        raise FaceError(
            f"{name}: no face was found in any of its {count} pictures; check that it shows one person from the front "
            f"(drawings are not recognised), {instead}."
        )
    if which is Which.ONLY and crowded > TWO_FACES_SHARE * count:
        raise FaceError(
            f"{name}: {crowded} of its {count} pictures show two faces or more; cut it so that one person is left, or take the "
            "largest face with --face largest."
        )
    if seen < LEAST_SEEN * count:
        raise FaceError(
            f"{name}: a face was found in only {seen} of its {count} pictures; cut it to where the face is seen from the "
            f"front, {instead}."
        )


def _track(chosen: Sequence[Face | None], has_landmarks: bool) -> Track:
    boxes = np.array([face.box if face else (np.nan,) * 4 for face in chosen], np.float64)
    if not has_landmarks:
        return Track(boxes, None)
    nowhere = np.full((LANDMARKS, 2), np.nan)
    return Track(boxes, np.stack([nowhere if face is None or face.landmarks is None else face.landmarks for face in chosen]))
