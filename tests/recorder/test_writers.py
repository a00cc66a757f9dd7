"""The queue before a file: bounded in seconds and bytes, in order, nothing lost, closed when asked even after an error."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.streams import EVENT_DTYPE, Frame, Records, Stream
from recorder.writers import Bounds, QueueFull, WriteFailed, WriterThread

PATIENCE_S = 20.0
ROOMY = Bounds(seconds=1e9, bytes=1 << 40)


def packet(number, count=1):
    events = np.zeros(count, EVENT_DTYPE)
    events["t"] = number
    return Records(Stream.EVENTS, events, number)


class Collector:
    """A sink that remembers; it waits in `write` while `hold` is set, and fails at the packet `fail_at`."""

    def __init__(self, fail_at=None, close_error=None):
        self.got = []
        self.closed = 0
        self.entered = threading.Event()
        self.release = threading.Event()
        self.release.set()
        self._fail_at = fail_at
        self._close_error = close_error

    def write(self, packet):
        self.entered.set()
        self.release.wait()
        if packet.host_ns == self._fail_at:
            raise OSError(28, "No space left on device")
        self.got.append(packet.host_ns)

    def close(self):
        self.closed += 1
        if self._close_error:
            raise self._close_error


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def stuck():
    """A sink whose disk does not answer until the test ends."""
    sink = Collector()
    sink.release.clear()
    yield sink
    sink.release.set()


def never():
    return False


def ended(writer):
    writer.finish()
    assert writer.join(PATIENCE_S)


def wait_for_error(writer):
    while writer.error is None:
        assert writer._thread.is_alive()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 50), max_size=60))
def test_every_packet_arrives_once_and_in_order(sizes):
    sink = Collector()
    writer = WriterThread(".x", sink, ROOMY)
    for number, size in enumerate(sizes):
        writer.put(packet(number, size), never)
    ended(writer)
    assert sink.got == list(range(len(sizes)))
    assert (sink.closed, writer.error, writer.waiting_s()) == (1, None, 0.0)


def test_packets_of_several_threads_all_arrive_each_threads_in_order():
    sink = Collector()
    writer = WriterThread(".x", sink, ROOMY)
    feeders = [
        threading.Thread(target=lambda k=k: [writer.put(packet(k * 1000 + n), never) for n in range(200)]) for k in range(3)
    ]
    for feeder in feeders:
        feeder.start()
    for feeder in feeders:
        feeder.join()
    ended(writer)
    for k in range(3):
        assert [n for n in sink.got if n // 1000 == k] == list(range(k * 1000, k * 1000 + 200))


def test_the_queue_is_bounded_in_bytes(stuck):
    size = packet(0).records.nbytes
    writer = WriterThread(".x", stuck, Bounds(1e9, 3 * size))
    for number in range(3):
        writer.put(packet(number), never)
    with pytest.raises(QueueFull, match=r"\.x"):
        writer.put(packet(3), never)
    stuck.release.set()
    ended(writer)
    assert stuck.got == [0, 1, 2]


def test_pictures_count_with_their_bytes(stuck):
    writer = WriterThread(".x", stuck, Bounds(1e9, 1000))
    picture = Frame(Stream.RGB, np.zeros((20, 30), np.uint8), 0, None, 0)
    writer.put(picture, never)
    with pytest.raises(QueueFull):
        writer.put(picture, never)
    stuck.release.set()
    ended(writer)


def test_a_packet_larger_than_the_bound_is_taken_when_nothing_waits():
    sink = Collector()
    writer = WriterThread(".x", sink, Bounds(1e9, 10))
    writer.put(packet(0, 1000), never)
    ended(writer)
    assert sink.got == [0]


def test_the_queue_is_bounded_in_seconds(stuck):
    clock = Clock()
    writer = WriterThread(".x", stuck, Bounds(4.0, 1 << 40), clock)
    writer.put(packet(0), never)
    stuck.entered.wait(PATIENCE_S)  # the packet that is being written still counts as waiting
    clock.now_s += 4.0
    writer.put(packet(1), never)
    clock.now_s += 0.1
    assert writer.waiting_s() == pytest.approx(4.1)
    with pytest.raises(QueueFull):
        writer.put(packet(2), never)
    stuck.release.set()
    ended(writer)
    assert writer.peak_s == pytest.approx(4.1)


def test_who_may_wait_waits_for_room(stuck):
    size = packet(0).records.nbytes
    writer = WriterThread(".x", stuck, Bounds(1e9, size))
    writer.put(packet(0), never)
    feeder = threading.Thread(target=lambda: writer.put(packet(1), lambda: True))
    feeder.start()
    feeder.join(0.2)
    assert feeder.is_alive()
    stuck.release.set()
    feeder.join(PATIENCE_S)
    ended(writer)
    assert stuck.got == [0, 1]


def test_who_may_wait_no_longer_is_let_go(stuck):
    writer = WriterThread(".x", stuck, Bounds(1e9, 1))
    writer.put(packet(0), never)
    answers = iter([True, True, False])
    with pytest.raises(QueueFull):
        writer.put(packet(1), lambda: next(answers))
    stuck.release.set()
    ended(writer)


def test_after_an_error_nothing_is_taken_and_the_file_is_closed_only_when_asked():
    sink = Collector(fail_at=2)
    writer = WriterThread(".x", sink, ROOMY)
    for number in range(3):
        writer.put(packet(number), never)
    wait_for_error(writer)
    with pytest.raises(WriteFailed, match="No space left on device") as failed:
        writer.put(packet(3), never)
    assert failed.value.cause is writer.error
    assert not writer.join(0.05)
    assert sink.closed == 0
    ended(writer)
    assert (sink.got, sink.closed) == ([0, 1], 1)


def test_who_waits_for_room_hears_of_the_error():
    sink = Collector(fail_at=0)
    sink.release.clear()
    writer = WriterThread(".x", sink, Bounds(1e9, 1))
    writer.put(packet(0), never)
    answers = []

    def feed():
        try:
            writer.put(packet(1), lambda: True)
        except WriteFailed as failed:
            answers.append(failed)

    feeder = threading.Thread(target=feed)
    feeder.start()
    sink.release.set()
    feeder.join(PATIENCE_S)
    ended(writer)
    assert len(answers) == 1


def test_an_error_in_close_is_told_and_the_first_error_stays():
    late = WriterThread(".x", Collector(close_error=OSError("at the end")), ROOMY)
    ended(late)
    assert str(late.error) == "at the end"
    both = WriterThread(".x", Collector(fail_at=0, close_error=OSError("at the end")), ROOMY)
    both.put(packet(0), never)
    wait_for_error(both)
    ended(both)
    assert "No space left" in str(both.error)


def test_join_says_when_the_disk_has_not_let_the_file_be_closed(stuck):
    writer = WriterThread(".x", stuck, ROOMY)
    writer.put(packet(0), never)
    writer.finish()
    assert not writer.join(0.05)
    stuck.release.set()
    assert writer.join(PATIENCE_S)
