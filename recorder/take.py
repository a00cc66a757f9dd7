"""One take read back: events, IMU, triggers and pictures with their times, from whatever of it is on disk.

Opens nothing before it is asked for. Reads only; knows no data set and no camera. All ranges are half open,
[start_us, end_us), in int64 microseconds of event time; None means without limit.
"""

import contextlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from protocol.manifest import Manifest, StepTime
from protocol.naming import (
    EVENTS_SUFFIX,
    FRAMES_SUFFIX,
    MANIFEST_SUFFIX,
    RGB_SUFFIX,
    TAKE_SUFFIXES,
    THERMAL_SUFFIX,
    split_filename,
)
from protocol.streams import FRAME_STREAMS, Array, Stream
from recorder.aedat4.reader import Aedat4File
from recorder.dataset import Dataset, TakeEntry
from recorder.frametable import FrameTable, FrameTableError, read_frame_table
from recorder.videoreader import Image, VideoError, VideoReader

VIDEO_SUFFIXES = {Stream.RGB: RGB_SUFFIX, Stream.THERMAL: THERMAL_SUFFIX}


class TakeError(GlimpseError):
    """A take that is not there, or a stream that is asked for what it does not hold."""


def events_path(path: Path) -> Path:
    """The `.aedat4` of the take that `path` means: the file itself, a sibling of it, or the stem. It need not exist."""
    if path.name.endswith(EVENTS_SUFFIX):
        return path
    split = split_filename(path.name)
    return path.with_name((split[0] if split else path.name) + EVENTS_SUFFIX)


def find_takes(path: Path | str) -> list[TakeEntry]:
    """The takes that a path on the command line means: all of a folder, or one by its `.aedat4`, a sibling or the stem.

    Raises TakeError where there is nothing of that name, or an empty folder that is called like a recording.
    """
    path = Path(path)
    if path.is_dir():
        takes = Dataset(path).takes()
        if not takes and path.name.endswith(EVENTS_SUFFIX):
            raise TakeError(f"{path}: is a folder, not a recording; name a recording or a folder of takes.")
        return takes
    with Take(path) as take:
        return [TakeEntry.at(take.path)]


