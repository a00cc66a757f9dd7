"""Colour and thermal cameras: files at the recording's pace, streams from a real server, and OpenCV's side of a device."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from camera_helpers import TestPace, frames, read_to_end, read_until, surroundings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mjpeg_server import HEIGHT, WIDTH, MjpegServer, level

from protocol.streams import Stream
from recorder.sources.base import CameraEnded, CameraError, EndReason
from recorder.sources.frame_camera import FrameCameraSettings, list_cameras
from recorder.sources.opencv_live import LiveFeed, LiveTarget, freeze
from recorder.sources.rgb import RgbCamera
from recorder.sources.thermal import ThermalCamera
from recorder.video import RgbVideoWriter, ThermalVideoWriter

ROOT = Path(__file__).parents[2]
DEFAULTS = FrameCameraSettings(open_timeout_s=10.0, read_timeout_s=10.0)  # a busy computer must not look like a dead camera
PERIOD_US = 40_000


@pytest.fixture(autouse=True)
def no_thread_is_left_behind():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def counts(index: int) -> np.ndarray:
    image = np.random.default_rng(index).integers(0, 65536, (30, 40), dtype=np.uint16)
    image[0, :2] = 0, 65535
    return image


def colour_video(path: Path, number: int = 20) -> Path:
    with RgbVideoWriter(path, lossless=True) as video:
        for index in range(number):
            video.write(np.full((48, 64, 3), (index, 100, 200), np.uint8), 10**15 + index * PERIOD_US)
    return path


def thermal_video(path: Path, number: int = 10) -> Path:
    with ThermalVideoWriter(path) as video:
        for index in range(number):
            video.write(counts(index), index * PERIOD_US)
    return path


def thermal_folder(path: Path) -> Path:
    path.mkdir()
    for index in range(12):
        cv2.imwrite(str(path / f"image{index}.png"), counts(index))
    return path


def thermal_tiff(path: Path) -> Path:
    cv2.imwritemulti(str(path), [counts(index) for index in range(10)])
    return path


def far_on() -> TestPace:
    return TestPace(follows_events=True, now_us=10**9)


# --- files


def test_a_colour_video_gives_every_picture_with_its_time(tmp_path):
    camera = RgbCamera(str(colour_video(tmp_path / "c.mp4")), DEFAULTS, surroundings(far_on()))
    info = camera.open()
    packets, end = read_to_end(camera)
    camera.close()
    assert (info.kind, info.name, info.warnings) == ("rgb", "c.mp4", ())
    assert [(s.stream, s.resolution, s.clock) for s in info.streams] == [(Stream.RGB, (64, 48), "device")]
    assert [frame.stream_us for frame in frames(packets)] == [index * PERIOD_US for index in range(20)]
    assert [frame.image[0, 0].tolist() for frame in frames(packets)] == [[index, 100, 200] for index in range(20)]
    assert end.reason is EndReason.FINISHED


@pytest.mark.parametrize("make", [thermal_video, thermal_folder, thermal_tiff])
def test_thermal_counts_of_a_file_are_never_rescaled(tmp_path, make):
    name = {thermal_video: "t.mkv", thermal_folder: "t", thermal_tiff: "t.tiff"}[make]
    camera = ThermalCamera(str(make(tmp_path / name)), DEFAULTS, surroundings(far_on()))
    info = camera.open()
    packets, _ = read_to_end(camera)
    camera.close()
    assert info.streams[0].resolution == (40, 30)
    assert not any("8-bit" in warning for warning in info.warnings)
    assert len(packets) == (12 if make is thermal_folder else 10)
    for index, frame in enumerate(frames(packets)):
        assert frame.image.dtype == np.uint16
        np.testing.assert_array_equal(frame.image, counts(index))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=10))
def test_a_file_gives_exactly_what_is_due(tmp_path, steps_us):
    path = tmp_path / "c.mp4"
    if not path.exists():
        colour_video(path)
    pace = TestPace(follows_events=False, now_us=0)
    camera = RgbCamera(str(path), DEFAULTS, surroundings(pace))
    camera.open()
    given_so_far = 0
    for step_us in steps_us:
        pace.now_us += step_us
        due = min(20, pace.now_us // PERIOD_US + 1)
        if given_so_far < 20:
            given_so_far += len(camera.read())
        assert given_so_far == due
    camera.close()


def test_a_folder_without_times_is_played_at_the_rate_that_was_set_and_says_so(tmp_path):
    camera = ThermalCamera(str(thermal_folder(tmp_path / "t")), FrameCameraSettings(fps=25), surroundings(far_on()))
    info = camera.open()
    packets, _ = read_to_end(camera)
    camera.close()
    assert "no times of its own and is taken as 25 pictures a second" in info.warnings[0]
    assert [frame.stream_us for frame in frames(packets)] == [index * 40_000 for index in range(12)]


def test_eight_bit_grey_is_kept_unscaled_under_a_warning(tmp_path):
    for index in range(3):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((4, 6), 250 + index, np.uint8))
    camera = ThermalCamera(str(tmp_path), DEFAULTS, surroundings(far_on()))
    info = camera.open()
    packets, _ = read_to_end(camera)
    camera.close()
    assert any("8-bit grey" in warning for warning in info.warnings)
    assert [(frame.image.dtype, int(frame.image[0, 0])) for frame in frames(packets)] == [
        (np.uint16, 250 + index) for index in range(3)
    ]


@pytest.mark.parametrize(("pixels", "dtype", "most"), [("gray", np.uint8, 255), ("gray12le", np.uint16, 4095)])
def test_counts_of_other_depths_are_not_stretched_to_sixteen_bits(tmp_path, pixels, dtype, most):
    image = np.random.default_rng(0).integers(0, most + 1, (30, 40)).astype(dtype)
    with av.open(str(tmp_path / "t.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=9)
        stream.width, stream.height, stream.pix_fmt = 40, 30, pixels
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, pixels)))
        container.mux(stream.encode(None))
    camera = ThermalCamera(str(tmp_path / "t.mkv"), DEFAULTS, surroundings(far_on()))
    info = camera.open()
    np.testing.assert_array_equal(frames(list(camera.read()))[0].image, image)
    camera.close()
    assert bool(info.warnings) == (dtype is np.uint8)


def test_false_colour_is_refused_as_thermal(tmp_path):
    camera = ThermalCamera(str(colour_video(tmp_path / "c.mp4")), DEFAULTS, surroundings())
    with pytest.raises(CameraError, match="false colour and no temperature counts"):
        camera.open()


def test_sixteen_bits_are_refused_as_colour(tmp_path):
    camera = RgbCamera(str(thermal_video(tmp_path / "t.mkv")), DEFAULTS, surroundings())
    with pytest.raises(CameraError, match="no colour pictures; use it as thermal camera"):
        camera.open()


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 4)])
def test_grey_and_transparent_pictures_become_bgr(tmp_path, shape):
    cv2.imwrite(str(tmp_path / "1.png"), np.full(shape, 77, np.uint8))
    camera = RgbCamera(str(tmp_path), DEFAULTS, surroundings(far_on()))
    info = camera.open()
    image = frames(list(camera.read()))[0].image
    camera.close()
    assert image.shape == (4, 6, 3)
    assert (image == 77).all()
    assert any("grey pictures" in warning for warning in info.warnings) == (len(shape) == 2)


def test_a_damaged_picture_is_passed_over_and_counted(tmp_path):
    folder = thermal_folder(tmp_path / "t")
    (folder / "image5.png").write_bytes(b"no picture")
    camera = ThermalCamera(str(folder), DEFAULTS, surroundings(far_on()))
    camera.open()
    packets, _ = read_to_end(camera)
    assert (len(packets), camera.dropped) == (11, 1)
    camera.close()


@pytest.mark.parametrize(("name", "content"), [("c.mp4", b"nothing"), ("t.tiff", b"nothing"), ("t.mkv", b"")])
def test_a_file_that_holds_no_picture_is_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CameraError, match=rf"{name}: .*\.$"):
        RgbCamera(str(tmp_path / name), DEFAULTS, surroundings()).open()


def test_an_empty_folder_is_one_sentence(tmp_path):
    with pytest.raises(CameraError, match="holds no pictures"):
        ThermalCamera(str(tmp_path), DEFAULTS, surroundings()).open()


# --- what every camera promises


def test_a_camera_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(CameraError, match="there is no such file or device; check the name"):
        RgbCamera(str(tmp_path / "nothing.mp4"), DEFAULTS, surroundings()).open()


@pytest.mark.skipif(Path("/dev/video97").exists(), reason="this computer has a camera 97")
@pytest.mark.parametrize("target", [97, "97"])
def test_a_number_without_a_camera_is_one_sentence(target):
    with pytest.raises(CameraError, match="camera 97: is not there; check its cable and number") as told:
        RgbCamera(target, DEFAULTS, surroundings()).open()
    assert "\n" not in str(told.value)


def test_a_camera_can_be_closed_before_and_twice_after_it_was_open(tmp_path):
    camera = RgbCamera(str(colour_video(tmp_path / "c.mp4")), DEFAULTS, surroundings())
    camera.close()
    camera.open()
    camera.close()
    camera.close()
    with pytest.raises(CameraEnded):
        camera.read()


# --- network cameras


def test_a_network_camera_gives_its_pictures_in_order_with_host_times_only():
    with MjpegServer() as server:
        camera = RgbCamera(server.url, DEFAULTS, surroundings())
        info = camera.open()
        got = frames(read_until(camera, lambda packets: len(packets) >= 15))
        camera.close()
    assert [(s.resolution, s.clock) for s in info.streams] == [((WIDTH, HEIGHT), "host")]
    assert info.settings["source"] == "url"
    assert [round(float(frame.image[:, : WIDTH // 4].mean())) for frame in got[:15]] == [level(n) for n in range(15)]
    assert all(frame.stream_us is None and frame.exposure_us is None for frame in got)
    assert (np.diff([frame.host_ns for frame in got]) > 0).all()


def test_pictures_that_come_before_the_first_read_are_kept():
    with MjpegServer(fps=100) as server:
        camera = RgbCamera(server.url, DEFAULTS, surroundings())
        camera.open()
        time.sleep(0.3)
        got = frames(read_until(camera, lambda packets: len(packets) >= 2))
        camera.close()
    assert round(float(got[0].image[:, : WIDTH // 4].mean())) == level(0)


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_a_network_camera_that_dies_is_lost_after_all_its_pictures(how):
    with MjpegServer() as server:
        camera = RgbCamera(server.url, FrameCameraSettings(read_timeout_s=1.0), surroundings())
        camera.open()
        read_until(camera, lambda packets: len(packets) >= 3)
        getattr(server, how)()
        _, end = read_to_end(camera)
        assert end.reason is EndReason.LOST
        assert "gives no more pictures" in end.message
        with pytest.raises(CameraEnded) as again:
            camera.read()
        assert again.value.message == end.message
        camera.close()


def test_a_stream_that_ends_gives_its_last_picture_first():
    with MjpegServer(frames=12) as server:
        camera = RgbCamera(server.url, DEFAULTS, surroundings())
        camera.open()
        packets, end = read_to_end(camera)
        camera.close()
    # The length of the last part of a multipart stream shows at the next one, which never comes.
    assert 11 <= len(packets) <= 12
    assert end.reason is EndReason.LOST


def test_what_nobody_reads_is_bounded_and_counted():
    with MjpegServer(frames=40, fps=400) as server:
        camera = RgbCamera(server.url, FrameCameraSettings(queue_frames=10), surroundings())
        camera.open()
        for thread in threading.enumerate():
            if thread.name.startswith("grab "):
                thread.join(20)
        packets, _ = read_to_end(camera)
        assert len(packets) == 10
        assert 29 <= camera.dropped <= 30
        assert round(float(frames(packets)[-1].image[:, : WIDTH // 4].mean())) >= level(38)
        camera.close()


def test_grey_pictures_over_the_network_are_thermal_counts_under_a_warning():
    with MjpegServer() as server:
        camera = ThermalCamera(server.url, DEFAULTS, surroundings())
        info = camera.open()
        got = frames(read_until(camera, lambda packets: len(packets) >= 1))
        camera.close()
    assert "8-bit grey" in info.warnings[0]
    assert got[0].image.dtype == np.uint16
    assert got[0].image[0, 0] == level(0)


def test_colour_over_the_network_is_refused_as_thermal():
    with MjpegServer(colour="colour") as server, pytest.raises(CameraError, match="false colour"):
        ThermalCamera(server.url, DEFAULTS, surroundings()).open()


def test_an_address_where_nobody_answers_is_one_sentence_without_the_password():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://someone:secret@127.0.0.1:{unused.getsockname()[1]}/video?pwd=secret"
        with pytest.raises(CameraError, match=r"http://127\.0\.0\.1:\d+/video: does not answer") as told:
            RgbCamera(url, DEFAULTS, surroundings()).open()
    assert "secret" not in str(told.value)


def test_a_server_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/video"
        with pytest.raises(CameraError, match="does not answer"):
            RgbCamera(url, FrameCameraSettings(open_timeout_s=0.5), surroundings()).open()


OPEN_NOTHING = """
import sys, time
from recorder.sources.base import CameraError, Surroundings
from recorder.sources.frame_camera import FrameCameraSettings
from recorder.sources.rgb import RgbCamera
for target in (97, "http://127.0.0.1:1/video", *sys.argv[1:]):
    try:
        RgbCamera(target, FrameCameraSettings(), Surroundings(None, lambda: None, time.monotonic_ns, time.sleep)).open()
    except CameraError:
        print("refused")
