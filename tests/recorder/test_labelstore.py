import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from protocol.adjudication import Choice, Decision, adjudicate, changed_since, decisions_in
from protocol.labeledits import Landmark, details, moved, new_id
from protocol.labels import Interval, LabelSet, Noise, Sight
from protocol.schema import SchemaError
from recorder.host import ProcessId
from recorder.labelnoise import noise_decision
from recorder.labelplace import LabelsGone
from recorder.labelstate import LabelStoreError, coders_in, labels_folder, read_labels, read_state
from recorder.labelstore import LabelStore
from recorder.takefiles import mark_noise

FROWN = Interval(id="f", movement="frown", onset_us=100, apex_us=200, offset_us=300)
BLINK = Interval(id="b", kind="blink", movement="blink", onset_us=400, offset_us=500)


@pytest.fixture
def take(tmp_path):
    """A take with siblings, in a data set of its own."""
    return some_take(tmp_path, "frown_4_1")


def some_take(data, stem):
    folder = data / "4"
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in (".rgb.mp4", ".json", ".aedat4"):
        (folder / f"{stem}{suffix}").write_text(f"raw {stem}{suffix}")
    return folder / f"{stem}.aedat4"


@pytest.fixture
def store(tmp_path):
    return LabelStore(tmp_path)


def names(take):
    return sorted(path.name for path in labels_folder(take).iterdir())


def said(take, coder="anna"):
    """What is on disk, as another process reads it."""
    return read_labels(take)[coder]


