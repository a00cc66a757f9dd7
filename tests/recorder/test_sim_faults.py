"""Faults of a simulated camera on demand: what each does to the data, and what the truth says of it."""

import dataclasses

import numpy as np
import pytest
from camera_helpers import TestPace, events, read_to_end, surroundings, times
from sim_worlds import START_US, STEP_US, rich

from protocol.streams import VIDEO_STREAMS, Frame, Stream
from recorder.sim.faults import BURST_HZ, DURATIONS_S, UNPLUGGED, Fault
from recorder.sources.base import CameraEnded, EndReason, Prompt
from recorder.sources.spec import CameraSpec

S = 1_000_000
RECORDED = (Stream.EVENTS, Stream.IMU)
VIDEO = (Stream.RGB, Stream.THERMAL)


def rig(fault=None, prompt=lambda: None):
    around = dataclasses.replace(surroundings(TestPace()), video=VIDEO, prompt=prompt)
    return rich(CameraSpec("sim", "1", {"fault": fault} if fault else {}), around)


def read_for(camera, seconds):
    return [packet for _ in range(round(seconds * S / STEP_US)) for packet in camera.read()]


def faulty(fault, seconds=0.4):
    """(packets, truth) of a camera with a fault."""
    camera = rig(fault)
    info = camera.open()
    return read_for(camera, seconds), info.truth(None, None)


@pytest.fixture(scope="module")
def sound():
    """What the same camera gives in 3 s without a fault."""
    return faulty(None, 3.0)[0]


def test_a_stall_is_a_hole_in_every_stream():
    packets, _ = faulty("stall@0.1+0.2")
    for stream in RECORDED:
        t = times(packets, stream) - START_US
        assert not ((t >= 100_000) & (t < 300_000 - STEP_US)).any()
        assert (t < 100_000).any()
        assert (t >= 300_000).any()


def test_a_stall_without_a_length_is_for_ever():
    camera = rig("stall@0.1")
    camera.open()
    packets = read_for(camera, 0.4)
    assert times(packets, Stream.IMU).max() - START_US < 100_000
    assert read_for(camera, 0.1) == []


def test_an_unplugged_camera_ends_for_ever_after_its_last_data():
    camera = rig("unplug@0.1")
    camera.open()
    packets, end = read_to_end(camera)
    assert (end.reason, end.message) == (EndReason.LOST, UNPLUGGED)
    assert 90_000 < times(packets, Stream.IMU).max() - START_US < 100_000
    with pytest.raises(CameraEnded) as again:
        camera.read()
    assert again.value.message == end.message


