"""The plan of a session: movements down, repetitions across, the state of each take as a coloured cell with an icon.

Painted by hand: twenty repetitions of seven movements are 140 cells. Knows no script and no folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.i18n import tr
from app.widgets.looks import paint_icon
from app.window.theme import current_theme, theme_bus

STATES = ("todo", "current", "good", "check", "redo", "noise", "skipped", "failed", "saving")
ROLES = {
    "todo": "outline", "current": "accent", "noise": "unknown", "skipped": "unknown", "failed": "redo", "saving": "unknown",
}  # fmt: skip
ICONS = {"current": "play"}
LEAST_CELL, MOST_CELL, GAP = 20, 44, 4
LEAST_TITLE, MOST_TITLE = 64, 200
STEPS = {
    Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
}  # fmt: skip


@dataclass(frozen=True)
class PlanCell:
    """One take of the plan. state: one of STATES; tip: what its tooltip says after the state."""

    state: str = "todo"
    tip: str = ""


@dataclass(frozen=True)
class PlanRow:
    """One movement with its repetitions; rows may differ in length."""

    title: str
    cells: tuple[PlanCell, ...]


def cell_word(state: str) -> str:
    """What a state is called."""
    words = {
        "todo": tr("to do"),
        "current": tr("next"),
        "good": tr("good"),
        "check": tr("check"),
        "redo": tr("redo"),
        "noise": tr("noise"),
        "skipped": tr("skipped"),
        "failed": tr("failed"),
        "saving": tr("saving…"),
    }
    return words[state]


class PlanGrid(QWidget):
    """Click or arrow keys choose a cell; Enter, blank or a double click activate it. Both signals carry row and column."""

    chosen = Signal(int, int)
    activated = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[PlanRow, ...] = ()
        self._cursor = (0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setAccessibleName(tr("Plan of the session"))
        theme_bus().changed.connect(self.update)

    def set_rows(self, rows: Sequence[PlanRow]) -> None:
        """Show this plan; the cursor goes along with the place that is next, else it stays where it is, within the plan."""
        if tuple(rows) != self._rows:
            before, self._rows = self._next(), tuple(rows)
            now = self._next()
            self._cursor = self._inside(*(now if now is not None and now != before else self._cursor))
            self.updateGeometry()
            self.update()

    def _next(self) -> tuple[int, int] | None:
        """The cell that is next, None where none is."""
        cells = ((row, column) for row, line in enumerate(self._rows) for column in range(len(line.cells)))
        return next((at for at in cells if self._rows[at[0]].cells[at[1]].state == "current"), None)

    def rows(self) -> tuple[PlanRow, ...]:
        """The plan that is shown."""
        return self._rows

    @property
    def cursor_cell(self) -> tuple[int, int]:
        """Row and column of the cursor."""
        return self._cursor

    def move_cursor(self, row: int, column: int) -> None:
        """Put the cursor on a cell, or the nearest there is."""
        cell = self._inside(row, column)
        if cell != self._cursor:
            self._cursor = cell
            self.setAccessibleDescription(self._tip(*cell))
            self.update()
            self.chosen.emit(*cell)

    def _inside(self, row: int, column: int) -> tuple[int, int]:
        if not any(one.cells for one in self._rows):
            return 0, 0
        row = min(max(row, 0), len(self._rows) - 1)
        return row, min(max(column, 0), max(0, len(self._rows[row].cells) - 1))

    # --- geometry

    def _columns(self) -> int:
        return max((len(row.cells) for row in self._rows), default=0)

    def _title_width(self) -> int:
        line = QFontMetrics(current_theme().font("body"))
        widest = max((line.horizontalAdvance(row.title) for row in self._rows), default=0) + current_theme().space(3)
        room = self.width() - self._columns() * (LEAST_CELL + GAP)
        return max(LEAST_TITLE, min(widest, MOST_TITLE, room))

    def _cell(self) -> int:
        """Side of a cell with its gap."""
        room = (self.width() - self._title_width()) // max(1, self._columns())
        below = (self.height() - self._header()) // max(1, len(self._rows))
        return min(max(min(room, max(below, LEAST_CELL + GAP)), LEAST_CELL + GAP), MOST_CELL + GAP)

    def _header(self) -> int:
        return QFontMetrics(current_theme().font("caption")).height() + current_theme().space(1)

    def cell_rect(self, row: int, column: int) -> QRect:
        """Where a cell lies."""
        side = self._cell()
        return QRect(self._title_width() + column * side, self._header() + row * side, side - GAP, side - GAP)

    def cell_at(self, at: QPoint) -> tuple[int, int] | None:
        """The cell under a point."""
        for row, line in enumerate(self._rows):
            for column in range(len(line.cells)):
                if self.cell_rect(row, column).contains(at):
                    return row, column
        return None

    def sizeHint(self) -> QSize:
        """Cells of a middle size."""
        side = 32 + GAP
        return QSize(MOST_TITLE // 2 + self._columns() * side, self._header() + len(self._rows) * side)

    def minimumSizeHint(self) -> QSize:
        """The smallest cells that a finger or a mouse hits."""
        side = LEAST_CELL + GAP
        return QSize(LEAST_TITLE + self._columns() * side, self._header() + len(self._rows) * side)

    # --- input

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Home and End move; Enter and blank activate."""
        key = Qt.Key(event.key())
        row, column = self._cursor
        if key in STEPS:
            self.move_cursor(row + STEPS[key][0], column + STEPS[key][1])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.move_cursor(row, 0 if key == Qt.Key.Key_Home else self._columns())
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._rows:
            self.activated.emit(row, column)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose."""
        cell = self.cell_at(event.position().toPoint())
        if cell is not None:
            self.move_cursor(*cell)
            self.chosen.emit(*cell)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Activate."""
        cell = self.cell_at(event.position().toPoint())
        if cell is not None:
            self.activated.emit(*cell)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the cursor."""
        super().focusInEvent(event)
        self.update()

    def event(self, event: QEvent) -> bool:
        """Tooltips, cell by cell."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            cell = self.cell_at(event.pos())
            if cell is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self._tip(*cell), self, self.cell_rect(*cell))
            return True
        return super().event(event)

    def _tip(self, row: int, column: int) -> str:
        line = self._rows[row]
        cell = line.cells[column]
        first = tr("{movement} {number}: {state}").format(movement=line.title, number=column + 1, state=cell_word(cell.state))
        return f"{first}\n{cell.tip}" if cell.tip else first

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Titles, numbers and cells."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_numbers(painter)
        for row, line in enumerate(self._rows):
            self._paint_title(painter, row, line)
            for column, cell in enumerate(line.cells):
                self._paint_cell(painter, cell, QRectF(self.cell_rect(row, column)))
        if self.hasFocus() and self._rows and self._rows[self._cursor[0]].cells:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(current_theme().qcolor("text"), 2))
            painter.drawRoundedRect(QRectF(self.cell_rect(*self._cursor)).adjusted(-1, -1, 1, 1), 5, 5)
        painter.end()

    def _paint_numbers(self, painter: QPainter) -> None:
        theme = current_theme()
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.qcolor("text_muted"))
        for column in range(self._columns()):
            box = self.cell_rect(0, column)
            box.setTop(0)
            box.setHeight(self._header() - theme.space(1))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), str(column + 1))

    def _paint_title(self, painter: QPainter, row: int, line: PlanRow) -> None:
        theme = current_theme()
        box = self.cell_rect(row, 0)
        box.setLeft(0)
        box.setWidth(self._title_width() - theme.space(2))
        strong = any(cell.state == "current" for cell in line.cells)
        painter.setFont(theme.font("label" if strong else "body"))
        painter.setPen(theme.qcolor("text"))
        shown = painter.fontMetrics().elidedText(line.title, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), shown)

    def _paint_cell(self, painter: QPainter, cell: PlanCell, box: QRectF) -> None:
        theme = current_theme()
        role = ROLES.get(cell.state, cell.state)
        solid = cell.state == "current"
        painter.setBrush(theme.qcolor(role, 1.0 if solid else 0.0 if cell.state == "todo" else 0.18))
        style = Qt.PenStyle.DashLine if cell.state == "skipped" else Qt.PenStyle.SolidLine
        painter.setPen(QPen(theme.qcolor(role), 1.5, style))
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 4, 4)
        if cell.state == "todo":
            return
        size = min(box.width() * 0.62, theme.space(6))
        at = QRectF(box.center().x() - size / 2, box.center().y() - size / 2, size, size)
        paint_icon(painter, ICONS.get(cell.state, cell.state), "on_accent" if solid else role, at)
