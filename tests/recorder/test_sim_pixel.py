"""The event pixel against closed forms: what a ramp, a step, a flicker and the dark must give."""

import threading
from dataclasses import asdict, replace
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import GlimpseError
from protocol.streams import EVENT_DTYPE
from recorder.sim.fastmath import exp32, log32
from recorder.sim.pixel import (
    PRESETS,
    SPIKING_FER,
    V2E_CLEAN,
    V2E_NOISY,
    Cause,
    EventPixels,
    PixelError,
    PixelParams,
    params_for_biases,
)
from recorder.sources.davis_biases import PRESETS as BIAS_PRESETS
from recorder.sources.davis_biases import BiasPreset

SIZE = (16, 12)
N = SIZE[0] * SIZE[1]
IDEAL = replace(V2E_CLEAN, threshold_sigma=0.0)
THETA = IDEAL.on_threshold
T0 = 1_700_000_000_000_000


def grey(level, size=SIZE):
    return np.full(size[::-1], level, np.float32)


def started(params=IDEAL, level=100.0, size=SIZE, seed=1, t_us=T0):
    pixels = EventPixels(size, params, seed)
    pixels.start(grey(level, size), t_us)
    return pixels


def run(pixels, levels, step_us=8000, size=SIZE, t_us=T0):
    """Uniform grey levels, one a step: all events and causes."""
    parts = [pixels.step(grey(level, size), t_us + (k + 1) * step_us) for k, level in enumerate(levels)]
    return np.concatenate([e for e, _ in parts]), np.concatenate([c for _, c in parts])


def poisson_bounds(expected):
    return expected - 5 * expected**0.5, expected + 5 * expected**0.5


# Light to events


@pytest.mark.parametrize("slope", [3.7, -3.7])
def test_a_ramp_in_log_intensity_gives_an_event_each_threshold_at_the_exact_microsecond(slope):
    levels = [100 * exp(slope * k * 0.008) for k in range(1, 51)]
    events, causes = run(started(level=100.0), levels)
    one = events[(events["x"] == 3) & (events["y"] == 5)]
    expected = T0 + np.arange(1, 1 + int(0.4 * abs(slope) / THETA + 1e-9)) * THETA / abs(slope) * 1e6
    assert len(one) == len(expected)
    assert np.abs(one["t"] - expected).max() <= 2  # float32 intensities resolve 6e-8 of ln, here 0.02 us each
    assert set(one["p"].tolist()) == {int(slope > 0)}
    assert set(causes.tolist()) == {Cause.SIGNAL}


def test_a_step_of_k_thresholds_gives_k_events_in_each_pixel_and_back_again():
    for k in range(1, 12):
        events, _ = run(started(level=30.0), [30 * exp(k * THETA), 30.0])
        on, off = events[events["p"] == 1], events[events["p"] == 0]
        assert (len(on), len(off)) == (k * N, k * N)
        assert np.all(np.bincount(on["y"] * SIZE[0] + on["x"], minlength=N) == k)


@settings(deadline=None, max_examples=50)
@given(st.floats(21, 250), st.floats(21, 250), st.integers(2, 100_000))
def test_any_step_gives_the_whole_number_of_thresholds_in_it(first, second, step_us):
    events, _ = run(started(level=first, size=(4, 2)), [second], step_us, (4, 2))
    thresholds = abs(log(np.float32(second)) - log(np.float32(first))) / THETA
    assert int(thresholds - 1e-4) * 8 <= len(events) <= int(thresholds + 1e-4) * 8
    assert np.all(events["p"] == (second > first))


def test_what_is_left_of_a_step_counts_towards_the_next():
    levels = [100 * exp(0.7 * THETA), 100 * exp(1.4 * THETA)]
    pixels = started()
    first, _ = pixels.step(grey(levels[0]), T0 + 7000)
    second, _ = pixels.step(grey(levels[1]), T0 + 14000)
    assert len(first) == 0
    assert set(second["t"].tolist()) == {T0 + 10000}