def other_window(code, *arguments):
    """Another process that runs `code`, which says something and then waits to be told to go on."""
    prelude = "import sys; from recorder.labelstore import LabelStore; from protocol.labels import Interval\n"
    command = [sys.executable, "-c", prelude + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


LABELLING = """
labels = LabelStore(sys.argv[1]).open(sys.argv[2], sys.argv[3])
labels.put("added", Interval(id="1", movement="frown", onset_us=1, offset_us=2))
print(labels.writable, flush=True)
sys.stdin.readline()
labels.put("added", Interval(id="2", movement="frown", onset_us=3, offset_us=4))
labels.close()
"""


# On disk


def test_labels_are_on_disk_and_read_back(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        labels.set("noise", "noise", Noise(is_noise=False))
        labels.set("finished", "done", True)
    assert names(take) == ["anna.journal.jsonl", "anna.json"]
    with store.open(take, "anna") as again:
        assert again.labels == labels.labels == said(take)
        assert (again.labels.intervals, again.labels.done, again.labels.revision) == ((FROWN,), True, 3)
        assert again.messages == ()


def test_looking_at_a_take_leaves_nothing(store, take):
    with store.open(take, "anna") as labels:
        assert labels.writable
        assert labels.labels.empty
    assert not labels_folder(take).exists()


def test_every_change_is_in_the_journal_when_it_was_made(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        assert said(take).intervals == (FROWN,)
        assert "anna.json" not in names(take)


def test_changes_are_put_on_disk_without_being_asked_and_a_snapshot_after_some(tmp_path, take):
    synced = []

    def fsync(handle):
        os.fsync(handle)
        synced.append(os.fstat(handle).st_size)

    with LabelStore(tmp_path, fsync=fsync).open(take, "anna") as labels:
        for us in range(20):
            labels.put("moved", moved(FROWN, Landmark.ONSET, us))
        journal = labels_folder(take) / "anna.journal.jsonl"
        wait_until(lambda: synced and synced[-1] == journal.stat().st_size and "anna.json" in names(take))


def wait_until(true):
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_change_that_changes_nothing_is_not_written(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        assert labels.put("added", FROWN) is None
        assert len(labels.trail) == 1


def test_raw_files_are_never_touched(store, take):
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in take.parent.iterdir()}
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
    assert {name: ((take.parent / name).read_bytes(), (take.parent / name).stat().st_mtime_ns) for name in before} == before


# Undo


def test_undo_and_redo_go_through_all_changes_and_survive_closing(store, take):
    with store.open(take, "anna") as labels:
        states = [labels.labels.intervals]
        for interval in (FROWN, moved(FROWN, Landmark.APEX, 210), BLINK):
            labels.put("put", interval)
            states.append(labels.labels.intervals)
    for state in reversed(states[:-1]):
        with store.open(take, "anna") as labels:
            assert labels.undo() is not None
            assert labels.labels.intervals == state
    with store.open(take, "anna") as labels:
        assert labels.undo() is None
    for state in states[1:]:
        with store.open(take, "anna") as labels:
            assert labels.redo() is not None
            assert labels.labels.intervals == state == said(take).intervals
    with store.open(take, "anna") as labels:
        assert labels.redo() is None


def test_a_new_change_ends_what_could_be_done_again(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        labels.undo()
        assert labels.redoable is not None
        labels.put("added", BLINK)
        assert labels.redoable is None
        assert labels.undoable.what == "added"


def test_undo_never_crosses_takes_nor_coders(store, tmp_path, take):
    other = some_take(tmp_path, "frown_4_2")
    with store.open(take, "anna") as labels, store.open(other, "anna") as elsewhere, store.open(take, "ben") as ben:
        labels.put("added", FROWN)
        assert elsewhere.undo() is None
        assert ben.undo() is None
        assert labels.labels.intervals == (FROWN,)


def test_what_was_shown_and_the_time_spent_are_not_undone(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        labels.note_sight(Sight(asked=True))
        labels.note_sight(Sight(suggestions=True))
        labels.add_time(4.5)
        labels.add_time(2)
        labels.undo()
        assert (labels.labels.intervals, labels.labels.spent_s) == ((), 6.5)
        assert labels.labels.saw == Sight(asked=True, suggestions=True)


def test_the_audit_tells_who_did_what_when(take, tmp_path):
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    store = LabelStore(tmp_path, clock=lambda: at)
    with store.open(take, "consensus", who="carla") as labels:
        labels.put("added", FROWN)
        labels.put("onset moved", moved(FROWN, Landmark.ONSET, 110))
        labels.undo()
    with store.open(take, "consensus", write=False) as labels:
        assert [(entry.seq, entry.deed, entry.of, entry.who, entry.at) for entry in labels.trail] == [
            (1, "edit", None, "carla", at),
            (2, "edit", None, "carla", at),
            (3, "undo", 2, "carla", at),
        ]
        assert list(details(labels.trail[1])) == [("intervals/f/onset_us", 100, 110)]


# Crashes


def test_a_window_killed_in_mid_edit_loses_nothing_and_its_lock_is_taken_over(store, tmp_path, take):
    window = other_window(LABELLING, tmp_path, take, "anna")
    assert window.stdout.readline() == "True\n"
    window.send_signal(signal.SIGKILL)
    window.communicate()
    assert names(take) == ["anna.journal.jsonl", "anna.lock"]
    with store.open(take, "anna") as labels:
        assert labels.writable
        assert [interval.id for interval in labels.labels.intervals] == ["1"]
        assert labels.undo() is not None
    assert said(take).intervals == ()


ENDLESS = """
labels = LabelStore(sys.argv[1]).open(sys.argv[2], "anna")
for number in range(100_000):
    labels.put("added", Interval(id=str(number), movement="frown", onset_us=number, offset_us=number))
    if number % 3 == 2:
        labels.undo()
        labels.redo()
    print(number, flush=True)
"""


@pytest.mark.parametrize("changes", [1, 60])
def test_whatever_was_said_to_be_done_is_there_after_the_window_was_killed(store, tmp_path, take, changes):
    window = other_window(ENDLESS, tmp_path, take)
    for _ in range(changes):
        window.stdout.readline()
    window.send_signal(signal.SIGKILL)
    told = changes + len(window.stdout.read().split())
    window.communicate()
    with store.open(take, "anna") as labels:
        ids = sorted(int(interval.id) for interval in labels.labels.intervals)
        assert told - 1 <= len(ids) <= told + 1  # killed between making a change and saying so
        assert ids == list(range(len(ids)))
        assert labels.writable
        assert (labels.messages, len(labels.trail)) == ((), labels.labels.revision)
    assert said(take) == labels.labels


RENAMING = """
labels = LabelStore(sys.argv[1]).open(sys.argv[2], "anna")
labels.put("added", Interval(id="1", movement="frown", onset_us=1, offset_us=2))
print(flush=True)
while True:
    labels.mark_noise(True, "spoke")
    labels.undo()
    labels.settle_noise()
    print(flush=True)
"""


@pytest.mark.parametrize("times", [2, 5])
def test_a_window_killed_while_it_renames_leaves_one_whole_take(store, tmp_path, take, times):
    window = other_window(RENAMING, tmp_path, take)
    for _ in range(times):
        window.stdout.readline()
    time.sleep(times / 1000)  # somewhere in the middle
    window.send_signal(signal.SIGKILL)
    window.communicate()
    with store.open(take, "anna") as labels:
        path = labels.settle_noise()
        assert [interval.id for interval in labels.labels.intervals] == ["1"]
        assert (path.name == "frown_4_1_(noise).aedat4") == (labels.labels.noise is not None)
    stem = path.name.removesuffix(".aedat4")
    visible = [each.name for each in path.parent.iterdir() if not each.name.endswith(".tmp")]  # half a lock file may stay
    assert sorted(visible) == [f"{stem}{suffix}" for suffix in (".aedat4", ".json", ".labels", ".rgb.mp4")]


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_of_changes_undo_redo_and_reopening_is_what_a_list_of_states_says(store, take, seed):
    chance = random.Random(seed)
    past, future = [()], []
    labels = store.open(take, "anna")
    for _ in range(120):
        deed = chance.choice(["put", "put", "put", "remove", "undo", "undo", "redo", "reopen", "drop the snapshot"])
        before = labels.labels.intervals
        if deed == "put":
            us = chance.randrange(1000)
            labels.put("put", Interval(id=str(chance.randrange(4)), movement="frown", onset_us=us, offset_us=us + 1))
        elif deed == "remove" and before:
            labels.remove("removed", chance.choice(before).id)
        elif deed == "undo" and labels.undo():
            future.append(past.pop())
        elif deed == "redo" and labels.redo():
            past.append(future.pop())
        elif deed in ("reopen", "drop the snapshot"):
            labels.close()
            if deed == "drop the snapshot":
                (labels_folder(take) / "anna.json").unlink(missing_ok=True)
            labels = store.open(take, "anna")
            assert labels.messages == ()
        if deed in ("put", "remove") and labels.labels.intervals != before:
            past.append(labels.labels.intervals)
            future.clear()
        assert labels.labels.intervals == past[-1]
    labels.close()
    assert said(take).intervals == past[-1]


@pytest.mark.parametrize("cut", [1, 20, 150])
def test_a_last_line_cut_short_is_dropped_and_said(store, take, cut):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        labels.sync()
        journal = labels_folder(take) / "anna.journal.jsonl"
        whole = journal.read_bytes()
        labels.put("added", BLINK)
        longer = journal.read_bytes()
        shutil.copytree(take.parent, take.parent.with_name("5"))
    torn = take.parent.with_name("5") / "frown_4_1.aedat4"
    (labels_folder(torn) / "anna.lock").unlink()
    journal = labels_folder(torn) / "anna.journal.jsonl"
    journal.write_bytes(longer[:-cut])
    with store.open(torn, "anna") as labels:
        assert labels.labels.intervals == (FROWN,)
        assert "only in part" in labels.messages[0]
        assert journal.read_bytes() == whole
        labels.put("added", BLINK)
    with store.open(torn, "anna") as labels:
        assert labels.labels.intervals == (FROWN, BLINK)
        assert labels.messages == ()


def test_a_first_line_cut_short_is_a_journal_that_was_not_begun(store, take):
    labels_folder(take).mkdir()
    journal = labels_folder(take) / "anna.journal.jsonl"
    journal.write_bytes(b'{"schema":"glimpse.lab')
    with store.open(take, "anna") as labels:
        assert labels.labels.empty
        labels.put("added", FROWN)
    assert said(take).intervals == (FROWN,)


def labelled(store, take, *, snapshot=True):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        labels.put("added", BLINK)
    if not snapshot:
        (labels_folder(take) / "anna.json").unlink()
    return labels.labels


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"schema": "glimpse.labels", "version": "1.1", "coder": "anna"}', b"\xff"]
)
def test_a_damaged_snapshot_is_kept_aside_and_the_journal_used(store, take, content):
    before = labelled(store, take)
    (labels_folder(take) / "anna.json").write_bytes(content)
    assert said(take).intervals == before.intervals
    with store.open(take, "anna") as labels:
        assert labels.labels.intervals == before.intervals
        assert any("kept as anna.json.damaged-" in message for message in labels.messages)
        assert labels.undo() is not None
    aside = [path for path in labels_folder(take).iterdir() if ".damaged-" in path.name]
    assert [path.read_bytes() for path in aside] == [content]
    assert coders_in(labels_folder(take)) == ("anna",)
    assert said(take).intervals == (FROWN,)


def test_a_damaged_journal_is_kept_aside_and_the_snapshot_used(store, take):
    before = labelled(store, take)
    journal = labels_folder(take) / "anna.journal.jsonl"
    damaged = journal.read_bytes().replace(b"blink", b"blimk", 1)
    journal.write_bytes(damaged)
    with store.open(take, "anna") as labels:
        assert labels.labels.intervals == before.intervals
        assert "line 3 of it cannot be read" in labels.messages[0]
        assert labels.undo() is None
        labels.remove("removed", "b")
    with store.open(take, "anna") as labels:
        assert labels.labels.intervals == (FROWN,)
        labels.undo()
        assert labels.labels.intervals == before.intervals
        assert labels.messages == ()
    assert [path.read_bytes() for path in labels_folder(take).glob("*.damaged-*")] == [damaged]


def test_of_a_damaged_journal_without_a_snapshot_what_can_be_read_is_used(store, take):
    labelled(store, take, snapshot=False)
    journal = labels_folder(take) / "anna.journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([b"rubbish\n", *lines[1:]]))
    with store.open(take, "anna") as labels:
        assert labels.labels.intervals == (FROWN, BLINK)
    assert said(take).intervals == (FROWN, BLINK)


def test_a_crash_at_any_point_of_mending_leaves_the_same_labels(store, take, monkeypatch):
    before = labelled(store, take)
    folder = labels_folder(take)
    journal = folder / "anna.journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"frown", b"frawn", 1))
    for step in range(4):
        with monkeypatch.context() as patch:
            for name in ("write_atomic", "rename_new", "sync_folder"):
                patch.setattr(f"recorder.labelrepair.{name}", dying(step, name))
            with store.open(take, "anna") as labels:
                assert labels.labels.intervals == before.intervals
        assert said(take).intervals == before.intervals


_calls = []


def dying(step, name):
    import recorder.host as host

    _calls.clear()

    def call(*arguments):
        _calls.append(name)
        if len(_calls) > step:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return getattr(host, name)(*arguments)

    return call


def test_a_lost_journal_leaves_the_snapshot_and_numbers_go_on(store, take):
    before = labelled(store, take)
    (labels_folder(take) / "anna.journal.jsonl").unlink()
    with store.open(take, "anna") as labels:
        assert labels.labels.intervals == before.intervals
        assert labels.put("moved", moved(BLINK, Landmark.ONSET, 410)).seq == 3
    with store.open(take, "anna") as labels:
        assert labels.undo() is not None
        assert labels.labels.intervals == before.intervals


def test_a_snapshot_changed_by_something_else_counts_and_can_be_undone(store, take):
    before = labelled(store, take)
    path = labels_folder(take) / "anna.json"
    other = LabelSet(coder="anna", created_at=before.created_at, note="by hand")
    path.write_text(other.to_json())
    assert said(take).note == "by hand"
    with store.open(take, "anna") as labels:
        assert (labels.labels.note, labels.labels.intervals) == ("by hand", ())
        assert "changed outside Glimpse" in labels.messages[0]
        labels.undo()
        assert labels.labels.intervals == before.intervals
        labels.redo()
    assert said(take).note == "by hand"
    with store.open(take, "anna") as labels:
        assert labels.messages == ()


def test_an_older_copy_of_the_snapshot_loses_nothing(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
    older = (labels_folder(take) / "anna.json").read_bytes()
    with store.open(take, "anna") as labels:
        labels.put("added", BLINK)
    (labels_folder(take) / "anna.json").write_bytes(older)
    assert said(take).intervals == (FROWN, BLINK)
    with store.open(take, "anna") as labels:
        assert (labels.labels.intervals, labels.messages) == ((FROWN, BLINK), ())


def test_a_journal_that_is_removed_while_it_is_open_is_written_again(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        (labels_folder(take) / "anna.journal.jsonl").unlink()
        labels.put("added", BLINK)
    with store.open(take, "anna") as labels:
        assert labels.labels.intervals == (FROWN, BLINK)
        assert labels.undo() is not None


def test_a_journal_that_something_else_writes_to_is_kept_aside_and_written_again(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        with (labels_folder(take) / "anna.journal.jsonl").open("ab") as journal:
            journal.write(b"rubbish\n")
        labels.put("added", BLINK)
        assert "kept as anna.journal.jsonl.damaged-" in labels.messages[0]
    assert said(take).intervals == (FROWN, BLINK)


# Two windows


def test_a_second_window_reads_and_sees_what_the_first_writes(store, tmp_path, take):
    window = other_window(LABELLING, tmp_path, take, "anna")
    assert window.stdout.readline() == "True\n"
    with store.open(take, "anna") as labels:
        assert not labels.writable
        assert labels.why_read_only == "another window has them open"
        assert [interval.id for interval in labels.labels.intervals] == ["1"]
        assert not labels.refresh()
        with pytest.raises(LabelStoreError, match="anna's labels cannot be changed here: another window has them open"):
            labels.put("added", FROWN)
        window.communicate("\n")
        assert labels.refresh()
        assert [interval.id for interval in labels.labels.intervals] == ["1", "2"]
        assert labels.acquire()
        labels.put("added", FROWN)
    assert [interval.id for interval in said(take).intervals] == ["1", "2", "f"]


def test_two_windows_of_one_program_do_not_write_to_the_same_labels_either(store, take):
    with store.open(take, "anna") as first, store.open(take, "anna") as second:
        assert (first.writable, second.writable) == (True, False)
        assert second.why_read_only == "they are open in this program already"


def test_two_coders_never_wait_for_each_other(store, tmp_path, take):
    window = other_window(LABELLING, tmp_path, take, "ben")
    assert window.stdout.readline() == "True\n"
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        window.communicate("\n")
    assert said(take).intervals == (FROWN,)
    assert len(said(take, "ben").intervals) == 2


def test_processes_that_label_the_same_take_at_once_lose_no_change(tmp_path, take):
    code = """
    import time
    store = LabelStore(sys.argv[1])
    for number in range(5):
        while True:
            with store.open(sys.argv[2], "anna") as labels:
                if labels.writable:
                    labels.put("added", Interval(id=f"{sys.argv[3]}-{number}", movement="frown", onset_us=1, offset_us=2))
                    break
            time.sleep(0.001)
    """
    windows = [other_window(code, tmp_path, take, name) for name in "xy"]
    assert [window.wait(100) for window in windows] == [0, 0]
    for window in windows:
        window.communicate()
    labels = said(take)
    assert {interval.id for interval in labels.intervals} == {f"{name}-{number}" for name in "xy" for number in range(5)}
    assert read_state(labels_folder(take), "anna").messages == ()


def test_labels_open_on_another_machine_are_taken_over_only_when_told(store, take):
    labels_folder(take).mkdir()
    far = ProcessId("0123456789ab", 1, 1).to_json()
    (labels_folder(take) / "anna.lock").write_text(far)
    with store.open(take, "anna") as labels:
        assert not labels.writable
        assert "another machine" in labels.why_read_only
    with store.open(take, "anna", take_over=True) as labels:
        assert labels.writable


def test_a_window_whose_labels_were_taken_over_writes_no_more(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        (labels_folder(take) / "anna.lock").unlink()
        with store.open(take, "anna") as other:
            other.put("added", BLINK)
            with pytest.raises(LabelStoreError, match="another window has taken over anna's labels"):
                labels.remove("removed", "f")
            assert not labels.writable
    assert said(take).intervals == (FROWN, BLINK)


# Renamed, moved, deleted


def test_labels_follow_a_take_that_another_window_marks_as_noise_and_back(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        noisy = mark_noise(take)
        labels.put("added", BLINK)
        assert labels.path == noisy
        assert mark_noise(noisy, noise=False) == take
        labels.set("finished", "done", True)
        assert labels.path == take
    assert said(take).done
    assert not labels_folder(noisy).exists()
    with store.open(noisy, "anna") as labels:
        assert labels.path == take


def test_a_window_that_only_reads_follows_too(store, take):
    with store.open(take, "anna", write=False) as labels:
        noisy = mark_noise(take)
        assert labels.refresh()
        assert labels.path == noisy


def test_labels_follow_a_take_that_is_moved_or_renamed_by_hand(store, tmp_path, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        (tmp_path / "9").mkdir()
        for path in list(take.parent.iterdir()):
            path.rename(tmp_path / "9" / path.name.replace("frown_4_1", "frown_9_7"))
        labels.put("added", BLINK)
        assert labels.path == tmp_path / "9" / "frown_9_7.aedat4"
    assert said(labels.path).intervals == (FROWN, BLINK)


def test_a_take_that_is_deleted_is_told_and_its_labels_are_kept(store, tmp_path, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        shutil.rmtree(take.parent)
        with pytest.raises(LabelsGone, match=r"moved out of the data set or deleted; its labels were kept in .*\.kept-labels"):
            labels.put("added", BLINK)
        assert labels.why_read_only == "the take is gone"
    [kept] = (tmp_path / ".kept-labels").rglob("frown_4_1.labels")
    assert read_state(kept, "anna").labels.intervals == (FROWN, BLINK)


def test_a_take_deleted_before_closing_keeps_its_labels_too(store, tmp_path, take):
    labels = store.open(take, "anna")
    labels.put("added", FROWN)
    shutil.rmtree(take.parent)
    with pytest.raises(LabelsGone, match="were kept in"):
        labels.close()
    [kept] = (tmp_path / ".kept-labels").rglob("frown_4_1.labels")
    assert read_state(kept, "anna").labels.intervals == (FROWN,)


def test_a_take_deleted_without_labels_is_only_told(store, tmp_path, take):
    labels = store.open(take, "anna")
    shutil.rmtree(take.parent)
    with pytest.raises(LabelsGone, match="it had no labels"):
        labels.close()
    assert not list(tmp_path.iterdir())


def test_a_take_that_is_not_there_is_one_sentence(store, take):
    with pytest.raises(LabelStoreError, match=r"frown_4_9\.aedat4: there is no such take any more; list the data set again"):
        store.open(take.with_name("frown_4_9.aedat4"), "anna")


def test_a_renaming_that_a_crash_interrupted_is_finished_before_labels_are_looked_for(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
    code = "from recorder.host import ProcessId; print(ProcessId.current().to_json())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout.strip()
    new = "frown_4_1_(noise)"
    (take.parent / f"{new}.rename").write_text(json.dumps({"from": "frown_4_1", "to": new, "owner": dead}))
    labels_folder(take).rename(take.parent / f"{new}.labels")
    with store.open(take, "anna") as labels:
        assert labels.path.name == f"{new}.aedat4"
        assert labels.labels.intervals == (FROWN,)
    assert not labels_folder(take).exists()


def test_a_file_that_is_not_called_like_a_take_can_be_labelled(store, tmp_path):
    take = tmp_path / "my recording.v2.aedat4"
    take.write_text("raw")
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
    assert said(take).intervals == (FROWN,)
    assert labels_folder(take).name == "my recording.v2.labels"


# Disks


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(disk):
    with (disk / "filler").open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def test_on_a_full_disk_a_change_is_refused_and_nothing_is_lost_or_half_written(small_disk):
    take = some_take(small_disk, "frown_4_1")
    with LabelStore(small_disk).open(take, "anna") as labels:
        labels.put("added", FROWN)
        fill(small_disk)
        made = 0
        with suppress(LabelStoreError):
            while made < 1000:
                labels.set("note", "note", f"{made}" * 400)
                made += 1
        with pytest.raises(LabelStoreError, match=r"could not be written \(No space left on device\) and was not made"):
            labels.set("note", "note", f"{made}" * 400)
        assert labels.labels.note == (f"{made - 1}" * 400 if made else "")
        assert said(take) == labels.labels
        (small_disk / "filler").unlink()
        labels.set("note", "note", "room again")
    with LabelStore(small_disk).open(take, "anna") as labels:
        assert (labels.labels.intervals, labels.labels.note, labels.messages) == ((FROWN,), "room again", ())
        assert len(labels.trail) == made + 2


def test_labels_can_be_closed_on_a_full_disk_and_are_whole(small_disk):
    take = some_take(small_disk, "frown_4_1")
    with LabelStore(small_disk).open(take, "anna") as labels:
        labels.put("added", FROWN)
        fill(small_disk)
    assert "safe in the journal" in labels.messages[0]
    assert said(take).intervals == (FROWN,)
    (small_disk / "filler").unlink()
    with LabelStore(small_disk).open(take, "anna") as labels:
        assert (labels.labels.intervals, labels.writable) == ((FROWN,), True)


def test_on_a_disk_that_is_full_from_the_start_labels_are_read_only(small_disk):
    take = some_take(small_disk, "frown_4_1")
    fill(small_disk)
    with LabelStore(small_disk).open(take, "anna") as labels:
        assert not labels.writable
        assert "nothing can be written there (No space left on device)" in labels.why_read_only


def test_a_change_of_which_the_system_takes_only_a_part_is_refused(tmp_path, take):
    code = """
    import resource, signal
    from protocol.errors import GlimpseError
    labels = LabelStore(sys.argv[1]).open(sys.argv[2], "anna")
    labels.put("added", Interval(id="1", movement="frown", onset_us=1, offset_us=2))
    labels.sync()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = labels._journal.size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, resource.RLIM_INFINITY))
    try:
        labels.set("note", "note", "too long")
    except GlimpseError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    labels.set("note", "note", "now")
    labels.close()
    """
    window = other_window(code, tmp_path, take)
    text, _ = window.communicate("")
    assert "could not be written" in text
    with LabelStore(tmp_path).open(take, "anna") as labels:
        assert (labels.labels.note, [entry.seq for entry in labels.trail], labels.messages) == ("now", [1, 2], ())


def test_a_disk_that_fails_later_is_told_and_what_it_forgot_is_written_again(tmp_path, take):
    journal = labels_folder(take) / "anna.journal.jsonl"
    broken = [True]

    def fsync(handle):
        if broken[0]:
            os.pwrite(handle, bytes(50), 30)  # the system has forgotten what it was given
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(handle)

    with LabelStore(tmp_path, fsync=fsync).open(take, "anna") as labels:
        labels.put("added", FROWN)
        with pytest.raises(LabelStoreError, match=r"not on disk yet \(Input/output error\)"):
            labels.sync()
        assert "Input/output error" in labels.problem
        with pytest.raises(LabelStoreError, match="was not made"):
            labels.put("added", BLINK)
        assert labels.labels.intervals == (FROWN,)
        broken[0] = False
        labels.put("added", BLINK)
        labels.sync()
        assert labels.problem is None
        assert b"\0" not in journal.read_bytes()
    assert said(take).intervals == (FROWN, BLINK)


def test_closing_while_the_disk_fails_is_told_and_stays_open_until_given_up(tmp_path, take):
    def fsync(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    labels = LabelStore(tmp_path, fsync=fsync).open(take, "anna")
    labels.put("added", FROWN)
    with pytest.raises(LabelStoreError, match="not on disk yet"):
        labels.close()
    assert labels.writable
    labels.close(give_up=True)
    assert not labels.writable
    assert "anna.lock" not in names(take)


def test_a_folder_that_cannot_be_written_is_read_only(store, take, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("recorder.lockfile.create_exclusive", refuse)
    with store.open(take, "anna") as labels:
        assert (labels.writable, labels.why_read_only) == (False, "nothing can be written there (Permission denied)")


# Versions and imports


def test_labels_of_a_newer_minor_version_are_read_only(store, take):
    labelled(store, take)
    path = labels_folder(take) / "anna.json"
    content = path.read_text().replace('"1.1"', '"1.7"').replace('"note": ""', '"note": "", "mood": "good"', 1)
    path.write_text(content)
    with store.open(take, "anna") as labels:
        assert labels.labels.intervals[0].model_extra == {"mood": "good"}
        assert not labels.writable
        assert "newer Glimpse" in labels.why_read_only
    assert path.read_text() == content
    assert "anna.lock" not in names(take)


def test_labels_of_a_newer_major_version_are_refused_and_left_alone(store, take):
    labelled(store, take)
    path = labels_folder(take) / "anna.json"
    content = path.read_text().replace('"1.1"', '"2.0"')
    path.write_text(content)
    with pytest.raises(SchemaError, match="update Glimpse"):
        store.open(take, "anna")
    assert path.read_text() == content
    assert "anna.lock" not in names(take)


def test_labels_of_an_older_version_are_brought_up_to_date_when_they_are_changed(store, take):
    labels_folder(take).mkdir()
    fixture = Path(__file__).parents[1] / "protocol" / "fixtures" / "labels-1.0.json"
    path = labels_folder(take) / "coder-1.json"
    shutil.copy(fixture, path)
    with store.open(take, "coder-1"):
        pass
    assert path.read_bytes() == fixture.read_bytes()
    with store.open(take, "coder-1") as labels:
        labels.set("finished", "done", True)
        labels.undo()
    assert (said(take, "coder-1").version, len(said(take, "coder-1").intervals)) == ("1.1", 2)


def test_an_import_is_one_change_that_can_be_undone(store, take):
    labelled(store, take)
    new = LabelSet(
        coder="anna",
        created_at=datetime.now(UTC),
        intervals=(Interval(id=new_id(), movement="smile", onset_us=1, offset_us=9),),
    )
    assert store.bring_in(take, new, what="imported from a table") is not None
    assert store.bring_in(take, new) is None
    with store.open(take, "anna") as labels:
        assert labels.labels.intervals == new.intervals
        assert labels.undo().what == "imported from a table"
        assert labels.labels.intervals == (FROWN, BLINK)


def test_an_import_into_labels_that_are_open_is_refused(store, take):
    with store.open(take, "anna"), pytest.raises(LabelStoreError, match="open in this program already"):
        store.bring_in(take, LabelSet(coder="anna", created_at=datetime.now(UTC), note="x"))


# Noise


def test_noise_of_the_only_coder_renames_every_file_and_undo_takes_it_back(store, take):
    with store.open(take, "anna") as labels:
        labels.put("added", FROWN)
        noisy = labels.mark_noise(True, "spoke")
        assert sorted(path.name for path in take.parent.iterdir()) == [
            f"frown_4_1_(noise){suffix}" for suffix in (".aedat4", ".json", ".labels", ".rgb.mp4")
        ]
        assert (labels.path, said(noisy).noise.reason) == (noisy, "spoke")
    with store.open(noisy, "anna") as labels:
        labels.undo()
        assert labels.settle_noise() == take
        labels.redo()
        assert labels.settle_noise() == noisy
        labels.undo()
        assert labels.settle_noise() == take
    assert take.exists()
    assert said(take).intervals == (FROWN,)


def test_undo_gives_a_take_back_the_name_that_the_operator_gave_it(store, take):
    noisy = mark_noise(take)
    with store.open(noisy, "anna") as labels:
        assert labels.mark_noise(False) == take
        assert labels.mark_noise(True, "spoke") == noisy
        assert labels.mark_noise(False) == take
        for expected in (noisy, take, noisy):
            labels.undo()
            assert labels.settle_noise() == expected


def test_what_was_never_judged_keeps_its_name(store, take):
    noisy = mark_noise(take)
    with store.open(noisy, "anna") as labels:
        labels.put("added", FROWN)
        assert labels.settle_noise() == noisy
    assert noise_decision({}).noise is None


def test_noise_of_one_of_several_coders_gives_nothing_away(store, take):
    with store.open(take, "ben") as ben:
        ben.set("finished", "done", True)
    with store.open(take, "anna") as labels:
        assert labels.mark_noise(True) == take
        labels.undo()
        assert labels.settle_noise() == take


def test_noise_of_a_coder_who_is_not_alone_in_the_plan_gives_nothing_away(store, take):
    both = ("anna", "ben")
    with store.open(take, "anna") as labels:
        assert labels.mark_noise(True, assigned=both) == take
    with store.open(take, "consensus", who="carla") as consensus:
        noisy = consensus.mark_noise(True, assigned=both)
        assert noisy.name == "frown_4_1_(noise).aedat4"
        consensus.undo()
        assert consensus.settle_noise(both) == take


def test_a_crash_between_label_and_renaming_is_made_up_for(store, take):
    with store.open(take, "anna") as labels:
        labels.set("noise", "noise", Noise(is_noise=True))
    assert store.settle_noise(take).name == "frown_4_1_(noise).aedat4"


def test_noise_of_a_file_that_is_not_called_like_a_take_is_a_label_alone(store, tmp_path):
    other = tmp_path / "my recording.aedat4"
    other.write_text("raw")
    with store.open(other, "anna") as labels:
        assert labels.mark_noise(True) == other
    assert said(other).noise.is_noise


# Adjudication


def test_an_adjudication_is_kept_step_by_step_beside_both_originals(store, take):
    for coder, interval in (("anna", FROWN), ("ben", moved(FROWN, Landmark.ONSET, 20)), ("ben", BLINK)):
        with store.open(take, coder) as labels:
            labels.put("added", interval)
    originals = read_labels(take)
    anna, ben = originals["anna"], originals["ben"]
    now = datetime.now(UTC)
    with store.open(take, "consensus", who="carla") as consensus:
        consensus.become(adjudicate(anna, ben, by="carla", at=now), "begun")
        assert not consensus.labels.done
    with store.open(take, "consensus", who="carla") as consensus:
        assert len(consensus.labels.intervals) == 1
        decided = (*decisions_in(consensus.labels, "anna", "ben"), Decision(None, "b", Choice.NEITHER))
        consensus.become(adjudicate(anna, ben, decided, by="carla", at=now), "blink dropped")
        assert consensus.labels.done
        assert consensus.trail[-1].who == "carla"
        consensus.undo()
        assert not consensus.labels.done
        consensus.redo()
    after = read_labels(take)
    assert (after["anna"], after["ben"]) == (anna, ben)
    assert after["consensus"].adjudication.settled
    assert changed_since(after["consensus"], after) == ()
