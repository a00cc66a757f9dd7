"""The files of a take: numbers are never given twice, renames survive a kill at any point, nothing is ever replaced."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.naming import BadTakeName, TakeName
from recorder.host import ProcessId, append_line, create_exclusive, rename_new, station_id, sync_file, write_atomic
from recorder.takefiles import (
    JOURNAL_SUFFIX,
    LEDGER,
    TakeFilesError,
    finish_renames,
    ledger,
    mark_noise,
    pending_renames,
    rename_take,
    reserve,
)

SUFFIXES = (".aedat4", ".rgb.mp4", ".thermal.mkv", ".frames.csv", ".json")


def write_parts(reservation):
    for suffix in SUFFIXES:
        reservation.part(suffix).write_text(f"part {suffix}")


def commit_take(data, movement="frown", subject=4):
    reservation = reserve(data, movement, subject)
    write_parts(reservation)
    reservation.commit()
    return reservation.final(".aedat4")


def whole_take(folder, stem, text="take"):
    """A take as it lies in a data set, with labels and analysis."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in (*SUFFIXES, ".analysis.json"):
        (folder / f"{stem}{suffix}").write_text(f"{text} {suffix}")
    (folder / f"{stem}.labels").mkdir()
    (folder / f"{stem}.labels" / "anna.json").write_text(f"{text} labels")
    return folder / f"{stem}.aedat4"


def contents(folder):
    """Every visible file below a folder with its text, without the ledger."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LEDGER)
    return {str(path.relative_to(folder)): path.read_text() for path in files}


@pytest.fixture
def no_hard_links(monkeypatch):
    """A file system such as FAT or some network shares."""

    def refuse(*_, **__):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)


@pytest.fixture
def dead_process():
    """The identity of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19])
        identity = ProcessId(station_id(), process.pid, started)
        assert identity.is_alive()
        process.communicate()
    return identity


# --- reserving names


def test_the_first_take_is_number_1_and_the_next_number_2(tmp_path):
    assert [reserve(tmp_path, "frown", 4).name.stem for _ in range(2)] == ["frown_4_1", "frown_4_2"]


def test_movements_and_subjects_count_for_themselves(tmp_path):
    names = [reserve(tmp_path, movement, subject).name.stem for movement, subject in (("frown", 4), ("smile", 4), ("frown", 5))]
    assert names == ["frown_4_1", "smile_4_1", "frown_5_1"]


def test_a_number_is_not_given_again_after_its_files_were_deleted_by_hand(tmp_path):
    commit_take(tmp_path)
    for path in (tmp_path / "4").glob("frown_4_*"):
        path.unlink()
    assert reserve(tmp_path, "frown", 4).name.number == 2


def test_a_number_is_not_given_again_after_its_take_was_marked_as_noise(tmp_path):
    mark_noise(commit_take(tmp_path))
    (tmp_path / "4" / LEDGER).unlink()
    assert reserve(tmp_path, "frown", 4).name.number == 2


def test_a_number_is_not_given_again_after_it_was_discarded(tmp_path):
    reservation = reserve(tmp_path, "frown", 4)
    write_parts(reservation)
    reservation.discard()
    assert contents(tmp_path) == {}
    assert reserve(tmp_path, "frown", 4).name.number == 2


@pytest.mark.parametrize(
    "left",
    ["frown_4_7.part.aedat4", "frown_4_7.lock", "frown_4_7_(noise).json", "frown_4_7.damaged.aedat4", "frown_4_7.rgb.mp4"],
)
def test_whatever_carries_a_number_keeps_it_used(tmp_path, left):
    (tmp_path / "4").mkdir()
    (tmp_path / "4" / left).touch()
    assert reserve(tmp_path, "frown", 4).name.number == 8


def test_a_take_that_appears_between_the_look_and_the_lock_keeps_its_number(tmp_path, monkeypatch):
    def late(path, text):
        if path.name == "frown_4_1.lock":  # another station reserves, records and commits in this moment
            append_line(path.parent / LEDGER, "frown 1")
        return create_exclusive(path, text)

    monkeypatch.setattr("recorder.takefiles.create_exclusive", late)
    assert reserve(tmp_path, "frown", 4).name.number == 2
    assert not (tmp_path / "4" / "frown_4_1.lock").exists()


