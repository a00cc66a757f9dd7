import errno
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from takekit import make_take, some_events

from recorder.backup import BackupError, BackupStep, backup, not_backed_up
from recorder.dataset import Dataset, TakeEntry
from recorder.takefiles import mark_noise
from recorder.verify import backup_pairs, compare

WHEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
EARLIER = Path(".earlier/20261121T093000")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    data = Dataset.create(tmp_path_factory.mktemp("template") / "data", "trial", simulated=False).path
    make_take(data / "4", "frown_4_1", events=some_events(20))
    make_take(data / "4", "smile_4_1_(noise)", events=some_events(20))
    (data / "4" / ".numbers").write_text("frown 1\nsmile 1\n")
    (data / "4" / "2026-11-21.session.json").write_text("{}")
    (data / "4" / "frown_4_1.analysis.json").write_text("{}")
    (data / "4" / "frown_4_1.labels").mkdir()
    (data / "4" / "frown_4_1.labels" / "coder.json").write_text("{}")
    (data / "subjects.csv").write_text("subject\n4\n")
    return data


@pytest.fixture
def data(template, tmp_path):
    return shutil.copytree(template, tmp_path / "data")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "backup"


def differing(data, folder):
    return [finding for pair in backup_pairs(data, folder) if (finding := compare(*pair))]


def names(paths):
    return [path.name for path in paths]


def frown(folder):
    return folder / "4" / "frown_4_1.aedat4"


def test_everything_is_copied_and_a_second_time_nothing(data, folder):
    result = backup(data, folder)
    assert result.whole
    assert differing(data, folder) == []
    assert sorted(result.copied) == sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_file())
    assert result.copied_bytes == sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    again = backup(data, folder)
    assert (again.copied, again.replaced, again.problems, again.kept) == ([], [], [], len(result.copied))
    assert backup(data, folder, thorough=True).kept == len(result.copied)


def test_takes_that_are_not_in_the_backup_are_listed(data, folder):
    assert names(not_backed_up(data, folder)) == ["frown_4_1.aedat4", "smile_4_1_(noise).aedat4"]
    backup(data, folder)
    assert not_backed_up(data, folder) == ()
    make_take(data / "4", "frown_4_2", events=some_events(20))
    (data / "4" / "smile_4_1_(noise).analysis.json").write_text("{}")
    (data / "4" / "frown_4_1.labels" / "coder.json").write_text("{ }")
    assert len(not_backed_up(data, folder)) == 3
    backup(data, folder)
    assert not_backed_up(data, folder) == ()


def test_what_was_recorded_is_never_replaced_and_the_difference_is_told(data, folder):
    backup(data, folder)
    frown(folder).write_bytes(b"other")
    result = backup(data, folder)
    (problem,) = result.problems
    assert (problem.path, result.whole) == (frown(data).resolve(), False)
    assert "other content and was left as it is" in problem.message
    assert frown(folder).read_bytes() == b"other"
    assert names(not_backed_up(data, folder)) == ["frown_4_1.aedat4"]


def test_a_copy_that_rotted_without_changing_size_or_time_is_found_when_asked_to_read_it(data, folder):
    backup(data, folder)
    copy, times = frown(folder), frown(folder).stat()
    copy.write_bytes(bytes(times.st_size))
    os.utime(copy, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert backup(data, folder).whole
    assert names(problem.path for problem in backup(data, folder, thorough=True).problems) == ["frown_4_1.aedat4"]


def test_a_copy_made_by_other_means_is_recognised(data, folder):
    shutil.copytree(data, folder, copy_function=shutil.copyfile)
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))
    result = backup(data, folder)
    assert (result.copied, result.problems) == ([], [])


def test_records_that_change_are_brought_up_to_date_and_what_they_were_is_kept(data, folder):
    backup(data, folder)
    (data / "subjects.csv").write_text("subject\n4\n5\n")
    result = backup(data, folder, now=WHEN)
    assert (result.replaced, result.whole) == (["subjects.csv"], True)
    assert (folder / "subjects.csv").read_text() == "subject\n4\n5\n"
    assert (folder / EARLIER / "subjects.csv").read_text() == "subject\n4\n"
    assert differing(data, folder) == []


def test_a_damaged_take_does_not_get_into_the_backup(data, folder):
    path = frown(data)
    path.write_bytes(bytes(path.stat().st_size))
    result = backup(data, folder)
    (problem,) = result.problems
    assert "other content than when it was recorded" in problem.message
    assert not frown(folder).exists()
    assert not list(folder.rglob("*.tmp"))


