"""Paints the rows of a timeline: axis, script, curves, ticks, suggestions, labels. Nothing is told apart by colour alone.

Suggestions are hatched with a dashed outline, labels filled with a solid one; landmarks have shapes. Knows no mouse.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter, QPen, QPixmap, QPolygonF

from app.i18n import tr
from app.pages.label.timeline_curves import Columns, CurveColours, curve_pixels
from app.pages.label.timeline_rows import HEAD_PX, LANDMARKS, LANE_PX, Content, Kind, Row, lanes, room_beside
from app.pages.label.timeline_view import TimeView, tick_text
from app.preview.palettes import rgba
from app.widgets.event_view import short_number
from app.window.theme import Theme
from protocol.analysis import Suggestion, SuggestionKind
from protocol.labels import Interval, IntervalKind
from protocol.movement import BY_TOKEN
from recorder.browse.regions import Region

GUTTER_PX = 116
PAD_PX, SIGN_PX, HANDLE_PX = 4, 14, 5
FAR_PX = 20_000.0  # beyond it coordinates are cut: the painter counts in single precision
MIDDLE = int(Qt.AlignmentFlag.AlignVCenter)
RIGHT = MIDDLE | int(Qt.AlignmentFlag.AlignRight)


@dataclass(frozen=True)
class Scene:
    """What is painted. zero_us: from when the axis counts; columns: None without curves; note: said over the curves; sign: an
    icon by name and role.
    """

    theme: Theme
    view: TimeView
    rows: Sequence[Row]
    content: Content
    zero_us: int
    columns: Columns | None
    note: str
    unfolded: bool
    ratio: float
    sign: Callable[[str, str], QPixmap]


def region_name(region: Region) -> str:
    """What a part of the face is called."""
    names = {
        Region.FACE: tr("Face"),
        Region.BROW: tr("Brow"),
        Region.EYES: tr("Eyes"),
        Region.NOSE: tr("Nose"),
        Region.MOUTH: tr("Mouth"),
        Region.JAW: tr("Jaw"),
    }
    return names[region]


def interval_name(interval: Interval) -> str:
    """What moves, and which kind it is where it was not asked for."""
    movement = BY_TOKEN.get(interval.movement or "")
    name = tr(movement.display) if movement else " + ".join(f"AU{unit}" for unit in interval.action_units)
    kinds = {IntervalKind.ASKED: "", IntervalKind.BLINK: tr("blink"), IntervalKind.OTHER: tr("other")}
    kind = kinds[interval.kind]
    same = not kind or (interval.kind is IntervalKind.BLINK and interval.movement == "blink")
    strength = f" {interval.intensity}" if interval.intensity else ""
    return name + strength if same else f"{name}{strength} ({kind})"


def paint_rows(painter: QPainter, scene: Scene, width: float) -> None:
    """Everything but the cursor."""
    painters = {
        Kind.AXIS: _paint_axis,
        Kind.SCRIPT: _paint_script,
        Kind.CURVE: _paint_curve,
        Kind.TICKS: _paint_ticks,
        Kind.SCORES: _paint_scores,
        Kind.SUGGESTED: _paint_suggested,
        Kind.LABELS: _paint_labels,
        Kind.OTHER: _paint_other,
    }
    painter.setFont(scene.theme.font("caption"))
    for row in scene.rows:
        _paint_name(painter, scene, row)
    painter.setClipRect(QRectF(GUTTER_PX, 0, width - GUTTER_PX, 1e6))
    painter.translate(GUTTER_PX, 0)
    _paint_borders(painter, scene)
    for row in scene.rows:
        painters[row.kind](painter, scene, row)
    painter.translate(-GUTTER_PX, 0)
    painter.setClipping(False)


def _x(scene: Scene, t_us: int) -> float:
    return min(max(scene.view.x_of(t_us), -FAR_PX), FAR_PX)


def _text(painter: QPainter, theme: Theme, box: QRectF, text: str, flags: int = MIDDLE, role: str = "text") -> None:
    """One line, cut where there is no room; nothing where there is none for three letters."""
    line = QFontMetricsF(painter.font())
    if box.width() < line.averageCharWidth() * 3:
        return
    painter.setPen(theme.qcolor(role))
    painter.drawText(box, flags, line.elidedText(text, Qt.TextElideMode.ElideRight, box.width()))


def _paint_name(painter: QPainter, scene: Scene, row: Row) -> None:
    names = {
        Kind.TICKS: tr("Pictures"),
        Kind.SUGGESTED: tr("Suggested"),
        Kind.LABELS: tr("Consensus") if scene.content.others else tr("My labels"),
        Kind.SCRIPT: tr("Script"),
    }
    name, box = row.name or names.get(row.kind, ""), QRectF(PAD_PX, row.top, GUTTER_PX - 2 * PAD_PX, row.height)
    if row.kind is Kind.CURVE and row.region is not None:
        name = region_name(row.region)
        if row.region is Region.FACE:
            foldable = len(scene.content.regions) > 1
            name = (("▾ " if scene.unfolded else "▸ ") if foldable else "") + (name if foldable else tr("Events"))
        if scene.columns is not None:
            top = tr("{rate}/s").format(rate=short_number(scene.columns.top(scene.content.regions.index(row.region))))
            _text(painter, scene.theme, box, top, RIGHT, "text_muted")
            box.setWidth(box.width() - QFontMetricsF(painter.font()).horizontalAdvance(top) - PAD_PX)
    if row.height >= LANE_PX * 2:
        box.setHeight(min(box.height(), LANE_PX) if row.kind in (Kind.LABELS, Kind.OTHER) else box.height())
    _text(painter, scene.theme, box, name, role="text" if row.kind is Kind.LABELS else "text_muted")


def _paint_borders(painter: QPainter, scene: Scene) -> None:
    """Where steps begin, through all rows; every other step on another ground."""
    bottom = scene.rows[-1].bottom
    for number, band in enumerate(scene.content.bands):
        begin, end = _x(scene, band.start_us), _x(scene, band.end_us)
        if number % 2:
            painter.fillRect(QRectF(begin, 0, end - begin, bottom), scene.theme.qcolor("neutral_mark", 0.06))
    painter.setPen(QPen(scene.theme.qcolor("outline"), 1))
    for row in scene.rows[1:]:
        painter.drawLine(QPointF(-GUTTER_PX, row.top - 2), QPointF(scene.view.width, row.top - 2))


def _paint_axis(painter: QPainter, scene: Scene, row: Row) -> None:
    step_us, times = scene.view.ticks(scene.zero_us)
    half = row.top + HEAD_PX
    for t_us in times:
        x = _x(scene, t_us)
        painter.setPen(QPen(scene.theme.qcolor("outline"), 1))
        painter.drawLine(QPointF(x, half + 3), QPointF(x, row.bottom))
        box = QRectF(x + 4, half + 3, 120, row.bottom - half - 3)
        _text(painter, scene.theme, box, tick_text(t_us - scene.zero_us, step_us), role="text_muted")


def _paint_script(painter: QPainter, scene: Scene, row: Row) -> None:
    plates = _paint_marks(painter, scene, row)
    for band in scene.content.bands:
        begin, end = max(_x(scene, band.start_us), 0.0), min(_x(scene, band.end_us), scene.view.width)
        painter.setPen(QPen(scene.theme.qcolor("outline"), 1))
        painter.drawLine(QPointF(begin, row.top), QPointF(begin, row.bottom))
        left = max((plate.right() for plate in plates if plate.left() <= begin + 24 and plate.right() > begin), default=begin)
        right = min((plate.left() for plate in plates if plate.left() > left), default=end)
        room = QRectF(left + PAD_PX, row.top, min(right, end) - left - 2 * PAD_PX, row.height)
        _text(painter, scene.theme, room, band.text, role="text_muted")


def _paint_marks(painter: QPainter, scene: Scene, row: Row) -> list[QRectF]:
    """Lines through all rows; on the script's row the name, and how it is known as an icon."""
    line = QFontMetricsF(painter.font())
    plates: list[QRectF] = []
    bottom = scene.rows[-1].bottom
    for mark in scene.content.marks:
        x = _x(scene, mark.at_us)
        painter.setPen(QPen(scene.theme.qcolor("accent"), 1.5))
        painter.drawLine(QPointF(x, row.top), QPointF(x, bottom))
        width = SIGN_PX + line.horizontalAdvance(mark.text) + 3 * PAD_PX
        plate = QRectF(x, row.top + 1, width, row.height - 2)
        plates.append(plate)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(scene.theme.qcolor("surface_raised"))
        painter.drawRoundedRect(plate, 3, 3)
        sign = scene.sign(mark.how, "accent")
        painter.drawPixmap(QPointF(x + PAD_PX, plate.center().y() - SIGN_PX / 2), sign)
        _text(painter, scene.theme, plate.adjusted(SIGN_PX + 2 * PAD_PX, 0, PAD_PX, 0), mark.text)
    return plates


