"""The tour of the first start: a light on one part of the real window after the other, with a card of text. By keyboard alone.

Pages hand in their steps; parts that are not shown now are passed over. Knows no page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.i18n import tr
from app.settings import Preferences
from app.window.shortcuts import Shortcut, table
from app.window.theme import current_theme, theme_bus

CARD_PX = 340
SHADE = 0.62  # how much of the rest of the window is dimmed
CONTEXT = "Tour"
table.add(
    Shortcut("help.tour", "Shift+F1", "Tour of the window"),
    Shortcut("tour.next", "Return Space Right", "Next", CONTEXT),
    Shortcut("tour.back", "Left Backspace", "Back", CONTEXT),
    Shortcut("tour.skip", "Esc", "Skip the tour", CONTEXT),
)


@dataclass(frozen=True)
class TourStep:
    """One stop. target: object name of the widget in the light, "" for none; title, text: as shown, translated."""

    target: str
    title: str
    text: str


class Tour(QWidget):
    """Lies over `window` while it runs. ended: it is over; whether to the last step."""

    ended = Signal(bool)

    def __init__(self, window: QWidget, steps: Sequence[TourStep]) -> None:
        super().__init__(window)
        self.setObjectName("tour")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._window = window
        self._steps = [step for step in steps if not step.target or self._widget(step) is not None]
        self._at = 0
        self._before = window.focusWidget()
        self._make_card()
        for name, call in (("tour.next", self.next), ("tour.back", self.back), ("tour.skip", self.skip)):
            table.action(name, self, call)
        window.installEventFilter(self)
        theme_bus().changed.connect(self.update)
        self.hide()

    def _make_card(self) -> None:
        space = current_theme().space
        self.card = QFrame(self)
        self.card.setObjectName("tour.card")
        self.card.setProperty("role", "card")
        self.card.setFixedWidth(CARD_PX)
        self._column = column = QVBoxLayout(self.card)
        column.setContentsMargins(space(4), space(4), space(4), space(3))
        column.setSpacing(space(2))
        self.title, self.text, self.count = QLabel(), QLabel(), QLabel()
        self.title.setProperty("role", "title")
        self.count.setProperty("role", "caption")
        for label in (self.title, self.text):
            label.setWordWrap(True)
            column.addWidget(label)
        row = QHBoxLayout()
        row.addWidget(self.count)
        row.addStretch(1)
        self.buttons: dict[str, QPushButton] = {}
        for name, text, role, call in (
            ("tour.skip", tr("Skip"), "quiet", self.skip),
            ("tour.back", tr("Back"), "", self.back),
            ("tour.next", tr("Next"), "primary", self.next),
        ):
            button = QPushButton(text)
            button.setProperty("role", role)
            button.setToolTip(table.tip(name))
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(call)
            self.buttons[name] = button
            row.addWidget(button)
        column.addLayout(row)

    @property
    def step(self) -> TourStep:
        """The stop that is shown."""
        return self._steps[self._at]

    def start(self) -> None:
        """Show the first stop; with none to show it is over at once."""
        if not self._steps:
            self._end(True)
            return
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self.setFocus()
        self._show()

    def next(self) -> None:
        """The stop after this one, or the end."""
        if self._at + 1 < len(self._steps):
            self._at += 1
            self._show()
        else:
            self._end(True)

    def back(self) -> None:
        """The stop before this one."""
        if self._at:
            self._at -= 1
            self._show()

    def skip(self) -> None:
        """End it here."""
        self._end(False)

    def _end(self, whole: bool) -> None:
        self._window.removeEventFilter(self)
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus()
        self.ended.emit(whole)
        self.deleteLater()

    def _widget(self, step: TourStep) -> QWidget | None:
        found = self._window.findChild(QWidget, step.target) if step.target else None
        return found if isinstance(found, QWidget) and found.isVisible() else None

    def _show(self) -> None:
        step, last = self.step, self._at + 1 == len(self._steps)
        self.title.setText(step.title)
        self.text.setText(step.text)
        self.count.setText(f"{self._at + 1} / {len(self._steps)}")
        self.buttons["tour.back"].setVisible(self._at > 0)
        self.buttons["tour.skip"].setVisible(not last)
        self.buttons["tour.next"].setText(tr("Done") if last else tr("Next"))
        self.setAccessibleName(f"{step.title}. {step.text}")
        self._reveal(self._widget(step))
        self._place()
        self.update()

    def _reveal(self, widget: QWidget | None) -> None:
        above = widget.parentWidget() if widget else None
        while above is not None and above is not self._window:
            if isinstance(above, QScrollArea) and widget is not None:
                above.ensureWidgetVisible(widget)
            above = above.parentWidget()

    def _light(self) -> QRect:
        """Where the light falls, in this widget; empty for a stop without a widget."""
        widget = self._widget(self.step)
        if widget is None:
            return QRect()
        corner = widget.mapTo(self._window, QPoint(0, 0))
        margin = current_theme().space(1)
        return QRect(corner, widget.size()).adjusted(-margin, -margin, margin, margin).intersected(self.rect())

    def _place(self) -> None:
        self._column.activate()
        self.card.resize(CARD_PX, self._column.totalHeightForWidth(CARD_PX))
        self.card.move(
            _beside(self._light(), self.rect(), self.card.size().width(), self.card.height(), current_theme().space(4))
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep over the window when it changes its size."""
        if watched is self._window and event.type() is QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._window.rect())
            self._place()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """No key goes to the window below."""
        event.accept()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Dim the window but for the light."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shade = QPainterPath()
        shade.addRect(QRectF(self.rect()))
        light = self._light()
        hole = QPainterPath()
        if not light.isEmpty():
            hole.addRoundedRect(QRectF(light), theme.radius, theme.radius)
        dim = theme.qcolor("view" if theme.name == "dark" else "text", SHADE)
        painter.fillPath(shade.subtracted(hole), dim)
        if not light.isEmpty():
            painter.setPen(QPen(theme.qcolor("accent"), 2))
            painter.drawPath(hole)


