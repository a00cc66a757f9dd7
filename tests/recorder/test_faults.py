"""What can go wrong during a take, with real capture processes: whatever happens, what was seen stays on disk and is said."""

import contextlib
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import stations
from stations import (
    LONG,
    assert_readable_by_all,
    finish,
    glimpse,
    hear,
    is_gone,
    is_recording,
    left_overs,
    manifest_of,
    record,
    settings,
    take_of,
    wait_until,
)

from protocol.manifest import FinishReason, TakeStatus
from protocol.streams import Stream
from recorder.messages import Arm, Disarm, Notice, Refused, RigSpec, Shutdown, State, Status, Stop, TakeDone
from recorder.recover import recover_folder, recover_take
from recorder.ring import RingReader
from recorder.station import CaptureDied, Station
from recorder.take import Take


@pytest.fixture(autouse=True)
def _no_process_left():
    with stations.no_process_left():
        yield


@pytest.fixture(scope="module")
def earlier_take(tmp_path_factory):
    """A data set with one whole take, and the checksums of its files."""
    data = tmp_path_factory.mktemp("earlier")
    done = take_of(data)
    assert done.status == "complete"
    return data, {path.name: sha256(path) for path in (data / "4").iterdir() if path.name.startswith("frown")}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def killed_during_a_take(data, enough=lambda report: is_recording(report, 8_000), **options):
    """Kill the capture process once a report is `enough`; returns its runtime folder and the last status that came."""
    with Station() as station:
        station.send(record(data, **options))
        heard = hear(station, enough)
        os.kill(station.pid, signal.SIGKILL)
        statuses = [report for report in heard if isinstance(report, Status)]
        statuses += [report for report in until_death(station, "signal 9") if isinstance(report, Status)]
        return station.runtime, statuses[-1]


def until_death(station, how):
    """The last reports of a capture process, whose end is told like this."""
    heard = []
    with pytest.raises(CaptureDied, match=how):
        hear(station, lambda report: heard.append(report))
    return heard


# The capture process dies


def test_a_take_whose_capture_process_is_killed_keeps_all_that_was_reported_as_written(tmp_path):
    runtime, last = killed_during_a_take(tmp_path)
    outcome = recover_take(tmp_path / "4", "frown_4_1")
    assert outcome.saved, outcome.text
    manifest = manifest_of(outcome.path)
    assert (manifest.status, manifest.finish_reason) == (TakeStatus.PARTIAL, FinishReason.CAPTURE_DIED)
    assert manifest.steps
    assert assert_readable_by_all(outcome.path) >= last.streams["events"].written
    assert not left_overs(tmp_path)
    assert not runtime.exists()


def test_videos_of_a_killed_capture_process_keep_their_finished_fragments_and_the_times_of_those_pictures(tmp_path):
    killed_during_a_take(tmp_path, lambda one: pictures(one) >= 80, rgb="sim", thermal="sim", script=LONG)
    (outcome,) = recover_folder(tmp_path / "4")
    assert outcome.saved, outcome.text
    assert_readable_by_all(outcome.path)
    with Take(outcome.path) as take:
        assert not take.problems
        for stream in (Stream.FRAMES, Stream.RGB, Stream.THERMAL):
            assert take.count(stream) == len(take.frame_times(stream))
        assert take.count(Stream.FRAMES)
        assert take.count(Stream.RGB)


def pictures(report):
    """How many colour pictures a status says are encoded; a fragment holds some tens."""
    return report.streams["rgb"].written if is_recording(report) else 0


def test_a_killed_take_of_a_dead_station_is_found_by_the_recovery_of_its_folder(tmp_path):
    killed_during_a_take(tmp_path)
    assert [outcome.saved for outcome in recover_folder(tmp_path / "4")] == [True]
    assert take_of(tmp_path).path.endswith("frown_4_2.aedat4")


# The parent dies, or freezes


def test_a_take_whose_parent_is_killed_is_finished_by_the_capture_process(tmp_path):
    pid, runtime = parent_killed_during_a_take(tmp_path)
    wait_until(lambda: is_gone(pid), "the capture process to leave")
    manifest = manifest_of(tmp_path / "4" / "frown_4_1.aedat4")
    assert (manifest.status, manifest.finish_reason) == (TakeStatus.COMPLETE, FinishReason.SCRIPT_ENDED)
    assert_readable_by_all(tmp_path / "4" / "frown_4_1.aedat4")
    assert not left_overs(tmp_path)
    assert not runtime.exists()


