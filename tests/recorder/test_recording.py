"""One take while it is recorded, with a clock moved by hand: what is kept, when it begins, and why it ends."""

import errno
import threading
from dataclasses import replace

import pytest
from recording_helpers import (
    EVENT0_US,
    FREE_SCRIPT,
    HOST0_US,
    SCRIPT_US,
    batch,
    begin_take,
    event_camera,
    failing,
    frame_camera,
    host_ns,
    picture,
    stuck,
)

from protocol.manifest import FinishReason, How
from protocol.streams import Stream
from recorder.aedat4.reader import Aedat4File
from recorder.frametable import read_frame_table
from recorder.recording import LATE_US, Gate
from recorder.settings import RecorderSettings


def event_times(path):
    with Aedat4File(path) as file:
        return (file.records(Stream.EVENTS)["t"] - EVENT0_US).tolist()


@pytest.fixture
def start(tmp_path):
    """Begins takes and closes their files at the end of the test."""
    desks = []

    def begin(*cameras, **options):
        desks.append(begin_take(tmp_path, *cameras, **options))
        return desks[-1]

    yield begin
    for desk in desks:
        desk.take.end(FinishReason.ABORTED)
        desk.close_files()


# --- beginning


def test_a_take_keeps_everything_from_the_first_batch_though_the_script_begins_later(start):
    desk = start(event_camera(), frame_camera())
    desk.take.ingest(batch(0, 100))
    desk.take.ingest(batch(101, 200))
    desk.tick(50_000)
    assert desk.take.start_us is None
    desk.take.ingest(picture(60_000))
    desk.tick(60_000)
    assert desk.take.start_us == EVENT0_US + 60_000
    desk.take.end(FinishReason.ABORTED)
    desk.close_files()
    assert event_times(desk.part(".aedat4"))[0] == 0
    assert desk.take.counts()["events"] == {"received": 40, "written": 40}


def test_the_script_begins_only_when_every_camera_has_given_its_first_data(start):
    desk = start(event_camera(), frame_camera(Stream.RGB), frame_camera(Stream.THERMAL))
    given_first = [batch(0, 100), picture(10_000, Stream.RGB), picture(20_000, Stream.THERMAL)]
    for at_us, packet in zip((5_000, 15_000, 25_000), given_first, strict=True):
        assert (desk.take.start_us, desk.announced) == (None, [])
        desk.take.ingest(packet)
        desk.tick(at_us)
    assert desk.take.start_us == EVENT0_US + 25_000
    assert desk.announced == ["settle"]


def test_the_other_streams_of_the_event_camera_are_not_waited_for(start):
    desk = start(event_camera(Stream.IMU, Stream.FRAMES))
    desk.take.ingest(batch(0, 100))
    desk.tick(200)
    assert desk.take.start_us is not None


def test_a_camera_that_gives_nothing_ends_the_take_and_is_named(start):
    desk = start(event_camera(), frame_camera())
    for at in range(0, 4_900_000, 100_000):
        desk.take.ingest(batch(at, at + 99_999))
        desk.tick(at + 100_000)
    assert desk.take.ending is None
    desk.tick(5_000_000)
    assert desk.take.ending.reason is FinishReason.NO_FIRST_DATA
    assert "colour pictures from Test webcam within 5 s" in desk.take.ending.message


def test_pictures_without_a_clock_are_held_and_then_carry_event_time(start):
    desk = start(event_camera(), frame_camera())
    desk.take.ingest(picture(1_000))
    desk.take.ingest(picture(30_000))
    assert desk.take.counts()["rgb"]["received"] == 0
    desk.take.ingest(batch(0, 40_000, late_us=3_000))
    desk.take.ingest(batch(40_001, 50_000, late_us=1_000))
    desk.tick(55_000)
    desk.take.ingest(picture(60_000))
    desk.take.end(FinishReason.ABORTED)
    desk.close_files()
    rows = read_frame_table(desk.part(".frames.csv"))[Stream.RGB]
    shift_us = EVENT0_US - HOST0_US - 1_000  # the least late batch was 1 ms late
    assert desk.take.event_minus_host_us == shift_us
    assert rows["stream_us"].tolist() == [HOST0_US + shift_us + at for at in (1_000, 30_000, 60_000)]
    assert rows["host_ns"].tolist() == [host_ns(at) for at in (1_000, 30_000, 60_000)]


