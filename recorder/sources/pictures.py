"""Pictures from files, given out at the pace of the recording: videos, folders of pictures, TIFFs of many pages.

Also what every frame camera is set by and what it hands on. Knows no device, and not whether it gives colour or counts.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recorder.settings import FrameCameraSettings
from recorder.sources.base import CameraEnded, CameraError, EndReason, Surroundings
from recorder.videoreader import VideoError, VideoReader

RawImage: TypeAlias = NDArray[Any]  # as it came: [H, W] or [H, W, C] of uint8 or uint16, or flat bytes

PICTURE_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".pgm"})
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
DEVICE_TIMEOUT_S = 3  # a USB camera silent for this long has failed a grab; OpenCV alone would wait for 10 s
AT_ONCE = 64  # pictures a `read` decodes at most, so that a jump of the pace does not fill the memory


def opencv() -> ModuleType:
    """OpenCV, imported late (it changes Qt's environment) and told to keep its own chatter off stderr."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(DEVICE_TIMEOUT_S))
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


@dataclass(frozen=True)
class Picture:
    """One picture as it came. Times as in protocol.streams.Frame."""

    image: RawImage
    stream_us: int | None
    exposure_us: int | None
    host_ns: int


@dataclass(frozen=True)
class FeedInfo:
    """What a feed says of itself. settings: JSON values for the manifest."""

    name: str
    clock: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Feed(Protocol):
    """Where a frame camera's pictures come from. dropped: pictures lost because nobody read, or damaged."""

    info: FeedInfo
    first: RawImage
    dropped: int

    def read(self) -> list[Picture]:
        """Everything that has arrived; never waits. Raises CameraEnded after the last one, and for ever after."""

    def close(self) -> None:
        """Release what it holds. Safe to call twice."""


class PictureSequence(Protocol):
    """Pictures by number. times_us: int64 [n], increasing."""

    times_us: NDArray[np.int64]

    def frame(self, index: int) -> RawImage:
        """Picture `index`. Raises VideoError for a damaged one."""

    def close(self) -> None:
        """Release the file."""


class _PictureFolder:
    """The pictures of a folder in the order of the numbers in their names."""

    def __init__(self, path: Path, fps: float) -> None:
        self._paths = sorted((p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES), key=_by_number)
        if not self._paths:
            raise VideoError(f"{path}: holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))}); choose another folder.")
        self.times_us = _even_times(len(self._paths), fps)

    def frame(self, index: int) -> RawImage:
        cv2 = opencv()
        path = self._paths[index]
        # Not imread: on Windows it does not find names beyond ASCII.
        image: RawImage | None = cv2.imdecode(np.frombuffer(path.read_bytes() or b"\0", np.uint8), cv2.IMREAD_UNCHANGED)
        if image is None:
            raise VideoError(f"{path}: cannot be read as a picture; restore it from a backup.")
        return image

    def close(self) -> None:
        """Nothing is held open."""


class _PagedTiff:
    """The pages of one TIFF."""

    def __init__(self, path: Path, fps: float) -> None:
        cv2 = opencv()
        self._path = path
        pages = cv2.imcount(str(path), cv2.IMREAD_UNCHANGED)
        if not pages:
            raise VideoError(f"{path}: cannot be read as a TIFF; restore it from a backup.")
        self.times_us = _even_times(pages, fps)

    def frame(self, index: int) -> RawImage:
        cv2 = opencv()
        good, pages = cv2.imreadmulti(str(self._path), index, 1, flags=cv2.IMREAD_UNCHANGED)
        if not good or not pages:
            raise VideoError(f"{self._path}: page {index} is damaged; restore the file from a backup.")
        page: RawImage = pages[0]
        return page

    def close(self) -> None:
        """Nothing is held open."""


def _by_number(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _even_times(count: int, fps: float) -> NDArray[np.int64]:
    return np.round(np.arange(count) * (1e6 / fps)).astype(np.int64)


def open_pictures(path: Path, fps: float) -> tuple[PictureSequence, bool]:
    """The pictures of `path`, and whether they have times of their own; fps is for those that have none.

    Raises VideoError when there is no picture to be had.
    """
    if path.is_dir():
        return _PictureFolder(path, fps), False
    if path.suffix.lower() in TIFF_SUFFIXES:
        return _PagedTiff(path, fps), False
    return VideoReader(path), True


class FileFeed:
    """Gives out pictures when the recording has come as far as their times; stream_us is the time in the file."""

    def __init__(self, path: Path, settings: FrameCameraSettings, default_fps: float, surroundings: Surroundings) -> None:
        """Open `path`. Raises CameraError when nothing in it is a picture."""
        fps = settings.fps or default_fps
        self._surroundings = surroundings
        self._next = 0
        self.dropped = 0
        try:
            self._pictures, timed = open_pictures(path, fps)
            self.first = self._pictures.frame(0)
        except (VideoError, OSError) as error:
            raise CameraError(str(error)) from error
        warnings = () if timed else (f"{path.name}: has no times of its own and is taken as {fps:g} pictures a second.",)
        details = {"source": "file", "frames": len(self._pictures.times_us), "fps": None if timed else fps}
        self.info = FeedInfo(path.name, "device", details, warnings)

    def read(self) -> list[Picture]:
        """Every picture that is due by now."""
        times = self._pictures.times_us
        if self._next >= len(times):
            raise CameraEnded(EndReason.FINISHED, f"{self.info.name}: came to its end.")
        due = int(np.searchsorted(times - times[0], self._surroundings.pace.elapsed_us(), side="right"))
        stop = min(due, self._next + AT_ONCE)
        pictures = [picture for index in range(self._next, stop) if (picture := self._picture(index)) is not None]
        self._next = max(self._next, stop)
        return pictures

    def _picture(self, index: int) -> Picture | None:
        try:
            image = self._pictures.frame(index)
        except VideoError:
            self.dropped += 1
            return None
        return Picture(image, int(self._pictures.times_us[index]), None, self._surroundings.monotonic_ns())

    def close(self) -> None:
        """Release the file."""
        self._next = len(self._pictures.times_us)
        self._pictures.close()


def found_list(names: Sequence[str]) -> str:
    """The cameras that are there, as the end of a sentence."""
    return f"cameras found: {', '.join(names)}" if names else "no camera was found on this computer"
