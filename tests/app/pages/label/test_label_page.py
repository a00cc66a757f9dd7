"""The Label page by real key events: takes opened, labelled, finished, undone, and read back from disk."""

import pytest
from annotator import seated
from PySide6.QtWidgets import QWidget

from app.pages.label.page import LabelPage
from app.settings import Preferences
from app.window.shortcuts import ShortcutTable, table
from app.window.start import Wishes, page_entries
from protocol.labels import Interval, Origin
from recorder.labelstate import read_labels
from recorder.labelstore import LabelStore

T0_US = 1_700_000_000_000_000  # anywhere


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """What is kept between sessions is of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def first(dataset):
    return dataset / "1" / "smile_1_1.aedat4"


@pytest.fixture
def second(dataset):
    return dataset / "1" / "smile_1_2.aedat4"


def test_a_good_suggestion_costs_one_key_and_a_take_without_any_less_than_twelve(qtbot, tmp_path, dataset, first, second):
    with seated(qtbot, tmp_path, dataset) as one:
        one.sit_down()
        one.press("Return")
        one.until_open(first)
        one.pressed = 0
        one.press("Return")
        one.until_open(second)
        assert one.pressed <= 3
        one.pressed = 0
        one.press("Shift+Right", "O", "Shift+Right", "A", "Shift+Right", "F", "Return")
        one.settle()
        assert one.pressed <= 12
    accepted, placed = read_labels(first)["ann"], read_labels(second)["ann"]
    assert accepted.done
    assert placed.done
    assert [interval.origin.onset for interval in accepted.intervals] == [Origin.ACCEPTED, Origin.ACCEPTED]
    (interval,) = placed.intervals
    assert interval.apex_us - interval.onset_us == interval.offset_us - interval.apex_us == 333_330
    assert interval.origin.onset is Origin.PLACED


def test_everything_about_an_interval_is_said_by_keys_and_taken_back_by_keys(qtbot, tmp_path, dataset, second):
    with seated(qtbot, tmp_path, dataset) as one:
        one.sit_down()
        one.press("Down", "Return")
        one.until_open(second)
        one.press("O", "Shift+Right", "F", "3", "H", "H", "K", "K")
        one.settle()
        one.press("M")
        assert one.page.bench.panel.choice.hasFocus()
        one.press("3", "U")
        one.type("AU4 + 7")
        one.press("Return", "T")
        one.type("OAF")
        one.press("Return")
        one.settle()
        (interval,) = one.desk.labels.intervals
        assert (interval.kind, interval.intensity, interval.confidence) == ("other", "C", 0.5)
        assert (interval.movement, interval.action_units, interval.note) == ("frown", (4, 7), "OAF")
        assert one.page.bench.work.hasFocus()
        one.press("Ctrl+Z", "Ctrl+Z")
        one.settle()
        assert (one.desk.labels.intervals[0].note, one.desk.labels.intervals[0].action_units) == ("", ())
        assert one.page.bench.panel.said.text.text() == "Taken back: action units"
        one.press("Ctrl+Y")
        one.settle()
        assert one.desk.labels.intervals[0].action_units == (4, 7)


def test_noise_asks_for_its_reason_renames_the_take_and_escape_changes_nothing(qtbot, tmp_path, dataset, second):
    noisy = second.with_name("smile_1_2_(noise).aedat4")
    with seated(qtbot, tmp_path, dataset) as one:
        one.sit_down()
        one.press("Down", "Return")
        one.until_open(second)
        one.press("N", "Esc")
        one.settle()
        assert second.exists()
        one.press("N", "3")
        one.until_open(noisy)
        assert not second.exists()
        assert one.desk.labels.noise.reason == "head moved"
        one.until(lambda: one.page.bench.queue.index_of(noisy) is not None, "the list with the new name")
        one.press("Ctrl+Z")
        one.until_open(second)


def test_keys_step_play_zoom_and_show_the_list(qtbot, tmp_path, dataset, first, second):
    with seated(qtbot, tmp_path, dataset) as one:
        one.sit_down()
        one.press("Down", "Return")
        one.until_open(second)
        start_us = one.desk.cursor_us
        one.press("Right", "Right", "Left", "Left")
        assert one.desk.cursor_us == start_us
        one.press("Space")
        assert one.desk.playing == 0.25
        one.until(lambda: one.desk.cursor_us > start_us, "the cursor to move")
        one.press("Space", "C")
        assert (one.desk.playing, one.desk.cursor_us) == (None, start_us)
        one.press("W", "Shift+W", "Z", "Shift+Z", "End", "Home", "V", "X")
        assert one.desk.window_us == 33_333
        one.press("Q")
        assert one.page.bench.list.isVisible()
        assert one.page.bench.list.table.hasFocus()
        one.press("Q")
        assert one.page.bench.work.hasFocus()
        one.press("PgDown")
        one.until_open(first)


def test_two_coders_are_compared_beside_the_views_and_their_labels_stay(qtbot, tmp_path, dataset, second):
    for coder, after_us in (("ann", 0), ("ben", 40_000)):
        with LabelStore(dataset).open(second, coder) as labels:
            smile = Interval(id=coder, movement="smile", onset_us=T0_US + after_us, offset_us=T0_US + 900_000)
            labels.put("smile", smile)
            labels.set("done", "done", True)
    before = read_labels(second)
    with seated(qtbot, tmp_path, dataset) as one:
        one.sit_down()
        one.press("Down", "Return")
        one.until_open(second)
        one.press("D")
        one.until(lambda: one.page.bench.comparison.case is not None, "the comparison")
        assert one.page.bench.compare.hasFocus()
        one.press("O", "Esc")
        assert one.page.bench.work.hasFocus()
        assert not one.page.bench.comparing
    after = read_labels(second)
    assert {coder: after[coder].intervals for coder in before} == {coder: before[coder].intervals for coder in before}


def test_who_labels_is_asked_once(qtbot, tmp_path, dataset):
    with seated(qtbot, tmp_path, dataset, coder=None) as one:
        one.until(lambda: one.page.name.hasFocus(), "the question")
        one.type("Ann Smith")
        one.press("Return")
        assert "cannot be a coder's name" in one.page.problem.text()
        one.page.name.clear()
        one.type("coder-7")
        one.press("Return")
        one.until(lambda: one.window.guide.tour is not None, "the tour, at the first time")
        titles = []
        while (tour := one.window.guide.tour) is not None:
            titles.append(tour.title.text())
            assert tour.step.target == "" or one.window.findChild(QWidget, tour.step.target).isVisible()
            one.press("Return")
        assert titles[0] == "The takes to label"
        assert len(titles) == 5
        one.sit_down()
        assert one.desk.coder == "coder-7"
        one.press("Return", "Ctrl+U")
        assert one.page.name.selectedText() == "coder-7"
        one.type("coder-8")
        one.press("Return")
        one.until(lambda: one.desk.coder == "coder-8", "another coder")
        one.sit_down()
    assert Preferences(tmp_path / "settings.yaml").settings.coder == "coder-8"


def test_another_page_opens_a_take_here(qtbot, tmp_path, dataset, second):
    with seated(qtbot, tmp_path, dataset) as one:
        one.window._open_take("label", second)
        one.until(lambda: one.page.bench is not None, "the page")
        one.until_open(second)
        assert one.page.bench.work.hasFocus()


def test_the_window_has_the_page_beside_the_record_page(tmp_path):
    entries = page_entries(Wishes(), Preferences(tmp_path / "settings.yaml"))
    assert [entry.name for entry in entries] == ["record", "label"]
    page = entries[1].make()
    assert isinstance(page, LabelPage)
    page.activate()
    assert "No data set" in page.notice.text()
    page.shut()


def test_no_key_of_the_page_does_two_things():
    probe = ShortcutTable()
    probe.add(*(row for row in table if row.context in ("Label", "Everywhere")))
    assert probe.clashes() == []