def test_a_take_that_lasts_longer_than_an_orphan_may_is_ended_and_kept(tmp_path):
    pid, runtime = parent_killed_during_a_take(tmp_path, script=LONG, parent_gone_s=0.3)
    wait_until(lambda: is_gone(pid), "the capture process to leave")
    manifest = manifest_of(tmp_path / "4" / "frown_4_1.aedat4")
    assert (manifest.status, manifest.finish_reason) == (TakeStatus.PARTIAL, FinishReason.PARENT_GONE)
    assert_readable_by_all(tmp_path / "4" / "frown_4_1.aedat4")
    assert not left_overs(tmp_path)
    assert not runtime.exists()


def parent_killed_during_a_take(data, script=stations.SHORT, **changes):
    """Kill a parent, which is a process of its own, in the middle; returns what to look for afterwards."""
    with parent(record(data, script=script, **changes)) as (process, pid, runtime):
        wait_until(lambda: part_of(data), "data on disk")
        process.kill()
        process.wait()
    return pid, runtime


@contextlib.contextmanager
def parent(command):
    """A parent that asks for one take and waits; gives the process, its capture process and that one's runtime folder."""
    program = (
        "import sys; from recorder.station import Station; from recorder.messages import parse_command\n"
        "with Station() as station:\n"
        "    print(station.pid, station.runtime, flush=True)\n"
        "    station.send(parse_command(sys.argv[1]))\n"
        "    while True: station.next()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, command.model_dump_json()], stdout=subprocess.PIPE, text=True)
    pid, runtime = process.stdout.readline().split()
    try:
        yield process, int(pid), Path(runtime)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def part_of(data, size=200_000):
    """The event file being written, once it holds something."""
    return next((path for path in data.rglob("*.part.aedat4") if path.stat().st_size > size), None)


def test_after_the_death_of_both_the_next_start_sweeps_the_rings_and_the_take_is_recovered(tmp_path):
    with parent(record(tmp_path)) as (process, pid, runtime):
        wait_until(lambda: part_of(tmp_path), "data on disk")
        process.kill()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_gone(pid), "the capture process to die")
    with Station():
        assert not runtime.exists()
    recovery = glimpse("recover", tmp_path)
    out, err = recovery.communicate(timeout=60)
    assert recovery.returncode == 0, err
    assert "Saved:" in out
    assert manifest_of(tmp_path / "4" / "frown_4_1.aedat4").finish_reason is FinishReason.CAPTURE_DIED
    assert_readable_by_all(tmp_path / "4" / "frown_4_1.aedat4")


def test_a_parent_frozen_through_the_whole_take_costs_nothing_though_its_pipe_is_full(tmp_path):
    command = [sys.executable, stations.__file__, "chatty", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    final = tmp_path / "4" / "frown_4_1.aedat4"
    with process.stdout:
        try:
            wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, "the parent to freeze")
            assert not final.exists()
            wait_until(final.exists, "the end of the take")
        finally:
            process.send_signal(signal.SIGCONT)
        assert '"status": "complete"' in process.stdout.readline()
        assert process.wait(60) == 0
    assert manifest_of(final).streams["events"].received == assert_readable_by_all(final)


# The camera misbehaves


def test_an_unplugged_camera_ends_the_take_and_everything_before_is_kept(tmp_path):
    done = take_of(tmp_path, camera="sim:1,fault=unplug@1")
    assert (done.status, done.finish_reason) == ("partial", "source_lost")
    assert "unplugged" in done.message
    assert assert_readable_by_all(done.path) == done.counts["events"]["received"] > 0


def test_a_short_silence_of_the_camera_is_said_and_noted_and_the_take_goes_on(tmp_path):
    with Station() as station:
        station.send(record(tmp_path, "sim:1,fault=stall@1+0.7", stall_ms=300))
        done, heard = finish(station)
    assert done.status == "complete"
    assert "The stream events has given nothing for 300 ms." in [one.text for one in heard if isinstance(one, Notice)]
    manifest = manifest_of(done.path)
    (gap,) = [gap for gap in manifest.gaps if gap.stream == "events"]
    assert gap.kind == "stall"
    with Take(done.path) as take:
        assert {gap.start_us, gap.end_us} <= set(take.events()["t"].tolist())
        assert len(take.events(gap.start_us + 1, gap.end_us)) == 0
    assert any("nothing for 300 ms" in notice for notice in manifest.notices)


