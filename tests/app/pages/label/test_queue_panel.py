"""The list of takes by real keys: filter, go through it, open one; what it says where there is nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from app.pages.label.queue import QueueModel
from app.pages.label.queue_panel import QueuePanel
from app.pages.label.queue_rows import QueueOrder
from app.pages.label.queue_table import COLUMNS
from protocol.labels import LabelSet
from recorder.browse.catalogue import Progress
from recorder.labelplan import make_plan, save_plan
from recorder.labelstore import LabelStore

AT = datetime(2026, 3, 2, tzinfo=UTC)
STEMS = ("blink_4_1", "smile_4_1", "smile_4_2", "smile_5_1_(noise)")


@pytest.fixture
def folder(tmp_path):
    for stem in STEMS:
        path = tmp_path / stem.split("_")[1] / f"{stem}.aedat4"
        path.parent.mkdir(exist_ok=True)
        path.write_text("raw")
    return tmp_path


@pytest.fixture
def model(folder):
    model = QueueModel(folder, "ann", cache=lambda: None)
    yield model
    model.shut()


@pytest.fixture
def panel(model, qtbot):
    panel = QueuePanel(model)
    panel.resize(460, 600)
    qtbot.addWidget(panel)
    panel.show()
    model.refresh()
    settled(qtbot, panel, lambda: len(model.rows) == 3 and not model.looking)
    panel.take_keys()
    return panel


def settled(qtbot, panel, met):
    def look():
        panel.refresh()
        assert met()

    qtbot.waitUntil(look, timeout=20_000)
    panel.refresh()  # what came between the last look and the question is shown too


def listed(panel):
    return [panel.table_model.index(row, 1).data() for row in range(panel.table_model.rowCount())]


def test_a_take_is_opened_by_keys_alone(panel, qtbot):
    opened = []
    panel.opened.connect(opened.append)
    qtbot.keyClick(panel.table, Qt.Key.Key_Down)
    qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    assert [path.name for path in opened] == ["smile_4_1.aedat4"]
    assert isinstance(opened[0], Path)
    panel.go(-1)
    assert opened[1].name == "smile_4_2.aedat4"


def test_typing_filters_and_return_goes_back_to_the_list(panel, model, qtbot):
    qtbot.keyClick(panel.table, Qt.Key.Key_Up)
    assert panel.filters.text.hasFocus()
    qtbot.keyClicks(panel.filters.text, "blink")
    settled(qtbot, panel, lambda: listed(panel) == ["Blink"])
    qtbot.keyClick(panel.filters.text, Qt.Key.Key_Return)
    assert panel.table.hasFocus()
    panel.focus_filter()
    qtbot.keyClicks(panel.filters.text, "xyz")
    settled(qtbot, panel, lambda: not model.rows)
    assert panel.empty_text.text() == "No take fits the filter."
    qtbot.keyClick(panel.filters.text, Qt.Key.Key_Return)
    assert panel.way_out.hasFocus()
    qtbot.keyClick(panel.way_out, Qt.Key.Key_Space)
    settled(qtbot, panel, lambda: len(model.rows) == 3)
    assert panel.table.hasFocus()


def test_every_field_filters(panel, model, qtbot):
    panel.filters.left_out.setChecked(True)
    settled(qtbot, panel, lambda: len(model.rows) == 4)
    panel.filters.choices["noise"].setCurrentIndex(2)
    settled(qtbot, panel, lambda: len(model.rows) == 1)
    panel.filters.choices["noise"].setCurrentIndex(0)
    panel.filters.choices["subject"].setCurrentIndex(1)
    settled(qtbot, panel, lambda: {row.subject for row in model.rows} == {4})
    panel.filters.choices["confidence"].setCurrentIndex(1)
    settled(qtbot, panel, lambda: not model.rows)
    panel.filters.clear()
    settled(qtbot, panel, lambda: len(model.rows) == 4)
    panel.filters.show_progress(Progress.DONE)
    settled(qtbot, panel, lambda: not model.rows)
    panel.filters.choices["order"].setCurrentIndex(1)
    assert model.order is QueueOrder.RECORDED


def test_progress_follows_and_the_place_in_the_list_is_kept(panel, model, folder, qtbot):
    assert panel.note.text() == "0 done, 0 begun, 3 in all"
    qtbot.keyClick(panel.table, Qt.Key.Key_End)
    LabelStore(folder).bring_in(model.rows[0].path, LabelSet(coder="ann", created_at=AT, done=True, spent_s=60.0))
    model.look_at(model.rows[0].path)
    settled(qtbot, panel, lambda: model.counts.done == 1)
    assert panel.note.text() == "1 done, 0 begun, 3 in all, about 2 min left"
    assert panel.bar.value() == 1
    assert panel.table.currentIndex().row() == 2


def test_every_cell_says_in_words_what_it_shows(panel):
    row = panel.table_model
    told = [row.index(0, column).data(Qt.ItemDataRole.AccessibleTextRole) for column in range(len(COLUMNS))]
    assert told == ["to do", "blink_4_1", "4", "1", "Not known", "recorded elsewhere", "no", "", ""]
    assert row.index(0, 0).data(Qt.ItemDataRole.DecorationRole) is not None


def test_a_coder_whom_the_plan_gives_nothing_is_told_and_may_look_at_the_others(panel, model, folder, qtbot):
    plan = make_plan(folder, [], ("ann", "ben"), seed=1, at=AT)
    save_plan(folder, plan, instead_of=None)
    model.refresh()
    settled(qtbot, panel, lambda: not model.rows and not model.looking)
    assert panel.empty_text.text() == "The plan gives ann no takes here."
    panel.way_out.click()
    settled(qtbot, panel, lambda: len(model.rows) == 3)


def test_a_folder_without_takes_says_what_to_do(tmp_path, qtbot):
    model = QueueModel(tmp_path, "ann", cache=lambda: None)
    panel = QueuePanel(model)
    qtbot.addWidget(panel)
    panel.refresh()
    assert panel.empty_text.text().startswith("Looking through the data set")
    model.refresh()
    settled(qtbot, panel, lambda: model.found_once and not model.looking)
    assert panel.empty_text.text().startswith("No takes here yet.")
    model.shut()


def test_keys_that_were_in_the_list_while_it_was_empty_are_in_it_once_takes_are_found(folder, qtbot):
    model = QueueModel(folder, "ann", cache=lambda: None)
    panel = QueuePanel(model)
    qtbot.addWidget(panel)
    panel.show()
    panel.take_keys()
    panel.refresh()
    model.refresh()
    settled(qtbot, panel, lambda: len(model.rows) == 3 and not model.looking)
    assert panel.focusWidget() is panel.table
    assert panel.table.currentIndex().isValid()
    model.shut()
