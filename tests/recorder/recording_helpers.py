"""A take recorded in this process: cameras and clock moved by hand, real writer threads and files."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from protocol.script import Script, parse_script
from protocol.streams import EVENT_DTYPE, IMU_DTYPE, Frame, Records, Stream
from recorder.aedat4.writer import Aedat4Writer
from recorder.closing import TakeContext
from recorder.messages import TakeRequest
from recorder.prompter import PromptBoard, ScriptRunner
from recorder.recording import OpenCamera, TakeRecording
from recorder.settings import RecorderSettings
from recorder.sources.base import CameraInfo, StreamInfo
from recorder.takefiles import Reservation, reserve
from recorder.takewriters import TakeWriters

EVENT0_US = 1_700_000_000_000_000  # event time of the first moment
HOST0_US = 5_000_000_000  # the host's monotonic clock at that moment
SIZE = (64, 48)

SCRIPT = """
format: glimpse-script
version: "1.0"
name: short
kind: movements
movements: [frown]
distance_mm: [300, 400]
background: white
languages: [en]
anchor: neutral
cue: movement
steps:
  - {id: settle, action: settle, seconds: 1, prompt: {en: Sit.}}
  - {id: paper, action: paper_in, seconds: 1, start_mark: paper_in, prompt: {en: Paper.}}
  - {id: neutral, action: neutral, seconds: 1, start_mark: paper_out, prompt: {en: Neutral.}}
  - {id: movement, action: move, seconds: 1, start_mark: cue, prompt: {en: "{movement} now"}}
"""
SCRIPT_US = 4_000_000
FREE_SCRIPT = SCRIPT.replace("action: move, seconds: 1", "action: move, seconds: null, at_most_seconds: 60")


def short_script(text: str = SCRIPT) -> Script:
    return parse_script(text, "short.yaml")


def event_camera(*streams: Stream) -> OpenCamera:
    resolutions = {Stream.EVENTS: SIZE, Stream.FRAMES: SIZE}
    infos = tuple(StreamInfo(stream, resolutions.get(stream)) for stream in (Stream.EVENTS, *streams))
    return OpenCamera("test", CameraInfo("test", "Test camera", infos, "7"))


def frame_camera(stream: Stream = Stream.RGB, clock: str = "host") -> OpenCamera:
    return OpenCamera("test-frames", CameraInfo("webcam", "Test webcam", (StreamInfo(stream, SIZE, clock),)))


def host_ns(at_us: int) -> int:
    """The host's clock `at_us` after the first moment."""
    return (HOST0_US + at_us) * 1000


def batch(first_us: int, last_us: int, count: int = 20, late_us: int = 0, stream: Stream = Stream.EVENTS) -> Records:
    """Records evenly between two instants after the first moment, that reach the host `late_us` after the last."""
    records = np.zeros(count, EVENT_DTYPE if stream is Stream.EVENTS else IMU_DTYPE)
    records["t"] = EVENT0_US + np.linspace(first_us, last_us, count).astype(np.int64)
    return Records(stream, records, host_ns(last_us + late_us))


def picture(at_us: int, stream: Stream = Stream.RGB, stream_us: int | None = None) -> Frame:
    """A picture that reaches the host at `at_us`; without a time of its own unless given."""
    depth = (SIZE[1], SIZE[0], 3) if stream is Stream.RGB else (SIZE[1], SIZE[0])
    image = np.full(depth, at_us // 1000 % 256, np.uint16 if stream is Stream.THERMAL else np.uint8)
    return Frame(stream, image, stream_us, None, host_ns(at_us))


class FailingEvents(Aedat4Writer):
    """An event file whose disk fails at the n-th write of records, as often as it is asked."""

    error: OSError
    after = 0

    def write_records(self, stream, records):
        self.after -= 1
        if self.after < 0:
            raise self.error
        super().write_records(stream, records)


def failing(error: OSError, after: int):
    def make(*arguments, **options):
        writer = FailingEvents(*arguments, **options)
        writer.error, writer.after = error, after
        return writer

    return make


class StuckEvents(Aedat4Writer):
    """An event file on a disk that does not answer until `release` is set."""

    release: threading.Event

    def write_records(self, stream, records):
        self.release.wait()
        super().write_records(stream, records)


def stuck(release: threading.Event):
    def make(*arguments, **options):
        writer = StuckEvents(*arguments, **options)
        writer.release = release
        return writer

    return make


@dataclass
class Desk:
    """A take and everything about it that a test looks at."""

    take: TakeRecording
    reservation: Reservation
    context: TakeContext
    board: PromptBoard
    said: list[str] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)

    def tick(self, at_us: int) -> None:
        self.take.tick(host_ns(at_us))

    def live(self, until_us: int, from_us: int = 0, step_us: int = 10_000, *streams: Stream) -> None:
        """Event batches and ticks as a live camera gives them."""
        for at in range(from_us, until_us, step_us):
            for stream in streams or (Stream.EVENTS,):
                self.take.ingest(batch(at, at + step_us - 1, stream=stream))
            self.tick(at + step_us)

    def part(self, suffix: str) -> Path:
        return self.reservation.part(suffix)

    def close_files(self) -> None:
        self.take.shut()
        assert self.take.writers.close(20.0)


def begin_take(
    data: Path,
    *cameras: OpenCamera,
    follows_events: bool = False,
    settings: RecorderSettings | None = None,
    script: str = SCRIPT,
    open_events=Aedat4Writer,
) -> Desk:
    """A take that waits for its first data; the first moment is now."""
    settings = settings or RecorderSettings()
    cameras = cameras or (event_camera(),)
    said: list[str] = []
    announced: list[str] = []
    board = PromptBoard()
    parsed = short_script(script)
    runner = ScriptRunner(parsed, "frown", "en", board, lambda prompt, _: announced.append(prompt.step), said.append)
    reservation = reserve(data, "frown", 4)
    streams = {info.stream: info for camera in cameras for info in camera.info.streams}
    writers = TakeWriters(reservation, streams, "Test_7", settings, open_events)
    take = TakeRecording(
        writers, cameras, runner, settings, follows_events=follows_events, begun_ns=host_ns(0), say=said.append
    )
    request = TakeRequest(data=str(data), movement="frown", subject=4, script=parsed)
    context = TakeContext(request, reservation, "2026-01-02T03:04:05.000+01:00", "max" if follows_events else "1")
    return Desk(take, reservation, context, board, said, announced)