@pytest.mark.parametrize(("fault", "shift_us"), [("back@0.1", -1 * S), ("jump@0.1", 2 * S), ("jump@0.1+0.5", S // 2)])
def test_the_event_cameras_clock_jumps_once_and_goes_on_from_there(fault, shift_us, sound):
    packets, truth = faulty(fault, 1.0)
    for stream in (*RECORDED, Stream.TRIGGERS, Stream.FRAMES):
        was = times(sound, stream)[: len(times(packets, stream))]
        off = times(packets, stream) - was
        assert set(off) == {0, shift_us}
        assert np.count_nonzero(np.diff(off)) == 1
    assert (truth["fault"]["kind"], truth["fault"]["by_us"]) == (fault[:4], shift_us)
    assert 0 <= truth["fault"]["at_us"] - (START_US + 100_000) < 2 * STEP_US


def test_the_frame_cameras_have_clocks_of_their_own_that_do_not_jump(sound):
    packets, _ = faulty("jump@0.1", 1.0)
    for stream in VIDEO_STREAMS:
        found = times(packets, stream)
        assert len(found)
        assert (found == times(sound, stream)[: len(found)]).all()


def test_the_subject_reads_prompts_by_the_clock_that_did_not_jump():
    screen = [Prompt(0, START_US + S // 20, "paper", "paper_in", None, "before")]
    camera = rig("jump@0.1", lambda: screen[0])
    info = camera.open()
    read_for(camera, 0.2)
    screen[0] = Prompt(1, START_US + 2 * S + S // 5, "move", "move", "smile", "after")
    read_for(camera, 0.1)
    assert info.truth(None, None)["answers"] == {"before": START_US + S // 20, "after": START_US + S // 5}


def test_the_truth_is_asked_for_in_undisturbed_time():
    camera = rig("jump@0.1")
    info = camera.open()
    read_for(camera, 0.3)
    truth = info.truth(START_US + S // 20, START_US + 2 * S + S // 5)
    assert (truth["first_us"], truth["last_us"]) == (START_US + S // 20, START_US + S // 5)


def test_a_burst_adds_12_million_events_a_second_all_over_the_sensor_and_keeps_the_others(sound):
    packets, truth = faulty("burst@0.1+0.2")
    found, others = events(packets), events(sound)
    assert (np.diff(found["t"]) >= 0).all()
    busy = (found["t"] >= START_US + 100_000) & (found["t"] < START_US + 300_000)
    others = others[others["t"] <= found["t"][-1]]
    assert len(found) - len(others) == truth["fault"]["added"]
    assert np.count_nonzero(busy) == pytest.approx(BURST_HZ * 0.2, rel=0.03)
    x, y, p = (np.bincount(found[name][busy], minlength=size) for name, size in (("x", 346), ("y", 260), ("p", 2)))
    assert [len(one) for one in (x, y, p)] == [346, 260, 2]
    for counts in (x, y, p):
        assert counts.min() > 0.8 * counts.mean()
    assert set(others.tolist()) <= set(found.tolist())


@pytest.mark.parametrize(("kind", "counted"), [("burst", "added"), ("stall", "lost"), ("half_open", "lost")])
def test_the_truth_counts_what_a_fault_did_to_the_events_between_two_times(kind, counted):
    camera = rig(f"{kind}@0.1+0.1")
    info = camera.open()
    read_for(camera, 0.1)
    assert "fault" not in info.truth(None, None)
    found = len(events(read_for(camera, 0.2)))
    truths = [info.truth(*span)["fault"] for span in ((None, None), (None, START_US + 150_000), (START_US + 250_000, None))]
    whole, half, none = (truth[counted] for truth in truths)
    assert whole == abs(found - 50 * 50)
    assert 0.4 * whole < half < 0.6 * whole
    assert none == 0
    assert set(truths[0].values()) >= {whole, 0}


def test_a_half_open_camera_gives_its_imu_and_nothing_else_while_the_frame_cameras_go_on(sound):
    packets, _ = faulty("half_open@0.1+0.2", 1.0)
    for stream in (Stream.EVENTS, Stream.TRIGGERS, Stream.FRAMES):
        t = times(packets, stream) - START_US
        assert not ((t >= 110_000) & (t < 290_000)).any()
        assert (t > 300_000).any()
    for stream in (Stream.IMU, *VIDEO_STREAMS):
        assert (times(packets, stream) == times(sound, stream)[: len(times(packets, stream))]).all()
        assert len(times(packets, stream)) > 5


def test_one_that_is_half_open_from_the_start_never_gives_an_event():
    packets, _ = faulty("half_open@0")
    assert {packet.stream for packet in packets} == {Stream.IMU, *VIDEO_STREAMS}


def test_the_pictures_of_a_faulty_camera_are_those_of_a_sound_one(sound):
    packets, _ = faulty("jump@0.1", 0.5)
    images = [packet.image for packet in packets if isinstance(packet, Frame)]
    same = [packet.image for packet in sound if isinstance(packet, Frame)][: len(images)]
    assert all((one == other).all() for one, other in zip(images, same, strict=True))


@pytest.mark.parametrize("kind", DURATIONS_S)
@pytest.mark.parametrize("length", ["", "+0.25"])
def test_a_fault_is_written_as_it_was_read(kind, length):
    assert str(Fault.parse(f"{kind}@1.5{length}")) == f"{kind}@1.5{length}"
