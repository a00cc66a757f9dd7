"""The timeline of a take that the mouse can hold: seek, drag landmarks, choose intervals, zoom and move.

What the mouse does is told by signals; it changes no label by itself. Everything is reachable by the page's keys too.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.pages.label.timeline_paint import GUTTER_PX
from app.pages.label.timeline_picture import TimelinePicture
from app.pages.label.timeline_rows import Kind, interval_at, landmark_at, moved, row_at

WHEEL_STEP, WHEEL_FACTOR = 120.0, 1.25  # eighths of a degree of one notch (Qt), and how much it zooms
LEAST_BESIDE_US = 10_000  # of an interval that is shown as large as it goes


class Timeline(TimelinePicture):
    """sought(us): the cursor is wanted there; landmark_moved(id, landmark, us): one was dragged and let go; chosen(id): an
    interval was clicked. Times ride as Python numbers: the integers of signals hold 35 minutes.
    """

    sought = Signal(object)
    landmark_moved = Signal(str, str, object)
    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drag: tuple[str, str] | None = None  # (id, landmark) that is held
        self._held: tuple[str, float] = ("", 0.0)  # what the button that is down does, and the place it was last
        self.setMouseTracking(True)

    def _hold(self, what: str, x: float) -> None:
        self._held, self._still = (what, x), bool(what)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of a landmark, choose an interval, fold the curves, move the view or seek."""
        if self._span_us is None:
            return
        x, y = event.position().x() - GUTTER_PX, event.position().y()
        panning = event.button() is not Qt.MouseButton.LeftButton or event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        rows = self.rows()
        row = row_at(rows, y)
        if x < 0:
            if row is not None and row.kind is Kind.CURVE:
                self.fold(self._unfolded)
        elif panning:
            self._hold("pan", x)
        elif found := landmark_at(self._content, rows, self.view, x, y):
            self._drag = found
            self._hold("landmark", x)
            if found[0] != self._content.chosen:
                self.chosen.emit(found[0])
        elif hit := interval_at(self._content, rows, self.view, x, y):
            self.chosen.emit(hit)
        else:
            self._hold("seek", x)
            self.sought.emit(self.view.time_at(x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with what the button began."""
        x, y = event.position().x() - GUTTER_PX, event.position().y()
        doing, before = self._held
        if doing == "pan":
            self.view.pan((before - x) / self.view.width)
            self._change()
        elif doing == "seek":
            self.sought.emit(self.view.time_at(x))
        elif doing == "landmark" and self._drag is not None:
            self._show_preview(self._drag, self.view.time_at(x))
        elif self._span_us is not None:
            near = landmark_at(self._content, self.rows(), self.view, x, y)
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.ArrowCursor)
        self._hold(doing, x)

    def _show_preview(self, drag: tuple[str, str], to_us: int) -> None:
        interval = next((one for one in self._content.intervals if one.id == drag[0]), None)
        self._preview = moved(interval, drag[1], to_us) if interval is not None else None
        self._change()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell where a landmark was let go."""
        drag, preview = self._drag, self._preview
        self._drag, self._preview = None, None
        self._hold("", 0.0)
        if drag is not None and preview is not None:
            self._change()
            self.landmark_moved.emit(*drag, getattr(preview, f"{drag[1]}_us"))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show an interval as large as it goes."""
        x, y = event.position().x() - GUTTER_PX, event.position().y()
        hit = interval_at(self._content, self.rows(), self.view, x, y)
        if interval := next((one for one in self._content.intervals if one.id == hit), None):
            beside_us = max(interval.duration_us // 2, LEAST_BESIDE_US)
            self.zoom_to(interval.onset_us - beside_us, interval.offset_us + beside_us)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc lets go of a landmark where it was."""
        if event.key() == Qt.Key.Key_Escape and self.cancel_drag():
            return
        super().keyPressEvent(event)

    def cancel_drag(self) -> bool:
        """Leave the landmark that is held where it was; whether there was one."""
        held, self._drag, self._preview = self._drag is not None, None, None
        self._hold("", 0.0)
        self._change()
        return held

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer; sideways or with Shift: move."""
        away = event.angleDelta()
        sideways = away.x() or (away.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0)
        if sideways:
            self.pan(-sideways / WHEEL_STEP / 2)
        elif away.y():
            at_us = self.view.time_at(event.position().x() - GUTTER_PX)
            self.view.zoom(WHEEL_FACTOR ** (away.y() / WHEEL_STEP), at_us)
            self._change()
        event.accept()
