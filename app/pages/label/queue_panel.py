"""The list of takes on the Label page: filter, table, progress. Shows what the queue says; a take is opened by Return.

`refresh` is called on the page's timer. Knows no label.
"""

from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.i18n import tr, trn
from app.pages.label.queue import QueueModel
from app.pages.label.queue_filters import FilterBar
from app.pages.label.queue_rows import QueueFilter, QueueOrder
from app.pages.label.queue_table import CODERS, COLUMNS, ICON_PX, NAME, SURE, QueueTable
from app.window.theme import current_theme, theme_bus

ROW_PX = 28
LEAST_WIDTH = 384


class TakeTable(QTableView):
    """The table. asked: a row was opened by Return, by Enter or by a double click; above: Up was pressed on the first row."""

    asked = Signal(QModelIndex)
    above = Signal()

    def __init__(self, model: QueueTable) -> None:
        super().__init__()
        self.setObjectName("queue")
        self.setModel(model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setIconSize(QSize(ICON_PX, ICON_PX))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName(tr("Takes"))
        down, across = self.verticalHeader(), self.horizontalHeader()
        down.hide()
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # or ten thousand rows are measured
        down.setDefaultSectionSize(ROW_PX)
        across.setHighlightSections(False)
        across.setMinimumSectionSize(24)
        across.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for number, column in enumerate(COLUMNS):
            self.setColumnWidth(number, column.px)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.doubleClicked.connect(self.asked)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what matters least where there is no room for it; the name takes what is left."""
        super().resizeEvent(event)
        shown = set(range(len(COLUMNS)))
        for column in (CODERS, SURE):
            if sum(COLUMNS[number].px for number in shown) > self.viewport().width():
                shown.discard(column)
        for number in range(len(COLUMNS)):
            self.setColumnHidden(number, number not in shown)
        others = sum(COLUMNS[number].px for number in shown if number != NAME)
        self.setColumnWidth(NAME, max(COLUMNS[NAME].px, self.viewport().width() - others))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens, Home and End go to the first and last take, Up from the first to the filter.

        Letters, Left and Right are the page's keys.
        """
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.asked.emit(self.currentIndex())
        elif key == Qt.Key.Key_Up and self.currentIndex().row() <= 0:
            self.above.emit()
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            last = self.model().rowCount() - 1
            self.setCurrentIndex(self.model().index(0 if key == Qt.Key.Key_Home else last, NAME))
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) or (event.text() and event.text().isprintable()):
            event.ignore()
        else:
            super().keyPressEvent(event)


