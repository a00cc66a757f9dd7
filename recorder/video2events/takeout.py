"""The files of a converted take: written under a reserved name by the writers that record, committed whole or not at all.

Knows no video file, no face and no pixel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from protocol.manifest import Device, FinishReason, Manifest, Person, StreamRecord, TakeStatus
from protocol.naming import EVENTS_SUFFIX, FRAMES_SUFFIX, MANIFEST_SUFFIX, PART, RGB_SUFFIX
from protocol.streams import Frame, Packet, Records, Stream
from recorder.aedat4.writer import Aedat4Writer
from recorder.closing import file_records
from recorder.host import write_atomic
from recorder.sinks import EventSink, FrameLog, VideoSink
from recorder.software import software
from recorder.takefiles import reserve
from recorder.video import RgbVideoWriter

EVENT_SOURCE = "GLIMPSE_CONVERT"  # what the header of the `.aedat4` names as its camera


@dataclass
class _Counted:
    count: int = 0
    first_us: int | None = None
    last_us: int | None = None

    def add(self, count: int, first_us: int, last_us: int) -> None:
        self.count += count
        self.first_us = first_us if self.first_us is None else self.first_us
        self.last_us = last_us


@dataclass(frozen=True)
class About:
    """What the manifest says beside counts and files. recorded_at: ISO 8601 wall clock of the conversion."""

    device: Device
    recorded_at: str
    message: str
    notices: tuple[str, ...] = ()


class TakeOut:
    """A take of events, grey and perhaps colour pictures. A context manager: what was not committed is discarded."""

    def __init__(self, data: Path, movement: str, subject: int, size: tuple[int, int], *, colour: bool) -> None:
        """Reserve a name in the data set `data`. size: (width, height) of events and grey pictures.

        Raises TakeFilesError, Aedat4Error or OSError when the folder does not take files; then nothing is left of it.
        """
        self.reservation = reserve(data, movement, subject)
        self._counts: dict[Stream, _Counted] = {}
        self._sinks: dict[Stream, EventSink | VideoSink] = {}
        self._sizes = {Stream.EVENTS: size, Stream.FRAMES: size}
        self._over = False
        try:
            self._open(size, colour)
        except BaseException:
            self.discard()
            raise

    def _open(self, size: tuple[int, int], colour: bool) -> None:
        self._log = FrameLog(self.reservation.part(FRAMES_SUFFIX))
        streams = {Stream.EVENTS: size, Stream.FRAMES: size}
        writer = Aedat4Writer(self.reservation.part(EVENTS_SUFFIX), source=EVENT_SOURCE, streams=streams)
        self._sinks = dict.fromkeys(streams, EventSink(writer, self._log))
        if colour:
            path = self.reservation.part(RGB_SUFFIX)
            self._sinks[Stream.RGB] = VideoSink(lambda: RgbVideoWriter(path), self._log)

    @property
    def name(self) -> str:
        """The stem of the take: `frown_4_1`."""
        return self.reservation.name.stem

    def put(self, packet: Packet) -> None:
        """Write a packet of one of its streams; raises what the writers raise."""
        self._sinks[packet.stream].write(packet)
        counted = self._counts.setdefault(packet.stream, _Counted())
        if isinstance(packet, Records):
            counted.add(len(packet.records), int(packet.records["t"][0]), int(packet.records["t"][-1]))
        else:
            counted.add(1, packet.stream_us or 0, packet.stream_us or 0)
            self._note_size(packet)

    def _note_size(self, frame: Frame) -> None:
        self._sizes[frame.stream] = (frame.image.shape[1], frame.image.shape[0])

    def count(self, stream: Stream) -> int:
        """How many records of a stream were written."""
        return self._counts[stream].count if stream in self._counts else 0

    def commit(self, about: About) -> Path:
        """Close the files, write the manifest, give all their names; returns the path of the `.aedat4`."""
        self._close()
        files = file_records(self.reservation.folder, f"{self.name}{PART}")
        write_atomic(self.reservation.part(MANIFEST_SUFFIX), self._manifest(about, files).to_json())
        self.reservation.commit()
        self._over = True
        return self.reservation.final(EVENTS_SUFFIX)

    def _manifest(self, about: About, files: Mapping[str, Any]) -> Manifest:
        name = self.reservation.name
        return Manifest(
            movement=name.movement_token,
            subject=name.subject,
            number=name.number,
            status=TakeStatus.COMPLETE,
            finish_reason=FinishReason.SOURCE_ENDED,
            finish_message=about.message,
            recorded_at=about.recorded_at,
            simulated=True,
            speed="max",
            person=Person(subject=name.subject),
            devices=(about.device,),
            streams=self._stream_records(),
            start_us=self._counts[Stream.FRAMES].first_us,
            stop_us=self._counts[Stream.FRAMES].last_us,
            notices=about.notices,
            files=files,
            software=software(),
        )

    def _stream_records(self) -> dict[str, StreamRecord]:
        return {
            stream.value: StreamRecord(
                received=counted.count,
                written=counted.count,
                first_us=counted.first_us,
                last_us=counted.last_us,
                resolution=self._sizes.get(stream),
            )
            for stream, counted in self._counts.items()
        }

    def _close(self) -> None:
        for sink in {id(sink): sink for sink in self._sinks.values()}.values():
            sink.close()
        self._sinks = {}
        self._log.close()

    def discard(self) -> None:
        """Let nothing of the take be left but its number, which is not given again. Safe to call twice."""
        if self._over:
            return
        self._over = True
        try:
            self._close()
        finally:
            self.reservation.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.discard()
