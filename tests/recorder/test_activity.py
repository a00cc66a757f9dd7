"""Events counted by time, polarity and tile; pixels that never rest are found; what is wrong costs no other event."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from takekit import T0_US, some_events

from protocol.streams import EVENT_DTYPE
from recorder.activity import ActivityError, clean_events, count_activity, hot_pixels, pixel_counts

SIZE = (64, 48)


def events_of(*rows):
    return np.array([(t, x, y, p) for t, x, y, p in rows], EVENT_DTYPE)


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(2_000, 50_000), st.integers(3, 30), st.integers(0, 5))
def test_every_event_is_counted_once_in_its_bin_its_polarity_and_its_tile(count, bin_us, tile_px, seed):
    events = some_events(count, seed, resolution=SIZE)
    activity = count_activity(events, SIZE, bin_us=bin_us, tile_px=tile_px)
    assert activity.counts.sum() + activity.left_out == count
    assert activity.left_out == 0
    expected = np.zeros_like(activity.counts)
    for t, x, y, p in events.tolist():
        expected[(t - activity.start_us) // bin_us, p, y // tile_px, x // tile_px] += 1
    assert np.array_equal(activity.counts, expected)


def test_what_is_outside_the_sensor_the_span_or_hot_is_left_out_and_said():
    hot = np.zeros((48, 64), bool)
    hot[2, 1] = True
    events = events_of(
        (T0_US, 64, 0, 1), (T0_US, -1, 0, 1), (T0_US, 0, 48, 1), (T0_US, 1, 2, 1), (T0_US - 1, 0, 0, 1), (T0_US + 5, 0, 0, 1)
    )
    activity = count_activity(events, SIZE, hot=hot, span_us=(T0_US, T0_US + 1000))
    assert (activity.counts.sum(), activity.left_out) == (1, 5)
    assert activity.counts[0, 1, 0, 0] == 1


def test_events_out_of_order_are_sorted_and_those_beside_the_sensor_are_taken_away():
    events = events_of((T0_US + 2, 1, 1, 1), (T0_US, 2, 2, 0), (T0_US + 1, 300, 2, 0))
    assert clean_events(events, SIZE)["t"].tolist() == [T0_US, T0_US + 2]
    tidy = some_events(100, resolution=SIZE)
    assert clean_events(tidy, SIZE) is tidy


def test_no_events_make_no_bins():
    nothing = some_events(0)
    assert count_activity(nothing, SIZE).counts.shape[0] == 0
    assert not hot_pixels(nothing, SIZE).any()
    assert clean_events(nothing, SIZE) is nothing


@pytest.mark.parametrize("resolution", [(346, 260), (320, 240), (640, 480), (200, 200), (1, 1)])
def test_tiles_cover_every_sensor(resolution):
    events = some_events(500, resolution=resolution)
    activity = count_activity(events, resolution)
    assert activity.left_out == 0
    assert activity.counts.shape[3] <= 22
    assert activity.counts.shape[2:] == (-(-resolution[1] // activity.tile_px), -(-resolution[0] // activity.tile_px))


def test_a_span_of_years_is_refused_in_one_sentence_instead_of_filling_the_memory():
    events = events_of((0, 0, 0, 1), (2**62, 0, 0, 1))
    with pytest.raises(ActivityError, match="too long for bins of 1000 us; look at a part of them, or choose wider bins"):
        count_activity(events, SIZE)
    with pytest.raises(ActivityError, match="A time bin of 0 us has no width"):
        count_activity(events, SIZE, bin_us=0)


def test_times_of_bins():
    activity = count_activity(events_of((T0_US, 0, 0, 1), (T0_US + 4_999, 0, 0, 1)), SIZE, bin_us=1000)
    assert (activity.bins, activity.end_us) == (5, T0_US + 5_000)
    assert activity.times_us.tolist() == [T0_US + 500 + 1000 * index for index in range(5)]
    assert [activity.index(T0_US + us) for us in (-5, 0, 999, 1000, 99_999)] == [0, 0, 0, 1, 5]


def noisy(seconds=4.0, rate_hz=0.3, seed=0):
    """Background activity all over the sensor."""
    return some_events(round(rate_hz * SIZE[0] * SIZE[1] * seconds), seed, round(seconds * 1e6), SIZE)


def with_pixel(events, x, y, times_us, polarity=1):
    extra = np.zeros(len(times_us), EVENT_DTYPE)
    extra["t"], extra["x"], extra["y"], extra["p"] = times_us, x, y, polarity
    merged = np.concatenate([events, extra])
    return merged[np.argsort(merged["t"], kind="stable")]


def test_hot_pixels_are_found_even_side_by_side_and_nothing_else_is():
    events = noisy()
    for x, y in ((10, 10), (11, 10), (0, 0), (63, 47)):
        events = with_pixel(events, x, y, T0_US + np.arange(80) * 50_000)
    found = hot_pixels(events, SIZE)
    assert sorted(zip(*np.nonzero(found)[::-1], strict=True)) == [(0, 0), (10, 10), (11, 10), (63, 47)]


def test_a_pixel_that_an_edge_passes_often_at_once_is_not_hot():
    burst = with_pixel(noisy(), 20, 20, T0_US + 1_000_000 + np.arange(400) * 500)
    assert not hot_pixels(burst, SIZE).any()


@pytest.mark.parametrize("lamp_hz", [100, 100.1, 120])
def test_a_bright_pixel_that_lamps_drive_beside_dark_ones_is_not_hot_and_a_hot_one_among_them_is(lamp_hz):
    rng = np.random.default_rng(1)
    cycles = T0_US + (np.arange(400) * 1e6 / lamp_hz).astype(np.int64)  # ON as the light rises, OFF as it falls
    driven = with_pixel(noisy(), 20, 20, cycles + rng.integers(0, 2_000, 400))
    driven = with_pixel(driven, 20, 20, cycles + 5_000 + rng.integers(0, 2_000, 400), polarity=0)
    events = with_pixel(driven, 40, 20, np.sort(T0_US + rng.integers(0, 4_000_000, 400)))
    events = with_pixel(events, 44, 20, np.sort(T0_US + rng.integers(0, 4_000_000, 200)), polarity=0)
    events = with_pixel(events, 44, 20, np.sort(T0_US + rng.integers(0, 4_000_000, 200)))
    assert sorted(zip(*np.nonzero(hot_pixels(events, SIZE))[::-1], strict=True)) == [(40, 20), (44, 20)]


def test_less_than_a_second_says_nothing_about_hot_pixels():
    assert not hot_pixels(with_pixel(noisy(0.5), 5, 5, T0_US + np.arange(100) * 4_000), SIZE).any()


def test_times_that_are_farther_apart_than_63_bits_are_borne():
    events = some_events(1000, span_us=2_000_000)
    events["t"][[0, -1]] = -(2**63), 2**63 - 1
    assert not hot_pixels(events, (32, 24)).any()


def test_counts_of_pixels():
    counts = pixel_counts(events_of((0, 3, 1, 1), (5, 3, 1, 0), (9, 0, 0, 1)), SIZE)
    assert (counts[1, 3], counts[0, 0], counts.sum(), counts.shape) == (2, 1, 3, (48, 64))
