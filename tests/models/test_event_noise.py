"""What noise filters keep and what they leave out."""

import numpy as np
import pytest
from encode_helpers import events_at, random_events

from models.errors import ModelError
from models.noise import BackgroundActivity, HotPixels


def test_an_event_is_supported_by_a_neighbour_shortly_before_not_by_its_own_pixel():
    events = events_at(
        (0, 10, 10, 1),  # nobody before
        (5, 10, 10, 0),  # only itself
        (900, 11, 11, 1),  # a neighbour 895 us before
        (1000, 13, 11, 1),  # two pixels away
        (2000, 10, 11, 1),  # a neighbour 1100 us before
        (2100, 10, 11, 1),  # itself again, and that neighbour is still too long ago
        (2100, 9, 10, 0),
    )
    assert BackgroundActivity(1000, 50, 50).keep(events).tolist() == [False, False, True, False, False, False, True]


def test_events_at_the_rim_are_judged_and_those_beyond_are_left_out():
    events = events_at((0, 0, 0, 1), (1, 1, 0, 1), (2, 49, 49, 1), (3, 48, 49, 1), (4, 50, 10, 1), (5, -1, 3, 1))
    assert BackgroundActivity(1000, 50, 50).keep(events).tolist() == [False, True, False, True, False, False]


def hot_take(seconds):
    """A pixel that fires 60 times a second by itself, one that is part of a busy patch, and a little noise."""
    rows = [(t, 20, 20, 1) for t in range(0, seconds * 1_000_000, 16_667)]
    rows += [(t, x, y, t % 2) for t in range(0, seconds * 1_000_000, 16_000) for x in (30, 31, 32) for y in (10, 11, 12)]
    noise = random_events(1, 300 * seconds, seconds * 1_000_000, 0, 60, 40)
    events = np.concatenate([events_at(*rows), noise])
    return events[np.argsort(events["t"], kind="stable")]


def test_a_pixel_that_fires_alone_all_the_time_is_left_out_after_a_second():
    events = hot_take(4)
    kept = HotPixels(0, 60, 40).keep(events)
    hot = (events["x"] == 20) & (events["y"] == 20)
    later = events["t"] >= 1_000_000
    assert kept[~later].all()
    assert not kept[hot & later].any()
    assert kept[(events["x"] == 31) & (events["y"] == 11)].all()  # its neighbours are as busy
    assert kept[(events["x"] < 28) & ~hot].all()


def test_a_pixel_that_is_hot_no_more_is_believed_again():
    events = hot_take(3)
    quiet = random_events(2, 2000, 3_000_000, 3_000_000, 10, 10)
    once = events_at((6_000_001, 20, 20, 1))
    filter_ = HotPixels(0, 60, 40)
    filter_.keep(events)
    filter_.keep(quiet)
    assert filter_.keep(once).all()


def test_after_a_long_gap_nothing_is_remembered():
    filter_ = HotPixels(0, 60, 40)
    filter_.keep(hot_take(3))
    assert filter_.keep(events_at((10**13, 20, 20, 1), (10**13 + 5, 20, 20, 1))).all()


def test_pixels_beyond_reason_are_refused():
    with pytest.raises(ModelError, match="smaller crop"):
        HotPixels(0, 20_000, 20_000)
