"""`glimpse recover`: what a crash or a damaged disk left behind becomes a take again; nothing is lost by trying."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import stations
from aedat4_samples import assert_same, read_with_aedat, read_with_dv, read_with_glimpse
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from stations import assert_readable_by_all, hear, is_recording, left_overs, manifest_of, record, take_of

import recorder.recover
from app.main import main
from protocol.manifest import FinishReason, TakeStatus
from recorder.aedat4.reader import Aedat4File
from recorder.dataset import Dataset, TakeEntry
from recorder.host import ProcessId, station_id
from recorder.inspection import inspect_take
from recorder.recover import recover_folder
from recorder.station import Station
from recorder.take import Take
from recorder.takefiles import mark_noise
from recorder.verify import verify_folders, verify_take

STEM = "frown_4_1"


@pytest.fixture(autouse=True)
def _no_process_left():
    with stations.no_process_left():
        yield


@pytest.fixture(scope="module")
def whole_data(tmp_path_factory):
    """A data set with one whole take."""
    data = tmp_path_factory.mktemp("whole")
    assert take_of(data, speed="max", rgb="sim").status == "complete"
    return data


@pytest.fixture(scope="module")
def crashed_data(tmp_path_factory):
    """A data set whose capture process was killed in the middle of a take."""
    data = tmp_path_factory.mktemp("crashed")
    with Station() as station:
        station.send(record(data, rgb="sim", script=stations.LONG))
        hear(station, lambda one: is_recording(one) and one.streams["rgb"].written >= 80)
        os.kill(station.pid, signal.SIGKILL)
    return data


@pytest.fixture
def whole(whole_data, tmp_path):
    """The subject's folder of a copy."""
    return shutil.copytree(whole_data / "4", tmp_path / "whole" / "4")


@pytest.fixture
def crashed(crashed_data, tmp_path):
    return shutil.copytree(crashed_data / "4", tmp_path / "crashed" / "4")


def contents(folder):
    """Everything in a folder by name, with its checksum."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def recover(folder, **options):
    return list(recover_folder(folder, **options))


def cut(path, size):
    with path.open("r+b") as file:
        file.truncate(size)


def events_of(folder, stem=STEM):
    with Take(folder / f"{stem}.aedat4") as take:
        return take.events()


def assert_partial_take(folder):
    """A take whose files, manifest and table of frame times agree, for whoever looks."""
    path = folder / f"{STEM}.aedat4"
    manifest = manifest_of(path)
    assert manifest.status is TakeStatus.PARTIAL
    assert assert_readable_by_all(path) > 0
    assert inspect_take(TakeEntry.at(path)).problems == ()
    assert list(verify_take(TakeEntry.at(path))) == []
    assert list(verify_folders(Dataset(folder.parent), Dataset(folder.parent).takes())) == []
    return manifest


# Finished files that were damaged later


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999, "last byte"])
def test_a_finished_file_cut_anywhere_is_rebuilt_and_the_damaged_one_kept(whole, share):
    path = whole / f"{STEM}.aedat4"
    before, events = contents(whole), events_of(whole)
    cut(path, path.stat().st_size - 1 if share == "last byte" else int(path.stat().st_size * share))
    damaged = contents(whole)[path.name]
    (outcome,) = recover(whole)
    assert outcome.saved, outcome.text
    after = contents(whole)
    assert after.pop(f"{STEM}.damaged.aedat4") == damaged
    assert {name: after[name] for name in before if name != path.name} == {
        name: before[name] for name in before if name != path.name
    }
    rebuilt = events_of(whole)
    np.testing.assert_array_equal(rebuilt, events[: len(rebuilt)])
    assert_same(read_with_glimpse(path), read_with_dv(path))
    assert_same(read_with_glimpse(path), read_with_aedat(path))
    told = json.loads((whole / f"{STEM}.recovery.json").read_text())
    assert told["files"][".aedat4"]["sha256"] == after[path.name]
    assert str(len(rebuilt)) in outcome.text


def test_a_rebuilt_file_passes_inspection_which_tells_what_is_missing(whole):
    path = whole / f"{STEM}.aedat4"
    cut(path, path.stat().st_size // 2)
    recover(whole)
    report = inspect_take(TakeEntry.at(path))
    assert report.readable
    assert report.problems
    assert all("the manifest says" in problem or "frames.csv has" in problem for problem in report.problems)


@profile(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1), flip=st.booleans())
def test_no_damage_makes_recovery_lose_what_it_was_given(whole_data, tmp_path_factory, share, flip):
    folder = shutil.copytree(whole_data / "4", tmp_path_factory.mktemp("damaged") / "4")
    path = folder / f"{STEM}.aedat4"
    data = bytearray(path.read_bytes())
    at = int(share * (len(data) - 1))
    if flip:
        data[at] ^= 0xFF
    else:
        del data[at:]
    path.write_bytes(data)
    given_hash = contents(folder)[path.name]
    recover(folder)
    assert given_hash in contents(folder).values()
    assert not any(outcome.saved for outcome in recover(folder))


def test_a_file_damaged_a_second_time_is_left_alone_until_the_first_one_is_moved(whole):
    path = whole / f"{STEM}.aedat4"
    cut(path, path.stat().st_size // 2)
    recover(whole)
    cut(path, path.stat().st_size // 2)
    before = contents(whole)
    (outcome,) = recover(whole)
    assert not outcome.saved
    assert f"{STEM}.damaged.aedat4: is kept from an earlier recovery" in outcome.text
    assert contents(whole) == before


@pytest.mark.parametrize("name", ["salvage_copy", "write_atomic", "rename_new 1", "rename_new 2", "sync_folder"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_rebuild_that_is_killed_anywhere_is_finished_by_the_next(whole, name, moment):
    path = whole / f"{STEM}.aedat4"
    events = events_of(whole)
    cut(path, path.stat().st_size // 2)
    damaged = contents(whole)[path.name]
    die_at(whole, name, moment)
    recover(whole)
    after = contents(whole)
    assert after[f"{STEM}.damaged.aedat4"] == damaged
    assert json.loads((whole / f"{STEM}.recovery.json").read_text())["files"][".aedat4"]["sha256"] == after[path.name]
    rebuilt = events_of(whole)
    assert 0 < len(rebuilt) < len(events)
    np.testing.assert_array_equal(rebuilt, events[: len(rebuilt)])
    assert not [left for left in after if ".rebuilt" in left]
    assert recover(whole) == []


def die_at(folder, name, moment):
    """Run a recovery in a process that kills itself before or after the n-th call of a function of `recorder.recover`."""
    function, _, number = name.partition(" ")
    assert hasattr(recorder.recover, function)
    program = f"""
