"""The sheet of all keys, shown on `?`: by context and topic, with the user's own keys. Made of the table of shortcuts."""

from collections.abc import Iterable
from itertools import combinations, groupby, pairwise

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
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

FEW = 45  # rows that two columns show without scrolling
WIDTH_PX, HEIGHT_PX = 400, 640  # of a column; of the sheet
TITLE_ROWS = 2  # as much height as a topic's title takes

Group = tuple[str, str, list[Shortcut]]  # context, topic, rows


class KeySheet(QDialog):
    """All keys that hold where `contexts` do; every one without contexts."""

    def __init__(self, table: ShortcutTable, contexts: Iterable[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keys"))
        self._table = table
        order = [*contexts, EVERYWHERE]  # what holds where the user is comes first
        rows = [row for row in table if not contexts or row.context in order]
        if contexts:
            rows.sort(key=lambda row: order.index(row.context))
        theme = current_theme()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(4), theme.space(4), theme.space(4), theme.space(3))
        inside = QWidget()
        side_by_side = QHBoxLayout(inside)
        side_by_side.setContentsMargins(0, 0, theme.space(3), 0)
        side_by_side.setSpacing(theme.space(6))
        columns = 2 if len(rows) <= FEW else 3
        groups = [(*place, list(found)) for place, found in groupby(rows, lambda row: (row.context, row.topic))]
        for stack in _columns(groups, columns):
            side_by_side.addLayout(self._stack(stack), 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        column.addWidget(area)
        area.setFocus()  # so that the arrow keys scroll
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        column.addWidget(close)
        self.resize(columns * WIDTH_PX, HEIGHT_PX)

    def _stack(self, groups: list[Group]) -> QVBoxLayout:
        space = current_theme().space
        column = QVBoxLayout()
        column.setSpacing(space(1))
        for context, topic, rows in groups:
            column.addWidget(_label(f"{tr(context)}: {tr(topic)}" if topic else tr(context), "label"))
            grid = QGridLayout()
            grid.setColumnStretch(1, 1)
            grid.setHorizontalSpacing(space(3))
            grid.setVerticalSpacing(space(0.5))
            for index, row in enumerate(rows):
                keys = _label(self._shown(row) or tr("none"), "keys")
                keys.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
                grid.addWidget(keys, index, 0)
                text = _label(tr(row.text), "deed")
                text.setWordWrap(True)
                text.setAlignment(Qt.AlignmentFlag.AlignTop)
                grid.addWidget(text, index, 1)
            column.addLayout(grid)
            column.addSpacing(space(3))
        column.addStretch(1)
        return column

    def _shown(self, row: Shortcut) -> str:
        """The row's keys, without the second Return of the keyboard."""
        keys = self._table.keys(row.name)
        names = [key.toString() for key in keys]  # in English, whatever the language
        twins = {name for name in names if name.endswith("Enter") and f"{name[:-5]}Return" in names}
        shown = [key for key, name in zip(keys, names, strict=True) if name not in twins]
        return " / ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in shown)


def _columns(groups: list[Group], count: int) -> list[list[Group]]:
    """The groups in at most so many columns, in order, the highest of them as low as can be."""
    heights = [len(rows) + TITLE_ROWS for _, _, rows in groups]
    cuts = combinations(range(1, len(groups)), min(count, len(groups)) - 1)
    ways = [list(pairwise((0, *cut, len(groups)))) for cut in cuts]
    best = min(ways, key=lambda way: max(sum(heights[start:end]) for start, end in way))
    return [groups[start:end] for start, end in best]


def _label(text: str, role: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", role)
    return label
