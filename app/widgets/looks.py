"""What hand-painted widgets share: sharp icons, state properties, text in a box. Knows no widget."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPixmap
from PySide6.QtWidgets import QWidget

from app.i18n import tr
from app.window.icons import icon
from app.window.theme import current_theme

WRAPPED = int(Qt.TextFlag.TextWordWrap) | int(Qt.AlignmentFlag.AlignCenter)
SHRINK = 0.94  # from one size of type that is tried to the next


def set_property(widget: QWidget, name: str, value: str) -> None:
    """Set a property that the style sheet looks at, and let it look."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def pixmap(name: str, role: str, px: int, widget: QWidget) -> QPixmap:
    """An icon as sharp as the widget's screen allows; px: logical pixels."""
    return icon(name, role).pixmap(QSize(px, px), widget.devicePixelRatioF())


def paint_icon(painter: QPainter, name: str, role: str, box: QRectF) -> None:
    """An icon within a box."""
    icon(name, role).paint(painter, box.toAlignedRect())


def paint_chip(painter: QPainter, text: str, box: QRectF, state: str = "") -> None:
    """A line of text over a picture, centred at the bottom of `box`, with the icon of its state."""
    theme = current_theme()
    font = theme.font("label")
    line = QFontMetricsF(font)
    size, pad = (theme.space(4) if state else 0), theme.space(2)
    room = box.width() - 4 * pad - (size + pad if state else 0)
    shown = line.elidedText(text, Qt.TextElideMode.ElideRight, room)
    width = line.horizontalAdvance(shown) + 2 * pad + (size + pad if state else 0)
    height = line.height() + pad
    chip = QRectF(box.center().x() - width / 2, box.bottom() - height - pad, width, height)
    painter.setPen(theme.qcolor("outline"))
    painter.setBrush(theme.qcolor("surface_raised", 0.92))
    painter.drawRoundedRect(chip, theme.radius, theme.radius)
    if state:
        paint_icon(painter, state, state, QRectF(chip.left() + pad, chip.center().y() - size / 2, size, size))
    painter.setPen(theme.qcolor("text"))
    painter.setFont(font)
    left = chip.left() + pad + (size + pad if state else 0)
    painter.drawText(QRectF(left, chip.top(), chip.right() - left, height), int(Qt.AlignmentFlag.AlignVCenter), shown)


def fitted(font: QFont, text: str, box: QRectF, most_px: float, least_px: float, flags: int = WRAPPED) -> QFont:
    """The largest size at which the text fits into the box, `least_px` where none does."""
    size = most_px
    while True:
        font.setPixelSize(max(1, round(max(size, least_px))))
        taken = QFontMetricsF(font).boundingRect(QRectF(0, 0, box.width(), 1e6), flags, text)
        if size <= least_px or (taken.height() <= box.height() and taken.width() <= box.width()):
            return font
        size *= SHRINK


def state_word(state: str) -> str:
    """What a verdict is called."""
    words = {"good": tr("Good"), "check": tr("Check"), "redo": tr("Redo"), "unknown": tr("Not known")}
    return words[state]
