"""Video files: colour as near-lossless H.264 in fragmented MP4, thermal counts bit by bit as FFV1 in Matroska; and back.

Both kinds can be read up to the last finished fragment when the writing process is killed. Their times count from the
first picture, and Matroska rounds them to milliseconds: frames.csv has the exact ones. Knows neither cameras nor takes.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, NoReturn, Self

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from recorder.videoreader import MICROSECONDS, Image, VideoError, VideoReader

__all__ = ["Image", "RgbVideoWriter", "ThermalVideoWriter", "VideoError", "VideoReader", "VideoWriter"]

FRAGMENT_US = 250_000  # what a killed process may lose of a video
KEY_FRAME_US = 1_000_000  # how far a reader has to go back for a picture in the middle
# Measured on one core of a 2-core machine, textured pictures with sensor noise, CRF 12, 4:4:4: "ultrafast" encodes
# 640x480 at 214 and 1280x720 at 90 pictures a second, "veryfast" at 96 and 38. 30 are needed, and cameras need the rest.
PRESET = "ultrafast"
ENCODER_THREADS = 2  # one does 720p; a second lets 1080p keep up, and stays idle where it is not needed
NEVER = 1 << 20  # pictures: key frames are asked for by time, not by count
DEFAULT_CRF = 12  # luma error 1.2 grey levels RMS on those pictures, where the noise of the sensor was 2
BT601, LIMITED_RANGE = 6, 1  # matrix_coefficients of ITU-T H.264 table E-5; AVCOL_RANGE_MPEG


class _NewFile:
    """What FFmpeg writes through: a file of our own, so that nothing is overwritten and no failure goes unseen.

    After a failure everything is swallowed, since FFmpeg still writes its trailer when it closes; `cut` then takes away
    the fragment that failed, and the file ends with the last whole one.
    """

    def __init__(self, path: Path, seekable: bool) -> None:
        self._file = path.open("xb", buffering=0)
        self._seekable = seekable
        self.failed = False
        self.size = 0

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        try:
            while view and not self.failed:
                view = view[self._file.write(view) :]
        except OSError:
            self.failed = True
            raise
        self.size = max(self.size, self._file.tell())
        return len(data)

    def seekable(self) -> bool:
        return self._seekable

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def cut(self, size: int) -> None:
        self._file.truncate(size)

    def finish(self) -> None:
        """Close, on the disk."""
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()


class VideoWriter(ABC):
    """Writes pictures of one size to a new file. Use one of the subclasses; used by one thread.

    written: pictures encoded and given to the file; on_disk: those in finished fragments, which survive the end of this
    process; bytes: size of the file. on_fragment, if given, is called with `on_disk` whenever that has grown.
    """

    CONTAINER: ClassVar[str]
    CONTAINER_OPTIONS: ClassVar[dict[str, str]]
    SEEKABLE: ClassVar[bool]
    PIXELS: ClassVar[Literal["bgr24", "gray16le"]]

    def __init__(self, path: Path, on_fragment: Callable[[int], None] | None = None) -> None:
        """Create `path`. Raises VideoError if it exists or its folder does not take a file."""
        try:
            self._file = _NewFile(path, self.SEEKABLE)
        except OSError as error:
            raise VideoError(f"{path}: cannot be created ({error.strerror}); choose another name or folder.") from error
        self._path = path
        self._on_fragment = on_fragment
        self._stream: VideoStream | None = None
        self._container: OutputContainer | None = None
        self._shape: tuple[int, ...] = ()
        self._first_us = self._last_us = self._key_us = 0
        self._whole_bytes = 0
        self._closed = False
        self.written = 0
        self.on_disk = 0

    @property
    def bytes(self) -> int:
        """How large the file is."""
        return self._file.size

    def write(self, image: Image, t_us: int) -> None:
        """Append one picture. image: [H, W, 3] uint8 BGR or [H, W] uint16; t_us: int64 us, later than the one before.

        Raises VideoError for a picture that does not fit the file, which stays usable; OSError (disk full, file too large)
        when the disk refuses: the file then ends with the last whole fragment and takes no more.
        """
        stream = self._ready(image, t_us)
        key = self.written == 0 or t_us - self._key_us >= KEY_FRAME_US
        pixels: Any = np.ascontiguousarray(image)
        frame = VideoFrame.from_ndarray(pixels, format=self.PIXELS)
        frame.pts, frame.time_base = t_us - self._first_us, MICROSECONDS
        frame.pict_type = PictureType.I if key else PictureType.NONE
        self._put(stream, frame)
        self._last_us = t_us
        self._key_us = t_us if key else self._key_us

    def _ready(self, image: Image, t_us: int) -> VideoStream:
        """The open stream, once it is certain that this picture fits into it."""
        if self._closed or self._file.failed:
            raise VideoError(f"{self._path}: the file is closed or a write failed before; begin a new file.")
        self._check(image, t_us)
        if self._stream is None:
            self._container = av.open(self._file, "w", format=self.CONTAINER, options=self.CONTAINER_OPTIONS)
            self._stream = self._add_stream(self._container, image.shape[1], image.shape[0])
            self._shape, self._first_us = image.shape, t_us
        return self._stream

    def _check(self, image: Image, t_us: int) -> None:
        depth, dtype = (3, np.uint8) if self.PIXELS == "bgr24" else (2, np.uint16)
        if image.ndim != depth or image.dtype != dtype or image.shape[2:] not in ((), (3,)) or 0 in image.shape:
            kind = "[H, W, 3] uint8" if depth == 3 else "[H, W] uint16"
            raise VideoError(f"{self._path}: takes {kind} pictures, not {list(image.shape)} {image.dtype}; check the camera.")
        if self._stream is not None and image.shape != self._shape:
            raise VideoError(
                f"{self._path}: a picture of {image.shape[1]}x{image.shape[0]} came after {self._shape[1]}x{self._shape[0]}; "
                "keep the camera's resolution during a take."
            )
        if self._stream is not None and t_us <= self._last_us:
            raise VideoError(
                f"{self._path}: a picture of {t_us} us came after one of {self._last_us} us; check the camera's clock."
            )

    @abstractmethod
    def _add_stream(self, container: OutputContainer, width: int, height: int) -> VideoStream:
        """The encoder for pictures of this size."""

    def _put(self, stream: VideoStream, frame: VideoFrame | None) -> None:
        try:
            for packet in stream.encode(frame):
                self._mux(packet)
        except (OSError, av.FFmpegError) as error:
            self._give_up(error)

    def _mux(self, packet: Any) -> None:
        assert self._container is not None
        self._container.mux(packet)
        # A fragment goes to the file when the packet after it arrives: what was given before this packet is complete.
        grown, self._whole_bytes = self._file.size > self._whole_bytes, self._file.size
        if grown and self.written > 0:
            self._reached(self.written)
        self.written += 1

    def _reached(self, count: int) -> None:
        self.on_disk = count
        if self._on_fragment is not None:
            self._on_fragment(count)

    def _give_up(self, error: Exception) -> NoReturn:
        """The file takes no more after a failure, and what was not yet in a whole fragment is not written."""
        self._file.failed = True
        self.written = self.on_disk
        if isinstance(error, OSError):
            raise error
        raise VideoError(f"{self._path}: cannot be written ({error}); begin a new take.") from error

    def close(self) -> None:
        """Finish the file and force it to the disk. Safe to call twice; raises OSError when the disk refuses.

        Without any picture the file stays empty.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._finish_stream()
        finally:
            self._file.finish()
        if self.written > self.on_disk:
            self._reached(self.written)

    def _finish_stream(self) -> None:
        if self._container is None or self._stream is None:
            return
        try:
            if not self._file.failed:
                self._put(self._stream, None)
        finally:
            self._close_container(self._container)

    def _close_container(self, container: OutputContainer) -> None:
        told = self._file.failed
        try:
            container.close()
        except (OSError, av.FFmpegError) as error:
            if not told:
                self._give_up(error)
        finally:
            if self._file.failed:
                self._file.cut(self._whole_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class RgbVideoWriter(VideoWriter):
    """Colour pictures [H, W, 3] uint8 BGR as H.264 in fragmented MP4; times within the file are exact to 1 us.

    4:4:4 keeps the colour of each pixel (redness and skin edges are small signals, and cameras differ in where they put
    subsampled colour), takes odd sizes, and its conversion has no bias (0.02 grey levels, where 4:2:0 had -1.8), for 20 %
    more work and 10 % more bytes; in return some browsers and players of phones refuse it. BT.601 in limited range, tagged.
    """

    CONTAINER = "mp4"
    CONTAINER_OPTIONS: ClassVar[dict[str, str]] = {
        "movflags": "empty_moov+frag_keyframe+default_base_moof",
        "frag_duration": str(FRAGMENT_US),
    }
    SEEKABLE = False
    PIXELS = "bgr24"

    def __init__(
        self,
        path: Path,
        on_fragment: Callable[[int], None] | None = None,
        *,
        crf: int = DEFAULT_CRF,
        lossless: bool = False,
        preset: str = PRESET,
    ) -> None:
        """crf: 0 (best) to 51; lossless: RGB without any conversion, bit exact, about seven times as large."""
        super().__init__(path, on_fragment)
        self._lossless = lossless
        # zerolatency: one packet out for each picture in, so that nothing waits in the encoder when the process dies.
        self._options = {"crf": str(0 if lossless else crf), "preset": preset, "tune": "zerolatency", "forced-idr": "1"}

    def _add_stream(self, container: OutputContainer, width: int, height: int) -> VideoStream:
        codec: Literal["libx264rgb", "libx264"] = "libx264rgb" if self._lossless else "libx264"
        stream = _stream(container, codec, self._options, (width, height))
        stream.pix_fmt = "bgr24" if self._lossless else "yuv444p"
        stream.codec_context.thread_count = ENCODER_THREADS
        if not self._lossless:
            stream.codec_context.colorspace, stream.codec_context.color_range = BT601, LIMITED_RANGE
        return stream


class ThermalVideoWriter(VideoWriter):
    """Raw counts [H, W] uint16 as FFV1 in Matroska, bit exact, each picture on its own, with a check sum a slice.

    Times within the file are rounded to 1 ms.
    """

    CONTAINER = "matroska"
    CONTAINER_OPTIONS: ClassVar[dict[str, str]] = {"cluster_time_limit": str(FRAGMENT_US // 1000)}
    SEEKABLE = True  # so that its length and index are filled in at the end
    PIXELS = "gray16le"

    def _add_stream(self, container: OutputContainer, width: int, height: int) -> VideoStream:
        stream = _stream(
            container,
            "ffv1",
            {"level": "3", "slicecrc": "1", "slices": "4" if min(width, height) >= 16 else "1"},
            (width, height),
        )
        stream.pix_fmt = "gray16le"
        stream.codec_context.thread_count = ENCODER_THREADS
        stream.codec_context.gop_size = 1
        return stream


def _stream(container: OutputContainer, codec: Any, options: dict[str, str], size: tuple[int, int]) -> VideoStream:
    stream: VideoStream = container.add_stream(codec, rate=30, options=options)
    stream.width, stream.height = size
    stream.codec_context.time_base = MICROSECONDS
    stream.codec_context.gop_size = NEVER
    return stream
