"""Recordings and foreign readers for the tests of the aedat4 package."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import aedat
import dv_processing as dv
import numpy as np

from protocol.streams import EVENT_DTYPE, IMU_DTYPE, TRIGGER_DTYPE, Array, Frame, Stream
from recorder.aedat4 import Aedat4File, Aedat4Writer, Compression

START_US = 1_700_000_000_000_000
SIZE = (346, 260)
DAVIS = {Stream.EVENTS: SIZE, Stream.FRAMES: SIZE, Stream.IMU: None, Stream.TRIGGERS: None}
SOURCE = "DAVIS346_00000042"


def some_events(count, seed=0, start_us=START_US, size=SIZE):
    random = np.random.default_rng(seed)
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = start_us + np.cumsum(random.integers(0, 3, count))
    events["x"], events["y"] = random.integers(0, size[0], count), random.integers(0, size[1], count)
    events["p"] = random.integers(0, 2, count)
    return events


def some_imu(count, seed=0):
    random = np.random.default_rng(seed)
    samples = np.zeros(count, IMU_DTYPE)
    samples["t"] = START_US + 1000 * np.arange(count)
    samples["temperature"] = 31.5
    samples["accelerometer"] = random.normal(size=(count, 3))
    samples["gyroscope"] = random.normal(size=(count, 3)) * (random.random((count, 3)) > 0.2)
    return samples


def some_triggers(count):
    triggers = np.zeros(count, TRIGGER_DTYPE)
    triggers["t"], triggers["kind"] = START_US + 500 * np.arange(count), np.arange(count) % 10
    return triggers


def some_frame(t_us, exposure_us=4773, seed=0, shape=(260, 346), dtype=np.uint8):
    image = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)
    return Frame(Stream.FRAMES, image, t_us, exposure_us, 0)


def write_recording(path, compression=Compression.LZ4, events=25_000):
    """One recording with every kind of packet."""
    with Aedat4Writer(path, source=SOURCE, streams=DAVIS, compression=compression) as writer:
        writer.write_records(Stream.EVENTS, some_events(events))
        for number in range(3):
            writer.write_frame(some_frame(START_US + 3000 + 10_000 * number, seed=number))
        writer.write_records(Stream.IMU, some_imu(23))
        writer.write_records(Stream.TRIGGERS, some_triggers(12))
    return path


@dataclass
class Contents:
    """Everything in a file, as one reader sees it. frames: (first microsecond of the exposure, image)."""

    events: Array
    imu: Array
    triggers: Array
    frames: list = field(default_factory=list)

    def counts(self):
        return {"events": len(self.events), "frames": len(self.frames), "imu": len(self.imu), "triggers": len(self.triggers)}


def assert_same(one, other):
    for name in EVENT_DTYPE.names:
        np.testing.assert_array_equal(one.events[name], other.events[name])
    np.testing.assert_array_equal(one.imu, other.imu)
    np.testing.assert_array_equal(one.triggers, other.triggers)
    assert [start for start, _ in one.frames] == [start for start, _ in other.frames]
    for (_, image), (_, again) in zip(one.frames, other.frames, strict=True):
        np.testing.assert_array_equal(image, again)


def read_with_glimpse(path):
    with Aedat4File(path) as file:
        frames = [(frame.t_us - (frame.exposure_us or 0) // 2, frame.image) for frame in file.frames()]
        return Contents(*(file.records(stream) for stream in (Stream.EVENTS, Stream.IMU, Stream.TRIGGERS)), frames)


def _batches(read):
    while (batch := read()) is not None:
        yield batch


def _imu_row(sample):
    magnet = (sample.magnetometerX, sample.magnetometerY, sample.magnetometerZ)
    return (
        sample.timestamp,
        sample.temperature,
        (sample.accelerometerX, sample.accelerometerY, sample.accelerometerZ),
        (sample.gyroscopeX, sample.gyroscopeY, sample.gyroscopeZ),
        magnet,
    )


def read_with_dv(path):
    recording = dv.io.MonoCameraRecording(str(path))
    parts = [batch.numpy() for batch in _batches(recording.getNextEventBatch)]
    events = np.zeros(sum(map(len, parts)), EVENT_DTYPE)
    if parts:
        joined = np.concatenate(parts)
        for ours, theirs in zip(("t", "x", "y", "p"), ("timestamp", "x", "y", "polarity"), strict=True):
            events[ours] = joined[theirs]
    imu_batches = _batches(recording.getNextImuBatch) if recording.isImuStreamAvailable() else ()
    trigger_batches = _batches(recording.getNextTriggerBatch) if recording.isTriggerStreamAvailable() else ()
    frame_batches = _batches(recording.getNextFrame) if recording.isFrameStreamAvailable() else ()
    imu = [_imu_row(sample) for batch in imu_batches for sample in batch]
    triggers = [(one.timestamp, one.type.value) for batch in trigger_batches for one in batch]
    frames = [(frame.timestamp, np.array(frame.image)) for frame in frame_batches]
    return Contents(events, np.array(imu, IMU_DTYPE), np.array(triggers, TRIGGER_DTYPE), frames)


def read_with_aedat(path):
    parts = defaultdict(list)
    for packet in aedat.Decoder(str(path)):
        for key in packet.keys() & {"events", "frame", "imus", "triggers"}:
            parts[key].append(packet[key])
    return Contents(
        _renamed(parts["events"], EVENT_DTYPE, {"t": "t", "x": "x", "y": "y", "p": "on"}),
        _aedat_imu(parts["imus"]),
        _renamed(parts["triggers"], TRIGGER_DTYPE, {"t": "t", "kind": "source"}),
        [(frame["exposure_begin_t"], frame["pixels"]) for frame in parts["frame"]],
    )


def _renamed(parts, dtype, names):
    result = np.zeros(sum(map(len, parts)), dtype)
    if parts:
        joined = np.concatenate(parts)
        for ours, theirs in names.items():
            result[ours] = joined[theirs]
    return result


def _aedat_imu(parts):
    result = np.zeros(sum(map(len, parts)), IMU_DTYPE)
    if parts:
        joined = np.concatenate(parts)
        result["t"], result["temperature"] = joined["t"], joined["temperature"]
        for name in ("accelerometer", "gyroscope", "magnetometer"):
            result[name] = np.stack([joined[f"{name}_{axis}"] for axis in "xyz"], axis=1)
    return result


def rewrite_with_dv(source, target, compression):
    """A file of dv-processing's own writer with the same packets in the same order as the aedat4 file `source`."""
    recording = dv.io.MonoCameraRecording(str(source))
    config = dv.io.MonoCameraWriter.DAVISConfig(SOURCE, SIZE, getattr(dv.CompressionType, compression.name))
    writer = dv.io.MonoCameraWriter(str(target), config)
    writer.setPackagingCount(1000)
    for batch in _batches(recording.getNextEventBatch):
        writer.writeEvents(batch)
    for frame in _batches(recording.getNextFrame):
        writer.writeFrame(frame)
    for batch in _batches(recording.getNextImuBatch):
        for sample in batch:
            writer.writeImu(sample)
    for batch in _batches(recording.getNextTriggerBatch):
        for trigger in batch:
            writer.writeTrigger(trigger)
    return Path(target)
