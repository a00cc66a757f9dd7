"""The simulated rig in a process of its own: the same data as in this one, in step or live, and every way in which it ends."""

import contextlib
import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from camera_helpers import TestPace, read_to_end, read_until, surroundings, times
from sim_worlds import FLOOD_STEPS, START_US, STEP_US, imagined_host_ns, rich, served
from stations import is_gone, wait_until

from protocol.streams import Records, Stream
from recorder.sim import client
from recorder.sim.client import LAST_LINES, RemoteRig
from recorder.sim.sources import open_sim
from recorder.sources.base import CameraEnded, CameraError, EndReason, Prompt
from recorder.sources.spec import parse_camera

BOTH = (Stream.RGB, Stream.THERMAL)


def around(*, live=False, video=(), prompt=lambda: None):
    return dataclasses.replace(surroundings(TestPace(follows_events=not live)), video=video, prompt=prompt)


@contextlib.contextmanager
def opened(camera):
    """(camera, what it says of itself), closed in the end; its process must be gone then."""
    try:
        yield camera, camera.open()
    finally:
        pids = own_children()
        camera.close()
    assert not set(own_children()) & set(pids)


OTHERS: set[int] = set()  # what other tests of this program keep running, such as an X server


@pytest.fixture(autouse=True)
def _others():
    OTHERS.clear()
    OTHERS.update(child.pid for child in psutil.Process().children())


def own_children():
    return [child.pid for child in psutil.Process().children() if child.pid not in OTHERS]


def rig_process():
    """The process of the one rig that is open."""
    (child,) = (child for child in psutil.Process().children() if child.pid not in OTHERS)
    return child


def steps(camera, count):
    """The packets of so many steps, by step."""
    found = []
    while len(found) < count:
        packets = camera.read()
        if packets:
            found.append(packets)
    return found


def same(one, other):
    """Whether two packets agree in everything but when they reached the host."""
    array, its = (one.records, other.records) if isinstance(one, Records) else (one.image, other.image)
    fields = [[getattr(it, name, None) for name in ("stream", "stream_us", "exposure_us")] for it in (one, other)]
    return fields[0] == fields[1] and array.dtype == its.dtype and np.array_equal(array, its)


def shown(index, text="x"):
    return Prompt(index, START_US, "step", "move", "smile", text)


# --- the same data


def test_at_full_speed_every_packet_is_what_the_same_world_gives_in_this_process():
    text = "sim:3,fault=burst@0.2+0.02"
    here = rich(parse_camera(text), around(video=BOTH))
    assert here.open().streams
    expected = [packet for _ in range(100) for packet in here.read()]
    with opened(served("rich", around(video=BOTH), text)) as (camera, _):
        found = [packet for packets in steps(camera, 100) for packet in packets]
    assert len(found) == len(expected)
    assert all(same(one, other) for one, other in zip(found, expected, strict=True))
    assert {packet.stream for packet in found} == set(Stream)


def test_live_every_packet_is_what_the_same_world_gives_at_full_speed_until_it_is_unplugged():
    found = []
    for live in (False, True):
        with opened(served("rich", around(live=live, video=BOTH), "sim:3,fault=unplug@0.3")) as (camera, _):
            found.append(read_to_end(camera)[0])
    assert all(same(one, other) for one, other in zip(*found, strict=True))


def test_what_an_open_camera_says_of_itself_is_what_it_says_here():
    text = "sim:7,fault=stall@3"
    here = rich(parse_camera(text), around(video=BOTH)).open()
    with opened(served("rich", around(video=BOTH), text)) as (_, info):
        for name in ("kind", "name", "streams", "serial", "simulated", "settings", "warnings", "virtual_host_clock"):
            assert getattr(info, name) == getattr(here, name)


# --- what the subject sees


def test_the_next_step_is_made_with_the_prompt_known_before_the_last_one_was_handed_on():
    screen = [None]
    with opened(served("plain", around(prompt=lambda: screen[0]))) as (camera, info):
        for index in range(6):
            steps(camera, 1)
            screen[0] = shown(index, str(index))
        truth = info.truth(None, None)
    assert truth["shown"] == [None, None, "0", "1", "2", "3", "4"]


