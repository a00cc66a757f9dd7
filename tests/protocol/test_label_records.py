import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.labels import BadCoderName, Interval, IntervalKind, LabelSet, Noise, Origin, Origins, Sight, check_coder
from protocol.movement import BY_TOKEN
from protocol.schema import SchemaError

times = st.integers(-(2**63), 2**63 - 1)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    onset_us, apex_us, offset_us = sorted(draw(st.tuples(times, times, times)))
    return Interval(
        id=draw(st.uuids().map(str)),
        kind=draw(st.sampled_from(IntervalKind)),
        movement=draw(st.sampled_from(list(BY_TOKEN))),
        action_units=draw(st.lists(st.integers(1, 99), max_size=3).map(tuple)),
        onset_us=onset_us,
        apex_us=draw(st.sampled_from([None, apex_us])),
        offset_us=offset_us,
        intensity=draw(st.sampled_from([None, "A", "B", "C", "D", "E"])),
        confidence=draw(st.none() | st.floats(0, 1)),
        origin=draw(
            st.builds(Origins, *[], onset=st.sampled_from(Origin), apex=st.sampled_from(Origin), offset=st.sampled_from(Origin))
        ),
        note=draw(st.text()),
    )


zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(min_value=datetime(1990, 1, 1), timezones=zones)
label_sets = st.builds(
    LabelSet,
    coder=st.from_regex(r"[a-b][a-z0-9_-]{0,31}", fullmatch=True),
    created_at=instants,
    intervals=st.lists(intervals(), max_size=3, unique_by=lambda interval: interval.id).map(tuple),
    noise=st.none() | st.builds(Noise, is_noise=st.booleans(), reason=st.text()),
    note=st.text(),
    done=st.booleans(),
    saw=st.none() | st.builds(Sight, suggestions=st.booleans(), detections=st.booleans(), others=st.booleans()),
    spent_s=st.none() | st.floats(0, 1e6),
    revision=st.integers(0, 10**6),
)


@given(label_sets)
def test_labels_are_read_back_as_they_were_written(labels: LabelSet) -> None:
    assert LabelSet.parse(labels.to_json(), "coder-1.json") == labels


def stored(**interval: Any) -> str:
    first = {"id": "1", "movement": "frown", "onset_us": 100, "apex_us": 200, "offset_us": 300, **interval}
    return json.dumps(
        {
            "schema": "glimpse.labels",
            "version": "1.0",
            "coder": "coder-1",
            "created_at": "2026-01-20T14:02:11+01:00",
            "intervals": [first],
        }
    )


def test_an_interval_is_placed_by_hand_unless_told_otherwise() -> None:
    interval = LabelSet.parse(stored(), "x").intervals[0]
    assert interval.origin == Origins(onset=Origin.PLACED, apex=Origin.PLACED, offset=Origin.PLACED)
    assert (interval.intensity, interval.confidence, interval.note) == (None, None, "")


def test_an_apex_may_be_missing_and_all_three_may_fall_together() -> None:
    assert LabelSet.parse(stored(apex_us=None), "x").intervals[0].apex_us is None
    assert LabelSet.parse(stored(onset_us=300, apex_us=300), "x").intervals[0].duration_us == 0


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ({"onset_us": 301, "apex_us": None}, r"the onset \(301\) lies after the offset \(300\)"),
        ({"apex_us": 99}, r"the apex \(99\) lies outside 100 to 300"),
        ({"apex_us": 301}, r"the apex \(301\) lies outside 100 to 300"),
        ({"movement": "grin"}, "'grin' is not a movement; legal are smile"),
        ({"movement": "nose wrinkle"}, "'nose wrinkle' is not a movement"),
        ({"movement": None}, "needs a movement or action units"),
        ({"action_units": [0]}, "greater than or equal to 1"),
        ({"intensity": "F"}, "'A', 'B', 'C', 'D' or 'E'"),
        ({"confidence": 1.01}, "less than or equal to 1"),
        ({"confidence": True}, "valid number"),
        ({"onset_us": 100.5}, "valid integer"),
        ({"onset_us": True}, "valid integer"),
        ({"offset_us": 2**63}, "less than or equal to"),
        ({"origin": {"onset": "guessed"}}, "'placed', 'accepted' or 'adjusted'"),
        ({"origin": {"onst": "placed"}}, "unknown key 'intervals.0.origin.onst'"),
        ({"id": ""}, "at least 1 character"),
        ({"onset": 5}, "unknown key 'intervals.0.onset'"),
    ],
)
def test_an_unsound_interval_is_refused_with_what_is_wrong(interval: dict[str, Any], words: str) -> None:
    with pytest.raises(SchemaError, match=rf"^coder-1\.json: .*{words}"):
        LabelSet.parse(stored(**interval), "coder-1.json")


