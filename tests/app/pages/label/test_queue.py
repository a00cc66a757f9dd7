"""What a coder's queue lists, where it goes on, and that it gives nothing away that a blind coder must not know."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.pages.label.queue import QueueModel
from app.pages.label.queue_rows import QueueFilter, QueueOrder, in_order, lets_through, queue_rows
from protocol.labels import Interval, LabelSet
from recorder.browse.catalogue import Progress
from recorder.browse.takefacts import TakeRow
from recorder.dataset import TakeEntry
from recorder.labelplan import LabelPlan, make_plan, save_plan
from recorder.labelstore import LabelStore
from recorder.takefiles import mark_noise

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DATA = Path("/data")


def take(stem="smile_4_1", **keys):
    movement, subject, number = stem.removesuffix("_(noise)").split("_")
    told = {
        "path": f"{subject}/{stem}.aedat4",
        "movement": movement,
        "subject": int(subject),
        "number": int(number),
        "noise": stem.endswith("(noise)"),
        "status": "complete",
        "practice": False,
        "redone": False,
        "session": None,
        "recorded_at": None,
        "verdict": "good",
        "confidence": 0.5,
        "done": (),
        "begun": (),
        "disagreement": False,
    }
    return TakeRow(**{**told, **keys})


def plan_with(stems, *, coders=("ann", "ben"), **keys) -> LabelPlan:
    entries = [TakeEntry.at(DATA / stem.split("_")[1] / f"{stem}.aedat4") for stem in stems]
    return make_plan(DATA, entries, coders, seed=3, at=AT, **{"share_twice": 1.0, **keys})


def names(rows, **chosen):
    passes = lets_through(QueueFilter(**chosen))
    return [row.name for row in rows if passes(row)]


# Rows and filters


def test_filters_are_joined_and_takes_that_are_not_used_are_left_out_until_they_are_asked_for():
    takes = [
        take("smile_4_1", confidence=0.9, done=("ann",)),
        take("smile_4_2", verdict="redo", begun=("ann",)),
        take("frown_4_1", status="partial"),
        take("frown_5_1_(noise)"),
        take("blink_5_1", practice=True),
        take("blink_5_2", disagreement=True, confidence=None, done=("ben", "cat")),
    ]
    rows = queue_rows(DATA, takes, "ann", None)
    assert names(rows) == ["smile_4_1", "smile_4_2", "blink_5_2"]
    assert len(names(rows, left_out=True)) == 6
    assert names(rows, statuses=("partial",)) == ["frown_4_1"]
    assert names(rows, noise=True) == ["frown_5_1_(noise)"]
    assert names(rows, practice=True) == ["blink_5_1"]
    assert names(rows, movements=("smile",), verdicts=("redo",)) == ["smile_4_2"]
    assert names(rows, subjects=(5,)) == ["blink_5_2"]
    assert names(rows, confidence=(0.8, 1.0)) == ["smile_4_1"]
    assert names(rows, disagreement=True) == ["blink_5_2"]
    assert names(rows, progress=(Progress.UNTOUCHED,)) == ["blink_5_2"]
    assert names(rows, progress=(Progress.BEGUN, Progress.DONE)) == ["smile_4_1", "smile_4_2"]
    assert names(rows, coder="cat") == ["blink_5_2"]
    assert names(rows, text="Smile_4_2") == ["smile_4_2"]


def test_a_take_that_the_coder_called_noise_stays_in_the_queue():
    rows = queue_rows(DATA, [take("smile_4_1_(noise)", done=("ann",)), take("smile_4_2_(noise)", done=("ben",))], "ann", None)
    assert names(rows) == ["smile_4_1_(noise)"]


def test_a_blind_coder_learns_nothing_of_the_other_before_both_are_done():
    plan = plan_with(["smile_4_1"])
    begun = queue_rows(DATA, [take(done=("ann", "cat"), begun=("ben",), disagreement=True)], "ben", plan)[0]
    assert (begun.done, begun.begun, begun.disagreement, begun.confidence) == ((), ("ben",), False, None)
    both = queue_rows(DATA, [take(done=("ann", "ben"), disagreement=True)], "ben", plan)[0]
    assert (both.done, both.disagreement) == (("ann", "ben"), True)


def test_of_a_take_that_one_labels_the_suggestions_are_known():
    row = queue_rows(DATA, [take()], "ann", plan_with(["smile_4_1"], coders=("ann",), share_twice=0.0))[0]
    assert row.confidence == 0.5
    assert row.sight.suggestions


def test_where_the_movement_is_hidden_neither_name_nor_order_nor_filter_tells_it():
    stems = [f"{movement}_{subject}_1" for movement in ("smile", "frown", "blink") for subject in range(1, 9)]
    plan = plan_with(stems, hide_asked=True)
    rows = queue_rows(DATA, [take(stem) for stem in stems], "ann", plan)
    assert {row.movement for row in rows} == {None}
    assert len({row.name for row in rows}) == len(stems)
    assert not names(rows, movements=("smile",))
    assert not names(rows, text="smile")
    assert in_order(rows, QueueOrder.NAME, plan) == rows
    again = queue_rows(DATA, [take(stem) for stem in reversed(stems)], "ann", plan)
    assert [row.name for row in again] == [row.name for row in rows]


def test_the_plan_gives_each_coder_an_order_of_their_own():
    stems = [f"smile_{subject}_1" for subject in range(1, 13)]
    plan, takes = plan_with(stems), [take(stem) for stem in stems]
    ann, ben = ([row.name for row in queue_rows(DATA, takes, coder, plan)] for coder in ("ann", "ben"))
    assert sorted(ann) == sorted(ben)
    assert ann != ben


def test_orders():
    rows = queue_rows(
        DATA,
        [take("smile_4_2", confidence=0.9, recorded_at="1"), take("blink_4_1", recorded_at="2", confidence=None)],
        "ann",
        None,
    )
    assert [row.name for row in in_order(rows, QueueOrder.NAME, None)] == ["blink_4_1", "smile_4_2"]
    assert [row.name for row in in_order(rows, QueueOrder.RECORDED, None)] == ["smile_4_2", "blink_4_1"]
    assert [row.name for row in in_order(rows, QueueOrder.SURE, None)] == ["smile_4_2", "blink_4_1"]
    assert [row.name for row in in_order(rows, QueueOrder.UNSURE, None)] == ["blink_4_1", "smile_4_2"]


# The model, on a folder


def until(model, met):
    deadline = time.monotonic() + 20
    while not met() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert met(), [model.rows, model.poll()]


@pytest.fixture
def folder(tmp_path):
    for stem in ("blink_4_1", "smile_4_1", "smile_4_2"):
        path = tmp_path / "4" / f"{stem}.aedat4"
        path.parent.mkdir(exist_ok=True)
        path.write_text("raw")
    return tmp_path


@pytest.fixture
def model(folder):
    model = QueueModel(folder, "ann", cache=lambda: None)
    yield model
    model.shut()


def found(model, count=3):
    model.refresh()
    until(model, lambda: not model.looking and len(model.rows) == count)
    return [row.path for row in model.rows]


def finish(folder, path, coder="ann", spent_s=6.0):
    said = LabelSet(
        coder=coder,
        created_at=AT,
        intervals=(Interval(id="a", movement="smile", onset_us=1, offset_us=9),),
        done=True,
        spent_s=spent_s,
    )
    LabelStore(folder).bring_in(path, said)


def test_next_goes_to_what_is_not_done_and_round_at_the_ends(model, folder):
    first, second, third = found(model)
    assert model.next() == first
    assert model.next(-1) == third
    model.choose(third)
    assert model.next() == first
    assert model.next(unlabelled=False) is None
    finish(folder, first)
    model.look_at(first)
    until(model, lambda: model.counts.done == 1)
    assert model.next() == second
    model.choose(second)
    assert model.next(-1) == third
    assert model.next(-1, unlabelled=False) == first
    assert model.minutes_left == pytest.approx(0.2)


def test_a_take_that_the_filter_lists_no_more_is_followed_by_the_one_after_it(model, folder):
    first, second, third = found(model)
    model.show(QueueFilter(progress=(Progress.UNTOUCHED,)))
    model.choose(second)
    finish(folder, second)
    model.look_at(second)
    until(model, lambda: len(model.rows) == 2)
    assert model.next() == third
    assert model.next(-1) == first
    assert model.counts == (3, 1, 0)


def test_a_take_renamed_to_noise_is_found_under_its_new_name_and_stays_chosen(model, folder):
    first = found(model)[0]
    model.choose(first)
    finish(folder, first)
    now = mark_noise(first, noise=True)
    model.look_at(first)
    until(model, lambda: model.row(now) is not None)
    assert model.chosen == now
    assert [row.noise for row in model.rows] == [True, False, False]


@pytest.mark.parametrize("new_name_first", [False, True])
def test_a_take_renamed_to_noise_is_listed_once_whichever_name_is_told_first(model, folder, new_name_first):
    first = found(model)[0]
    now = mark_noise(first, noise=True)
    model.look_at(now if new_name_first else first)
    until(model, lambda: model.row(now) is not None)
    model.look_at(first if new_name_first else now)
    until(model, lambda: model.row(first) is None)
    mark_noise(now, noise=False)
    model.look_at(first)
    until(model, lambda: model.row(first) is not None)
    assert len(model.rows) == 3


def test_a_take_that_was_deleted_is_listed_no_more(model):
    first = found(model)[0]
    first.unlink()
    model.look_at(first)
    until(model, lambda: len(model.rows) == 2)


def test_a_plan_that_is_written_later_is_followed_and_a_damaged_one_opens_nothing(model, folder):
    found(model)
    entries = [TakeEntry.at(row.path) for row in model.rows]
    plan = make_plan(folder, entries[:2], ("ann", "ben"), seed=1, at=AT, share_twice=1.0)
    path = save_plan(folder, plan, instead_of=None)
    found(model, 2)
    assert all(not row.sight.suggestions for row in model.rows)
    path.write_text("{")
    said = []
    model.refresh()
    until(model, lambda: said.extend(model.poll()) or said)
    assert said[0].state == "redo"
    assert all(not row.sight.suggestions for row in model.rows)


def test_a_folder_that_is_gone_is_told(tmp_path):
    model = QueueModel(tmp_path / "gone", "ann", cache=lambda: None)
    model.refresh()
    until(model, lambda: not model.looking)
    model.shut()
    assert "is not a folder" in model.poll()[0].text


def test_another_coder_at_the_desk_has_another_queue(model, folder):
    first = found(model)[0]
    finish(folder, first)
    model.look_at(first)
    until(model, lambda: model.counts.done == 1)
    model.use_coder("ben")
    until(model, lambda: model.counts.done == 0)
    assert model.rows[0].done == ("ann",)