def test_a_camera_that_stays_silent_ends_the_take(tmp_path):
    done = take_of(tmp_path, camera="sim:1,fault=stall@1", stall_ms=200, stall_end_s=0.5)
    assert (done.status, done.finish_reason) == ("partial", "stalled")
    assert assert_readable_by_all(done.path) > 0


def test_when_a_camera_turns_its_clock_back_what_came_before_is_kept_and_nothing_after(tmp_path):
    done = take_of(tmp_path, camera="sim:1,fault=back@1")
    assert (done.status, done.finish_reason) == ("partial", "time_backwards")
    assert "jumped backwards" in done.message
    assert assert_readable_by_all(done.path) == done.counts["events"]["received"] > 0


def test_a_camera_that_gives_nothing_at_all_is_named_and_leaves_no_file(tmp_path):
    done = take_of(tmp_path, camera="sim:1,fault=stall@0", first_data_s=0.5)
    assert (done.status, done.finish_reason, done.path) == ("failed", "no_first_data", None)
    assert "Simulated rig" in done.message
    assert [path.name for path in (tmp_path / "4").iterdir()] == [".numbers"]
    assert take_of(tmp_path).path.endswith("frown_4_2.aedat4")


def test_a_colour_video_shorter_than_the_script_ends_the_take_when_it_is_over(tmp_path, short_video):
    done = take_of(tmp_path, rgb=str(short_video))
    assert (done.status, done.finish_reason) == ("partial", "source_ended")
    assert done.counts["rgb"] == {"received": 10, "written": 10}
    with Take(done.path) as take:
        assert not take.problems
        assert take.count(Stream.RGB) == 10


@pytest.fixture
def short_video(tmp_path):
    """Ten pictures at 20 a second."""
    import cv2

    path = tmp_path / "short.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 20, (64, 48))
    for number in range(10):
        writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
    writer.release()
    return path


# The disk is full, or stands still


def test_a_file_that_may_not_grow_ends_the_take_and_what_is_written_can_be_read(tmp_path):
    with Station() as station:
        station.send(record(tmp_path, "sim:1,rate=0.5"))
        hear(station, is_recording)
        size = part_of(tmp_path, 0).stat().st_size
        resource.prlimit(station.pid, resource.RLIMIT_FSIZE, (size + 1_500_000, size + 1_500_000))
        done, _ = finish(station)
    assert (done.status, done.finish_reason) == ("failed", "disk_full")
    assert assert_readable_by_all(done.path) == done.counts["events"]["written"] > 1_000
    assert not left_overs(tmp_path)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 48 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("stream", ["none", "sim"])
def test_a_full_disk_ends_the_take_which_keeps_its_name_its_manifest_and_its_data(small_disk, earlier_take, stream):
    copy_earlier(earlier_take, small_disk)
    done = take_of(small_disk, camera="sim:1,rate=2", rgb=stream, script=LONG, reserve_bytes=0)
    assert (done.status, done.finish_reason) == ("failed", "disk_full")
    assert done.path.endswith("frown_4_2.aedat4")
    assert assert_readable_by_all(done.path) == done.counts["events"]["written"] > 100_000
    assert not left_overs(small_disk)
    assert_untouched(earlier_take, small_disk)


def test_a_nearly_full_disk_ends_the_take_while_there_is_still_room(small_disk, earlier_take):
    copy_earlier(earlier_take, small_disk)
    done = take_of(small_disk, camera="sim:1,rate=0.3", script=LONG, reserve_bytes=30_000_000)
    assert (done.status, done.finish_reason) == ("partial", "disk_low")
    assert assert_readable_by_all(done.path) == done.counts["events"]["received"]
    assert_untouched(earlier_take, small_disk)


def copy_earlier(earlier_take, folder):
    (folder / "4").mkdir()
    for name in earlier_take[1]:
        (folder / "4" / name).write_bytes((earlier_take[0] / "4" / name).read_bytes())


def assert_untouched(earlier_take, folder):
    assert {name: sha256(folder / "4" / name) for name in earlier_take[1]} == earlier_take[1]


def test_a_take_is_refused_with_less_room_than_three_takes_and_the_lack_is_told(tmp_path):
    with Station() as station:
        station.send(record(tmp_path, take_bytes=10**15, takes_free=3))
        (refused,) = [one for one in hear(station, lambda one: isinstance(one, Refused)) if isinstance(one, Refused)]
    assert "MB are free where 3 takes need 3000000000 MB" in refused.text
    assert not list(tmp_path.iterdir())


