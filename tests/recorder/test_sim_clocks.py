"""Clocks of simulated frame cameras: their truth leads back to event time, their timers drift, their pictures come late."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.streams import Frame, Stream
from recorder.sim.clocks import Clock, FrameTimer, HostLink, Latency, Schedule, draw_clock, jitter_us
from recorder.sim.lamp import Lamp
from recorder.sim.scenery import SensorError, Shot

START_US = 1_700_000_000_000_000
HOUR_US = 3_600_000_000

clocks = st.builds(Clock, st.integers(-3_000_000, 3_000_000), st.floats(-100, 100))
moments = st.integers(START_US, START_US + 10 * HOUR_US)


def by_the_manifest(truth, stream_us, t0_us):
    """The formula of the manifest's truth."""
    shifted = stream_us - t0_us + truth["offset_us"]
    return t0_us + shifted + truth["drift_ppm"] * 1e-6 * shifted


@given(clocks, moments, moments)
def test_the_truth_turns_stream_time_into_event_time_whatever_t0_is(clock, event_us, t0_us):
    truth = clock.truth(START_US, t0_us)
    assert abs(by_the_manifest(truth, clock.stream_us(event_us, START_US), t0_us) - event_us) <= 2


@given(clocks, moments, moments)
def test_a_clock_that_is_referred_to_another_instant_is_the_same_clock(clock, event_us, other_us):
    again = clock.referred_to(other_us, START_US)
    assert abs(again.stream_us(event_us, other_us) - clock.stream_us(event_us, START_US)) <= 2


@given(clocks, moments)
def test_event_time_and_back(clock, event_us):
    assert abs(clock.event_us(clock.stream_us(event_us, START_US), START_US) - event_us) <= 1


@given(clocks, moments, st.integers(1, HOUR_US))
def test_a_clock_never_turns_back(clock, event_us, later_us):
    assert clock.stream_us(event_us + later_us, START_US) >= clock.stream_us(event_us, START_US)


def test_the_offset_of_an_hour_later_has_the_drift_in_it():
    assert Clock(0, 100.0).truth(START_US, START_US + HOUR_US)["offset_us"] == pytest.approx(360_000, abs=40)


def test_drawn_clocks_are_apart_by_seconds_and_drift_both_ways():
    drawn = [draw_clock(np.random.default_rng(seed)) for seed in range(200)]
    offsets, drifts = [c.offset_us for c in drawn], [c.drift_ppm for c in drawn]
    assert max(map(abs, offsets)) <= 3_000_000
    assert max(map(abs, drifts)) <= 100
    assert min(offsets) < -2_500_000 < 2_500_000 < max(offsets)
    assert min(drifts) < -80 < 80 < max(drifts)


def test_jitter_has_its_sigma_and_an_end():
    rng = np.random.default_rng(1)
    drawn = [jitter_us(rng, 20.0) for _ in range(5_000)]
    assert np.std(drawn) == pytest.approx(20, rel=0.05)
    assert max(map(abs, drawn)) <= 60


@given(st.floats(-100, 100), st.sampled_from([8.7, 30.0, 60.0]), st.integers(0, 2**32 - 1))
def test_a_timer_runs_at_the_pace_of_its_clock(drift_ppm, fps, seed):
    timer = FrameTimer(np.random.default_rng(seed), Clock(0, drift_ppm), START_US, fps, 0.0)
    ticks = [timer.next_us() for _ in range(601)]
    assert 0 <= ticks[0] - START_US <= 1.001e6 / fps
    assert ticks[-1] - ticks[0] == pytest.approx(600e6 / fps * (1 + drift_ppm * 1e-6), abs=1)


def test_jitter_of_the_timer_does_not_add_up():
    timer = FrameTimer(np.random.default_rng(3), Clock(0, 0.0), START_US, 30.0, 30.0)
    ticks = np.array([timer.next_us() for _ in range(5_000)]) - START_US
    error = ticks - np.arange(5_000) * 1e6 / 30
    assert np.ptp(error) <= 2 * 90 + 1
    assert np.std(error) == pytest.approx(30, rel=0.05)


@given(st.lists(st.integers(0, 50_000), min_size=2, max_size=50), st.integers(0, 2**32 - 1))
def test_pictures_arrive_late_and_never_overtake(gaps, seed):
    link = HostLink(np.random.default_rng(seed), Latency(15_000, 40_000, 3_000.0), START_US, 77)
    ready = START_US + np.cumsum(gaps)
    arrived = [link.arrival_us(int(t)) for t in ready]
    assert all(late >= 15_000 for late in arrived - ready)
    assert all(np.diff(arrived) > 0)
    assert link.host_ns(arrived[0]) == 77 + (arrived[0] - START_US) * 1000


def test_a_lamp_without_flicker_is_constant():
    assert np.all(Lamp(level=0.4).mean([0, 5], [10, 10_000]) == 0.4)
    assert np.all(Lamp(depth=0.5).intensity(np.arange(10)) == 1.0)


@given(st.integers(0, HOUR_US), st.integers(1, 50_000), st.floats(0, 1), st.sampled_from([100.0, 120.0]))
def test_the_mean_of_a_lamp_is_that_of_its_intensity(begin_us, window_us, depth, flicker_hz):
    lamp = Lamp(1.3, flicker_hz, depth, 1_234)
    samples = lamp.intensity(START_US + begin_us + (np.arange(1_000) + 0.5) * window_us / 1_000)
    assert lamp.mean(START_US + begin_us, START_US + begin_us + window_us) == pytest.approx(samples.mean(), abs=2e-3)


def test_whole_periods_of_a_lamp_have_no_flicker():
    lamp = Lamp(1.0, 100.0, 0.8)
    assert lamp.mean(START_US + 3_333, START_US + 23_333) == pytest.approx(1.0, abs=1e-9)
    assert lamp.intensity(0) == pytest.approx(1.8)
    assert lamp.intensity(5_000) == pytest.approx(0.2)


@pytest.mark.parametrize("wrong", [{"level": -1.0}, {"flicker_hz": float("nan")}, {"depth": 1.5}])
def test_a_lamp_that_cannot_be(wrong):
    with pytest.raises(SensorError, match=r"^The lamp's .* is .*: give a number between .*\.$"):
        Lamp(**wrong)


# --- which pictures there are


def schedule(drop_share=0.0, seed=1):
    rng = np.random.default_rng(seed)
    return Schedule(rng, FrameTimer(rng, Clock(0, 0.0), START_US, 100.0, 0.0), drop_share)


def shot(tick_us):
    return Shot(Frame(Stream.RGB, np.zeros((2, 2, 3), np.uint8), tick_us, None, 0), tick_us, tick_us)


def test_pictures_that_are_skipped_are_never_taken_and_counted():
    plan, taken = schedule(), []
    plan.skip(START_US + 55_000)
    shots = plan.shots(START_US + 105_000, lambda tick_us: (taken.append(tick_us), shot(tick_us))[1])
    assert len(taken) == len(shots) == 5
    assert min(taken) >= START_US + 55_000
    assert plan.dropped == 10 - len(shots)


def test_pictures_get_lost_at_the_rate_that_was_asked_for():
    plan = schedule(0.25)
    given = plan.shots(START_US + 40_000_000, shot)
    assert len(given) + plan.dropped == pytest.approx(4000, abs=1)
    assert plan.dropped / 4000 == pytest.approx(0.25, abs=0.03)
