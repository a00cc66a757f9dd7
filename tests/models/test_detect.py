"""From scores over time to movements."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from models.detect import DetectConfig, Detector, detect

BIN = 40_000


def scores(*levels):
    return np.array(levels, float)[:, None]


def found(levels, **config):
    return detect(scores(*levels), ["smile"], 1_000_000, BIN, DetectConfig(**config))


def test_a_movement_begins_where_it_rises_and_ends_where_it_falls():
    (one,) = found([0, 0.1, 0.35, 0.6, 0.9, 0.7, 0.4, 0.1, 0, 0])
    assert (one.onset_us, one.apex_us, one.offset_us) == (1_080_000, 1_180_000, 1_280_000)
    assert (one.score, one.told_us, one.micro) == (0.9, 1_160_000, True)


def test_what_never_reaches_the_threshold_is_not_told():
    assert found([0, 0.4, 0.45, 0.49, 0.4, 0]) == []


def test_a_short_dip_is_bridged_and_a_long_one_ends_it():
    assert len(found([0, 0.9, 0.1, 0.9, 0, 0, 0, 0])) == 1
    assert len(found([0, 0.9, 0, 0, 0, 0, 0, 0, 0.9, 0, 0, 0])) == 2


def test_the_same_movement_is_not_told_again_at_once():
    again = [0, 0.9, 0, 0, 0, 0.9, 0, 0, 0]
    assert len(found(again, refractory_us=400_000)) == 1
    assert len(found(again, refractory_us=0)) == 2


def test_a_movement_that_is_under_way_at_the_end_is_told():
    (one,) = found([0, 0.9, 0.9])
    assert one.offset_us == 1_120_000


def test_single_movements_have_thresholds_of_their_own():
    assert found([0.6, 0.6], thresholds={"smile": 0.7}) == []
    assert len(found([0.6, 0.6], thresholds={"blink": 0.7})) == 1


def test_two_movements_do_not_disturb_each_other():
    both = np.array([[0.9, 0.0], [0.9, 0.9], [0.0, 0.9], [0, 0], [0, 0], [0, 0]])
    names = [(one.movement, one.onset_us) for one in detect(both, ["smile", "openMouth"], 0, BIN)]
    assert names == [("smile", 0), ("openMouth", BIN)]


def test_what_is_under_way_can_be_seen_and_forgotten():
    detector = Detector(["smile"])
    detector.push(0, BIN, {"smile": 0.9})
    (one,) = detector.open
    assert (one.movement, one.offset_us) == ("smile", BIN)
    detector.reset()
    assert detector.open == ()
    assert detector.finish() == []


@given(arrays(float, (30, 2), elements=st.floats(0, 1)), st.integers(0, 200_000), st.integers(0, 200_000))
def test_movements_lie_in_order_within_the_bins_and_never_overlap_themselves(levels, bridge_us, refractory_us):
    config = DetectConfig(bridge_us=bridge_us, refractory_us=refractory_us)
    made = detect(levels, ["a", "b"], 0, BIN, config)
    for one in made:
        assert 0 <= one.onset_us <= one.apex_us <= one.offset_us <= 30 * BIN
        assert one.score >= config.begin
        assert one.onset_us < one.told_us <= one.offset_us
    for name in "ab":
        own = [one for one in made if one.movement == name]
        assert all(first.offset_us <= second.onset_us for first, second in itertools.pairwise(own))


def test_a_threshold_of_0_is_refused():
    with pytest.raises(ValidationError, match="score of 0"):
        DetectConfig(begin=0.0)
