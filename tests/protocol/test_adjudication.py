from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from test_label_records import label_sets

from protocol.adjudication import (
    BadDecision,
    Choice,
    Decision,
    adjudicate,
    changed_since,
    decisions_in,
    differences,
    disagreements,
    match_intervals,
    overlap,
)
from protocol.labels import Interval, LabelSet, Noise, Origin, Origins

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
MS = 1000


def interval(name: str, onset_ms: int, offset_ms: int, **keys: Any) -> Interval:
    told = {"movement": "frown", **keys}
    return Interval(id=name, onset_us=onset_ms * MS, offset_us=offset_ms * MS, **told)


def labels(coder: str, *intervals: Interval, noise: bool | None = None) -> LabelSet:
    judged = None if noise is None else Noise(is_noise=noise, reason=f"{coder} saw")
    return LabelSet(coder=coder, created_at=AT, intervals=intervals, noise=judged)


def consensus_of(first: LabelSet, second: LabelSet, *decisions: Decision, **keys: Any) -> LabelSet:
    return adjudicate(first, second, decisions, by="carla", at=AT, **keys)


@pytest.mark.parametrize(
    ("a", "b", "iou"), [((0, 99), (0, 99), 1.0), ((0, 99), (200, 299), 0.0), ((0, 0), (0, 0), 1.0), ((0, 99), (50, 149), 1 / 3)]
)
def test_overlap_is_intersection_over_union(a: tuple[int, int], b: tuple[int, int], iou: float) -> None:
    one, other = (Interval(id="1", movement="frown", onset_us=start, offset_us=stop) for start, stop in (a, b))
    assert overlap(one, other) == pytest.approx(iou)


def test_intervals_of_one_movement_are_paired_before_others_that_overlap_more() -> None:
    frown, blink = interval("f", 0, 200), interval("b", 0, 210, movement="blink")
    other_blink, other_frown = interval("x", 0, 200, movement="blink"), interval("y", 0, 300)
    pairs = match_intervals((frown, blink), (other_blink, other_frown)).pairs
    assert {(a.id, b.id) for a, b in pairs} == {("f", "y"), ("b", "x")}


def test_an_interval_is_paired_once_and_the_rest_is_left_over() -> None:
    matching = match_intervals((interval("1", 0, 100),), (interval("2", 0, 100), interval("3", 5, 100)))
    assert [(a.id, b.id) for a, b in matching.pairs] == [("1", "2")]
    assert ([one.id for one in matching.only_first], [one.id for one in matching.only_second]) == ([], ["3"])


def test_what_is_within_the_tolerance_is_agreed() -> None:
    one, other = interval("1", 100, 300, apex_us=200 * MS), interval("2", 120, 321, apex_us=None)
    assert differences(one, other) == ("apex", "offset")
    assert differences(one, other, tolerance_us=50 * MS) == ("apex",)


def test_an_intensity_that_only_one_coder_gave_is_no_disagreement() -> None:
    assert differences(interval("1", 0, 9, intensity="B"), interval("2", 0, 9)) == ()
    assert differences(interval("1", 0, 9, intensity="B"), interval("2", 0, 9, intensity="C")) == ("intensity",)


def test_the_order_of_action_units_is_no_disagreement() -> None:
    assert differences(interval("1", 0, 9, action_units=(25, 26)), interval("2", 0, 9, action_units=(26, 25))) == ()


def test_disagreements_come_in_the_order_of_time_and_noise_first() -> None:
    first = labels("anna", interval("late", 900, 1000), interval("early", 100, 300), noise=True)
    second = labels("ben", interval("middle", 500, 600), interval("early2", 150, 300))
    found = disagreements(first, second)
    assert [(one.at_us, one.differs) for one in found] == [
        (None, ("noise",)),
        (100 * MS, ("onset",)),
        (500 * MS, ("missing",)),
        (900 * MS, ("missing",)),
    ]


def test_not_to_have_judged_noise_is_to_see_none() -> None:
    assert disagreements(labels("anna", noise=False), labels("ben")) == ()


def test_what_both_agree_about_is_in_the_consensus_with_landmarks_in_the_middle() -> None:
    a = interval(
        "1", 100, 300, apex_us=200 * MS, origin=Origins(onset=Origin.ACCEPTED), intensity="B", confidence=0.9, note="x"
    )
    b = interval("2", 110, 300, apex_us=204 * MS, origin=Origins(onset=Origin.PLACED, offset=Origin.ADJUSTED), confidence=0.5)
    made = consensus_of(labels("anna", a), labels("ben", b))
    [one] = made.intervals
    assert (one.onset_us, one.apex_us, one.offset_us) == (105 * MS, 202 * MS, 300 * MS)
    assert one.origin == Origins(onset=Origin.ADJUSTED, apex=Origin.PLACED, offset=Origin.ADJUSTED)
    assert (one.intensity, one.confidence, one.note) == ("B", 0.5, "x")
    assert [(ref.coder, ref.interval) for ref in one.made_of] == [("anna", "1"), ("ben", "2")]
    assert (made.coder, made.done) == ("consensus", True)


