"""What goes wrong while a window records: nothing is lost, it is told at once, and one key or button goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from seats import LONG, TWO_MOVEMENTS, make_settings, seated, seated_outside
from takekit import SHORT_SCRIPT

sys.path.insert(0, str(Path(__file__).parents[2] / "recorder"))
from stations import assert_readable_by_all, capture_of, glimpse, is_gone, manifest_of, wait_until

from app.main import main
from app.pages.record import handsfree
from protocol.manifest import FinishReason, How, TakeStatus
from recorder.dataset import Dataset

POSIX = pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX systems")
SLOW = TWO_MOVEMENTS.replace("seconds: 0.6, start_mark: cue", "seconds: 5, start_mark: cue")


def child(words, parent=None):
    """The process below this one, or below `parent`, with these words in its command."""
    below = psutil.Process(parent).children(recursive=True)
    return next(one for one in below if words in " ".join(one.cmdline()))


def running(seat, events=2_000):
    seat.begin()
    seat.until(lambda told: told.events > events, "events in the file")


@POSIX
def test_a_killed_capture_process_is_told_with_what_was_saved_and_one_button_goes_on(qtbot, tmp_path):
    with seated(qtbot, tmp_path / "data", make_settings(tmp_path / "settings", LONG)) as seat:
        seat.to_plan()
        running(seat)
        child("recorder.capture").kill()
        told = seat.verdict()
        assert manifest_of(told.path).finish_reason is FinishReason.CAPTURE_DIED
        assert_readable_by_all(told.path)
        assert told.message == told.banners["capture"]
        assert told.verdict == "redo"
        seat.key("Return")
        seat.until(lambda told: told.stage == "ready" and told.settled, "the plan")
        seat.press_button("capture")
        told = seat.until(lambda told: told.armed, "the cameras")
        assert "capture" not in told.banners
        seat.take("Return", during=seat.abort)
        assert len(seat.told.takes) == 2


@POSIX
def test_a_lost_camera_ends_the_take_and_the_key_that_goes_on_opens_it_again(qtbot, tmp_path):
    with seated(qtbot, tmp_path / "data", make_settings(tmp_path / "settings", LONG)) as seat:
        seat.to_plan()
        running(seat)
        child("recorder.sim.serve").kill()
        told = seat.verdict()
        assert manifest_of(told.path).finish_reason is FinishReason.SOURCE_LOST
        assert_readable_by_all(told.path)
        told = seat.until(lambda told: "cameras" in told.banners, "what was lost")
        assert not told.armed
        seat.key("Return")
        seat.until(lambda told: told.stage == "ready" and told.settled, "the plan")
        seat.key("Return")
        told = seat.until(lambda told: told.armed, "the cameras")
        assert "cameras" not in told.banners
        child("recorder.sim.serve").kill()
        seat.until(lambda told: "cameras" in told.banners and not told.armed, "a camera that was lost between takes")
        seat.press_button("cameras")
        seat.until(lambda told: told.armed, "the cameras")
        seat.begin()


def test_a_window_that_freezes_shrinks_and_vanishes_loses_nothing_and_the_paper_is_seen(qtbot, tmp_path):
    with seated(qtbot, tmp_path / "data", make_settings(tmp_path / "settings", SHORT_SCRIPT)) as seat:
        seat.to_plan()
        seat.begin()
        seat.window.resize(seat.window.minimumSize())
        seat.at_step("paper_in")
        seat.window.showMinimized()
        time.sleep(3)  # on the window's thread: it takes and draws nothing
        seat.window.showNormal()
        seat.window.resize(1500, 900)
        told = seat.verdict()
        manifest = manifest_of(told.path)
        assert manifest.status is TakeStatus.COMPLETE
        assert all(one.received == one.written for one in manifest.streams.values())
        neutral = next(step for step in manifest.steps if step.step == "neutral")
        assert (neutral.how, neutral.at_us) == (How.DETECTED, manifest.t0_us)
        assert_readable_by_all(told.path)


def test_hands_free_records_without_a_key_until_one_is_pressed(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(handsfree, "HANDS_FREE_START_S", 0.5)
    monkeypatch.setattr(handsfree, "HANDS_FREE_S", dict.fromkeys(handsfree.HANDS_FREE_S, 0.5))
    data = tmp_path / "data"
    with seated(qtbot, data, make_settings(tmp_path / "settings", hands_free=True)) as seat:
        seat.to_plan()
        seat.until(lambda told: told.stage == "verdict", "the first verdict")
        seat.until(lambda told: told.stage == "take" and told.take == "running" and told.takes, "the second take")
        monkeypatch.setattr(handsfree, "HANDS_FREE_S", dict.fromkeys(handsfree.HANDS_FREE_S, 1000.0))
        told = seat.verdict()
        assert seat.flow.seconds_left is not None
        seat.key("x")  # any key
        seat.until(lambda told: seat.flow.seconds_left is None, "the stop")
    cues = [step.how for step in manifest_of(told.path).steps if step.step == "movement"]
    assert cues == [How.SCHEDULED]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_ends_the_take_and_with_room_again_the_next_one_is_recorded(qtbot, tmp_path, small_disk):
    with seated(qtbot, small_disk, make_settings(tmp_path / "settings", LONG)) as seat:
        seat.until(lambda told: told.page == "setup" and told.ready, "the questions")
        cameras = seat.flow._cameras
        cameras.settings = cameras.settings.model_copy(update={"reserve_bytes": 0, "take_bytes": 1_000_000})
        seat.to_plan()
        running(seat)
        with (small_disk / "others.bin").open("wb", buffering=0) as others:
            while written_all(others):
                pass
        told = seat.verdict()
        assert manifest_of(told.path).finish_reason is FinishReason.DISK_FULL
        assert told.message
        seat.key("Return")
        seat.until(lambda told: told.stage == "ready" and told.settled, "the plan")
        (small_disk / "others.bin").unlink()
        seat.take("Return", during=seat.abort)
        assert len(seat.told.takes) == 2


def written_all(file):
    block = bytes(1 << 20)
    try:
        return file.write(block) == len(block)
    except OSError:
        return False


@POSIX
@pytest.mark.timeout(300)
def test_a_killed_window_leaves_its_take_whole_and_no_process_and_the_session_goes_on(qtbot, tmp_path):
    data, home = tmp_path / "data", tmp_path / "home"
    settings = make_settings(home, SLOW)
    with seated_outside(None, home, data) as seat:
        seat.to_plan()
        seat.begin()
        below = psutil.Process(seat.process.pid).children(recursive=True)
        seat.process.send_signal(signal.SIGKILL)
        seat.process.wait()
    wait_until(lambda: all(is_gone(one.pid) for one in below), "the end of what the window had started")
    assert manifest_of(data / "1" / "frown_1_1.aedat4").status is TakeStatus.COMPLETE
    assert main(["verify", str(data)]) == 0
    with seated(qtbot, data, settings) as seat:
        seat.until(lambda told: told.page == "setup" and told.resumes, "the session that was interrupted")
        seat.key("Return")
        told = seat.until(lambda told: told.stage == "rig" and told.chosen, "the rig check")
        assert (told.chosen, told.grid["frown 1"]) == ("smile 1", "done")
        assert "unfinished" not in told.banners


@POSIX
def test_a_take_that_a_crash_left_unfinished_is_offered_and_saved_by_one_button(qtbot, tmp_path):
    data = tmp_path / "data"
    (tmp_path / "long.yaml").write_text(LONG)
    cameras = ("--camera", "sim:3,head=builtin", "--rgb", "none", "--thermal", "none")
    with glimpse(
        "record", "--data", data, "--subject", 1, "--movement", "frown", *cameras, "--script", tmp_path / "long.yaml"
    ) as p:
        capture = capture_of(p.pid)
        part = wait_until(lambda: next(iter(data.glob("1/*.part.aedat4")), None), "a file")
        wait_until(lambda: part.stat().st_size > 100_000, "data in it")
        os.kill(p.pid, signal.SIGKILL)
        capture.kill()
    wait_until(lambda: is_gone(capture.pid), "the end of the capture process")
    with seated(qtbot, data, make_settings(tmp_path / "settings")) as seat:
        told = seat.until(lambda told: "unfinished" in told.banners, "the offer")
        assert told.banners["unfinished"].startswith("1 take of this data set was not finished")
        seat.press_button("unfinished")
        told = seat.until(lambda told: told.toasts, "what was saved")
        assert told.toasts == ["1 take was saved."]
    assert_readable_by_all(data / "1" / "frown_1_1.aedat4")


# Where the window cannot do what is wished


def test_bad_preferences_are_told_and_do_not_keep_the_window_from_opening(qtbot, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text("scheme: pink\ntour_seen: true\nwhatever: 1\n")
    with seated(qtbot, tmp_path / "data", settings) as seat:
        told = seat.until(lambda told: told.page == "setup" and told.ready, "the questions")
        texts = " ".join(told.banners.values())
        assert "'scheme'" in texts
        assert "'whatever'" in texts
        assert not told.problems


def test_a_folder_that_is_no_data_set_is_told_and_not_recorded_into(qtbot, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "holiday.jpg").write_bytes(b"a picture")
    with seated(qtbot, folder, make_settings(tmp_path / "settings")) as seat:
        told = seat.until(lambda told: told.page == "setup" and told.ready, "the questions")
        assert str(folder) in told.problems["data"]
        seat.key("Return")
        seat.wait()
        assert seat.told.page == "setup"
    assert [path.name for path in folder.iterdir()] == ["holiday.jpg"]


@pytest.fixture
def read_only(tmp_path):
    """A data set that nothing can be written into."""
    folder = tmp_path / "archive"
    Dataset.create(folder, "archive", simulated=True)
    folder.chmod(0o555)
    mounted = False
    if os.access(folder, os.W_OK):  # the superuser may write everywhere but on what is mounted read-only
        binds = (["mount", "--bind", folder, folder], ["mount", "-o", "remount,ro,bind", folder])
        mounted = not any(subprocess.run(one, capture_output=True).returncode for one in binds)
        if not mounted:
            folder.chmod(0o755)
            pytest.skip("this user may write everywhere and mount nothing")
    yield folder
    if mounted:
        subprocess.run(["umount", "-l", folder], check=True)
    folder.chmod(0o755)


def test_a_read_only_data_set_is_told_and_nothing_begins(qtbot, tmp_path, read_only):
    before = json.loads((read_only / "dataset.json").read_text())
    with seated(qtbot, read_only, make_settings(tmp_path / "settings")) as seat:
        seat.until(lambda told: told.page == "setup" and told.ready, "the questions")
        seat.key("Return")
        page = seat.window.pages["record"]
        seat.until(lambda told: page.setup.summary.text() or told.problems, "the reason")
        seat.until(lambda told: page.setup.go.isEnabled(), "the button")
        said = " ".join([page.setup.summary.text(), *seat.told.problems.values()])
        assert str(read_only) in said
        assert seat.told.page == "setup"
    assert json.loads((read_only / "dataset.json").read_text()) == before