def test_below_twenty_the_mapping_is_linear():
    slope = log(20) / 20
    events, _ = run(started(level=1.0), [1.0 + 3.5 * THETA / slope])
    assert len(events) == 3 * N
    assert len(run(started(level=0.0), [0.5])[0]) == 0


def test_thresholds_have_the_mismatch_asked_for_and_decide_the_events():
    size = (346, 260)
    pixels = EventPixels(size, replace(IDEAL, threshold_sigma=0.03, off_threshold=0.3), 3)
    on, off = pixels.thresholds
    for thresholds, nominal in ((on, 0.2), (off, 0.3)):
        assert thresholds.shape == (260, 346)
        assert abs(thresholds.mean() - nominal) < 5 * 0.03 / len(thresholds.ravel()) ** 0.5
        assert abs(thresholds.std() / 0.03 - 1) < 0.02
    assert abs(np.corrcoef(on.ravel(), off.ravel())[0, 1]) < 0.02
    pixels.start(grey(50.0, size), 0)
    events, _ = pixels.step(grey(50 * exp(1.0), size), 1000)
    counts = np.bincount(events["y"].astype(int) * 346 + events["x"], minlength=size[0] * size[1])
    assert np.mean(counts == (1 / on.ravel()).astype(int)) > 0.999


def test_thresholds_are_clipped_as_in_v2e():
    on, off = EventPixels((100, 100), replace(IDEAL, threshold_sigma=0.2), 3).thresholds
    assert on.min() == off.min() == np.float32(0.01)


# The low-pass


@pytest.mark.parametrize("level", [40.0, 200.0])
def test_the_low_pass_answers_a_step_with_its_time_constant(level):
    fine = replace(IDEAL, on_threshold=0.01, off_threshold=0.01, cutoff_hz=10.0)
    pixels = started(fine, level)
    target = level * exp(1.0)
    pixels.step(grey(target), T0 + 1)  # as good as instantaneous
    events, _ = pixels.step(np.stack([grey(target)] * 1000), T0 + 1 + 1_000_000)
    tau_s = 1 / (2 * np.pi * 10 * (target + 20) / 275)
    one = events[(events["x"] == 0) & (events["y"] == 0)]
    reached = np.arange(1, len(one) + 1) * 0.01
    expected = -tau_s * np.log1p(-reached[:90])
    assert np.abs((one["t"][:90] - T0) * 1e-6 - expected).max() < 0.01 * tau_s + 1e-5


def test_a_slow_pixel_follows_a_ramp_one_time_constant_late():
    slope, cutoff = 2.0, 20.0
    dim = replace(IDEAL, cutoff_hz=cutoff)
    events, _ = run(started(dim, 20.5), [20.5 * exp(slope * k * 0.008) for k in range(1, 101)])
    last = events["t"].max()
    level = 20.5 * exp(slope * (last - T0) * 1e-6)
    tau_s = 1 / (2 * np.pi * cutoff * (level + 20) / 275)
    passed = len(events) / N * THETA  # what the filtered light has covered when the last event comes
    assert slope * (last - T0) * 1e-6 - passed == pytest.approx(slope * tau_s, rel=0.15)


def test_without_a_cutoff_the_pixel_is_infinitely_fast():
    assert len(run(started(IDEAL), [100 * exp(THETA)], 1)[0]) == N


# Noise


def test_without_light_change_and_noise_there_is_nothing():
    assert len(run(started(V2E_CLEAN), [100.0] * 50)[0]) == 0


