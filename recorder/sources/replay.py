"""Plays a recording as if it were a camera: at the pace of the session, once or for ever. Never writes.

Reads any aedat4 file with dv-processing; a lying header does not matter, since only the packets are looked at.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from protocol.manifest import Manifest
from protocol.schema import SchemaError
from protocol.streams import Packet, Records, Stream
from recorder.sources.base import CameraEnded, CameraError, CameraInfo, EndReason, Surroundings
from recorder.sources.dv_adapter import DV_ERRORS, DvFeed, first_line, stream_infos
from recorder.sources.feed import Feed, FeedError, end_us, shifted, start_us

MAGIC = b"#!AER-DAT4.0"
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
        self._merge: _Merge | None = None
        self._span = _Span()
        self._ended: CameraEnded | None = None
        self._zero_us = 0
        self._shift_us = 0

    def open(self) -> CameraInfo:
        """Check and open the file; raises CameraError. The first packet of every stream is already at hand then."""
        reader, names = open_recording(self._path)
        self._merge = _Merge(DvFeed(reader, names, self._around.monotonic_ns))
        self._zero_us = _zero_us(self._merge)
        simulated, warnings = _beside(self._path)
        name = str(reader.getCameraName())
        return CameraInfo(
            kind="replay",
            name=name or self._path.stem,
            serial=name.rpartition("_")[2] or None,
            streams=stream_infos(reader, names),
            simulated=simulated,
            settings={"file": self._path.name, "loop": self._loop},
            warnings=warnings,
        )

    def read(self) -> Sequence[Packet]:
        """What is due by the session's pace; everything of the next 5 ms of the recording when the pace follows events."""
        if self._ended is not None:
            raise CameraEnded(self._ended.reason, self._ended.message)
        if self._merge is None:
            raise CameraError(f"{self._path}: the recording is not open; open it before reading.")
        packets = self._due(self._merge)
        if not packets and self._merge.at_end:
            self._merge = self._next_round(self._merge)
            packets = self._due(self._merge)
        return packets

    def close(self) -> None:
        """Release the file."""
        self._merge = None
        self._ended = self._ended or CameraEnded(EndReason.FINISHED, f"{self._path}: the recording was closed.")

    def _due(self, merge: "_Merge") -> list[Packet]:
        horizon_us = self._zero_us + self._around.pace.elapsed_us() - self._shift_us
        if self._around.pace.follows_events:
            horizon_us = (merge.head_us() or 0) + PIECE_US
        packets = merge.take(horizon_us)
        for packet in packets:
            self._span.note(packet)
        return [shifted(packet, self._shift_us) for packet in packets]

    def _next_round(self, finished: "_Merge") -> "_Merge":
        repeat_us = self._span.repeat_us()
        if finished.failure or not self._loop or repeat_us is None:
            reason = EndReason.LOST if finished.failure else EndReason.FINISHED
            self._merge = None
            self._ended = CameraEnded(reason, f"{self._path}: {finished.failure or 'the recording came to its end'}.")
            raise CameraEnded(self._ended.reason, self._ended.message)
        reader, names = open_recording(self._path)
        self._shift_us += repeat_us
        self._span = _Span()
        return _Merge(DvFeed(reader, names, self._around.monotonic_ns))


def open_recording(path: Path) -> tuple[Any, dict[Stream, str | None]]:
    """A dv reader on the file and the name of the first stream of each kind; raises CameraError in one sentence.

    The path is looked at first, because dv-processing answers some bad input by ending the whole process.
    """
    check_recording(path)
    reader = _dv_reader(path)
    names: dict[Stream, str | None] = {}
    checks: dict[Stream, Callable[[str], bool]] = {
        Stream.EVENTS: reader.isStreamOfEventType,
        Stream.FRAMES: reader.isStreamOfFrameType,
        Stream.IMU: reader.isStreamOfImuType,
        Stream.TRIGGERS: reader.isStreamOfTriggerType,
    }
    for stream, is_of_type in checks.items():
        of_type = [name for name in reader.getStreamNames() if is_of_type(name)]
        if of_type:
            names[stream] = stream.value if stream.value in of_type else of_type[0]
    return reader, names


def _dv_reader(path: Path) -> Any:
    try:
        import dv_processing as dv
    except ImportError as error:
        raise CameraError(
            f"{path}: dv-processing cannot be loaded ({error}); install it with `pip install dv-processing`."
        ) from error
    try:
        return dv.io.MonoCameraRecording(str(path))
    except DV_ERRORS as error:
        raise CameraError(
            f"{path}: the recording is damaged or was cut off ({first_line(error)}); try `glimpse recover` on its folder."
        ) from error


def check_recording(path: Path) -> None:
    """Raise CameraError unless `path` is a readable file that begins like an aedat4 recording."""
    try:
        if path.is_dir():
            raise CameraError(f"{path}: this is a folder; name one .aedat4 file in it.")
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
    except FileNotFoundError as error:
        raise CameraError(f"{path}: there is no such file; check the spelling of the recording's path.") from error
    except (OSError, ValueError) as error:
        raise CameraError(f"{path}: the recording cannot be opened ({error}); check its permissions.") from error
    if not start:
        raise CameraError(f"{path}: the file is empty, nothing was recorded in it; choose another recording.")
    if start != MAGIC:
        raise CameraError(f"{path}: this is not an AEDAT 4.0 recording; choose a .aedat4 file or convert it first.")


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