def test_a_ledger_cut_short_by_a_power_failure_loses_no_later_number(tmp_path):
    reserve(tmp_path, "frown", 4).discard()
    reserve(tmp_path, "frown", 4).lock.unlink()
    path = tmp_path / "4" / LEDGER
    path.write_bytes(path.read_bytes()[:-3] + b"\xff\0")
    assert reserve(tmp_path, "frown", 4).name.number == 2  # the cut line is all that is lost
    assert [name.number for name in ledger(tmp_path / "4")] == [1, 2]


def test_the_lock_names_its_owner_from_the_moment_it_exists(tmp_path, monkeypatch):
    seen = []
    link = os.link

    def linked(source, target, **options):
        link(source, target, **options)
        seen.append(ProcessId.from_json(Path(target).read_text()))

    monkeypatch.setattr(os, "link", linked)
    reserve(tmp_path, "frown", 4)
    assert seen == [ProcessId.current()]


def test_reserving_leaves_nothing_but_the_lock_and_the_ledger(tmp_path):
    reservation = reserve(tmp_path, "frown", 4)
    assert {path.name for path in (tmp_path / "4").iterdir()} == {"frown_4_1.lock", LEDGER}
    assert ProcessId.from_json(reservation.lock.read_text()) == ProcessId.current()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "4").write_text("a file where the folder should be")
    with pytest.raises(TakeFilesError, match=r"4: cannot be written .*; choose another data folder\.$"):
        reserve(tmp_path, "frown", 4)


RESERVE_FIFTY = """
import sys
from pathlib import Path
from recorder.takefiles import reserve
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    print(reserve(Path(sys.argv[1]), "frown", 4).name.number)
"""


def test_two_processes_that_reserve_at_once_never_meet_and_leave_no_hole(tmp_path):
    command = [sys.executable, "-c", RESERVE_FIFTY, str(tmp_path)]
    pair = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in pair:
        assert process.stdout.readline() == "ready\n"
    for process in pair:
        process.stdin.write("go\n")
        process.stdin.flush()
    numbers = [sorted(map(int, process.communicate()[0].split())) for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    assert sorted(numbers[0] + numbers[1]) == list(range(1, 101))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["commit", "discard", "noise", "delete", "forget ledger"]), max_size=6))
def test_no_history_makes_a_number_come_twice(tmp_path_factory, history):
    data = tmp_path_factory.mktemp("data")
    given_out = []
    for what in history:
        reservation = reserve(data, "smile", 2)
        given_out.append(reservation.name.number)
        if what == "discard":
            reservation.discard()
            continue
        write_parts(reservation)
        reservation.commit()
        if what == "noise":
            mark_noise(reservation.final(".aedat4"))
        elif what == "delete":
            for path in (data / "2").glob(f"{reservation.name.stem}.*"):
                path.unlink()
        elif what == "forget ledger" and (data / "2" / LEDGER).exists():
            (data / "2" / LEDGER).unlink()  # the files themselves still speak
    assert len(set(given_out)) == len(given_out)


# --- giving files their names


def test_a_commit_gives_every_file_its_name_and_frees_the_lock(tmp_path):
    reservation = reserve(tmp_path, "frown", 4)
    write_parts(reservation)
    reservation.commit()
    assert contents(tmp_path / "4") == {f"frown_4_1{suffix}": f"part {suffix}" for suffix in SUFFIXES}


def test_the_event_file_takes_its_name_last(tmp_path, monkeypatch):
    order = []

    def noted(source, target):
        order.append(target.name)
        rename_new(source, target)

    monkeypatch.setattr("recorder.takefiles.rename_new", noted)
    commit_take(tmp_path)
    assert len(order) == len(SUFFIXES)
    assert order[-1] == "frown_4_1.aedat4"


def test_every_file_is_on_disk_before_the_first_takes_its_name(tmp_path, monkeypatch):
    order = []

    def noted(path):
        order.append(("synced", path.name))
        sync_file(path)

    def renamed(source, target):
        order.append(("renamed", source.name))
        rename_new(source, target)

    monkeypatch.setattr("recorder.takefiles.sync_file", noted)
    monkeypatch.setattr("recorder.takefiles.rename_new", renamed)
    commit_take(tmp_path)
    names = {f"frown_4_1.part{suffix}" for suffix in SUFFIXES}
    assert {name for what, name in order[: len(SUFFIXES)] if what == "synced"} == names
    assert {name for what, name in order[len(SUFFIXES) :] if what == "renamed"} == names