import os, signal, pathlib, recorder.recover as module
real, left = module.{function}, [{number or 1}]
def dying(*arguments):
    left[0] -= 1
    if left[0] == 0 and {moment == "before"}: os.kill(os.getpid(), signal.SIGKILL)
    answer = real(*arguments)
    if left[0] == 0: os.kill(os.getpid(), signal.SIGKILL)
    return answer
module.{function} = dying
list(module.recover_folder(pathlib.Path({str(folder)!r})))
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=60)
    assert done.returncode == -signal.SIGKILL


# Takes that were never finished


def test_a_crashed_take_becomes_a_partial_one(crashed):
    (outcome,) = recover(crashed)
    assert outcome.saved, outcome.text
    manifest = assert_partial_take(crashed)
    assert manifest.finish_reason is FinishReason.CAPTURE_DIED
    assert [step.step for step in manifest.steps][:1] == ["settle"]
    assert manifest.streams["rgb"].written > 0
    assert not left_overs(crashed)


@pytest.mark.parametrize("lost", [1, 100, 5_000])
def test_a_torn_last_packet_is_cut_off_and_the_rest_kept(crashed, lost):
    part = crashed / f"{STEM}.part.aedat4"
    cut(part, part.stat().st_size - lost)
    (outcome,) = recover(crashed)
    assert "could not be read were left out" in outcome.text
    assert_partial_take(crashed)


