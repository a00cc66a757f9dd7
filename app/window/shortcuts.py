"""Every key of the window in one table: what it does, where it holds, how it is remapped. `?` shows the table.

Pages add their rows at import; widgets make actions of them. Knows no page.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from app.i18n import tr, translatable

EVERYWHERE = translatable("Everywhere")


@dataclass(frozen=True)
class Shortcut:
    """One row. name: stable, as in the preferences; keys: by default, separated by blanks; text, context, topic: in English;
    topic: under which it stands among the many keys of a context, "" where they are few.
    """

    name: str
    keys: str
    text: str
    context: str = EVERYWHERE
    topic: str = ""


class ShortcutTable:
    """The rows in the order in which they were added, and the user's own keys."""

    def __init__(self) -> None:
        self._rows: dict[str, Shortcut] = {}
        self._own: Mapping[str, str] = {}
        self._made: list[tuple[str, QAction]] = []

    def add(self, *rows: Shortcut) -> None:
        """Add rows; a name that is there already is replaced."""
        self._rows.update({row.name: row for row in rows})

    def remap(self, own: Mapping[str, str]) -> None:
        """Use these keys in place of the defaults: name -> keys; actions that were made follow at once."""
        self._own = dict(own)
        self._made = [(name, action) for name, action in self._made if isValid(action)]
        for name, action in self._made:
            action.setShortcuts(self.keys(name))
            action.setToolTip(self.tip(name))

    def __iter__(self) -> Iterator[Shortcut]:
        """The rows in order."""
        return iter(self._rows.values())

    def keys(self, name: str) -> list[QKeySequence]:
        """The keys of a row."""
        return [QKeySequence(key) for key in self._text(name).split()]

    def shown(self, name: str) -> str:
        """The keys of a row as the platform writes them."""
        return " / ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in self.keys(name))

    def first(self, name: str) -> str:
        """The first of them alone, where there is little room."""
        keys = self.keys(name)
        return keys[0].toString(QKeySequence.SequenceFormat.NativeText) if keys else ""

    def _text(self, name: str) -> str:
        return self._own.get(name, self._rows[name].keys)

    def clashes(self) -> list[tuple[str, str]]:
        """Pairs of rows that share a key in one context."""
        rows = [(row, set(self._text(row.name).split())) for row in self]
        return [
            (one.name, other.name)
            for (one, keys), (other, others) in combinations(rows, 2)
            if keys & others and (one.context == other.context or EVERYWHERE in (one.context, other.context))
        ]

    def tip(self, name: str) -> str:
        """What the row does, with its keys: for tooltips."""
        shown = self.shown(name)
        return f"{tr(self._rows[name].text)} ({shown})" if shown else tr(self._rows[name].text)

    def action(self, name: str, widget: QWidget, call: Callable[[], object]) -> QAction:
        """An action with the row's keys that holds while `widget` or a child of it has the focus, and is added to it."""
        action = QAction(tr(self._rows[name].text), widget)
        action.setShortcuts(self.keys(name))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setToolTip(self.tip(name))
        action.triggered.connect(lambda: call())
        widget.addAction(action)
        self._made = [*((there, made) for there, made in self._made if isValid(made)), (name, action)]
        return action


table = ShortcutTable()
table.add(
    Shortcut("help.keys", "? F1", "Show all keys"),
    Shortcut("window.preferences", "Ctrl+,", "Preferences"),
    Shortcut("window.full_screen", "F11", "Full screen"),
    Shortcut("window.quit", "Ctrl+Q", "Quit"),
    Shortcut("window.scheme", "Ctrl+T", "Light or dark"),
)