def _beside(light: QRect, room: QRect, width: int, height: int, gap: int) -> QPoint:
    """Where a card goes: right of the light, left, below, above, else in its lower right corner; in the middle without one."""
    middle = QPoint(room.center().x() - width // 2, room.center().y() - height // 2)
    if light.isEmpty():
        return middle
    top = max(gap, min(light.top(), room.height() - height - gap))
    left = max(gap, min(light.left(), room.width() - width - gap))
    places = (
        QPoint(light.right() + gap, top),
        QPoint(light.left() - gap - width, top),
        QPoint(left, light.bottom() + gap),
        QPoint(left, light.top() - gap - height),
    )
    inside = room.adjusted(0, 0, 1, 1)
    fits = (place for place in places if inside.contains(QRect(place.x(), place.y(), width, height)))
    return next(fits, QPoint(light.right() - width - gap, light.bottom() - height - gap))


class Guide(QObject):
    """Starts the tour at the first start and whenever asked, and remembers that it was seen. steps: asked when it starts."""

    def __init__(self, window: QWidget, preferences: Preferences, steps: Callable[[], Sequence[TourStep]]) -> None:
        super().__init__(window)
        self._window, self._preferences, self._steps = window, preferences, steps
        self.tour: Tour | None = None
        table.action("help.tour", window, self.start)

    def start_if_new(self) -> bool:
        """Start it unless it was seen or skipped before; whether it started."""
        if self._preferences.settings.tour_seen:
            return False
        self.start()
        return True

    def start(self) -> None:
        """Start it, unless it runs."""
        self.show_steps(self._steps())

    def show_steps(self, steps: Sequence[TourStep]) -> None:
        """Start a tour of these stops alone, unless one runs."""
        if self.tour is None:
            self.tour = Tour(self._window, steps)
            self.tour.ended.connect(self._ended)
            self.tour.start()

    def _ended(self, _whole: bool) -> None:
        self.tour = None
        if not self._preferences.settings.tour_seen:
            self._preferences.change(tour_seen=True)


def window_steps() -> tuple[TourStep, ...]:
    """What the shell itself has to show; pages put theirs between the first and the rest."""
    return (
        TourStep("", tr("Welcome to Glimpse"), tr("Two minutes through the window. Enter goes on, Esc ends the tour.")),
        TourStep(
            "rail",
            tr("The pages"),
            tr("Each task has a page: Ctrl and its number opens it. Everything can be done with the keyboard."),
        ),
        TourStep(
            "rail.help.keys",
            tr("All keys"),
            tr("Press ? at any time to see the keys that work where you are. Tooltips show them, too."),
        ),
        TourStep(
            "rail.window.preferences",
            tr("Settings"),
            tr("Language, colours, hands-free recording, sounds, the screen facing the subject, and your own keys."),
        ),
    )
