"""Taps on the rings of a capture process: the newest is there, nothing waits, a rig that is armed anew is found again."""

import numpy as np
import pytest

from app.preview.taps import LOOK_NS, RigTaps
from protocol.streams import EVENT_DTYPE, Frame, Records, Stream
from recorder.board import RingBoard
from recorder.settings import RecorderSettings

SETTINGS = RecorderSettings(event_ring=1 << 10, frame_ring=3)


class Clock:
    """Every look at it is long enough after the last for the folder to be listed again."""

    def __init__(self):
        self.now_ns = 0

    def __call__(self):
        self.now_ns += LOOK_NS
        return self.now_ns


def arm(folder):
    """As the capture process does it: old rings are deleted, new ones made under the same names."""
    for old in folder.glob("*.ring"):
        old.unlink()
    return RingBoard(folder, SETTINGS)


def batch(first_us, count, host_ns=0):
    records = np.zeros(count, EVENT_DTYPE)
    records["t"] = np.arange(first_us, first_us + count)
    return Records(Stream.EVENTS, records, host_ns)


def picture(number, size=(4, 6), stream=Stream.FRAMES, exposure_us=None):
    return Frame(stream, np.full(size, number, np.uint8), number * 10, exposure_us, number * 10_000)


@pytest.fixture
def taps(tmp_path):
    with RigTaps(tmp_path, Clock()) as taps:
        yield taps


@pytest.fixture
def board(tmp_path):
    with_rings = arm(tmp_path)
    yield with_rings
    with_rings.close()


def test_a_folder_without_rings_or_no_folder_gives_nothing(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with RigTaps(folder, Clock()) as taps:
            assert len(taps.newest_events()) == 0
            assert taps.frame(Stream.RGB) is None
            assert taps.now_us() is None
            assert set(taps.missed.values()) == {0}


def test_events_that_came_since_the_last_look_are_read_once(taps, board):
    assert len(taps.newest_events()) == 0
    board.publish(batch(100, 50))
    board.publish(batch(150, 50))
    assert taps.newest_events()["t"].tolist() == list(range(100, 200))
    assert len(taps.newest_events()) == 0
    assert taps.passed_over == taps.missed[Stream.EVENTS] == 0


def test_only_the_newest_are_read_and_the_others_counted(taps, board):
    taps.newest_events()
    board.publish(batch(0, 100))
    assert taps.newest_events(max_count=30)["t"].tolist() == list(range(70, 100))
    assert taps.passed_over == 70
    board.publish(batch(200, 100))
    assert taps.newest_events(max_us=10)["t"].tolist() == list(range(290, 300))
    assert (taps.passed_over, taps.missed[Stream.EVENTS]) == (160, 0)


def test_what_was_overwritten_meanwhile_is_counted_as_missed(taps, board):
    taps.newest_events()
    for first in range(0, 3000, 100):
        board.publish(batch(first, 100))
    assert taps.newest_events()["t"].tolist() == list(range(3000 - 1024, 3000))
    assert (taps.missed[Stream.EVENTS], taps.passed_over) == (3000 - 1024, 0)


def test_the_newest_picture_is_the_same_until_another_comes(taps, board):
    assert taps.frame(Stream.FRAMES) is None
    for number in (1, 2):
        board.publish(picture(number, exposure_us=3000 if number == 2 else None))
    shown = taps.frame(Stream.FRAMES)
    assert (shown.image == 2).all()
    assert shown.image.shape == (4, 6)
    assert (shown.index, shown.stream_us, shown.exposure_us, shown.host_ns) == (1, 20, 3000, 20_000)
    assert taps.frame(Stream.FRAMES) is shown
    board.publish(picture(3))
    assert taps.frame(Stream.FRAMES).exposure_us is None
    assert (taps.frame(Stream.FRAMES).image == 3).all()


def test_a_camera_that_comes_back_with_another_size_is_followed(taps, board):
    for number in range(12):  # so that the files' numbers are not in the order of their names
        board.publish(picture(number, size=(4 + number, 6)))
    assert taps.frame(Stream.FRAMES).image.shape == (15, 6)
    board.publish(picture(99, size=(5, 5)))
    assert taps.frame(Stream.FRAMES).image.shape == (5, 5)


def test_a_rig_that_is_armed_anew_is_found_and_its_old_picture_forgotten(taps, tmp_path):
    for round_of in range(3):
        board = arm(tmp_path)
        assert taps.frame(Stream.RGB) is None
        assert len(taps.newest_events()) == 0
        board.publish(picture(round_of, (2, 2, 3), Stream.RGB))
        board.publish(batch(round_of * 1000, 10))
        assert (taps.frame(Stream.RGB).image == round_of).all()
        assert taps.newest_events()["t"][0] == round_of * 1000
        board.close()


def test_a_file_that_is_no_ring_is_left_alone(taps, tmp_path):
    (tmp_path / "events.ring").write_bytes(b"no ring" * 1000)
    (tmp_path / "rgb.ring").write_bytes(b"")
    assert len(taps.newest_events()) == 0
    assert taps.frame(Stream.RGB) is None


def test_event_time_now_is_told_by_the_batch_that_came_with_the_least_delay(tmp_path):
    now_ns = [0]
    with RigTaps(tmp_path, lambda: now_ns[0]) as taps:
        board = arm(tmp_path)
        assert taps.now_us() is None
        now_ns[0] += LOOK_NS
        taps.now_us()
        board.publish(batch(5_000, 1, host_ns=1_000_000))  # 4 ms ahead of the host's clock
        board.publish(batch(6_000, 1, host_ns=9_000_000))  # late
        now_ns[0] = 100_000_000
        assert taps.now_us() == pytest.approx(104_000, abs=5)
        board.close()


def test_closed_taps_let_go_of_the_files_and_may_be_closed_again(tmp_path):
    board = arm(tmp_path)
    taps = RigTaps(tmp_path, Clock())
    taps.newest_events()
    taps.close()
    taps.close()
    board.close()
