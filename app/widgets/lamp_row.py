"""Lamps: what is checked, whether it is well, the number, and what to do. Never colour alone: each has icon and word."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.i18n import tr
from app.widgets.labels import Elided
from app.widgets.looks import pixmap, set_property
from app.window.theme import current_theme, theme_bus

LAMP_WIDTH = 256  # the least at which a name, a number and a line of advice stand beside one another


@dataclass(frozen=True)
class LampReading:
    """One lamp now. key: stable; state: good, check, redo or unknown; value: with its unit; advice: what to do, or why."""

    key: str
    name: str
    state: str
    value: str = ""
    advice: str = ""


def lamp_words() -> dict[str, str]:
    """What the colours of lamps mean."""
    return {"good": tr("OK"), "check": tr("Attention"), "redo": tr("Problem"), "unknown": tr("Waiting")}


def lamp_word(state: str) -> str:
    """What a lamp's colour means."""
    return lamp_words()[state]


class Lamp(QFrame):
    """One lamp."""

    def __init__(self, reading: LampReading, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = current_theme()
        self.setProperty("role", "sunken")
        self._reading = reading
        self._icon, self._word = QLabel(), QLabel()
        self._name, self._value, self._advice = Elided(), QLabel(), QLabel()
        self._name.setProperty("role", "label")
        self._value.setProperty("role", "label")
        self._word.setProperty("role", "label")
        self._advice.setProperty("role", "caption")
        self._advice.setWordWrap(True)
        self._advice.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._value.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space(2), theme.space(2), theme.space(3), theme.space(2))
        row.setSpacing(theme.space(2))
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(self._texts(), 1)
        self.setMinimumWidth(LAMP_WIDTH // 2)
        self._draw()
        theme_bus().changed.connect(self._draw)

    def _texts(self) -> QVBoxLayout:
        column, first, second = QVBoxLayout(), QHBoxLayout(), QHBoxLayout()
        column.setSpacing(0)
        first.addWidget(self._name, 1)
        first.addWidget(self._value)
        second.setSpacing(current_theme().space(2))
        second.addWidget(self._word, 0, Qt.AlignmentFlag.AlignTop)
        second.addWidget(self._advice, 1)
        column.addLayout(first)
        column.addLayout(second)
        column.addStretch(1)
        return column

    @property
    def reading(self) -> LampReading:
        """What it shows."""
        return self._reading

    def show_reading(self, reading: LampReading) -> None:
        """Show another; the same again costs nothing."""
        if reading != self._reading:
            self._reading = reading
            self._draw()

    def _draw(self) -> None:
        reading = self._reading
        self._icon.setPixmap(pixmap(reading.state, reading.state, current_theme().space(5), self))
        self._name.show_text(reading.name)
        self._value.setText(reading.value)
        self._word.setText(lamp_word(reading.state))
        line = QFontMetrics(current_theme().font("label"))
        self._word.setMinimumWidth(max(line.horizontalAdvance(word) for word in lamp_words().values()) + 1)
        set_property(self._word, "state", reading.state)
        self._advice.setText(reading.advice)
        self.setAccessibleName(f"{reading.name}: {lamp_word(reading.state)} {reading.value}. {reading.advice}")
        self.setToolTip(reading.advice)


class LampRow(QWidget):
    """Lamps side by side, in as many columns as there is room for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lamps: dict[str, Lamp] = {}
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(current_theme().space(2))

    def show_readings(self, readings: Sequence[LampReading]) -> None:
        """Show these lamps in this order."""
        if [reading.key for reading in readings] == list(self._lamps):
            for reading in readings:
                self._lamps[reading.key].show_reading(reading)
            return
        before, self._lamps = self._lamps, {}
        for lamp in before.values():
            self._grid.removeWidget(lamp)
        for reading in readings:  # a lamp that changes its place stays the one it is: a new one has no size for a frame
            lamp = before.pop(reading.key) if reading.key in before else Lamp(reading, self)
            lamp.show_reading(reading)
            self._lamps[reading.key] = lamp
        for lamp in before.values():
            lamp.hide()
            lamp.deleteLater()
        self._arrange(force=True)
        for lamp in self._lamps.values():
            lamp.show()  # else a layout leaves no room for new ones before the next turn of the event loop
        self._settle()

    def _settle(self) -> None:
        """Give the lamps their new sizes now, and not after they were painted in the old ones."""
        self._grid.activate()
        below: QWidget | None = self.parentWidget()
        while below is not None and not below.isWindow():
            QCoreApplication.sendPostedEvents(below, QEvent.Type.LayoutRequest)
            below = below.parentWidget()

    def lamp(self, key: str) -> Lamp | None:
        """The lamp of that key."""
        return self._lamps.get(key)

    def worst(self) -> str:
        """The worst state: redo, check, unknown, good."""
        states = {lamp.reading.state for lamp in self._lamps.values()}
        return next((state for state in ("redo", "check", "unknown") if state in states), "good")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many columns as there is room for."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self, force: bool = False) -> None:
        columns = max(1, min(len(self._lamps) or 1, self.width() // LAMP_WIDTH))
        if columns == self._columns and not force:
            return
        self._columns = columns
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        for number, lamp in enumerate(self._lamps.values()):
            self._grid.addWidget(lamp, number // columns, number % columns)
            self._grid.setColumnStretch(number % columns, 1)
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 0)
        self._grid.setRowStretch(-(-len(self._lamps) // columns), 1)  # what is left over lies below
