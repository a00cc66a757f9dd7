import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.agreement import (
    ONE_LABEL,
    Both,
    agreement,
    au_overlap,
    cohen_kappa,
    every_agreement,
    iou,
    made_in,
    match,
    percentile,
    spread,
)
from protocol.labels import Interval, LabelSet, Noise, Origins

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MS = 1000


def marked(onset_ms, offset_ms, movement="frown", apex_ms=None, **more):
    apex_us = None if apex_ms is None else apex_ms * MS
    name = f"{movement}{onset_ms}{offset_ms}"
    return Interval(id=name, movement=movement, onset_us=onset_ms * MS, apex_us=apex_us, offset_us=offset_ms * MS, **more)


def labels(*intervals, coder="a", noise=None):
    return LabelSet(coder=coder, created_at=NOW, intervals=intervals, noise=None if noise is None else Noise(is_noise=noise))


def both(first, second, take="t", asked="frown"):
    return Both(take, asked, first, second)


def test_r_counts_the_action_units_that_both_coded():
    assert au_overlap([({4, 7}, {4})]) == pytest.approx(2 * 1 / 3)
    assert au_overlap([({4, 7}, {4}), ({12}, {12})]) == pytest.approx(2 * 2 / 5)
    assert au_overlap([({4}, {12})]) == 0
    assert au_overlap([(set(), set())]) is None


def test_kappa_of_the_example_of_two_readers_and_fifty_papers():
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = cohen_kappa(first, second)
    assert (found.observed, found.expected, found.value) == pytest.approx((0.7, 0.5, 0.4))


def test_kappa_where_only_one_label_occurs_is_defined_and_said():
    found = cohen_kappa(["smile"] * 4, ["smile"] * 4)
    assert (found.value, found.remark) == (1.0, ONE_LABEL)


def test_kappa_of_nothing_is_none():
    assert cohen_kappa([], []).value is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=30))
def test_kappa_is_never_nan_and_never_above_one(pairs):
    found = cohen_kappa([one for one, _ in pairs], [other for _, other in pairs])
    assert found.value is None or (math.isfinite(found.value) and -1 <= found.value <= 1)


def test_intervals_are_matched_one_to_one_the_best_first():
    first = [marked(0, 100), marked(50, 150)]
    second = [marked(52, 150)]
    assert match(first, second) == [(first[1], second[0])]


def test_half_an_overlap_is_enough_and_less_is_not():
    assert iou(marked(0, 100), marked(0, 50)) == 0.5
    assert match([marked(0, 100)], [marked(0, 50)])
    assert not match([marked(0, 100)], [marked(0, 49)])
    assert not match([marked(0, 100)], [marked(0, 100, "smile")])


def test_two_instants_are_the_same_or_not():
    assert iou(marked(5, 5), marked(5, 5)) == 1
    assert iou(marked(5, 5), marked(6, 6)) == 0


times = st.integers(0, 40)
few = st.lists(st.tuples(times, times).map(sorted), max_size=6, unique_by=tuple).map(
    lambda spans: [marked(*one) for one in spans]
)


@given(few, few)
def test_a_matching_uses_every_interval_once_at_most(first, second):
    pairs = match(first, second)
    assert len({one.id for one, _ in pairs}) == len({other.id for _, other in pairs}) == len(pairs)
    assert all(iou(one, other) >= 0.5 for one, other in pairs)


def test_landmarks_are_compared_where_movements_overlap_at_all():
    found = agreement(("a", "b"), [both(labels(marked(0, 100, apex_ms=50)), labels(marked(80, 180, apex_ms=90), coder="b"))])
    assert found.intervals.matched == 0
    assert found.intervals.f1 == 0
    assert found.landmarks["onset"].median_ms == 80
    assert found.landmarks["apex"].bias_ms == 40
    assert found.landmarks["onset"].low_ms is None


def test_bias_and_limits_are_those_of_bland_and_altman():
    found = spread([-10.0, 0.0, 10.0, 20.0])
    assert (found.median_ms, found.bias_ms) == (10, 5)
    deviation = np.std([-10, 0, 10, 20], ddof=1)
    assert (found.low_ms, found.high_ms) == pytest.approx((5 - 1.96 * deviation, 5 + 1.96 * deviation))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_the_percentile_is_that_of_numpy(values):
    assert percentile(values, 0.95) == pytest.approx(np.percentile(values, 95), abs=1e-6)


def test_agreement_is_reported_apart_for_landmarks_that_were_accepted():
    accepted = Origins(onset="accepted", offset="placed")
    one = both(labels(marked(0, 100, origin=accepted)), labels(marked(0, 110, origin=accepted), coder="b"))
    two = both(labels(marked(0, 100)), labels(marked(20, 100, origin=accepted), coder="b"), "u")
    found = agreement(("a", "b"), [one, two])
    assert set(found.by_origin) == {"accepted", "accepted/placed", "placed"}
    assert found.by_origin["accepted"]["onset"].median_ms == 0
    assert found.by_origin["accepted/placed"]["onset"].median_ms == 20
    assert found.by_origin["placed"]["offset"].count == 2


def test_labels_that_are_the_same_to_the_microsecond_are_counted():
    same = both(labels(marked(0, 100)), labels(marked(0, 100), coder="b"))
    assert agreement(("a", "b"), [same, both(labels(), labels(coder="b"), "u")]).identical == 1


@pytest.mark.parametrize(
    ("found", "asked", "made"),
    [
        (labels(), "frown", "neutral"),
        (labels(marked(0, 10), noise=True), "frown", "noise"),
        (labels(marked(0, 900, "smile"), marked(0, 10)), "frown", "frown"),
        (labels(marked(0, 9, "smile"), marked(0, 900, "blink")), "frown", "smile"),
        (labels(marked(0, 900, "blink")), "frown", "blink"),
        (labels(Interval(id="x", action_units=(7, 4), onset_us=0, offset_us=1)), None, "AU4+AU7"),
    ],
)
def test_what_was_made_in_a_take(found, asked, made):
    assert made_in(found, asked) == made


def test_every_pair_of_coders_and_every_movement_is_reported():
    takes = {
        "t": ("frown", {"a": labels(), "b": labels(coder="b"), "c": labels(coder="c")}),
        "u": ("smile", {"a": labels(), "b": labels(coder="b")}),
        "v": ("smile", {"a": labels()}),
    }
    found = [(one.coders, one.movement, one.takes) for one in every_agreement(takes)]
    assert found == [
        (("a", "b"), None, 2),
        (("a", "b"), "frown", 1),
        (("a", "b"), "smile", 1),
        (("a", "c"), None, 1),
        (("a", "c"), "frown", 1),
        (("b", "c"), None, 1),
        (("b", "c"), "frown", 1),
    ]
    assert {one.coders for one in every_agreement(takes, ("a", "c"))} == {("a", "c")}


def test_noise_is_compared_where_both_judged_it():
    takes = [
        both(labels(noise=True), labels(noise=True, coder="b")),
        both(labels(noise=False), labels(noise=False, coder="b"), "u"),
        both(labels(), labels(noise=True, coder="b"), "v"),
    ]
    assert (agreement(("a", "b"), takes).noise.count, agreement(("a", "b"), takes).noise.value) == (2, 1.0)