def test_live_a_prompt_is_passed_on_when_it_changes():
    screen = [shown(0, "neutral")]
    with opened(served("plain", around(live=True, prompt=lambda: screen[0]))) as (camera, info):
        for text in ("neutral", "one", "two", None):
            screen[0] = shown(1, text) if text else None
            read_until(camera, lambda _, text=text: info.truth(None, None)["shown"][-1:] == [text])


def test_nothing_happens_live_before_the_first_read():
    with opened(served("plain", around(live=True))) as (camera, info):
        time.sleep(0.1)
        assert info.truth(None, None)["steps"] == 0
        read_until(camera, bool)
        assert info.truth(None, None)["steps"] > 0


def test_the_truth_is_asked_for_what_lies_between_two_times():
    with opened(served("plain", around())) as (camera, info):
        steps(camera, 3)
        assert info.truth(5, 7) == {"shown": [None] * 4, "steps": 4, "first_us": 5, "last_us": 7}


# --- the host's clock


def test_packets_are_stamped_when_they_arrive():
    for live in (True, False):
        begun_ns = time.monotonic_ns()
        with opened(served("rich", around(live=live))) as (camera, _):
            packets = read_until(camera, lambda packets: len(packets) > 20)
        stamps = [packet.host_ns for packet in packets]
        assert begun_ns < stamps[0] <= stamps[-1] < time.monotonic_ns()
        assert stamps == sorted(stamps)


def test_an_imagined_host_stamps_them_at_full_speed_and_never_live():
    with opened(served("imagined", around())) as (camera, info):
        assert info.virtual_host_clock
        packets = [packet for packets in steps(camera, 30) for packet in packets]
    expected = [imagined_host_ns(step * STEP_US) for step in range(1, 31)]
    assert [packet.host_ns for packet in packets if packet.stream is Stream.EVENTS] == expected
    with opened(served("imagined", around(live=True))) as (camera, info):
        assert not info.virtual_host_clock
        now_ns = time.monotonic_ns()
        assert all(packet.host_ns >= now_ns for packet in read_until(camera, bool))


# --- bounds


def test_a_live_rig_that_is_not_read_drops_whole_packets_and_counts_them():
    with opened(served("flood", around(live=True))) as (camera, info):
        packets = read_until(camera, bool)
        time.sleep(1.0)
        rest, end = read_to_end(camera)
        packets += rest
        dropped = info.dropped()
    instants = [int(t) for t in np.unique(times(packets, Stream.EVENTS))]
    assert (end.reason, end.message) == (EndReason.FINISHED, "The flood is over.")
    assert dropped > 0
    assert len(instants) == len(packets)
    assert len(packets) + dropped == FLOOD_STEPS


def test_at_full_speed_nothing_is_ever_dropped():
    with opened(served("flood", around())) as (camera, info):
        packets = read_until(camera, bool)
        time.sleep(0.2)
        packets += read_to_end(camera)[0]
        assert len(packets) == FLOOD_STEPS
        assert info.dropped() == 0


# --- the end


def test_a_killed_process_is_a_lost_camera_and_its_last_truth_remains():
    for live in (True, False):
        with opened(served("plain", around(live=live))) as (camera, info):
            read_until(camera, bool)
            rig_process().kill()
            _, end = read_to_end(camera)
            assert end.reason is EndReason.LOST
            assert end.message == "The process of the simulated rig was ended by signal 9; start again."
            assert info.truth(1, 2)["snapshot"]


def test_a_stopped_process_gives_nothing_and_can_be_closed(monkeypatch):
    for patience in ("CLOSE_S", "TRUTH_S"):
        monkeypatch.setattr(client, patience, 0.2)
    for live in (True, False):
        with opened(served("plain", around(live=live))) as (camera, info):
            read_until(camera, bool)
            process = rig_process()
            process.suspend()
            while camera.read():
                pass
            assert camera.read() == []
            assert info.truth(1, 2)["snapshot"]