def test_leak_gives_on_events_at_its_rate_from_the_first_second():
    params = replace(IDEAL, leak_rate_hz=2.0)
    size = (60, 50)
    events, causes = run(started(params, size=size), [100.0] * 60, 100_000, size)
    per_second = np.bincount((events["t"] - T0 - 1) // 1_000_000)
    # the spread of the leak, log-normal, raises the mean to exp((ln 10 * 0.1) ** 2 / 2)
    assert np.all(np.abs(per_second / (2.0 * 3000 * exp(0.5 * (0.1 * log(10)) ** 2)) - 1) < 0.05)
    assert set(events["p"].tolist()) == {1}
    assert set(causes.tolist()) == {Cause.LEAK}


def test_leak_intervals_jitter_by_a_tenth_and_pixels_differ():
    params = replace(IDEAL, leak_rate_hz=5.0)
    events, _ = run(started(params), [100.0] * 400, 50_000)
    intervals = [np.diff(events["t"][(events["x"] == x) & (events["y"] == 4)]) for x in range(SIZE[0])]
    assert 0.07 < np.mean([i.std() / i.mean() for i in intervals]) < 0.13
    assert np.std([log(i.mean()) for i in intervals]) > 0.1


@pytest.mark.parametrize("level", [0.0, 127.0, 255.0])
def test_shot_noise_is_a_poisson_process_at_its_rate_half_on_half_off(level):
    params = replace(IDEAL, shot_noise_rate_hz=5.0)
    size, seconds = (40, 30), 10
    events, causes = run(started(params, level, size), [level] * 1250, 8000, size)
    rate = 5.0 * (1 - 0.75 * (level + 20) / 275)
    low, high = poisson_bounds(rate * 1200 * seconds)
    assert low < len(events) < high
    assert set(causes.tolist()) == {Cause.SHOT}
    half, spread = len(events) / 2, 2.5 * len(events) ** 0.5
    assert abs(np.count_nonzero(events["p"]) - half) < spread
    counts = np.bincount(events["y"] * 40 + events["x"], minlength=1200)
    assert 0.8 < counts.var() / counts.mean() < 1.2  # index of dispersion, 1 for Poisson; sd sqrt(2 / 1200) = 0.04
    assert abs(np.mean((events["t"] - T0) % 8000) - 4000) < 8000 / 12**0.5 * 5 / len(events) ** 0.5


def test_shot_noise_follows_its_rate_over_steps_longer_than_its_intervals():
    events, _ = run(started(replace(IDEAL, shot_noise_rate_hz=400.0), 0.0), [0.0] * 10, 100_000)
    low, high = poisson_bounds(400 * (1 - 0.75 * 20 / 275) * N)
    assert low < len(events) < high


def test_pixels_with_low_thresholds_are_the_noisy_ones():
    params = replace(IDEAL, threshold_sigma=0.04, shot_noise_rate_hz=20.0)
    pixels = started(params)
    weight = sum(0.2 / t for t in pixels.thresholds).ravel()
    events, _ = run(pixels, [100.0] * 100, 100_000)
    counts = np.bincount(events["y"] * SIZE[0] + events["x"], minlength=N)
    assert np.corrcoef(counts, weight)[0, 1] > 0.7


def test_a_noise_event_makes_the_pixel_forget_the_light_it_waited_for():
    noisy = started(replace(IDEAL, shot_noise_rate_hz=2000.0))
    noisy.step(grey(100 * exp(0.9 * THETA)), T0 + 100_000)
    noisy.params = IDEAL
    assert len(noisy.step(grey(100 * exp(1.2 * THETA)), T0 + 200_000)[0]) == 0


def test_hot_pixels_are_few_fixed_and_fire_on_events_at_their_rate():
    params = replace(IDEAL, hot_pixel_fraction=0.05, hot_pixel_rate_hz=50.0)
    pixels = started(params)
    events, causes = run(pixels, [100.0] * 1250)
    hot = np.unique(events["y"] * SIZE[0] + events["x"])
    assert len(hot) == round(0.05 * N)
    low, high = poisson_bounds(50.0 * 10 * len(hot))
    assert low < len(events) < high
    assert set(causes.tolist()) == {Cause.HOT}
    assert set(events["p"].tolist()) == {1}
    pixels.params = replace(params, hot_pixel_fraction=0.02)
    fewer, _ = pixels.step(grey(100.0), T0 + 20_000_000)
    assert set((fewer["y"] * SIZE[0] + fewer["x"]).tolist()) < set(hot.tolist())


def test_noise_and_signal_are_told_apart():
    params = PixelParams(leak_rate_hz=0.5, shot_noise_rate_hz=1.0, hot_pixel_fraction=0.02, cutoff_hz=0)
    levels = [100 * exp(0.5 * np.sin(k / 20)) for k in range(500)]
    events, causes = run(started(params), levels)
    assert set(causes.tolist()) == set(Cause)
    clean, _ = run(started(replace(params, leak_rate_hz=0, shot_noise_rate_hz=0, hot_pixel_rate_hz=0)), levels)
    assert np.count_nonzero(causes == Cause.SIGNAL) == pytest.approx(len(clean), rel=0.1)
    assert len(events) == len(causes)


# The refractory period


@pytest.mark.parametrize("refractory_us", [300, 5000, 20_000])
def test_no_pixel_fires_twice_within_its_refractory_period(refractory_us):
    params = replace(V2E_NOISY, refractory_us=refractory_us, shot_noise_rate_hz=100.0, cutoff_hz=0.0)
    levels = [100 * exp(0.9 * np.sin(k)) for k in range(200)]
    events, _ = run(started(params), levels)
    for x in range(SIZE[0]):
        gaps = np.diff(events["t"][(events["x"] == x) & (events["y"] == 2)])
        assert len(gaps) > 5
        assert gaps.min() >= refractory_us


def test_on_a_ramp_the_refractory_period_adds_to_each_interval():
    slope, refractory_us = 40.0, 3000
    params = replace(IDEAL, refractory_us=refractory_us)
    events, _ = run(started(params, 21.0), [21 * exp(slope * k * 0.001) for k in range(1, 50)], 1000)
    one = events["t"][(events["x"] == 0) & (events["y"] == 0)]
    assert np.all(np.abs(np.diff(one) - (THETA / slope * 1e6 + refractory_us)) <= 1)


# Flicker


def spectrum_peak_hz(events, seconds):
    rate = np.histogram(events["t"], int(seconds * 400), (T0, T0 + seconds * 1e6))[0]
    power = np.abs(np.fft.rfft(rate - rate.mean())) ** 2
    return int(np.argmax(power)) / seconds


@pytest.mark.parametrize("flicker_hz", [100.0, 120.0])
def test_flicker_makes_on_events_at_the_frequency_of_the_light_however_slow_the_pictures(flicker_hz):
    params = replace(IDEAL, flicker_hz=flicker_hz, flicker_depth=0.25)
    events, causes = run(started(params, size=(8, 4)), [100.0] * 20, 50_000, (8, 4))
    assert spectrum_peak_hz(events[events["p"] == 1], 1.0) == pytest.approx(flicker_hz, abs=1)
    swing = log(1.25 / 0.75)
    assert len(events) == pytest.approx(2 * flicker_hz * int(swing / THETA) * 32, rel=0.03)
    assert set(causes.tolist()) == {Cause.SIGNAL}


def test_at_depth_zero_nothing_flickers():
    assert len(run(started(replace(IDEAL, flicker_hz=100.0)), [100.0] * 20)[0]) == 0


def test_flicker_lies_on_top_of_what_moves():
    levels = [30 * exp(k * 0.02) for k in range(1, 101)]
    steady, _ = run(started(IDEAL, 30.0), levels)
    flickering, _ = run(started(replace(IDEAL, flicker_hz=100.0, flicker_depth=0.05), 30.0), levels)
    balance = [np.count_nonzero(e["p"]) - np.count_nonzero(e["p"] == 0) for e in (steady, flickering)]
    assert balance[1] == pytest.approx(balance[0], rel=0.11)


# Biases and parameters


def test_default_biases_are_the_default_pixel():
    for biases in ({}, BIAS_PRESETS[BiasPreset.DEFAULT].biases):
        assert asdict(params_for_biases(biases)) == pytest.approx(asdict(PixelParams()))


def test_sensitive_biases_lower_both_thresholds_by_a_third_and_cost_noise():
    params, usual = params_for_biases(BIAS_PRESETS[BiasPreset.SENSITIVE].biases), PixelParams()
    assert 0.6 < params.on_threshold / usual.on_threshold < 0.7
    assert 0.6 < params.off_threshold / usual.off_threshold < 0.72
    assert params.shot_noise_rate_hz > 2 * usual.shot_noise_rate_hz
    assert params.leak_rate_hz > usual.leak_rate_hz


def test_low_light_biases_halve_the_bandwidth_and_keep_the_thresholds():
    params, usual = params_for_biases(BIAS_PRESETS[BiasPreset.LOW_LIGHT].biases), PixelParams()
    assert 0.4 < params.cutoff_hz / usual.cutoff_hz < 0.6
    assert params.on_threshold == usual.on_threshold
    assert params.shot_noise_rate_hz < usual.shot_noise_rate_hz


@pytest.mark.parametrize(
    ("bias", "value", "field", "rises"),
    [
        ("On", (5, 200), "on_threshold", False),
        ("On", (7, 200), "on_threshold", True),
        ("Off", (4, 10), "off_threshold", False),
        ("Photoreceptor", (1, 58), "cutoff_hz", False),
        ("PhotoreceptorSourceFollower", (2, 33), "cutoff_hz", True),
        ("Refractory", (3, 25), "refractory_us", True),
    ],
)
def test_each_bias_moves_its_parameter(bias, value, field, rises):
    changed, usual = getattr(params_for_biases({bias: value}), field), getattr(PixelParams(), field)
    assert (changed > usual) == rises
    assert changed != usual


def test_extreme_biases_still_make_a_pixel():
    lowest, highest = ({name: pair for name in BIAS_PRESETS[BiasPreset.DEFAULT].biases} for pair in ((0, 0), (7, 255)))
    for biases in (lowest, highest, {"On": (0, 0)}, {"Diff": (7, 255)}, {"Off": (7, 255)}, {"Refractory": (0, 0)}):
        params = params_for_biases(biases)
        assert params.on_threshold >= 0.01
        assert params.shot_noise_rate_hz <= 130


def test_parameters_change_from_then_on_and_the_mismatch_pattern_stays():
    pixels = started(replace(V2E_CLEAN, threshold_sigma=0.03))
    before = pixels.thresholds[0]
    pixels.step(grey(100 * exp(0.5)), T0 + 8000)
    pixels.params = replace(pixels.params, on_threshold=0.1, threshold_sigma=0.015)
    assert np.allclose(pixels.thresholds[0], before / 2, rtol=1e-5)
    backlog, _ = pixels.step(grey(100 * exp(0.5)), T0 + 16000)
    assert 0 < len(backlog) <= N  # one event where the light was already past the new threshold
    later, _ = pixels.step(grey(100 * exp(1.5)), T0 + 24000)
    assert len(later) == pytest.approx(np.sum(1 / pixels.thresholds[0]), rel=0.1)


def test_flicker_and_leak_may_begin_and_end_while_running():
    pixels = started(IDEAL)
    quiet = [run(pixels, [100.0] * 3)]
    pixels.params = replace(IDEAL, flicker_hz=100.0, flicker_depth=0.3)
    flickering, _ = pixels.step(grey(100.0), T0 + 200_000)
    pixels.params = replace(IDEAL, leak_rate_hz=2.0)
    assert set(np.concatenate([pixels.step(grey(100.0), T0 + 300_000)[1]]).tolist()) <= {Cause.SIGNAL, Cause.LEAK}
    late, causes = pixels.step(grey(100.0), T0 + 10_300_000)
    pixels.params = IDEAL
    quiet.append(pixels.step(grey(100.0), T0 + 20_000_000))
    assert [len(events) for events, _ in quiet] == [0, 0]
    assert len(flickering) > 10 * N
    assert len(late) == pytest.approx(2.0 * 10 * N, rel=0.1)
    assert np.mean(causes == Cause.LEAK) > 0.9


def test_a_leak_that_begins_late_does_not_claim_what_light_does():
    pixels = started(IDEAL)
    pixels.step(grey(100.0), T0 + 1_000_000_000)
    pixels.params = replace(IDEAL, leak_rate_hz=0.1)
    _, causes = pixels.step(grey(200.0), T0 + 1_000_008_000)
    assert len(causes) >= 3 * N
    assert set(causes.tolist()) == {Cause.SIGNAL}


def test_presets_have_the_published_values():
    assert set(PRESETS) == {"davis346", "v2e_clean", "v2e_noisy", "spiking_fer"}
    assert (SPIKING_FER.on_threshold, SPIKING_FER.off_threshold, SPIKING_FER.threshold_sigma) == (0.2, 0.2, 0.02)
    assert SPIKING_FER.cutoff_hz == SPIKING_FER.leak_rate_hz == SPIKING_FER.shot_noise_rate_hz == 0
    assert (V2E_NOISY.cutoff_hz, V2E_NOISY.leak_rate_hz, V2E_NOISY.shot_noise_rate_hz) == (30.0, 0.1, 5.0)


def test_the_default_pixel_is_as_noisy_as_a_davis346_in_a_lit_room():
    events, _ = run(started(PixelParams(hot_pixel_fraction=0.0), size=(80, 60)), [100.0] * 100, 100_000, (80, 60))
    assert 0.1 < len(events) / (4800 * 10) < 0.3


# Time, order, sameness


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**31), st.lists(st.tuples(st.integers(1, 60_000), st.integers(1, 4)), min_size=1, max_size=6), st.booleans()
)
def test_events_are_in_order_in_their_step_and_on_the_sensor(seed, steps, flickers):
    params = replace(V2E_NOISY, shot_noise_rate_hz=200.0, refractory_us=150.0, hot_pixel_fraction=0.1, hot_pixel_rate_hz=100.0)
    if flickers:
        params = replace(params, flicker_hz=100.0, flicker_depth=0.5)
    rng = np.random.default_rng(seed)
    pixels, now = started(params, seed=seed), T0
    for length, parts in steps:
        end = now + length + parts
        events, causes = pixels.step(rng.uniform(0, 255, (parts, *SIZE[::-1])).astype(np.float32), end)
        assert events.dtype == EVENT_DTYPE
        assert causes.dtype == np.uint8
        assert len(events) == len(causes)
        assert np.all(np.diff(events["t"]) >= 0)
        if len(events):
            assert now < events["t"][0]
            assert events["t"][-1] <= end
            assert (
                (events["x"].min() >= 0)
                & (events["x"].max() < SIZE[0])
                & (events["y"].min() >= 0)
                & (events["y"].max() < SIZE[1])
            )
            assert set(events["p"].tolist()) <= {0, 1}
        now = end


