"""A ring that empties as time runs out, with the seconds in it. Knows no script."""

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.window.theme import current_theme

START_16THS = 90 * 16  # Qt counts in sixteenths of a degree from three o'clock, against the clock
THICKNESS = 0.09


def paint_ring(
    painter: QPainter, box: QRectF, left_s: float | None, total_s: float | None, *, ink: str = "text", steady: bool = False
) -> None:
    """ink: role of the text's colour, "on_accent" on a coloured ground; steady: as much of the ring is lit at every instant,
    and a dot runs round in place of a shrinking arc.
    """
    theme = current_theme()
    width = THICKNESS * box.width()
    ring = box.adjusted(width / 2, width / 2, -width / 2, -width / 2)
    share = 0.0 if not total_s or left_s is None else min(1.0, max(0.0, left_s / total_s))
    lit = theme.qcolor("accent" if ink == "text" else ink)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.qcolor("outline") if ink == "text" else theme.qcolor(ink, 0.35), width, c=Qt.PenCapStyle.FlatCap))
    painter.drawEllipse(ring)
    if steady:
        angle = math.tau * (1 - share) - math.pi / 2
        centre, radius = ring.center(), ring.width() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(lit)
        painter.drawEllipse(centre + QPointF(math.cos(angle), math.sin(angle)) * radius, width, width)
    else:
        painter.setPen(QPen(lit, width, c=Qt.PenCapStyle.FlatCap))
        painter.drawArc(ring, START_16THS, round(share * 360 * 16))
    if left_s is not None:
        font = theme.font("display")
        font.setPixelSize(max(1, round(box.height() * 0.42)))
        painter.setFont(font)
        painter.setPen(theme.qcolor(ink))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), str(max(0, math.ceil(left_s))))
