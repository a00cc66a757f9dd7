"""Recordings played as cameras."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dv_processing as dv
import numpy as np
import pytest
from camera_helpers import TestPace, events, frames, read_to_end, read_until, surroundings, times
from make_aedat4 import EXPOSURE_US, START_US, event_store, make_aedat4

from protocol.manifest import FinishReason, Manifest, TakeStatus
from protocol.streams import Stream
from recorder.sources.base import CameraError, CameraInfo, EndReason
from recorder.sources.replay import PIECE_US, ReplayCamera

REAL = {
    "davis346_lab_lamps.aedat4": {Stream.EVENTS: 117_667, Stream.FRAMES: 3, Stream.IMU: 130, Stream.TRIGGERS: 15},
    "davis346_road_bad_timerange.aedat4": {Stream.EVENTS: 6_676, Stream.FRAMES: 4, Stream.IMU: 160, Stream.TRIGGERS: 17},
}


class Replays:
    """Opens recordings and closes them when the test is over."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self, path: Path, pace: TestPace | None = None, *, loop: bool = False) -> ReplayCamera:
        self.make(path, pace, loop=loop)
        self.camera.open()
        return self.camera

    def opened(self, path: Path) -> CameraInfo:
        return self.make(path).open()

    def make(self, path: Path, pace: TestPace | None = None, *, loop: bool = False) -> ReplayCamera:
        self.camera = ReplayCamera(path, surroundings(pace), loop=loop)
        self._stack.callback(self.camera.close)
        return self.camera


@pytest.fixture
def replay() -> Iterator[Replays]:
    with ExitStack() as stack:
        yield Replays(stack)


@pytest.mark.parametrize("name", REAL)
def test_every_event_of_a_real_recording_arrives(replay: Replays, test_data: Path, name: str) -> None:
    path = test_data / "aedat4" / name
    packets, end = read_to_end(replay(path))
    reader, parts = dv.io.MonoCameraRecording(str(path)), []
    while (batch := reader.getNextEventBatch()) is not None:
        parts.append(batch.numpy())
    expected, got = np.concatenate(parts), events(packets)
    for ours, theirs in (("t", "timestamp"), ("x", "x"), ("y", "y"), ("p", "polarity")):
        assert (got[ours] == expected[theirs]).all()
    assert end.reason is EndReason.FINISHED
    assert {stream: len(times(packets, stream)) for stream in REAL[name]} == REAL[name]


@pytest.mark.parametrize("name", REAL)
def test_frames_and_imu_come_in_between_the_events_not_after_them(replay: Replays, test_data: Path, name: str) -> None:
    packets, _ = read_to_end(replay(test_data / "aedat4" / name))
    starts = [int(times([packet], packet.stream)[0]) for packet in packets]
    assert (np.diff(starts) >= 0).all()


