import numpy as np
import pytest
from measure_helpers import SIZE, at, joined, noise_events, script_manifest

from recorder.measures import rates
from recorder.measures.steps import phases

WHOLE = (at(0), at(10))
PIXELS = SIZE[0] * SIZE[1]


def test_the_rate_of_each_step_of_the_script_is_told():
    events = joined(noise_events(1), noise_events(4, begin_s=6, seed=1))
    reading = rates.event_rate(events["t"], phases(WHOLE, script_manifest(), None))
    steps = reading.details["steps"]
    assert list(steps) == ["settle", "paper_in", "hold", "neutral", "movement"]
    assert steps["neutral"] == pytest.approx(PIXELS, rel=0.1)
    assert steps["movement"] == pytest.approx(5 * PIXELS, rel=0.1)


def test_the_busiest_ten_milliseconds_are_found():
    events = joined(noise_events(1), noise_events(100, begin_s=7, end_s=7.02, seed=1))
    reading = rates.peak_rate(events["t"], WHOLE)
    assert reading.value == pytest.approx(101 * PIXELS, rel=0.15)
    assert at(7) <= reading.details["at_us"] < at(7.02)


def test_rates_of_every_third_event_are_those_of_all():
    events, parts = noise_events(60), phases(WHOLE, script_manifest(), None)
    assert rates.event_rate(events["t"][::3], parts, 3).value == pytest.approx(60 * PIXELS, rel=0.05)
    assert rates.peak_rate(events["t"][::3], WHOLE, 3).value == pytest.approx(60 * PIXELS, rel=0.3)


def test_a_range_without_events_has_no_busiest_moment():
    assert rates.peak_rate(np.zeros(0, np.int64), WHOLE).value is None
    assert rates.rate(np.zeros(0, np.int64), WHOLE) == 0
