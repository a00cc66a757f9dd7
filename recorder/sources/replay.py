"""Plays a recording as if it were a camera: at the pace of the session, once or for ever. Never writes.

Reads with Glimpse's own aedat4 reader, not with dv-processing's: that one waits for ever, holding the GIL, on damaged LZ4
data, and does not open a file that was cut off. A lying header does not matter: only the packets are looked at.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from protocol.manifest import Manifest
from protocol.schema import SchemaError
from protocol.streams import Frame, Packet, Records, Stream
from recorder.aedat4.errors import Aedat4Error
from recorder.aedat4.reader import Aedat4File
from recorder.sources.base import CameraEnded, CameraError, CameraInfo, EndReason, StreamInfo, Surroundings
from recorder.sources.feed import Feed, FeedError, delivered, end_us, in_pieces, start_us

# Short enough that a display at 60 Hz sees an even stream, long enough that a packet is worth its handling.
PIECE_US = 5_000
# One APS frame interval at 25 Hz: what stands between two rounds of a recording that has a single packet.
DEFAULT_GAP_US = 40_000


class ReplayCamera:
    """A recording as a camera. `loop` plays it again and again with times that go on rising."""

    def __init__(self, path: Path, surroundings: Surroundings, *, loop: bool = False) -> None:
        self._path = path
        self._around = surroundings
        self._loop = loop
        self._file: Aedat4File | None = None
        self._merge: _Merge | None = None
        self._span = _Span()
        self._ended: CameraEnded | None = None
        self._zero_us = 0
        self._shift_us = 0

    def open(self) -> CameraInfo:
        """Check and open the file; raises CameraError. The first packet of every stream is already at hand then."""
        self._file = open_recording(self._path)
        self._merge = _Merge(_FileFeed(self._file))
        self._zero_us = _zero_us(self._merge)
        simulated, warnings = _beside(self._path)
        name = next((meta.source for meta in self._file.streams.values() if meta.source), "")
        return CameraInfo(
            kind="replay",
            name=name or self._path.stem,
            serial=name.rpartition("_")[2] or None,
            streams=tuple(StreamInfo(stream, meta.resolution) for stream, meta in self._file.streams.items()),
            simulated=simulated,
            settings={"file": self._path.name, "loop": self._loop},
            warnings=(*warnings, *(f"{self._path.name}: {problem}." for problem in self._file.problems)),
        )

    def read(self) -> Sequence[Packet]:
        """What is due by the session's pace; everything of the next 5 ms of the recording when the pace follows events."""
        if self._ended is not None:
            raise CameraEnded(self._ended.reason, self._ended.message)
        if self._merge is None or self._file is None:
            raise CameraError(f"{self._path}: the recording is not open; open it before reading.")
        packets = self._due(self._merge)
        if not packets and self._merge.at_end:
            self._merge = self._next_round(self._merge, self._file)
            packets = self._due(self._merge)
        return packets

    def close(self) -> None:
        """Release the file."""
        self._stop(EndReason.FINISHED, "the recording was closed")

    def _due(self, merge: "_Merge") -> list[Packet]:
        horizon_us = self._zero_us + self._around.pace.elapsed_us() - self._shift_us
        if self._around.pace.follows_events:
            horizon_us = (merge.head_us() or 0) + PIECE_US
        packets = merge.take(horizon_us)
        for packet in packets:
            self._span.note(packet)
        return [delivered(packet, self._shift_us, self._around.monotonic_ns()) for packet in packets]

    def _next_round(self, finished: "_Merge", file: Aedat4File) -> "_Merge":
        repeat_us = self._span.repeat_us()
        if finished.failure or not self._loop or repeat_us is None:
            damage = f"; {file.problems[0]}" if file.problems else ""
            reason = EndReason.LOST if finished.failure else EndReason.FINISHED
            raise self._stop(reason, finished.failure or f"the recording came to its end{damage}")
        self._shift_us += repeat_us
        self._span = _Span()
        return _Merge(_FileFeed(file))

    def _stop(self, reason: EndReason, why: str) -> CameraEnded:
        self._ended = self._ended or CameraEnded(reason, f"{self._path}: {why}.")
        if self._file is not None:
            self._file.close()
        self._file = self._merge = None
        return CameraEnded(self._ended.reason, self._ended.message)


