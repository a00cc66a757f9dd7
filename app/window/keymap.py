"""The table of keys in the preferences: choose an action, press its new keys; clashes are shown, all can be reset.

Knows the table of shortcuts, not who uses them.
"""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr
from app.window.icons import icon
from app.window.shortcuts import Shortcut, ShortcutTable, table
from app.window.theme import current_theme

ACTION, WHERE, KEYS, CLASH = range(4)


class KeyMap(QWidget):
    """Every action with its keys. changed: the user's own keys now, name -> keys as in the preferences."""

    changed = Signal(dict)

    def __init__(self, own: Mapping[str, str], shortcuts: ShortcutTable = table, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._own = dict(own)
        self._rows = list(shortcuts)
        self.view = QTableWidget(len(self._rows), 4)
        self.view.setHorizontalHeaderLabels([tr("Action"), tr("Where"), tr("Keys"), tr("Clash")])
        self.view.verticalHeader().hide()
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setTabKeyNavigation(False)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(ACTION, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.view.currentCellChanged.connect(self._chosen)
        column = QVBoxLayout(self)
        space = current_theme().space
        column.setContentsMargins(space(4), space(4), space(4), space(4))
        column.setSpacing(space(2))
        column.addWidget(self.view, 1)
        column.addLayout(self._editor())
        self.hint = QLabel(tr("A presenter clicker or a foot pedal types keys, too: choose the action and press its button."))
        self.hint.setProperty("role", "caption")
        self.hint.setWordWrap(True)
        column.addWidget(self.hint)
        self._fill()
        self.view.setCurrentCell(0, ACTION)

    def _editor(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.edit = QKeySequenceEdit()
        self.edit.setMaximumSequenceLength(1)
        self.edit.setAccessibleName(tr("New keys"))
        self.edit.editingFinished.connect(self._pressed)
        self.replace, self.add = QPushButton(tr("Use these")), QPushButton(tr("Add these"))
        self.none, self.reset = QPushButton(tr("No keys")), QPushButton(tr("Default"))
        self.reset_all = QPushButton(tr("Reset all"))
        label = QLabel(tr("Press keys:"))
        label.setBuddy(self.edit)
        row.addWidget(label)
        row.addWidget(self.edit, 1)
        for button, call in (
            (self.replace, lambda: self._set(self._typed())),
            (self.add, lambda: self._set(f"{self._text(self._row)} {self._typed()}".strip())),
            (self.none, lambda: self._set("")),
            (self.reset, lambda: self._set(None)),
            (self.reset_all, self._reset_all),
        ):
            button.setAutoDefault(False)
            button.clicked.connect(call)
            row.addWidget(button)
        return row

    @property
    def _row(self) -> int:
        return max(0, self.view.currentRow())

    def _text(self, row: int) -> str:
        shortcut = self._rows[row]
        return self._own.get(shortcut.name, shortcut.keys)

    def _typed(self) -> str:
        return self.edit.keySequence().toString(QKeySequence.SequenceFormat.PortableText)

    def _chosen(self) -> None:
        self.edit.clear()
        self._pressed()

    def _pressed(self) -> None:
        typed = self._typed()
        self.replace.setEnabled(bool(typed))
        self.add.setEnabled(bool(typed) and typed not in self._text(self._row).split())
        own = self._rows[self._row].name in self._own if self._rows else False
        self.reset.setEnabled(own)
        self.reset_all.setEnabled(bool(self._own))

    def _set(self, keys: str | None) -> None:
        shortcut = self._rows[self._row]
        if keys is None or keys.split() == shortcut.keys.split():
            self._own.pop(shortcut.name, None)
        else:
            self._own[shortcut.name] = keys
        self.edit.clear()
        self._tell()

    def _reset_all(self) -> None:
        self._own.clear()
        self._tell()

    def _tell(self) -> None:
        self._fill()
        self._pressed()
        self.changed.emit(dict(self._own))

    def _fill(self) -> None:
        clashes = self.clashes()
        for row, shortcut in enumerate(self._rows):
            shown = " / ".join(native(key) for key in self._text(row).split()) or tr("none")
            others = clashes.get(shortcut.name, [])
            texts = (tr(shortcut.text), tr(shortcut.context), shown, ", ".join(tr(self._row_named(one).text) for one in others))
            items = [QTableWidgetItem(text) for text in texts]
            for place, item in enumerate(items):
                item.setToolTip(item.text())
                self.view.setItem(row, place, item)
            if others:
                items[CLASH].setIcon(icon("warning", "check"))
            if shortcut.name in self._own:
                font = items[KEYS].font()
                font.setBold(True)
                items[KEYS].setFont(font)
        self.view.setColumnHidden(CLASH, not clashes)

    def _row_named(self, name: str) -> Shortcut:
        return next(row for row in self._rows if row.name == name)

    def clashes(self) -> dict[str, list[str]]:
        """Actions that share a key in one place, by name."""
        probe = ShortcutTable()
        probe.add(*self._rows)
        probe.remap(self._own)
        found: dict[str, list[str]] = {}
        for one, other in probe.clashes():
            for name, opposite in ((one, other), (other, one)):
                if opposite not in found.setdefault(name, []):
                    found[name].append(opposite)
        return found


def native(key: str) -> str:
    """A key as the platform writes it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
