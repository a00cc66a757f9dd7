"""From a take that has ended to its files: status, discarding, manifest, checksums, and the failures on the way."""

import errno
import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from recording_helpers import (
    EVENT0_US,
    SCRIPT_US,
    batch,
    begin_take,
    event_camera,
    failing,
    frame_camera,
    picture,
    stuck,
)

from protocol.manifest import FinishReason, Manifest, TakeStatus
from protocol.streams import Stream
from recorder.aedat4.writer import Aedat4Writer
from recorder.closing import close_take, file_records, provisional, save_provisional, sha256, status_of
from recorder.frametable import FrameTableWriter
from recorder.recording import LATE_US, Ending
from recorder.takewriters import TakeWriters

ALL_WRITTEN = {"events": {"received": 9, "written": 9}, "imu": {"received": 0, "written": 0}}
ONE_LOST = {"events": {"received": 9, "written": 9}, "rgb": {"received": 3, "written": 2}}
NOTHING = {"events": {"received": 0, "written": 0}}
PLANNED = (FinishReason.SCRIPT_ENDED, FinishReason.STOPPED)


@pytest.mark.parametrize("reason", list(FinishReason))
def test_a_take_is_complete_only_when_it_ended_as_planned_and_all_is_written(reason):
    expected = TakeStatus.COMPLETE if reason in PLANNED else TakeStatus.PARTIAL
    assert status_of(Ending(reason), ALL_WRITTEN) is expected


@pytest.mark.parametrize("reason", list(FinishReason))
@pytest.mark.parametrize("counts", [ONE_LOST, NOTHING, {}])
def test_a_take_that_lost_something_or_holds_nothing_has_failed(reason, counts):
    assert status_of(Ending(reason), counts) is TakeStatus.FAILED


def recorded(desk, until_us=100_000):
    desk.take.ingest(picture(5_000))
    desk.live(until_us, 0, 10_000, Stream.EVENTS, Stream.IMU)
    return desk


def closed(desk, drain_s=20.0):
    desk.take.shut()
    return close_take(desk.context, desk.take, drain_s)


def names(desk):
    return sorted(path.name for path in desk.reservation.folder.iterdir())


def refused_after(close):
    """Closes, and then meets an error all the same, as an fsync does."""

    def refuse(file):
        close(file)
        raise OSError(errno.EIO, "Input/output error")

    return refuse


def manifest_of(done):
    return Manifest.parse(Path(done.manifest).read_bytes(), done.manifest)


def test_a_whole_take_has_its_names_a_manifest_and_nothing_beside_it(tmp_path):
    desk = recorded(begin_take(tmp_path, event_camera(Stream.IMU), frame_camera()), SCRIPT_US + LATE_US + 30_000)
    done = closed(desk)
    assert (done.status, done.finish_reason) == ("complete", "script_ended")
    assert done.path == str(tmp_path / "4" / "frown_4_1.aedat4")
    assert names(desk) == [".numbers", *(f"frown_4_1{suffix}" for suffix in (".aedat4", ".frames.csv", ".json", ".rgb.mp4"))]
    manifest = manifest_of(done)
    assert (manifest.movement, manifest.subject, manifest.number) == ("frown", 4, 1)
    assert manifest.status is TakeStatus.COMPLETE
    assert manifest.start_us == desk.take.start_us
    assert manifest.stop_us == manifest.start_us + SCRIPT_US
    assert manifest.t0_scheduled_us == manifest.start_us + 2_000_000
    assert manifest.cue_us == manifest.start_us + 3_000_000
    assert manifest.t0_us is None
    assert [step.step for step in manifest.steps] == ["settle", "paper", "neutral", "movement"]
    assert manifest.recorded_at == "2026-01-02T03:04:05.000+01:00"