def scene(count, seed=5):
    return np.random.default_rng(seed).uniform(5, 250, (count, *SIZE[::-1])).astype(np.float32)


@pytest.mark.parametrize("params", [PixelParams(), replace(V2E_NOISY, flicker_hz=100.0, flicker_depth=0.3)])
def test_one_step_of_m_pictures_equals_m_steps(params):
    pictures = scene(9)
    once, many = started(params), started(params)
    together = once.step(pictures, T0 + 9 * 4000)
    apart = [many.step(picture, T0 + (k + 1) * 4000) for k, picture in enumerate(pictures)]
    assert np.array_equal(together[0], np.concatenate([e for e, _ in apart]))
    assert np.array_equal(together[1], np.concatenate([c for _, c in apart]))


def test_the_same_seed_gives_the_same_events_also_on_two_threads_and_another_seed_others():
    def events(seed):
        return started(replace(V2E_NOISY, hot_pixel_fraction=0.1, hot_pixel_rate_hz=9.0), seed=seed).step(
            scene(50), T0 + 400_000
        )[0]

    found = []
    threads = [threading.Thread(target=lambda: found.append(events(7))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], events(7))
    assert not np.array_equal(found[0], events(8))


def test_room_for_events_grows_without_losing_any():
    fine = replace(V2E_NOISY, on_threshold=0.01, off_threshold=0.01, threshold_sigma=0.0, cutoff_hz=0.0)
    levels = [30 * exp(3.005 * (k % 2)) for k in range(1, 7)]  # 300 events a pixel and step, far more than there is room for
    events, _ = run(started(replace(fine, leak_rate_hz=0.0, shot_noise_rate_hz=0.0), 30.0), levels)
    assert len(events) == pytest.approx(6 * 300 * N, rel=1e-3)
    noisy, causes = run(started(fine, 30.0), levels)
    assert np.count_nonzero(causes == Cause.SIGNAL) == pytest.approx(len(events), rel=0.01)
    assert np.all(np.diff(noisy["t"]) >= 0)


