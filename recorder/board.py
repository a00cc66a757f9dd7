"""The rings of a capture process: what the cameras give now, for windows, recognisers and rigs in other processes.

One ring a stream, plus `batches` (when which events arrived) and `prompts`. Publishing never waits for a reader.
"""

import re
from pathlib import Path

import numpy as np

from protocol.streams import EVENT_DTYPE, IMU_DTYPE, TRIGGER_DTYPE, Frame, Packet, Records, Stream
from recorder.prompter import PROMPT_DTYPE
from recorder.ring import RingWriter
from recorder.settings import RecorderSettings

EVENT_RING = "events.ring"
IMU_RECORDS = 8_000  # 8 s at 1 kHz
TRIGGER_RECORDS = 1_000
BATCH_RECORDS = 8_192
PROMPT_RECORDS = 256

# first: index of the batch's first event in the event ring; host_ns: when the batch reached the host.
BATCH_DTYPE = np.dtype([("first", "<i8"), ("count", "<i8"), ("first_us", "<i8"), ("last_us", "<i8"), ("host_ns", "<i8")])


_RING_NAME = re.compile(r"(?P<stream>[a-z]+)(?:-(?P<number>\d{1,6}))?\.ring")


def newest_rings(folder: Path) -> dict[str, Path]:
    """The newest ring of each stream in the folder of a capture process, which may be empty, missing or going away."""
    newest: dict[str, tuple[int, Path]] = {}
    try:
        for path in folder.iterdir():
            if match := _RING_NAME.fullmatch(path.name):
                found = int(match["number"] or 0), path
                newest[match["stream"]] = max(found, newest.get(match["stream"], found))
    except OSError:
        pass  # the folder goes with its process: what was found until then counts
    return {stream: path for stream, (_, path) in newest.items()}


def frame_dtype(frame: Frame) -> np.dtype[np.void]:
    """The ring record of a stream of pictures of this size and depth; exposure_us -1: unknown."""
    fields = [("index", "<i8"), ("stream_us", "<i8"), ("exposure_us", "<i8"), ("host_ns", "<i8")]
    return np.dtype([*fields, ("image", frame.image.dtype.str, frame.image.shape)])


class RingBoard:
    """Makes and feeds the rings in `folder`. Each stream is published by one thread only."""

    def __init__(self, folder: Path, settings: RecorderSettings) -> None:
        self._folder = folder
        self._settings = settings
        self._rings: dict[str, RingWriter] = {
            Stream.EVENTS: RingWriter(folder / EVENT_RING, EVENT_DTYPE, settings.event_ring),
            Stream.IMU: RingWriter(folder / "imu.ring", IMU_DTYPE, IMU_RECORDS),
            Stream.TRIGGERS: RingWriter(folder / "triggers.ring", TRIGGER_DTYPE, TRIGGER_RECORDS),
            "batches": RingWriter(folder / "batches.ring", BATCH_DTYPE, BATCH_RECORDS),
            "prompts": RingWriter(folder / "prompts.ring", PROMPT_DTYPE, PROMPT_RECORDS),
        }
        self._shapes: dict[Stream, int] = {}

    @property
    def prompts(self) -> RingWriter:
        """The ring of prompts."""
        return self._rings["prompts"]

    def publish(self, packet: Packet) -> None:
        """Copy a packet into its ring."""
        if isinstance(packet, Frame):
            self._publish_frame(packet)
            return
        ring = self._rings[packet.stream]
        first = ring.committed
        ring.write(packet.records)
        if packet.stream is Stream.EVENTS:
            self._publish_batch(packet, first)

    def _publish_batch(self, packet: Records, first: int) -> None:
        t = packet.records["t"]
        batch = np.array([(first, len(t), t[0], t[-1], packet.host_ns)], BATCH_DTYPE)
        self._rings["batches"].write(batch)

    def _publish_frame(self, frame: Frame) -> None:
        ring = self._frame_ring(frame)
        record = np.zeros(1, ring.dtype)
        exposure = -1 if frame.exposure_us is None else frame.exposure_us
        stream_us = frame.host_ns // 1000 if frame.stream_us is None else frame.stream_us
        record[0] = (ring.committed, stream_us, exposure, frame.host_ns, frame.image)
        ring.write(record)

    def _frame_ring(self, frame: Frame) -> RingWriter:
        """The ring for pictures of this size; a camera that comes back with another size gets a new file beside the old."""
        ring = self._rings.get(frame.stream)
        if ring is not None and ring.dtype == frame_dtype(frame):
            return ring
        if ring is not None:
            ring.close()
        made = self._shapes[frame.stream] = self._shapes.get(frame.stream, -1) + 1
        path = self._folder / f"{frame.stream}{f'-{made}' if made else ''}.ring"
        self._rings[frame.stream] = RingWriter(path, frame_dtype(frame), self._settings.frame_ring)
        return self._rings[frame.stream]

    def close(self) -> None:
        """Unmap every ring; their folder is the owner's to remove."""
        for ring in self._rings.values():
            ring.close()
