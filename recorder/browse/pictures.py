"""The picture of a camera at an event time, with the uncertainty of its clock; backwards as fast as forwards.

Times are event times through the camera's alignment; pictures come from the event file (APS) or from a video. Knows no window.
"""

import math
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from protocol.analysis import Analysis, ClockAlignment, SyncStatus
from protocol.errors import GlimpseError
from protocol.streams import FRAME_STREAMS, Stream
from recorder.aedat4.flat import FlatError
from recorder.aedat4.layout import decompress
from recorder.aedat4.packets import unpack_frame
from recorder.aedat4.reader import Aedat4File
from recorder.analysisstore import read_analysis
from recorder.browse.gops import GroupCache
from recorder.take import VIDEO_SUFFIXES, Take, TakeError
from recorder.videoreader import Image

BUDGET_BYTES = 224 << 20  # 8 s of 640 x 480 at 30 a second without loss of colour, or both neighbours of a group in 720p


@dataclass(frozen=True)
class Shown:
    """A picture to be shown. t_us: its event time; uncertainty_us: half width of that time's 95 % interval, None where nothing
    is known of the camera's clock; image: as `Take.frames` gives it, None where it cannot be decoded; full: in its own size,
    not as a small copy.
    """

    index: int
    t_us: int
    uncertainty_us: int | None
    image: Image | None
    full: bool = True


class _Pictures(Protocol):
    """Where pictures come from, by number."""

    @property
    def held_bytes(self) -> int: ...
    @property
    def problem(self) -> str | None: ...
    def look(self, number: int, way: int) -> None: ...
    def wait(self, number: int) -> Image | None: ...
    def peek(self, number: int) -> tuple[Image, bool] | None: ...
    def close(self) -> None: ...


class PictureBrowser:
    """The pictures of one stream of a take by event time. A context manager; one thread asks.

    times_us: int64 [n], the event time of every picture, by number; a take without that stream has none.
    """

    def __init__(
        self, take: Take, stream: Stream, *, alignment: ClockAlignment | None = None, budget_bytes: int = BUDGET_BYTES
    ) -> None:
        """alignment: of this camera's clock, see `stored_alignment`; None: its times are shown as they are, of unknown truth.

        Raises TakeError for a stream without pictures, Aedat4Error where nothing can be read.
        """
        if stream not in FRAME_STREAMS:
            raise TakeError(f"{take.path}: the stream {stream.value} holds no pictures; choose another one.")
        self.stream = stream
        self._stream_us = stream_times(take, stream)
        self._first_event_us = (take.file.time_range(Stream.EVENTS) or (0, 0))[0]
        self._pictures: _Pictures | None = None
        if len(self._stream_us):
            video = take.sibling(VIDEO_SUFFIXES[stream]) if stream in VIDEO_SUFFIXES else None
            self._pictures = GroupCache(video, budget_bytes) if video else _OwnPictures(take.file)
        self._shown, self._way = 0, 1
        self.realign(alignment)

    def realign(self, alignment: ClockAlignment | None) -> None:
        """Use another alignment from now on; the event camera's own pictures need none."""
        self._alignment = None if self.stream is Stream.FRAMES else alignment
        self.times_us = event_times(self._stream_us, self._alignment, self._first_event_us)
        self._order = np.argsort(self.times_us, kind="stable")
        self._sorted_us = self.times_us[self._order]

    def __len__(self) -> int:
        return len(self.times_us)

    @property
    def status(self) -> SyncStatus | None:
        """What the alignment rests on, None for the event camera's own pictures and where there is none."""
        return self._alignment.status if self._alignment else None

    @property
    def problem(self) -> str | None:
        """Why no picture can be shown, None as long as that is not known."""
        return self._pictures.problem if self._pictures else None

    @property
    def held_bytes(self) -> int:
        """Memory that decoded pictures take now."""
        return self._pictures.held_bytes if self._pictures else 0

    def uncertainty_us(self, t_us: int) -> int | None:
        """Half width of the 95 % interval of the alignment at an event time: of offset and drift, taken as independent."""
        if self.stream is Stream.FRAMES:
            return 0
        alignment = self._alignment
        if alignment is None or alignment.offset_us is None or alignment.uncertainty_us is None:
            return None
        reference_us = self._first_event_us if alignment.reference_us is None else alignment.reference_us
        drift_us = (alignment.drift_uncertainty_ppm or 0.0) * 1e-6 * (t_us - reference_us)
        return round(math.hypot(alignment.uncertainty_us, drift_us))

    def index_at(self, t_us: int) -> int | None:
        """The number of the picture nearest in time, the earlier of two as near; None without pictures."""
        place = self._place(t_us)
        return None if place is None else int(self._order[place])

    def _place(self, t_us: int) -> int | None:
        if not len(self):
            return None
        after = int(np.searchsorted(self._sorted_us, t_us))
        if after in (0, len(self)):
            return min(after, len(self) - 1)
        earlier, later = int(self._sorted_us[after - 1]), int(self._sorted_us[after])
        return after - 1 if t_us - earlier <= later - t_us else after

    def step(self, t_us: int, pictures: int) -> int | None:
        """The event time of the picture so many further on from the one at t_us (backwards where negative)."""
        place = self._place(t_us)
        return None if place is None else int(self._sorted_us[min(max(place + pictures, 0), len(self) - 1)])

    def at(self, t_us: int) -> Shown | None:
        """The picture nearest to t_us in its own size; waits until it is decoded. None without pictures."""
        return self._show(t_us, wait=True)

    def peek(self, t_us: int) -> Shown | None:
        """The same without waiting: in its own size or as a small copy, or None for now; it is decoded in the meantime."""
        return self._show(t_us, wait=False)

    def _show(self, t_us: int, *, wait: bool) -> Shown | None:
        index = self.index_at(t_us)
        if index is None or self._pictures is None:
            return None
        if index != self._shown:
            self._shown, self._way = index, 1 if index > self._shown else -1
        self._pictures.look(index, self._way)
        found = (self._pictures.wait(index), True) if wait else self._pictures.peek(index)
        if found is None:
            return None
        time_us = int(self.times_us[index])
        return Shown(index, time_us, self.uncertainty_us(time_us), *found)

    def close(self) -> None:
        """End the thread and close the file. Safe to call twice."""
        if self._pictures is not None:
            self._pictures.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _OwnPictures:
    """The event camera's own pictures: each is a packet by itself, decoded faster than it could be looked for elsewhere."""

    problem: str | None = None
    held_bytes = 0

    def __init__(self, file: Aedat4File) -> None:
        index = file.index()
        ours = index["stream"] == file.streams[Stream.FRAMES].id
        self._index = index[ours & (index["count"] > 0)]
        self._compression = file.compression
        try:
            self._file = file.path.open("rb", buffering=0)
        except OSError as error:
            raise TakeError(f"{file.path}: the file cannot be opened ({error.strerror}); was it renamed? Try again.") from error

    def look(self, number: int, way: int) -> None:
        """Nothing needs to be decoded ahead."""

    def wait(self, number: int) -> Image | None:
        found = self.peek(number)
        return found[0] if found else None

    def peek(self, number: int) -> tuple[Image, bool] | None:
        if number >= len(self._index):
            return None
        try:
            self._file.seek(int(self._index["offset"][number]))
            payload = self._file.read(int(self._index["size"][number]))
            return unpack_frame(decompress(payload, self._compression)).image, True
        except (OSError, FlatError):
            return None  # a damaged packet; the take's problems tell of it

    def close(self) -> None:
        self._file.close()


