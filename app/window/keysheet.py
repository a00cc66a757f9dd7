"""The sheet of all keys, shown on `?`: by context, with the user's own keys. Made of the table of shortcuts."""

from collections.abc import Iterable
from itertools import groupby

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.window.shortcuts import EVERYWHERE, Shortcut, ShortcutTable
from app.window.theme import current_theme

COLUMNS = 2


class KeySheet(QDialog):
    """All keys that hold where `contexts` do; every one without contexts."""

    def __init__(self, table: ShortcutTable, contexts: Iterable[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keys"))
        self._table = table
        wanted = {EVERYWHERE, *contexts}
        rows = [row for row in table if not contexts or row.context in wanted]
        theme = current_theme()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(6), theme.space(6), theme.space(6), theme.space(4))
        inside = QWidget()
        side_by_side = QHBoxLayout(inside)
        side_by_side.setSpacing(theme.space(6))
        for half in _halves([(context, list(group)) for context, group in groupby(rows, lambda row: row.context)]):
            side_by_side.addLayout(self._stack(half))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        column.addWidget(area)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        column.addWidget(close)
        self.resize(900, 600)

    def _stack(self, groups: list[tuple[str, list[Shortcut]]]) -> QVBoxLayout:
        column = QVBoxLayout()
        for context, rows in groups:
            column.addWidget(_label(tr(context), "title"))
            grid = QGridLayout()
            grid.setColumnStretch(1, 1)
            for index, row in enumerate(rows):
                keys = _label(self._table.shown(row.name) or tr("none"), "label")
                keys.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                grid.addWidget(keys, index, 0)
                grid.addWidget(_label(tr(row.text), "body"), index, 1)
            column.addLayout(grid)
            column.addSpacing(current_theme().space(4))
        column.addStretch(1)
        return column


def _halves(groups: list[tuple[str, list[Shortcut]]]) -> list[list[tuple[str, list[Shortcut]]]]:
    """The groups in two columns of about the same height."""
    total, taken = sum(len(rows) + 2 for _, rows in groups), 0
    left: list[tuple[str, list[Shortcut]]] = []
    while groups and (not left or taken + len(groups[0][1]) + 2 <= (total + 1) // COLUMNS):
        left.append(groups[0])
        taken += len(groups[0][1]) + 2
        groups = groups[1:]
    return [half for half in (left, groups) if half]


def _label(text: str, role: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(role == "body")
    return label
