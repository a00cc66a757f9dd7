import numpy as np
import pytest
from measure_helpers import SIZE, at, joined, noise_events, script_manifest

from protocol.analysis import PaperSeen
from recorder.activity import count_activity
from recorder.measures import noise
from recorder.measures.steps import phases

WHOLE = (at(0), at(10))


def background(events, paper=None):
    activity = count_activity(events, SIZE, bin_us=10_000, tile_px=16, span_us=WHOLE)
    return noise.background(activity, phases(WHOLE, script_manifest(), paper))


def test_background_is_the_rate_behind_the_paper():
    loud_face = noise_events(50, begin_s=3.7, seed=1)
    reading = background(joined(noise_events(2), loud_face), PaperSeen(in_us=at(1), out_us=at(3.5)))
    assert reading.value == pytest.approx(2, rel=0.1)
    assert reading.details["where"] == "paper"


def test_without_paper_it_is_the_rate_of_the_stillest_part_of_the_picture():
    face = noise_events(50, seed=1, size=(32, 48))
    reading = background(joined(noise_events(2), face))
    assert reading.value == pytest.approx(2, rel=0.1)
    assert reading.details["where"] == "quiet"


def test_a_take_of_a_moment_tells_no_background():
    events = noise_events(2, end_s=0.2)
    activity = count_activity(events, SIZE, bin_us=10_000)
    reading = noise.background(activity, phases((at(0), at(0.2)), None, None))
    assert reading.value is None
    assert reading.unknown


def test_hot_pixels_are_a_share_of_all():
    hot = np.zeros((50, 100), bool)
    hot[3, 4:9] = True
    reading = noise.hot_share(hot)
    assert (reading.value, reading.details["count"]) == (1.0, 5)
