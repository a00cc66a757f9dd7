"""Clocks: the line between two clocks is found through late stragglers, and the bookkeeping stays bounded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.streams import EVENT_DTYPE, IMU_DTYPE, Records, Stream
from recorder.clock import MAX_PAIRS, ClockPairs, EventClock, EventPace, RealPace, fit_clock

T0_US = 1_700_000_000_000_000
HOST0_US = 123_456_789


def synthetic(seed, *, drift_ppm, offset_us, stragglers, jitter_us=200, seconds=15, every_us=10_000):
    """(stream_us, host_ns): host runs `drift_ppm` faster, arrivals jitter, a share of them comes up to 80 ms late."""
    rng = np.random.default_rng(seed)
    t = np.arange(0, seconds * 1_000_000, every_us)
    late = rng.integers(0, jitter_us + 1, len(t)) + np.where(
        rng.random(len(t)) < stragglers, rng.integers(5_000, 80_000, len(t)), 0
    )
    host_us = HOST0_US + offset_us + np.rint(t * (1 + drift_ppm * 1e-6)).astype(np.int64) + late
    return list(zip((T0_US + t).tolist(), (host_us * 1000).tolist(), strict=True))


def predicted_host_us(fit, stream_us):
    elapsed = stream_us - fit.t0_us
    return fit.host0_us + elapsed * (1 + fit.drift_ppm * 1e-6) + fit.offset_us


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(-200, 200),
    st.integers(-3_000_000, 3_000_000),
    st.floats(0, 0.3),
)
def test_offset_and_drift_are_found_through_late_stragglers(seed, drift_ppm, offset_us, stragglers):
    fit = fit_clock(synthetic(seed, drift_ppm=drift_ppm, offset_us=offset_us, stragglers=stragglers))
    assert abs(fit.drift_ppm - drift_ppm) < 3
    for at in (0, 7_000_000, 15_000_000):
        true_us = HOST0_US + offset_us + at * (1 + drift_ppm * 1e-6) + 100  # the middle of the jitter
        assert abs(predicted_host_us(fit, T0_US + at) - true_us) < 30
    assert fit.residual_us < 200


def test_the_first_pair_may_be_a_straggler():
    pairs = synthetic(1, drift_ppm=50, offset_us=0, stragglers=0)
    pairs[0] = (pairs[0][0], pairs[0][1] + 500_000_000)
    assert abs(fit_clock(pairs).drift_ppm - 50) < 5


def test_a_clean_line_is_found_exactly():
    fit = fit_clock(synthetic(1, drift_ppm=100, offset_us=0, stragglers=0, jitter_us=0))
    assert fit.drift_ppm == pytest.approx(100, abs=0.2)
    assert fit.residual_us <= 1


@pytest.mark.parametrize("pairs", [[], [(5, 5_000)], [(5, 5_000), (5, 6_000), (5, 7_000)]])
def test_fewer_than_two_times_are_no_line(pairs):
    assert fit_clock(pairs) is None


def test_two_pairs_are_a_line():
    fit = fit_clock([(0, 0), (1_000_000, 1_000_100_000)])
    assert predicted_host_us(fit, 1_000_000) == pytest.approx(1_000_100, abs=1)


def test_the_pairs_kept_for_the_manifest_are_few_and_span_the_take():
    pairs = synthetic(1, drift_ppm=0, offset_us=0, stragglers=0.1)
    fit = fit_clock(pairs)
    assert len(fit.pairs) == MAX_PAIRS
    assert set(fit.pairs) <= set(pairs)
    assert (fit.pairs[0], fit.pairs[-1]) == (pairs[0], pairs[-1])


@given(st.integers(2, 40), st.integers(0, 500))
def test_pairs_are_bounded_and_stay_evenly_spread(limit, count):
    collected = ClockPairs(limit)
    for index in range(count):
        collected.add(index, index * 1000)
        kept = [stream for stream, _ in collected._pairs]
        assert len(kept) < limit + 1
        assert len(set(np.diff(kept))) <= 1
        assert kept[:1] == [0]
        assert index - kept[-1] <= 2 * (index // max(1, limit - 1) + 1)


def test_a_long_take_is_fitted_from_its_whole_length():
    collected = ClockPairs(64)
    for stream_us, host_ns in synthetic(3, drift_ppm=80, offset_us=0, stragglers=0, seconds=60, every_us=5_000):
        collected.add(stream_us, host_ns)
    fit = collected.fit()
    assert fit.pairs[-1][0] - fit.pairs[0][0] > 50_000_000
    assert fit.drift_ppm == pytest.approx(80, abs=5)


def test_event_time_now_is_told_by_the_least_late_batch():
    clock = EventClock()
    assert clock.at(10**9) is None
    clock.saw(T0_US + 10_000, (HOST0_US + 10_000 + 9_000) * 1000)
    clock.saw(T0_US + 20_000, (HOST0_US + 20_000 + 300) * 1000)
    clock.saw(T0_US + 30_000, (HOST0_US + 30_000 + 40_000) * 1000)
    assert clock.at((HOST0_US + 50_000) * 1000) == T0_US + 50_000 - 300


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**5)), min_size=1, max_size=30))
def test_event_time_never_lags_behind_an_event_that_was_seen(batches):
    clock = EventClock()
    for at_us, late_us in sorted(batches):
        clock.saw(T0_US + at_us, (HOST0_US + at_us + late_us) * 1000)
        assert clock.at((HOST0_US + at_us + late_us) * 1000) >= T0_US + at_us


def test_the_real_pace_counts_from_its_start():
    now = [7_000_000]
    pace = RealPace(lambda: now[0])
    now[0] += 5_000_000
    assert pace.elapsed_us() == 0
    pace.start()
    now[0] += 1_234_999
    assert pace.elapsed_us() == 1_234
    assert not pace.follows_events


def test_the_event_pace_is_moved_by_events_only_and_never_back():
    pace = EventPace()
    assert (pace.follows_events, pace.elapsed_us()) == (True, 0)
    imu = np.zeros(1, IMU_DTYPE)
    imu["t"] = 99
    pace.saw(Records(Stream.IMU, imu, 0))
    assert pace.elapsed_us() == 0
    for first, last, elapsed in ((1_000, 1_500, 500), (1_600, 3_000, 2_000), (900, 1_100, 2_000)):
        events = np.zeros(2, EVENT_DTYPE)
        events["t"] = first, last
        pace.saw(Records(Stream.EVENTS, events, 0))
        assert pace.elapsed_us() == elapsed
