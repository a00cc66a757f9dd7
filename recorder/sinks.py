"""The files of a take as sinks of the writer threads. Each counts what it has written; knows no camera and no script."""

import threading
from collections.abc import Callable
from pathlib import Path

from protocol.streams import Frame, Packet, Records, Stream
from recorder.aedat4.writer import Aedat4Writer
from recorder.frametable import FrameTableWriter
from recorder.video import RgbVideoWriter, ThermalVideoWriter

StreamTime = Callable[[Frame], int]


class FrameLog:
    """`frames.csv`, shared by the writer threads of all frame streams."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table: FrameTableWriter | None = None
        self._lock = threading.Lock()

    def append(self, index: int, frame: Frame, stream_us: int) -> None:
        """Note a picture that has been written; the file is made with the first."""
        with self._lock:
            if self._table is None:
                self._table = FrameTableWriter(self._path)
            self._table.append(frame.stream, index, stream_us, frame.exposure_us, frame.host_ns)

    def flush(self) -> None:
        """Hand the rows so far to the operating system."""
        with self._lock:
            if self._table is not None:
                self._table.flush()

    def close(self) -> None:
        """Put it on disk."""
        with self._lock:
            if self._table is not None:
                self._table.close()


class EventSink:
    """Events, APS pictures, IMU samples and triggers into the `.aedat4`."""

    def __init__(self, writer: Aedat4Writer, log: FrameLog) -> None:
        self._writer = writer
        self._log = log

    def written(self, stream: Stream) -> int:
        """How many records of a stream are in the file."""
        return self._writer.written.get(stream, 0)

    def write(self, packet: Packet) -> None:
        """Write one packet."""
        if isinstance(packet, Records):
            self._writer.write_records(packet.stream, packet.records)
            return
        index = self.written(packet.stream)
        self._writer.write_frame(packet)
        self._log.append(index, packet, packet.stream_us or 0)
        self._log.flush()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class VideoSink:
    """Pictures of one camera into a video file, made when the first picture tells its size."""

    def __init__(self, make: "Callable[[], RgbVideoWriter | ThermalVideoWriter]", log: FrameLog) -> None:
        self._make = make
        self._log = log
        self._video: RgbVideoWriter | ThermalVideoWriter | None = None
        self._last_us = -(2**62)

    def written(self, stream: Stream) -> int:
        """How many pictures are in the file; after a failed write fewer than before, the torn fragment being cut off."""
        return self._video.written if self._video else 0

    def write(self, packet: Packet) -> None:
        """Encode one picture, whose stream time is known by now."""
        if not isinstance(packet, Frame) or packet.stream_us is None:
            raise TypeError("a video takes pictures with a stream time")
        if self._video is None:
            self._video = self._make()
        index = self._video.written
        # Containers want times that rise; a camera that gives two pictures one time keeps it in the frame table.
        self._last_us = max(packet.stream_us, self._last_us + 1)
        self._video.write(packet.image, self._last_us)
        self._log.append(index, packet, packet.stream_us)

    def close(self) -> None:
        """Finish the file."""
        if self._video is not None:
            self._video.close()