class Take:
    """A take on disk; a context manager. path: its `.aedat4`; stem: what the names of all its files begin with."""

    def __init__(self, path: Path | str) -> None:
        """path: the `.aedat4`, any sibling of it, or the stem. Raises TakeError where there is no such take."""
        self.path = events_path(Path(path))
        if not self.path.is_file():
            raise TakeError(f"{path}: there is no take of this name (no file {self.path.name}); check the path.")
        self.stem = self.path.name.removesuffix(EVENTS_SUFFIX)
        self._open = contextlib.ExitStack()

    def sibling(self, suffix: str) -> Path:
        """The take's file of that suffix, whether it exists or not."""
        return self.path.with_name(self.stem + suffix)

    @cached_property
    def file(self) -> Aedat4File:
        """The event file, opened. Raises Aedat4Error where it cannot be read at all."""
        return self._open.enter_context(Aedat4File(self.path))

    @cached_property
    def _entry(self) -> TakeEntry:
        return TakeEntry.at(self.path)

    @property
    def manifest(self) -> Manifest | None:
        """The manifest, None for a take from elsewhere. Raises SchemaError or DatasetError where it cannot be read."""
        return self._entry.manifest

    @property
    def manifest_problem(self) -> str | None:
        """Why the manifest cannot be read, None where it can or where there is none."""
        return self._entry.manifest_problem

    @property
    def markers(self) -> tuple[StepTime, ...]:
        """The script's steps as they happened; none without a manifest, of which the errors are raised."""
        return self.manifest.steps if self.manifest else ()

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams for which there is a place in the take's files; a stream may be empty."""
        return tuple(s for s in Stream if s in self.file.streams or (s in VIDEO_SUFFIXES and self._video_path(s).exists()))

    def resolution(self, stream: Stream) -> tuple[int, int] | None:
        """(width, height) in pixels; None for streams without pixels and where it is not known."""
        if stream in VIDEO_SUFFIXES:
            video = self.video(stream)
            return video.resolution if video else None
        meta = self.file.streams.get(stream)
        return meta.resolution if meta else None

    def count(self, stream: Stream) -> int:
        """Events, samples, triggers or pictures that can be read; 0 for a stream that the take has not."""
        if stream in VIDEO_SUFFIXES:
            video = self.video(stream)
            return len(video) if video else 0
        return self.file.count(stream)

    def time_range(self, stream: Stream) -> tuple[int, int] | None:
        """First and last time in microseconds, from the data itself; None for a stream without data."""
        if stream not in FRAME_STREAMS:
            return self.file.time_range(stream)
        times = self.frame_times(stream)
        return (int(times.min()), int(times.max())) if len(times) else None

    def events(self, start_us: int | None = None, end_us: int | None = None) -> Array:
        """Events of the range in file order, [n] of EVENT_DTYPE."""
        return self.file.records(Stream.EVENTS, start_us, end_us)

    def iter_events(self, start_us: int | None = None, end_us: int | None = None) -> Iterator[Array]:
        """The same packet by packet (n >= 1 each, read-only), in memory that does not grow with the take."""
        return self.file.iter_records(Stream.EVENTS, start_us, end_us)

    def imu(self, start_us: int | None = None, end_us: int | None = None) -> Array:
        """IMU samples of the range, [n] of IMU_DTYPE."""
        return self.file.records(Stream.IMU, start_us, end_us)

    def triggers(self, start_us: int | None = None, end_us: int | None = None) -> Array:
        """Triggers of the range, [n] of TRIGGER_DTYPE."""
        return self.file.records(Stream.TRIGGERS, start_us, end_us)

    def frame_times(self, stream: Stream) -> NDArray[np.int64]:
        """Event time [n] of every picture that can be read: from frames.csv; without it as near as its container tells.

        Raises TakeError for a stream that holds no pictures.
        """
        if stream not in FRAME_STREAMS:
            raise TakeError(f"{self.path}: the stream {stream.value} holds no pictures; ask for its records.")
        rows = self.frame_table.get(stream)
        if stream is Stream.FRAMES:
            return self._own_times if rows is None or len(rows) != len(self._own_times) else rows["stream_us"]
        video = self.video(stream)
        if video is None:
            return np.zeros(0, np.int64)
        return self._video_times(stream, video) if rows is None else rows["stream_us"][: len(video)]

    def frames(self, stream: Stream, start_us: int | None = None, end_us: int | None = None) -> Iterator[tuple[int, Image]]:
        """(t_us, image) of each picture of the range: [H, W] uint8 APS, [H, W, 3] uint8 BGR, or [H, W] uint16 counts.

        One picture is in memory at a time. Raises TakeError as `frame_times`, VideoError at a picture that is damaged.
        """
        times = self.frame_times(stream)
        wanted = np.flatnonzero(_within(times, start_us, end_us))
        if not len(wanted):
            return
        if stream is Stream.FRAMES:
            yield from self._aps_frames(times, wanted)
        elif (video := self.video(stream)) is not None:
            for index in wanted:
                yield int(times[index]), video.frame(int(index))

    def _aps_frames(self, times: NDArray[np.int64], wanted: NDArray[np.int64]) -> Iterator[tuple[int, Image]]:
        chosen = {int(self._own_times[index]): int(times[index]) for index in wanted}
        for frame in self.file.frames(min(chosen), max(chosen) + 1):
            if frame.t_us in chosen:
                yield chosen[frame.t_us], frame.image

    @cached_property
    def frame_table(self) -> FrameTable:
        """The rows of frames.csv; empty where there is none or it cannot be read, which `problems` then tells."""
        try:
            return read_frame_table(self.sibling(FRAMES_SUFFIX)) if self.sibling(FRAMES_SUFFIX).exists() else FrameTable()
        except FrameTableError as error:
            table = FrameTable()
            table.problems = (str(error),)
            return table

    @cached_property
    def _own_times(self) -> NDArray[np.int64]:
        return self.file.frame_times()

    def _video_path(self, stream: Stream) -> Path:
        return self.sibling(VIDEO_SUFFIXES[stream])

    def video(self, stream: Stream) -> VideoReader | None:
        """The video of a stream, None where there is none or it cannot be read, which `problems` then tells."""
        reader = self._videos[stream]
        return reader if isinstance(reader, VideoReader) else None

    @cached_property
    def _videos(self) -> dict[Stream, VideoReader | VideoError | None]:
        return {stream: self._open_video(self._video_path(stream)) for stream in VIDEO_SUFFIXES}

    def _open_video(self, path: Path) -> VideoReader | VideoError | None:
        if not path.exists():
            return None
        try:
            return self._open.enter_context(VideoReader(path))
        except VideoError as error:
            return error

    def _video_times(self, stream: Stream, video: VideoReader) -> NDArray[np.int64]:
        """The container's times, which count from its first picture, laid on the manifest's, else on the first event."""
        record = self.manifest.streams.get(stream) if self.manifest_problem is None and self.manifest else None
        first_us = record.first_us if record else None
        if first_us is None:
            first_us = (self.file.time_range(Stream.EVENTS) or (0, 0))[0]
        times: NDArray[np.int64] = video.times_us - video.times_us[0] + first_us
        return times

    @property
    def problems(self) -> tuple[str, ...]:
        """What is missing or cannot be read, one sentence each. Raises Aedat4Error where nothing can be read at all."""
        manifest = [self.manifest_problem] if self.manifest_problem else []
        videos = [str(error) for error in self._videos.values() if isinstance(error, VideoError)]
        return (*self.file.problems, *manifest, *self.missing(), *self.frame_table.problems, *videos, *self._time_remarks())

    def missing(self) -> Iterator[str]:
        """Which files of the manifest are not there, one sentence each."""
        manifest = self.manifest if self.manifest_problem is None else None
        for suffix in manifest.files if manifest else ():
            if suffix not in TAKE_SUFFIXES:
                yield f"the manifest lists {suffix!r}, which is no file of a take"
            elif not self.sibling(suffix).exists():
                yield f"{self.stem}{suffix} is missing"

    def _time_remarks(self) -> Iterator[str]:
        """A lone file from elsewhere has no frames.csv, and its own times are as good as any."""
        belongs = self.sibling(MANIFEST_SUFFIX).exists() or any(self._videos.values())
        for stream in FRAME_STREAMS if belongs else ():
            if self.count(stream) and stream not in self.frame_table:
                yield f"the times of {stream.value} are the container's, since {self.stem}{FRAMES_SUFFIX} has none"

    def close(self) -> None:
        """Close whatever was opened. Safe to call twice."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _within(times: NDArray[np.int64], start_us: int | None, end_us: int | None) -> NDArray[np.bool_]:
    inside = np.ones(len(times), bool)
    if start_us is not None:
        inside &= times >= start_us
    if end_us is not None:
        inside &= times < end_us
    return inside