@pytest.fixture
def disk_that_freezes(tmp_path):
    """An ext4 file system in a file, and a function that makes it stand still, until the test is over or it is called again."""
    folder, image = tmp_path / "disk", tmp_path / "image"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    for command in (["mkfs.ext4", "-q", "-F", image], ["mount", "-o", "loop", image, folder]):
        if not shutil.which(command[0]) or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("this user may not make and mount a file system")
    yield folder, lambda flag: subprocess.run(["fsfreeze", flag, folder], check=True)
    subprocess.run(["fsfreeze", "-u", folder], capture_output=True)
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_stands_still_ends_the_take_and_the_parent_is_told_and_let_go(disk_that_freezes):
    data, freeze = disk_that_freezes
    with Station(exit_s=0.5) as station:
        station.send(record(data, script=LONG, queue_s=0.3, drain_s=0.5, reserve_bytes=0))
        last = hear(station, is_recording)[-1]
        freeze("-f")
        done, _ = finish(station)
        pid = station.pid
    assert (done.status, done.finish_reason, done.path) == ("failed", "disk_stalled", None)
    assert "glimpse recover" in done.message
    freeze("-u")
    wait_until(lambda: is_gone(pid), "the capture process to end, now that it can")
    (outcome,) = list(recover_folder(data / "4"))
    assert outcome.saved, outcome.text
    assert assert_readable_by_all(outcome.path) >= last.streams["events"].written
    assert not left_overs(data)


def test_a_disk_that_answers_again_in_time_costs_nothing(disk_that_freezes):
    data, freeze = disk_that_freezes
    with Station() as station:
        station.send(record(data, reserve_bytes=0))
        hear(station, is_recording)
        freeze("-f")
        hear(station, lambda one: isinstance(one, Status) and one.queue_s > 0.5)
        freeze("-u")
        done, _ = finish(station)
    assert done.status == "complete"
    assert assert_readable_by_all(done.path) == done.counts["events"]["received"]


def blocked_station(exit_s):
    return Station([sys.executable, stations.__file__, "blocked", str(exit_s)])


def test_a_file_that_takes_nothing_more_ends_the_take_and_does_not_hold_the_process(tmp_path):
    with blocked_station(60) as station:
        station.send(record(tmp_path, script=LONG, queue_s=0.3, drain_s=0.3))
        done, _ = finish(station)
        station.send(Shutdown())
        until_death(station, "code 0")
    assert (done.status, done.finish_reason, done.path) == ("failed", "disk_stalled", None)
    assert "more than 0.3 s behind at .aedat4" in done.message


def test_a_capture_process_leaves_by_its_deadline_though_the_disk_never_answers(tmp_path):
    with blocked_station(1) as station:
        station.send(record(tmp_path, script=LONG, queue_s=600, drain_s=600))
        hear(station, lambda one: isinstance(one, Status) and one.queue_s > 0.2)
        station.send(Shutdown())
        until_death(station, "code 3")
        assert not station.runtime.exists()
    assert "frown_4_1.lock" in left_overs(tmp_path)


def test_when_nothing_at_all_can_be_written_any_more_that_is_told_and_what_is_there_recovered(tmp_path):
    with Station() as station:
        station.send(record(tmp_path, script=LONG))
        hear(station, is_recording)
        resource.prlimit(station.pid, resource.RLIMIT_FSIZE, (500, 500))
        done, _ = finish(station)
    assert (done.status, done.path) == ("failed", None)
    assert "No room" in done.message or "too large" in done.message
    assert [outcome.saved for outcome in recover_folder(tmp_path / "4")] == [True]
    assert_readable_by_all(tmp_path / "4" / "frown_4_1.aedat4")


def test_script_times_that_cannot_be_saved_during_the_take_are_said_and_saved_at_its_end(tmp_path):
    with Station() as station:
        obstacle = tmp_path / "4" / f".frown_4_1.part.json.{station.pid}.tmp"
        station.send(record(tmp_path))
        hear(station, lambda one: isinstance(one, Status) and one.step == "settle" and is_recording(one, 1))
        wait_until(lambda: made(obstacle), "the moment between two savings")
        hear(station, lambda one: isinstance(one, Notice) and "times could not be saved" in one.text)
        obstacle.rmdir()
        done, _ = finish(station)
    assert done.status == "complete"
    assert [step.step for step in manifest_of(done.path).steps] == ["settle", "paper_in", "countdown", "neutral", "movement"]