def test_pictures_with_a_clock_of_their_own_keep_its_times(start):
    desk = start(event_camera(), frame_camera(clock="device"))
    desk.take.ingest(picture(1_000, stream_us=77))
    desk.take.ingest(batch(0, 100))
    desk.tick(2_000)
    desk.take.end(FinishReason.ABORTED)
    desk.close_files()
    assert read_frame_table(desk.part(".frames.csv"))[Stream.RGB]["stream_us"].tolist() == [77]


def test_held_pictures_of_a_take_that_never_began_are_kept_all_the_same(start):
    desk = start(event_camera(), frame_camera())
    desk.take.ingest(picture(1_000))
    desk.take.ingest(picture(34_000))
    desk.take.end(FinishReason.ABORTED)
    desk.close_files()
    assert desk.take.counts()["rgb"] == {"received": 2, "written": 2}
    assert len(read_frame_table(desk.part(".frames.csv"))[Stream.RGB]) == 2


# --- silence


def test_a_stall_is_said_at_500_ms_and_recorded_as_a_gap(start):
    desk = start()
    desk.live(100_000)
    desk.tick(599_000)
    assert desk.said == []
    desk.tick(600_000)
    desk.tick(700_000)
    assert desk.said == desk.take.notices == ["The stream events has given nothing for 500 ms."]
    desk.take.ingest(batch(800_000, 810_000))
    (gap,) = desk.take.tallies[Stream.EVENTS].gaps
    assert (gap.stream, gap.kind) == ("events", "stall")
    assert (gap.start_us - EVENT0_US, gap.end_us - EVENT0_US) == (99_999, 800_000)
    assert desk.take.ending is None


def test_a_second_stall_is_said_again(start):
    desk = start()
    for begin in (0, 1_000_000):
        desk.live(begin + 100_000, begin)
        desk.tick(begin + 700_000)
    assert len(desk.said) == 2


def test_a_stall_that_lasts_until_the_end_of_the_take_is_a_gap_too(start):
    desk = start(event_camera(Stream.IMU))
    desk.live(100_000, 0, 10_000, Stream.EVENTS, Stream.IMU)
    desk.live(1_000_000, 100_000)
    desk.take.end(FinishReason.ABORTED)
    desk.close_files()
    (gap,) = desk.take.tallies[Stream.IMU].gaps
    assert (gap.start_us - EVENT0_US, gap.end_us - EVENT0_US) == (99_999, 1_000_000)
    assert desk.take.tallies[Stream.EVENTS].gaps == []


def test_a_camera_that_stays_silent_ends_the_take(start):
    desk = start(event_camera(), frame_camera(), settings=RecorderSettings(stall_end_s=2.0))
    desk.live(100_000)
    desk.take.ingest(picture(100_000))
    for at in range(100_000, 2_100_000, 100_000):
        desk.take.ingest(batch(at + 1, at + 100_000))
        desk.tick(at + 100_000)
    assert desk.take.ending is None
    desk.take.ingest(batch(2_100_001, 2_110_000))
    desk.tick(2_110_000)
    assert desk.take.ending.reason is FinishReason.STALLED
    assert desk.take.ending.message == "No colour pictures from Test webcam for 2 s."


def test_triggers_may_be_silent_for_ever(start):
    desk = start(event_camera(Stream.TRIGGERS))
    desk.live(3_000_000)
    assert desk.said == []


def test_where_time_is_event_time_a_slow_host_is_no_stall(start):
    desk = start(follows_events=True)
    desk.take.ingest(batch(0, 10_000))
    desk.tick(3_000_000)
    assert desk.said == []


# --- clocks