@pytest.mark.parametrize("suffix", [".aedat4", ".json"])
def test_a_commit_never_overwrites(tmp_path, suffix):
    reservation = reserve(tmp_path, "frown", 4)
    write_parts(reservation)
    reservation.final(suffix).write_text("precious")
    before = contents(tmp_path)
    with pytest.raises(TakeFilesError, match=f"frown_4_1{suffix}: exists already and is never overwritten"):
        reservation.commit()
    assert contents(tmp_path) == before


def test_a_file_that_appears_during_the_rename_is_not_overwritten(tmp_path, monkeypatch):
    reservation = reserve(tmp_path, "frown", 4)
    write_parts(reservation)

    def intruded(source, target):
        if target.name == "frown_4_1.aedat4":
            target.write_text("precious")
        rename_new(source, target)

    monkeypatch.setattr("recorder.takefiles.rename_new", intruded)
    with pytest.raises(FileExistsError):
        reservation.commit()
    assert reservation.final(".aedat4").read_text() == "precious"
    assert reservation.part(".aedat4").read_text() == "part .aedat4"


def test_a_take_whose_lock_was_deleted_by_hand_is_committed_all_the_same(tmp_path):
    reservation = reserve(tmp_path, "frown", 4)
    write_parts(reservation)
    reservation.lock.unlink()
    reservation.commit()
    assert reservation.final(".aedat4").exists()


def test_without_hard_links_a_commit_still_never_overwrites(tmp_path, no_hard_links):
    reservation = reserve(tmp_path, "frown", 4)
    write_parts(reservation)
    reservation.final(".aedat4").write_text("precious")
    with pytest.raises(TakeFilesError):
        reservation.commit()
    reservation.final(".aedat4").unlink()
    reservation.commit()
    assert contents(tmp_path / "4") == {f"frown_4_1{suffix}": f"part {suffix}" for suffix in SUFFIXES}


def test_without_hard_links_a_name_is_still_given_once(tmp_path, no_hard_links):
    assert create_exclusive(tmp_path / "lock", "first")
    assert not create_exclusive(tmp_path / "lock", "second")
    assert contents(tmp_path) == {"lock": "first"}


# --- noise


def test_marking_noise_renames_every_file_of_the_take(tmp_path):
    path = whole_take(tmp_path / "5", "frown_5_1")
    before = contents(tmp_path / "5")
    marked = mark_noise(path)
    assert marked == tmp_path / "5" / "frown_5_1_(noise).aedat4"
    assert contents(tmp_path / "5") == {name.replace("frown_5_1", "frown_5_1_(noise)"): text for name, text in before.items()}
    assert (tmp_path / "5" / "frown_5_1_(noise).labels" / "anna.json").exists()
    assert mark_noise(marked, noise=False) == path
    assert contents(tmp_path / "5") == before


def test_marking_noise_leaves_a_take_whose_number_begins_alike_alone(tmp_path):
    path = whole_take(tmp_path / "5", "frown_5_1")
    whole_take(tmp_path / "5", "frown_5_10", "other")
    (tmp_path / "5" / "frown_5_1.part.aedat4").write_text("someone records this")
    mark_noise(path)
    names = contents(tmp_path / "5")
    assert names["frown_5_10.aedat4"] == "other .aedat4"
    assert names["frown_5_10.labels/anna.json"] == "other labels"
    assert names["frown_5_1.part.aedat4"] == "someone records this"
    assert "frown_5_1.aedat4" not in names


def test_marking_twice_changes_nothing_and_names_the_file_that_is_there(tmp_path):
    path = mark_noise(whole_take(tmp_path / "5", "frown_5_1"))
    sloppy = whole_take(tmp_path / "5", "frown_5_2_NOISE")
    before = contents(tmp_path)
    assert mark_noise(path) == path
    assert mark_noise(sloppy) == sloppy
    assert contents(tmp_path) == before


def test_marking_what_is_no_take_or_not_there_is_one_sentence(tmp_path):
    with pytest.raises(TakeFilesError, match=r"frown_5_1\.aedat4: there is no such take"):
        mark_noise(tmp_path / "frown_5_1.aedat4")
    (tmp_path / "holiday.aedat4").touch()
    with pytest.raises(BadTakeName):
        mark_noise(tmp_path / "holiday.aedat4")