def test_a_suggestion_that_both_accepted_stays_accepted() -> None:
    both = [interval(name, 100, 300, origin=Origins(onset=Origin.ACCEPTED)) for name in "12"]
    assert consensus_of(labels("anna", both[0]), labels("ben", both[1])).intervals[0].origin.onset is Origin.ACCEPTED


FIRST = labels("anna", interval("1", 100, 300), interval("2", 500, 600, movement="blink"))
SECOND = labels("ben", interval("3", 160, 300))


def test_what_is_not_decided_is_left_out_and_named() -> None:
    made = consensus_of(FIRST, SECOND)
    assert made.intervals == ()
    assert not made.done
    assert made.adjudication is not None
    assert [(ref.coder, ref.interval) for ref in made.adjudication.undecided] == [("anna", "1"), ("ben", "3"), ("anna", "2")]


@pytest.mark.parametrize(
    ("choice", "onset_ms"), [(Choice.FIRST, 100), (Choice.SECOND, 160), (Choice.MEAN, 130), (Choice.OWN, 140)]
)
def test_a_decision_takes_one_of_both_the_middle_or_a_new_one(choice: Choice, onset_ms: int) -> None:
    own = interval("mine", 140, 300)
    made = consensus_of(FIRST, SECOND, Decision("1", "3", choice, own), Decision("2", None, Choice.NEITHER))
    [one] = made.intervals
    assert one.onset_us == onset_ms * MS
    assert [(ref.coder, ref.interval) for ref in one.made_of] == [("anna", "1"), ("ben", "3")]
    assert made.adjudication is not None
    assert [ref.interval for ref in made.adjudication.dropped] == ["2"]
    assert made.done


def test_noise_is_decided_like_the_rest() -> None:
    first, second = labels("anna", noise=True), labels("ben", noise=False)
    undecided = consensus_of(first, second)
    assert (undecided.noise, undecided.done) == (None, False)
    decided = consensus_of(first, second, noise=Noise(is_noise=True, reason="spoke"))
    assert decided.noise is not None
    assert (decided.noise.reason, decided.done) == ("spoke", True)
    agreed = consensus_of(first, labels("ben", noise=True)).noise
    assert agreed is not None
    assert (agreed.is_noise, agreed.reason) == (True, "anna saw; ben saw")


@pytest.mark.parametrize(
    "decision",
    [
        Decision("9", None, Choice.FIRST),
        Decision("2", None, Choice.SECOND),
        Decision("2", None, Choice.MEAN),
        Decision("2", None, Choice.OWN),
    ],
)
def test_a_decision_that_fits_nothing_is_refused(decision: Decision) -> None:
    with pytest.raises(BadDecision):
        consensus_of(FIRST, SECOND, decision)


def test_different_movements_have_no_middle() -> None:
    with pytest.raises(BadDecision, match="no middle"):
        consensus_of(
            labels("anna", interval("1", 0, 9)),
            labels("ben", interval("2", 0, 9, movement="smile")),
            Decision("1", "2", Choice.MEAN),
        )


def test_an_adjudication_goes_on_from_the_consensus_alone() -> None:
    begun = consensus_of(FIRST, SECOND, Decision("2", None, Choice.NEITHER))
    again = decisions_in(begun, "anna", "ben")
    ended = consensus_of(FIRST, SECOND, *again, Decision("1", "3", Choice.FIRST))
    assert ended.done
    assert consensus_of(FIRST, SECOND, *decisions_in(ended, "anna", "ben")) == ended


def test_a_consensus_tells_when_an_original_has_changed_since() -> None:
    made = consensus_of(FIRST, SECOND)
    assert changed_since(made, {"anna": FIRST, "ben": SECOND}) == ()
    assert changed_since(made, {"anna": FIRST, "ben": labels("ben")}) == ("ben",)
    assert changed_since(made, {"ben": SECOND}) == ("anna",)


@settings(max_examples=30)
@given(label_sets, label_sets)
def test_every_interval_of_both_is_accounted_for_once(first: LabelSet, second: LabelSet) -> None:
    first, second = (one.model_copy(update={"coder": name}) for one, name in ((first, "anna"), (second, "ben")))
    made = consensus_of(first, second)
    assert made.adjudication is not None
    refs = [*(ref for one in made.intervals for ref in one.made_of), *made.adjudication.undecided, *made.adjudication.dropped]
    told = sorted((ref.coder, ref.interval) for ref in refs)
    assert told == sorted((one.coder, each.id) for one in (first, second) for each in one.intervals)
    assert made.done == (not disagreements(first, second))
    assert disagreements(first, first.model_copy(update={"coder": "ben"})) == ()
