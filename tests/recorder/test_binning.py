import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.streams import EVENT_DTYPE
from recorder.binning import BinningError, bin_events, edges_by_number, edges_by_width, outside

RESOLUTION = (6, 4)  # width, height


def events(*rows):
    return np.array(list(rows), dtype=EVENT_DTYPE)


one_event = st.tuples(st.integers(-50, 250), st.integers(-2, 8), st.integers(-2, 6), st.integers(0, 1))
some_edges = st.lists(st.integers(-20, 220), min_size=1, max_size=9).map(sorted).map(np.array)


@given(st.lists(one_event, max_size=60), some_edges)
def test_every_event_is_counted_once_or_known_to_be_outside(rows, edges_us):
    counts = bin_events(events(*rows), edges_us, RESOLUTION)
    assert counts.shape == (len(edges_us) - 1, 2, 4, 6)
    by_hand = np.zeros_like(counts)
    lost = 0
    for t, x, y, p in rows:
        bins = [i for i in range(len(edges_us) - 1) if edges_us[i] <= t < edges_us[i + 1]]
        if bins and 0 <= x < 6 and 0 <= y < 4:
            by_hand[bins[0], p, y, x] += 1
        else:
            lost += 1
    np.testing.assert_array_equal(counts, by_hand)
    assert outside(events(*rows), counts) == lost


@given(st.lists(one_event, max_size=60), some_edges)
def test_the_order_of_events_does_not_matter(rows, edges_us):
    backwards = bin_events(events(*rows[::-1]), edges_us, RESOLUTION)
    np.testing.assert_array_equal(backwards, bin_events(events(*rows), edges_us, RESOLUTION))


def test_channel_0_is_off_and_channel_1_is_on():
    counts = bin_events(events((0, 3, 2, 0), (1, 3, 2, 1), (1, 3, 2, 1)), np.array([0, 10]), RESOLUTION)
    assert counts[0, :, 2, 3].tolist() == [1, 2]


def test_a_bin_contains_its_first_microsecond_and_not_its_last():
    counts = bin_events(events((0, 0, 0, 1), (9, 0, 0, 1), (10, 0, 0, 1), (20, 0, 0, 1)), np.array([0, 10, 20]), RESOLUTION)
    assert counts[:, 1, 0, 0].tolist() == [2, 1]


def test_absolute_unix_time_loses_no_microsecond():
    start_us = 1_700_000_000_000_000
    counts = bin_events(
        events((start_us + 9, 0, 0, 1), (start_us + 10, 0, 0, 1)), edges_by_width(start_us, start_us + 20, 10), (1, 1)
    )
    assert counts[:, 1, 0, 0].tolist() == [1, 1]


@given(st.integers(-(10**15), 10**15), st.integers(0, 10_000), st.integers(1, 3_000))
def test_edges_by_width_cover_the_stretch_with_equal_bins(start_us, span_us, bin_us):
    edges = edges_by_width(start_us, start_us + span_us, bin_us)
    assert edges[0] == start_us
    assert set(np.diff(edges)) <= {bin_us}
    assert start_us + span_us <= edges[-1] < start_us + span_us + bin_us


@given(st.integers(-(10**15), 10**15), st.integers(0, 10**12), st.integers(1, 50))
def test_edges_by_number_share_the_stretch_exactly(start_us, span_us, bins):
    edges = edges_by_number(start_us, start_us + span_us, bins)
    assert len(edges) == bins + 1
    assert (edges[0], edges[-1]) == (start_us, start_us + span_us)
    assert np.ptp(np.diff(edges)) <= 1


@pytest.mark.parametrize("make", [lambda: edges_by_width(0, 10, 0), lambda: edges_by_number(0, 10, 0)])
def test_bins_without_width_or_number_are_refused(make):
    with pytest.raises(BinningError):
        make()


def test_falling_edges_are_refused():
    with pytest.raises(BinningError):
        bin_events(events(), np.array([10, 0]), RESOLUTION)