def _paint_curve(painter: QPainter, scene: Scene, row: Row) -> None:
    theme = scene.theme
    if scene.columns is not None and row.region is not None:
        region = scene.content.regions.index(row.region)
        colours = CurveColours(rgba(theme.color("on")), rgba(theme.color("off")), rgba(theme.color("text_muted")))
        pixels = curve_pixels(scene.columns, region, max(2, round(row.height * scene.ratio)), colours)
        height, width = pixels.shape
        image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_ARGB32_Premultiplied)
        painter.drawImage(QRectF(0, row.top, scene.view.width, row.height), image, QRectF(image.rect()))
    painter.setPen(QPen(theme.qcolor("outline"), 1))
    middle = row.top + row.height / 2
    painter.drawLine(QPointF(0, middle), QPointF(scene.view.width, middle))
    if row.region is Region.FACE and scene.note:
        box = QRectF(PAD_PX, row.top, scene.view.width - 2 * PAD_PX, min(row.height, LANE_PX))
        width = min(QFontMetricsF(painter.font()).horizontalAdvance(scene.note) + 2 * PAD_PX, box.width())
        painter.fillRect(QRectF(box.right() - width + PAD_PX, box.top(), width, box.height()), theme.qcolor("view", 0.9))
        _text(painter, theme, box, scene.note, RIGHT)