def test_a_copy_that_reads_otherwise_than_it_was_written_is_not_trusted(data, folder, monkeypatch):
    monkeypatch.setattr("recorder.backup._forget", lambda path: path.write_bytes(b"rotten"))
    result = backup(data, folder)
    assert result.copied == []
    assert all("do not trust the backup's disk" in problem.message for problem in result.problems)


def test_a_take_called_noise_since_is_renamed_in_the_backup_and_not_copied_again(data, folder):
    backup(data, folder)
    mark_noise(frown(data))
    mark_noise(data / "4" / "smile_4_1_(noise).aedat4", noise=False)
    result = backup(data, folder)
    assert sorted(result.renamed) == ["4/frown_4_1_(noise).aedat4", "4/smile_4_1.aedat4"]
    assert (result.copied, result.whole) == ([], True)
    assert differing(data, folder) == []


def test_the_mark_of_a_redone_take_comes_and_goes(data, folder):
    entry = TakeEntry.at(frown(data))
    entry.mark_redone()
    backup(data, folder)
    assert TakeEntry.at(frown(folder)).redone
    entry.mark_redone(False)
    assert backup(data, folder, now=WHEN).replaced == ["4/frown_4_1.redone"]
    assert not TakeEntry.at(frown(folder)).redone


def test_what_is_being_written_or_renamed_waits(data, folder):
    (data / "4" / "frown_4_2.lock").write_text("{}")
    (data / "4" / "frown_4_2.part.aedat4").write_bytes(b"events")
    (data / "4" / "smile_4_1_(noise).rename").write_text("cut short")
    copied = backup(data, folder).copied
    assert not [name for name in copied if "frown_4_2" in name]
    assert "4/smile_4_1_(noise).aedat4" in copied  # the journal was cut short before the renaming began
    (data / "4" / "smile_4_1_(noise).rename").write_text('{"from": "smile_4_1", "to": "smile_4_1_(noise)", "owner": "nobody"}')
    shutil.rmtree(folder)
    assert not [name for name in backup(data, folder).copied if "smile" in name]


def test_an_interrupted_backup_goes_on_where_it_was(data, folder):
    asked = iter(range(1000))
    first = backup(data, folder, stop=lambda: next(asked) > 20)
    assert first.stopped
    assert not first.whole
    assert not list(folder.rglob("*.tmp"))
    (folder / "4" / ".frown_4_1.json.backup.tmp").write_text("left by a crash")
    second = backup(data, folder)
    assert second.whole
    assert differing(data, folder) == []
    assert not set(first.copied) & set(second.copied)


def test_progress_ends_at_all_bytes(data, folder):
    steps: list[BackupStep] = []
    result = backup(data, folder, progress=steps.append)
    assert (steps[-1].done_bytes, steps[-1].total_bytes) == (result.copied_bytes, result.copied_bytes)
    done = [step.done_bytes for step in steps if step.total_bytes]
    assert done == sorted(done)


def test_a_disk_that_refuses_a_file_is_told_and_the_others_are_copied(data, folder, monkeypatch):
    real = Path.open

    def refuse(path, mode="r", *more, **options):
        if "w" in mode and "frown_4_1.aedat4" in path.name:
            raise OSError(errno.EIO, "Input/output error")
        return real(path, mode, *more, **options)

    monkeypatch.setattr(Path, "open", refuse)
    result = backup(data, folder)
    assert [(problem.path.name, problem.message) for problem in result.problems] == [
        ("frown_4_1.aedat4", "could not be copied (Input/output error)")
    ]
    assert (folder / "4" / "smile_4_1_(noise).aedat4").exists()


def test_folders_that_are_no_place_for_a_backup_are_refused(data, tmp_path, monkeypatch):
    other = Dataset.create(tmp_path / "other", "another", simulated=True).path
    for folder, why in (
        (data / "inside", "inside the data set"),
        (data, "inside the data set"),
        (tmp_path, "around it"),
        (tmp_path / "no disk" / "backup", "plug the disk in"),
        (other, r"another data set \(another\)"),
    ):
        with pytest.raises(BackupError, match=why):
            backup(data, folder)
    monkeypatch.setattr("recorder.backup.free_bytes", lambda folder: 10)
    with pytest.raises(BackupError, match="make room"):
        backup(data, tmp_path / "full")
