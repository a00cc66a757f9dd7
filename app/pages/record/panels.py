"""The right-hand side of the Record page: one panel a stage. They show what the flow says and tell what was pressed."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.i18n import tr
from app.pages.record.presenters import place_at, plan_rows, verdict_view
from app.pages.record.sessionflow import SessionFlow, Stage
from app.sentences import number, tr_sentences
from app.widgets.labels import Elided, UnderKey
from app.widgets.looks import set_property
from app.widgets.plan_grid import PlanGrid
from app.widgets.verdict_card import VerdictCard
from app.window.shortcuts import table
from app.window.theme import current_theme
from protocol.analysis import Verdict
from protocol.movement import ALL


def button(text: str, key: str, call: Callable[[], object], role: str = "") -> QPushButton:
    """A button with its key in the tooltip, which the page's own action handles."""
    made = QPushButton(text)
    made.setToolTip(table.tip(key))
    made.clicked.connect(lambda: call())
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take Space and Return from the page
    if role:
        made.setProperty("role", role)
    return made


def heading(text: str, role: str = "title") -> QLabel:
    """A heading of a panel."""
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(True)
    return label


def column_of(widget: QWidget) -> QVBoxLayout:
    """The column of a panel."""
    theme = current_theme()
    column = QVBoxLayout(widget)
    column.setContentsMargins(theme.space(4), theme.space(4), theme.space(4), theme.space(4))
    column.setSpacing(theme.space(3))
    return column


