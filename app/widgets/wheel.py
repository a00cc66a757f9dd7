"""The mouse wheel over fields of a panel that scrolls: it moves the panel, never a value. Knows no page."""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget


class _Guard(QObject):
    """Leaves every turn of the wheel to the parent of the widget it watches."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the wheel from the widget, and say that it was not used."""
        if event.type() is not QEvent.Type.Wheel:
            return super().eventFilter(watched, event)
        event.ignore()
        return True


def leave_wheel(*widgets: QWidget) -> None:
    """Let these fields be changed by keys and by clicks alone: a panel that is scrolled with the pointer over one of them
    would change it unseen.
    """
    for widget in widgets:
        widget.installEventFilter(_Guard(widget))
