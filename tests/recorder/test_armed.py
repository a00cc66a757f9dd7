"""What the engine tells while cameras are open: what is armed, what each stream gives and loses, how many takes fit."""

import threading

import numpy as np
import pytest
from test_engine import Desk

from protocol.streams import EVENT_DTYPE, Frame, Records, Stream
from recorder.messages import Arm, Armed, RigSpec, State
from recorder.rates import Rates
from recorder.room import ASK_NS, STALE_NS, RoomWatch, takes_left
from recorder.settings import RecorderSettings
from recorder.sources.base import StreamInfo

S = 1_000_000_000
LIVE = RigSpec(camera="sim:1,head=builtin", rgb="sim", thermal="sim")


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.engine.shut_down()


def events(at_us: int, host_ns: int) -> Records:
    batch = np.zeros(10, EVENT_DTYPE)
    batch["t"] = at_us
    return Records(Stream.EVENTS, batch, host_ns)


# --- armed


def test_arming_tells_devices_streams_and_rates_and_the_status_the_room_for_takes(desk, tmp_path):
    settings = RecorderSettings(take_bytes=1_000_000, event_ring=1 << 16, frame_ring=4)
    desk.engine.handle(Arm(rig=LIVE, data=str(tmp_path / "not" / "yet"), settings=settings))
    statuses = lambda: [one for one in desk.reports if one.kind == "status" and one.state is State.ARMED]  # noqa: E731
    desk.until(lambda: statuses() and statuses()[-1].takes_free is not None and statuses()[-1].streams["rgb"].received > 3)
    (armed,) = desk.found(Armed)
    assert armed.rig == LIVE
    assert [(one.kind, one.simulated, one.spec) for one in armed.devices] == [("sim", True, LIVE.camera)]
    assert {name: (one.resolution, one.fps) for name, one in armed.streams.items()} == {
        "events": ((346, 260), None),
        "frames": ((346, 260), 25.0),
        "imu": (None, 1000.0),
        "triggers": (None, None),
        "rgb": ((640, 480), 30.0),
        "thermal": ((160, 120), pytest.approx(8.7, abs=0.5)),
    }
    status = statuses()[-1]
    assert status.event_resolution == (346, 260)
    assert 0 < status.takes_free <= takes_left(tmp_path, settings) + 1_000
    assert set(status.streams) == set(armed.streams)
    assert status.streams["triggers"].silent is False


def test_a_take_that_opens_the_cameras_tells_it_too(desk, tmp_path):
    desk.record(tmp_path / "data")
    (armed,) = desk.found(Armed)
    assert armed.devices[0].spec == "sim:1"


# --- gaps


def test_a_silence_longer_than_a_stall_is_said_while_it_lasts_and_counted_when_it_is_over():
    rates = Rates([StreamInfo(Stream.EVENTS, (346, 260))], stall_ns=S // 2)
    rates.saw(events(0, 0))
    rates.saw(events(400_000, 4 * S // 10))
    assert (rates.status(S // 2)["events"].silent, rates.status(S // 2)["events"].gaps) == (False, 0)
    assert rates.status(S)["events"].silent
    rates.saw(events(1_000_000, S))
    assert (rates.status(S)["events"].silent, rates.status(S)["events"].gaps) == (False, 1)


def test_a_clock_that_jumps_ahead_of_the_host_is_a_gap_and_one_that_merely_arrives_late_is_none():
    rates = Rates([StreamInfo(Stream.EVENTS, (346, 260))])
    for at_us, host_ns in ((0, 0), (300_000, S // 10), (400_000, 2 * S // 10)):
        rates.saw(events(at_us, host_ns))
    assert rates.status(S // 4)["events"].gaps == 0
    rates.saw(events(3_400_000, 3 * S // 10))
    assert rates.status(S // 4)["events"].gaps == 1


def test_triggers_and_data_that_come_faster_than_they_happened_are_never_silent():
    quick = Rates([StreamInfo(Stream.EVENTS)], live=False)
    quick.saw(events(0, 0))
    quick.saw(events(10_000_000, 9 * S))
    assert (quick.status(20 * S)["events"].silent, quick.status(20 * S)["events"].gaps) == (False, 0)
    live = Rates([StreamInfo(Stream.TRIGGERS)])
    live.saw(Records(Stream.TRIGGERS, np.zeros(1, [("t", "<i8"), ("kind", "i1")]), 0))
    assert live.status(20 * S)["triggers"].silent is False


def test_a_stream_that_has_given_nothing_yet_is_listed_with_zeros():
    status = Rates([StreamInfo(Stream.RGB, (640, 480), "host", 30.0)]).status(S)
    assert (status["rgb"].received, status["rgb"].rate) == (0, 0.0)


def test_pictures_without_a_clock_have_gaps_by_their_arrival():
    rates = Rates([StreamInfo(Stream.RGB, (2, 2), "host")])
    for host_ns in (0, S // 30, S):
        rates.saw(Frame(Stream.RGB, np.zeros((2, 2, 3), np.uint8), None, None, host_ns))
    assert rates.status(S)["rgb"].gaps == 1


# --- room


def test_takes_that_fit_are_whole_ones_above_the_reserve(tmp_path, monkeypatch):
    monkeypatch.setattr("recorder.room.free_bytes", lambda folder: 1_000)
    assert takes_left(tmp_path / "new", RecorderSettings(take_bytes=300, reserve_bytes=100)) == 3
    assert takes_left(tmp_path, RecorderSettings(take_bytes=300, reserve_bytes=2_000)) == 0


def answered(watch: RoomWatch, now_ns: int) -> int | None:
    watch.look(now_ns)
    assert watch._thread is not None
    watch._thread.join()
    return watch.takes(now_ns)


def test_a_disk_that_hangs_holds_nobody_up_and_its_last_answer_grows_old(tmp_path, monkeypatch):
    watch = RoomWatch(tmp_path, RecorderSettings())
    assert answered(watch, 0) is not None
    hanging = threading.Event()
    monkeypatch.setattr("recorder.room.free_bytes", lambda folder: hanging.wait(60) or 0)
    watch.look(ASK_NS)
    watch.look(9 * ASK_NS)
    assert watch.takes(STALE_NS - 1) is not None
    assert watch.takes(STALE_NS) is None
    hanging.set()
    watch._thread.join()


def test_a_disk_that_cannot_be_reached_has_no_number(tmp_path, monkeypatch):
    def refuse(folder):
        raise OSError("gone")

    monkeypatch.setattr("recorder.room.free_bytes", refuse)
    assert answered(RoomWatch(tmp_path, RecorderSettings()), 0) is None