def scrolled(inside: QWidget) -> QScrollArea:
    """Something that may be longer than there is room for."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inside)
    return area


class PlanPanel(QWidget):
    """What is recorded next, and the whole plan."""

    def __init__(self, flow: SessionFlow, page: QWidget) -> None:
        super().__init__(page)
        self._flow = flow
        self._version = -1
        column = column_of(self)
        self.title, self.next = heading(tr("Next"), "label"), heading("", "headline")
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setProperty("tone", "muted")
        self.start = button(tr("Start the take"), "record.go", flow.start, "primary")
        self.start.setObjectName("start")
        column.addWidget(self.title)
        column.addWidget(self.next)
        column.addWidget(self.note)
        column.addWidget(self.start)
        self.grid = PlanGrid()
        self.grid.setObjectName("plan")
        self.grid.chosen.connect(self._chosen)
        self.grid.activated.connect(self._activated)
        column.addWidget(self.grid, 1)
        column.addLayout(self._below())
        self.progress = QProgressBar()
        column.addWidget(self.progress)

    def _below(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(current_theme().space(2))
        self.skip = button(tr("Skip"), "record.skip", self._flow.skip, "quiet")
        self.more = button(tr("Add ..."), "record.add", self._add, "quiet")
        self.practice = button(tr("Practice"), "record.practice", self._toggle_practice, "quiet")
        self.practice.setCheckable(True)
        for one in (self.skip, self.more, self.practice):
            row.addWidget(one)
        row.addStretch(1)
        return row

    def _toggle_practice(self) -> None:
        self._flow.practice = not self._flow.practice
        self._flow.hold()

    def _add(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        script, session = self._flow.script, self._flow.session
        for movement in ALL:
            name = script.movement_name(movement.token, session.language) if script and session else movement.display
            menu.addAction(name, partial(self._flow.add, movement.token))
        menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height())))

    def _activated(self, row: int, column: int) -> None:
        self._chosen(row, column)
        self._flow.start()

    def _chosen(self, row: int, column: int) -> None:
        cell = place_at(self._flow.grid, row, column) if self._flow.grid else None
        if cell is not None and cell.place != self._flow.chosen:
            self._flow.choose(cell.place)

    def refresh(self) -> None:
        """Show the plan as it is now."""
        flow = self._flow
        if flow.version == self._version:
            self._show_time()
            return
        self._version = flow.version
        self.grid.set_rows(plan_rows(flow))
        self._show_next()
        self._show_progress()
        self._show_time()

    def _show_next(self) -> None:
        flow = self._flow
        cell, script, session = flow.cell, flow.script, flow.session
        if cell is None or script is None or session is None:
            self.next.setText(tr("Everything is recorded"))
            self.note.setText(tr("Add a take, or end the session ({keys}).").format(keys=table.shown("record.finish")))
            self.start.setEnabled(False)
            return
        self.next.setText(script.movement_name(cell.place.movement, session.language))
        self.practice.setChecked(flow.practice)
        self.title.setText(tr("Practice") if flow.practice else tr("Next"))
        self.start.setText(tr("Practise") if flow.practice else tr("Start the take"))
        self.start.setEnabled(flow.armed is not None and flow.stage is Stage.READY)
        skipped = cell.state.value == "skipped"
        self.skip.setText(tr("Take up again") if skipped else tr("Skip"))

    def _show_progress(self) -> None:
        found = self._flow.progress
        if found is not None:
            self.progress.setRange(0, max(1, found.total))
            self.progress.setValue(found.filled)
            text = tr("{done} of {total}, about {minutes} min left")
            self.progress.setFormat(text.format(done=found.filled, total=found.total, minutes=round(found.minutes_left)))

    def _show_time(self) -> None:
        flow = self._flow
        cell = flow.cell
        if cell is None:
            return
        left_s = flow.seconds_left
        if left_s is not None:
            self.note.setText(tr("Starts by itself in {seconds:.0f} s; any key stops that.").format(seconds=left_s))
        elif flow.armed is None:
            self.note.setText(tr("The cameras are being opened ...") if flow.opening else tr("No camera is open."))
        elif flow.must_confirm:
            text = tr("The rig check is red: look at it ({rig}), or go on all the same ({confirm}).")
            self.note.setText(text.format(rig=table.shown("record.rig"), confirm=table.shown("record.confirm")))
        else:
            text = tr("Take {repetition} of this movement. Press {keys}.")
            self.note.setText(text.format(repetition=cell.place.repetition, keys=table.first("record.go")))


class TakePanel(QWidget):
    """A take that runs: what is written, whether anything is lost, how to end it."""

    def __init__(self, flow: SessionFlow, page: QWidget) -> None:
        super().__init__(page)
        self._flow = flow
        column = column_of(self)
        self.title = heading("", "headline")
        column.addWidget(self.title)
        self.file = Elided("")
        self.file.setProperty("tone", "muted")
        column.addWidget(self.file)
        self.lines = [QLabel(), QLabel()]
        counts = QHBoxLayout()
        for label in self.lines:
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setProperty("role", "caption")
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            counts.addWidget(label, 1)
        column.addLayout(counts)
        self.health = QLabel()
        self.health.setWordWrap(True)
        column.addWidget(self.health)
        self.notices = Elided("")
        self.notices.setProperty("role", "caption")
        column.addWidget(self.notices)
        column.addStretch(1)
        self.cue = button(tr("Hand raised: cue"), "take.cue", lambda: page.mark_cue())  # type: ignore[attr-defined]
        self.paper = button(tr("Paper away: t0"), "take.paper", lambda: page.mark_paper())  # type: ignore[attr-defined]
        self.abort = button(tr("Abort"), "take.abort", flow.abort, "danger")
        self.abort.setObjectName("abort")
        marks = QHBoxLayout()
        marks.setSpacing(current_theme().space(2))
        marks.addWidget(self.paper, 1)
        marks.addWidget(self.cue, 1)
        column.addLayout(marks)
        column.addWidget(self.abort)

    def refresh(self) -> None:
        """Show the counts as they are now."""
        take, script, session = self._flow.takes.take, self._flow.script, self._flow.session
        if take is None or script is None or session is None:
            return
        self.title.setText(script.movement_name(take.movement, session.language))
        told = tr_sentences(self._flow.notices)
        self.notices.show_text(told[-1] if told else "")
        self.notices.setToolTip("\n".join(told))
        status = take.status
        if status is None or status.part is None:
            self.file.show_text("")
            self.lines[0].setText(tr("Waiting for the first data ..."))
            self.lines[1].setText("")
            return
        stem = status.part.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".part")
        self.file.show_text(stem)
        rows = [f"{stream_name(name)}: {one.written:,}".replace(",", " ") for name, one in status.streams.items()]
        for label, part in zip(self.lines, (rows[::2], rows[1::2]), strict=True):
            label.setText("\n".join(part))
        self._show_health()

    def _show_health(self) -> None:
        status = self._flow.takes.take.status if self._flow.takes.take else None
        if status is None:
            return
        silent = [stream_name(name) for name, one in status.streams.items() if one.silent]
        dropped = sum(one.dropped for one in status.streams.values())
        if silent:
            state, text = "redo", tr("Nothing comes from: {streams}").format(streams=", ".join(silent))
        elif dropped:
            state, text = "redo", tr("{n} pictures were lost by a camera").format(n=dropped)
        elif status.queue_s > 1:
            state, text = "check", tr("The disk is {seconds} s behind").format(seconds=number(status.queue_s, 1))
        else:
            state, text = "good", tr("Everything is written, nothing is lost")
        self.health.setText(text)
        set_property(self.health, "state", state)


def stream_name(name: str) -> str:
    """What a stream is called."""
    names = {
        "events": tr("Events"),
        "frames": tr("Grey pictures"),
        "imu": tr("IMU"),
        "triggers": tr("Triggers"),
        "rgb": tr("Colour pictures"),
        "thermal": tr("Thermal pictures"),
    }
    return names.get(name, name)


class VerdictPanel(QWidget):
    """The verdict on the take that was just made, and what the operator may do."""

    def __init__(self, flow: SessionFlow, page: QWidget) -> None:
        super().__init__(page)
        self._flow = flow
        column = column_of(self)
        self.card = VerdictCard()
        self.card.setObjectName("verdict")
        column.addWidget(scrolled(self.card), 1)
        self.note = QLabel()
        self.note.setProperty("tone", "muted")
        self.note.setWordWrap(True)
        column.addWidget(self.note)
        row = QHBoxLayout()
        row.setSpacing(current_theme().space(2))
        self.keep = button(tr("Keep"), "after.keep", flow.keep, "primary")
        self.noise = button(tr("Noise"), "after.noise", flow.noise)
        self.redo = button(tr("Redo"), "after.redo", flow.redo)
        self.play = button(tr("Play"), "after.play", lambda: page.play_back())  # type: ignore[attr-defined]
        keys = ("after.keep", "after.noise", "after.redo", "after.play")
        for one, key in zip((self.keep, self.noise, self.redo, self.play), keys, strict=True):
            row.addWidget(UnderKey(one, table.first(key)), 1)
        column.addLayout(row)

    def refresh(self) -> None:
        """Show the verdict as it is now."""
        flow = self._flow
        self.card.show_verdict(verdict_view(flow))
        wanted = self.redo if flow.verdict is Verdict.REDO else self.keep
        for one in (self.keep, self.redo):
            set_property(one, "role", "primary" if one is wanted else "")
        decided = flow.stage is Stage.VERDICT
        kept = flow.takes.take is not None and flow.takes.take.path is not None
        self.keep.setEnabled(decided)
        self.redo.setEnabled(decided)
        for one in (self.noise, self.play):
            one.setEnabled(decided and kept)
        left_s = flow.seconds_left
        text = (
            tr("Goes on by itself in {seconds:.0f} s; any key stops that.").format(seconds=left_s) if left_s is not None else ""
        )
        self.note.setText(text)


class BusyPanel(QWidget):
    """Between the stop and the verdict."""

    fine = Signal()

    def __init__(self, flow: SessionFlow, page: QWidget) -> None:
        super().__init__(page)
        self._flow = flow
        column = column_of(self)
        self.title = heading("", "headline")
        column.addWidget(self.title)
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setTextVisible(False)
        column.addWidget(bar)
        column.addStretch(1)

    def refresh(self) -> None:
        """Say what is waited for."""
        closing = self._flow.takes.busy
        self.title.setText(tr("Writing the files ...") if closing else tr("Judging the take ..."))
