"""A camera that gives pictures and no events: what colour and thermal cameras share.

The target decides where the pictures come from: a number or device, a network address, a video, a folder of pictures.
Knows no script and no take.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
from numpy.typing import NDArray

from protocol.streams import Frame, Packet, Stream
from recorder.settings import FrameCameraSettings
from recorder.sources.base import CameraEnded, CameraError, CameraInfo, EndReason, StreamInfo, Surroundings
from recorder.sources.opencv_live import LiveFeed, LiveTarget, list_cameras, open_capture
from recorder.sources.pictures import Feed, FileFeed, Picture, RawImage, found_list

__all__ = ["FrameCamera", "FrameCameraSettings", "list_cameras"]


class FrameCamera(ABC):
    """Implements recorder.sources.base.Camera for one stream of pictures."""

    STREAM: ClassVar[Stream]
    FOURCC: ClassVar[str | None] = None  # the pixel format that a device is asked for
    FILE_FPS: ClassVar[float]  # of files that carry no times

    def __init__(self, target: int | str, settings: FrameCameraSettings, surroundings: Surroundings) -> None:
        """target: a number, a device, a URL, a video file, a TIFF or a folder of pictures. Opens nothing yet."""
        self._target = target
        self._settings = settings
        self._surroundings = surroundings
        self._feed: Feed | None = None

    @abstractmethod
    def convert(self, image: RawImage, name: str) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """The picture as its stream has it. Raises CameraError for one that cannot be that; `name` is the camera's."""

    @abstractmethod
    def warnings(self, first: RawImage, name: str) -> tuple[str, ...]:
        """Sentences on what is wrong with the kind of picture that comes first."""

    @property
    def dropped(self) -> int:
        """Pictures lost because nobody read them in time (live), or too damaged to be decoded (files)."""
        return self._feed.dropped if self._feed is not None else 0

    def open(self) -> CameraInfo:
        """Connect and start the data. Raises CameraError."""
        feed = self._opened_feed()
        try:
            image = self.convert(feed.first, feed.info.name)
            warnings = feed.info.warnings + self.warnings(feed.first, feed.info.name)
        except BaseException:
            feed.close()
            raise
        self._feed = feed
        fps = feed.info.settings.get("fps")
        stream = StreamInfo(self.STREAM, (image.shape[1], image.shape[0]), feed.info.clock, fps)
        return CameraInfo(
            self.STREAM.value,
            feed.info.name,
            (stream,),
            settings=feed.info.settings,
            warnings=warnings,
            dropped=lambda: self.dropped,
        )

    def _opened_feed(self) -> Feed:
        place = classify(self._target)
        if isinstance(place, Path):
            return FileFeed(place, self._settings, self.FILE_FPS, self._surroundings)
        capture = open_capture(place, self._settings, self.FOURCC)
        return LiveFeed(capture, place, self._settings, self._surroundings)

    def read(self) -> Sequence[Packet]:
        """Pictures that have arrived or are due. Raises CameraEnded after the last one, and for ever after."""
        if self._feed is None:
            raise CameraEnded(EndReason.LOST, f"{self._target}: the camera is not open.")
        try:
            return [self._frame(picture) for picture in self._feed.read()]
        except CameraError as error:
            raise CameraEnded(EndReason.LOST, str(error)) from error

    def _frame(self, picture: Picture) -> Frame:
        assert self._feed is not None
        image = self.convert(picture.image, self._feed.info.name)
        return Frame(self.STREAM, image, picture.stream_us, picture.exposure_us, picture.host_ns)

    def close(self) -> None:
        """Release the device. Safe to call twice, and after a failed `open`."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()


def classify(target: int | str) -> Path | LiveTarget:
    """Where the pictures of `target` come from: a Path for what is played back, else a device or URL.

    Raises CameraError for a name that is none of them.
    """
    text = str(target).strip()
    if text.isdigit():
        return LiveTarget(int(text), is_url=False)
    if text.startswith("file://"):
        text = url2pathname(urlsplit(text).path)
    elif "://" in text:
        return LiveTarget(text, is_url=True)
    path = Path(text)
    if path.is_file() or path.is_dir():
        return path
    if path.exists():
        return LiveTarget(text, is_url=False)
    there = found_list([f"{camera.spec} ({camera.name})" for camera in list_cameras()])
    raise CameraError(f"{text}: there is no such file or device; check the name ({there}).")
