"""The wheel over a field moves the panel, never the value."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QScrollArea, QSlider, QSpinBox, QVBoxLayout, QWidget

from app.widgets.wheel import leave_wheel


def spin_box():
    box = QSpinBox()
    box.setValue(5)
    return box, box.value


def slider():
    box = QSlider(Qt.Orientation.Horizontal)
    box.setValue(5)
    return box, box.value


def combo_box():
    box = QComboBox()
    box.addItems([str(number) for number in range(9)])
    box.setCurrentIndex(5)
    return box, box.currentIndex


@pytest.mark.parametrize("make", [spin_box, slider, combo_box])
def test_a_panel_that_is_scrolled_over_a_field_moves_and_the_field_does_not(qtbot, make):
    field, value = make()
    leave_wheel(field)
    inside, area = QWidget(), QScrollArea()
    column = QVBoxLayout(inside)
    column.addWidget(field)
    tall = QLabel()
    tall.setMinimumHeight(2000)
    column.addWidget(tall)
    area.setWidget(inside)
    qtbot.addWidget(area)
    area.resize(300, 300)
    with qtbot.waitExposed(area):
        area.show()
    at = QPointF(field.mapTo(area, field.rect().center()))
    QTest.wheelEvent(area.windowHandle(), at, QPoint(0, -120))
    qtbot.waitUntil(lambda: area.verticalScrollBar().value() > 0)
    assert value() == 5
