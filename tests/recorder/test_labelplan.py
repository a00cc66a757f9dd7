import os
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from protocol.labels import CONSENSUS, Interval, Sight
from protocol.schema import SchemaError
from recorder.dataset import Dataset, TakeEntry
from recorder.host import ProcessId
from recorder.labelmerge import merge
from recorder.labelplan import (
    PLAN_FILE,
    LabelPlanError,
    Progress,
    coders_of,
    extended,
    make_plan,
    progress,
    queue_for,
    read_plan,
    save_plan,
    sight_for,
    take_key,
)
from recorder.labelstate import labels_folder, read_labels
from recorder.labelstore import LabelStore
from recorder.takefiles import mark_noise

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
FROWN = Interval(id="f", movement="frown", onset_us=100, offset_us=300)
BLINK = Interval(id="b", movement="blink", onset_us=400, offset_us=500)


def entries(count, movements=("frown", "smile", "blink", "openMouth")):
    return [TakeEntry.at(Path(f"/data/{n}/{movement}_{n}_1.aedat4")) for n in range(1, count + 1) for movement in movements]


def plan_of(takes, coders=("anna", "ben", "carla"), **keys):
    return make_plan("/data", takes, coders, **{"seed": 7, "at": AT, **keys})


def a_take(data, stem):
    path = data / "4" / f"{stem}.aedat4"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"raw {stem}")
    return path


# The plan


def test_every_take_has_a_coder_and_a_share_has_two():
    plan = plan_of(entries(25), share_twice=0.3)
    assert len(plan.takes) == 100
    assert Counter(len(coders) for coders in plan.takes.values()) == {1: 70, 2: 30}
    assert all(len(set(coders)) == len(coders) for coders in plan.takes.values())


def test_work_movements_and_pairs_are_shared_evenly():
    plan = plan_of(entries(25), share_twice=0.3)
    load = Counter(coder for coders in plan.takes.values() for coder in coders)
    assert max(load.values()) - min(load.values()) <= 4
    of_movement = Counter((key.partition("_")[0], coder) for key, coders in plan.takes.items() for coder in coders)
    assert max(of_movement.values()) - min(of_movement.values()) <= 3
    twice = Counter(key.partition("_")[0] for key, coders in plan.takes.items() if len(coders) == 2)
    assert set(twice.values()) <= {7, 8}
    pairs = Counter(frozenset(coders) for coders in plan.takes.values() if len(coders) == 2)
    assert set(pairs.values()) == {10}


def test_a_seed_makes_one_plan_whatever_the_order_of_the_takes():
    assert plan_of(entries(9)) == plan_of(entries(9)[::-1])
    assert plan_of(entries(9)).takes != plan_of(entries(9), seed=8).takes


@pytest.mark.parametrize(("share", "expected"), [(0, {1}), (1, {2})])
def test_none_or_all_may_be_labelled_twice(share, expected):
    assert {len(coders) for coders in plan_of(entries(5), share_twice=share).takes.values()} == expected


def test_takes_recorded_later_are_added_and_nothing_else_changes():
    first = plan_of(entries(10), share_twice=0.5)
    later = extended(first, "/data", entries(15))
    assert {key: later.takes[key] for key in first.takes} == first.takes
    assert Counter(len(coders) for coders in later.takes.values()) == {1: 30, 2: 30}
    assert extended(later, "/data", entries(15)) == later