def test_a_packet_damaged_in_the_middle_costs_only_itself_and_the_file_as_it_was_is_kept(crashed):
    part = crashed / f"{STEM}.part.aedat4"
    data = bytearray(part.read_bytes())
    with Aedat4File(part) as file:
        index = file.index()
    # The frame header of a packet's compressed data: the format has no checksums, and bytes in the middle may go unseen.
    middle = int(index["offset"][len(index) // 2])
    data[middle : middle + 20] = bytes(20)
    part.write_bytes(data)
    damaged = contents(crashed)[part.name]
    (outcome,) = recover(crashed)
    assert outcome.saved, outcome.text
    assert contents(crashed)[f"{STEM}.damaged.aedat4"] == damaged
    assert manifest_of(crashed / f"{STEM}.aedat4").status is TakeStatus.PARTIAL
    assert len(events_of(crashed)) > 0


def test_without_the_table_of_frame_times_the_events_are_saved_and_the_video_stays(crashed):
    (crashed / f"{STEM}.part.frames.csv").unlink()
    (outcome,) = recover(crashed)
    assert outcome.saved, outcome.text
    manifest = manifest_of(crashed / f"{STEM}.aedat4")
    assert "rgb" not in manifest.streams
    assert ".rgb.mp4" in manifest.files
    assert assert_readable_by_all(crashed / f"{STEM}.aedat4") > 0


@pytest.mark.parametrize("text", [None, "", '{"schema": "glimpse.ta'])
def test_without_a_readable_manifest_one_is_made_from_the_name_and_says_so(crashed, text):
    provisional = crashed / f"{STEM}.part.json"
    provisional.unlink()
    if text is not None:
        provisional.write_text(text)
    recover(crashed)
    manifest = assert_partial_take(crashed)
    assert (manifest.movement, manifest.subject, manifest.number) == ("frown", 4, 1)
    assert "made anew" in manifest.notices[0]


def test_what_a_newer_glimpse_noted_of_a_take_is_not_thrown_away(crashed):
    provisional = crashed / f"{STEM}.part.json"
    data = json.loads(provisional.read_text())
    provisional.write_text(json.dumps({**data, "version": "2.0"}))
    before = contents(crashed)
    (outcome,) = recover(crashed)
    assert not outcome.saved
    assert "update Glimpse" in outcome.text
    assert contents(crashed) == {name: sha for name, sha in before.items() if not name.endswith(".ballast")}


def test_keys_of_a_slightly_newer_manifest_are_kept(crashed):
    provisional = crashed / f"{STEM}.part.json"
    data = json.loads(provisional.read_text())
    provisional.write_text(json.dumps({**data, "version": "1.9", "weather": "rain"}))
    recover(crashed)
    told = json.loads((crashed / f"{STEM}.json").read_text())
    assert (told["weather"], told["version"], told["status"]) == ("rain", "1.9", "partial")


def test_a_take_without_any_data_is_removed_and_not_missed(crashed):
    part = crashed / f"{STEM}.part.aedat4"
    with Take(crashed / f"{STEM}.part") as take:
        header = take.file.header.end
    cut(part, header)
    for name in (".part.rgb.mp4", ".part.frames.csv"):
        (crashed / (STEM + name)).unlink()
    (outcome,) = recover(crashed)
    assert "held no data" in outcome.text
    assert list(contents(crashed)) == [".numbers"]
    assert list(verify_folders(Dataset(crashed.parent), [])) == []


def test_a_name_that_was_only_reserved_is_given_up_and_not_missed(crashed):
    for path in crashed.glob("*.part.*"):
        path.unlink()
    (outcome,) = recover(crashed)
    assert "only its name" in outcome.text
    assert list(contents(crashed)) == [".numbers"]
    assert list(verify_folders(Dataset(crashed.parent), [])) == []


def test_other_files_of_a_take_without_events_are_left_as_they_are(crashed):
    (crashed / f"{STEM}.part.aedat4").unlink()
    before = set(contents(crashed)) - {f"{STEM}.part.ballast"}
    (outcome,) = recover(crashed)
    assert not outcome.saved
    assert set(contents(crashed)) == before


# Whose take it is


def test_a_take_that_a_living_process_records_is_left_alone(crashed):
    (crashed / f"{STEM}.lock").write_text(ProcessId.current().to_json())
    before = contents(crashed)
    (outcome,) = recover(crashed, take_over=True)
    assert (outcome.saved, outcome.text) == (False, "is being recorded now; left alone")
    assert contents(crashed) == before


def test_a_take_of_another_machine_is_touched_only_when_told_to(crashed):
    (crashed / f"{STEM}.lock").write_text(ProcessId("another", 1, 1).to_json())
    before = contents(crashed)
    (outcome,) = recover(crashed)
    assert not outcome.saved
    assert "--take-over" in outcome.text
    assert contents(crashed) == before
    assert recover(crashed, take_over=True)[0].saved
    assert_partial_take(crashed)


# Names half given


def test_a_commit_that_was_killed_between_two_renames_is_carried_to_its_end(whole):
    journal = {"from": f"{STEM}.part", "to": STEM, "owner": ProcessId("x", 1, 1).to_json()}
    dead = dead_process().to_json()
    for done in range(len(list(whole.glob(f"{STEM}.*"))) + 1):
        folder = shutil.copytree(whole, whole.with_name(f"copy{done}") / "4")
        before = contents(folder)
        files = sorted(folder.glob(f"{STEM}.*"), key=lambda path: (path.suffix == ".aedat4", path.name))
        for path in files[done:]:
            path.rename(path.with_name(path.name.replace(STEM, f"{STEM}.part", 1)))
        (folder / f"{STEM}.rename").write_text(json.dumps({**journal, "owner": dead}))
        (folder / f"{STEM}.lock").write_text(dead)
        outcomes = recover(folder)
        assert all(outcome.saved for outcome in outcomes)
        assert contents(folder) == before
        assert manifest_of(folder / f"{STEM}.aedat4").status is TakeStatus.COMPLETE


def dead_process():
    process = subprocess.Popen(
        [sys.executable, "-c", "from recorder.host import *; print(ProcessId.current().to_json())"],
        stdout=subprocess.PIPE,
        text=True,
    )
    return ProcessId.from_json(process.communicate(timeout=60)[0])


def test_a_whole_take_whose_lock_was_left_over_keeps_everything(whole):
    before = contents(whole)
    (whole / f"{STEM}.lock").write_text(dead_process().to_json())
    (outcome,) = recover(whole)
    assert (outcome.path, outcome.saved) == (whole / f"{STEM}.aedat4", True)
    assert contents(whole) == before


def test_a_take_half_marked_as_noise_is_marked_whole(whole):
    expected = sorted(name.replace(STEM, f"{STEM}_(noise)") for name in contents(whole))
    journal = {"from": STEM, "to": f"{STEM}_(noise)", "owner": dead_process().to_json()}
    (whole / f"{STEM}_(noise).rename").write_text(json.dumps(journal))
    (whole / f"{STEM}.json").rename(whole / f"{STEM}_(noise).json")
    (outcome,) = recover(whole)
    assert outcome.saved
    assert sorted(contents(whole)) == expected
    assert mark_noise(whole / f"{STEM}_(noise).aedat4", noise=False).exists()


# The command


def test_recovering_twice_changes_nothing_the_second_time(crashed, whole, tmp_path, capsys):
    second = shutil.copytree(whole, tmp_path / "data" / "5")
    cut(second / f"{STEM}.aedat4", 300_000)
    shutil.copytree(crashed, tmp_path / "data" / "4")
    assert main(["recover", str(tmp_path / "data"), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert [one["saved"] for one in first] == [True, True]
    before = {path: contents(path) for path in (second, tmp_path / "data" / "4")}
    assert main(["recover", str(tmp_path / "data"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert {path: contents(path) for path in before} == before


def test_a_whole_data_set_and_an_empty_folder_need_no_recovery(whole, tmp_path, capsys):
    before = contents(whole)
    (tmp_path / "empty").mkdir()
    assert main(["recover", str(whole.parent)]) == 0
    assert main(["recover", str(tmp_path / "empty")]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("0 recovered, 0 left as they are.") == 2
    assert contents(whole) == before


def test_what_cannot_be_recovered_is_listed_with_exit_code_1(whole, capsys):
    cut(whole / f"{STEM}.aedat4", 20)
    assert main(["recover", str(whole.parent)]) == 1
    assert f"{STEM}.aedat4" in capsys.readouterr().out


def test_a_missing_folder_is_wrong_usage(tmp_path):
    assert main(["recover", str(tmp_path / "missing")]) == 2


def test_two_recoveries_of_one_folder_keep_out_of_each_others_way(crashed):
    living = psutil.Process().parent()
    started = int(Path(f"/proc/{living.pid}/stat").read_text().rpartition(")")[2].split()[19])
    claim = crashed / ".recovering"
    claim.write_text(ProcessId(station_id(), living.pid, started).to_json())
    before = contents(crashed)
    (outcome,) = recover(crashed)
    assert not outcome.saved
    assert "by another process now" in outcome.text
    assert contents(crashed) == before
    claim.write_text(ProcessId(station_id(), living.pid, started - 1).to_json())
    assert all(one.saved for one in recover(crashed))
    assert not claim.exists()
