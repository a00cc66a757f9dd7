"""Fields of the Label page that take every key while they are open: a line to type in, a short list to choose from."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QWidget

LEAVE = (Qt.Key.Key_Escape,)
TAKE = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def own_key(event: QEvent) -> bool:
    """Whether a key that the page would act on is the field's; those with Ctrl stay the window's."""
    return (
        event.type() is QEvent.Type.ShortcutOverride
        and isinstance(event, QKeyEvent)
        and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
    )


class Entry(QLineEdit):
    """A line. given: Return was pressed; left: Escape was, or the keys went elsewhere."""

    given = Signal(str)
    left = Signal()

    def event(self, event: QEvent) -> bool:
        """Keys are typed here, whatever the page does with them."""
        if own_key(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return gives the text, Escape gives it up."""
        if event.key() in TAKE:
            self.given.emit(self.text().strip())
        elif event.key() in LEAVE:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Who clicks elsewhere gives it up."""
        super().focusOutEvent(event)
        if event.reason() is Qt.FocusReason.MouseFocusReason:
            self.left.emit()


class Choice(QListWidget):
    """A few answers, each with its digit. given: the value of the one that was chosen; left: none was."""

    given = Signal(str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemClicked.connect(self._give)

    def offer(self, answers: Sequence[tuple[str, str]], current: str | None = None) -> None:
        """Show these (value, text), the current one chosen."""
        self.clear()
        for number, (value, text) in enumerate(answers, 1):
            item = QListWidgetItem(f"{number}  {text}")
            item.setData(Qt.ItemDataRole.UserRole, value)
            item.setToolTip(text)
            self.addItem(item)
        values = [value for value, _ in answers]
        self.setCurrentRow(values.index(current) if current in values else 0)
        self.setFixedHeight(min(self.count(), 9) * max(1, self.sizeHintForRow(0)) + 2 * self.frameWidth())

    def event(self, event: QEvent) -> bool:
        """Keys choose here, whatever the page does with them."""
        if own_key(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A digit or Return chooses, Escape leaves."""
        digit = int(event.text()) if event.text() in tuple("123456789") else 0
        if 0 < digit <= self.count():
            self._give(self.item(digit - 1))
        elif event.key() in TAKE and self.currentItem() is not None:
            self._give(self.currentItem())
        elif event.key() in LEAVE:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _give(self, item: QListWidgetItem) -> None:
        self.given.emit(str(item.data(Qt.ItemDataRole.UserRole)))
