"""Events per second over time, ON upwards and OFF downwards, on the event clock, with the script's steps and marks.

Scrolls while nothing is recorded; during a take it stands still and shows the whole script.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QFontMetricsF, QPainter
from PySide6.QtWidgets import QGraphicsItem, QSizePolicy, QStyleOptionGraphicsItem, QVBoxLayout, QWidget

from app.i18n import tr
from app.preview.ratehistory import RateHistory, RateSeries
from app.widgets.event_view import short_number
from app.widgets.looks import pixmap
from app.window.theme import current_theme, theme_bus
from protocol.streams import Array

SCROLL_S = 15.0
KEPT_S = 90.0  # longer than any scripted take but one of free length, of which the end is shown
MOST_COLUMNS = 400  # two pixels each on a wide window; more are drawn slower and look the same
LEAST_RATE = 10_000.0  # events per second at the top of an empty chart
HEADROOM, SHRINK_BELOW = 1.15, 0.4  # the scale grows at once and shrinks only when it is far too large
ROOM_ABOVE = 1.3  # for the names of the steps and the signs of the marks
MARK_PX = 16
SCALE_SHARE = 94.0  # per cent of the columns that fit: the paper, in and out, is in fewer than the rest
NAMED_PX = 520  # on a narrower chart the marks' names would lie upon one another


@dataclass(frozen=True)
class Band:
    """A step of the script. start_us, end_us: event time, as planned or as it was."""

    text: str
    start_us: int
    end_us: int


@dataclass(frozen=True)
class StripMark:
    """An instant. how: detected, pressed or scheduled; each has its icon."""

    text: str
    at_us: int
    how: str


class _TimeAxis(pg.AxisItem):  # type: ignore[misc]
    """Whole seconds counted from `zero_s`."""

    zero_s = 0.0

    def tickValues(self, minimum: float, maximum: float, size: float) -> list[tuple[float, list[float]]]:
        """Every 1, 2, 5 ... seconds, counted from the zero."""
        steps = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
        step = next((one for one in steps if (maximum - minimum) / one * 44 <= size), steps[-1])
        first = np.ceil((minimum - self.zero_s) / step - 1e-6)
        last = np.floor((maximum - self.zero_s) / step + 1e-6)
        return [(step, [self.zero_s + k * step for k in np.arange(first, last + 1)])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Seconds with their sign."""
        return [tr("{seconds} s").format(seconds=f"{round(value - self.zero_s):d}") for value in values]