def test_a_frame_is_dated_to_the_middle_of_its_exposure(replay: Replays, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4")
    packets, _ = read_to_end(replay(made.path))
    assert [frame.stream_us for frame in frames(packets)] == (made.frames + EXPOSURE_US // 2).tolist()
    assert {frame.exposure_us for frame in frames(packets)} == {EXPOSURE_US}
    assert [int(frame.image[5, 5]) for frame in frames(packets)] == list(range(len(made.frames)))


def test_in_real_time_only_what_is_due_is_given(replay: Replays, tmp_path: Path) -> None:
    made, pace = make_aedat4(tmp_path / "a.aedat4"), TestPace(follows_events=False)
    camera = replay(made.path, pace)
    for now_us in range(0, 100_001, 1_250):
        pace.now_us = now_us
        packets = list(camera.read()) if now_us < 100_000 else []
        got = times(packets, Stream.EVENTS)
        due = made.events[(made.events <= START_US + now_us) & (made.events > START_US + now_us - 1_250)]
        if now_us < 100_000:
            assert got.tolist() == due.tolist()


def test_a_reader_that_comes_late_gets_it_all_in_small_pieces(replay: Replays, tmp_path: Path) -> None:
    made, pace = make_aedat4(tmp_path / "a.aedat4"), TestPace(follows_events=False, now_us=10_000_000)
    packets = replay(made.path, pace).read()
    assert times(list(packets), Stream.EVENTS).tolist() == made.events.tolist()
    for packet in packets:
        span = times([packet], packet.stream)
        assert span[-1] - span[0] <= PIECE_US


@pytest.mark.parametrize("follows_events", [True, False])
def test_a_loop_repeats_every_stream_with_rising_times(replay: Replays, tmp_path: Path, follows_events: bool) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", duration_us=40_000)
    pace = TestPace(follows_events=follows_events, now_us=0 if follows_events else 400_000)
    camera = replay(made.path, pace, loop=True)
    packets = read_until(camera, lambda packets: len(times(packets, Stream.EVENTS)) >= 5 * len(made.events))
    for stream, written in ((Stream.EVENTS, made.events), (Stream.IMU, made.imu), (Stream.TRIGGERS, made.triggers)):
        got = times(packets, stream)
        assert (np.diff(got) > 0).all()
        rounds = got[: 4 * len(written)].reshape(4, len(written))
        assert (rounds - rounds[:, :1] == written - written[0]).all()
    assert (np.diff(times(packets, Stream.FRAMES)) > 0).all()
    camera.close()


def test_two_rounds_of_a_loop_are_as_far_apart_as_two_event_packets(replay: Replays, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", duration_us=40_000, step_us=50, others=False)
    camera = replay(made.path, loop=True)
    packets = read_until(camera, lambda packets: len(times(packets, Stream.EVENTS)) > 2 * len(made.events))
    got = times(packets, Stream.EVENTS)
    assert set(np.diff(got)) == {50}


def test_an_empty_recording_ends_at_once_even_in_a_loop(replay: Replays, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", events=False, others=False)
    for loop in (False, True):
        packets, end = read_to_end(replay(made.path, loop=loop))
        assert packets == []
        assert end.reason is EndReason.FINISHED


def test_a_recording_without_events_gives_its_other_streams(replay: Replays, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", events=False)
    packets, _ = read_to_end(replay(made.path))
    assert len(times(packets, Stream.IMU)) == len(made.imu)
    assert len(times(packets, Stream.FRAMES)) == len(made.frames)


def test_a_recording_of_events_alone_names_no_other_stream(replay: Replays, tmp_path: Path) -> None:
    path = tmp_path / "a.aedat4"
    writer = dv.io.MonoCameraWriter(str(path), dv.io.MonoCameraWriter.EventOnlyConfig("X", (64, 48)))
    writer.writeEvents(event_store(np.arange(10) + START_US))
    del writer
    info = replay.opened(path)
    assert [(stream.stream, stream.resolution) for stream in info.streams] == [(Stream.EVENTS, (64, 48))]


def test_a_stray_early_trigger_does_not_hold_the_events_back(replay: Replays, tmp_path: Path) -> None:
    path = tmp_path / "a.aedat4"
    writer = dv.io.MonoCameraWriter(str(path), dv.io.MonoCameraWriter.DAVISConfig("X", (346, 260)))
    writer.writeTrigger(dv.Trigger(0, dv.TriggerType.TIMESTAMP_RESET))
    writer.writeEvents(event_store(np.arange(10) + START_US))
    del writer
    camera = replay(path, TestPace(follows_events=False, now_us=10))
    assert len(times(list(camera.read()), Stream.EVENTS)) == 10


def test_a_recording_that_was_cut_off_is_played_up_to_the_cut_and_says_so(replay: Replays, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4")
    whole = made.path.read_bytes()
    made.path.write_bytes(whole[: len(whole) * 2 // 3])
    camera = replay.make(made.path)
    assert any("cut off" in warning for warning in camera.open().warnings)
    packets, end = read_to_end(camera)
    got = times(packets, Stream.EVENTS)
    assert 0 < len(got) < len(made.events)
    assert got.tolist() == made.events[: len(got)].tolist()
    assert "cut off" in end.message


def test_a_damaged_packet_is_left_out_and_named_at_the_end(replay: Replays, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "a.aedat4", others=False)
    data = bytearray(made.path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    made.path.write_bytes(data)
    packets, end = read_to_end(replay(made.path))
    assert 0 < len(times(packets, Stream.EVENTS)) < len(made.events)
    assert "cannot be decoded" in end.message


def bad_files() -> dict[str, bytes | None]:
    return {
        "missing.aedat4": None,
        "empty.aedat4": b"",
        "text.aedat4": b"not a recording at all",
        "magic.aedat4": b"#!AER-DAT4.0\r\n",
        "old.aedat": b"#!AER-DAT3.1\r\n" + bytes(100),
        "garbage.aedat4": b"#!AER-DAT4.0\r\n" + bytes(range(256)) * 20,
    }


@pytest.mark.parametrize("name", bad_files())
def test_what_is_no_recording_is_one_sentence_that_names_the_file(replay: Replays, tmp_path: Path, name: str) -> None:
    content = bad_files()[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CameraError) as error:
        ReplayCamera(tmp_path / name, surroundings()).open()
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_is_no_recording(replay: Replays, tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="folder"):
        ReplayCamera(tmp_path, surroundings()).open()


def test_a_simulated_take_stays_simulated_when_it_is_replayed(replay: Replays, tmp_path: Path) -> None:
    made = make_aedat4(tmp_path / "frown_4_1.aedat4")
    manifest = Manifest(
        movement="frown",
        subject=4,
        number=1,
        status=TakeStatus.COMPLETE,
        finish_reason=FinishReason.SCRIPT_ENDED,
        recorded_at="2024-01-01T00:00:00+00:00",
        simulated=True,
    )
    assert not replay.opened(made.path).simulated
    made.path.with_suffix(".json").write_text(manifest.to_json(), "utf-8")
    assert replay.opened(made.path).simulated
    made.path.with_suffix(".json").write_text("{", "utf-8")
    assert any("simulated" in warning for warning in replay.opened(made.path).warnings)


def test_packets_reach_the_host_when_they_are_given_not_when_they_are_read_ahead(replay: Replays, tmp_path: Path) -> None:
    made, pace = make_aedat4(tmp_path / "a.aedat4"), TestPace(follows_events=False)
    camera = replay(made.path, pace)
    before_ns = time.monotonic_ns()
    pace.now_us = 50_000
    assert all(packet.host_ns >= before_ns for packet in camera.read())
