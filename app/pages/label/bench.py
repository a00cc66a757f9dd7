"""All that an annotator sees: the list of takes, the views at the cursor, the timeline, the intervals. Computes nothing.

Slow to import; the page makes it once a thread has imported it.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.i18n import tr
from app.pages.label.actions import marking, moving, viewing
from app.pages.label.compare import CompareModel
from app.pages.label.compare_view import CompareView
from app.pages.label.desk import LabelDesk
from app.pages.label.interval_panel import IntervalPanel, scrolled
from app.pages.label.marking import unplaced
from app.pages.label.media import Media
from app.pages.label.presenters import bands, cursor_text, frame_ticks, marks, zero_us
from app.pages.label.queue import QueueModel
from app.pages.label.queue_panel import QueuePanel
from app.pages.label.scores import ScoreSource, no_scores
from app.pages.label.timeline import Timeline
from app.pages.label.views import CursorViews
from app.said import Said
from app.widgets.labels import Elided
from app.window.shortcuts import table
from app.window.theme import current_theme
from protocol.labeledits import Landmark
from recorder.browse.events import Mode
from recorder.labelstore import LabelStore

FRAME_MS = 16
ROOMY_PX = 1500  # from this width on the list stays beside the take
TIMELINE_PX = 236
AROUND_US = 50_000  # to each side of the cursor where no interval is chosen
BESIDE = 0.25  # of an interval is shown before and after it


class LabelBench(QWidget):
    """One coder in one data set. told: a Said; over: the key of a banner that is over; coder_asked: another one sits here."""

    told = Signal(object)
    over = Signal(str)
    coder_asked = Signal()

    def __init__(self, dataset: Path, coder: str, scores: ScoreSource = no_scores, parent: QWidget | None = None) -> None:
        """scores: who knows what a model says of a take."""
        super().__init__(parent)
        self.dataset = dataset
        store = LabelStore(dataset)
        self.desk = LabelDesk(store, coder, scores=scores)
        self.comparison = CompareModel(store, coder)
        self.queue = QueueModel(dataset, coder)
        self._version = -1
        self._shown: Media | None = None
        self._fetched_for: tuple[Path | None, int] = (None, -1)  # the take and the list that the next one was looked up for
        self._seen_others: Path | None = None  # the take of which this coder has seen what others say
        self._wanted = True  # the list, until a take is opened
        self._mode, self._crop = Mode.COUNTS, False
        self._lay_out()
        self._connect()
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.tick)
        self.queue.refresh()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self.list = QueuePanel(self.queue)
        self.list.setObjectName("label.list")
        self.list.setMaximumWidth(self.list.minimumWidth() + 40)
        row.addWidget(self.list)
        self.work = QWidget()
        self.work.setObjectName("work")
        self.work.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        row.addWidget(self.work, 1)
        inside = QHBoxLayout(self.work)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(0)
        inside.addLayout(self._middle(), 1)
        self.panel = IntervalPanel()
        self.panel.show_desk(self.desk)
        area = scrolled(self.panel)
        line: Any = self.timeline
        self.compare = CompareView(self.comparison, lambda: self.desk.cursor_us, line)
        self.side = QStackedWidget()
        self.side.setObjectName("label.side")
        self.side.addWidget(area)
        self.side.addWidget(self.compare)
        self.side.setFixedWidth(self.panel.width() + area.verticalScrollBar().sizeHint().width())
        inside.addWidget(self.side)

    def _middle(self) -> QVBoxLayout:
        theme = current_theme()
        column = QVBoxLayout()
        column.setContentsMargins(theme.space(2), theme.space(2), 0, theme.space(2))
        column.setSpacing(theme.space(1))
        self.views = CursorViews()
        self.views.setObjectName("label.views")
        self.timeline = Timeline()
        self.timeline.setObjectName("label.timeline")
        self.timeline.setMinimumHeight(TIMELINE_PX)
        self.where, self.progress = Elided(), QLabel()
        self.progress.setProperty("tone", "muted")
        line = QHBoxLayout()
        line.addWidget(self.where, 1)
        line.addWidget(self.progress)
        self.invitation = QLabel()
        self.invitation.setWordWrap(True)
        self.invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.invitation.setProperty("tone", "muted")
        column.addWidget(self.invitation, 2)
        column.addWidget(self.views, 2)
        column.addLayout(line)
        column.addWidget(self.timeline, 1)
        for one in (self.views, self.timeline):
            one.hide()
        return column

    def _connect(self) -> None:
        self.list.opened.connect(self.open)
        self.list.told.connect(self.told)
        self.panel.left.connect(self.work.setFocus)
        self.timeline.sought.connect(self.desk.seek)
        self.timeline.chosen.connect(self._interval_chosen)
        self.timeline.landmark_moved.connect(self._landmark_moved)
        self.compare.sought.connect(self.desk.seek)
        self.compare.told.connect(self.told)
        self.compare.left.connect(self.leave_comparison)
        self.compare.planned.connect(self._planned)
        self.compare.onward.connect(self._to_next_disagreement)
        for name, call in (*marking(self.desk, self.panel), *viewing(self)):
            table.action(f"label.{name}", self.work, call)
        for name, call in moving(self.desk):
            table.action(f"label.{name}", self.work, partial(self._move, call))
        for name, call in (
            ("queue", self.toggle_list),
            ("filter", self.to_filter),
            ("refresh", self.queue.refresh),
            ("coder", self.coder_asked.emit),
            ("plan", self.compare.make_plan),
        ):
            table.action(f"label.{name}", self, call)

    def _interval_chosen(self, interval: str) -> None:
        (self.compare.choose_interval if self.comparing else self.desk.choose)(interval)

    def _landmark_moved(self, interval: str, landmark: str, at_us: int) -> None:
        if self.comparing:
            self.compare.landmark_moved(interval, landmark, at_us)
        else:
            self.desk.move_landmark(interval, Landmark(landmark), at_us)

    # What the keys do

    def _move(self, call: Callable[[], object]) -> None:
        """Show where a key has put the cursor with the next repaint, not with the next tick, which is half a frame later."""
        call()
        if self._shown is not None and self.desk.media is self._shown:
            self._show_cursor()

    def show_whole(self) -> None:
        """The whole take on the timeline."""
        if (span_us := self.desk.span_us) is not None:
            self.timeline.zoom_to(*span_us)

    def show_close_up(self) -> None:
        """The chosen interval on the timeline, else what lies about the cursor."""
        desk = self.desk
        interval = desk.labels.by_id().get(desk.chosen or "") if desk.labels else None
        if interval is None or unplaced(interval) is not None:
            self.timeline.zoom_to(desk.cursor_us - AROUND_US, desk.cursor_us + AROUND_US)
            return
        beside_us = round(BESIDE * interval.duration_us)
        self.timeline.zoom_to(interval.onset_us - beside_us, interval.offset_us + beside_us)

    def toggle_mode(self) -> None:
        """Events by polarity or by age."""
        self._mode = Mode.SURFACE if self._mode is Mode.COUNTS else Mode.COUNTS
        self.views.set_mode(self._mode)

    def toggle_crop(self) -> None:
        """Only the face, or everything."""
        self._crop = not self._crop
        self.views.set_crop(self._crop)

    # Takes

    def open(self, path: Path) -> None:
        """Show and label this take."""
        self._wanted = False
        self.queue.choose(path)
        self.desk.open(path)
        if self.comparing:
            self.comparison.open(path)
        self._show_sides()
        self.take_keys()

    def go(self, way: int, *, unlabelled: bool = True) -> None:
        """Open the next take, or the one before."""
        path = self.queue.next(way, unlabelled=unlabelled)
        if path is not None and path != self.desk.take:
            self.open(path)
        elif unlabelled:
            self.panel.say(Said(tr("Every take of the list is done."), "good"))

    def toggle_list(self) -> None:
        """To the list of takes, or back to the take."""
        if self.list.isVisible() and self.list.isAncestorOf(self.focusWidget() or self.work) and self.desk.take is not None:
            self._wanted = False
        else:
            self._wanted = True
            self.desk.playing = None
        self._show_sides()
        self.take_keys()

    def to_filter(self) -> None:
        """To the field that filters the list."""
        self._wanted = True
        self._show_sides()
        self.list.focus_filter()

    def take_keys(self) -> None:
        """The keys go to the take, or to the list while that is wanted."""
        if self._wanted:
            self.list.take_keys()
        else:
            (self.compare if self.comparing else self.work).setFocus(Qt.FocusReason.OtherFocusReason)

    # Two coders

    @property
    def comparing(self) -> bool:
        """Whether two coders are compared."""
        return self.side.currentWidget() is self.compare

    def toggle_comparison(self) -> None:
        """Compare what coders say of this take, or go back to labelling."""
        if self.comparing:
            self.leave_comparison()
        elif self.desk.take is not None:
            self.comparison.open(self.desk.take)
            self.side.setCurrentWidget(self.compare)
            self.compare.look_anew(zero_us(self.desk.media))
            self.take_keys()

    def _planned(self) -> None:
        """What may be seen of the take may be another thing now."""
        wanted = self._wanted
        self.queue.refresh()
        if self.desk.take is not None:
            self.open(self.desk.take)
        self._wanted = wanted
        self._show_sides()
        self.take_keys()

    def _to_next_disagreement(self) -> None:
        rows, at = self.queue.rows, self.queue.index_of(self.desk.take) or 0
        path = next((row.path for row in (*rows[at + 1 :], *rows[:at]) if row.disagreement), None)
        if path is not None:
            self.open(path)
        else:
            self.compare.say(Said(tr("Nothing is left to decide in the takes of the list."), "good"))

    def leave_comparison(self) -> None:
        """Back to labelling."""
        self.comparison.leave()
        self.side.setCurrentIndex(0)
        self._version = -1
        self.take_keys()

    def _show_sides(self) -> None:
        self.list.setVisible(self._wanted or self.width() >= ROOMY_PX)
        self._show_invitation()

    def _show_invitation(self) -> None:
        choose, back = tr("Choose a take with the arrow keys; Return opens it."), tr("Open a take from the list: {keys}.")
        text = choose if self._wanted else back.format(keys=table.first("label.queue"))
        self.invitation.setText(self.desk.why_not or text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The list stays where there is room."""
        super().resizeEvent(event)
        self._show_sides()

    # Showing

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Whoever gives the bench the keys means what is worked on."""
        super().focusInEvent(event)
        self.take_keys()

    def showEvent(self, event: QShowEvent) -> None:
        """Pull while in sight."""
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing plays out of sight."""
        super().hideEvent(event)
        self._timer.stop()
        self.desk.playing = None

    def tick(self) -> None:
        """Take over what the threads have done, and show it."""
        for said in self.desk.poll():
            if said.over:
                self.over.emit(said.key)
            elif not said.key:
                (self.compare if self.comparing else self.panel).say(said)
            else:
                self.told.emit(said)
        self.list.refresh()
        if self.comparing:
            self.compare.refresh()
        self._hand_on()
        if self.desk.version != self._version:
            self._version = self.desk.version
            self._show()

    def _hand_on(self) -> None:
        desk, comparison = self.desk, self.comparison
        while comparison.renamed:
            desk.renamed(*comparison.renamed.pop(0))
        if self.comparing and comparison.case is not None and self._seen_others != desk.take:
            self._seen_others = desk.take
            desk.saw_others()
        for touched in (desk.touched, comparison.touched):
            while touched:
                self.queue.look_at(touched.pop())
        if self.queue.chosen != desk.take and desk.take is not None:
            self.queue.choose(desk.take)  # it was renamed
        if desk.finished is not None:
            desk.finished, desk.playing = None, None
            self.go(1)
        elif desk.loaded and not self.views.waiting and self._fetched_for != (desk.take, self.queue.version):
            self._fetched_for = (desk.take, self.queue.version)
            desk.prefetch(self.queue.next(1))
        counts = self.queue.counts
        self.progress.setText(tr("{done} of {takes} done").format(done=counts.done, takes=counts.takes) if counts.takes else "")

    def _show(self) -> None:
        desk = self.desk
        self._show_media(desk)
        if self._shown is not None and desk.media is self._shown:
            if not self.comparing or self.comparison.case is None:
                self.timeline.show_labels(desk.labels.intervals if desk.labels else (), desk.chosen, desk.suggestions)
            self.timeline.show_scores(desk.scores)
            self._show_cursor()
        self.where.show_text(cursor_text(desk))
        row = self.queue.row(desk.take) if desk.take is not None else None
        self.compare.show_title(self._title())
        self.panel.show_title(self._title(), blind=row is not None and not row.sight.suggestions)
        self.panel.refresh()

    def _show_cursor(self) -> None:
        desk = self.desk
        self.timeline.show_cursor(desk.cursor_us, desk.window_us, desk.loop)
        self.views.show_at(desk.cursor_us, desk.window_us)

    def _show_media(self, desk: LabelDesk) -> None:
        media = desk.media
        if media is not None and media is not self._shown:
            renamed = self._shown is not None and self._shown.curves.start_us == media.curves.start_us
            self._shown = media
            self.views.show_take(desk)
            shown = self.timeline.view.shown
            self.timeline.show_take(media.span_us, media.curves, bands(media), marks(media), frame_ticks(media))
            if renamed:
                self.timeline.zoom_to(shown.start_us, shown.end_us)
            else:
                self.timeline.zoom_to_cue()
            if self.comparing:
                self.compare.look_anew(zero_us(media))
        gone = media is None and (desk.take is None or desk.read_only is not None or desk.why_not is not None)
        self.invitation.setVisible(desk.take is None or desk.why_not is not None)
        self._show_invitation()
        self.panel.setVisible(desk.take is not None)
        for one in (self.views, self.timeline):
            one.setVisible(self._shown is not None and not gone)

    def _title(self) -> str:
        take = self.desk.take
        if take is None:
            return ""
        row = self.queue.row(take)
        return row.name if row is not None else tr("a take") if self.desk.labels is None or self.desk.hidden else take.stem

    def shut(self) -> None:
        """Put everything on disk, end the threads."""
        self._timer.stop()
        self.compare.shut()
        self.comparison.shut()
        self.desk.close()
        self.queue.shut()
