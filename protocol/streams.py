"""What flows from a camera to disk, ring and screen: events, IMU samples, triggers and frames.

All times are int64 microseconds of *event time* (the camera's own time stamps, never re-zeroed) unless a name says
`host_ns`: nanoseconds of the host's monotonic clock. Knows no camera and no file.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# The 16-byte struct of dv-processing and of the aedat4 format (three bytes of padding at the end), so that a batch
# travels from camera to file without being rewritten. t: us, x right, y down from the upper left pixel, p: 1 ON, 0 OFF.
EVENT_DTYPE = np.dtype([("t", "<i8"), ("x", "<i2"), ("y", "<i2"), ("p", "i1")], align=True)

# Temperature in degrees Celsius, acceleration in g, rotation in degrees per second, magnetic field in microtesla
# (the units of the aedat4 IMU packet).
IMU_DTYPE = np.dtype(
    [("t", "<i8"), ("temperature", "<f4"), ("accelerometer", "<f4", 3), ("gyroscope", "<f4", 3), ("magnetometer", "<f4", 3)]
)

# kind: the TriggerType of dv-processing: 0 time stamp reset, 1 external rising edge, 2 falling edge, 3 pulse,
# 6-9 APS frame start, frame end, exposure start, exposure end.
TRIGGER_DTYPE = np.dtype([("t", "<i8"), ("kind", "i1")])

Array: TypeAlias = NDArray[np.void]


class Stream(StrEnum):
    """The six streams that a take may hold."""

    EVENTS = "events"
    FRAMES = "frames"  # the event camera's own grey pictures (APS)
    IMU = "imu"
    TRIGGERS = "triggers"
    RGB = "rgb"
    THERMAL = "thermal"


RECORD_DTYPES: dict[Stream, np.dtype[np.void]] = {
    Stream.EVENTS: EVENT_DTYPE,
    Stream.IMU: IMU_DTYPE,
    Stream.TRIGGERS: TRIGGER_DTYPE,
}
FRAME_STREAMS = (Stream.FRAMES, Stream.RGB, Stream.THERMAL)
VIDEO_STREAMS = (Stream.RGB, Stream.THERMAL)


@dataclass(frozen=True)
class Records:
    """A batch of events, IMU samples or triggers in time order.

    records: structured array [n] of `RECORD_DTYPES[stream]`, n >= 1; host_ns: when the batch reached the host.
    """

    stream: Stream
    records: Array
    host_ns: int


@dataclass(frozen=True)
class Frame:
    """One picture.

    image: [H, W] uint8 (APS), [H, W, 3] uint8 BGR (RGB) or [H, W] uint16 raw counts (thermal).
    stream_us: the camera's own time of the middle of the exposure of the centre row, None for a camera without a clock;
    exposure_us: None where the camera does not tell; host_ns: when the picture reached the host.
    """

    stream: Stream
    image: NDArray[np.uint8] | NDArray[np.uint16]
    stream_us: int | None
    exposure_us: int | None
    host_ns: int


Packet: TypeAlias = Records | Frame