def test_a_folder_that_refuses_the_rename_is_one_sentence(tmp_path, monkeypatch):
    path = whole_take(tmp_path / "5", "frown_5_1")

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("recorder.takefiles.create_exclusive", refuse)
    with pytest.raises(TakeFilesError, match=r"frown_5_1\.aedat4: cannot be renamed \(Permission denied\)"):
        mark_noise(path)


def test_noise_is_not_marked_over_another_take(tmp_path):
    path = whole_take(tmp_path / "5", "frown_5_1")
    whole_take(tmp_path / "5", "frown_5_1_(noise)", "other")
    before = contents(tmp_path)
    with pytest.raises(TakeFilesError, match="exists already"):
        mark_noise(path)
    assert contents(tmp_path) == before


# --- renames that were interrupted

# Kills itself with SIGKILL before the n-th thing it asks of the operating system, for every n until it survives.
KILLED_EVERYWHERE = """
import os, signal, sys
from pathlib import Path
from recorder.takefiles import Reservation, mark_noise
from protocol.naming import TakeName
from recorder.host import ProcessId, create_exclusive

WATCHED = {"open", "os.link", "os.remove", "os.rename", "os.listdir", "os.scandir", "os.mkdir"}
left = None

def count(event, _):
    global left
    if left is not None and event in WATCHED:
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

sys.addaudithook(count)
ProcessId.current()

def attempt(what, folder, number):
    global left
    if what == "commit":
        reservation = Reservation(folder, TakeName("frown", 4, 1))
        create_exclusive(reservation.lock, "owner")
        left = number
        reservation.commit()
    else:
        left = number
        mark_noise(folder / "frown_4_1.aedat4")

what, root, number = sys.argv[1], Path(sys.argv[2]), 0
while True:
    child = os.fork()
    if child == 0:
        attempt(what, root / str(number), number)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, status
    number += 1
print(number)
"""


