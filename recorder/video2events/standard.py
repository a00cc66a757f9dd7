"""From the pictures of a video to what the event pixel sees: the face at its place, or the whole picture made to fit.

Looks through the video once for the face; the second look gives the pictures. Knows no file format and no event.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recorder.video2events.align import SIZE_PX, Crop, Points, Window, filled, into, steadied, transforms, warped
from recorder.video2events.errors import ConvertError
from recorder.video2events.faces import FaceFinder
from recorder.video2events.grey import fitted_size, resized
from recorder.video2events.reading import FaceVideo
from recorder.video2events.tracking import Track, Which, follow


@dataclass(frozen=True)
class FaceWish:
    """How a face is to be standardised. steady_ms: standard deviation of the landmarks' smoothing in time; 0 as published."""

    crop: Crop = Crop.PUBLISHED
    size_px: int = SIZE_PX
    steady_ms: float = 0.0
    which: Which = Which.ONLY


class Standard(Protocol):
    """How each picture of one video is brought to one size."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of what comes out."""

    @property
    def said(self) -> Mapping[str, Any]:
        """What the manifest says of it, JSON values."""

    def apply(self, index: int, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Picture `index` [H, W] in its standard form."""


@dataclass(frozen=True)
class WholePicture:
    """The picture as it is, made to fit the sensor."""

    size: tuple[int, int]
    said: Mapping[str, Any] = field(default_factory=lambda: {"align": False})

    def apply(self, _index: int, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Picture [H, W] at `size`."""
        return resized(grey, self.size)


@dataclass(frozen=True)
class AlignedFace:
    """The face, by a matrix [2, 3] for every picture."""

    matrices: Points
    size: tuple[int, int]
    said: Mapping[str, Any]

    def apply(self, index: int, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Picture [H, W] through the matrix of its picture."""
        return warped(grey, self.matrices[index], self.size)


def whole_picture(video: FaceVideo) -> WholePicture:
    """The standard of `--no-align`. Raises ConvertError for a video whose pictures are of no use."""
    first = next((picture for picture in video.grey_pictures() if picture is not None), None)
    if first is None:
        raise ConvertError(f"{video.path}: none of its {len(video)} pictures can be decoded; restore the file from a backup.")
    return WholePicture(fitted_size((first.shape[1], first.shape[0])))


def standardise(
    video: FaceVideo, finder: FaceFinder, wish: FaceWish, watch: Callable[[int], None] = lambda pictures: None
) -> AlignedFace:
    """Find the face in every picture and say where it goes. watch: called with 1 after each picture.

    Raises FaceError for no face, too few, or two; ConvertError for pictures of different sizes.
    """
    track = follow(_watched(video.grey_pictures(), watch), finder, wish.which, str(video.path))
    matrices = _matrices(track, video.times_us, wish)
    said = {
        "align": True,
        "finder": finder.name,
        "landmarks": finder.has_landmarks,
        "crop": wish.crop.value if track.landmarks is not None else "box",
        "size_px": wish.size_px,
        "steady_ms": wish.steady_ms,
        "pictures_without_face": int(np.count_nonzero(~track.seen)),
    }
    return AlignedFace(matrices, (wish.size_px, wish.size_px), said)


def _watched(pictures: Iterator[NDArray[np.uint8] | None], watch: Callable[[int], None]) -> Iterator[NDArray[np.uint8] | None]:
    for picture in pictures:
        yield picture
        watch(1)


def _matrices(track: Track, times_us: NDArray[np.int64], wish: FaceWish) -> Points:
    if track.landmarks is None:
        return np.repeat(into(_middle_box(track), wish.size_px)[None], len(times_us), axis=0)
    landmarks = steadied(filled(track.landmarks, times_us), times_us, wish.steady_ms * 1000)
    return transforms(landmarks, wish.crop, wish.size_px)


def _middle_box(track: Track) -> Window:
    """The median of the boxes: a cascade's box jumps by pixels from picture to picture, which would make events of nothing."""
    x, y, width, height = np.nanmedian(track.boxes, axis=0)
    # A box counts from the upper left edge of its first pixel, a window from the middle of pixel 0.
    return Window(float(x + (width - 1) / 2), float(y + (height - 1) / 2), float(width), float(height))
