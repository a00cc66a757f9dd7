"""Small texts: one that is cut where there is no room, a key with what it does, a name with a number."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.widgets.looks import pixmap
from app.window.theme import current_theme, theme_bus


class Elided(QLabel):
    """A line that ends in an ellipsis where there is no room; then its tooltip has the whole."""

    def __init__(
        self, text: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._whole, self._mode = text, mode
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._cut()

    def show_text(self, text: str) -> None:
        """Show another text."""
        if text != self._whole:
            self._whole = text
            self._cut()
            self.updateGeometry()

    def whole(self) -> str:
        """The text before it was cut."""
        return self._whole

    def sizeHint(self) -> QSize:
        """Room for the whole text."""
        return QSize(self.fontMetrics().horizontalAdvance(self._whole) + 2, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """Room for a few letters."""
        return QSize(self.fontMetrics().averageCharWidth() * 4, self.fontMetrics().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut anew."""
        super().resizeEvent(event)
        self._cut()

    def changeEvent(self, event: QEvent) -> None:
        """Cut anew when the type changes."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._cut()

    def _cut(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, self._mode, self.width())
        self.setText(shown)
        self.setToolTip("" if shown == self._whole else self._whole)


class KeyCap(QLabel):
    """A key as it looks on a keyboard."""

    def __init__(self, keys: str, parent: QWidget | None = None) -> None:
        super().__init__(keys, parent)
        pad = current_theme().space(1.5)
        self.setContentsMargins(pad, 1, pad, 3)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setProperty("role", "caption")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the cap, then the letters."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.qcolor("outline"), 1))
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(theme.qcolor("outline"))
        painter.drawRoundedRect(box, 4, 4)
        painter.setBrush(theme.qcolor("surface_sunken"))
        painter.drawRoundedRect(box.adjusted(0, 0, 0, -2), 4, 4)
        painter.end()
        super().paintEvent(event)


class UnderKey(QWidget):
    """A widget, such as a button, with the key that does the same below it."""

    def __init__(self, above: QWidget, keys: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(current_theme().space(1))
        column.addWidget(above)
        column.addWidget(KeyCap(keys), 0, Qt.AlignmentFlag.AlignHCenter)


class KeyHint(QWidget):
    """A key and what it does."""

    def __init__(self, keys: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(current_theme().space(1.5))
        row.addWidget(KeyCap(keys))
        label = QLabel(text)
        label.setProperty("tone", "muted")
        row.addWidget(label)
        self.setAccessibleName(f"{text}: {keys}")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)


class Chip(QFrame):
    """A name with a number; a state other than good has its icon before it."""

    def __init__(self, name: str, value: str, state: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = current_theme()
        self.setProperty("role", "sunken")
        self._state = state
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space(2), theme.space(1), theme.space(2), theme.space(1))
        row.setSpacing(theme.space(1.5))
        self._icon = QLabel(self)  # a label without a parent would be a window of its own when it is shown
        self._icon.setVisible(bool(state))
        row.addWidget(self._icon)
        title, number = QLabel(name), QLabel(value)
        title.setProperty("tone", "muted")
        title.setProperty("role", "caption")
        number.setProperty("role", "label")
        row.addWidget(title)
        row.addWidget(number)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._draw()
        theme_bus().changed.connect(self._draw)

    def _draw(self) -> None:
        if self._state:
            self._icon.setPixmap(pixmap(self._state, self._state, current_theme().space(4), self))