def test_the_rest_is_read_before_the_end_is_told_and_the_end_is_told_for_ever():
    with opened(served("rich", around(live=True), "sim:1,fault=unplug@0.1")) as (camera, info):
        packets = read_until(camera, bool)
        wait_until(lambda: not own_children(), "the rig to be unplugged")
        rest, end = read_to_end(camera)
        packets += rest
        assert times(packets, Stream.IMU)[-1] - times(packets, Stream.IMU)[0] > 80_000
        assert end.message == "The simulated camera was unplugged."
        assert info.truth(None, None)["fault"]["kind"] == "unplug"
        with pytest.raises(CameraEnded, match="unplugged"):
            camera.read()


def test_a_defect_of_the_world_is_told_in_one_sentence():
    with opened(served("defective", around())) as (camera, _):
        packets, end = read_to_end(camera)
    assert len(packets) == 3
    assert end.message == "The simulated rig has a defect (ValueError: the mesh has no faces); please report it."


def test_a_process_that_closes_its_pipe_and_stays_is_ended(monkeypatch):
    monkeypatch.setattr(client, "KILLED_S", 0.2)
    with opened(served("mute", around())) as (camera, _):
        _, end = read_to_end(camera)
        assert "signal 9" in end.message


@pytest.mark.parametrize(
    ("world", "told"),
    [
        ("unopenable", "The world was not created; try again in seven days."),
        ("unmakeable", "The simulated rig has a defect (ValueError: the mesh has no faces); please report it."),
        (
            "incomplete",
            "The simulated rig needs libworld, which cannot be loaded (No module named 'libworld'); install Glimpse anew.",
        ),
        (
            "broken",
            "The process of the simulated rig ended with code 1 (ImportError: libworld.so is missing); start again.",
        ),
    ],
)
def test_a_rig_that_does_not_open_says_why_in_one_sentence(world, told):
    with pytest.raises(CameraError) as error:
        served(world, around()).open()
    assert str(error.value) == told


def test_a_program_that_is_not_there_is_told():
    with pytest.raises(CameraError, match="could not be started") as error:
        RemoteRig(parse_camera("sim"), around(), ("/nowhere/python",)).open()
    assert str(error.value).endswith(".")


def test_reading_what_is_not_open_is_an_error():
    with pytest.raises(CameraError, match="not open"):
        open_sim(parse_camera("sim"), around()).read()


def test_what_libraries_print_and_ctrl_c_do_not_disturb_the_packets():
    with opened(served("talkative", around())) as (camera, _):
        assert len(steps(camera, 50)) == 50
        assert set(camera._lines) == {"a library says hello"}
        assert len(camera._lines) <= LAST_LINES


@pytest.mark.skipif(not hasattr(os, "getsid"), reason="sessions are POSIX")
def test_the_rig_is_no_part_of_the_terminals_session():
    with opened(served("plain", around())):
        assert os.getsid(rig_process().pid) != os.getsid(0)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
def test_no_descriptor_is_left_open():
    with opened(served("plain", around())):
        pass
    before = len(list(Path("/proc/self/fd").iterdir()))
    for world in ("plain", "unopenable", "broken"):
        with contextlib.suppress(CameraError), opened(served(world, around())) as (camera, _):
            steps(camera, 2)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("live", [True, False])
def test_when_the_capture_process_dies_the_rig_leaves_at_once(live):
    program = (
        "import sys, time, psutil; sys.path.insert(0, sys.argv[1])\n"
        "from test_sim_process import around, served\n"
        "camera = served('plain', around(live=sys.argv[2] == 'True')); camera.open(); camera.read()\n"
        "print(psutil.Process().children()[0].pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent), str(live)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with process.stdout:
        pid = int(process.stdout.readline())
        assert not is_gone(pid)
        process.kill()
        process.wait()
    wait_until(lambda: is_gone(pid), "the rig to leave")
