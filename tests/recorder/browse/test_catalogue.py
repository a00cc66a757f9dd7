import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from takekit import make_take, some_events, write_events

from protocol.analysis import Analysis, OnsetRecord, QualityRecord, Suggestion, Verdict
from protocol.labels import Interval, LabelSet, Noise
from protocol.manifest import Person, TakeStatus
from recorder.analysisstore import analysis_path
from recorder.browse.catalogue import Catalogue, Order, Progress, TakeFilter
from recorder.dataset import DatasetError
from recorder.takefiles import mark_noise

EVENTS = some_events(10)


def analysed(take, verdict=Verdict.GOOD, *confidences):
    found = tuple(Suggestion(onset_us=1, apex_us=2, offset_us=3, confidence=value) for value in confidences)
    record = Analysis(
        events_bytes=take.stat().st_size, quality=QualityRecord(verdict=verdict), onset=OnsetRecord(intervals=found)
    )
    analysis_path(take).write_text(record.to_json())


def labelled(take, coder, *intervals, done=True, noise=None):
    folder = take.with_name(take.name.removesuffix(".aedat4") + ".labels")
    folder.mkdir(exist_ok=True)
    said = LabelSet(coder=coder, created_at=datetime(2026, 3, 1, tzinfo=UTC), intervals=intervals, done=done, noise=noise)
    (folder / f"{coder}.json").write_text(said.to_json())


def smile(onset_us, offset_us, movement="smile"):
    return Interval(id="a", movement=movement, onset_us=onset_us, offset_us=offset_us)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data"
    for stem in ("smile_4_1", "smile_4_2", "frown_4_1", "blink_11_1"):
        make_take(folder / stem.split("_")[1], stem, events=EVENTS, frames=0, person=Person(subject=4, session="2026-03-02"))
    return folder


@pytest.fixture
def cache(tmp_path):
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


@pytest.fixture
def catalogue(folder, cache):
    with Catalogue(folder, cache=cache) as catalogue:
        catalogue.refresh()
        yield catalogue


def stems(catalogue, order=Order.NAME, **chosen):
    return [row.stem for row in catalogue.takes(TakeFilter(**chosen), order)]


def test_every_take_has_a_row_with_what_its_small_files_say(catalogue, folder):
    take = folder / "4" / "smile_4_2.aedat4"
    analysed(take, Verdict.CHECK, 0.3, 0.8)
    labelled(take, "ann", smile(0, 100))
    labelled(take, "ben", done=False, noise=Noise(is_noise=False))
    labelled(take, "cat", done=False)
    catalogue.refresh()
    row = next(row for row in catalogue.takes() if row.stem == "smile_4_2")
    assert row.path == "4/smile_4_2.aedat4"
    assert (row.movement, row.subject, row.number, row.noise, row.practice, row.redone) == ("smile", 4, 2, False, False, False)
    assert (row.status, row.session, row.recorded_at) == ("complete", "2026-03-02", "2026-03-02T10:00:00+01:00")
    assert (row.verdict, row.confidence) == ("check", 0.8)
    assert (row.done, row.begun, row.disagreement) == (("ann",), ("ben",), False)


def test_takes_are_listed_by_subject_movement_and_number(catalogue):
    assert stems(catalogue) == ["frown_4_1", "smile_4_1", "smile_4_2", "blink_11_1"]


def test_filters_are_joined(catalogue, folder):
    make_take(folder / "4", "smile_4_3", events=EVENTS, frames=0, status=TakeStatus.PARTIAL, practice=True)
    make_take(folder / "4", "smile_4_4_(noise)", events=EVENTS, frames=0)
    (folder / "4" / "frown_4_1.redone").touch()
    analysed(folder / "4" / "smile_4_1.aedat4", Verdict.REDO, 0.9)
    catalogue.refresh()
    assert stems(catalogue, movements=("frown", "blink")) == ["frown_4_1", "blink_11_1"]
    assert stems(catalogue, movements=("smile",), noise=False) == ["smile_4_1", "smile_4_2", "smile_4_3"]
    assert stems(catalogue, subjects=(11,)) == ["blink_11_1"]
    assert stems(catalogue, statuses=("partial",)) == stems(catalogue, practice=True) == ["smile_4_3"]
    assert stems(catalogue, noise=True) == ["smile_4_4_(noise)"]
    assert stems(catalogue, redone=True) == ["frown_4_1"]
    assert stems(catalogue, verdicts=("redo",)) == stems(catalogue, confidence=(0.5, 1.0)) == ["smile_4_1"]
    assert "smile_4_1" not in stems(catalogue, verdicts=(None,))
    assert stems(catalogue, sessions=(None,)) == ["smile_4_3", "smile_4_4_(noise)"]
    assert stems(catalogue, text="SMILE_4_2") == ["smile_4_2"]
    assert catalogue.values("movement") == ("blink", "frown", "smile")


