"""The timeline of a take: event rates of the face and its parts, script, suggestions, labels, and the cursor over them.

Everything but the cursor is painted once and kept until it changes. Knows no mouse, no file and no coder's rights.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.i18n import tr
from app.pages.label.scores import Scores
from app.pages.label.timeline_curves import Columns, columns_of
from app.pages.label.timeline_paint import FAR_PX, GUTTER_PX, PAD_PX, RIGHT, SIGN_PX, Scene, paint_rows
from app.pages.label.timeline_rows import AXIS_PX, HEAD_PX, Content, Kind, Row, least_height, rows_of
from app.pages.label.timeline_view import CUE_AFTER_US, CUE_BEFORE_US, TimeView, exact_text, span_text
from app.widgets.looks import pixmap
from app.widgets.rate_strip import Band, StripMark
from app.window.theme import current_theme, theme_bus
from protocol.analysis import Suggestion
from protocol.errors import GlimpseError
from protocol.labels import Interval, LabelSet
from recorder.browse.curves import POINTS, Stretch
from recorder.browse.regions import REGIONS, Region

PAN_SHARE = 0.2
LOOK_AGAIN_MS = 100  # while rates are being counted
COMFORTABLE_PX = 300
LOOP_PX = 3
BETWEEN = "   "  # the times of the cursor
PAPER_GOES_US = 800_000  # a t0 by the script's clock is half a second early, by the eye up to as much late


class _Rates(Protocol):
    """What is asked of recorder.browse.curves.Curves."""

    regions: tuple[Region, ...]
    problem: str | None

    @property
    def complete(self) -> bool: ...
    @property
    def progress(self) -> float: ...
    def stretch(self, start_us: int, end_us: int, points: int = POINTS) -> Stretch: ...


class TimelinePicture(QWidget):
    """Shows what it is told; times are int64 microseconds of event time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = TimeView()
        self._span_us: tuple[int, int] | None = None
        self._curves: _Rates | None = None
        self._content = Content()
        self._cursor_us, self._window_us = 0, 0
        self._loop: tuple[int, int] | None = None
        self._unfolded = True
        self._preview: Interval | None = None
        self._still = False  # the view does not follow the cursor: the mouse moves it
        self._base: QPixmap | None = None
        self._columns: tuple[object, Columns | None] = ((), None)
        self._problem = ""
        self._signs: dict[tuple[str, str, float], QPixmap] = {}
        self._again = QTimer(self)
        self._again.setInterval(LOOK_AGAIN_MS)
        self._again.timeout.connect(self._change)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(tr("Timeline"))
        theme_bus().changed.connect(self._restyle)

    # --- what is shown

    def show_take(
        self,
        span_us: tuple[int, int] | None,
        curves: _Rates | None = None,
        bands: Sequence[Band] = (),
        marks: Sequence[StripMark] = (),
        ticks_us: NDArray[np.int64] | None = None,
    ) -> None:
        """Another take from its first to its last event, all of it in sight; None: no take. Labels are shown anew after it.

        marks: the ones named as `t0` and `cue` are what times are counted from; ticks_us: when pictures were taken.
        """
        self._span_us, self._curves, self._preview = span_us, curves, None
        regions = curves.regions if curves is not None else REGIONS[:1]
        ticks = np.sort(ticks_us) if ticks_us is not None else np.zeros(0, np.int64)
        self._content = Content(tuple(bands), tuple(marks), ticks, regions=regions)
        self._loop = None
        if span_us is not None:
            self.view.set_limits(*span_us)
            self._cursor_us = span_us[0]
        self._change()
        self.updateGeometry()

    def show_labels(
        self,
        intervals: Sequence[Interval],
        chosen: str | None = None,
        suggestions: Sequence[Suggestion] = (),
        others: Sequence[tuple[str, LabelSet]] = (),
        whose: str = "",
    ) -> None:
        """What this coder says, which interval is chosen, what is suggested, and what others say: (coder, labels) each.

        whose: what the row of the first is called, "" for this coder's own labels.
        """
        told = (tuple(intervals), chosen, tuple(suggestions), tuple(others), whose)
        old = self._content
        if told != (old.intervals, old.chosen, old.suggestions, old.others, old.whose):
            self._content = replace(old, intervals=told[0], chosen=told[1], suggestions=told[2], others=told[3], whose=told[4])
            self._change()
            self.updateGeometry()

    def show_scores(self, scores: Scores | None) -> None:
        """What a model says over time; None: no model, or this coder must not see it."""
        if scores is not self._content.scores:
            self._content = replace(self._content, scores=scores)
            self._change()
            self.updateGeometry()

    def show_cursor(self, cursor_us: int, window_us: int = 0, loop: tuple[int, int] | None = None) -> None:
        """The cursor, the window of events that ends at it, and the stretch that is played again and again."""
        if (cursor_us, window_us, loop) == (self._cursor_us, self._window_us, self._loop):
            return
        way = 1 if cursor_us >= self._cursor_us else -1
        moves = cursor_us != self._cursor_us
        self._cursor_us, self._window_us, self._loop = cursor_us, window_us, loop
        if moves and not self._still and self.view.follow(cursor_us, way):
            self._change()
        self.update()

    # --- what is in sight

    def zoom(self, factor: float) -> None:
        """Show so many times as much detail about the cursor."""
        self.view.zoom(factor, self._cursor_us)
        self._change()

    def zoom_to(self, start_us: int, end_us: int) -> None:
        """Show a stretch."""
        self.view.show(start_us, end_us)
        self._change()

    def zoom_to_cue(self) -> None:
        """Show from half a second before the cue to 2.5 s after it; without a cue the whole take."""
        cue_us = self._named(tr("cue"))
        if cue_us is not None:
            self.zoom_to(cue_us - CUE_BEFORE_US, cue_us + CUE_AFTER_US)
        else:
            self.zoom_out()

    def zoom_out(self) -> None:
        """Show the whole take."""
        self.zoom_to(self.view.limits.start_us, self.view.limits.end_us)

    def pan(self, way: float) -> None:
        """Move the view to earlier (-1) or later (1) times by a fifth of it."""
        self.view.pan(way * PAN_SHARE)
        self._change()

    def fold(self, folded: bool) -> None:
        """Hide or show the parts of the face."""
        self._unfolded = not folded
        self._change()
        self.updateGeometry()

    @property
    def folded(self) -> bool:
        """Whether the parts of the face are hidden."""
        return not self._unfolded

    def rows(self) -> tuple[Row, ...]:
        """Where everything lies."""
        return rows_of(self._shown(), self.view, self.height(), self._unfolded)

    def sizeHint(self) -> QSize:
        """Comfortable."""
        return QSize(900, max(COMFORTABLE_PX, least_height(self._content, self._unfolded)))

    def minimumSizeHint(self) -> QSize:
        """Every row can be read, the parts of the face folded."""
        return QSize(420, least_height(self._content, False))

    def _named(self, text: str) -> int | None:
        return next((mark.at_us for mark in self._content.marks if mark.text == text), None)

    def _paper_us(self) -> int | None:
        """When the sheet of paper is surely gone: it gives more events than any face."""
        t0_us = self._named(tr("t0"))
        return None if t0_us is None else t0_us + PAPER_GOES_US

    def _zero_us(self) -> int:
        """From when the axis counts: the cue, else t0, else the first event."""
        for text in (tr("cue"), tr("t0")):
            if (at_us := self._named(text)) is not None:
                return at_us
        return self._span_us[0] if self._span_us else 0

    def _shown(self) -> Content:
        if self._preview is None:
            return self._content
        preview = self._preview
        intervals = tuple(preview if one.id == preview.id else one for one in self._content.intervals)
        return replace(self._content, intervals=intervals)

    # --- painting

    def _change(self) -> None:
        self._base = None
        self.update()

    def _restyle(self) -> None:
        self._signs.clear()
        self._change()

    def paintEvent(self, event: QPaintEvent) -> None:
        """What was kept, and the cursor over it."""
        painter = QPainter(self)
        if self._span_us is None:
            self._paint_empty(painter)
        else:
            ratio = self.devicePixelRatioF()
            if self._base is None or self._base.size() != self.size() * ratio:
                self._base = self._painted(ratio)
            painter.drawPixmap(0, 0, self._base)
            self._paint_cursor(painter)
        painter.end()

    def _paint_empty(self, painter: QPainter) -> None:
        theme = current_theme()
        painter.fillRect(self.rect(), theme.qcolor("view"))
        painter.setFont(theme.font("body"))
        painter.setPen(theme.qcolor("text_muted"))
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), tr("No take is open."))

    def _painted(self, ratio: float) -> QPixmap:
        theme = current_theme()
        self.view.width = max(1.0, float(self.width() - GUTTER_PX))
        base = QPixmap(self.size() * ratio)
        base.setDevicePixelRatio(ratio)
        base.fill(theme.qcolor("view"))
        columns = self._counted(ratio)
        painter = QPainter(base)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        note = self._note()
        shown, rows = self._shown(), self.rows()
        unfolded = sum(row.kind is Kind.CURVE for row in rows) > 1
        scene = Scene(theme, self.view, rows, shown, self._zero_us(), columns, note, unfolded, ratio, self._sign)
        paint_rows(painter, scene, self.width())
        painter.end()
        return base

    def _sign(self, name: str, role: str) -> QPixmap:
        key = (name, role, self.devicePixelRatioF())
        if key not in self._signs:
            self._signs[key] = pixmap(name, role, SIGN_PX, self)
        return self._signs[key]

    def _note(self) -> str:
        """What is to be known of the curves; looks again while they are counted."""
        curves = self._curves
        counting = curves is not None and not curves.complete and curves.problem is None
        if counting and self.isVisible():
            self._again.start()
        else:
            self._again.stop()
        if curves is None:
            return tr("There are no events to show.")
        if problem := curves.problem or self._problem:
            return problem
        return tr("counting: {share:.0%}").format(share=curves.progress) if counting else ""

    def _counted(self, ratio: float) -> Columns | None:
        """The rates in sight by pixel column; asked for only where the view or what is counted has changed."""
        curves, shown = self._curves, self.view.shown
        if curves is None:
            return None
        columns = max(1, round(self.view.width * ratio))
        key = (id(curves), curves.complete, curves.progress, shown, columns)
        if key != self._columns[0]:
            self._problem = ""
            try:
                stretch = curves.stretch(shown.start_us, shown.end_us, min(POINTS, 2 * columns))
                self._columns = (key, columns_of(stretch, shown.start_us, shown.end_us, columns, self._paper_us()))
            except GlimpseError as error:  # the disk fails: said over the curves
                self._problem = str(error)
                self._columns = (key, None)
            except ValueError:  # the take was closed; another one comes
                self._columns = (key, None)
        return self._columns[1]

    def _paint_cursor(self, painter: QPainter) -> None:
        theme = current_theme()
        room = QRectF(GUTTER_PX, 0, self.width() - GUTTER_PX, self.height())
        self._paint_times(painter, QRectF(GUTTER_PX + PAD_PX, 0, room.width() - 2 * PAD_PX, HEAD_PX))
        painter.setClipRect(room)
        x, begin = self._place(self._cursor_us), self._place(self._cursor_us - self._window_us)
        painter.fillRect(QRectF(begin, HEAD_PX, max(x - begin, 1.0), self.height()), theme.qcolor("accent", 0.16))
        if self._loop is not None:
            start, end = (self._place(one) for one in self._loop)
            painter.fillRect(QRectF(start, HEAD_PX, end - start, LOOP_PX), theme.qcolor("check"))
            for border in (start, end - LOOP_PX):
                painter.fillRect(QRectF(border, HEAD_PX, LOOP_PX, AXIS_PX - HEAD_PX), theme.qcolor("check"))
        painter.setPen(QPen(theme.qcolor("text"), 2))
        painter.drawLine(QPointF(x, HEAD_PX), QPointF(x, self.height()))
        painter.setClipping(False)

    def _place(self, t_us: int) -> float:
        return GUTTER_PX + min(max(self.view.x_of(t_us), -FAR_PX), FAR_PX)

    def _paint_times(self, painter: QPainter, room: QRectF) -> None:
        """The cursor's time from t0 and from the cue, and as it is; the window."""
        theme = current_theme()
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.qcolor("text"))
        metrics, text = painter.fontMetrics(), self.cursor_text()
        window = tr("{length} up to the cursor").format(length=span_text(self._window_us)) if self._window_us else ""
        left = room.width() - metrics.horizontalAdvance(window) - 2 * PAD_PX
        if metrics.horizontalAdvance(text) > left:  # the time as it is in the file is missed least
            text = text.rpartition(BETWEEN)[0] or text
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)
        painter.setPen(theme.qcolor("text_muted"))
        if metrics.horizontalAdvance(text) <= left:
            painter.drawText(room, RIGHT, window)

    def cursor_text(self) -> str:
        """The cursor's time: from t0, from the cue, and in microseconds of event time."""
        parts = [
            f"{text} {exact_text(self._cursor_us - at_us)}"
            for text in (tr("t0"), tr("cue"))
            if (at_us := self._named(text)) is not None
        ]
        if not parts and self._span_us:
            parts = [exact_text(self._cursor_us - self._span_us[0])]
        absolute = f"{self._cursor_us:,}".replace(",", " ")
        return BETWEEN.join([*parts, tr("{us} µs").format(us=absolute)])

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is looked for while nobody looks."""
        self._again.stop()
        super().hideEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Paint anew in another type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange, QEvent.Type.EnabledChange):
            self._change()
