"""The verdict on a take: the word, why, the main numbers, and the keys. Knows no file; it is told what to show."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLayout, QVBoxLayout, QWidget
from superqt import QFlowLayout

from app.i18n import tr
from app.widgets.labels import Chip, Elided, KeyHint
from app.widgets.looks import pixmap, set_property, state_word
from app.window.theme import current_theme, theme_bus

MOST_REASONS = 4  # what matters most stands first; the rest is in the take's analysis


@dataclass(frozen=True)
class Number:
    """A measure in short. state: good, check, redo, unknown, or "" for none of them."""

    name: str
    value: str
    state: str = ""


@dataclass(frozen=True)
class VerdictView:
    """verdict: good, check, redo, unknown; "" while the take is being judged. reasons: sentences; take: its name; note: what
    else there is to say, as that the take is partial; keys: pairs of key and what it does.
    """

    verdict: str
    reasons: Sequence[str] = ()
    numbers: Sequence[Number] = ()
    take: str = ""
    note: str = ""
    keys: Sequence[tuple[str, str]] = ()


class VerdictCard(QFrame):
    """Shows one verdict."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = current_theme()
        self.setProperty("role", "card")
        self._view = VerdictView("")
        self._icon, self._word = QLabel(), QLabel()
        self._word.setProperty("role", "display")
        self._take, self._note = Elided(), QLabel()
        self._take.setProperty("tone", "muted")
        self._note.setProperty("tone", "muted")
        self._note.setWordWrap(True)
        self._reasons = QVBoxLayout()
        self._reasons.setSpacing(theme.space(1))
        self._numbers, self._keys = QFlowLayout(), QFlowLayout()
        for flow in (self._numbers, self._keys):
            flow.setContentsMargins(0, 0, 0, 0)
            flow.setHorizontalSpacing(theme.space(2))
            flow.setVerticalSpacing(theme.space(2))
        self._lay_out()
        self._draw()
        theme_bus().changed.connect(self._draw)

    def _lay_out(self) -> None:
        theme = current_theme()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(4), theme.space(3), theme.space(4), theme.space(3))
        column.setSpacing(theme.space(3))
        header = QHBoxLayout()
        header.setSpacing(theme.space(3))
        header.addWidget(self._icon)
        header.addWidget(self._word, 1)
        column.addLayout(header)
        column.addWidget(self._take)
        column.addWidget(self._note)
        column.addLayout(self._reasons)
        column.addLayout(self._numbers)
        column.addStretch(1)
        self._keys.setHorizontalSpacing(theme.space(4))
        column.addLayout(self._keys)

    @property
    def view(self) -> VerdictView:
        """What it shows."""
        return self._view

    def show_verdict(self, view: VerdictView) -> None:
        """Show another; the same again costs nothing."""
        if view != self._view:
            self._view = view
            self._draw()

    def _draw(self) -> None:
        theme, view = current_theme(), self._view
        state = view.verdict or "unknown"
        icon = view.verdict or "scheduled"
        self._icon.setPixmap(pixmap(icon, state, theme.space(10), self))
        self._word.setText(state_word(view.verdict) if view.verdict else tr("Judging ..."))
        set_property(self._word, "state", state)
        set_property(self, "state", state)
        self._take.show_text(view.take)
        self._note.setText(view.note)
        self._note.setVisible(bool(view.note))
        _fill(self._reasons, [_reason(text) for text in view.reasons[:MOST_REASONS]])
        _fill(self._numbers, [Chip(one.name, one.value, one.state) for one in view.numbers])
        _fill(self._keys, [KeyHint(*pair) for pair in view.keys])
        self.setAccessibleName(" ".join((self._word.text(), *view.reasons)))


def _reason(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _fill(layout: QLayout, widgets: Sequence[QWidget]) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (old := item.widget()) is not None:
            old.hide()
            old.deleteLater()
    for widget in widgets:
        layout.addWidget(widget)