class _RateAxis(pg.AxisItem):  # type: ignore[misc]
    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Rates without a sign: the direction says which polarity."""
        return [short_number(abs(value)) for value in values]


class RateStrip(QWidget):
    """`feed` what came, then `refresh` once a frame."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.history = RateHistory(seconds=KEPT_S)
        self._origin_us: int | None = None
        self._span: tuple[int, int] | None = None
        self._zero_us: int | None = None
        self._bands: tuple[Band, ...] = ()
        self._marks: tuple[StripMark, ...] = ()
        self._items: list[QGraphicsItem] = []
        self._peak = LEAST_RATE
        self._time, self._rates = _TimeAxis("bottom"), _RateAxis("left")
        # Not a whole PlotItem: that makes menus and buttons that are never shown.
        self._plot = pg.GraphicsLayoutWidget()
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0.0)
        self._on, self._off = (pg.PlotCurveItem(fillLevel=0) for _ in range(2))
        self._now = pg.InfiniteLine(angle=90)
        self._now.setVisible(False)
        self._empty = pg.TextItem(tr("No events yet"), anchor=(0.5, 0.5))
        self._build()
        self._restyle()
        theme_bus().changed.connect(self._restyle)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._plot)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(96)
        self.setAccessibleName(tr("Events per second: ON upwards, OFF downwards"))
        self.setToolTip(tr("Events per second: ON upwards, OFF downwards"))
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        grid = self._plot.ci
        grid.setContentsMargins(0, 4, 4, 0)
        grid.layout.setSpacing(0)
        for item, at in ((self._rates, (0, 0)), (self._box, (0, 1)), (self._time, (1, 1))):
            grid.addItem(item, *at)
        self._rates.linkToView(self._box)
        self._time.linkToView(self._box)
        self._rates.setWidth(52)
        for item in (self._on, self._off, self._now):
            self._box.addItem(item, ignoreBounds=True)
        self._now.setZValue(20)
        self._empty.setParentItem(self._box)
        self._box.sigResized.connect(self._centre_empty)
        self._box.disableAutoRange()
        self._box.setXRange(-SCROLL_S, 0, padding=0)
        self._show_scale()

    def _centre_empty(self, *_: object) -> None:
        self._empty.setPos(self._box.width() / 2, self._box.height() / 2)

    def feed(self, events: Array) -> None:
        """Take in events [n]."""
        self.history.feed(events)

    def clear(self) -> None:
        """Forget events and script: another camera."""
        self.history.reset()
        self._origin_us = None
        self._peak = LEAST_RATE
        self.show_take(None)

    def show_take(self, span_us: tuple[int, int] | None, zero_us: int | None = None) -> None:
        """Stand still from the first to the last event time of a take, counted from `zero_us`; None: scroll again."""
        zero_us = zero_us if zero_us is not None or span_us is None else span_us[0]
        if (span_us, zero_us) == (self._span, self._zero_us) and (span_us or not self._bands):
            return
        self._span, self._zero_us = span_us, zero_us
        if span_us is None:
            self._bands, self._marks = (), ()
        self._rebuild()

    def set_script(self, bands: Sequence[Band], marks: Sequence[StripMark] = ()) -> None:
        """Show these steps and marks; called with the same again it costs nothing."""
        if (tuple(bands), tuple(marks)) != (self._bands, self._marks):
            self._bands, self._marks = tuple(bands), tuple(marks)
            self._rebuild()

    def refresh(self, now_us: int | None = None) -> None:
        """Draw up to this event time (default: that of the newest event)."""
        series = self.history.series(KEPT_S if self._span else SCROLL_S + 1)
        self._now.setVisible(bool(len(series.start_us)))
        self._empty.setVisible(not len(series.start_us))
        if not len(series.start_us):
            self._on.clear()
            self._off.clear()
            return
        now_us = max(now_us or 0, self.history.newest_us or 0)
        self._place_origin(int(series.start_us[0]))
        self._show_range(now_us)
        at, on, off = thinned(series, self.history.bin_us, MOST_COLUMNS)
        edges = self._seconds(np.append(at, at[-1] + (at[1] - at[0] if len(at) > 1 else self.history.bin_us)))
        self._on.setData(edges, on, stepMode="center")
        self._off.setData(edges, -off, stepMode="center")
        # Not the very highest: for a third of a second the paper gives a hundred times what a face does.
        self._scale(float(np.percentile(np.maximum(on, off), SCALE_SHARE)))
        self._now.setPos(self._seconds(now_us))

    def _place_origin(self, first_us: int) -> None:
        # Drawn in seconds from an origin near by: in absolute event time a pixel is beyond single precision.
        if self._origin_us is None or abs(first_us - self._origin_us) > 3_600_000_000:
            self._origin_us = first_us
            self._rebuild()

    def _seconds(self, at_us: Any) -> Any:
        return (at_us - (self._origin_us or 0)) / 1e6

    def _show_range(self, now_us: int) -> None:
        begin, end = self._span or (now_us - round(SCROLL_S * 1e6), now_us)
        if self._span and now_us > end:  # of free length, or a cue that came late: the end stays in sight
            begin, end = begin + (now_us - end), now_us
        self._time.zero_s = self._seconds(self._zero_us if self._zero_us is not None else now_us)
        self._box.setXRange(self._seconds(begin), self._seconds(end), padding=0)

    def _scale(self, most: float) -> None:
        wanted = max(LEAST_RATE, most * HEADROOM)
        if wanted > self._peak or wanted < SHRINK_BELOW * self._peak:
            self._peak = nice_above(wanted)
            self._show_scale()

    def _show_scale(self) -> None:
        top = self._peak * ROOM_ABOVE
        self._box.setYRange(-top, top, padding=0)
        self._rates.setTicks([[(value, short_number(abs(value))) for value in (-self._peak, 0.0, self._peak)]])
        for item in self._items:
            if isinstance(item, _MarkSign):
                item.setPos(item.x(), -top)

    def _rebuild(self) -> None:
        for item in self._items:
            self._box.removeItem(item)
        self._items = []
        if self._origin_us is None:
            return
        for number, band in enumerate(self._bands):
            self._add_band(band, number)
        for mark in self._marks:
            self._add_mark(mark)

    def _add_band(self, band: Band, number: int) -> None:
        theme = current_theme()
        region = pg.LinearRegionItem(
            (self._seconds(band.start_us), self._seconds(band.end_us)),
            movable=False,
            brush=theme.qcolor("neutral_mark", 0.14 if number % 2 else 0.05),
            pen=pg.mkPen(theme.qcolor("outline"), width=1),
        )
        region.setZValue(-10)
        self._add(region)
        label = _BandLabel(band.text, self._seconds(band.end_us) - self._seconds(band.start_us), theme.qcolor("text_muted"))
        label.place(self._box, self._seconds(band.start_us))
        self._add(label)

    def _add_mark(self, mark: StripMark) -> None:
        theme = current_theme()
        line = pg.InfiniteLine(self._seconds(mark.at_us), 90, pen=pg.mkPen(theme.qcolor("accent"), width=2))
        line.setZValue(10)
        self._add(line)
        sign = _MarkSign(mark, self)
        sign.setPos(self._seconds(mark.at_us), -self._peak * ROOM_ABOVE)
        self._add(sign)

    def _add(self, item: Any) -> None:
        self._box.addItem(item, ignoreBounds=True)
        self._items.append(item)

    def marks(self) -> tuple[StripMark, ...]:
        """What is marked."""
        return self._marks

    def bands(self) -> tuple[Band, ...]:
        """The steps that are shown."""
        return self._bands

    def visible_seconds(self) -> tuple[float, float]:
        """First and last second in sight, counted from the zero of the axis."""
        begin, end = self._box.viewRange()[0]
        return begin - self._time.zero_s, end - self._time.zero_s

    def _restyle(self) -> None:
        theme = current_theme()
        self._plot.setBackground(QColor(theme.color("view")))
        for axis in (self._time, self._rates):
            axis.setPen(pg.mkPen(theme.qcolor("outline")))
            axis.setTextPen(pg.mkPen(theme.qcolor("text_muted")))
            axis.setStyle(tickFont=theme.font("caption"), tickLength=-4)
        for curve, role in ((self._on, "on"), (self._off, "off")):
            curve.setPen(None)
            curve.setBrush(theme.qcolor(role))
        self._empty.setColor(theme.qcolor("text_muted"))
        self._empty.setFont(theme.font("body"))
        self._now.setPen(pg.mkPen(theme.qcolor("text_muted"), width=1))
        self._rebuild()