class QueuePanel(QWidget):
    """The list. opened: a take is to be opened; told: a Said that the page is to show."""

    opened = Signal(Path)
    told = Signal(object)

    def __init__(self, model: QueueModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = model
        self._version = -1
        self.setMinimumWidth(LEAST_WIDTH)
        theme = current_theme()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(2), theme.space(2), theme.space(2), theme.space(2))
        column.setSpacing(theme.space(2))
        self.filters = FilterBar()
        self.filters.changed.connect(self._filter)
        self.filters.left.connect(self.take_keys)
        column.addWidget(self.filters)
        self.table_model = QueueTable()
        self.table = TakeTable(self.table_model)
        self.table.asked.connect(self._asked)
        self.table.above.connect(self.focus_filter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._empty = self._make_empty()
        self._stack.addWidget(self._empty)
        column.addWidget(self._stack, 1)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        column.addWidget(self.bar)
        self.note = QLabel()
        self.note.setProperty("role", "caption")
        self.note.setWordWrap(True)
        column.addWidget(self.note)
        theme_bus().changed.connect(self.table_model.redraw)

    def _make_empty(self) -> QWidget:
        place = QWidget()
        place.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # keeps the keys while there is nothing else to have them
        column = QVBoxLayout(place)
        column.addStretch(1)
        self.empty_text = QLabel()
        self.empty_text.setWordWrap(True)
        self.empty_text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty_text.setProperty("tone", "muted")
        column.addWidget(self.empty_text)
        row = QHBoxLayout()
        self.way_out = QPushButton()
        self.way_out.clicked.connect(self._go_out)
        row.addStretch(1)
        row.addWidget(self.way_out)
        row.addStretch(1)
        column.addLayout(row)
        column.addStretch(2)
        return place

    def take_keys(self) -> None:
        """To the list, or to the way out of an empty one, if there is any."""
        out = self._empty if self.way_out.isHidden() else self.way_out
        (self.table if self._stack.currentIndex() == 0 else out).setFocus(Qt.FocusReason.OtherFocusReason)

    def focus_filter(self) -> None:
        """To the field for a part of the name."""
        self.filters.text.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filters.text.selectAll()

    def go(self, way: int, *, unlabelled: bool = True) -> None:
        """Open the next (1) or previous (-1) take, by default one that the coder has not finished."""
        path = self._queue.next(way, unlabelled=unlabelled)
        if path is not None:
            self.opened.emit(path)

    def refresh(self) -> None:
        """Show the queue as it is now; cheap where nothing has changed."""
        for said in self._queue.poll():
            self.told.emit(said)
        if self._queue.version != self._version:
            self._version = self._queue.version
            self._show_list()
            self._show_progress()
        self._show_opened()

    # Showing

    def _show_list(self) -> None:
        queue, plan = self._queue, self._queue.plan
        self.filters.offer(queue.values, hidden=plan is not None and plan.hide_asked, has_plan=plan is not None)
        before = self._current_path()
        if self.table_model.show_rows(queue.rows):
            self._go_to(before or queue.chosen or queue.next())
        had_keys = any(one.hasFocus() for one in (self.table, self.way_out, self._empty))
        self._stack.setCurrentIndex(0 if queue.rows else 1)
        if not queue.rows:
            self._show_empty()
        if had_keys:
            self.take_keys()

    def _show_opened(self) -> None:
        chosen = self._queue.chosen
        if chosen != self.table_model.opened:
            self.table_model.show_opened(chosen)
            self._go_to(chosen)

    def _show_empty(self) -> None:
        queue = self._queue
        text, way_out = tr("No takes here yet. Record some, or choose another data set."), ""
        if queue.looking or not queue.found_once:
            text = trn(
                "Looking through the data set: {n} take so far",
                "Looking through the data set: {n} takes so far",
                queue.looked_at,
            )
        elif not self.filters.empty:
            text, way_out = tr("No take fits the filter."), tr("Clear the filter")
        elif queue.plan is not None and not queue.filter.all_takes:
            text = tr("The plan gives {coder} no takes here.").format(coder=queue.coder)
            way_out = tr("Show the takes of others")
        self.empty_text.setText(text)
        self.way_out.setText(way_out)
        self.way_out.setVisible(bool(way_out))

    def _go_out(self) -> None:
        if not self.filters.empty:
            self.filters.clear()
        else:
            self.filters.all_takes.setChecked(True)

    def _show_progress(self) -> None:
        queue, counts = self._queue, self._queue.counts
        self.bar.setRange(0, max(1, counts.takes))
        self.bar.setValue(counts.done)
        text = tr("{done} done, {begun} begun, {takes} in all")
        parts = [text.format(done=counts.done, begun=counts.begun, takes=counts.takes)]
        if len(queue.rows) != counts.takes:
            parts.append(tr("{n} listed").format(n=len(queue.rows)))
        if queue.minutes_left is not None and counts.done < counts.takes:
            parts.append(tr("about {minutes} min left").format(minutes=max(1, round(queue.minutes_left))))
        if counts.takes and counts.done == counts.takes:
            parts = [trn("{n} take, everything is done", "{n} takes, everything is done", counts.takes)]
        if queue.looking:
            parts.append(tr("looking for changes ..."))
        self.note.setText(", ".join(parts))

    # What is wanted

    def _filter(self, chosen: QueueFilter, order: QueueOrder) -> None:
        self._queue.show(chosen, order)

    def _asked(self, index: QModelIndex) -> None:
        if index.isValid():
            self.opened.emit(self.table_model.rows[index.row()].path)

    def _current_path(self) -> Path | None:
        at = self.table.currentIndex().row()
        return self.table_model.rows[at].path if 0 <= at < len(self.table_model.rows) else None

    def _go_to(self, path: Path | None) -> None:
        at = self._queue.index_of(path)
        if at is None or at >= len(self.table_model.rows):
            at = 0
        index = self.table_model.index(at, NAME)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.table.selectionModel().setCurrentIndex(index, flags)
        self.table.scrollTo(index)