def test_what_was_asked_of_the_take_is_in_its_manifest(tmp_path):
    desk = recorded(begin_take(tmp_path, event_camera(Stream.IMU), frame_camera()), SCRIPT_US + LATE_US + 30_000)
    check = {"level": "red", "confirmed": True, "checks": [{"name": "focus", "value": 0.2}], "deviations": ["Other biases."]}
    asked = {"practice": True, "repetition": 3, "rig_check": check, "profile": "ab12"}
    request = desk.context.request.model_copy(update=asked)
    desk.take.shut()
    manifest = manifest_of(close_take(replace(desk.context, request=request), desk.take, 20.0))
    assert {key: getattr(manifest, key) for key in asked} == asked


def test_the_manifest_tells_what_became_of_every_stream(tmp_path):
    desk = recorded(begin_take(tmp_path, event_camera(Stream.IMU), frame_camera()))
    desk.take.end(FinishReason.SOURCE_LOST, "The camera was unplugged.")
    done = closed(desk)
    manifest = manifest_of(done)
    assert manifest.status is TakeStatus.PARTIAL
    assert manifest.finish_message == "The camera was unplugged."
    assert done.counts == {name: {"received": s.received, "written": s.written} for name, s in manifest.streams.items()}
    events, rgb = manifest.streams["events"], manifest.streams["rgb"]
    assert (events.received, events.written) == (200, 200)
    assert (events.first_us, events.last_us) == (EVENT0_US, EVENT0_US + 99_999)
    assert (events.clock, events.event_minus_host_us, events.device) == ("device", None, 0)
    assert (rgb.received, rgb.clock, rgb.device) == (1, "host", 1)
    assert rgb.event_minus_host_us == desk.take.event_minus_host_us
    assert [device.kind for device in manifest.devices] == ["test", "webcam"]
    assert abs(events.clock_fit.drift_ppm) < 1


def test_the_truth_is_asked_for_once_and_for_just_the_events_of_the_take(tmp_path):
    asked = []
    camera = event_camera(Stream.IMU)
    camera = replace(camera, info=replace(camera.info, truth=lambda *span: asked.append(span) or {"movement": "frown"}))
    desk = begin_take(tmp_path, camera, frame_camera())
    assert provisional(desk.context, recorded(desk).take).truth is None
    desk.take.end(FinishReason.SOURCE_LOST)
    assert manifest_of(closed(desk)).truth == {"movement": "frown"}
    assert asked == [(EVENT0_US, EVENT0_US + 99_999)]


def test_a_take_whose_script_never_began_has_no_truth(tmp_path):
    camera = event_camera()
    camera = replace(camera, info=replace(camera.info, truth=lambda *span: {"movement": "of the take before"}))
    desk = begin_take(tmp_path, camera, frame_camera())
    desk.live(100_000)
    desk.take.end(FinishReason.ABORTED)
    assert manifest_of(closed(desk)).truth is None


def test_size_and_checksum_of_every_file_are_right(tmp_path):
    desk = recorded(begin_take(tmp_path, event_camera(Stream.IMU), frame_camera()))
    desk.take.end(FinishReason.ABORTED)
    manifest = manifest_of(closed(desk))
    assert set(manifest.files) == {".aedat4", ".frames.csv", ".rgb.mp4"}
    for suffix, record in manifest.files.items():
        data = desk.reservation.final(suffix).read_bytes()
        assert record.bytes == len(data)
        assert record.sha256 == hashlib.sha256(data).hexdigest()


def test_a_take_that_received_nothing_leaves_no_file_and_keeps_its_number(tmp_path):
    desk = begin_take(tmp_path)
    desk.take.end(FinishReason.NO_FIRST_DATA, "No events.")
    done = closed(desk)
    assert (done.path, done.manifest, done.status, done.finish_reason) == (None, None, "failed", "no_first_data")
    assert names(desk) == [".numbers"]
    assert begin_and_discard(tmp_path) == 2


def begin_and_discard(data):
    desk = begin_take(data)
    desk.take.end(FinishReason.ABORTED)
    closed(desk)
    return desk.reservation.name.number


def test_a_take_whose_disk_was_full_is_kept_as_failed(tmp_path):
    desk = begin_take(tmp_path, open_events=failing(OSError(errno.ENOSPC, "No space left on device"), after=3))
    at = 0
    while desk.take.ending is None:
        desk.take.ingest(batch(at, at + 9_999))
        at += 10_000
    done = closed(desk)
    assert (done.status, done.finish_reason) == ("failed", "disk_full")
    assert "The disk is full" in done.message
    assert done.counts["events"]["written"] == manifest_of(done).streams["events"].written == 60
    assert not desk.part(".ballast").exists()