def test_time_running_backwards_ends_the_take_with_what_came_before(start):
    desk = start()
    desk.live(50_000)
    jumped = batch(50_000, 59_000, 10)
    jumped.records["t"][6:] -= 1_000_000
    desk.take.ingest(jumped)
    desk.take.ingest(batch(60_000, 69_000))
    desk.close_files()
    assert desk.take.ending.reason is FinishReason.TIME_BACKWARDS
    assert "events" in desk.take.ending.message
    times = event_times(desk.part(".aedat4"))
    assert times[-1] == 55_000
    assert times == sorted(times)
    assert desk.take.counts()["events"] == {"received": 5 * 20 + 6, "written": 5 * 20 + 6}


def test_a_batch_wholly_in_the_past_ends_the_take_and_is_left_out(start):
    desk = start()
    desk.live(50_000)
    desk.take.ingest(batch(0, 9_000))
    desk.close_files()
    assert desk.take.ending.reason is FinishReason.TIME_BACKWARDS
    assert desk.take.counts()["events"] == {"received": 100, "written": 100}


def test_a_picture_that_goes_back_in_time_ends_the_take(start):
    desk = start(event_camera(), frame_camera(clock="device"))
    desk.take.ingest(batch(0, 100))
    for at, stream_us in ((1_000, 500), (2_000, 400)):
        desk.take.ingest(picture(at, stream_us=stream_us))
    desk.close_files()
    assert desk.take.ending.reason is FinishReason.TIME_BACKWARDS
    assert desk.take.counts()["rgb"] == {"received": 1, "written": 1}


def test_a_jump_ahead_of_the_host_is_recorded_and_goes_on(start):
    desk = start()
    desk.live(50_000)
    ahead = batch(3_050_000, 3_059_999, late_us=-3_000_000)
    desk.take.ingest(ahead)
    assert desk.take.ending is None
    (gap,) = desk.take.tallies[Stream.EVENTS].gaps
    assert (gap.kind, gap.start_us - EVENT0_US, gap.end_us - EVENT0_US) == ("forward_jump", 49_999, 3_050_000)


# --- the end


def test_a_take_ends_with_its_script(start):
    desk = start()
    desk.live(SCRIPT_US + 10_000)
    assert desk.take.ending is None
    desk.live(SCRIPT_US + LATE_US + 30_000, SCRIPT_US + 10_000)
    assert desk.take.ending.reason is FinishReason.SCRIPT_ENDED
    assert desk.announced == ["settle", "paper", "neutral", "movement"]
    desk.close_files()
    assert desk.take.counts()["events"]["received"] == desk.take.counts()["events"]["written"] > 0


def test_events_that_come_late_after_the_stop_are_kept(start):
    desk = start()
    desk.live(SCRIPT_US)
    stop_us = desk.take.start_us - EVENT0_US + SCRIPT_US
    desk.tick(stop_us + 1_000)
    assert desk.take.script.finished is FinishReason.SCRIPT_ENDED
    assert desk.take.ending is None
    late = batch(SCRIPT_US, stop_us + 4_000, late_us=190_000)
    desk.tick(stop_us + 190_000)
    desk.take.ingest(late)
    assert desk.take.ending is None
    desk.tick(stop_us + LATE_US + 1_000)
    assert desk.take.ending.reason is FinishReason.SCRIPT_ENDED
    desk.close_files()
    assert event_times(desk.part(".aedat4"))[-1] == stop_us + 4_000


def test_a_silent_camera_is_waited_for_200_ms_and_no_longer(start):
    desk = start()
    desk.live(SCRIPT_US)
    stop_us = desk.take.start_us - EVENT0_US + SCRIPT_US
    desk.tick(stop_us + 199_000)
    assert desk.take.ending is None
    desk.tick(stop_us + 201_000)
    assert desk.take.ending.reason is FinishReason.SCRIPT_ENDED


