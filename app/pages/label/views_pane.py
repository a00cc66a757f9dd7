"""One picture at the cursor with its name and its time; zoomed and moved by wheel, mouse and calls. Knows no take."""

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.widgets.labels import Elided
from app.widgets.stage import Stage
from app.window.theme import current_theme

WHEEL_STEP, WHEEL_FACTOR = 120.0, 1.25  # eighths of a degree of one notch (Qt), and how much it zooms
MOST_ZOOM = 24.0  # a pixel of the sensor is a square of an inch then
PAN_SHARE = 0.15
Crop = tuple[float, float, float, float]


class ZoomStage(Stage):
    """A stage that shows part of its picture. used: the mouse or a key has been at it."""

    used = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.zoom = 1.0
        self.current = False
        self._crop: Crop | None = None
        self._middle: QPointF | None = None  # as shares of the picture, which may come as a small copy; None: of what fits
        self._drag: QPointF | None = None
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def set_crop(self, crop: Crop | None) -> None:
        """Show x, y, width, height of the picture as large as it fits; None: all of it."""
        if crop != self._crop:
            self._crop = crop
            self.reset()

    def reset(self) -> None:
        """Neither zoomed nor moved."""
        self.zoom, self._middle = 1.0, None
        self.update()

    def _frame(self) -> QRectF:
        """What is to be seen without zoom, in the picture's pixels."""
        if self._image is None:
            return QRectF(0, 0, 1, 1)
        return QRectF(*self._crop) if self._crop else QRectF(self._image.rect())

    def scale(self) -> float:
        """Logical pixels of one pixel of the picture."""
        frame = self._frame()
        return min(self.width() / frame.width(), self.height() / frame.height()) * self.zoom

    def _centre(self) -> QPointF:
        """What is in the middle, in the picture's pixels."""
        if self._middle is None or self._image is None:
            return self._frame().center()
        return QPointF(self._middle.x() * self._image.width(), self._middle.y() * self._image.height())

    def target(self) -> QRectF:
        """Where the whole picture lies, which may reach beyond the widget."""
        if self._image is None:
            return QRectF(self.rect())
        scale, middle = self.scale(), self._centre()
        left, top = self.width() / 2 - middle.x() * scale, self.height() / 2 - middle.y() * scale
        return QRectF(left, top, self._image.width() * scale, self._image.height() * scale)

    def zoom_at(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom; the point of the picture at `at` (default: the middle) stays where it is."""
        middle_px = QPointF(self.width() / 2, self.height() / 2)
        away = (at or middle_px) - middle_px
        before = self.scale()
        self.zoom = min(max(self.zoom * factor, 1.0), MOST_ZOOM)
        self._put(self._centre() + away * (1 / before - 1 / self.scale()))

    def move_by(self, away: QPointF) -> None:
        """Move the picture by so many logical pixels."""
        self._put(self._centre() - away / self.scale())

    def pan(self, right: float, down: float) -> None:
        """Look farther to the right and down, in steps."""
        self.move_by(QPointF(-right * PAN_SHARE * self.width(), -down * PAN_SHARE * self.height()))

    def _put(self, middle: QPointF) -> None:
        """Show this in the middle, held within the picture; unzoomed all is in sight and nothing moves."""
        if self.zoom <= 1.0 or self._image is None:
            self._middle = None
        else:
            x, y = middle.x() / self._image.width(), middle.y() / self._image.height()
            self._middle = QPointF(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, and a frame where the keys go to."""
        super().paintEvent(event)
        if self.current:
            theme = current_theme()
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.qcolor("accent"), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.radius, theme.radius)
            painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        self.used.emit()
        self.zoom_at(WHEEL_FACTOR ** (event.angleDelta().y() / WHEEL_STEP), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the picture."""
        self.used.emit()
        self._drag = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move it."""
        if self._drag is not None:
            self.move_by(event.position() - self._drag)
            self._drag = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._drag = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Neither zoomed nor moved."""
        self.reset()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Plus, minus and nought, where the page has no other use for them."""
        factors = {Qt.Key.Key_Plus: WHEEL_FACTOR, Qt.Key.Key_Equal: WHEEL_FACTOR, Qt.Key.Key_Minus: 1 / WHEEL_FACTOR}
        if (factor := factors.get(Qt.Key(event.key()))) is not None:
            self.zoom_at(factor)
        elif event.key() == Qt.Key.Key_0:
            self.reset()
        else:
            super().keyPressEvent(event)


class Pane(QWidget):
    """A picture under its name, its time beside the name; narrow: below it."""

    def __init__(self, title: str, empty: str, *, narrow: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = current_theme()
        self.stage = ZoomStage()
        self.stage.setAccessibleName(title)
        self.stage.set_empty_text(empty)
        self.title, self.time = Elided(title), Elided()
        self.title.setProperty("role", "label")
        self.time.setProperty("tone", "muted")
        if not narrow:
            self.time.setAlignment(Qt.AlignmentFlag.AlignRight)
        head = QVBoxLayout() if narrow else QHBoxLayout()
        head.setSpacing(0 if narrow else theme.space(1))
        head.addWidget(self.title, 2)
        head.addWidget(self.time, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space(1))
        column.addLayout(head)
        column.addWidget(self.stage, 1)
