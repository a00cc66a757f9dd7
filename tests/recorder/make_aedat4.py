"""Small recordings made with dv-processing's own writer, and what they contain, for tests that need a file."""

from dataclasses import dataclass
from pathlib import Path

import dv_processing as dv
import numpy as np

START_US = 1_700_000_000_000_000
SIZE = (346, 260)


@dataclass(frozen=True)
class Made:
    """Times that were written. events [n], frames (start of exposure), imu and triggers: int64 microseconds."""

    path: Path
    events: np.ndarray
    frames: np.ndarray
    imu: np.ndarray
    triggers: np.ndarray


EXPOSURE_US = 4_000


def make_aedat4(path: Path, *, duration_us: int = 100_000, step_us: int = 50, events: bool = True, others: bool = True) -> Made:
    """A DAVIS recording: an event every `step_us`, a frame every 25 ms, an IMU sample every 1 ms, a trigger every 20 ms."""
    times = np.arange(0, duration_us, step_us) + START_US if events else np.empty(0, np.int64)
    frames, imu, triggers = (
        np.arange(0, duration_us if others else 0, every_us) + START_US + 100 for every_us in (25_000, 1_000, 20_000)
    )
    writer = dv.io.MonoCameraWriter(str(path), dv.io.MonoCameraWriter.DAVISConfig("DAVIS346_00000007", SIZE))
    for begin in range(0, duration_us, 10_000):
        batch = times[(times >= START_US + begin) & (times < START_US + begin + 10_000)]
        if len(batch):
            writer.writeEvents(event_store(batch))
    for number, time_us in enumerate(frames.tolist()):
        writer.writeFrame(frame(time_us, number))
    for time_us in imu.tolist():
        writer.writeImu(dv.IMU(time_us, 30.0, 0.1, -1.0, 0.2, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    for time_us in triggers.tolist():
        writer.writeTrigger(dv.Trigger(time_us, dv.TriggerType.EXTERNAL_SIGNAL_RISING_EDGE))
    del writer
    return Made(path, times, frames, imu, triggers)


def event_store(times: np.ndarray) -> "dv.EventStore":
    """Events at these times, with coordinates and polarity that follow from the time."""
    store = dv.EventStore()
    for time_us in times.tolist():
        store.push_back(time_us, time_us % SIZE[0], time_us % SIZE[1], bool(time_us & 64))
    return store


def frame(time_us: int, number: int) -> "dv.Frame":
    """A grey frame whose pixels say its number."""
    image = np.full((SIZE[1], SIZE[0]), number % 256, np.uint8)
    image[0, : SIZE[0]] = np.arange(SIZE[0]) % 256
    return dv.Frame(time_us, EXPOSURE_US, 0, 0, image, dv.FrameSource.SENSOR)
