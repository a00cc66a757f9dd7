"""The book-keeping of one stream: counts, times, silences and jumps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.streams import EVENT_DTYPE, Records, Stream
from recorder.sources.base import StreamInfo
from recorder.tally import FORWARD_JUMP_US, Tally

MS_NS = 1_000_000


def tally(stream=Stream.EVENTS, *, live=True, clock="device"):
    return Tally(StreamInfo(stream, (346, 260), clock), device=0, live=live)


def records(times):
    events = np.zeros(len(times), EVENT_DTYPE)
    events["t"] = times
    return Records(Stream.EVENTS, events, 0)


def times(packet):
    return [] if packet is None else packet.records["t"].tolist()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), st.none() | st.integers(0, 30))
def test_what_is_kept_of_a_batch_ends_at_its_first_step_back(batch, last_us):
    book = tally()
    book.last_us = last_us
    whole, backwards = book.whole(records(batch))
    kept = times(whole)
    assert kept == batch[: len(kept)]
    assert kept == sorted(kept)
    assert not kept or last_us is None or kept[0] >= last_us
    assert backwards == (len(kept) < len(batch))
    if backwards:
        before = kept[-1] if kept else last_us
        assert batch[len(kept)] < before


def test_a_batch_in_order_is_not_copied():
    packet = records([1, 1, 2])
    assert tally().whole(packet) == (packet, False)


def test_counts_and_times_add_up():
    book = tally()
    book.add(10, 100, 200, 1 * MS_NS)
    book.add(5, 200, 300, 2 * MS_NS)
    record = book.record(written=12, dropped=3, event_minus_host_us=77)
    assert record.dropped == 3
    assert (record.received, record.written, record.first_us, record.last_us) == (15, 12, 100, 300)
    assert (record.resolution, record.device, record.clock) == ((346, 260), 0, "device")
    assert record.event_minus_host_us is None
    assert record.clock_fit.drift_ppm == pytest.approx(9e6)


def test_a_stream_on_the_hosts_clock_tells_its_shift():
    assert tally(Stream.RGB, clock="host").record(0, 0, 77).event_minus_host_us == 77


def test_a_stream_that_gave_nothing_has_no_times_and_no_gaps():
    book = tally()
    book.close(10**12)
    record = book.record(0, 0, None)
    assert (record.received, record.first_us, record.last_us, record.clock_fit, book.gaps) == (0, None, None, None, [])


def test_pictures_count_one_by_one():
    book = tally(Stream.RGB)
    for index in range(3):
        book.add(1, index * 1_000, index * 1_000, index * MS_NS)
    assert (book.received, book.first_us, book.last_us) == (3, 0, 2_000)


def test_a_silence_is_noticed_once_at_its_limit_and_becomes_a_gap_when_it_ends():
    book = tally()
    assert not book.silent(10**12, 500 * MS_NS)  # one that never spoke is not silent
    book.add(1, 1_000, 1_000, 0)
    assert [book.silent(now * MS_NS, 500 * MS_NS) for now in (499, 500, 501, 900)] == [False, True, False, False]
    assert book.gaps == []
    book.add(1, 900_000, 900_000, 900 * MS_NS)
    assert [(gap.kind, gap.start_us, gap.end_us) for gap in book.gaps] == [("stall", 1_000, 900_000)]
    assert book.silent(1_400 * MS_NS, 500 * MS_NS)


def test_a_silence_at_the_end_is_a_gap_in_the_streams_own_time():
    book = tally()
    book.add(1, 1_000, 1_000, 0)
    assert book.silent(700 * MS_NS, 500 * MS_NS)
    book.close(800 * MS_NS)
    book.close(900 * MS_NS)
    assert [(gap.start_us, gap.end_us) for gap in book.gaps] == [(1_000, 801_000)]


def test_a_short_pause_is_no_gap():
    book = tally()
    book.add(1, 1_000, 1_000, 0)
    assert not book.silent(300 * MS_NS, 500 * MS_NS)
    book.add(1, 400_000, 400_000, 399 * MS_NS)
    book.close(500 * MS_NS)
    assert book.gaps == []


@pytest.mark.parametrize("ahead_us", [FORWARD_JUMP_US, FORWARD_JUMP_US + 1])
def test_a_clock_that_runs_ahead_of_the_host_has_jumped(ahead_us):
    book = tally()
    book.add(1, 1_000, 1_000, 0)
    book.add(1, 1_000 + ahead_us + 5_000, 1_000 + ahead_us + 5_000, 5 * MS_NS)
    assert [gap.kind for gap in book.gaps] == (["forward_jump"] if ahead_us > FORWARD_JUMP_US else [])


def test_late_data_are_no_jump():
    book = tally()
    book.add(1, 0, 0, 0)
    book.add(1, 10, 1_000_000, 3_000 * MS_NS)
    book.add(1, 1_000_010, 3_000_000, 3_001 * MS_NS)
    assert book.gaps == []


def test_at_full_speed_a_clock_is_fitted_only_to_an_imagined_host():
    for virtual_host in (False, True):
        book = Tally(StreamInfo(Stream.EVENTS, (346, 260)), device=0, live=False, virtual_host=virtual_host)
        for at_us in range(0, 100_000, 1_000):
            book.add(1, at_us, at_us, at_us * 1_000)
        record = book.record(0, 0, None)
        assert (record.virtual_host, record.clock_fit is not None) == (virtual_host, virtual_host)
        assert not book.silent(10**12, MS_NS)


@pytest.mark.parametrize("options", [{"live": False}, {"stream": Stream.RGB, "clock": "host"}])
def test_no_jump_is_seen_where_the_host_says_nothing_about_the_stream(options):
    book = tally(**options)
    book.add(1, 0, 0, 0)
    book.add(1, 5_000_000, 5_000_000, 1 * MS_NS)
    assert book.gaps == []
