"""The Label page by real key events when something is unusual: takes that move, disks that fill, other windows."""

import contextlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from annotator import CUE_US, make_takes, seated
from PySide6.QtCore import Qt

from app.pages.label import takedesk
from app.pages.label.media import open_media
from app.pages.label.scores import Scores
from app.pages.label.timeline_rows import Kind
from protocol.errors import GlimpseError
from protocol.labeledits import Landmark
from protocol.labels import Interval, Noise, Sight
from protocol.streams import Stream
from recorder.dataset import Dataset
from recorder.labelplace import lock_name
from recorder.labelplan import make_plan, save_plan
from recorder.labelstate import labels_folder, read_labels
from recorder.labelstore import LabelStore


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """What is kept between sessions is of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def opened(one, take):
    one.sit_down()
    one.press("Return")
    one.until_open(take)


def test_a_sensor_of_640_by_480_without_colour_pictures_is_labelled_like_any_other(qtbot, tmp_path):
    (take,) = make_takes(tmp_path / "data", size=(640, 480), colour=False)
    with seated(qtbot, tmp_path, tmp_path / "data") as one:
        opened(one, take)
        assert one.desk.events.resolution == (640, 480)
        stage = one.bench.views.panes[Stream.EVENTS].stage
        one.until(lambda: stage.has_picture, "the events")
        assert (stage._image.width(), stage._image.height()) == (640, 480)
        assert not one.bench.views.panes[Stream.RGB].stage.has_picture
        one.press("O", "Ctrl+Right", "F", "Return")
        one.settle()
    (interval,) = read_labels(take)["ann"].intervals
    assert (interval.onset_us, interval.duration_us) == (CUE_US, 33_333), "without pictures a step is one of 30 a second"


def test_a_take_that_is_renamed_and_moved_while_it_is_open_is_labelled_where_it_is_now(qtbot, tmp_path):
    data = tmp_path / "data"
    (take,) = make_takes(data)
    there = data / "1" / "second session"
    with seated(qtbot, tmp_path, data) as one:
        opened(one, take)
        one.press("O")
        one.settle()
        there.mkdir()
        for path in list(take.parent.glob("smile_1_1.*")):
            path.rename(there / path.name)
        one.press("Right", "F")
        one.until_open(there / take.name)
        one.press("Return")
        one.settle()
    labels = read_labels(there / take.name)["ann"]
    assert labels.done
    assert labels.intervals[0].duration_us == 33_333
    assert not labels_folder(take).exists()


def test_a_take_that_is_deleted_while_it_is_open_is_told_and_its_labels_are_kept_aside(qtbot, tmp_path):
    data = tmp_path / "data"
    first, second = make_takes(data, 2)
    with seated(qtbot, tmp_path, data) as one:
        opened(one, first)
        one.press("O", "Right", "F")
        one.settle()
        for path in list(first.parent.glob("smile_1_1.*")):
            subprocess.run(["rm", "-r", path], check=True)
        one.press("3")
        one.settle()
        assert ".kept-labels" in one.banners + one.said
        one.press("F5")
        one.until(lambda: len(one.bench.queue.rows) == 1, "the list without it")
        one.press("Ctrl+PgDown")
        one.until_open(second)
    (kept,) = data.glob(".kept-labels/**/ann.journal*")
    assert '"offset_us"' in kept.read_text()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "glimpse-test", place], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_what_a_full_disk_refuses_is_told_and_done_again_once_there_is_room(qtbot, tmp_path, small_disk):
    (take,) = make_takes(small_disk / "data", colour=False)
    filler = small_disk / "filler"
    filler.touch()
    with seated(qtbot, tmp_path, small_disk / "data") as one:
        opened(one, take)
        one.press("O", "Right", "F")
        one.settle()
        before = one.desk.labels
        fill(filler)
        for _ in range(200):  # what room the last block of the journal still has
            one.press("H")
        one.settle()
        one.until(lambda: "make room" in one.said + one.banners, "the full disk to be told")
        kept = one.desk.labels
        filler.unlink()
        one.press("3")
        one.settle()
        assert one.desk.labels.intervals[0].intensity == "C"
        assert one.desk.labels.intervals[0].confidence == kept.intervals[0].confidence
        one.until(lambda: one.desk.problem is None, "everything on disk")
        one.press("Return")
        one.settle()
    labels = read_labels(take)["ann"]
    assert labels.done
    assert labels.intervals[0].intensity == "C"
    assert labels.intervals[0].onset_us == before.intervals[0].onset_us


def fill(path):
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_labels_that_a_window_on_another_machine_did_not_close_are_taken_over_by_a_key(qtbot, tmp_path):
    (take,) = make_takes(tmp_path / "data", colour=False)
    labels_folder(take).mkdir()
    owner = {"station": "another machine", "pid": 1, "started": 1, "token": "x"}
    (labels_folder(take) / lock_name("ann")).write_text(json.dumps(owner) + "\n")
    with seated(qtbot, tmp_path, tmp_path / "data") as one:
        opened(one, take)
        one.until(lambda: "another machine" in one.banners, "why they are read only")
        one.press("O")
        one.settle()
        assert one.desk.labels.empty
        strip = one.window.banners.strip("read_only")
        assert strip.button.text() == "Take over"
        one.press("Ctrl+Shift+T")
        one.settle()
        assert "another machine" not in one.banners
        one.press("O", "Right", "F", "Return")
        one.settle()
    assert read_labels(take)["ann"].done


def wave(_take):
    return Scores("SEW", np.arange(CUE_US, CUE_US + 500_000, 10_000), np.linspace(0, 1, 50, dtype=np.float32))


def test_scores_of_a_model_have_a_row_and_whoever_labels_with_them_has_seen_them(qtbot, tmp_path):
    (take,) = make_takes(tmp_path / "data", colour=False)
    with seated(qtbot, tmp_path, tmp_path / "data", scores=wave) as one:
        opened(one, take)
        assert [row.name for row in one.bench.timeline.rows() if row.kind is Kind.SCORES] == ["SEW"]
        one.press("O", "Right", "F")
        one.settle()
    assert read_labels(take)["ann"].saw == Sight(detections=True, asked=True)


def test_blind_coders_see_no_scores(qtbot, tmp_path):
    data = tmp_path / "data"
    (take,) = make_takes(data, colour=False)
    plan = make_plan(data, Dataset(data).takes(), ("ann", "ben"), seed=1, at=datetime.now(UTC), share_twice=1.0)
    save_plan(data, plan, instead_of=None)
    with seated(qtbot, tmp_path, data, scores=wave) as one:
        opened(one, take)
        assert one.desk.scores is None
        assert not [row for row in one.bench.timeline.rows() if row.kind is Kind.SCORES]
        one.press("O", "Right", "F")
        one.settle()
    assert read_labels(take)["ann"].saw == Sight(asked=True)


def test_scores_that_cannot_be_had_are_told_and_the_take_opens(qtbot, tmp_path):
    (take,) = make_takes(tmp_path / "data", colour=False)

    def damaged(_take):
        raise GlimpseError("The scores are damaged; make them again.")

    with seated(qtbot, tmp_path, tmp_path / "data", scores=damaged) as one:
        opened(one, take)
        one.until(lambda: "scores are damaged" in one.said, "what is wrong with the scores")


def say(data, take, coder, *, noise=None, after_us=0):
    with LabelStore(data).open(take, coder) as labels:
        times = {"onset_us": CUE_US + after_us, "offset_us": CUE_US + 200_000}
        labels.put("smile", Interval(id=coder, movement="smile", **times))
        if noise is not None:
            labels.set("noise", "noise", noise)
        labels.set("done", "done", True)


def test_noise_that_two_agree_about_renames_the_take_and_the_page_follows(qtbot, tmp_path):
    data = tmp_path / "data"
    (take,) = make_takes(data, colour=False)
    noisy = take.with_name("smile_1_1_(noise).aedat4")
    say(data, take, "ann", noise=Noise(is_noise=True, reason="spoke"))
    say(data, take, "ben", after_us=40_000)
    with seated(qtbot, tmp_path, data) as one:
        opened(one, take)
        one.press("D")
        one.until(lambda: one.bench.comparison.case is not None, "the comparison")
        one.until(
            lambda: [row.name for row in one.bench.timeline.rows() if row.kind is Kind.LABELS] == ["Consensus"], "its row"
        )
        for _ in range(6):  # everything as the first coder has it
            one.press("1")
            one.bench.comparison.wait()
            one.qtbot.wait(40)
            one.press("Return")
        one.until(lambda: noisy.exists(), "the name that says noise")
        one.until(lambda: one.desk.take == noisy and one.desk.media.path == noisy, "the page to follow")
        one.press("Esc", "H")
        one.settle()
        assert [row.name for row in one.bench.timeline.rows() if row.kind is Kind.LABELS] == [""]
    labels = read_labels(noisy)
    assert labels["consensus"].noise.is_noise
    assert labels["ann"].saw.others, "what was changed after comparing was not blind"
    assert labels["ben"].saw is None or not labels["ben"].saw.others


def test_finished_labels_stay_blind_when_their_coder_compares_and_changes_nothing(qtbot, tmp_path):
    data = tmp_path / "data"
    (take,) = make_takes(data, colour=False)
    for coder in ("ann", "ben"):
        say(data, take, coder)
    with seated(qtbot, tmp_path, data) as one:
        opened(one, take)
        one.press("D")
        one.until(lambda: one.bench.comparison.case is not None, "the comparison")
        one.qtbot.wait(60)
        one.press("Esc")
        one.settle()
    assert read_labels(take)["ann"].saw is None


def test_keys_reach_the_filter_and_let_go_of_a_landmark(qtbot, tmp_path):
    first, _ = make_takes(tmp_path / "data", 2, colour=False)
    with seated(qtbot, tmp_path, tmp_path / "data") as one:
        opened(one, first)
        one.press("O", "Right", "F")
        one.settle()
        (interval,) = one.desk.labels.intervals
        line = one.bench.timeline
        line._drag, line._preview = (interval.id, Landmark.ONSET), interval
        one.press("Esc")
        assert line._drag is None
        one.press("/")
        assert one.bench.list.filters.text.hasFocus()
        one.type("1_2")
        one.until(lambda: [row.name for row in one.bench.queue.rows] == ["smile_1_2"], "the list to follow")


def test_a_take_that_surprises_a_library_is_told_in_a_sentence_and_the_next_one_opens(qtbot, tmp_path, monkeypatch, caplog):
    first, second = make_takes(tmp_path / "data", 2, colour=False)

    def surprising(path, scores):
        if path == first:
            raise RuntimeError("no such box")
        return open_media(path, scores)

    monkeypatch.setattr(takedesk, "open_media", surprising)
    with seated(qtbot, tmp_path, tmp_path / "data") as one:
        one.sit_down()
        one.press("Return")
        one.until(lambda: "This take cannot be shown" in one.banners, "why there is nothing")
        assert "RuntimeError: no such box" in one.bench.invitation.text()
        one.settle()
        one.press("O")
        one.settle()
        assert one.desk.labels.empty, "nothing is marked where nothing is seen"
        one.press("Ctrl+PgDown")
        one.until_open(second)
        assert not one.bench.invitation.isVisible()
        assert "This take" not in one.banners
    assert "no such box" in caplog.text


def test_a_module_that_cannot_be_imported_is_told_in_a_sentence(qtbot, tmp_path, monkeypatch, caplog):
    make_takes(tmp_path / "data", colour=False)
    monkeypatch.setitem(sys.modules, "app.pages.label.bench", None)
    with seated(qtbot, tmp_path, tmp_path / "data") as one:
        one.until(lambda: "cannot be shown" in one.page.notice.text(), "why the page is not there")
        assert "opening" not in one.page.notice.text()
    assert "cannot be made" in caplog.text


def test_the_plan_is_made_from_the_list_and_the_keys_come_back_to_it(qtbot, tmp_path):
    make_takes(tmp_path / "data", 2, colour=False)
    with seated(qtbot, tmp_path, tmp_path / "data") as one:
        one.sit_down()
        one.press("Ctrl+P")
        dialog = one.bench.compare._dialog
        one.until(dialog.coders.isEnabled, "the takes to be read")
        qtbot.keyClicks(dialog.coders, "ann")
        qtbot.keyClick(dialog.coders, Qt.Key.Key_Return)
        one.until(lambda: one.bench.queue.plan is not None, "the plan")
        one.until(lambda: one.bench.compare._dialog is None, "the window of the plan to close")
        assert one.window.focusWidget() is one.bench.list.table


def test_another_pseudonym_in_the_preferences_is_another_coder_at_once(qtbot, tmp_path):
    make_takes(tmp_path / "data", colour=False)
    with seated(qtbot, tmp_path, tmp_path / "data") as one:
        one.sit_down()
        one.window.preferences.change(coder="ben")
        one.window._preferences_changed()
        one.sit_down()
        assert one.desk.coder == "ben"


LONG = "a recording of somebody who was asked to smile and did so at length, session three of the second week"


def test_folders_with_spaces_and_other_scripts_and_a_long_name_are_labelled_like_any_other(qtbot, tmp_path):
    data = tmp_path / "Données, 表情 ünïcode" / "second session"
    data.parent.mkdir()
    (made,) = make_takes(data)
    folder = data / "sujet nº 1 (été)"
    folder.mkdir()
    for path in list(made.parent.glob("smile_1_1.*")):
        path.rename(folder / path.name.replace("smile_1_1", LONG))
    take = folder / f"{LONG}.aedat4"
    with seated(qtbot, tmp_path, data) as one:
        width = one.window.minimumSizeHint().width()
        opened(one, take)
        one.until(lambda: one.bench.views.panes[Stream.RGB].stage.has_picture, "the colour picture")
        assert one.window.minimumSizeHint().width() <= max(width, 1280), "a long name makes the window no wider"
        one.press("O", "Right", "F", "Return")
        one.settle()
        assert one.bench.panel.width() < 400
    labels = read_labels(take)["ann"]
    assert labels.done
    assert labels.intervals[0].onset_us == CUE_US
    assert (folder / f"{LONG}.labels" / "ann.json").is_file()


@pytest.mark.parametrize(("version", "shown"), [("1.9", True), ("2.0", False)])
def test_labels_of_a_newer_glimpse_are_told_and_left_alone(qtbot, tmp_path, version, shown):
    data = tmp_path / "data"
    first, second = make_takes(data, 2, colour=False)
    say(data, first, "ann")
    snapshot = labels_folder(first) / "ann.json"
    newer = snapshot.read_text().replace('"1.1"', f'"{version}"').replace('"note": ""', '"note": "", "mood": "good"', 1)
    snapshot.write_text(newer)
    before = {path: path.read_bytes() for path in labels_folder(first).iterdir()}
    with seated(qtbot, tmp_path, data) as one:
        one.sit_down()
        one.bench.open(first)
        one.until(lambda: "newer Glimpse" in one.banners, "why they cannot be changed")
        one.settle()
        assert (one.desk.labels is not None) is shown
        one.press("O", "3", "N", "Return")
        one.settle()
        one.press("Esc", "Ctrl+PgDown")
        one.until_open(second)
        one.until(lambda: "newer Glimpse" not in one.banners, "the banner to go")
        one.press("O", "Right", "F", "Return")
        one.settle()
    assert {path: path.read_bytes() for path in labels_folder(first).iterdir()} == before
    assert read_labels(second)["ann"].done
