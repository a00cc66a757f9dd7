"""The list of takes as a table of Qt over the queue's plain rows: only what is in sight is asked for. Knows no thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon

from app.i18n import tr, translatable
from app.pages.label.queue_rows import QueueRow
from app.widgets.looks import state_word
from app.window.icons import icon
from app.window.theme import current_theme
from protocol.movement import BY_TOKEN
from recorder.browse.catalogue import Progress

Index = QModelIndex | QPersistentModelIndex
ICON_PX = 16
NAME, SURE, CODERS = 1, 7, 8  # columns: the name takes the room that is left, the others go first where there is none
ALIGNED = Qt.AlignmentFlag.AlignVCenter

PROGRESS_ICONS = {
    Progress.UNTOUCHED: ("todo", "text_muted"),
    Progress.BEGUN: ("again", "check"),
    Progress.DONE: ("good", "good"),
}
STATUS_ICONS = {"partial": ("warning", "check"), "failed": ("failed", "redo")}


@dataclass(frozen=True)
class Column:
    """One column. title, tip: in English; px: its width; told: what a tooltip and a screen reader say of a row; text,
    picture: what the cell shows of it.
    """

    title: str
    tip: str
    px: int
    told: Callable[[QueueRow], str]
    text: Callable[[QueueRow], str] | None = None
    picture: Callable[[QueueRow], tuple[str, str] | None] | None = None
    right: bool = False


def list_icon(name: str, role: str) -> QIcon:
    """An icon of a list, which can be seen on the chosen row too."""
    made = QIcon(icon(name, role).pixmap(ICON_PX, ICON_PX))
    made.addPixmap(icon(name, "on_accent").pixmap(ICON_PX, ICON_PX), QIcon.Mode.Selected)
    return made


def progress_word(progress: Progress) -> str:
    """What a coder's progress is called."""
    words = {Progress.UNTOUCHED: tr("to do"), Progress.BEGUN: tr("begun"), Progress.DONE: tr("done")}
    return words[progress]


def status_word(status: str | None) -> str:
    """What the status of a take is called."""
    words = {"complete": tr("complete"), "partial": tr("partial take"), "failed": tr("failed")}
    return words.get(status or "", tr("recorded elsewhere"))


def movement_name(token: str | None) -> str:
    """What a movement is called; one that is not known by its token."""
    movement = BY_TOKEN.get(token or "")
    return tr(movement.display) if movement else token or ""


def _name(row: QueueRow) -> str:
    return movement_name(row.movement) if row.movement and row.number is not None else row.name


def _coders(row: QueueRow) -> str:
    return ", ".join(dict.fromkeys((*row.done, *row.begun)))


def _coders_told(row: QueueRow) -> str:
    parts = [
        (tr("done by {coders}"), row.done),
        (tr("begun by {coders}"), row.begun),
        (tr("to be labelled by {coders}"), row.coders),
    ]
    return "\n".join(text.format(coders=", ".join(coders)) for text, coders in parts if coders)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _marks(row: QueueRow) -> list[str]:
    marks = [(row.noise, tr("noise")), (row.practice, tr("practice")), (row.redone, tr("done again"))]
    told = [word for there, word in marks if there]
    return told if row.status == "complete" else [*told, status_word(row.status)]


def _mark(row: QueueRow) -> tuple[str, str] | None:
    if row.status in STATUS_ICONS:
        return STATUS_ICONS[row.status]
    if row.noise:
        return "noise", "unknown"
    if row.redone:
        return "redo", "text_muted"
    return ("practice", "text_muted") if row.practice else None


def _sure(row: QueueRow) -> str:
    return "" if row.confidence is None else f"{row.confidence * 100:.0f} %"


def _verdict(row: QueueRow) -> tuple[str, str] | None:
    return (row.verdict, row.verdict) if row.verdict in ("good", "check", "redo") else None


def _subject(row: QueueRow) -> str:
    return _number(row.subject)


def _take(row: QueueRow) -> str:
    return _number(row.number)


def _disagree(row: QueueRow) -> tuple[str, str] | None:
    return ("disagree", "check") if row.disagreement else None


COLUMNS = (
    Column(
        "", translatable("How far you are"), 30, lambda row: progress_word(row.mine), None, lambda row: PROGRESS_ICONS[row.mine]
    ),
    Column(translatable("Take"), translatable("Movement that was asked for, or the name"), 116, lambda row: row.name, _name),
    Column(translatable("Subj."), translatable("Subject"), 50, _subject, _subject, right=True),
    Column(translatable("No."), translatable("Number of the take"), 40, _take, _take, right=True),
    Column("", translatable("Verdict on the quality"), 32, lambda row: state_word(row.verdict or "unknown"), None, _verdict),
    Column("", translatable("Noise, status"), 32, lambda row: ", ".join(_marks(row)), None, _mark),
    Column("", translatable("Coders disagree"), 32, lambda row: tr("yes") if row.disagreement else tr("no"), None, _disagree),
    Column(translatable("Sure"), translatable("Confidence of the best suggestion"), 62, _sure, _sure, right=True),
    Column(translatable("Coders"), translatable("Who has labelled it, or is to"), 96, _coders_told, _coders),
)


class QueueTable(QAbstractTableModel):
    """Shows a sequence of rows. opened: the take that is open, in bold."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[QueueRow] = ()
        self.opened: Path | None = None
        self._icons: dict[tuple[str, str], QIcon] = {}

    def show_rows(self, rows: Sequence[QueueRow]) -> bool:
        """Show these rows; whether other takes are listed now, so that the view has lost its place."""
        old, self.rows = self.rows, rows
        if len(old) == len(rows) and all(one.path == other.path for one, other in zip(old, rows, strict=True)):
            for number, (one, other) in enumerate(zip(old, rows, strict=True)):
                if one != other:
                    self.dataChanged.emit(self.index(number, 0), self.index(number, len(COLUMNS) - 1))
            return False
        self.rows = old
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()
        return True

    def show_opened(self, path: Path | None) -> None:
        """Mark the take that is open."""
        if path != self.opened:
            self.opened = path
            self.dataChanged.emit(self.index(0, 0), self.index(max(0, len(self.rows) - 1), len(COLUMNS) - 1))

    def redraw(self) -> None:
        """The colours have changed."""
        self._icons.clear()
        self.dataChanged.emit(self.index(0, 0), self.index(max(0, len(self.rows) - 1), len(COLUMNS) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (as Qt has it)
        """How many takes are listed."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many columns there are."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Titles, and what they mean."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return tr(column.title)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return tr(column.tip)
        return (
            int(Qt.AlignmentFlag.AlignRight | ALIGNED) if role == Qt.ItemDataRole.TextAlignmentRole and column.right else None
        )

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows."""
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row, column = self.rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row) if column.text else None
        if role == Qt.ItemDataRole.DecorationRole:
            return self._icon(column.picture(row)) if column.picture else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{tr(column.tip)}: {column.told(row)}" if column.told(row) else None
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return column.told(row)
        return self._look(row, column, role)

    def _look(self, row: QueueRow, column: Column, role: int) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole and column.right:
            return int(Qt.AlignmentFlag.AlignRight | ALIGNED)
        if role == Qt.ItemDataRole.FontRole and row.path == self.opened:
            return current_theme().font("label")
        if role == Qt.ItemDataRole.ForegroundRole and row.mine is Progress.DONE:
            return current_theme().qcolor("text_muted")
        return None

    def _icon(self, wanted: tuple[str, str] | None) -> QIcon | None:
        if wanted is None:
            return None
        if wanted not in self._icons:
            self._icons[wanted] = list_icon(*wanted)
        return self._icons[wanted]
