"""Lamps, verdict and plan: never colour alone, what to do beside it, all of it by keyboard."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from app.widgets.gallery import LAMPS, VERDICTS
from app.widgets.labels import Elided, KeyHint
from app.widgets.lamp_row import Lamp, LampReading, LampRow
from app.widgets.plan_grid import LEAST_CELL, STATES, PlanCell, PlanGrid, PlanRow
from app.widgets.verdict_card import Number, VerdictCard, VerdictView


def texts(widget):
    return [label.text() for label in widget.findChildren(QLabel) if label.text() and not label.isHidden()]


def test_a_lamp_says_name_word_number_and_what_to_do(qtbot):
    lamp = Lamp(LampReading("distance", "Distance", "check", "42 cm", "2 cm closer."))
    qtbot.addWidget(lamp)
    lamp.resize(300, 60)
    lamp.grab()
    assert {"Distance", "Attention", "42 cm", "2 cm closer."} <= set(texts(lamp))
    assert lamp.accessibleName() == "Distance: Attention 42 cm. 2 cm closer."
    lamp.show_reading(LampReading("distance", "Distance", "good", "36 cm"))
    assert "OK" in texts(lamp)


def test_each_state_of_a_lamp_has_its_own_icon_and_word(qtbot):
    names, icons = set(), []
    for state in ("good", "check", "redo", "unknown"):
        lamp = Lamp(LampReading("a", "A", state))
        qtbot.addWidget(lamp)
        names.add(lamp.accessibleName())
        icons.append(lamp.findChild(QLabel).pixmap().toImage())
    assert len(names) == 4
    assert all(one != other for number, one in enumerate(icons) for other in icons[:number])


def test_lamps_stand_in_as_many_columns_as_there_is_room_for_and_are_kept_while_they_change(qtbot):
    row = LampRow()
    qtbot.addWidget(row)
    row.show_readings(LAMPS)
    tops = {}
    for width in (300, 1000):
        row.resize(width, 500)
        row.grab()
        tops[width] = len({row.lamp(reading.key).x() for reading in LAMPS})
    assert tops == {300: 1, 1000: 3}
    kept = row.lamp("distance")
    row.show_readings([LampReading(reading.key, reading.name, "good") for reading in LAMPS])
    assert row.lamp("distance") is kept
    assert row.worst() == "good"
    row.show_readings(LAMPS[:1])
    assert row.lamp("distance") is None


def test_the_advice_of_all_lamps_begins_at_one_indent_whatever_their_state(qtbot):
    row = LampRow()
    qtbot.addWidget(row)
    row.resize(360, 500)
    row.show_readings([LampReading(state, "Name", state, "1", state) for state in ("good", "check", "redo", "unknown")])
    row.grab()
    left = {label.x() for label in row.findChildren(QLabel) if label.text() in ("good", "check", "redo", "unknown")}
    assert len(left) == 1


def test_lamps_that_change_their_order_are_as_high_as_their_words_at_once(qtbot):
    inside = QWidget()
    column = QVBoxLayout(inside)
    row = LampRow()
    column.addWidget(row)
    column.addStretch(1)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(inside)
    qtbot.addWidget(area)
    area.resize(380, 300)
    advice = "Move the lamps until both sides of the face are as bright as one another, and look again at what is said here. "
    readings = [LampReading(str(number), "Name", "good", "1", advice * (number % 3)) for number in range(8)]
    with qtbot.waitExposed(area):
        area.show()
    row.show_readings(readings[:3])
    kept = row.lamp("2")
    row.show_readings(readings[::-1])
    assert row.lamp("2") is kept
    for reading in readings:
        lamp = row.lamp(reading.key)
        assert lamp.height() >= lamp.layout().heightForWidth(lamp.width())


def test_the_worst_lamp_counts(qtbot):
    row = LampRow()
    qtbot.addWidget(row)
    assert row.worst() == "good"
    row.show_readings(LAMPS)
    assert row.worst() == "redo"


def test_a_verdict_shows_word_reasons_numbers_and_keys(qtbot):
    card = VerdictCard()
    qtbot.addWidget(card)
    card.resize(600, 400)
    words = {"good": "Good", "check": "Check", "redo": "Redo", "unknown": "Not known", "": "Judging ..."}
    for view in VERDICTS.values():
        card.show_verdict(view)
        card.grab()
        shown = texts(card)
        assert words[view.verdict] in shown
        assert all(reason in shown for reason in view.reasons[:4])
        assert all(number.value in shown for number in view.numbers)
        assert all(key in shown for key, _ in view.keys)
        assert "A fifth reason." not in shown
        assert card.property("state") == (view.verdict or "unknown")


def test_a_verdict_replaces_the_one_before_it(qtbot):
    card = VerdictCard()
    qtbot.addWidget(card)
    card.show_verdict(VERDICTS["redo"])
    card.show_verdict(VerdictView("good", (), (Number("Lost", "0"),), "frown_4_2"))
    assert not set(VERDICTS["redo"].reasons) & set(texts(card))


def plan(repetitions, state="todo"):
    return [PlanRow(name, tuple(PlanCell(state, "a tip") for _ in range(repetitions))) for name in ("Smile", "Frown", "Blink")]


@pytest.fixture
def grid(qtbot):
    grid = PlanGrid()
    qtbot.addWidget(grid)
    grid.resize(500, 200)
    grid.set_rows(plan(5))
    return grid


def test_every_cell_of_the_plan_is_large_enough_and_inside(grid):
    for repetitions in (1, 2, 5, 12, 20):
        grid.set_rows(plan(repetitions))
        grid.resize(max(grid.minimumSizeHint().width(), 300), grid.minimumSizeHint().height())
        for row, column in ((0, 0), (2, 0), (0, repetitions - 1), (2, repetitions - 1)):
            box = grid.cell_rect(row, column)
            assert box.width() >= LEAST_CELL
            assert grid.rect().contains(box)
            assert grid.cell_at(box.center()) == (row, column)


def test_the_cursor_begins_at_the_place_that_is_next_and_goes_along_with_it(grid):
    def with_next(row, column):
        rows = [list(line.cells) for line in plan(5)]
        rows[row][column] = PlanCell("current")
        return [PlanRow(line.title, tuple(cells)) for line, cells in zip(plan(5), rows, strict=True)]

    grid.set_rows(with_next(1, 2))
    assert grid.cursor_cell == (1, 2)
    grid.move_cursor(0, 4)
    grid.set_rows(with_next(1, 2))
    assert grid.cursor_cell == (0, 4), "nothing changed, so the operator's cursor stays"
    grid.set_rows(with_next(1, 3))
    assert grid.cursor_cell == (1, 3)


def test_arrow_keys_move_within_the_plan_and_enter_activates(grid, qtbot):
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_End, Qt.Key.Key_Up):
        qtbot.keyClick(grid, key)
    assert grid.cursor_cell == (1, 4)
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Space):
        with qtbot.waitSignal(grid.activated) as activated:
            qtbot.keyClick(grid, key)
        assert activated.args == [1, 4]


def test_a_click_chooses_and_a_double_click_activates(grid, qtbot):
    with qtbot.waitSignal(grid.chosen) as chosen:
        qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=grid.cell_rect(2, 3).center())
    assert chosen.args == [2, 3]
    with qtbot.waitSignal(grid.activated) as activated:
        qtbot.mouseDClick(grid, Qt.MouseButton.LeftButton, pos=grid.cell_rect(0, 1).center())
    assert activated.args == [0, 1]
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    assert grid.cursor_cell == (2, 3)


def test_a_plan_that_shrinks_keeps_the_cursor_inside_and_an_empty_one_does_no_harm(grid, qtbot):
    grid.move_cursor(2, 4)
    grid.set_rows(plan(2)[:1])
    assert grid.cursor_cell == (0, 1)
    grid.set_rows([])
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert not grid.grab().isNull()


def test_states_look_different_from_one_another(grid):
    seen = []
    for state in STATES:
        grid.set_rows(plan(1, state))
        seen.append(grid.grab(grid.cell_rect(0, 0)).toImage())
    assert all(one != other for number, one in enumerate(seen) for other in seen[:number])


def test_a_text_without_room_is_cut_and_whole_in_its_tooltip(qtbot):
    label = Elided("A long name of a data set")
    qtbot.addWidget(label)
    label.resize(60, 20)
    label.grab()
    assert label.text().endswith("…")
    assert label.toolTip() == label.whole() == "A long name of a data set"
    label.resize(600, 20)
    label.grab()
    assert label.text() == label.whole()
    assert label.toolTip() == ""


def test_a_key_and_what_it_does(qtbot):
    hint = KeyHint("Ctrl+R", "Redo")
    qtbot.addWidget(hint)
    assert texts(hint) == ["Ctrl+R", "Redo"]
