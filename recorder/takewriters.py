"""All files of one take while it is written: which stream goes where, how far the disk is behind, closing them together."""

import functools
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from protocol.naming import EVENTS_SUFFIX, FRAMES_SUFFIX, RGB_SUFFIX, THERMAL_SUFFIX
from protocol.streams import Packet, Stream
from recorder.aedat4.layout import Compression
from recorder.aedat4.writer import Aedat4Writer
from recorder.host import write_atomic
from recorder.settings import RecorderSettings
from recorder.sinks import EventSink, FrameLog, VideoSink
from recorder.sources.base import StreamInfo
from recorder.takefiles import Reservation
from recorder.video import RgbVideoWriter, ThermalVideoWriter
from recorder.writers import Bounds, WriterThread

COMPRESSIONS = {"none": Compression.NONE, "lz4": Compression.LZ4, "zstd": Compression.ZSTD}
BEHIND_S = 0.25
BALLAST_SUFFIX = ".ballast"
BALLAST_BYTES = 1 << 20  # room for data table and manifest when the disk is full: the table takes 44 bytes a packet


class TakeWriters:
    """One writer thread a file; opened with the reservation's `.part` names."""

    def __init__(
        self,
        reservation: Reservation,
        streams: Mapping[Stream, StreamInfo],
        source: str,
        settings: RecorderSettings,
        open_events: Callable[..., Aedat4Writer] = Aedat4Writer,
    ) -> None:
        self.log = FrameLog(reservation.part(FRAMES_SUFFIX))
        self.save_error: OSError | None = None
        self._close_error: OSError | None = None
        self._closed = False
        self._saving: threading.Thread | None = None
        self._ballast = reservation.part(BALLAST_SUFFIX)
        _write_ballast(self._ballast)
        self._sinks: dict[Stream, EventSink | VideoSink] = {}
        self._threads: dict[Stream, WriterThread] = {}
        bounds = Bounds(settings.queue_s, settings.queue_bytes)
        in_events = {stream: info.resolution for stream, info in streams.items() if stream not in (Stream.RGB, Stream.THERMAL)}
        writer = open_events(
            reservation.part(EVENTS_SUFFIX), source=source, streams=in_events, compression=COMPRESSIONS[settings.compression]
        )
        self._add(EVENTS_SUFFIX, EventSink(writer, self.log), tuple(in_events), bounds)
        if Stream.RGB in streams:
            make = functools.partial(self._rgb, reservation.part(RGB_SUFFIX), settings)
            self._add(RGB_SUFFIX, VideoSink(make, self.log), (Stream.RGB,), bounds)
        if Stream.THERMAL in streams:
            make_thermal = functools.partial(self._thermal, reservation.part(THERMAL_SUFFIX))
            self._add(THERMAL_SUFFIX, VideoSink(make_thermal, self.log), (Stream.THERMAL,), bounds)

    def _rgb(self, path: Path, settings: RecorderSettings) -> RgbVideoWriter:
        return RgbVideoWriter(
            path, crf=settings.rgb_crf, lossless=settings.rgb_lossless, on_fragment=lambda _: self.log.flush()
        )

    def _thermal(self, path: Path) -> ThermalVideoWriter:
        return ThermalVideoWriter(path, on_fragment=lambda _: self.log.flush())

    def _add(self, suffix: str, sink: EventSink | VideoSink, streams: tuple[Stream, ...], bounds: Bounds) -> None:
        thread = WriterThread(suffix, sink, bounds)
        for stream in streams:
            self._sinks[stream] = sink
            self._threads[stream] = thread

    def put(self, packet: Packet, may_wait: Callable[[], bool]) -> None:
        """Queue a packet for its file. Raises QueueFull, or the error that its writer met."""
        self._threads[packet.stream].put(packet, may_wait)

    def written(self, stream: Stream) -> int:
        """Records of a stream that are in its file."""
        return self._sinks[stream].written(stream)

    def _distinct(self) -> list[WriterThread]:
        return list({id(thread): thread for thread in self._threads.values()}.values())

    def waiting_s(self) -> float:
        """How long the oldest packet has been waiting for the disk, in seconds."""
        return max(thread.waiting_s() for thread in self._distinct())

    def is_behind(self) -> bool:
        """Whether the disk holds things up."""
        return self.waiting_s() > BEHIND_S

    def error(self) -> Exception | None:
        """The first error that a writer met."""
        return next((thread.error for thread in self._distinct() if thread.error), self._close_error)

    def save(self, path: Path, text: str) -> bool:
        """Replace a small file beside the take without waiting for the disk; False while the one before is under way.

        A failure is kept in `save_error`.
        """
        if self._saving is not None and self._saving.is_alive():
            return False
        self._saving = threading.Thread(target=self._save, args=(path, text), name="save", daemon=True)
        self._saving.start()
        return True

    def _save(self, path: Path, text: str) -> None:
        try:
            write_atomic(path, text)
        except OSError as error:
            self.save_error = error

    def close(self, timeout_s: float) -> bool:
        """Write what is queued and close the files; False when the disk has not let them be closed in that time."""
        # On a thread: a disk that stands still blocks every call, the removal of a file too.
        closing = threading.Thread(target=self._close, args=(timeout_s,), name="close", daemon=True)
        closing.start()
        closing.join(timeout_s)
        return self._closed

    def _close(self, timeout_s: float) -> None:
        if self._saving is not None:
            self._saving.join()
        try:
            self._ballast.unlink(missing_ok=True)
        except OSError as error:
            self._close_error = error
        for thread in self._distinct():
            thread.finish()
        if all([thread.join(timeout_s) for thread in self._distinct()]):
            self._close_log()
            self._closed = True

    def _close_log(self) -> None:
        try:
            self.log.close()
        except OSError as error:
            self._close_error = self._close_error or error


def _write_ballast(path: Path) -> None:
    with path.open("xb") as file:
        file.write(os.urandom(BALLAST_BYTES))  # not zeros: a file system that compresses would keep no room for them
