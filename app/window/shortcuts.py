"""Every key of the window in one table: what it does, where it holds, how it is remapped. `?` shows the table.

Pages add their rows at import; widgets make actions of them. Knows no page.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.i18n import tr

EVERYWHERE = "Everywhere"


@dataclass(frozen=True)
class Shortcut:
    """One row. name: stable, as in the preferences; keys: by default, separated by blanks; text, context: in English."""

    name: str
    keys: str
    text: str
    context: str = EVERYWHERE


class ShortcutTable:
    """The rows in the order in which they were added, and the user's own keys."""

    def __init__(self) -> None:
        self._rows: dict[str, Shortcut] = {}
        self._own: Mapping[str, str] = {}

    def add(self, *rows: Shortcut) -> None:
        """Add rows; a name that is there already is replaced."""
        self._rows.update({row.name: row for row in rows})

    def remap(self, own: Mapping[str, str]) -> None:
        """Use these keys in place of the defaults: name -> keys."""
        self._own = dict(own)

    def __iter__(self) -> Iterator[Shortcut]:
        """The rows in order."""
        return iter(self._rows.values())

    def keys(self, name: str) -> list[QKeySequence]:
        """The keys of a row."""
        return [QKeySequence(key) for key in self._text(name).split()]

    def shown(self, name: str) -> str:
        """The keys of a row as the platform writes them."""
        return " / ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in self.keys(name))

    def _text(self, name: str) -> str:
        return self._own.get(name, self._rows[name].keys)

    def clashes(self) -> list[tuple[str, str]]:
        """Pairs of rows that share a key in one context."""
        seen: dict[tuple[str, str], str] = {}
        found = []
        for row in self:
            for key in self._text(row.name).split():
                for context in {row.context, EVERYWHERE}:
                    other = seen.get((context, key))
                    if other is not None and other != row.name:
                        found.append((other, row.name))
                seen[(row.context, key)] = row.name
        return found

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
        return action


table = ShortcutTable()
table.add(
    Shortcut("help.keys", "? F1", "Show all keys"),
    Shortcut("window.preferences", "Ctrl+,", "Preferences"),
    Shortcut("window.full_screen", "F11", "Full screen"),
    Shortcut("window.quit", "Ctrl+Q", "Quit"),
    Shortcut("window.scheme", "Ctrl+T", "Light or dark"),
)
