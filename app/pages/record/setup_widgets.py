"""What the cards of the panel before the session are made of: card, field with its problem below, choice. Knows no model."""

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QStyleOptionFrame,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from app.widgets.looks import pixmap, set_property
from app.widgets.wheel import leave_wheel
from app.window.icons import icon
from app.window.theme import current_theme, theme_bus

NUMBER_PX = 88
ICONS = {"good": "good", "check": "warning", "redo": "error", "unknown": "info"}


class Remark(QWidget):
    """A sentence with the icon of its state; without a text it takes no room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(current_theme().space(1.5))
        self._picture, self._label = QLabel(), QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._label.setWordWrap(True)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row.addWidget(self._picture)
        row.addWidget(self._label, 1)
        self._state = "?"
        theme_bus().changed.connect(self._draw)
        self.say("")

    def say(self, text: str, state: str = "redo") -> None:
        """Show a sentence. state: good, check, redo, unknown, or "" without an icon."""
        if (text, state) == (self._label.text(), self._state):
            return
        self._label.setText(text)
        self._state = state
        set_property(self._label, "state", "" if state == "unknown" else state)
        set_property(self._label, "tone", "muted" if state in ("unknown", "") else "")
        self._draw()
        self.setVisible(bool(text))

    def text(self) -> str:
        """The sentence."""
        return self._label.text()

    def _draw(self) -> None:
        self._picture.setVisible(bool(self._state))
        if self._state:
            role = "text_muted" if self._state == "unknown" else self._state
            self._picture.setPixmap(pixmap(ICONS[self._state], role, current_theme().space(4), self))


class Card(QFrame):
    """A titled card. changed: something in it was changed by the operator."""

    changed = Signal()

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        space = current_theme().space
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(space(4), space(3), space(4), space(3))
        self.column.setSpacing(space(2))
        heading = text_label(title, "title")
        self.column.addWidget(heading)
        self.remarks: dict[str, Remark] = {}

    def add_field(self, title: str, name: str, *widgets: QWidget, grows: int = 0) -> Remark:
        """A titled row of widgets, of which that one takes the room, and the place for its problem. name: of the problem."""
        box = QVBoxLayout()
        box.setSpacing(current_theme().space(0.5))
        if title:
            label = text_label(title, "caption")
            label.setBuddy(widgets[0])
            box.addWidget(label)
            widgets[0].setAccessibleName(title)
        box.addLayout(row_of(*widgets, grows=grows))
        remark = Remark()
        box.addWidget(remark)
        self.column.addLayout(box)
        if name:
            self.remarks[name] = remark
        return remark

    def show_problems(self, problems: dict[str, str]) -> None:
        """Say what is wrong beside each field."""
        for name, remark in self.remarks.items():
            remark.say(problems.get(name, ""))


class IconButton(QPushButton):
    """A button whose icon is of the theme in use. role: its colour."""

    def __init__(self, name: str, text: str = "", role: str = "text") -> None:
        super().__init__(text)
        self._name, self._role = name, role
        self._draw()
        theme_bus().changed.connect(self._draw)

    def _draw(self) -> None:
        self.setIcon(icon(self._name, self._role))


class PathLine(QLineEdit):
    """A field whose text, while nobody writes in it, is cut in its middle where there is no room: a path tells most at its
    ends.
    """

    def paintEvent(self, event: QPaintEvent) -> None:
        """The whole text for whoever writes; else what there is room for."""
        if self.hasFocus() or not self._is_cut():
            super().paintEvent(event)
            return
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        painter = QPainter(self)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        painter.setFont(self.font())
        painter.drawText(self._room(), int(Qt.AlignmentFlag.AlignVCenter), self.shown_text())
        painter.end()

    def shown_text(self) -> str:
        """What is to be read while nobody writes."""
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self._room().width())

    def _room(self) -> QRect:
        return self.rect().adjusted(2, 0, -2, 0)

    def _is_cut(self) -> bool:
        return self.shown_text() != self.text()


class Choice(QComboBox):
    """A combo box of (data, text) rows that keeps narrow: a long text ends in an ellipsis, and is whole in the tooltip."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """As the style has it, but for the text, which Qt would cut in the middle of a letter."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shown_text()
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def shown_text(self) -> str:
        """What there is room for."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self)
        return self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room.width() - 2)

    def __init__(self, rows: Iterable[tuple[Any, str]] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel scrolls the panel, it changes nothing
        self.currentTextChanged.connect(self.setToolTip)
        self.offer(rows, None)

    def offer(self, rows: Iterable[tuple[Any, str]], chosen: Any) -> None:
        """Show these rows with that one chosen, and tell nobody."""
        blocked = self.blockSignals(True)
        self.clear()
        for data, text in rows:
            self.addItem(text, data)
            self.setItemData(self.count() - 1, text, Qt.ItemDataRole.ToolTipRole)
        self.choose(chosen)
        self.blockSignals(blocked)

    def choose(self, data: Any) -> None:
        """Choose a row and tell nobody."""
        blocked = self.blockSignals(True)
        index = next((row for row in range(self.count()) if self.itemData(row) == data), 0)
        self.setCurrentIndex(index)
        self.setToolTip(self.currentText())
        self.blockSignals(blocked)

    def wheelEvent(self, event: Any) -> None:
        """Leave the wheel to the panel."""
        event.ignore()


def number_box(least: int, most: int, name: str) -> QSpinBox:
    """A narrow field for a number, told when it is complete. name: for screen readers."""
    box = QSpinBox()
    box.setRange(least, most)
    box.setFixedWidth(NUMBER_PX)
    box.setKeyboardTracking(False)
    box.setAccessibleName(name)
    leave_wheel(box)
    # The style sheet's padding does not reach the text once it draws the buttons.
    box.lineEdit().setTextMargins(current_theme().space(2), 0, 0, 0)
    return box


def row_of(*widgets: QWidget, grows: int = 0) -> QHBoxLayout:
    """Widgets beside each other; the one at `grows` takes the room."""
    row = QHBoxLayout()
    row.setSpacing(current_theme().space(2))
    for index, widget in enumerate(widgets):
        row.addWidget(widget, int(index == grows))
    return row


def text_label(text: str, role: str, *, wraps: bool = False) -> QLabel:
    """A label of the type scale."""
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(wraps)
    return label
