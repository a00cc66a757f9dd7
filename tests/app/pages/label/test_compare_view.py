"""Adjudicating by real keys: from the first disagreement to a consensus on disk, the report, and whose keys they are."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.i18n import use_language
from app.pages.label.agreement_report import PAGE, TABLE, write_agreement
from app.pages.label.compare import CompareModel
from app.pages.label.compare_view import CompareView
from protocol.labels import CONSENSUS, Interval, LabelSet
from recorder.labelstate import read_labels
from recorder.labelstore import LabelStore

AT = "2026-03-02T09:00:00Z"


class Line:
    """A timeline that keeps what it was last told."""

    def __init__(self):
        self.shown = None

    def show_labels(self, intervals, chosen, suggestions, others=(), whose=""):
        self.shown = (intervals, chosen, suggestions, others)


def smile(name, onset_us, apex_us, offset_us, movement="smile"):
    return Interval(id=name, movement=movement, onset_us=onset_us, apex_us=apex_us, offset_us=offset_us)


@pytest.fixture
def take(tmp_path):
    path = tmp_path / "4" / "smile_4_1.aedat4"
    path.parent.mkdir()
    path.write_text("raw")
    told = {
        "ann": (smile("a1", 100_000, 300_000, 500_000), smile("a2", 900_000, 950_000, 999_000, "blink")),
        "ben": (smile("b1", 140_000, 310_000, 560_000),),
    }
    for coder, intervals in told.items():
        labels = LabelSet.model_validate({"coder": coder, "created_at": AT, "intervals": intervals, "done": True})
        LabelStore(tmp_path).bring_in(path, labels)
    return path


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def view(tmp_path, take, line, qtbot):
    model = CompareModel(LabelStore(tmp_path), "eve")
    page = QWidget()
    view = CompareView(model, lambda: 555_000, line)
    QHBoxLayout(page).addWidget(view)
    qtbot.addWidget(page)
    page.show()
    view.page, view.model = page, model
    model.open(take)
    settled(view)
    view.take_keys()
    yield view
    view.shut()
    model.shut()


def settled(view):
    view.model.wait()
    view.refresh()


def press(view, qtbot, *keys):
    for key in keys:
        one, modifier = key if isinstance(key, tuple) else (key, Qt.KeyboardModifier.NoModifier)
        qtbot.keyClick(view, one, modifier)
        settled(view)


def test_a_take_is_adjudicated_by_keys_alone(view, take, line, qtbot):
    assert view.state.text() == "2 of 2 disagreements to be decided"
    assert [view.points.item(row).text() for row in range(2)] == [
        "0.100 s  Smile: onset, offset",
        "0.900 s  Blink: only one has it",
    ]
    press(view, qtbot, Qt.Key.Key_1, Qt.Key.Key_F)
    made = read_labels(take)[CONSENSUS].intervals[0]
    assert (made.onset_us, made.offset_us) == (100_000, 555_000)
    assert [coder for coder, _ in line.shown[3]] == ["ann", "ben"]
    assert line.shown[1] == made.id
    press(view, qtbot, Qt.Key.Key_Return, Qt.Key.Key_0)
    assert read_labels(take)[CONSENSUS].done
    assert view.state.text().startswith("Everything is settled; the consensus is kept.")
    with qtbot.waitSignal(view.onward):
        press(view, qtbot, Qt.Key.Key_Return)
    press(view, qtbot, (Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier))
    assert not read_labels(take)[CONSENSUS].done


def test_the_cursor_goes_to_the_part_in_hand(view, qtbot):
    sought = []
    view.sought.connect(sought.append)
    press(view, qtbot, Qt.Key.Key_Down, Qt.Key.Key_D)
    assert sought == [500_000, 900_000]


def test_keys_that_would_change_the_own_labels_do_not_reach_the_page_and_those_of_the_cursor_do(view, qtbot, monkeypatch):
    from app.pages.label import compare_view
    from app.window.shortcuts import Shortcut, ShortcutTable

    table = ShortcutTable()
    table.add(*compare_view.table, Shortcut("label.blink", "B", "", "x"), Shortcut("label.on", "Right", "", "x"))
    monkeypatch.setattr(compare_view, "table", table)
    pressed = []
    for key in ("B", "1", "Right"):
        action = QAction(view.page)
        action.setShortcut(key)
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _=False, key=key: pressed.append(key))
        view.page.addAction(action)
    view.page.activateWindow()
    view.take_keys()
    press(view, qtbot, Qt.Key.Key_B, Qt.Key.Key_1, Qt.Key.Key_Right)
    assert pressed == ["Right"]
    assert view.model.part == "offset"


def test_a_refused_decision_is_told_beside_the_work_where_it_hides_nothing(view, qtbot):
    told = []
    view.told.connect(told.append)
    press(view, qtbot, Qt.Key.Key_D, Qt.Key.Key_3)
    assert view.said.isVisible()
    assert view.said.text.text()
    others = (view.pair, view.state, view.points, view.parts, view.hints, view.report, view.plan)
    assert not [one for one in others if one.geometry().intersects(view.said.geometry())]
    assert not told, "nothing lies over the timeline"


def test_what_may_not_be_seen_is_not_shown(view, take, tmp_path, qtbot):
    LabelStore(tmp_path).bring_in(take, LabelSet.model_validate({"coder": "eve", "created_at": AT, "note": "begun"}))
    view.model.open(take)
    settled(view)
    assert view.state.text().startswith("Finish your own labels")
    assert not view.points.isVisible()
    assert not view.parts.isVisible()


def test_the_report_is_written_and_shown(view, tmp_path, qtbot, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    view.make_report()
    qtbot.waitUntil(lambda: bool(opened), timeout=30_000)
    assert opened[0].toLocalFile() == str(tmp_path / PAGE)
    assert "ann" in (tmp_path / TABLE).read_text()
    assert view.report.isEnabled()


def test_the_report_speaks_the_language_of_the_window_and_its_table_that_of_programs(view, tmp_path, take):
    use_language("fr")
    page = write_agreement(tmp_path).read_text()
    assert '<html lang="fr">' in page
    assert "Accord des codeurs" in page
    assert "ann et ben" in page
    assert "How it is computed" not in page
    assert (tmp_path / TABLE).read_text().startswith("coder_1,coder_2,movement,origin,takes")


def test_without_two_coders_there_is_no_report(view, tmp_path, take, qtbot):
    LabelStore(tmp_path).bring_in(take, LabelSet.model_validate({"coder": "ben", "created_at": AT}))
    view.make_report()
    qtbot.waitUntil(view.said.isVisible, timeout=30_000)
    assert view.said.text.text().startswith("No take was finished by two coders")