def test_action_units_alone_make_an_interval() -> None:
    assert LabelSet.parse(stored(movement=None, action_units=[25, 26]), "x").intervals[0].action_units == (25, 26)


def test_two_intervals_cannot_share_an_id() -> None:
    interval = Interval(id="1", movement="frown", onset_us=1, offset_us=2)
    with pytest.raises(ValueError, match="two intervals have the id '1'"):
        LabelSet(coder="coder-1", created_at=datetime.now(UTC), intervals=(interval, interval))


def test_intervals_may_overlap_for_movements_do() -> None:
    pair = tuple(Interval(id=name, movement=name, onset_us=1, offset_us=9) for name in ("frown", "blink"))
    assert LabelSet(coder="coder-1", created_at=datetime.now(UTC), intervals=pair).by_id()["blink"] == pair[1]


@pytest.mark.parametrize("name", ["a", "coder-1", "r2_d2", "7", "a" * 32, "console", "nul1"])
def test_a_short_pseudonym_is_a_coders_name(name: str) -> None:
    assert check_coder(name) == name


@pytest.mark.parametrize(
    "name", ["", "Anna", "anna maria", "../a", "a/b", "a.json", "-a", "_a", "é", "a" * 33, "con", "nul", "com1", "a\n", "a\x00"]
)
def test_what_is_no_file_name_everywhere_is_no_coders_name(name: str) -> None:
    with pytest.raises(BadCoderName, match="short pseudonym"):
        check_coder(name)
    with pytest.raises(SchemaError, match="cannot be a coder's name"):
        LabelSet.parse(json.dumps({**json.loads(stored()), "coder": name}), "coder-1.json")


def test_a_note_of_a_newer_minor_version_is_kept() -> None:
    newer = {**json.loads(stored(certainty="high")), "version": "1.9"}
    labels = LabelSet.parse(json.dumps(newer), "x")
    assert json.loads(labels.to_json())["intervals"][0]["certainty"] == "high"


def test_a_blink_beside_another_movement_was_one_in_passing_before_kinds_were_told() -> None:
    old = json.loads(stored())
    blink = {**old["intervals"][0], "id": "2", "movement": "blink"}
    both = LabelSet.parse(json.dumps({**old, "intervals": [*old["intervals"], blink]}), "x")
    assert {interval.id: interval.kind for interval in both.intervals} == {"1": IntervalKind.ASKED, "2": IntervalKind.BLINK}
    alone = LabelSet.parse(json.dumps({**old, "intervals": [blink]}), "x")
    assert [interval.kind for interval in alone.intervals] == [IntervalKind.ASKED]


def test_intervals_are_kept_in_the_order_of_time() -> None:
    late, early = (Interval(id=name, movement="frown", onset_us=us, offset_us=9) for name, us in (("a", 5), ("b", 1)))
    assert LabelSet(coder="a", created_at=datetime.now(UTC), intervals=(late, early)).intervals == (early, late)


def test_only_the_consensus_can_be_an_adjudication() -> None:
    told = json.loads(stored())
    both = [{"coder": name, "digest": "0" * 64} for name in ("anna", "ben")]
    told |= {"version": "1.1", "adjudication": {"by": "carla", "at": told["created_at"], "originals": both}}
    assert LabelSet.parse(json.dumps({**told, "coder": "consensus"}), "x").adjudication is not None
    with pytest.raises(SchemaError, match="only labels of the coder 'consensus'"):
        LabelSet.parse(json.dumps(told), "x")


@given(label_sets)
def test_the_digest_tells_what_was_said_and_not_when_or_how_it_was_kept(labels: LabelSet) -> None:
    kept = labels.model_copy(update={"coder": "zoe", "revision": 77, "spent_s": 1.5, "saw": Sight(others=True)})
    assert kept.digest() == labels.digest()
    assert labels.model_copy(update={"note": labels.note + "!"}).digest() != labels.digest()


def test_what_was_seen_stays_seen() -> None:
    seen = Sight(asked=True).also(Sight(suggestions=True)).also(Sight())
    assert seen == Sight(asked=True, suggestions=True)
    assert (Sight(asked=True).blind, seen.blind) == (True, False)