"""


def test_a_camera_that_cannot_be_opened_writes_nothing_to_stderr(tmp_path):
    broken = [tmp_path / "t.tiff", tmp_path / "c.mp4"]
    for path in broken:
        path.write_bytes(b"II*\0" + bytes(range(200)))
    done = subprocess.run([sys.executable, "-c", OPEN_NOTHING, *broken], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout.split(), done.stderr) == (["refused"] * 4, "")


# --- devices: OpenCV's side of one is played by a stand-in, since a test cannot plug a camera in


class FakeDevice:
    """A V4L2 camera as cv2.VideoCapture shows it. Gives `number` pictures, then fails as one that was unplugged."""

    def __init__(self, image: np.ndarray, number: int = 5, controls: dict[int, float] | None = None) -> None:
        self.image, self.left, self.released = image, number, False
        self.controls = controls if controls is not None else {}
        self.time_ns = 0
        self.times_us: list[int] = []

    def set(self, prop: int, value: float) -> bool:
        if prop in self.controls:
            self.controls[prop] = value
        return prop in self.controls

    def get(self, prop: int) -> float:
        size = {cv2.CAP_PROP_FRAME_WIDTH: 40.0, cv2.CAP_PROP_FRAME_HEIGHT: 30.0}
        known = {cv2.CAP_PROP_POS_MSEC: self.time_ns / 1e6, cv2.CAP_PROP_FPS: 30.0, **size}
        return known.get(prop, self.controls.get(prop, -1.0))

    def grab(self) -> bool:
        time.sleep(0.002)
        self.time_ns = time.monotonic_ns() - 10_000_000
        self.times_us.append(self.time_ns // 1000)
        self.left -= 1
        return self.left >= 0

    def retrieve(self):
        return True, self.image.copy()

    def getBackendName(self) -> str:
        return "V4L2"

    def release(self) -> None:
        self.released = True


AUTOMATIC = {
    cv2.CAP_PROP_AUTO_EXPOSURE: 3.0,
    cv2.CAP_PROP_EXPOSURE: 157.0,
    cv2.CAP_PROP_AUTO_WB: 1.0,
    cv2.CAP_PROP_WB_TEMPERATURE: 4600.0,
}


def live(device: FakeDevice, **options) -> LiveFeed:
    return LiveFeed(device, LiveTarget(0, is_url=False), FrameCameraSettings(settle_frames=2, **options), surroundings())


def drained(feed: LiveFeed):
    pictures = []
    try:
        while True:
            pictures += feed.read()
            time.sleep(0.001)
    except CameraEnded as end:
        feed.close()
        return pictures, end


def test_automatics_are_held_where_they_had_come_to_and_missing_controls_are_none():
    device = FakeDevice(counts(0), controls=dict(AUTOMATIC))
    assert freeze(device) == {
        "exposure": {"value": 157.0, "auto_off": True, "held": True},
        "gain": None,
        "white_balance": {"value": 4600.0, "auto_off": True, "held": True},
        "focus": None,
    }
    assert device.controls[cv2.CAP_PROP_AUTO_EXPOSURE] == 1.0
    assert device.controls[cv2.CAP_PROP_AUTO_WB] == 0.0


def test_a_camera_without_controls_is_no_fault():
    feed = live(FakeDevice(counts(0)))
    assert [feed.info.settings[name] for name in ("exposure", "gain", "white_balance", "focus")] == [None] * 4
    assert feed.info.warnings == ()
    drained(feed)


def test_an_unplugged_device_is_lost_after_its_last_picture_and_is_released():
    device = FakeDevice(counts(3), number=9)
    pictures, end = drained(live(device))
    assert len(pictures) == 7  # two were for settling
    assert end.reason is EndReason.LOST
    assert device.released


def test_the_drivers_time_is_moved_to_the_middle_of_the_exposure():
    device = FakeDevice(counts(3), number=20, controls=dict(AUTOMATIC))
    pictures, _ = drained(live(device))
    assert {picture.exposure_us for picture in pictures} == {15_700}
    middles_us = np.array([picture.stream_us for picture in pictures])
    assert np.abs(middles_us - (np.array(device.times_us[2:20]) + 7_850)).max() <= 1


def test_a_device_whose_time_is_of_another_clock_has_none():
    device = FakeDevice(counts(3), number=20)
    device.get = lambda prop: 1.7e12 if prop == cv2.CAP_PROP_POS_MSEC else 30.0
    feed = live(device)
    assert feed.info.clock == "host"
    assert {picture.stream_us for picture in drained(feed)[0]} == {None}


def test_counts_in_a_flat_buffer_get_their_shape_back():
    pictures, _ = drained(live(FakeDevice(counts(3).view(np.uint8).reshape(1, -1))))
    np.testing.assert_array_equal(pictures[0].image, counts(3))


def test_a_device_that_gives_nothing_is_one_sentence_and_released():
    device = FakeDevice(counts(0), number=0)
    with pytest.raises(CameraError, match="camera 0: gives no picture"):
        live(device)
    assert device.released


def test_cameras_are_listed_by_number_without_their_metadata_nodes(tmp_path):
    for number, index, name in ((10, "0", "Thermal"), (2, "0", "Webcam"), (3, "1", "Webcam")):
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / "dev" / f"video{number}").touch()
        (tmp_path / "sys" / f"video{number}").mkdir(parents=True)
        (tmp_path / "sys" / f"video{number}" / "index").write_text(index + "\n")
        (tmp_path / "sys" / f"video{number}" / "name").write_text(name + "\n")
    found = list_cameras(tmp_path / "dev", tmp_path / "sys")
    assert [(camera.spec, camera.name) for camera in found] == [("2", "Webcam"), ("10", "Thermal")]


def test_a_computer_without_cameras_lists_none(tmp_path):
    assert list_cameras(tmp_path / "dev", tmp_path / "sys") == ()