class _BandLabel(pg.TextItem):  # type: ignore[misc]
    """The name of a step at the top of its band, cut to the band's width as it is on the screen."""

    def __init__(self, text: str, width_s: float, color: QColor) -> None:
        self._box: Any = None  # the base class looks at its view while it is made
        super().__init__(text, color=color, anchor=(0, 0))
        self._whole, self._width_s = text, width_s
        self.setFont(current_theme().font("caption"))

    def place(self, box: Any, at_s: float) -> None:
        """Stay at the top of the view, whatever its scale."""
        self._box, self._at_s = box, at_s

    def viewTransformChanged(self) -> None:
        """The scale or the size has changed."""
        super().viewTransformChanged()
        if self._box is None:
            return
        per_px = self._box.viewPixelSize()[0]
        top = self._box.viewRange()[1][1]
        shown = self.textItem.document().defaultFont()
        room = self._width_s / per_px - 10 if per_px else 0
        text = QFontMetrics(shown).elidedText(self._whole, Qt.TextElideMode.ElideRight, int(max(0, room)))
        if text != self.toPlainText():
            self.setPlainText("" if text == "…" else text)
        self.setPos(self._at_s, top)


class _MarkSign(QGraphicsItem):
    """An instant's name, and how it was found as an icon; its tooltip says it in words. Stands at the foot of its line."""

    def __init__(self, mark: StripMark, owner: QWidget) -> None:
        super().__init__()
        words = {"detected": tr("detected"), "pressed": tr("pressed"), "scheduled": tr("by the clock")}
        self.setToolTip(f"{mark.text}: {words[mark.how]}")
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setZValue(15)
        self._text, self._font = mark.text, current_theme().font("caption")
        self._icon = pixmap(mark.how, "accent", MARK_PX, owner)
        line = QFontMetricsF(self._font)
        self._box = QRectF(0, 0, MARK_PX + line.horizontalAdvance(mark.text) + 10, max(MARK_PX, line.height()) + 2)
        self._box.moveBottomLeft(QPointF(1, -1))

    def boundingRect(self) -> QRectF:
        """Its plate."""
        return self._box

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Plate, icon, name."""
        theme = current_theme()
        whole = widget is None or widget.width() >= NAMED_PX
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.qcolor("surface_raised", 0.9))
        painter.drawRoundedRect(self._box.adjusted(0, 0, 0 if whole else MARK_PX + 4 - self._box.width(), 0), 3, 3)
        painter.drawPixmap(QPointF(self._box.left() + 2, self._box.center().y() - MARK_PX / 2), self._icon)
        if not whole:
            return
        painter.setPen(theme.qcolor("text"))
        painter.setFont(self._font)
        painter.drawText(self._box.adjusted(MARK_PX + 5, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), self._text)


def thinned(series: RateSeries, bin_us: int, most: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Means over whole groups of bins, at most `most` groups and a few; the groups' borders stand still on the event clock."""
    together = -(-len(series.start_us) // most)
    if together <= 1:
        return series
    number = series.start_us // bin_us
    first = int(-number[0] % together)
    groups = (len(number) - first) // together
    if groups < 1:
        return series
    kept = slice(first, first + groups * together)
    at = series.start_us[kept].reshape(groups, together)[:, 0]
    on, off = (rate[kept].reshape(groups, together).mean(axis=1) for rate in (series.on, series.off))
    return at, on, off


def nice_above(value: float) -> float:
    """The next of 1, 2, 5, 10 ... above."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= value))
