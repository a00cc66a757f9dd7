from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_label_records import intervals, label_sets

from protocol.labeledits import (
    BadEdit,
    Edit,
    Landmark,
    apply,
    changed,
    details,
    difference,
    invert,
    moved,
    new_id,
    put,
    remove,
    replay,
    set_place,
)
from protocol.labels import Interval, LabelSet, Noise, Origin, Origins, Sight

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BY = {"at": AT, "who": "anna"}
FROWN = Interval(id="1", movement="frown", onset_us=100, apex_us=200, offset_us=300, origin=Origins(onset=Origin.ACCEPTED))
EMPTY = LabelSet(coder="anna", created_at=AT)
LABELS = apply(EMPTY, put(EMPTY, "added", FROWN, **BY))


@settings(max_examples=30)
@given(label_sets, st.lists(intervals(), min_size=1, max_size=2, unique_by=lambda one: one.id))
def test_an_edit_can_be_taken_back_and_done_again(labels: LabelSet, new: list[Interval]) -> None:
    edit = put(labels, "suggestions accepted", *new, **BY)
    after = apply(labels, edit)
    assert {interval.id for interval in new} <= after.by_id().keys()
    assert apply(after, invert(edit)) == labels
    assert apply(labels, invert(invert(edit))) == after


@settings(max_examples=30)
@given(label_sets, label_sets)
def test_the_difference_of_two_label_sets_makes_one_of_the_other(old: LabelSet, new: LabelSet) -> None:
    edit = difference(old, new, "imported", **BY)
    result = old if edit is None else apply(old, edit)
    assert result.digest() == new.digest()
    assert (result.done, result.saw, result.spent_s, result.coder) == (new.done, new.saw, new.spent_s, old.coder)


@settings(max_examples=30)
@given(label_sets)
def test_an_edit_survives_being_written_down(labels: LabelSet) -> None:
    edit = difference(EMPTY, labels, "imported", **BY)
    if edit is not None:
        assert Edit.model_validate_json(edit.model_dump_json(by_alias=True)) == edit


def test_labels_that_say_the_same_differ_in_nothing() -> None:
    assert difference(LABELS, LABELS.model_copy(update={"revision": 9, "coder": "ben"}), "x", **BY) is None


def test_an_edit_made_of_other_labels_is_refused() -> None:
    edit = put(LABELS, "onset moved", moved(FROWN, Landmark.ONSET, 110), **BY)
    after = apply(LABELS, edit)
    with pytest.raises(BadEdit, match=r"intervals/1 has changed since"):
        apply(after, edit)


def test_replaying_changes_over_labels_that_hold_some_of_them_gives_the_same() -> None:
    first = put(LABELS, "onset moved", moved(FROWN, Landmark.ONSET, 110), **BY)
    middle = apply(LABELS, first)
    second = remove(middle, "removed", "1", **BY)
    end = apply(middle, second)
    assert replay(LABELS, [first.after, second.after]) == replay(middle, [first.after, second.after]) == end
    assert replay(end, [first.after, second.after]) == end


def test_a_landmark_that_is_moved_tells_whether_it_was_a_suggestion() -> None:
    assert moved(FROWN, Landmark.ONSET, 110).origin.onset is Origin.ADJUSTED
    assert moved(FROWN, Landmark.APEX, 210).origin.apex is Origin.PLACED
    assert moved(FROWN, Landmark.ONSET, 100) is FROWN
    assert moved(FROWN, Landmark.APEX, None).apex_us is None


@pytest.mark.parametrize(("landmark", "us"), [("onset", 201), ("apex", 301), ("offset", 199), ("offset", None), ("onset", 1.5)])
def test_landmarks_out_of_order_are_refused(landmark: str, us: int) -> None:
    with pytest.raises(BadEdit, match="cannot be changed so"):
        moved(FROWN, Landmark(landmark), us)


def test_a_misspelt_key_or_place_is_found() -> None:
    with pytest.raises(BadEdit, match="no 'certainty'"):
        changed(FROWN, certainty=1)
    with pytest.raises(BadEdit, match="nois"):
        set_place(LABELS, "noise", "nois", None, **BY)
    with pytest.raises(BadEdit, match="'coder' is no place"):
        set_place(LABELS, "renamed", "coder", "ben", **BY)
    misspelt = FROWN.model_copy(update={"certainty": 1})
    with pytest.raises(BadEdit, match=r"no 'intervals\.0\.certainty'"):
        difference(LABELS, LABELS.model_copy(update={"intervals": (misspelt,)}), "x", **BY)


def test_who_edits_is_a_pseudonym() -> None:
    with pytest.raises(BadEdit, match="cannot be a coder's name"):
        set_place(LABELS, "finished", "done", True, at=AT, who="Anna Bell")


def test_an_unsound_result_is_refused() -> None:
    edit = set_place(LABELS, "note", "note", 5, **BY)
    with pytest.raises(BadEdit, match="note"):
        apply(LABELS, edit)


def test_an_audit_reads_what_changed_key_by_key() -> None:
    edit = put(LABELS, "onset moved", moved(FROWN, Landmark.ONSET, 110), **BY)
    assert list(details(edit)) == [
        ("intervals/1/onset_us", 100, 110),
        ("intervals/1/origin", {"onset": "accepted", "apex": "placed", "offset": "placed"},
         {"onset": "adjusted", "apex": "placed", "offset": "placed"}),
    ]  # fmt: skip
    noise = set_place(LABELS, "noise", "noise", Noise(is_noise=True, reason="spoke"), **BY)
    assert list(details(noise)) == [("noise", None, {"is_noise": True, "reason": "spoke", "named": None})]


def test_book_keeping_is_nothing_to_undo() -> None:
    assert not set_place(LABELS, "seen", "saw", Sight(asked=True), **BY).undoable
    assert set_place(LABELS, "finished", "done", True, **BY).undoable


def test_an_inverse_may_be_another_persons_and_later() -> None:
    edit = invert(set_place(LABELS, "finished", "done", True, **BY), at=AT + timedelta(hours=1), who="ben")
    assert (edit.who, edit.at.hour, edit.before, edit.after) == ("ben", 10, {"done": True}, {"done": False})


def test_no_id_is_given_twice() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000