def test_the_surest_suggestions_come_first_or_last(catalogue, folder):
    for stem, confidence in (("smile_4_1", 0.5), ("frown_4_1", 0.7)):
        analysed(folder / "4" / f"{stem}.aedat4", Verdict.GOOD, confidence)
    catalogue.refresh()
    assert stems(catalogue, Order.SURE) == ["frown_4_1", "smile_4_1", "smile_4_2", "blink_11_1"]
    assert stems(catalogue, Order.UNSURE) == ["smile_4_2", "blink_11_1", "smile_4_1", "frown_4_1"]


def test_progress_and_the_next_take_that_a_coder_has_not_finished(catalogue, folder):
    labelled(folder / "4" / "smile_4_1.aedat4", "ann", smile(0, 10))
    labelled(folder / "4" / "smile_4_2.aedat4", "ann", smile(0, 10), done=False)
    labelled(folder / "4" / "frown_4_1.aedat4", "anna", smile(0, 10))
    catalogue.refresh()
    assert catalogue.counts("ann") == (4, 1, 1)
    assert stems(catalogue, coder="ann", progress=(Progress.DONE,)) == ["smile_4_1"]
    assert stems(catalogue, coder="ann", progress=(Progress.BEGUN, Progress.UNTOUCHED)) == [
        "frown_4_1",
        "smile_4_2",
        "blink_11_1",
    ]
    assert catalogue.unlabelled("ann", None).stem == "frown_4_1"
    assert catalogue.unlabelled("ann", "4/frown_4_1.aedat4").stem == "smile_4_2"
    assert catalogue.unlabelled("ann", "4/smile_4_2.aedat4", way=-1).stem == "frown_4_1"
    assert catalogue.unlabelled("ann", "11/blink_11_1.aedat4") is None


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ([smile(0, 100)], [smile(10, 110)], False),
        ([smile(0, 100)], [smile(60, 160)], True),
        ([smile(0, 100)], [smile(0, 100, "frown")], True),
        ([smile(0, 100)], [], True),
        ([smile(50, 50)], [smile(50, 50)], False),
    ],
)
def test_coders_who_finished_and_differ_are_marked(catalogue, folder, one, other, differ):
    take = folder / "4" / "smile_4_1.aedat4"
    labelled(take, "ann", *one)
    labelled(take, "ben", *other)
    catalogue.refresh()
    assert stems(catalogue, disagreement=True) == (["smile_4_1"] if differ else [])


def test_noise_that_only_one_coder_sees_is_a_disagreement(catalogue, folder):
    take = folder / "4" / "smile_4_1.aedat4"
    labelled(take, "ann", noise=Noise(is_noise=True))
    labelled(take, "ben", noise=Noise(is_noise=False))
    assert catalogue.look_at(take).disagreement


def test_only_what_has_changed_is_read_again(catalogue, folder, cache):
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    catalogue.refresh()
    assert catalogue.refresh() == (0, 0, 0, ())
    make_take(folder / "4", "smile_4_9", events=EVENTS, frames=0)
    (folder / "11" / "blink_11_1.aedat4").unlink()
    analysed(folder / "4" / "smile_4_1.aedat4")
    assert catalogue.refresh()[:3] == (1, 1, 1)
    with Catalogue(folder, cache=cache) as again:
        assert stems(again) == ["frown_4_1", "smile_4_1", "smile_4_2", "smile_4_9"]


def test_labels_that_only_grow_in_their_file_are_seen(catalogue, folder):
    take = folder / "4" / "smile_4_1.aedat4"
    labelled(take, "ann", smile(0, 10), done=False)
    catalogue.refresh()
    path = take.with_name("smile_4_1.labels") / "ann.json"
    path.write_text(path.read_text().replace('"done": false', '"done": true'))
    catalogue.refresh()
    assert stems(catalogue, coder="ann", progress=(Progress.DONE,)) == ["smile_4_1"]


def test_renamed_moved_and_deleted_takes_are_followed(catalogue, folder):
    mark_noise(folder / "4" / "smile_4_1.aedat4", noise=True)
    (folder / "archive").mkdir()
    for path in (folder / "11").iterdir():
        path.rename(folder / "archive" / path.name)
    shutil.rmtree(folder / "11")
    catalogue.refresh()
    assert [row.path for row in catalogue.takes()] == [
        "4/frown_4_1.aedat4",
        "4/smile_4_1_(noise).aedat4",
        "4/smile_4_2.aedat4",
        "archive/blink_11_1.aedat4",
    ]
    assert catalogue.look_at(folder / "4" / "smile_4_1.aedat4") is None