def made(folder):
    """Whether the folder could be made."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        return True
    return False


# Several takes, several stations, several readers


def test_a_second_take_uses_the_armed_cameras_and_loses_nothing_of_either(tmp_path):
    with Station() as station:
        station.send(record(tmp_path, event_ring=1 << 22))
        first, _ = finish(station)
        station.send(record(tmp_path, event_ring=1 << 22))
        second, _ = finish(station)
        with RingReader(station.runtime / "events.ring", from_start=True) as ring:
            reading = ring.read()
    assert [done.status for done in (first, second)] == ["complete", "complete"]
    assert [Path(done.path).name for done in (first, second)] == ["frown_4_1.aedat4", "frown_4_2.aedat4"]
    assert reading.missed == 0
    for done in (first, second):
        with Take(done.path) as take:
            events = take.events()
        seen = reading.records[reading.records["t"] >= events["t"][0]][: len(events)]
        np.testing.assert_array_equal(seen, events)


def test_two_stations_record_into_one_folder_at_the_same_time(tmp_path):
    with Station() as one, Station() as other:
        for station, seed in ((one, 1), (other, 2)):
            station.send(record(tmp_path, f"sim:{seed}"))
        ends = [finish(station)[0] for station in (one, other)]
    assert [done.status for done in ends] == ["complete", "complete"]
    assert sorted(Path(done.path).name for done in ends) == ["frown_4_1.aedat4", "frown_4_2.aedat4"]
    for done in ends:
        assert_readable_by_all(done.path)
    assert not left_overs(tmp_path)


def test_armed_cameras_feed_the_rings_and_write_nothing(tmp_path):
    with Station() as station:
        station.send(Arm(rig=RigSpec(camera="sim:1"), settings=settings()))
        hear(station, lambda one: isinstance(one, Status) and one.state is State.ARMED and one.streams["events"].received)
        with RingReader(station.runtime / "events.ring", from_start=True) as ring:
            events = ring.read().records
        assert len(events)
        assert np.all(np.diff(events["t"]) >= 0)
        station.send(Disarm())
        hear(station, lambda one: isinstance(one, Status) and one.state is State.IDLE)
    assert not list(tmp_path.iterdir())


def test_a_reader_that_freezes_counts_what_it_missed_and_the_take_misses_nothing(tmp_path):
    with Station() as station:
        station.send(record(tmp_path, "sim:1,rate=0.1", event_ring=1 << 10))
        hear(station, is_recording)
        with RingReader(station.runtime / "events.ring") as ring:
            done, _ = finish(station)
            ring.read()
            assert ring.missed > 0
    assert done.status == "complete"
    assert assert_readable_by_all(done.path) == done.counts["events"]["received"] > 1 << 10


# Somebody ends it


def test_a_capture_process_told_to_terminate_keeps_the_take_and_leaves(tmp_path):
    with Station() as station:
        station.send(record(tmp_path, script=LONG))
        hear(station, is_recording)
        os.kill(station.pid, signal.SIGTERM)
        done, _ = finish(station)
        until_death(station, "code 0")
    assert (done.status, done.finish_reason) == ("partial", "aborted")
    assert_readable_by_all(done.path)


def test_a_stop_before_the_cameras_gave_anything_ends_the_take(tmp_path):
    with Station() as station:
        station.send(record(tmp_path, "sim:1,fault=stall@0", script=LONG))
        hear(station, lambda one: isinstance(one, Status) and one.state is State.RECORDING)
        station.send(Stop())
        done, _ = finish(station)
    assert (done.status, done.finish_reason, done.path) == ("failed", "aborted", None)
    assert not left_overs(tmp_path)


def test_a_stop_while_the_cameras_are_being_opened_means_no_take(tmp_path):
    with Station() as station:
        station.send(record(tmp_path, script=LONG))
        station.send(Stop())
        end = hear(station, lambda one: isinstance(one, Refused | TakeDone))[-1]
    assert "stopped before it began" in end.text if isinstance(end, Refused) else end.finish_reason == "aborted"
    assert not left_overs(tmp_path)


def test_leaving_while_the_cameras_are_being_opened_begins_no_take(tmp_path):
    with Station() as station:
        station.send(record(tmp_path, script=LONG))
    assert not left_overs(tmp_path)
    assert not list(tmp_path.rglob("*.lock"))
