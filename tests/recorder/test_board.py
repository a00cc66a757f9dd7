"""The rings that other processes read: everything published is there, pictures of a new size get a ring of their own."""

import numpy as np
import pytest

from protocol.streams import EVENT_DTYPE, IMU_DTYPE, TRIGGER_DTYPE, Frame, Records, Stream
from recorder.board import BATCH_DTYPE, RingBoard, frame_dtype
from recorder.rates import Rates
from recorder.ring import RingReader
from recorder.settings import RecorderSettings


@pytest.fixture
def board(tmp_path):
    board = RingBoard(tmp_path, RecorderSettings(event_ring=1 << 10, frame_ring=3))
    yield board
    board.close()


def batch(first, count, stream=Stream.EVENTS, dtype=EVENT_DTYPE):
    records = np.zeros(count, dtype)
    records["t"] = np.arange(first, first + count)
    return Records(stream, records, first * 1000)


def picture(number, size=(4, 6), stream=Stream.FRAMES, **times):
    image = np.full(size, number, np.uint16 if stream is Stream.THERMAL else np.uint8)
    return Frame(stream, image, times.get("stream_us", number * 10), times.get("exposure_us"), number * 10_000)


def test_events_can_be_read_while_they_are_published(board, tmp_path):
    with RingReader(tmp_path / "events.ring") as events, RingReader(tmp_path / "batches.ring") as batches:
        for first in (0, 100, 200):
            board.publish(batch(first, 100))
            assert events.read().records["t"].tolist() == list(range(first, first + 100))
            (entry,) = batches.read().records
            assert entry.dtype == BATCH_DTYPE
            assert entry.tolist() == (first, 100, first, first + 99, first * 1000)


def test_a_batch_entry_points_into_the_event_ring_after_it_wrapped(board, tmp_path):
    with RingReader(tmp_path / "events.ring", from_start=True) as events, RingReader(tmp_path / "batches.ring") as batches:
        for first in range(0, 3000, 100):
            board.publish(batch(first, 100))
        reading = events.read()
        newest = batches.newest(1).records[0]
    assert reading.missed == 3000 - (1 << 10)
    at = newest["first"] - reading.first
    assert reading.records["t"][at] == newest["first_us"] == 2900


@pytest.mark.parametrize(("stream", "dtype"), [(Stream.IMU, IMU_DTYPE), (Stream.TRIGGERS, TRIGGER_DTYPE)])
def test_the_other_records_have_rings_too(board, tmp_path, stream, dtype):
    with RingReader(tmp_path / f"{stream}.ring") as reader:
        board.publish(batch(5, 3, stream, dtype))
        records = reader.read().records
    assert records.dtype == dtype
    assert records["t"].tolist() == [5, 6, 7]


@pytest.mark.parametrize(("stream", "size"), [(Stream.FRAMES, (4, 6)), (Stream.RGB, (4, 6, 3)), (Stream.THERMAL, (2, 3))])
def test_pictures_carry_their_times(board, tmp_path, stream, size):
    board.publish(picture(7, size, stream, exposure_us=99))
    board.publish(picture(8, size, stream, stream_us=None))
    with RingReader(tmp_path / f"{stream}.ring", from_start=True) as reader:
        first, second = reader.read().records
    assert first["image"].shape == size
    assert (first["image"] == 7).all()
    assert [int(first[name]) for name in ("index", "stream_us", "exposure_us", "host_ns")] == [0, 70, 99, 70_000]
    assert [int(second[name]) for name in ("index", "stream_us", "exposure_us", "host_ns")] == [1, 80, -1, 80_000]


def test_a_camera_that_comes_back_with_another_size_gets_a_new_ring_beside_the_old(board, tmp_path):
    board.publish(picture(1))
    with RingReader(tmp_path / "frames.ring", from_start=True) as old:
        board.publish(picture(2, (8, 8)))
        board.publish(picture(3, (8, 8)))
        board.publish(picture(4))
        assert [int(record["image"][0, 0]) for record in old.read().records] == [1]
    for name, numbers in (("frames-1", [2, 3]), ("frames-2", [4])):
        with RingReader(tmp_path / f"{name}.ring", from_start=True) as reader:
            assert [int(record["image"][0, 0]) for record in reader.read().records] == numbers


def test_depth_is_part_of_a_pictures_size():
    grey, thermal = picture(1, (2, 3)), picture(1, (2, 3), Stream.THERMAL)
    assert frame_dtype(grey) != frame_dtype(thermal)


def test_a_closed_board_leaves_its_files_to_the_owner(board, tmp_path):
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"events.ring", "imu.ring", "triggers.ring", "batches.ring", "prompts.ring"}


# --- rates


def test_a_rate_is_what_came_in_the_last_second():
    rates = Rates()
    for ms in range(0, 3000, 100):
        rates.saw(Records(Stream.EVENTS, np.zeros(50, EVENT_DTYPE), ms * 1_000_000))
    rates.saw(Frame(Stream.RGB, np.zeros((2, 2, 3), np.uint8), None, None, 2_900_000_000))
    status = rates.status(2_950_000_000)
    assert (status["events"].received, status["events"].rate) == (1500, 500)
    assert (status["rgb"].received, status["rgb"].rate) == (1, 1)
    assert rates.status(9_000_000_000)["events"].rate == 0
    assert rates.status(9_000_000_000)["events"].received == 1500


def test_old_batches_are_forgotten():
    rates = Rates()
    for second in range(100):
        rates.saw(Records(Stream.EVENTS, np.zeros(1, EVENT_DTYPE), second * 1_000_000_000))
    assert len(rates._streams[Stream.EVENTS].recent) <= 2
