"""One adapter over the reading interface that dv-processing gives to its cameras and recordings alike.

Turns EventStore, Frame, IMU and trigger batches into packets. Knows neither biases nor pace nor files.
"""

import re
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

import numpy as np

from protocol.streams import EVENT_DTYPE, IMU_DTYPE, TRIGGER_DTYPE, Array, Frame, Packet, Stream
from recorder.sources.base import StreamInfo
from recorder.sources.feed import FeedError, in_pieces

# What a failing dv call raises: C++ runtime errors, and the bare range checks of its containers.
DV_ERRORS = (RuntimeError, IndexError, ValueError)
US = timedelta(microseconds=1)


class DvReader(Protocol):
    """The part of `dv_processing.io.InputBase` that is used. Every `getNext...` returns None when nothing is waiting."""

    def getNextEventBatch(self) -> Any:  # noqa: D102
        ...

    def getNextFrame(self) -> Any:  # noqa: D102
        ...

    def getNextImuBatch(self) -> Any:  # noqa: D102
        ...

    def getNextTriggerBatch(self) -> Any:  # noqa: D102
        ...

    def isRunning(self) -> bool:  # noqa: D102
        ...


def event_records(store: Any) -> Array:
    """An EventStore as EVENT_DTYPE [n]: dv copies it out in one piece, its layout is ours under other names."""
    return np.asarray(store.numpy()).view(EVENT_DTYPE)


def imu_records(batch: Any) -> Array:
    """A vector of IMU samples as IMU_DTYPE [n]: degrees Celsius, g, degrees/s, microtesla.

    Sample by sample, since dv offers no array view of them; at the camera's 1 kHz that is a few ms in every second.
    """
    rows = [
        (
            sample.timestamp,
            sample.temperature,
            (sample.accelerometerX, sample.accelerometerY, sample.accelerometerZ),
            (sample.gyroscopeX, sample.gyroscopeY, sample.gyroscopeZ),
            (sample.magnetometerX, sample.magnetometerY, sample.magnetometerZ),
        )
        for sample in batch
    ]
    return np.array(rows, dtype=IMU_DTYPE)


def trigger_records(batch: Any) -> Array:
    """A vector of triggers as TRIGGER_DTYPE [n]; kind is the number of dv's TriggerType."""
    return np.array([(trigger.timestamp, trigger.type.value) for trigger in batch], dtype=TRIGGER_DTYPE)


def frame_packet(frame: Any, host_ns: int) -> Frame:
    """A dv Frame; its time becomes the middle of the exposure.

    `Frame.timestamp` is the start of the exposure: in recordings of a DAVIS346 it equals the APS_EXPOSURE_START trigger,
    and start + `exposure` equals APS_EXPOSURE_END. Its shutter is global, so every row has the same middle. A frame without
    an exposure keeps its time stamp. Pixels are left as they are: [H, W] grey or [H, W, 3] BGR.
    """
    exposure_us = frame.exposure // US
    known = exposure_us > 0
    middle_us = frame.timestamp + (exposure_us // 2 if known else 0)
    return Frame(Stream.FRAMES, np.ascontiguousarray(frame.image), middle_us, exposure_us if known else None, host_ns)


def stream_infos(reader: Any, streams: Sequence[Stream]) -> tuple[StreamInfo, ...]:
    """The streams of an open dv reader with their resolutions (width, height)."""
    ask = {Stream.EVENTS: reader.getEventResolution, Stream.FRAMES: reader.getFrameResolution}
    return tuple(StreamInfo(stream, _pair(ask[stream]()) if stream in ask else None) for stream in streams)


def _pair(size: Any) -> tuple[int, int] | None:
    return None if size is None else (int(size[0]), int(size[1]))


class DvFeed:
    """A `Feed` over a dv reader. Releases it when the last reference to it is dropped: dv has no close()."""

    def __init__(self, reader: DvReader, streams: Sequence[Stream], monotonic_ns: Callable[[], int]) -> None:
        self._reader = reader
        self._now_ns = monotonic_ns
        self._queues: dict[Stream, deque[Packet]] = {stream: deque() for stream in streams}

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams in the order in which they were given."""
        return tuple(self._queues)

    def running(self) -> bool:
        """What dv says of the camera; of a recording it is False as soon as one of its streams is at its end."""
        return self._reader.isRunning()

    def next(self, stream: Stream) -> Packet | None:
        """The next packet of a stream, None when nothing is waiting; raises FeedError when dv cannot read on."""
        queue = self._queues[stream]
        while not queue:
            try:
                batch = self._fetch(stream)
            except DV_ERRORS as error:
                raise FeedError(f"{stream.value} cannot be read any further ({first_line(error)})") from error
            if batch is None:
                return None
            queue.extend(self._packets(stream, batch))
        return queue.popleft()

    def _fetch(self, stream: Stream) -> Any:
        match stream:
            case Stream.EVENTS:
                return self._reader.getNextEventBatch()
            case Stream.FRAMES:
                return self._reader.getNextFrame()
            case Stream.IMU:
                return self._reader.getNextImuBatch()
            case _:
                return self._reader.getNextTriggerBatch()

    def _packets(self, stream: Stream, batch: Any) -> Sequence[Packet]:
        host_ns = self._now_ns()
        if stream is Stream.FRAMES:
            return [frame_packet(batch, host_ns)]
        convert = {Stream.EVENTS: event_records, Stream.IMU: imu_records, Stream.TRIGGERS: trigger_records}[stream]
        return in_pieces(stream, convert(batch), host_ns)


def first_line(error: BaseException) -> str:
    """What a dv error says, without its place in the C++ source and its stack trace."""
    told = re.search(r"^[A-Za-z]+: *(?:Error info: *)?(.+)$", str(error).split("Stacktrace:")[0], re.MULTILINE)
    text = told[1] if told else next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text.strip().rstrip(".")
