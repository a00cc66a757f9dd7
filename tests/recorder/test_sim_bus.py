"""The event bus: never faster than the sensor, nothing lost below its rate, nothing out of order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from protocol.streams import EVENT_DTYPE
from recorder.sim.bus import EVENTS_PER_US, QUEUE_US, EventBus


def events_at(times):
    events = np.zeros(len(times), EVENT_DTYPE)
    events["t"], events["x"] = np.sort(times), np.arange(len(times)) % 346
    return events


def sent(bus, times, end_us):
    events = events_at(times)
    return bus.passed(events, (np.arange(len(events)) % 4).astype(np.uint8), end_us)


def test_events_below_its_rate_leave_when_they_happened():
    events, causes = sent(EventBus(), np.arange(1000, 2000), 3000)
    assert (events["t"] == np.arange(1000, 2000)).all()
    assert (causes == np.arange(1000) % 4).all()


def test_a_burst_leaves_one_after_another_and_what_is_late_comes_with_the_next_call():
    bus = EventBus()
    now, _ = sent(bus, np.full(EVENTS_PER_US * 200, 1000), 1100)
    later, _ = sent(bus, np.array([1250]), 2000)
    assert len(now) + len(later) == EVENTS_PER_US * 200 + 1
    assert now["t"].max() <= 1100
    left = np.concatenate([now["t"], later["t"]])
    assert np.bincount(left - left[0]).max() <= EVENTS_PER_US
    assert abs(int(left[-2]) - 1200) <= 1
    assert left[-1] == 1250


def test_what_would_wait_too_long_is_lost_and_counted():
    bus = EventBus()
    flood = EVENTS_PER_US * QUEUE_US * 2
    events, causes = sent(bus, np.full(flood, 5000), 5000 + 3 * QUEUE_US)
    assert len(events) == len(causes)
    assert len(events) + bus.lost == flood
    assert abs(bus.lost - flood / 2) <= EVENTS_PER_US
    assert events["t"].max() - 5000 <= QUEUE_US + 1


@given(st.lists(st.lists(st.integers(1, 50), max_size=300), min_size=1, max_size=5))
def test_order_number_and_rate_whatever_comes(steps):
    bus, gone, begun_us = EventBus(), [], 1_700_000_000_000_000
    for number, offsets in enumerate(steps):
        gone.append(sent(bus, begun_us + 50 * number + np.array(offsets, np.int64), begun_us + 50 * (number + 1))[0]["t"])
    gone.append(sent(bus, np.array([], np.int64), begun_us + 1_000_000)[0]["t"])
    left = np.concatenate(gone)
    assert len(left) == sum(len(offsets) for offsets in steps)
    assert (np.diff(left) >= 0).all()
    assert not len(left) or np.bincount(left - left[0]).max() <= EVENTS_PER_US + 1  # times are rounded up to whole microseconds
