"""The events live: by polarity, by age or as a grey picture, with the guide for the face. Fed and refreshed by its page."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.i18n import tr
from app.preview.palettes import rgba
from app.preview.render import EventCanvas, EventColours, EventMode
from app.sentences import in_locale
from app.widgets.labels import Elided
from app.widgets.stage import Stage
from app.window.icons import icon
from app.window.theme import current_theme, theme_bus
from protocol.streams import Array

MODE_ICONS = {EventMode.POLARITY: "events", EventMode.SURFACE: "scheduled", EventMode.GREY: "aps"}


def mode_name(mode: EventMode) -> str:
    """What a way to show events is called."""
    names = {
        EventMode.POLARITY: tr("ON and OFF events, fading"),
        EventMode.SURFACE: tr("Age of the newest event"),
        EventMode.GREY: tr("Grey picture added up from events"),
    }
    return names[mode]


class EventView(QWidget):
    """`feed` what came, then `refresh` once a frame."""

    mode_changed = Signal(object)  # EventMode

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage = Stage()
        self.stage.setAccessibleName(tr("Events"))
        self._canvas: EventCanvas | None = None
        self._mode = EventMode.POLARITY
        self._buttons: dict[EventMode, QToolButton] = {}
        self._rate = Elided()
        self._rate.setProperty("tone", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(current_theme().space(1))
        column.addLayout(self._header())
        column.addWidget(self.stage, 1)
        self.set_mode(self._mode)
        self._restyle()
        theme_bus().changed.connect(self._restyle)

    def _header(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(current_theme().space(1))
        title = Elided(tr("Events"))
        title.setProperty("role", "label")
        row.addWidget(title, 1)
        row.addWidget(self._rate, 1)
        self._rate.hide()  # leaves its room to the title while there is none
        group = QButtonGroup(self)
        for mode in EventMode:
            button = QToolButton()
            button.setCheckable(True)
            button.setToolTip(mode_name(mode))
            button.setAccessibleName(mode_name(mode))
            button.clicked.connect(lambda _=False, mode=mode: self.set_mode(mode))
            group.addButton(button)
            row.addWidget(button)
            self._buttons[mode] = button
        return row

    @property
    def mode(self) -> EventMode:
        """How events are shown."""
        return self._mode

    def set_mode(self, mode: EventMode) -> None:
        """Show them in another way."""
        changed = mode is not self._mode
        self._mode = mode
        self._buttons[mode].setChecked(True)
        self.stage.set_smooth(mode is EventMode.GREY)
        if self._canvas is not None:
            self._canvas.mode = mode
            self.refresh()
        if changed:
            self.mode_changed.emit(mode)

    def next_mode(self) -> None:
        """The next way in turn."""
        modes = list(EventMode)
        self.set_mode(modes[(modes.index(self._mode) + 1) % len(modes)])

    def use_resolution(self, resolution: tuple[int, int] | None) -> None:
        """(width, height) of the sensor; None: there is no camera."""
        if resolution is None:
            self._canvas = None
            self.stage.show_pixels(None)
            self._rate.show_text("")
        elif self._canvas is None or self._canvas.resolution != resolution:
            self._canvas = EventCanvas(resolution, event_colours())
            self._canvas.mode = self._mode
            self.refresh()

    @property
    def resolution(self) -> tuple[int, int] | None:
        """(width, height) in use."""
        return None if self._canvas is None else self._canvas.resolution

    def feed(self, events: Array) -> None:
        """Take in events [n]; without a resolution they are passed over."""
        if self._canvas is not None:
            self._canvas.feed(events)

    def refresh(self, now_us: int | None = None) -> None:
        """Draw what is to be seen at this event time (default: at the newest event)."""
        if self._canvas is not None:
            self.stage.show_pixels(self._canvas.draw(now_us))

    def show_rate(self, events_per_s: float | None) -> None:
        """Events per second, as the recorder counts them."""
        self._rate.show_text("" if events_per_s is None else tr("{rate} ev/s").format(rate=short_number(events_per_s)))
        self._rate.setHidden(events_per_s is None)

    def _restyle(self) -> None:
        for mode, button in self._buttons.items():
            button.setIcon(icon(MODE_ICONS[mode]))
        if self._canvas is not None:
            self._canvas.recolour(event_colours())
            self.refresh()


def event_colours() -> EventColours:
    """The theme's colours for events."""
    theme = current_theme()
    return EventColours(rgba(theme.color("on")), rgba(theme.color("off")), rgba(theme.color("view")))


def short_number(value: float) -> str:
    """Three digits and a prefix: 950, 12.3 k, 1.05 M."""
    for limit, divisor, prefix in ((1e6, 1e6, "M"), (1e3, 1e3, "k")):
        if value >= limit:
            short = f"{value / divisor:.3g}" if value / divisor < 999.5 else f"{value / divisor:.0f}"
            return f"{in_locale(short)} {prefix}"
    return f"{value:.0f}"