@pytest.mark.parametrize(
    ("reason", "told"),
    [(FinishReason.SCRIPT_ENDED, FinishReason.WRITE_ERROR), (FinishReason.ABORTED, FinishReason.ABORTED)],
)
def test_files_that_could_not_be_finished_make_a_failed_take_however_it_ended(tmp_path, monkeypatch, reason, told):
    desk = begin_take(tmp_path)
    desk.live(50_000)
    desk.take.end(reason)

    monkeypatch.setattr(Aedat4Writer, "close", refused_after(Aedat4Writer.close))
    done = closed(desk)
    assert (done.status, done.finish_reason) == ("failed", told)


def test_a_frame_table_that_cannot_be_finished_makes_a_failed_take(tmp_path, monkeypatch):
    desk = recorded(begin_take(tmp_path, event_camera(Stream.IMU), frame_camera()))
    desk.take.end(FinishReason.STOPPED)

    monkeypatch.setattr(FrameTableWriter, "close", refused_after(FrameTableWriter.close))
    done = closed(desk)
    assert (done.status, done.finish_reason) == ("failed", "write_error")
    assert done.path is not None


def test_a_disk_that_takes_nothing_any_more_leaves_the_parts_for_recover(tmp_path):
    release = threading.Event()
    desk = begin_take(tmp_path, open_events=stuck(release))
    desk.take.ingest(batch(0, 9_999))
    desk.take.end(FinishReason.ABORTED, "The operator ended the take.")
    done = closed(desk, drain_s=0.05)
    release.set()
    assert (done.path, done.status, done.finish_reason) == (None, "failed", "disk_stalled")
    assert "run `glimpse recover`" in done.message
    assert desk.part(".aedat4").exists()
    assert desk.reservation.lock.exists()
    wait_for_writers(desk.take.writers)


def wait_for_writers(writers: TakeWriters) -> None:
    assert writers.close(20.0)


def test_a_name_that_is_taken_meanwhile_costs_neither_file(tmp_path):
    desk = begin_take(tmp_path)
    desk.live(50_000)
    desk.take.end(FinishReason.STOPPED)
    desk.reservation.final(".aedat4").write_text("precious")
    done = closed(desk)
    assert (done.path, done.status, done.finish_reason) == (None, "failed", "write_error")
    assert "frown_4_1.aedat4: exists already" in done.message
    assert desk.reservation.final(".aedat4").read_text() == "precious"
    assert desk.part(".aedat4").stat().st_size > 0


def test_the_provisional_manifest_says_what_will_be_true_if_the_process_dies_now(tmp_path):
    desk = begin_take(tmp_path)
    desk.live(50_000)
    save_provisional(desk.context, provisional(desk.context, desk.take))
    path = desk.part(".json")
    manifest = Manifest.parse(path.read_text(), str(path))
    assert (manifest.status, manifest.finish_reason) == (TakeStatus.PARTIAL, FinishReason.CAPTURE_DIED)
    assert manifest.start_us == desk.take.start_us
    desk.take.end(FinishReason.ABORTED)
    assert manifest_of(closed(desk)).finish_reason is FinishReason.ABORTED


def test_checksums_leave_out_what_is_written_later(tmp_path):
    for suffix in (".aedat4", ".json", ".analysis.json", ".rgb.mp4"):
        (tmp_path / f"smile_1_1{suffix}").write_bytes(suffix.encode())
    (tmp_path / "smile_1_1.labels").mkdir()
    (tmp_path / "smile_1_10.aedat4").touch()
    records = file_records(tmp_path, "smile_1_1")
    assert set(records) == {".aedat4", ".rgb.mp4"}
    assert records[".rgb.mp4"].sha256 == sha256(tmp_path / "smile_1_1.rgb.mp4") == hashlib.sha256(b".rgb.mp4").hexdigest()