def test_where_time_is_event_time_the_events_themselves_end_the_take(start):
    desk = start(follows_events=True)
    for at in range(0, SCRIPT_US + 100_000, 20_000):
        desk.take.ingest(batch(at, at + 19_999))
    assert desk.take.ending.reason is FinishReason.SCRIPT_ENDED
    assert desk.take.now_us(host_ns(0)) >= desk.take.script.stop_us
    assert desk.announced == ["settle", "paper", "neutral", "movement"]


def test_the_operator_ends_a_script_early_as_an_abort(start):
    desk = start()
    desk.live(100_000)
    desk.take.stop(host_ns(100_000))
    assert desk.take.ending.reason is FinishReason.ABORTED


def test_the_operator_ends_a_script_of_free_length_as_planned(start):
    desk = start(script=FREE_SCRIPT)
    desk.live(3_500_000)
    desk.take.stop(host_ns(3_500_000))
    desk.live(3_500_000 + LATE_US + 20_000, 3_500_000)
    assert desk.take.ending.reason is FinishReason.STOPPED
    assert desk.take.script.stop_us == EVENT0_US + 3_500_000


def test_a_mark_before_the_script_runs_is_said_and_ignored(start):
    desk = start()
    desk.take.mark("paper_out", None, How.PRESSED, host_ns(0))
    assert desk.said == ["The mark paper_out came while no script was running and was ignored."]


def test_a_pressed_mark_is_at_the_event_time_of_its_moment(start):
    desk = start()
    desk.live(1_700_000)
    desk.take.mark("paper_out", None, How.PRESSED, host_ns(1_700_000))
    assert desk.take.script.t0_us == EVENT0_US + 1_700_000
    assert desk.take.notices == []


def test_the_first_reason_stays(start):
    desk = start()
    desk.take.end(FinishReason.SOURCE_LOST, "unplugged")
    desk.take.end(FinishReason.ABORTED, "the operator saw it")
    assert (desk.take.ending.reason, desk.take.ending.message) == (FinishReason.SOURCE_LOST, "unplugged")


def test_after_the_end_nothing_is_taken_in(start):
    desk = start()
    desk.live(50_000)
    desk.take.end(FinishReason.ABORTED)
    desk.take.ingest(batch(50_000, 59_000))
    desk.take.shut()
    desk.take.ingest(batch(60_000, 69_000))
    desk.close_files()
    assert desk.take.counts()["events"] == {"received": 100, "written": 100}


# --- the disk


def test_a_disk_that_does_not_answer_ends_a_live_take(start):
    release = threading.Event()
    desk = start(open_events=stuck(release), settings=RecorderSettings(queue_bytes=1 << 20))
    for at in range(0, 200_000, 10_000):
        desk.take.ingest(batch(at, at + 9_999, count=10_000))
    reason = desk.take.ending.reason
    release.set()
    desk.close_files()
    assert reason is FinishReason.DISK_STALLED
    counts = desk.take.counts()["events"]
    # Six batches of 160 kB; the seventh passed 1 MiB, and was received all the same.
    assert counts == {"received": 70_000, "written": 60_000}


def test_a_full_speed_take_waits_for_the_disk(start):
    release = threading.Event()
    desk = start(open_events=stuck(release), settings=RecorderSettings(queue_bytes=1 << 20), follows_events=True)

    def feed():
        for at in range(0, 200_000, 10_000):
            desk.take.ingest(batch(at, at + 9_999, count=10_000))

    feeder = threading.Thread(target=feed)
    feeder.start()
    feeder.join(0.3)
    assert feeder.is_alive()
    release.set()
    feeder.join()
    desk.take.end(FinishReason.ABORTED)
    desk.close_files()
    assert desk.take.counts()["events"] == {"received": 200_000, "written": 200_000}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, FinishReason.DISK_FULL),
        (errno.EDQUOT, FinishReason.DISK_FULL),
        (errno.EIO, FinishReason.WRITE_ERROR),
    ],
)
def test_a_write_that_fails_ends_the_take_with_its_reason(start, code, reason):
    desk = start(open_events=failing(OSError(code, "no"), after=3))
    at = 0
    while desk.take.ending is None:
        desk.take.ingest(batch(at, at + 9_999))
        at += 10_000
    assert desk.take.ending.reason is reason
    desk.close_files()
    counts = desk.take.counts()["events"]
    assert counts["written"] == 60
    assert counts["received"] > 60