@pytest.mark.parametrize(
    ("coders", "keys", "words"),
    [
        ((), {}, "at least 1"),
        (("anna",), {}, "two coders"),
        (("anna", "anna"), {}, "named twice"),
        (("anna", "consensus"), {}, "cannot be a coder's"),
        (("anna", "Ben B"), {}, "short pseudonym"),
        (("anna", "ben"), {"share_twice": 1.5}, "less than or equal to 1"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(coders, keys, words):
    with pytest.raises(LabelPlanError, match=words):
        plan_of(entries(2), coders, **keys)


def test_one_coder_can_have_a_plan_too():
    assert set(plan_of(entries(3), ("anna",), share_twice=0).takes.values()) == {("anna",)}


def test_a_take_keeps_its_key_when_it_is_renamed_or_moved(tmp_path):
    keys = {take_key(tmp_path, tmp_path / place) for place in ("4/frown_4_1.aedat4", "9/frown_4_1_(noise).aedat4")}
    assert keys == {"frown_4_1"}
    assert take_key(tmp_path, tmp_path / "old" / "session a.aedat4") == "old/session a"


@pytest.mark.parametrize(
    ("stem", "key"),
    [
        ("noseWrinkle_12_999999_(noise)", "noseWrinkle_12_999999"),
        ("nose_winkle_4_1_NOISE", "noseWrinkle_4_1"),
        ("frown_4_1_(noise)_(noise)", "4/frown_4_1_(noise)_(noise)"),
        ("frown_04_1", "4/frown_04_1"),
        ("frown_4_1000000", "4/frown_4_1000000"),
        ("frown_4_1.part", "4/frown_4_1.part"),
    ],
)
def test_a_sloppy_name_has_the_key_of_its_take_and_what_is_no_name_its_path(tmp_path, stem, key):
    assert take_key(tmp_path, tmp_path / "4" / f"{stem}.aedat4") == key


# What may be seen


def test_of_what_two_label_blindly_nothing_is_shown_that_could_be_copied():
    plan = plan_of(entries(4))
    assert sight_for(plan, ("anna", "ben")) == Sight(asked=True)
    assert sight_for(plan, ("anna", "ben")).blind
    assert sight_for(plan, ("anna",)) == Sight(suggestions=True, detections=True, asked=True)
    assert sight_for(None, ()) == Sight(suggestions=True, detections=True, asked=True)


def test_a_plan_may_show_more_or_hide_even_what_was_asked():
    open_plan = plan_of(entries(4), blind=False)
    assert sight_for(open_plan, ("anna", "ben")) == Sight(suggestions=True, detections=True, others=True, asked=True)
    hiding = plan_of(entries(4), hide_asked=True)
    assert sight_for(hiding, ("anna", "ben")) == Sight()


# On disk


def test_a_plan_is_written_and_read_back(tmp_path):
    assert read_plan(tmp_path) is None
    plan = plan_of(entries(3))
    assert save_plan(tmp_path, plan, instead_of=None) == tmp_path / PLAN_FILE
    assert read_plan(tmp_path) == plan
    assert [path.name for path in tmp_path.iterdir()] == [PLAN_FILE]


def test_a_plan_that_another_window_wrote_meanwhile_is_not_replaced(tmp_path):
    theirs, ours = plan_of(entries(3)), plan_of(entries(3), seed=8)
    save_plan(tmp_path, theirs, instead_of=None)
    with pytest.raises(LabelPlanError, match="another plan was written meanwhile"):
        save_plan(tmp_path, ours, instead_of=None)
    save_plan(tmp_path, ours, instead_of=theirs)
    assert read_plan(tmp_path) == ours
    (tmp_path / f"{PLAN_FILE}.lock").write_text(ProcessId.current().to_json())
    with pytest.raises(LabelPlanError, match="just changing the plan"):
        save_plan(tmp_path, theirs, instead_of=ours)


def test_a_plan_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / PLAN_FILE).write_text("{")
    with pytest.raises(SchemaError, match="restore the file"):
        read_plan(tmp_path)
    with pytest.raises(LabelPlanError, match="cannot be written"):
        save_plan(tmp_path / "nowhere" / "deep", plan_of([]), instead_of=None)


# The queue


@pytest.fixture
def data(tmp_path):
    data = tmp_path / "data"
    for number in range(1, 11):
        a_take(data, f"frown_4_{number}")
    return data


def planned(data, share_twice=0.5):
    plan = make_plan(data, Dataset(data).takes(), ("anna", "ben"), seed=3, at=AT, share_twice=share_twice)
    save_plan(data, plan, instead_of=None)
    return plan


def test_a_coder_has_their_own_takes_in_an_order_of_their_own(data):
    plan = planned(data, share_twice=1)
    anna, ben = (queue_for(data, coder, plan=plan) for coder in ("anna", "ben"))
    assert {one.key for one in anna} == {one.key for one in ben} == set(plan.takes)
    assert [one.key for one in anna] != [one.key for one in ben]
    assert all(one.twice and one.sight.blind for one in anna)
    assert queue_for(data, "carla", plan=plan) == ()


def test_the_order_stays_when_takes_are_added(data):
    plan = planned(data)
    before = [one.key for one in queue_for(data, "anna", plan=plan)]
    a_take(data, "frown_4_11")
    later = extended(plan, data, Dataset(data).takes())
    assert [one.key for one in queue_for(data, "anna", plan=later) if one.key in plan.takes] == before


def test_without_a_plan_the_queue_is_every_take_in_the_order_of_names(data):
    queue = queue_for(data, "anna", plan=None)
    assert [one.key for one in queue] == [f"frown_4_{number}" for number in range(1, 11)]
    assert (queue[0].coders, queue[0].labels) == ((), None)


def test_a_queue_tells_what_is_done_and_keeps_what_the_coder_called_noise(data):
    plan = planned(data, share_twice=0)
    queue = queue_for(data, "anna", plan=plan)
    done, noisy = queue[0].entry.path, queue[1].entry.path
    store = LabelStore(data)
    with store.open(done, "anna") as labels:
        labels.set("finished", "done", True)
    with store.open(noisy, "anna") as labels:
        labels.mark_noise(True, "spoke", coders_of(plan, data, noisy))
    mark_noise(queue[2].entry.path)  # by the operator
    again = queue_for(data, "anna", plan=plan)
    assert [one.key for one in again] == [queue[place].key for place in range(len(queue)) if place != 2]
    assert again[0].done
    assert again[1].entry.noise
    assert progress(data, plan)["anna"] == Progress(len(queue) - 1, 1, 1)


def test_progress_counts_what_is_ready_for_adjudication_and_adjudicated(data):
    plan = planned(data, share_twice=1)
    assert progress(data, plan) == {"anna": Progress(10), "ben": Progress(10), CONSENSUS: Progress()}
    store = LabelStore(data)
    paths = [entry.path for entry in Dataset(data).takes()]
    for coder, count in (("anna", 4), ("ben", 3), (CONSENSUS, 2)):
        for path in paths[:count]:
            with store.open(path, coder) as labels:
                labels.set("finished", "done", True)
    assert progress(data, plan) == {"anna": Progress(10, 4), "ben": Progress(10, 3), CONSENSUS: Progress(3, 2)}


def test_labels_that_cannot_be_read_do_not_stop_the_queue(data):
    take = Dataset(data).takes()[0].path
    labels_folder(take).mkdir()
    (labels_folder(take) / "anna.json").write_text('{"schema": "glimpse.labels", "version": "9.0"}')
    assert len(queue_for(data, "anna", plan=None)) == 10


# Copies coded apart


@pytest.fixture
def copies(data):
    """The data set and a copy of it on another machine."""
    with LabelStore(data).open(data / "4" / "frown_4_1.aedat4", "anna") as labels:
        labels.put("added", FROWN)
    other = data.with_name("copy")
    shutil.copytree(data, other)
    return data, other


def first(data):
    return data / "4" / "frown_4_1.aedat4"


def everything(data):
    return {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}


def test_a_coder_who_is_missing_here_is_copied_with_the_journal(copies):
    ours, theirs = copies
    with LabelStore(theirs).open(first(theirs), "ben") as labels:
        labels.put("added", BLINK)
    before = everything(theirs)
    result = merge(ours, theirs)
    assert (result.copied, result.kept, result.conflicts) == (["frown_4_1: ben"], ["frown_4_1: anna"], [])
    assert everything(theirs) == before == everything(ours)
    with LabelStore(ours).open(first(ours), "ben") as labels:
        assert labels.undo() is not None


def test_labels_that_went_on_in_the_copy_go_on_here(copies):
    ours, theirs = copies
    with LabelStore(theirs).open(first(theirs), "anna") as labels:
        labels.put("added", BLINK)
        labels.undo()
        labels.redo()
    assert merge(ours, theirs).advanced == ["frown_4_1: anna"]
    assert read_labels(first(ours)) == read_labels(first(theirs))
    assert merge(ours, theirs).kept == ["frown_4_1: anna"]
    with LabelStore(ours).open(first(ours), "anna") as labels:
        labels.undo()
        labels.undo()
        assert (labels.labels.empty, labels.messages) == (True, ())


def test_what_only_we_went_on_with_is_kept(copies):
    ours, theirs = copies
    with LabelStore(ours).open(first(ours), "anna") as labels:
        labels.put("added", BLINK)
    before = everything(ours)
    assert merge(ours, theirs).kept == ["frown_4_1: anna"]
    assert everything(ours) == before


def test_what_both_have_changed_is_told_and_never_overwritten(copies):
    ours, theirs = copies
    with LabelStore(ours).open(first(ours), "anna") as labels:
        labels.put("added", BLINK)
    with LabelStore(theirs).open(first(theirs), "anna") as labels:
        labels.remove("removed", "f")
    before = everything(ours)
    result = merge(ours, theirs)
    assert ["neither goes on from the other" in one.message for one in result.conflicts] == [True]
    assert (result.copied, result.advanced, everything(ours)) == ([], [], before)


def test_a_copy_that_knows_the_take_under_its_noise_name_is_understood(copies):
    ours, theirs = copies
    mark_noise(first(theirs))
    with LabelStore(theirs).open(first(theirs), "ben") as labels:
        labels.put("added", BLINK)
    assert merge(ours, theirs).copied == ["frown_4_1: ben"]
    assert set(read_labels(first(ours))) == {"anna", "ben"}


def test_labels_of_another_recording_or_of_none_are_told(copies):
    ours, theirs = copies
    first(theirs).write_text("another recording")
    (theirs / "4" / "frown_4_77.labels").mkdir()
    shutil.copy(labels_folder(first(theirs)) / "anna.json", theirs / "4" / "frown_4_77.labels")
    messages = sorted(conflict.message for conflict in merge(ours, theirs).conflicts)
    assert ["is another recording" in messages[0], "there is no such take" in messages[1]] == [True, True]


def test_a_folder_that_holds_labels_alone_can_be_merged(copies):
    ours, theirs = copies
    with LabelStore(theirs).open(first(theirs), "ben") as labels:
        labels.put("added", BLINK)
    for path in (theirs / "4").glob("*.aedat4"):
        path.unlink()
    assert merge(ours, theirs).copied == ["frown_4_1: ben"]


def test_labels_that_were_kept_of_a_deleted_take_come_back_when_the_take_does(data):
    aside = data.with_name("aside")
    labels = LabelStore(data).open(first(data), "anna")
    labels.put("added", FROWN)
    (data / "4").rename(aside)
    with pytest.raises(Exception, match="were kept in"):
        labels.close()
    aside.rename(data / "4")
    shutil.rmtree(labels_folder(first(data)))
    [kept] = (data / ".kept-labels").iterdir()
    assert merge(data, kept).copied == ["frown_4_1: anna"]
    assert read_labels(first(data))["anna"].intervals == (FROWN,)


def test_labels_that_are_open_here_or_damaged_there_are_told_and_left(copies):
    ours, theirs = copies
    with LabelStore(theirs).open(first(theirs), "anna") as labels:
        labels.put("added", BLINK)
    with LabelStore(ours).open(first(ours), "anna"):
        assert "is open in a window" in merge(ours, theirs).conflicts[0].message
    (labels_folder(first(theirs)) / "anna.json").write_text("{")
    assert "is damaged" in merge(ours, theirs).conflicts[0].message
    assert read_labels(first(ours))["anna"].intervals == (FROWN,)


def test_a_plan_is_brought_along_but_never_replaced(copies):
    ours, theirs = copies
    plan = planned(theirs)
    assert PLAN_FILE in merge(ours, theirs).copied
    assert read_plan(ours) == plan
    assert merge(ours, theirs).conflicts == []
    save_plan(theirs, make_plan(theirs, Dataset(theirs).takes(), ("zoe", "ben"), seed=1, at=AT), instead_of=plan)
    assert "another plan" in merge(ours, theirs).conflicts[0].message
    assert read_plan(ours) == plan


def test_a_merge_that_cannot_write_is_told(copies, monkeypatch):
    ours, theirs = copies
    with LabelStore(theirs).open(first(theirs), "ben") as labels:
        labels.put("added", BLINK)

    def full(path, _):
        raise OSError(28, os.strerror(28), str(path))

    monkeypatch.setattr("recorder.labelmerge.create_exclusive", full)
    assert "No space left on device" in merge(ours, theirs).conflicts[0].message
