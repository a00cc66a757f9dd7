"""What the window has to say: a banner that stays until it is dealt with, and toasts that go by themselves. Never a dialog."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.window.icons import icon
from app.window.theme import current_theme, theme_bus

TOAST_MS = 5_000
MOST_TOASTS = 3
ICONS = {"good": "good", "check": "warning", "redo": "error", "unknown": "info"}


@dataclass(frozen=True)
class Message:
    """text: a sentence or two; state: good, check, redo or unknown; action: what its button says, and what it does."""

    text: str
    state: str = "unknown"
    action: str = ""
    call: Callable[[], object] | None = None
    key: str = ""  # a banner with the same key is replaced


class Strip(QFrame):
    """One message with its icon, its button and a cross."""

    def __init__(self, message: Message, dismiss: Callable[["Strip"], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = message
        self._dismiss = dismiss
        self.setProperty("role", "card")
        self.setProperty("state", message.state)
        theme = current_theme()
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space(3), theme.space(2), theme.space(2), theme.space(2))
        self._picture = QLabel()
        row.addWidget(self._picture)
        self.label = QLabel(message.text)
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row.addWidget(self.label, 1)
        if message.action and message.call is not None:
            self.button = QPushButton(message.action)
            self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take the keys from the page
            self.button.clicked.connect(self._act)
            row.addWidget(self.button)
        self._cross = QToolButton()
        self._cross.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._cross.setToolTip(tr("Close this message"))
        self._cross.clicked.connect(lambda: dismiss(self))
        row.addWidget(self._cross)
        self._draw()
        theme_bus().changed.connect(self._draw)

    def _draw(self) -> None:
        size = current_theme().space(5)
        state = self.message.state
        self._picture.setPixmap(icon(ICONS[state], state).pixmap(size, size))
        self._cross.setIcon(icon("close", "text_muted"))

    def _act(self) -> None:
        call = self.message.call
        self._dismiss(self)
        if call is not None:
            call()


class Banners(QWidget):
    """The place for banners, above a page; without any it takes no room. left: one that had the keys is gone."""

    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(current_theme().space(1))
        self._strips: list[Strip] = []

    def show_message(self, message: Message) -> None:
        """Show a banner in place of one with the same key."""
        for strip in [one for one in self._strips if message.key and one.message.key == message.key]:
            if strip.message == message:
                return
            self._remove(strip)
        strip = Strip(message, self._remove, self)
        self._strips.append(strip)
        self._column.addWidget(strip)

    def clear(self, key: str) -> None:
        """Take back the banner with that key."""
        for strip in [one for one in self._strips if one.message.key == key]:
            self._remove(strip)

    def texts(self) -> list[str]:
        """What is shown now."""
        return [strip.message.text for strip in self._strips]

    def strip(self, key: str) -> Strip | None:
        """The banner with that key."""
        return next((one for one in self._strips if one.message.key == key), None)

    def _remove(self, strip: Strip) -> None:
        keys_at = QApplication.focusWidget()
        had_keys = keys_at is not None and strip.isAncestorOf(keys_at)
        self._strips.remove(strip)
        self._column.removeWidget(strip)
        strip.hide()
        strip.deleteLater()
        if had_keys:
            self.left.emit()


class Toasts(QWidget):
    """Messages over the lower left corner of `over`, where no button is, that go after a while."""

    def __init__(self, over: QWidget, left: int = 0) -> None:
        """left: pixels of `over` at its left side that stay free."""
        super().__init__(over)
        self._over, self._left = over, left
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._strips: list[Strip] = []
        over.installEventFilter(self)
        self.hide()

    def show_message(self, message: Message) -> None:
        """Show a toast; the oldest goes when there are too many."""
        if any(strip.message.text == message.text for strip in self._strips):
            return
        while len(self._strips) >= MOST_TOASTS:
            self._remove(self._strips[0])
        strip = Strip(message, self._remove, self)
        self._strips.append(strip)
        self._column.addWidget(strip)
        timer = QTimer(strip)
        timer.setSingleShot(True)
        timer.timeout.connect(lambda: self._remove(strip))
        timer.start(TOAST_MS)
        self._place()

    def texts(self) -> list[str]:
        """What is shown now."""
        return [strip.message.text for strip in self._strips]

    def _remove(self, strip: Strip) -> None:
        if strip in self._strips:
            self._strips.remove(strip)
            self._column.removeWidget(strip)
            strip.hide()
            strip.deleteLater()
            self._place()

    def _place(self) -> None:
        if not self._strips:
            self.hide()
            return
        margin = current_theme().space(4)
        width = min(420, self._over.width() - 2 * margin)
        self.setFixedWidth(width)
        height = sum(strip.heightForWidth(width) if strip.hasHeightForWidth() else strip.sizeHint().height()
                     for strip in self._strips) + self._column.spacing() * (len(self._strips) - 1)  # fmt: skip
        self.resize(width, height)
        self.move(self._left + margin, self._over.height() - height - margin)
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner when the window changes its size."""
        if watched is self._over and event.type() is QEvent.Type.Resize and self._strips:
            self._place()
        return super().eventFilter(watched, event)