def test_a_disk_that_stands_still_while_held_pictures_are_released_ends_the_take_and_not_the_process(start, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr("recorder.takewriters.RgbVideoWriter.write", lambda *_: release.wait())
    desk = start(event_camera(), frame_camera(), settings=RecorderSettings(queue_bytes=1 << 20))
    for at in range(0, 4_000_000, 30_000):
        desk.take.ingest(picture(at))
    desk.take.ingest(batch(0, 100))
    desk.tick(4_000_000)  # the engine's own thread releases them: 134 pictures of 9 kB
    release.set()
    assert desk.take.ending.reason is FinishReason.DISK_STALLED


# --- the gate


def test_a_shut_gate_lets_nobody_in_and_waits_for_those_inside():
    gate = Gate()
    assert gate.enter()
    shutter = threading.Thread(target=gate.shut)
    shutter.start()
    while gate.enter():
        gate.leave()
    assert shutter.is_alive()
    gate.leave()
    shutter.join()
    assert not gate.enter()


def test_two_pictures_of_one_time_are_both_kept_with_that_time(start):
    desk = start(event_camera(), frame_camera(clock="device"))
    desk.live(50_000)
    for at, stream_us in ((1_000, 700), (2_000, 700), (3_000, 900)):
        desk.take.ingest(picture(at, stream_us=stream_us))
    assert desk.take.ending is None
    desk.take.end(FinishReason.ABORTED)
    desk.close_files()
    assert desk.take.counts()["rgb"] == {"received": 3, "written": 3}
    assert read_frame_table(desk.part(".frames.csv"))["rgb"]["stream_us"].tolist() == [700, 700, 900]


def test_a_picture_older_than_the_one_before_ends_the_take(start):
    desk = start(event_camera(), frame_camera(clock="device"))
    desk.take.ingest(picture(1_000, stream_us=700))
    desk.take.ingest(picture(2_000, stream_us=699))
    assert desk.take.ending.reason is FinishReason.TIME_BACKWARDS


def test_pictures_that_a_camera_dropped_during_the_take_are_counted(start):
    dropped = [5]
    camera = frame_camera()
    desk = start(event_camera(), replace(camera, info=replace(camera.info, dropped=lambda: dropped[0])))
    dropped[0] = 8
    assert (desk.take.dropped(Stream.RGB), desk.take.dropped(Stream.EVENTS)) == (3, 0)


def test_packets_that_an_event_camera_dropped_are_counted_once_and_said(start):
    dropped = [0]
    camera = event_camera(Stream.IMU)
    desk = start(replace(camera, info=replace(camera.info, dropped=lambda: dropped[0])))
    dropped[0] = 4
    assert (desk.take.dropped(Stream.EVENTS), desk.take.dropped(Stream.IMU)) == (4, 0)
    desk.take.end(FinishReason.ABORTED)
    desk.close_files()
    assert desk.said == ["The camera's own queue dropped 4 packets; give the computer less to do."]


def test_an_event_camera_that_gives_no_events_is_no_camera_though_its_imu_goes_on(start):
    desk = start(event_camera(Stream.IMU))
    desk.live(5_100_000, 0, 100_000, Stream.IMU)
    assert (desk.take.start_us, desk.take.ending.reason) == (None, FinishReason.NO_FIRST_DATA)
    assert "No events from Test camera" in desk.take.ending.message


def test_events_that_stop_while_the_imu_goes_on_are_a_stall_at_any_speed(start):
    for follows_events in (False, True):
        desk = start(event_camera(Stream.IMU), follows_events=follows_events, settings=RecorderSettings(stall_end_s=2.0))
        desk.live(100_000, 0, 10_000, Stream.EVENTS, Stream.IMU)
        desk.live(2_200_000, 100_000, 100_000, Stream.IMU)
        assert (desk.take.ending.reason, desk.take.ending.message) == (
            FinishReason.STALLED,
            "No events from Test camera for 2 s.",
        )


# --- an imagined host


def imagined(camera):
    """The camera on a host that exists only in the simulator."""
    return replace(camera, info=replace(camera.info, virtual_host_clock=True))


def test_an_imagined_host_gives_pictures_without_a_clock_their_event_time(start):
    desk = start(imagined(event_camera()), imagined(frame_camera()), follows_events=True)
    desk.take.ingest(picture(20_000))
    desk.take.ingest(batch(0, 50_000, late_us=3_000))
    desk.take.ingest(picture(60_000))
    desk.take.end(FinishReason.ABORTED)
    desk.close_files()
    shift_us = EVENT0_US - HOST0_US - 3_000
    rows = read_frame_table(desk.part(".frames.csv"))[Stream.RGB]
    assert rows["stream_us"].tolist() == [HOST0_US + shift_us + at for at in (20_000, 60_000)]
    assert desk.take.stream_records()["rgb"].event_minus_host_us == shift_us


def test_a_real_camera_beside_an_imagined_host_keeps_to_the_real_one(start):
    desk = start(imagined(event_camera()), frame_camera(), follows_events=True)
    desk.take.ingest(batch(10_000_000, 10_050_000))  # ten seconds of the simulator's time after it began to be read
    desk.take.ingest(picture(1_000))
    desk.take.ingest(batch(10_060_000, 10_070_000))
    assert desk.take.start_us is not None
    assert desk.take.stream_records()["rgb"].event_minus_host_us == EVENT0_US + 10_070_000 - HOST0_US


def test_whether_an_imagined_host_stands_still_is_asked_of_the_real_one(start):
    desk = start(imagined(event_camera()), follows_events=True, settings=RecorderSettings(stall_end_s=2.0))
    for at in range(0, 3_000_000, 100_000):
        desk.tick(at)
        desk.take.ingest(replace(batch(at // 10, at // 10 + 9_999), host_ns=at))
    assert desk.take.ending is None
    for at in range(3_000_000, 5_200_000, 100_000):
        desk.tick(at)
    assert desk.take.ending.reason is FinishReason.STALLED


def test_live_there_is_no_imagined_host(start):
    desk = start(imagined(event_camera()))
    desk.live(100_000)
    record = desk.take.stream_records()["events"]
    assert (record.virtual_host, record.clock_fit is not None) == (False, True)


def test_a_disk_that_does_not_answer_ends_a_take_at_full_speed_too(start):
    release = threading.Event()
    desk = start(follows_events=True, open_events=stuck(release), settings=RecorderSettings(queue_s=0.05))
    desk.take.ingest(batch(0, 9_999))
    while desk.take.writers.waiting_s() <= 0.05:
        threading.Event().wait(0.01)
    desk.tick(10_000)
    release.set()
    assert desk.take.ending.reason is FinishReason.DISK_STALLED


@pytest.mark.parametrize("reason", [FinishReason.SOURCE_ENDED, FinishReason.ABORTED, FinishReason.PARENT_GONE])
def test_what_happens_after_the_script_is_over_does_not_make_the_take_partial(start, reason):
    desk = start()
    desk.live(SCRIPT_US + 10_000)
    assert desk.take.script.finished
    desk.take.end(reason, "too late")
    assert desk.take.ending.reason is FinishReason.SCRIPT_ENDED


def test_a_write_error_after_the_script_is_over_still_counts(start):
    desk = start()
    desk.live(SCRIPT_US + 10_000)
    desk.take.end(FinishReason.DISK_FULL, "full")
    assert desk.take.ending.reason is FinishReason.DISK_FULL


def test_a_process_that_stood_still_does_not_call_its_take_complete(start):
    desk = start()
    desk.live(300_000)
    desk.tick(60_000_000)
    assert desk.take.ending.reason is FinishReason.STALLED
    assert "stood still" in desk.take.ending.message
