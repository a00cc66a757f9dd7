"""Two coders beside each other, in place of the panel of intervals: what they differ in, and what is decided of it.

By keys alone: while it has them it takes the keys of its own and those that would change this coder's labels; all others, such
as those of the cursor, stay the page's. `refresh` is called on the page's timer. Knows no file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QEvent, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from app.i18n import tr
from app.pages.label import compare_keys as _keys  # noqa: F401 (adds its rows to the table of keys)
from app.pages.label import keys as _page_keys  # noqa: F401 (the same)
from app.pages.label.agreement_report import write_agreement
from app.pages.label.compare import CompareModel
from app.pages.label.compare_parts import PartsCard
from app.pages.label.compare_text import apart_text, point_text, state_text
from app.pages.label.plan_dialog import PlanDialog
from app.pages.label.queue_table import ICON_PX, list_icon
from app.pages.label.said_card import SaidCard
from app.pages.record.setup_widgets import Choice as Choices
from app.said import Said
from app.widgets.labels import Elided, KeyHint
from app.widgets.looks import set_property
from app.window.errands import Errands
from app.window.shortcuts import table
from app.window.theme import current_theme, theme_bus
from protocol.adjudication import Choice
from protocol.errors import GlimpseError

WIDTH_PX = 340
MOST_POINTS = 6  # of the list without scrolling
POINT_PX = 28
# Keys of the page that change this coder's own labels, which nobody means who looks at two others.
NOT_MEANT = (
    *("onset", "apex", "offset", "finish", "finish_without", "accept", "new", "blink", "remove", "no_apex", "kind", "movement"),
    *(
        "units",
        "intensity_a",
        "intensity_b",
        "intensity_c",
        "intensity_d",
        "intensity_e",
        "intensity_none",
        "confidence",
        "note",
    ),
    *("noise", "undo", "redo", "earlier", "later", "earlier_fine", "later_fine", "earlier_frame", "later_frame"),
    *("interval_back", "interval_on"),
)


class Line(Protocol):
    """What of a timeline is used here."""

    def show_labels(self, intervals: object, chosen: object, suggestions: object, others: object = (), whose: str = "") -> None:
        """Show labels under a name, those of others below."""


class CompareView(QWidget):
    """The comparison. sought: the cursor is to go there; told: a Said that stays; left: back to labelling;
    planned: a plan was written.
    """

    sought = Signal(object)  # microseconds do not fit into Qt's int
    told = Signal(object)
    left = Signal()
    planned = Signal()
    onward = Signal()  # to the next take that coders differ in

    def __init__(
        self, model: CompareModel, cursor_us: Callable[[], int], timeline: Line | None = None, parent: QWidget | None = None
    ) -> None:
        """cursor_us: where the cursor is; timeline: where the labels are drawn while this is in sight."""
        super().__init__(parent)
        self.setObjectName("compare")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedWidth(WIDTH_PX)
        self.zero_us = 0
        self._model, self._cursor_us, self._timeline = model, cursor_us, timeline
        self._version, self._at = -1, (-2, "")
        self._errands = Errands(self)
        self._dialog: PlanDialog | None = None
        self._calls = self._what_keys_do()
        theme = current_theme()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space(3), theme.space(2), theme.space(3), theme.space(2))
        column.setSpacing(theme.space(2))
        self._add_head(column)
        self._add_points(column)
        self._add_parts(column)
        column.addStretch(1)
        self.said = SaidCard()
        column.addWidget(self.said)
        self._add_buttons(column)
        theme_bus().changed.connect(self._redraw)

    def _add_head(self, column: QVBoxLayout) -> None:
        title = QLabel(tr("Compare coders"))
        title.setProperty("role", "title")
        column.addWidget(title)
        self.title = Elided()
        self.title.setProperty("tone", "muted")
        self.title.hide()
        column.addWidget(self.title)
        self.pair = Choices()
        self.pair.setAccessibleName(tr("Coders"))
        self.pair.currentIndexChanged.connect(self._pair_chosen)
        column.addWidget(self.pair)
        self.state = QLabel()
        self.state.setWordWrap(True)
        column.addWidget(self.state)

    def _add_points(self, column: QVBoxLayout) -> None:
        self.points = QListWidget()
        self.points.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.points.setAccessibleName(tr("Disagreements"))
        self.points.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.points.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.points.setIconSize(QSize(ICON_PX, ICON_PX))
        self.points.itemClicked.connect(lambda item: self._model.go_to(self.points.row(item)))
        column.addWidget(self.points)

    def _add_parts(self, column: QVBoxLayout) -> None:
        self.parts = PartsCard()
        column.addWidget(self.parts)
        self.apart = QLabel()
        self.apart.setProperty("role", "caption")
        column.addWidget(self.apart)
        self.hints = QWidget()
        flow = QFlowLayout(self.hints)
        flow.setContentsMargins(0, 0, 0, 0)
        for name, text in self._hint_words():
            flow.addWidget(KeyHint(table.first(f"compare.{name}"), text))
        column.addWidget(self.hints)

    @staticmethod
    def _hint_words() -> tuple[tuple[str, str], ...]:
        return (
            ("first", tr("first coder")),
            ("second", tr("second coder")),
            ("mean", tr("middle")),
            ("here", tr("at the cursor")),
            ("neither", tr("leave out")),
            ("all_first", tr("all of it")),
            ("next", tr("next disagreement")),
            ("go_on", tr("go on")),
            ("leave", tr("back to labelling")),
        )

    def _add_buttons(self, column: QVBoxLayout) -> None:
        row = QHBoxLayout()
        self.report, self.plan = QPushButton(tr("Agreement report")), QPushButton(tr("Plan ..."))
        for button, name, call in ((self.report, "report", self.make_report), (self.plan, "plan", self.make_plan)):
            button.setToolTip(table.tip(f"compare.{name}"))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, call=call: call())
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)

    # Keys

    def _what_keys_do(self) -> dict[str, Callable[[], object]]:
        model = self._model
        return {
            "next": lambda: model.go(1),
            "previous": lambda: model.go(-1),
            "part_on": lambda: model.go_part(1),
            "part_back": lambda: model.go_part(-1),
            "first": lambda: model.take_part(Choice.FIRST),
            "second": lambda: model.take_part(Choice.SECOND),
            "mean": lambda: model.take_part(Choice.MEAN),
            "here": lambda: model.take_part(Choice.OWN, self._cursor_us()),
            "onset": lambda: self._place("onset"),
            "apex": lambda: self._place("apex"),
            "offset": lambda: self._place("offset"),
            "all_first": lambda: model.take_whole(Choice.FIRST),
            "all_second": lambda: model.take_whole(Choice.SECOND),
            "all_mean": lambda: model.take_whole(Choice.MEAN),
            "neither": lambda: model.take_whole(Choice.NEITHER),
            "go_on": self._go_on,
            "undo": model.undo,
            "redo": model.redo,
            "report": self.make_report,
            "plan": self.make_plan,
            "leave": self.left.emit,
        }

    def event(self, event: QEvent) -> bool:
        """Claim the keys of the comparison, and those that nobody means here, before the page acts on them."""
        override = event if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) else None
        if override is not None and (self._name_of(override) is not None or self._not_meant(override)):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what the key says."""
        name = self._name_of(event)
        if name is not None:
            self._calls[name]()
            self.refresh()
        elif not self._not_meant(event):
            super().keyPressEvent(event)

    def _name_of(self, event: QKeyEvent) -> str | None:
        pressed = QKeySequence(event.keyCombination())
        return next((name for name in self._calls if pressed in table.keys(f"compare.{name}")), None)

    @staticmethod
    def _not_meant(event: QKeyEvent) -> bool:
        pressed = QKeySequence(event.keyCombination())
        known = {row.name for row in table}
        return any(pressed in table.keys(f"label.{name}") for name in NOT_MEANT if f"label.{name}" in known)

    def _place(self, landmark: str) -> None:
        self._model.choose_part(landmark)
        if self._model.part == landmark:
            self._model.take_part(Choice.OWN, self._cursor_us())

    def _go_on(self) -> None:
        case = self._model.case
        if case is not None and case.open:
            self._model.go(1, undecided=True)
        elif not self._model.written:
            self._model.accept()
        else:
            self.onward.emit()

    def landmark_moved(self, interval: str, landmark: str, at_us: int) -> None:
        """A landmark was dragged on the timeline."""
        self._model.place(interval, landmark, at_us)

    def choose_interval(self, interval: str) -> None:
        """An interval was clicked on the timeline."""
        self._model.choose_interval(interval)

    def show_title(self, text: str) -> None:
        """What the take is called where it is shown, which may not be its name."""
        self.title.show_text(text)
        self.title.setVisible(bool(text))

    def take_keys(self) -> None:
        """The keys go to the comparison."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    # Showing

    def say(self, said: Said) -> None:
        """Tell what came of a key; what stays until it is dealt with is the page's to show."""
        if said.key:
            self.told.emit(said)
        else:
            self.said.say(said)

    def refresh(self) -> None:
        """Show the comparison as it is now; cheap where nothing has changed."""
        for said in self._model.poll():
            self.say(said)
        if self._model.version == self._version or not self.isVisible():
            return
        self._version = self._model.version
        self._show_head()
        self._show_points()
        self._show_parts()
        self._show_line()
        self._seek()

    def look_anew(self, zero_us: int) -> None:
        """Another take is shown, or the comparison has come into sight: count times from here."""
        self.zero_us, self._version, self._at = zero_us, -1, (-2, "")
        self.refresh()

    def _redraw(self) -> None:
        self._version = -1
        self.refresh()

    def _show_head(self) -> None:
        model = self._model
        self.pair.offer([(number, " / ".join(pair)) for number, pair in enumerate(model.pairs)], self._pair_number())
        self.pair.setVisible(bool(model.pairs))
        text, state = state_text(model)
        if model.why_not is not None:
            other = tr("{keys}: another coder sits down here.").format(keys=table.first("label.coder"))
            text, state = f"{model.why_not}\n{other}", "unknown"
        elif model.take is None:
            text, state = tr("Open a take that two coders have finished."), "unknown"
        elif model.opening:
            text, state = tr("Reading the labels ..."), "unknown"
        self.state.setText(text)
        set_property(self.state, "state", "" if state == "unknown" else state)

    def _pair_number(self) -> int:
        model = self._model
        return model.pairs.index(model.pair) if model.pair in model.pairs else 0

    def _pair_chosen(self, number: int) -> None:
        if 0 <= number < len(self._model.pairs):
            self._model.use_pair(self._model.pairs[number])

    def _show_points(self) -> None:
        case = self._model.case
        points = case.points if case else ()
        self.points.clear()
        for point in points:
            decided = case is not None and case.decided(point)
            name, role, word = ("good", "good", tr("decided")) if decided else ("todo", "text_muted", tr("open"))
            item = QListWidgetItem(list_icon(name, role), point_text(point, self.zero_us))
            item.setToolTip(f"{item.text()} ({word})")
            self.points.addItem(item)
        self.points.setVisible(bool(points))
        self.points.setFixedHeight(POINT_PX * min(max(len(points), 1), MOST_POINTS) + 4)
        if case is not None and points:
            self.points.setCurrentRow(case.at)

    def _show_parts(self) -> None:
        model, case = self._model, self._model.case
        shown = case is not None and bool(case.points)
        for widget in (self.parts, self.hints, self.apart):
            widget.setVisible(shown)
        if shown:
            self.parts.show_parts(model, self.zero_us)
            here = next((part for part in model.parts if part.name == model.part), None)
            self.apart.setText(apart_text(here) if here else "")

    def _show_line(self) -> None:
        model, consensus = self._model, self._model.consensus
        if self._timeline is None or consensus is None or model.case is None:
            return
        point = model.point
        ids = {one.id for one in (point.first, point.second) if one is not None} if point else set()
        chosen = next((one.id for one in consensus.intervals if ids & {ref.interval for ref in one.made_of}), None)
        others = tuple((one.coder, one) for one in (model.case.first, model.case.second))
        self._timeline.show_labels(consensus.intervals, chosen, (), others, tr("Consensus"))

    def _seek(self) -> None:
        """The cursor goes where the part in hand lies, once one is chosen, so that it can be moved from there."""
        case = self._model.case
        at = (case.at if case else -1, self._model.part)
        if case is not None and at != self._at and self._model.at_us is not None:
            self.sought.emit(self._model.at_us)
        self._at = at

    # The report

    def make_report(self) -> None:
        """Write the report of agreement and show it."""
        dataset = self._model.store.dataset
        self.report.setEnabled(False)
        self._errands.run("report", lambda: _reported(dataset), self._reported)

    def _reported(self, found: tuple[Path | None, str]) -> None:
        self.report.setEnabled(True)
        path, problem = found
        if path is None:
            self.say(Said(problem, "check"))
            return
        self.say(Said(tr("Written: {path}").format(path=path), "good"))
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    # The plan

    def make_plan(self) -> None:
        """Ask who labels what, in a window that does not hold this one."""
        if self._dialog is None:
            self._dialog = PlanDialog(self._model.store.dataset, self)
            self._dialog.setWindowFlag(Qt.WindowType.Window)
            self._dialog.saved.connect(self.planned)
            self._dialog.destroyed.connect(self._plan_over)
            self._dialog.show()
        self._dialog.raise_()
        self._dialog.activateWindow()

    def _plan_over(self) -> None:
        self._dialog = None

    def shut(self) -> None:
        """Wait for what still runs."""
        self._errands.shut()
        if self._dialog is not None:
            self._dialog.close()


def _reported(dataset: Path) -> tuple[Path | None, str]:
    try:
        return write_agreement(dataset), ""
    except (GlimpseError, OSError) as error:
        return None, str(error)
