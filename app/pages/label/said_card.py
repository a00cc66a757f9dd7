"""What came of a key, told for a while beside the work, where it hides neither pictures nor timeline. Knows no page."""

import re

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.said import Said
from app.widgets.looks import pixmap, set_property
from app.window.messages import ICONS
from app.window.shortcuts import table
from app.window.theme import current_theme

SAID_MS = 5_000
BREAK = "\u200b"  # after a slash: a path is broken there instead of being cut off


class SaidCard(QFrame):
    """The card; takes no room while there is nothing to tell."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("said")
        self.setProperty("role", "card")
        theme = current_theme()
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space(2), theme.space(1), theme.space(2), theme.space(1))
        self._icon, self.text = QLabel(), QLabel()
        self.text.setWordWrap(True)
        row.addWidget(self._icon)
        row.addWidget(self.text, 1)
        self._unsaid = QTimer(self)
        self._unsaid.setSingleShot(True)
        self._unsaid.timeout.connect(self.hide)
        self.hide()

    def say(self, said: Said) -> None:
        """Show it; {label.finish} in it: that row's key."""
        self._icon.setPixmap(pixmap(ICONS[said.state], said.state, current_theme().space(4), self))
        text = re.sub(r"\{(\w+\.\w+)\}", lambda found: table.first(found[1]), said.text.replace("/", "/" + BREAK))
        self.text.setText(text)
        set_property(self, "state", said.state)
        self.show()
        self._unsaid.start(SAID_MS)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is told out of sight."""
        super().hideEvent(event)
        self._unsaid.stop()
        self.hide()
