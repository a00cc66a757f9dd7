"""A webcam as an event camera: videos, folders and a network stream turned into events, up to a whole take."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from camera_helpers import TestPace, events, frames, read_to_end, read_until, surroundings, times
from convert_helpers import FRAME_US, write_folder, write_video
from mjpeg_server import HEIGHT, WIDTH, MjpegServer
from stations import SHORT, assert_readable_by_all, manifest_of

from app.main import main
from protocol.streams import Stream
from protocol.subjects import Purpose
from recorder.dataset import Dataset
from recorder.settings import FrameCameraSettings
from recorder.sources.base import CameraEnded, CameraError, EndReason
from recorder.sources.registry import default_registry, open_camera
from recorder.sources.webcam import WebcamEvents
from recorder.subject_store import SubjectStore


def webcam(target, pace=None, **settings):
    return WebcamEvents(target, FrameCameraSettings(**settings), surroundings(pace))


def walking_bar(count, size=(120, 90)):
    """A bright bar that goes from left to right, 2 pixels a picture."""
    pictures = []
    for k in range(count):
        picture = np.full((size[1], size[0]), 60, np.uint8)
        picture[:, 2 * k + 10 : 2 * k + 20] = 180
        pictures.append(picture)
    return pictures


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "bar.mp4", walking_bar(20))


def test_the_registry_makes_one_of_what_the_user_wrote(video):
    camera = open_camera(f"webcam:{video}", surroundings(), default_registry())
    info = camera.open()
    camera.close()
    assert (info.kind, info.name, info.simulated) == ("webcam", "bar.mp4", True)
    assert {stream.stream: stream.resolution for stream in info.streams} == {Stream.EVENTS: (120, 90), Stream.FRAMES: (120, 90)}
    assert info.settings["pixel"]["pos_thres"] == 0.2


def test_every_picture_is_given_in_grey_with_the_events_that_lead_to_it(video):
    camera = webcam(video)
    camera.open()
    packets, end = read_to_end(camera)
    assert end.reason is EndReason.FINISHED
    np.testing.assert_array_equal(times(packets, Stream.FRAMES), np.arange(20) * FRAME_US)
    for frame, picture in zip(frames(packets), walking_bar(20), strict=True):
        np.testing.assert_array_equal(frame.image, picture)
    before_us = 0
    for packet in packets:
        if packet.stream is Stream.EVENTS:
            assert before_us < packet.records["t"].min()
            assert packet.records["t"].max() <= before_us + FRAME_US
        else:
            before_us = packet.stream_us
    assert len(np.unique(events(packets)["t"])) > 200  # spread over the microseconds, not one time a picture


def test_a_bar_that_goes_right_gives_on_events_at_its_right_edge_and_off_events_at_its_left(video):
    camera = webcam(video)
    camera.open()
    packets, _ = read_to_end(camera)
    between = events(packets)
    between = between[(between["t"] > FRAME_US) & (between["t"] <= 2 * FRAME_US)]
    assert set(between["x"][between["p"] == 1]) == {22, 23}
    assert set(between["x"][between["p"] == 0]) == {12, 13}


@pytest.mark.parametrize(("size", "fitted"), [((640, 480), (346, 260)), ((640, 360), (346, 195)), ((120, 90), (120, 90))])
def test_a_large_picture_is_made_to_fit_the_sensor_in_its_own_shape(tmp_path, size, fitted):
    camera = webcam(write_video(tmp_path / "clip.mp4", walking_bar(2, size)))
    (events_info, frames_info) = camera.open().streams
    packets, _ = read_to_end(camera)
    assert events_info.resolution == frames_info.resolution == fitted
    assert {frame.image.shape for frame in frames(packets)} == {fitted[::-1]}


def test_a_variable_frame_rate_keeps_its_times(tmp_path):
    stamps = np.cumsum([0, 33_333, 200_000, 10_000, 33_333])
    camera = webcam(write_video(tmp_path / "clip.mp4", walking_bar(5), stamps))
    camera.open()
    packets, _ = read_to_end(camera)
    np.testing.assert_array_equal(times(packets, Stream.FRAMES), stamps)


def test_in_real_time_a_file_is_played_as_fast_as_it_happened(video):
    pace = TestPace(follows_events=False)
    camera = webcam(video, pace)
    camera.open()
    assert len(camera.read()) == 1
    assert camera.read() == []
    pace.now_us = 3 * FRAME_US
    assert len(frames(camera.read())) == 3
    assert camera.read() == []
    camera.close()


def test_a_folder_of_pictures_is_a_camera_too(tmp_path):
    camera = webcam(write_folder(tmp_path / "pictures", walking_bar(6)), fps=100)
    info = camera.open()
    packets, end = read_to_end(camera)
    assert any("100 pictures a second" in warning for warning in info.warnings)
    assert (len(frames(packets)), end.reason) == (6, EndReason.FINISHED)


def test_a_network_camera_is_on_the_hosts_clock_and_ends_as_lost():
    with MjpegServer(frames=15) as server:
        camera = webcam(server.url, read_timeout_s=1.0)
        info = camera.open()
        packets, end = read_to_end(camera)
        camera.close()
    assert {stream.clock for stream in info.streams} == {"host"}
    assert {stream.resolution for stream in info.streams} == {(WIDTH, HEIGHT)}
    for frame in frames(packets):
        assert frame.stream_us == frame.host_ns // 1000
    assert (np.diff(times(packets, Stream.FRAMES)) > 0).all()
    assert len(events(packets)) > 0
    assert end.reason is EndReason.LOST


def test_a_network_camera_gives_events_while_it_runs():
    with MjpegServer(fps=100) as server:
        camera = webcam(server.url)
        camera.open()
        read_until(camera, lambda packets: any(packet.stream is Stream.EVENTS for packet in packets))
        camera.close()
    with pytest.raises(CameraEnded):
        camera.read()


@pytest.mark.parametrize(
    ("name", "sentence"), [("missing.mp4", "there is no such file or device"), ("broken.mp4", "cannot be read")]
)
def test_what_is_no_camera_is_one_sentence(tmp_path, name, sentence):
    (tmp_path / "broken.mp4").write_bytes(b"nonsense" * 100)
    camera = webcam(tmp_path / name)
    with pytest.raises(CameraError, match=sentence):
        camera.open()
    camera.close()


# A whole take


@pytest.fixture
def record(tmp_path, capsys):
    """A function that records subject 4, who has consented, and gives (exit code, document, what was said)."""
    data = Dataset.create(tmp_path / "data", "data", simulated=True).path
    SubjectStore(data).add(subject=4, consents={Purpose.RECORD: date(2026, 1, 2)})
    (tmp_path / "short.yaml").write_text(SHORT)
    (tmp_path / "settings.yaml").write_text("take_bytes: 1000000\nevent_ring: 65536\nframe_ring: 4\n")

    def run(*options):
        script = ("--script", tmp_path / "short.yaml", "--settings", tmp_path / "settings.yaml")
        arguments = (
            "record",
            "--data",
            data,
            "--subject",
            4,
            "--movement",
            "frown",
            "--json",
            "--speed",
            "max",
            *script,
            *options,
        )
        code = main([str(one) for one in arguments])
        told = capsys.readouterr()
        return code, json.loads(told.out) if told.out else None, told.err

    return run


def test_a_video_makes_a_whole_take_by_the_script(tmp_path, record, capsys):
    long = [np.roll(walking_bar(1, (60, 40))[0], 3 * k, axis=1) for k in range(100)]
    video = write_video(tmp_path / "long.mp4", long)
    code, told, said = record("--camera", f"webcam:{video}")
    assert (code, told["status"]) == (0, "complete"), said
    manifest = manifest_of(told["path"])
    assert manifest.simulated
    assert [step.step for step in manifest.steps] == ["settle", "paper_in", "countdown", "neutral", "movement"]
    assert told["counts"]["frames"]["written"] >= 2.4e6 / FRAME_US
    assert_readable_by_all(told["path"])
    assert main(["verify", str(Path(told["path"]).parents[1])]) == 0
    assert main(["inspect", told["path"], "--json"]) == 0
    text = capsys.readouterr().out
    assert json.loads(text[text.index("[") :])[0]["problems"] == []


def test_a_video_that_is_too_short_keeps_everything_it_gave_as_partial(record, video):
    code, told, said = record("--camera", f"webcam:{video}")
    assert (code, told["status"], told["finish_reason"]) == (1, "partial", "source_ended"), said
    assert told["counts"]["frames"] == {"received": 20, "written": 20}


def test_a_webcam_needs_consent(record, video):
    code, told, said = record("--camera", f"webcam:{video}", "--subject", 5)
    assert (code, told) == (2, None)
    assert "subject 5 has no valid consent" in said
