"""Cameras alive and fast enough, losses, cable, disk and profile: what is said of each."""

from pathlib import Path

import numpy as np
import pytest
from rig_views import APS, S, armed, status, streams, view

from protocol.streams import EVENT_DTYPE, Frame, Records, Stream
from recorder.board import RingBoard
from recorder.rigcheck.streams import LossMemory, cameras_alive, disk, profile, usb_speed
from recorder.rigcheck.views import EVENTS_US, PICTURES, take_view
from recorder.settings import RecorderSettings

# --- alive


def test_a_rig_that_gives_what_it_was_set_to_is_good():
    found = cameras_alive(view())
    assert (found.level, found.value) == ("good", 100)
    assert "30,000 events/s, 25 grey, 30 colour pictures/s" in found.sentence


def test_no_cameras_are_red_and_say_what_to_do():
    found = cameras_alive(view(armed=None))
    assert (found.level, "open them" in found.sentence) == ("redo", True)


@pytest.mark.parametrize(("rate", "level"), [(27.0, "good"), (20.0, "check"), (15.0, "redo")])
def test_a_slow_camera_is_named_with_its_share(rate, level):
    found = cameras_alive(view(streams=streams(rgb=status(rate))))
    assert (found.level, round(found.value)) == (level, round(100 * rate / 30))
    assert level == "good" or "colour camera gives" in found.sentence


def test_a_computer_that_is_too_slow_for_the_simulated_rig_is_amber_at_most_and_told_so():
    found = cameras_alive(view(armed=armed("sim", simulated=True), streams=streams(rgb=status(3))))
    assert (found.level, "too slow to simulate" in found.sentence) == ("check", True)


def test_a_camera_that_has_fallen_silent_is_red_and_one_with_a_short_gap_is_not():
    gone = cameras_alive(view(streams=streams(rgb=status(0, received=99, silent=True))))
    assert (gone.level, gone.sentence) == ("redo", "The colour camera gives nothing; check cable and lens cap.")
    assert cameras_alive(view(streams=streams(rgb=status(28, silent=True)))).level == "good"


def test_of_a_silent_event_camera_its_pictures_are_not_told_as_well():
    nothing = status(0, received=9, silent=True)
    found = cameras_alive(view(streams=streams(events=nothing, frames=nothing)))
    assert found.sentence.startswith("The event camera gives nothing")


def test_a_camera_may_take_some_seconds_to_give_its_first_data():
    nothing = streams(rgb=status(0))
    assert cameras_alive(view(streams=nothing, now_ns=2 * S)).level == "good"
    assert cameras_alive(view(streams=nothing, now_ns=6 * S)).level == "redo"


# --- losses


def test_losses_are_told_while_they_are_fresh():
    memory = LossMemory()
    assert memory.look(view(now_ns=1 * S)).level == "good"
    found = memory.look(view(now_ns=2 * S, streams=streams(rgb=status(30, gaps=2))))
    assert (found.level, found.value, "colour camera" in found.sentence) == ("check", 2, True)
    lasting = streams(rgb=status(30, gaps=2))
    assert memory.look(view(now_ns=20 * S, streams=lasting)).level == "check"
    for second in (40, 60):
        last = memory.look(view(now_ns=second * S, streams=lasting))
    assert (last.level, last.details["all_gaps"]["rgb"]) == ("good", 2)


def test_what_a_cameras_queue_dropped_is_red_since_it_would_spoil_a_take():
    found = LossMemory().look(view(streams=streams(rgb=status(30, dropped=3))))
    assert (found.level, found.value, "choose smaller pictures" in found.sentence) == ("redo", 3, True)


def test_cameras_that_were_opened_anew_begin_with_no_losses():
    memory = LossMemory()
    memory.look(view(streams=streams(rgb=status(30, gaps=5))))
    anew = armed().model_copy(update={"started_ns": 20 * S})
    assert memory.look(view(now_ns=21 * S, armed=anew)).value == 0
    assert memory.look(view(armed=None)).level == "unknown"


# --- cable, disk, profile


@pytest.mark.parametrize(
    ("speed", "level"), [("SUPER", "good"), ("SUPER_PLUS", "good"), ("HIGH", "check"), ("FULL", "redo"), ("UNKNOWN", "unknown")]
)
def test_the_cable_is_judged_by_the_speed_that_the_driver_tells(speed, level):
    found = usb_speed(view(armed=armed(settings={"usb_speed": f"LIBUSB_SPEED_{speed}"})))
    assert found.level == level
    assert level not in ("check", "redo") or "use a USB 3 port" in found.sentence


def test_a_simulated_camera_has_no_cable_and_a_network_camera_does_not_tell():
    assert usb_speed(view(armed=armed("sim", simulated=True))).level == "good"
    assert usb_speed(view(armed=armed("network"))).level == "unknown"
    assert usb_speed(view(armed=None)).level == "unknown"


@pytest.mark.parametrize(("takes", "level"), [(500, "good"), (40, "check"), (3, "check"), (2, "redo"), (None, "unknown")])
def test_the_disk_is_red_where_the_recorder_would_refuse_a_take(takes, level):
    found = disk(view(takes_free=takes, least_takes=3))
    assert (found.level, found.unit) == (level, "takes")


def test_deviations_from_the_profile_are_amber_and_named():
    found = profile(view(deviations=("On is 5/200, in the profile 6/200.", "The colour camera is another one.")))
    assert (found.level, found.value) == ("check", 2)
    assert "On is 5/200" in found.sentence
    assert "another one" in found.sentence
    assert profile(view(deviations=())).level == "good"
    assert profile(view(deviations=None)).level == "unknown"


# --- views from rings


def test_a_view_holds_the_newest_events_and_pictures_of_the_rings(tmp_path: Path):
    board = RingBoard(tmp_path, RecorderSettings(event_ring=1 << 12, frame_ring=8))
    try:
        batch = np.zeros(40, EVENT_DTYPE)
        batch["t"] = 100_000 * np.arange(40)
        board.publish(Records(Stream.EVENTS, batch, S))
        for number in range(6):
            image = np.full((4, 6, 3), number, np.uint8)
            board.publish(Frame(Stream.RGB, image, 1_000 * number, None, number))
        board.publish(Frame(Stream.RGB, np.full((8, 6, 3), 9, np.uint8), 7_000, None, 9))
        found = take_view(tmp_path, 5, resolution=APS)
    finally:
        board.close()
    assert found.events["t"][0] > 3_900_000 - EVENTS_US
    assert found.events["t"][-1] == 3_900_000
    assert [snap.image[0, 0, 0] for snap in found.pictures[Stream.RGB]] == [9], "a camera that came back with another size"
    assert (found.now_ns, found.resolution, PICTURES) == (5, APS, 4)


def test_a_folder_without_rings_gives_an_empty_view(tmp_path):
    (tmp_path / "rgb.ring").write_bytes(b"no ring")
    found = take_view(tmp_path / "gone", 5)
    assert (len(found.events), found.pictures) == (0, {})
    assert take_view(tmp_path, 5).pictures == {}