def test_a_data_set_that_cannot_be_reached_keeps_its_rows(catalogue, folder):
    folder.rename(folder.with_name("away"))
    with pytest.raises(DatasetError, match="cannot be reached"):
        catalogue.refresh()
    assert len(catalogue.takes()) == 4


def test_damaged_records_are_shown_as_they_are(catalogue, folder):
    (folder / "4" / "smile_4_1.json").write_text("{")
    (folder / "4" / "smile_4_2.json").write_text('{"schema": "glimpse.take", "version": "99.0"}')
    (folder / "4" / "smile_4_1.analysis.json").write_text("[]")
    (folder / "4" / "frown_4_1.labels").mkdir()
    (folder / "4" / "frown_4_1.labels" / "ann.json").write_text("no labels")
    catalogue.refresh()
    assert stems(catalogue, statuses=("failed",)) == ["smile_4_1", "smile_4_2"]
    assert len(catalogue.takes()) == 4


def test_an_analysis_of_other_events_says_nothing(catalogue, folder):
    take = folder / "4" / "smile_4_1.aedat4"
    analysed(take)
    with take.open("ab") as file:
        file.write(b"more")
    assert catalogue.look_at(take).verdict is None


def test_files_from_elsewhere_and_names_at_the_edge_are_takes_too(catalogue, folder):
    write_events(folder / "my recording'; DROP TABLE takes --.aedat4", EVENTS)
    write_events(folder / "été 😀.aedat4", EVENTS)
    strange = [Path(os.fsdecode(b"b\xffd.aedat4"))] if sys.platform == "linux" else []
    for name in strange:
        shutil.copy(folder / "été 😀.aedat4", folder / name)
    write_events(folder / "smile_4_7.part.aedat4", EVENTS)
    catalogue.refresh()
    foreign = [row for row in catalogue.takes() if row.movement is None]
    assert len(foreign) == 2 + len(strange)
    assert all((folder / row.path).is_file() and row.status is None for row in foreign)


def test_a_damaged_index_is_made_again(folder, cache):
    with Catalogue(folder, cache=cache) as catalogue:
        catalogue.refresh()
    (index,) = cache.glob("*.sqlite")
    for damage in (b"", b"not a data base at all" * 100, index.read_bytes()[:5000]):
        index.write_bytes(damage)
        with Catalogue(folder, cache=cache) as catalogue:
            catalogue.refresh()
            assert len(catalogue.takes()) == 4
            assert not catalogue.in_memory


def test_an_index_that_is_damaged_while_it_is_open_is_made_again(catalogue, cache):
    (index,) = cache.glob("*.sqlite")
    index.write_bytes(b"x" * index.stat().st_size)
    catalogue.takes()
    catalogue.refresh()
    assert len(catalogue.takes()) == 4


def test_an_index_of_another_version_is_made_anew(folder, cache):
    with Catalogue(folder, cache=cache) as catalogue:
        catalogue.refresh()
    (index,) = cache.glob("*.sqlite")
    with sqlite3.connect(index) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with Catalogue(folder, cache=cache) as catalogue:
        assert catalogue.takes() == []
        assert catalogue.refresh().added == 4


def test_a_home_that_takes_no_files_is_done_without(folder, cache):
    with Catalogue(folder, cache=None) as catalogue:
        catalogue.refresh()
        assert (catalogue.in_memory, len(catalogue.takes())) == (True, 4)
    with Catalogue(folder, cache=cache / "gone") as catalogue:
        catalogue.refresh()
        assert (catalogue.in_memory, len(catalogue.takes())) == (True, 4)


def test_two_processes_use_one_index(folder, cache):
    code = (
        "import sys\nfrom recorder.browse.catalogue import Catalogue\n"
        "with Catalogue(sys.argv[1], cache=__import__('pathlib').Path(sys.argv[2])) as catalogue:\n"
        "    for _ in range(20):\n        catalogue.refresh()\n    print(len(catalogue.takes()))"
    )
    command = [sys.executable, "-c", code, str(folder), str(cache)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=100)[0].strip() for process in running] == ["4", "4"]
    assert len(list(cache.glob("*.sqlite"))) == 1


def test_a_look_that_is_ended_early_keeps_what_it_has_read(folder, cache):
    with Catalogue(folder, cache=cache) as catalogue:
        catalogue.refresh(lambda looked_at: False)
        assert 0 < len(catalogue.takes()) < 4
        catalogue.refresh()
        assert len(catalogue.takes()) == 4


def test_nothing_is_written_into_the_data_set(catalogue, folder):
    before = sorted(folder.rglob("*"))
    catalogue.refresh()
    assert sorted(folder.rglob("*")) == before