class _FileFeed:
    """The packets of a recording as a `Feed`, stamped when they are handed out."""

    def __init__(self, file: Aedat4File) -> None:
        self._packets: dict[Stream, Iterator[Packet]] = {stream: _packets(file, stream) for stream in file.streams}

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams of the file."""
        return tuple(self._packets)

    def next(self, stream: Stream) -> Packet | None:
        """The next packet of a stream; raises FeedError when the file cannot be read any more."""
        try:
            return next(self._packets[stream], None)
        except Aedat4Error as error:
            raise FeedError(f"it cannot be read any further ({error})") from error

    def running(self) -> bool:
        """A file gets no longer."""
        return False


def _packets(file: Aedat4File, stream: Stream) -> Iterator[Packet]:
    if stream is Stream.FRAMES:
        for frame in file.frames():
            yield Frame(stream, frame.image, frame.t_us, frame.exposure_us, 0)
    else:
        for records in file.iter_records(stream):
            yield from in_pieces(stream, records, 0)


def open_recording(path: Path) -> Aedat4File:
    """The file, open; raises CameraError in one sentence."""
    try:
        if path.is_dir():
            raise CameraError(f"{path}: this is a folder; name one .aedat4 file in it.")
        if not path.exists():
            raise CameraError(f"{path}: there is no such file; check the spelling of the recording's path.")
        if path.is_file() and not path.stat().st_size:
            raise CameraError(f"{path}: the file is empty, nothing was recorded in it; choose another recording.")
        return Aedat4File(path)
    except Aedat4Error as error:
        raise CameraError(str(error)) from error
    except (OSError, ValueError) as error:
        raise CameraError(f"{path}: the recording cannot be opened ({error}); check its name and permissions.") from error


def _beside(path: Path) -> tuple[bool, tuple[str, ...]]:
    """Whether the manifest beside a take says that it was simulated, and a warning when it cannot be read."""
    manifest = path.with_suffix(".json")
    if not manifest.is_file():
        return False, ()
    try:
        return Manifest.parse(manifest.read_bytes(), str(manifest)).simulated, ()
    except (OSError, SchemaError) as error:
        return False, (f"Whether {path.name} was simulated is not known: {error}",)


def _zero_us(merge: "_Merge") -> int:
    """Event time that counts as the start: the first event's, since a stray early trigger must not hold it back for years."""
    events_us = merge.head_us(Stream.EVENTS)
    return events_us if events_us is not None else merge.head_us() or 0


class _Span:
    """First and last time of what was played, and the typical time between two event packets."""

    def __init__(self) -> None:
        self._first_us: int | None = None
        self._last_us = 0
        self._event_end_us: int | None = None
        self._gaps_us = 0
        self._gaps = 0

    def note(self, packet: Packet) -> None:
        """Take a packet into account."""
        first_us, last_us = start_us(packet), end_us(packet)
        self._last_us = last_us if self._first_us is None else max(self._last_us, last_us)
        self._first_us = first_us if self._first_us is None else min(self._first_us, first_us)
        if packet.stream is Stream.EVENTS:
            if self._event_end_us is not None:
                self._gaps_us += first_us - self._event_end_us
                self._gaps += 1
            self._event_end_us = last_us

    def repeat_us(self) -> int | None:
        """By how much a repetition is later, so that every stream's time goes on rising; None when nothing was played."""
        if self._first_us is None:
            return None
        gap_us = max(self._gaps_us // self._gaps, 1) if self._gaps else DEFAULT_GAP_US
        return self._last_us - self._first_us + gap_us


class _Merge:
    """The streams of a feed merged by time, with the next packet of each at hand."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.failure = ""
        self._heads: dict[Stream, Packet] = {}
        for stream in feed.streams:
            self._advance(stream)

    @property
    def at_end(self) -> bool:
        """True when every packet was taken."""
        return not self._heads

    def head_us(self, stream: Stream | None = None) -> int | None:
        """Event time of the packet at hand of a stream, of the oldest one of all for None; None when there is none."""
        heads = [packet for name, packet in self._heads.items() if stream in (None, name)]
        return min(map(start_us, heads), default=None)

    def take(self, horizon_us: int) -> list[Packet]:
        """Every record up to the horizon in time order, event packets cut into pieces of PIECE_US."""
        taken: list[Packet] = []
        while due := [stream for stream, packet in self._heads.items() if start_us(packet) <= horizon_us]:
            taken.append(self._piece(min(due, key=lambda stream: start_us(self._heads[stream])), horizon_us))
        return taken

    def _piece(self, stream: Stream, horizon_us: int) -> Packet:
        packet = self._heads[stream]
        if isinstance(packet, Records):
            limit_us = min(horizon_us, start_us(packet) + PIECE_US)
            cut = max(int(np.searchsorted(packet.records["t"], limit_us, side="right")), 1)
            if cut < len(packet.records):
                self._heads[stream] = Records(stream, packet.records[cut:], packet.host_ns)
                return Records(stream, packet.records[:cut], packet.host_ns)
        self._advance(stream)
        return packet

    def _advance(self, stream: Stream) -> None:
        self._heads.pop(stream, None)
        try:
            packet = self._feed.next(stream)
        except FeedError as error:
            self.failure = self.failure or str(error)
            return
        if packet is not None:
            self._heads[stream] = packet
