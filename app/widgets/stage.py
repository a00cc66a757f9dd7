"""A picture with its aspect kept, and what is drawn over it: a guide for the face, a box, a hint. Knows no camera."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.i18n import tr
from app.widgets.looks import paint_chip
from app.window.theme import current_theme, theme_bus

FACE_HEIGHT, FACE_ASPECT = 0.72, 0.75  # of the picture's height; width to height of a face
CROSS_SHARE = 0.06


class Stage(QWidget):
    """Paints the newest picture [H, W, 4] uint8. The array is not copied: draw into it only from the thread of the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self._smooth = self._mirrored = self._guide = False
        self._box: QRectF | None = None
        self._hint, self._hint_state = "", ""
        self._empty = tr("No camera yet")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 90)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, False)
        theme_bus().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """A sensor of the common size."""
        return QSize(346, 260)

    def show_pixels(self, pixels: NDArray[np.uint8] | None) -> None:
        """Show a picture [H, W, 4], red, green, blue, unused; None: none."""
        if pixels is None:
            self._image = self._pixels = None
        elif pixels is not self._pixels:
            height, width = pixels.shape[:2]
            self._pixels = pixels
            self._image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGBX8888)
        self.update()

    @property
    def has_picture(self) -> bool:
        """Whether there is anything to see."""
        return self._image is not None

    def set_smooth(self, smooth: bool) -> None:
        """Between the pixels smoothly, or each a square."""
        self._smooth = smooth
        self.update()

    def set_mirrored(self, mirrored: bool) -> None:
        """Left and right as in a mirror."""
        self._mirrored = mirrored
        self.update()

    def set_guide(self, guide: bool) -> None:
        """A cross in the middle and an oval where the face belongs."""
        self._guide = guide
        self.update()

    def set_box(self, box: tuple[float, float, float, float] | None) -> None:
        """Where the face is: x, y, width, height in the picture's pixels."""
        self._box = None if box is None else QRectF(*box)
        self.update()

    def set_hint(self, text: str, state: str = "") -> None:
        """A line over the picture; state: good, check, redo, unknown or none; an empty text takes it away."""
        if (text, state) != (self._hint, self._hint_state):
            self._hint, self._hint_state = text, state
            self.setAccessibleDescription(text)
            self.update()

    def set_empty_text(self, text: str) -> None:
        """What is said while there is no picture."""
        self._empty = text
        self.update()

    def target(self) -> QRectF:
        """Where the picture lies in the widget, in logical pixels."""
        if self._image is None:
            return QRectF(self.rect())
        scale = min(self.width() / self._image.width(), self.height() / self._image.height())
        width, height = self._image.width() * scale, self._image.height() * scale
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Picture, guide, box and hint."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.qcolor("view"))
        painter.drawRoundedRect(QRectF(self.rect()), theme.radius, theme.radius)
        if self._image is None:
            self._paint_empty(painter)
        else:
            self._paint_picture(painter, self._image)
        if self._hint:
            paint_chip(painter, self._hint, QRectF(self.rect()), self._hint_state)
        painter.end()

    def _paint_empty(self, painter: QPainter) -> None:
        theme = current_theme()
        painter.setPen(theme.qcolor("text_muted"))
        painter.setFont(theme.font("body"))
        room = QRectF(self.rect()).adjusted(theme.space(3), 0, -theme.space(3), 0)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), self._empty)

    def _paint_picture(self, painter: QPainter, image: QImage) -> None:
        target = self.target()
        painter.save()
        if self._mirrored:
            painter.translate(2 * target.center().x(), 0)
            painter.scale(-1, 1)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth)
        painter.drawImage(target, image, QRectF(image.rect()))
        if self._box is not None:
            self._paint_box(painter, target, self._box, image)
        painter.restore()
        if self._guide:
            self._paint_guide(painter, target)

    def _paint_box(self, painter: QPainter, target: QRectF, box: QRectF, image: QImage) -> None:
        scale = target.width() / image.width()
        shown = QRectF(
            target.left() + box.x() * scale, target.top() + box.y() * scale, box.width() * scale, box.height() * scale
        )
        painter.setClipRect(target)
        self._stroke(painter, "good", lambda: painter.drawRoundedRect(shown, 4, 4))

    def _paint_guide(self, painter: QPainter, target: QRectF) -> None:
        middle, arm = target.center(), CROSS_SHARE * target.height()
        height = FACE_HEIGHT * target.height()
        width = FACE_ASPECT * height

        def draw() -> None:
            painter.drawEllipse(middle, width / 2, height / 2)
            painter.drawLine(middle - QPointF(arm, 0), middle + QPointF(arm, 0))
            painter.drawLine(middle - QPointF(0, arm), middle + QPointF(0, arm))

        self._stroke(painter, "neutral_mark", draw)

    def _stroke(self, painter: QPainter, role: str, draw: Any) -> None:
        # A dark line beneath a light one (or the other way round) is seen on any picture.
        theme = current_theme()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((theme.qcolor("view", 0.7), 3.5), (theme.qcolor(role), 1.5)):
            painter.setPen(QPen(color, width))
            draw()