def test_long_steps_are_sorted_too():
    events, _ = run(started(PixelParams(shot_noise_rate_hz=50.0)), [100.0, 150.0, 100.0], 3_000_000)
    assert len(events) > 1000
    assert np.all(np.diff(events["t"]) >= 0)


def test_starting_again_adapts_to_the_new_light():
    pixels = started(IDEAL, 10.0)
    pixels.start(grey(200.0), T0 + 5)
    assert len(pixels.step(grey(200.0), T0 + 8005)[0]) == 0


# Bad values


@pytest.mark.parametrize(
    "change",
    [
        {"on_threshold": 0.0},
        {"off_threshold": -0.2},
        {"threshold_sigma": -1.0},
        {"cutoff_hz": float("nan")},
        {"leak_rate_hz": float("inf")},
        {"shot_noise_rate_hz": -1.0},
        {"refractory_us": -1},
        {"hot_pixel_fraction": 1.5},
        {"flicker_depth": 1.0},
        {"flicker_hz": -100.0},
    ],
)
def test_a_value_without_meaning_is_refused_in_a_sentence(change):
    with pytest.raises(PixelError, match=rf"^The event pixel's {next(iter(change))} is .*\.$") as caught:
        replace(PixelParams(), **change)
    assert isinstance(caught.value, GlimpseError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("picture", "end_us"),
    [
        (np.ones((12, 15)), 8000),
        (np.ones((0, 12, 16)), 8000),
        (np.ones(192), 8000),
        (grey(float("nan")), 8000),
        (grey(float("inf")), 8000),
        (grey(-1), 8000),
        (grey(1), 0),
        (grey(1), -5),
        (np.ones((3, 12, 16)), 2),
        (grey(1), 2**31),
    ],
)
def test_a_picture_or_time_that_cannot_be_is_refused_in_a_sentence(picture, end_us):
    pixels = started()
    with pytest.raises(PixelError, match=r"\.$"):
        pixels.step(picture, T0 + end_us)
    assert len(pixels.step(grey(100.0), T0 + 8000)[0]) == 0  # nothing was taken in


def test_a_step_before_the_start_and_a_sensor_of_no_size_are_refused():
    with pytest.raises(PixelError, match="start it"):
        EventPixels(SIZE, IDEAL, 1).step(grey(1), 8000)
    with pytest.raises(PixelError, match="0 x 5"):
        EventPixels((0, 5), IDEAL, 1)


# Arithmetic


@settings(deadline=None)
@given(st.floats(2.0**-20, 2.0**20, width=32))
def test_the_fast_logarithm_and_exponential_are_right_to_single_precision(x):
    assert log32(np.float32(x)) == pytest.approx(np.log(np.float64(x)), rel=3e-7, abs=1e-7)
    assert exp32(np.float32(log(x))) == pytest.approx(x, rel=3e-6)
