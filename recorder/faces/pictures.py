"""Faces that several pictures agree on: boxes by a face finder, eyes within them, medians over the pictures.

Knows grey and colour pictures, not where they come from. A single picture is believed only if both eyes are seen in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.faces.eyes import Box, EyeFinder
from recorder.faces.geometry import Eyes, Point
from recorder.sources.pictures import opencv
from recorder.video2events.faces import Face, FaceFinder

Picture = NDArray[np.uint8]  # [H, W] grey or [H, W, 3] BGR

EYES_PX = 360  # wider pictures are shrunk to this for the eyes: a face at arm's length has 150 pixels then, an iris 10
BOX_PX = 180  # and to this for the box, which a cascade finds with 20 pixels and more: 10 ms
# Local equalisation (CLAHE, Zuiderveld 1994): without it a cascade misses faces with beards, dark skin or heavy glasses, whose
# contrast is low for their surroundings.
CLIP, TILES = 3.0, (4, 4)
SAME_FACE = 0.4  # boxes whose middles are nearer than this share of their width show the same face
LEAST_SHARE = 0.5  # of the pictures that must show a face; blinks and turns lose a few
LEAST_EYES = 0.25  # of its eyes that must be seen over all pictures: what looks like a face by chance has none
# Behind glasses no eye may be seen. A face that nearly all pictures show, and that is as large as a subject's at arm's length,
# is believed without: chance finds are small and rarely last.
SURE_SHARE, SURE_SIZE = 0.75, 0.35  # of the pictures, at least three; width of its box in shorter sides of the picture
LEAST_SIZE = 0.3  # of the largest face: smaller ones are on posters or far behind


@dataclass(frozen=True)
class SeenFace:
    """A face that pictures agree on, in their pixels. share: of the pictures that show it; eyes_share: of its eyes that were
    seen as eyes; scatter_px: median distance of its eyes from their median place.
    """

    eyes: Eyes
    share: float
    eyes_share: float
    scatter_px: float

    @property
    def confidence(self) -> float:
        """0 ... 1: how often it was seen, halved where its eyes never were."""
        return self.share * (1 + self.eyes_share) / 2


@dataclass(frozen=True)
class _Sighting:
    box: Box
    eyes: Eyes
    eyes_seen: int


class PictureFaces:
    """Finds faces and their eyes in pictures. Loads its cascades when it is made (20 ms); for one thread at a time."""

    def __init__(self, finder: FaceFinder) -> None:
        """finder: gives the boxes, and the eyes too where it has landmarks. Raises LandmarkError as `EyeFinder`."""
        self._finder, self._eyes = finder, EyeFinder()

    def find(self, pictures: Sequence[Picture], least_share: float = LEAST_SHARE) -> list[SeenFace]:
        """Every face that the pictures agree on, the largest first, in pixels of the pictures, which are of one size.

        least_share: of the pictures that must show it.
        """
        if not pictures:
            return []
        factor = min(1.0, EYES_PX / pictures[0].shape[1])
        groups: list[list[_Sighting]] = []
        for picture in pictures:
            _sort_in(groups, self._sightings(_prepared(picture, factor)))
        count, least, side = len(pictures), least_share * len(pictures), round(factor * min(pictures[0].shape[:2]))
        return _largest_first([_agreed(group, count, factor) for group in groups if _believed(group, count, least, side)])

    def showing(self, pictures: Sequence[Picture]) -> list[Picture]:
        """Those in which there is a face. pictures: of one size."""
        factor = min(1.0, EYES_PX / pictures[0].shape[1]) if pictures else 1.0
        return [picture for picture in pictures if self._boxes(_prepared(picture, factor))]

    def _sightings(self, grey: NDArray[np.uint8]) -> list[_Sighting]:
        if self._finder.has_landmarks:
            return [self._sighting(grey, face) for face in self._finder.find(grey)]
        return [self._sighting(grey, face) for face in self._boxes(grey)]

    def _boxes(self, grey: NDArray[np.uint8]) -> list[Face]:
        """Faces by the cascade: in the picture equalised part by part, which shows dark faces before a wall, else as it is."""
        cv2 = opencv()
        factor = min(1.0, BOX_PX / grey.shape[1])
        small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        found = self._finder.find(cv2.createCLAHE(CLIP, TILES).apply(small)) or self._finder.find(small)
        boxes = [tuple(edge / factor for edge in face.box) for face in found]
        return [Face((x, y, width, height)) for x, y, width, height in boxes]

    def _sighting(self, grey: NDArray[np.uint8], face: Face) -> _Sighting:
        if face.landmarks is None:
            return _Sighting(face.box, *self._eyes.find(grey, face.box))
        # Landmarks 36-41 and 42-47 are the corners and lids of the two eyes (iBUG 300-W).
        left, right = (_point(face.landmarks[part].mean(axis=0)) for part in (slice(36, 42), slice(42, 48)))
        return _Sighting(face.box, Eyes(left, right), 2)


def _prepared(picture: Picture, factor: float) -> NDArray[np.uint8]:
    cv2 = opencv()
    small = picture if factor >= 1 else cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    grey: NDArray[np.uint8] = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY) if small.ndim == 3 else small
    return np.ascontiguousarray(grey)


def _sort_in(groups: list[list[_Sighting]], sightings: Sequence[_Sighting]) -> None:
    """Add the sightings of one picture, each to the group of the same face; a group has one of each picture at most."""
    open_groups = list(groups)
    for sighting in sightings:
        near = [group for group in open_groups if _apart(group[-1].box, sighting.box) < SAME_FACE]
        if near:
            open_groups.remove(near[0])
            near[0].append(sighting)
        else:
            groups.append([sighting])


def _apart(one: Box, other: Box) -> float:
    """Distance of the middles in mean widths."""
    x, y = (one[n] + one[n + 2] / 2 - other[n] - other[n + 2] / 2 for n in (0, 1))
    return float(np.hypot(x, y) / max((one[2] + other[2]) / 2, 1e-9))


def _believed(group: Sequence[_Sighting], pictures: int, least: float, side: int) -> bool:
    """side: the shorter one of the pictures in which the boxes are."""
    if pictures == 1:
        return group[0].eyes_seen == 2
    if len(group) >= max(2, least) and _eyes_share(group) >= LEAST_EYES:
        return True
    size = float(np.median([sighting.box[2] for sighting in group])) / side
    return len(group) >= max(3, SURE_SHARE * pictures) and size >= SURE_SIZE


def _eyes_share(group: Sequence[_Sighting]) -> float:
    return sum(sighting.eyes_seen for sighting in group) / (2 * len(group))


def _agreed(group: Sequence[_Sighting], pictures: int, factor: float) -> SeenFace:
    best = max(sighting.eyes_seen for sighting in group)  # eyes that were seen say more than those that must be somewhere
    clear = [sighting.eyes for sighting in group if sighting.eyes_seen == best]
    sides = np.array([(eyes.left, eyes.right) for eyes in clear]) / factor  # [n, 2, 2]
    left, right = np.median(sides, axis=0)
    scatter = float(np.median(np.linalg.norm(sides - np.array([left, right]), axis=2)))
    return SeenFace(Eyes(_point(left), _point(right)), len(group) / pictures, _eyes_share(group), scatter)


def _point(at: NDArray[np.float64]) -> Point:
    return float(at[0]), float(at[1])


def _largest_first(faces: list[SeenFace]) -> list[SeenFace]:
    faces = sorted(faces, key=lambda face: -face.eyes.apart_px)
    return [face for face in faces if face.eyes.apart_px >= LEAST_SIZE * faces[0].eyes.apart_px]