def stream_times(take: Take, stream: Stream) -> NDArray[np.int64]:
    """Stream time of every picture, int64 [n]: from frames.csv without opening a video, where it has them.

    Raises Aedat4Error where nothing can be read.
    """
    rows = take.frame_table.get(stream)
    if stream in VIDEO_SUFFIXES:
        if not take.sibling(VIDEO_SUFFIXES[stream]).is_file():
            return np.zeros(0, np.int64)
        return take.frame_times(stream) if rows is None else rows["stream_us"].astype(np.int64)
    if stream not in take.file.streams:
        return np.zeros(0, np.int64)
    if rows is not None and len(rows) == take.count(stream):
        return rows["stream_us"].astype(np.int64)
    return take.frame_times(stream)


def event_times(stream_us: NDArray[np.int64], alignment: ClockAlignment | None, first_event_us: int = 0) -> NDArray[np.int64]:
    """Event times [n] of stream times by the formula of ClockAlignment; as they are without an alignment."""
    if alignment is None or alignment.offset_us is None:
        return stream_us
    shifted = stream_us + alignment.offset_us
    reference_us = first_event_us if alignment.reference_us is None else alignment.reference_us
    drift = (alignment.drift_ppm or 0.0) * 1e-6 * (shifted - reference_us).astype(np.float64)
    return np.asarray(shifted + np.round(drift).astype(np.int64))


def stored_alignment(take: Take, stream: Stream) -> ClockAlignment | None:
    """The alignment that was computed of a take's camera and stored beside it, None where there is none that can be read."""
    try:
        analysis = read_analysis(take.path)
    except GlimpseError:
        return None  # it can be computed again, and the take's page says so
    return alignment_of(analysis, stream)


def alignment_of(analysis: Analysis | None, stream: Stream) -> ClockAlignment | None:
    """The alignment of a stream's camera in an analysis."""
    if analysis is None or analysis.sync is None:
        return None
    return {Stream.RGB: analysis.sync.rgb, Stream.THERMAL: analysis.sync.thermal}.get(stream)