def _paint_ticks(painter: QPainter, scene: Scene, row: Row) -> None:
    shown = scene.view.shown
    first, last = np.searchsorted(scene.content.ticks_us, (shown.start_us, shown.end_us))
    painter.setPen(QPen(scene.theme.qcolor("text_muted"), 1.5))
    for t_us in scene.content.ticks_us[first:last].tolist():
        x = _x(scene, t_us)
        painter.drawLine(QPointF(x, row.top + 1), QPointF(x, row.bottom - 1))


def _paint_scores(painter: QPainter, scene: Scene, row: Row) -> None:
    scores, shown = scene.content.scores, scene.view.shown
    if scores is None or not len(scores.at_us):
        return
    first, last = np.searchsorted(scores.at_us, (shown.start_us, shown.end_us))
    first, last = max(int(first) - 1, 0), min(int(last) + 1, len(scores.at_us))
    step = max(1, (last - first) // round(scene.view.width))
    times, values = scores.at_us[first:last:step].tolist(), scores.values[first:last:step].tolist()
    line = [
        QPointF(_x(scene, t_us), row.bottom - 1 - value * (row.height - 2)) for t_us, value in zip(times, values, strict=True)
    ]
    painter.setPen(QPen(scene.theme.qcolor("neutral_mark"), 1.5))
    painter.drawPolyline(QPolygonF(line))


def _paint_suggested(painter: QPainter, scene: Scene, row: Row) -> None:
    found = sorted(scene.content.suggestions, key=lambda one: one.onset_us)
    limits = [*(_x(scene, one.onset_us) - PAD_PX for one in found[1:]), scene.view.width]
    for suggestion, limit in zip(found, limits, strict=True):
        _paint_suggestion(painter, scene, row, suggestion, min(limit, scene.view.width))


def _paint_suggestion(painter: QPainter, scene: Scene, row: Row, suggestion: Suggestion, limit: float) -> None:
    """limit: where its text ends at the latest."""
    theme = scene.theme
    begin, end = _x(scene, suggestion.onset_us), _x(scene, suggestion.offset_us)
    box = QRectF(begin, row.top + 2, max(end - begin, 2.0), row.height - 4)
    painter.setBrush(QBrush(theme.qcolor("text_muted", 0.5), Qt.BrushStyle.BDiagPattern))
    painter.setPen(QPen(theme.qcolor("neutral_mark"), 1.2, Qt.PenStyle.DashLine))
    painter.drawRect(box)
    apex = _x(scene, suggestion.apex_us)
    painter.drawLine(QPointF(apex, box.top()), QPointF(apex, box.bottom()))
    kinds = {
        SuggestionKind.MOVEMENT: tr("movement"),
        SuggestionKind.BLINK: tr("blink"),
        SuggestionKind.HEAD: tr("head"),
        SuggestionKind.OTHER: tr("other"),
    }
    text = tr("{kind} {share:.0%}").format(kind=kinds[suggestion.kind], share=suggestion.confidence)
    needed = QFontMetricsF(painter.font()).horizontalAdvance(text) + 2 * PAD_PX
    if needed + 2 * HANDLE_PX > box.width() and needed > limit - box.right():
        text = f"{suggestion.confidence:.0%}"
    _paint_beside(painter, theme, box, text, limit, plate=True)


def _paint_beside(painter: QPainter, theme: Theme, box: QRectF, text: str, width: float, *, plate: bool = False) -> None:
    """A text within a box, beside it where it is too narrow."""
    needed = QFontMetricsF(painter.font()).horizontalAdvance(text) + 2 * PAD_PX
    shown = box.intersected(QRectF(0, box.top(), width, box.height()))
    if shown.isEmpty():
        return
    inside = shown.width() >= needed + 2 * HANDLE_PX
    room = QRectF(shown.left() + HANDLE_PX + 2 if inside else shown.right() + 2, box.top(), needed, box.height())
    room.setRight(min(room.right(), width))
    if plate and inside:
        painter.fillRect(room.adjusted(0, 1, 0, -1), theme.qcolor("view", 0.85))
    _text(painter, theme, room.adjusted(PAD_PX, 0, 0, 0), text)


def _paint_labels(painter: QPainter, scene: Scene, row: Row) -> None:
    if not scene.content.intervals:
        room = QRectF(PAD_PX, row.top, scene.view.width - 2 * PAD_PX, row.height)
        _text(painter, scene.theme, room, tr("Nothing is marked yet."), role="text_muted")
    _paint_intervals(painter, scene, row, scene.content.intervals, scene.content.chosen)


def _paint_other(painter: QPainter, scene: Scene, row: Row) -> None:
    _paint_intervals(painter, scene, row, scene.content.others[row.number][1].intervals, None)


def _paint_intervals(painter: QPainter, scene: Scene, row: Row, intervals: Sequence[Interval], chosen: str | None) -> None:
    places, nexts = lanes(intervals), room_beside(intervals)
    for interval in sorted(intervals, key=lambda one: one.id == chosen):
        top = row.top + LANE_PX * places[interval.id]
        _paint_interval(painter, scene, interval, top, interval.id == chosen, nexts.get(interval.id))


def _paint_interval(painter: QPainter, scene: Scene, interval: Interval, top: float, chosen: bool, next_us: int | None) -> None:
    """next_us: where the next one of its lane begins."""
    theme = scene.theme
    role = "accent" if interval.kind is IntervalKind.ASKED else "neutral_mark"
    begin, end = _x(scene, interval.onset_us), _x(scene, interval.offset_us)
    box = QRectF(begin, top + 3, max(end - begin, 1.5), LANE_PX - 6)
    painter.setBrush(theme.qcolor(role, 0.42 if chosen else 0.2))
    painter.setPen(QPen(theme.qcolor("text" if chosen else role), 2 if chosen else 1))
    painter.drawRect(box)
    for landmark in LANDMARKS:
        at_us = getattr(interval, f"{landmark}_us")
        if at_us is not None:
            _paint_landmark(painter, theme.qcolor("text" if chosen else role), _x(scene, at_us), box, landmark)
    limit = scene.view.width if next_us is None else _x(scene, next_us) - HANDLE_PX
    _paint_beside(painter, theme, box, interval_name(interval), min(limit, scene.view.width))


def _paint_landmark(painter: QPainter, colour: QColor, x: float, box: QRectF, landmark: str) -> None:
    """Onset points to the right, offset to the left, the apex is a diamond; the tip or middle line is the instant."""
    painter.setPen(QPen(colour, 1.5))
    painter.drawLine(QPointF(x, box.top() - 2), QPointF(x, box.bottom() + 2))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    y, size = box.bottom(), HANDLE_PX
    shapes = {
        "onset": [(0, -size), (size + 1, 0), (0, size)],
        "apex": [(0, -size), (size, 0), (0, size), (-size, 0)],
        "offset": [(0, -size), (-size - 1, 0), (0, size)],
    }
    painter.drawPolygon(QPolygonF([QPointF(x + dx, y - 1 + dy * 0.8) for dx, dy in shapes[landmark]]))
