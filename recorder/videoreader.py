"""Videos read back by picture number, whole or cut. Knows neither cameras nor takes."""

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, cast

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from protocol.errors import GlimpseError

Image: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

MICROSECONDS = Fraction(1, 1_000_000)


class VideoError(GlimpseError):
    """A video that cannot be made, continued or read."""


class VideoReader:
    """Pictures of a video file by index, in the order of their times; forward reading decodes every picture once.

    Opening reads through the file (without decoding more than its end) and counts what can be decoded: of a file that was
    cut, everything before the cut. resolution: (width, height); times_us: int64 [n], as the container says.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`. Raises VideoError when it is absent or nothing in it can be decoded."""
        self.path = path
        self._container = _opened(path)
        self._frames: Iterator[tuple[int, VideoFrame]] = iter(())
        self._next = -1  # of the picture that `_frames` gives next; -1 while it gives none
        try:
            self._read_index()
        except BaseException:
            self.close()
            raise

    def _read_index(self) -> None:
        self._stream = self._container.streams.video[0]
        packets = [(p.pts, p.is_keyframe) for p in _packets(self._container, self._stream)]
        times = [pts for pts, _ in packets if pts is not None]
        self._by_time = len(set(times)) == len(packets)
        self._pts = sorted(times) if self._by_time else []
        self._index_of = {pts: index for index, pts in enumerate(self._pts)}
        self._keys = sorted(self._index_of[pts] for pts, key in packets if key and pts in self._index_of) or [0]
        self._count()

    def _count(self) -> None:
        """Decode from the last key frame on (or all, where pictures have no times of their own) and see what comes."""
        last = self._keys[-1]
        tail = [(index, frame.pts) for index, frame in self._decoded(last) if index >= last]
        self.count = max((index for index, _ in tail), default=last - 1) + 1
        if not self._by_time:
            self._pts = [index if pts is None else pts for index, pts in tail]
        self._pts = self._pts[: self.count]
        if not self.count:
            raise VideoError(f"{self.path}: holds no picture that can be decoded; restore the file from a backup.")
        per_tick = (self._stream.time_base or MICROSECONDS) / MICROSECONDS
        self.times_us = np.array([round(pts * per_tick) for pts in self._pts], np.int64)
        self.resolution = (self._stream.width, self._stream.height)

    def __len__(self) -> int:
        return self.count

    def frame(self, index: int) -> Image:
        """Picture `index`: [H, W, 3] uint8 BGR, or [H, W] uint16 of a grey video of more than 8 bits.

        Raises IndexError outside 0 .. count-1 and VideoError for a picture damaged within the file.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"{self.path}: picture {index} of {self.count}")
        key = self._key_before(index)
        if not key <= self._next <= index:
            self._frames = self._decoded(key)
        found = next((pair for pair in self._advanced() if pair[0] >= index), None)
        if found is None or found[0] != index:
            self._next = -1  # the next call starts at a key frame again
            raise VideoError(f"{self.path}: picture {index} is damaged; restore the file from a backup.")
        return _image(found[1])

    def _advanced(self) -> Iterator[tuple[int, VideoFrame]]:
        for index, frame in self._frames:
            self._next = index + 1
            yield index, frame

    def iter_frames(self, start: int = 0, stop: int | None = None) -> Iterator[Image]:
        """Pictures start .. stop-1, as `frame` gives them."""
        for index in range(*slice(start, stop).indices(self.count)):
            yield self.frame(index)

    def _key_before(self, index: int) -> int:
        return self._keys[bisect_right(self._keys, index) - 1] if index >= self._keys[0] else 0

    def _decoded(self, key: int) -> Iterator[tuple[int, VideoFrame]]:
        """(index, picture) from the key frame `key` to the end; damaged packets are passed over."""
        self._rewind(self._pts[key] if self._by_time and self._pts else None)
        position = 0
        for packet in _packets(self._container, self._stream, flush=True):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                assert isinstance(frame, VideoFrame)
                index = self._index_of.get(frame.pts if frame.pts is not None else -1) if self._by_time else position
                position += 1
                if index is not None:
                    yield index, frame

    def _rewind(self, pts: int | None) -> None:
        if pts is not None:
            try:
                self._container.seek(pts, stream=self._stream)
            except av.FFmpegError:
                pts = None  # the container has no index to seek by: from the beginning, then
        if pts is None:
            self._container.close()
            self._container = _opened(self.path)
            self._stream = self._container.streams.video[0]

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._frames = iter(())
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _opened(path: Path) -> InputContainer:
    try:
        container = av.open(str(path), "r")
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VideoError(f"{path}: cannot be read as a video ({reason}); restore it from a backup.") from error
    if not container.streams.video:
        container.close()
        raise VideoError(f"{path}: has no video stream; choose another file.")
    container.streams.video[0].thread_type = "AUTO"  # pictures are decoded on every core, where the codec allows
    return container


def _packets(container: InputContainer, stream: VideoStream, flush: bool = False) -> Iterator[Any]:
    """Whole packets up to the first cut one; `flush`: and the empty one that asks a decoder for what it holds back."""
    try:
        for packet in container.demux(stream):
            whole = packet.size > 0 and not packet.is_corrupt and not packet.is_discard
            if whole or (flush and packet.size == 0):
                yield packet
    except av.FFmpegError:
        return  # a damaged end: what came before it stands


def _image(frame: VideoFrame) -> Image:
    deep = frame.format.name.startswith("gray") and frame.format.components[0].bits > 8
    image: Any = frame.to_ndarray() if deep else frame.to_ndarray(format="bgr24")
    return cast(Image, image)
