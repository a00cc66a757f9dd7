"""Takes on disk for tests: small, whole, and written by the same writers that record."""

import hashlib
from pathlib import Path

import numpy as np

from protocol.manifest import FileRecord, FinishReason, Manifest, StepTime, StreamRecord, TakeStatus
from protocol.naming import TAKE_SUFFIXES, parse_stem
from protocol.streams import EVENT_DTYPE, IMU_DTYPE, TRIGGER_DTYPE, Frame, Stream
from recorder.aedat4.writer import Aedat4Writer
from recorder.frametable import FrameTableWriter
from recorder.video import RgbVideoWriter, ThermalVideoWriter

T0_US = 1_700_000_000_000_000
RESOLUTION = (32, 24)  # width, height
FRAME_US = 33_333

# Six seconds in which the simulated subject has time for the paper, a rest and a movement.
SHORT_SCRIPT = """\
format: glimpse-script
version: "1.0"
name: short
kind: movements
movements: [smile]
repetitions: 1
order: {mode: fixed, seed: null}
distance_mm: [300, 400]
background: white
languages: [en]
anchor: neutral
cue: movement
steps:
  - {id: settle, action: settle, seconds: 0.8, prompt: {en: Sit still.}}
  - {id: paper_in, action: paper_in, seconds: 0.9, start_mark: paper_in, prompt: {en: Paper.}}
  - {id: countdown, action: hold_paper, seconds: 0.6, countdown: true, prompt: {en: Hold it.}}
  - {id: neutral, action: neutral, seconds: 1.4, start_mark: paper_out, prompt: {en: Neutral face.}}
  - {id: movement, action: move, seconds: 2.3, start_mark: cue, prompt: {en: "{movement} now"}}
"""


def some_events(count=1000, seed=0, span_us=200_000, resolution=RESOLUTION):
    """`count` random events in time order within `span_us` from T0_US; the first and the last microsecond are hit."""
    rng = np.random.default_rng(seed)
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = T0_US + np.sort(rng.integers(0, span_us, count))
    if count > 1:
        events["t"][[0, -1]] = T0_US, T0_US + span_us - 1
    events["x"], events["y"] = rng.integers(0, resolution[0], count), rng.integers(0, resolution[1], count)
    events["p"] = rng.integers(0, 2, count)
    return events


def aps_frames(count, seed=1):
    rng = np.random.default_rng(seed)
    shape = (RESOLUTION[1], RESOLUTION[0])
    return [
        Frame(Stream.FRAMES, rng.integers(0, 256, shape, np.uint8), T0_US + 1000 + index * FRAME_US, 500, index)
        for index in range(count)
    ]


def write_events(path, events, frames=(), imu=0, triggers=0, resolution=RESOLUTION):
    """A lone `.aedat4`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    streams = {Stream.EVENTS: resolution, Stream.FRAMES: resolution, Stream.IMU: None, Stream.TRIGGERS: None}
    with Aedat4Writer(path, source="DAVIS346_TEST", streams=streams) as writer:
        for start in range(0, len(events), 250):
            writer.write_records(Stream.EVENTS, events[start : start + 250])
        for frame in frames:
            writer.write_frame(frame)
        for stream, dtype, count in ((Stream.IMU, IMU_DTYPE, imu), (Stream.TRIGGERS, TRIGGER_DTYPE, triggers)):
            records = np.zeros(count, dtype)
            records["t"] = T0_US + np.arange(count) * 1000
            writer.write_records(stream, records)
    return path


def write_video(path, writer, images, first_us):
    with writer(path) as video:
        for index, image in enumerate(images):
            video.write(image, first_us + index * FRAME_US)


def make_take(folder, stem="frown_4_1", *, events=None, status=TakeStatus.COMPLETE, videos=False, frames=3, **manifest):
    """A whole take with manifest, frames.csv and, if wanted, two videos; returns the path of its `.aedat4`."""
    events = some_events() if events is None else events
    aps = aps_frames(frames)
    path = write_events(folder / f"{stem}.aedat4", events, aps, imu=20, triggers=2)
    counts = {Stream.EVENTS: len(events), Stream.FRAMES: frames, Stream.IMU: 20, Stream.TRIGGERS: 2}
    times = {Stream.FRAMES: [frame.stream_us for frame in aps]}
    if videos:
        counts |= {Stream.RGB: 5, Stream.THERMAL: 4}
        times |= _write_videos(folder, stem)
    with FrameTableWriter(folder / f"{stem}.frames.csv") as table:
        for stream, stamps in times.items():
            for index, t_us in enumerate(stamps):
                table.append(stream, index, t_us, 500, index)
    (folder / f"{stem}.json").write_text(make_manifest(folder, stem, status, counts, times, **manifest).to_json())
    return path


def _write_videos(folder, stem):
    rng = np.random.default_rng(2)
    rgb = [np.full((24, 32, 3), 40 * index, np.uint8) for index in range(5)]
    thermal = [rng.integers(0, 1 << 16, (12, 16), np.uint16) for _ in range(4)]
    write_video(folder / f"{stem}.rgb.mp4", RgbVideoWriter, rgb, T0_US + 5000)
    write_video(folder / f"{stem}.thermal.mkv", ThermalVideoWriter, thermal, T0_US + 7777)
    return {
        Stream.RGB: [T0_US + 5000 + index * FRAME_US for index in range(5)],
        Stream.THERMAL: [T0_US + 7777 + index * FRAME_US for index in range(4)],
    }


def make_manifest(folder, stem, status, counts, times, **more):
    name = parse_stem(stem)
    first = {stream: stamps[0] for stream, stamps in times.items() if stamps}
    records = {
        stream.value: StreamRecord(received=count, written=count, first_us=first.get(stream))
        for stream, count in counts.items()
    }
    return Manifest(
        movement=name.movement_token,
        subject=name.subject,
        number=name.number,
        status=status,
        finish_reason=FinishReason.SCRIPT_ENDED,
        recorded_at="2026-03-02T10:00:00+01:00",
        streams=records,
        steps=(StepTime(step="hold", action="neutral", scheduled_us=T0_US, at_us=T0_US + 10),),
        files=file_records(folder, stem),
        **more,
    )


def file_records(folder, stem):
    paths = {suffix: Path(folder) / f"{stem}{suffix}" for suffix in TAKE_SUFFIXES if suffix != ".json"}
    return {
        suffix: FileRecord(bytes=path.stat().st_size, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        for suffix, path in paths.items()
        if path.is_file()
    }