def killed_everywhere(what, root):
    """Runs it in every folder 0, 1, 2 ... of root, killed one call later each time; returns the folders it was killed in."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_EVERYWHERE, what, str(root)], capture_output=True, text=True, check=True
    )
    kills = int(done.stdout)
    assert kills > 3 * len(SUFFIXES), "the watched calls were not seen"
    return [root / str(number) for number in range(kills)]


ROOM_FOR_KILLS = 150


def finished(folder):
    finish_renames(folder)
    assert pending_renames(folder) == []
    return {name: text for name, text in contents(folder).items() if not name.endswith((".lock", ".tmp"))}


def test_a_commit_killed_at_any_point_is_completed_or_not_begun(tmp_path):
    for number in range(ROOM_FOR_KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        for suffix in SUFFIXES:
            (folder / f"frown_4_1.part{suffix}").write_text(f"part {suffix}")
    whole = {f"frown_4_1{suffix}": f"part {suffix}" for suffix in SUFFIXES}
    untouched = {f"frown_4_1.part{suffix}": f"part {suffix}" for suffix in SUFFIXES}
    outcomes = [finished(folder) for folder in killed_everywhere("commit", tmp_path)]
    assert all(outcome in (whole, untouched) for outcome in outcomes)
    begun = [outcome == whole for outcome in outcomes]
    assert begun == sorted(begun), "once begun, a rename is always carried to its end"
    assert True in begun
    assert False in begun


def test_a_noise_mark_killed_at_any_point_is_completed_or_not_begun(tmp_path):
    for number in range(ROOM_FOR_KILLS):
        whole_take(tmp_path / str(number), "frown_4_1")
    before = contents(tmp_path / "0")
    after = {name.replace("frown_4_1", "frown_4_1_(noise)"): text for name, text in before.items()}
    outcomes = [finished(folder) for folder in killed_everywhere("noise", tmp_path)]
    assert all(outcome in (before, after) for outcome in outcomes)
    assert [before, after] == [outcomes[0], outcomes[-1]]


def test_a_file_with_both_names_after_a_crash_ends_with_the_new_one_only(tmp_path, dead_process):
    old, new = tmp_path / "frown_4_1.part.aedat4", tmp_path / "frown_4_1.aedat4"
    old.write_text("events")
    os.link(old, new)
    journal = {"from": "frown_4_1.part", "to": "frown_4_1", "owner": dead_process.to_json()}
    (tmp_path / "frown_4_1.rename").write_text(json.dumps(journal))
    assert finish_renames(tmp_path) == ["frown_4_1"]
    assert contents(tmp_path) == {"frown_4_1.aedat4": "events"}


def test_a_rename_that_a_living_process_is_at_is_not_touched(tmp_path):
    (tmp_path / "frown_4_1.part.aedat4").write_text("events")
    living = psutil.Process().parent()
    assert living is not None
    started = int(Path(f"/proc/{living.pid}/stat").read_text().rpartition(")")[2].split()[19])
    owner = ProcessId(station_id(), living.pid, started)
    journal = tmp_path / f"frown_4_1{JOURNAL_SUFFIX}"
    journal.write_text(json.dumps({"from": "frown_4_1.part", "to": "frown_4_1", "owner": owner.to_json()}))
    before = contents(tmp_path)
    assert finish_renames(tmp_path) == []
    assert contents(tmp_path) == before


def test_a_rename_of_another_machine_waits_until_it_is_taken_over(tmp_path):
    (tmp_path / "frown_4_1.part.aedat4").write_text("events")
    journal = {"from": "frown_4_1.part", "to": "frown_4_1", "owner": ProcessId("another machine", 1, 1).to_json()}
    (tmp_path / f"frown_4_1{JOURNAL_SUFFIX}").write_text(json.dumps(journal))
    assert finish_renames(tmp_path) == []
    assert finish_renames(tmp_path, take_over=True) == ["frown_4_1"]
    assert contents(tmp_path) == {"frown_4_1.aedat4": "events"}


@pytest.mark.parametrize("text", ["", '{"from": "frown_4_1.part"', '{"from": "frown_4_1.part"}', "[]", "null"])
def test_a_journal_cut_short_moves_nothing_and_goes(tmp_path, text):
    (tmp_path / "frown_4_1.part.aedat4").write_text("events")
    (tmp_path / f"frown_4_1{JOURNAL_SUFFIX}").write_text(text)
    assert finish_renames(tmp_path) == []
    assert contents(tmp_path) == {"frown_4_1.part.aedat4": "events"}


def test_a_rename_does_not_begin_while_another_of_the_same_name_lies_unfinished(tmp_path):
    path = whole_take(tmp_path, "frown_4_1")
    (tmp_path / f"frown_4_1_(noise){JOURNAL_SUFFIX}").write_text("{}")
    before = contents(tmp_path)
    with pytest.raises(TakeFilesError, match="run `glimpse recover`"):
        mark_noise(path)
    assert contents(tmp_path) == before


def test_a_rename_moves_every_file_to_the_new_stem(tmp_path):
    whole_take(tmp_path, "smile_1_1")
    rename_take(tmp_path, "smile_1_1", TakeName("smile", 1, 2).stem)
    assert {name.split(".")[0] for name in contents(tmp_path)} == {"smile_1_2"}


# --- host


def test_a_process_is_told_from_a_later_one_of_the_same_number():
    me = ProcessId.current()
    assert me.is_alive() is True
    assert ProcessId(me.station, me.pid, me.started + 1).is_alive() is False
    assert ProcessId("another machine", me.pid, me.started).is_alive() is None


def test_a_dead_process_is_dead(dead_process):
    assert dead_process.is_alive() is False


@given(st.text(max_size=20), st.integers(), st.integers())
def test_a_process_identity_survives_its_file(station, pid, started):
    assert ProcessId.from_json(ProcessId(station, pid, started).to_json()) == ProcessId(station, pid, started)


@given(st.text(max_size=60))
def test_no_text_in_a_lock_is_an_error(text):
    found = ProcessId.from_json(text)
    assert found is None or isinstance(found, ProcessId)


def test_an_atomic_write_replaces_the_whole_and_leaves_nothing_beside_it(tmp_path):
    write_atomic(tmp_path / "a.json", "first and long")
    write_atomic(tmp_path / "a.json", "second")
    assert contents(tmp_path) == {"a.json": "second"}


def test_an_atomic_write_that_fails_keeps_the_old_text(tmp_path):
    write_atomic(tmp_path / "a.json", "first")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(tmp_path / "a.json", "\ud800")
    assert contents(tmp_path) == {"a.json": "first"}
