"""What every camera keeps to, so that the engine need not know which one it reads.

To hold another camera to it, add a line to CAMERAS: a function that makes a `Candidate`.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from camera_helpers import TestPace, read_to_end, read_without_blocking, surroundings, times
from convert_helpers import turning, write_video
from fake_davis import FakeDavis
from make_aedat4 import Made, make_aedat4
from mjpeg_server import MjpegServer
from serve_aedat4 import AedatServer, free_port, free_ports
from sim_worlds import served

from protocol.streams import FRAME_STREAMS, RECORD_DTYPES, Records, Stream
from recorder.settings import FrameCameraSettings
from recorder.sim.sources import open_world
from recorder.sources.base import Camera, CameraEnded, CameraError
from recorder.sources.davis import DavisCamera, DavisSettings
from recorder.sources.network import NetworkCamera, endpoints
from recorder.sources.replay import ReplayCamera
from recorder.sources.spec import parse_camera
from recorder.sources.webcam import WebcamEvents


@dataclass(frozen=True)
class Candidate:
    """A camera that was not opened yet, what it will give, how it is made to end, and one whose `open` fails.

    expected: number of records or frames by stream, None where that is not known beforehand.
    """

    camera: Camera
    expected: dict[Stream, int] | None
    broken: Camera
    end: Callable[[], None] = field(default=lambda: None)


def counts(made: Made) -> dict[Stream, int]:
    return {
        Stream.EVENTS: len(made.events),
        Stream.FRAMES: len(made.frames),
        Stream.IMU: len(made.imu),
        Stream.TRIGGERS: len(made.triggers),
    }


def replay(folder: Path, _: ExitStack) -> Candidate:
    made = make_aedat4(folder / "take.aedat4")
    return Candidate(
        ReplayCamera(made.path, surroundings()), counts(made), ReplayCamera(folder / "missing.aedat4", surroundings())
    )


def replay_in_real_time(folder: Path, _: ExitStack) -> Candidate:
    made, pace = make_aedat4(folder / "take.aedat4"), TestPace(follows_events=False, now_us=1_000_000)
    return Candidate(
        ReplayCamera(made.path, surroundings(pace)), counts(made), ReplayCamera(folder / "missing.aedat4", surroundings())
    )


def network_tcp(folder: Path, stack: ExitStack) -> Candidate:
    return _network(folder, stack, free_ports("events", "frames", "imu", "triggers"))


def network_unix(folder: Path, stack: ExitStack) -> Candidate:
    return _network(folder, stack, {name: str(folder / name) for name in ("events", "frames", "imu", "triggers")})


def _network(folder: Path, stack: ExitStack, places: dict[str, str]) -> Candidate:
    made = make_aedat4(folder / "take.aedat4")
    server = stack.enter_context(AedatServer(made.path, places))
    spec = parse_camera("network:" + server.address)
    nobody = endpoints(f"127.0.0.1:{free_port()}", {})
    camera = NetworkCamera(endpoints(spec.target, spec.options), surroundings())
    return Candidate(camera, counts(made), NetworkCamera(nobody, surroundings()))


def davis(folder: Path, _: ExitStack) -> Candidate:
    made = make_aedat4(folder / "take.aedat4")
    device = FakeDavis(made.path)

    def nothing_there(serial: str | None) -> FakeDavis:
        raise IndexError("vector::_M_range_check")

    return Candidate(
        DavisCamera(None, DavisSettings(), surroundings(), lambda serial: device),
        counts(made),
        DavisCamera(None, DavisSettings(), surroundings(), nothing_there),
        device.unplug,
    )


def sim(_: Path, __: ExitStack) -> Candidate:
    """At full speed the world goes on with every read, until it is unplugged."""
    around = dataclasses.replace(surroundings(), video=(Stream.RGB, Stream.THERMAL))
    camera, broken = (open_world(parse_camera(text), around) for text in ("sim:1,fault=unplug@0.3", "sim:1,rate=many"))
    return Candidate(camera, None, broken)


def sim_process(_: Path, __: ExitStack) -> Candidate:
    return _sim_process(TestPace())


def sim_process_in_real_time(_: Path, __: ExitStack) -> Candidate:
    return _sim_process(TestPace(follows_events=False))


def _sim_process(pace: TestPace) -> Candidate:
    around = dataclasses.replace(surroundings(pace), video=(Stream.RGB, Stream.THERMAL))
    camera, broken = (served("rich", around, text) for text in ("sim:1,fault=unplug@0.3", "sim:1,fault=explode@1"))
    return Candidate(camera, None, broken)


def webcam_file(folder: Path, _: ExitStack) -> Candidate:
    video, settings = write_video(folder / "clip.mp4", turning(8)[0]), FrameCameraSettings()
    missing = WebcamEvents(folder / "missing.mp4", settings, surroundings())
    return Candidate(WebcamEvents(video, settings, surroundings()), {Stream.FRAMES: 8}, missing)


def webcam_url(folder: Path, stack: ExitStack) -> Candidate:
    server, settings = stack.enter_context(MjpegServer(fps=100)), FrameCameraSettings(read_timeout_s=1.0, open_timeout_s=1.0)
    nobody = WebcamEvents(f"http://127.0.0.1:{free_port()}/video", settings, surroundings())
    return Candidate(WebcamEvents(server.url, settings, surroundings()), None, nobody, server.kill)


CAMERAS = [
    pytest.param(replay, id="replay"),
    pytest.param(replay_in_real_time, id="replay-real-time"),
    pytest.param(network_tcp, id="network-tcp"),
    pytest.param(network_unix, id="network-unix"),
    pytest.param(davis, id="davis"),
    pytest.param(sim, id="sim"),
    pytest.param(sim_process, id="sim-process"),
    pytest.param(sim_process_in_real_time, id="sim-process-real-time"),
    pytest.param(webcam_file, id="webcam-file"),
    pytest.param(webcam_url, id="webcam-url"),
]


@pytest.fixture(params=CAMERAS)
def candidate(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Candidate]:
    before = set(threading.enumerate())
    with ExitStack() as stack:
        candidate = request.param(tmp_path, stack)
        stack.callback(candidate.camera.close)
        yield candidate
    assert set(threading.enumerate()) <= before, "the camera left a thread behind"


def test_open_names_the_streams_and_their_resolutions(candidate: Candidate) -> None:
    info = candidate.camera.open()
    streams = [stream.stream for stream in info.streams]
    assert info.kind
    assert info.name
    assert len(set(streams)) == len(streams) > 0
    for stream in info.streams:
        has_pixels = stream.stream in FRAME_STREAMS or stream.stream is Stream.EVENTS
        assert (stream.resolution is not None) == has_pixels
        assert stream.clock in ("device", "host")


def test_nothing_is_lost_between_open_and_the_first_read(candidate: Candidate) -> None:
    candidate.camera.open()
    time.sleep(0.2)
    candidate.end()
    packets, _ = read_to_end(candidate.camera)
    if candidate.expected is not None:
        assert {stream: len(times(packets, stream)) for stream in candidate.expected} == candidate.expected


def test_every_packet_has_the_shape_that_its_stream_promises(candidate: Candidate) -> None:
    info = candidate.camera.open()
    candidate.end()
    packets, _ = read_to_end(candidate.camera)
    resolutions = {stream.stream: stream.resolution for stream in info.streams}
    assert {packet.stream for packet in packets} <= set(resolutions)
    for packet in packets:
        assert packet.host_ns > 0
        if isinstance(packet, Records):
            assert packet.records.dtype == RECORD_DTYPES[packet.stream]
            assert packet.records.ndim == 1
            assert len(packet.records) >= 1
        else:
            width, height = resolutions[packet.stream] or (0, 0)
            assert packet.image.shape[:2] == (height, width)
            assert packet.image.dtype in (np.uint8, np.uint16)


def test_events_lie_on_the_sensor_and_have_a_polarity_of_0_or_1(candidate: Candidate) -> None:
    info = candidate.camera.open()
    candidate.end()
    packets, _ = read_to_end(candidate.camera)
    width, height = next(stream.resolution or (0, 0) for stream in info.streams if stream.stream is Stream.EVENTS)
    for packet in packets:
        if packet.stream is Stream.EVENTS and isinstance(packet, Records):
            assert packet.records["x"].min() >= 0
            assert packet.records["x"].max() < width
            assert packet.records["y"].min() >= 0
            assert packet.records["y"].max() < height
            assert set(np.unique(packet.records["p"])) <= {0, 1}


def test_time_never_runs_backwards_within_a_stream(candidate: Candidate) -> None:
    info = candidate.camera.open()
    candidate.end()
    packets, _ = read_to_end(candidate.camera)
    for stream in info.streams:
        assert (np.diff(times(packets, stream.stream)) >= 0).all()


def test_after_the_last_packet_the_camera_has_ended_for_ever(candidate: Candidate) -> None:
    candidate.camera.open()
    candidate.end()
    _, end = read_to_end(candidate.camera)
    for _ in range(3):
        with pytest.raises(CameraEnded) as again:
            candidate.camera.read()
        assert (again.value.reason, again.value.message) == (end.reason, end.message)


def test_reading_returns_whether_or_not_there_is_something(candidate: Candidate) -> None:
    candidate.camera.open()
    for _ in range(3):
        try:
            read_without_blocking(candidate.camera)
        except CameraEnded:
            break


def test_closing_twice_is_harmless(candidate: Candidate) -> None:
    candidate.camera.open()
    candidate.camera.close()
    candidate.camera.close()
    with pytest.raises(CameraEnded):
        candidate.camera.read()


def test_closing_what_never_opened_is_harmless(candidate: Candidate) -> None:
    candidate.camera.close()


def test_a_failed_open_is_one_sentence_and_can_be_closed(candidate: Candidate) -> None:
    with pytest.raises(CameraError) as error:
        candidate.broken.open()
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")
    candidate.broken.close()
    candidate.broken.close()
