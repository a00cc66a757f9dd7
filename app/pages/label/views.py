"""All cameras at one cursor: the events of the window that ends at it, and the picture of each camera that is nearest to it.

A window is [cursor - window, cursor): what has happened up to the cursor and nothing that comes, so that the first picture in
which a movement shows has its onset in it. Pictures never hold the window up: a small copy first, the full one as soon as it
is decoded. Asks for everything in the thread of the window, which takes less than a frame of the screen.
"""

from collections.abc import Mapping
from typing import Protocol

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from app.i18n import tr
from app.pages.label.timeline_view import span_text
from app.pages.label.views_pane import Pane
from app.pages.label.views_picture import FAR_US, EventPainter, away_text, face_crop, status_text
from app.preview.palettes import Palette
from app.preview.render import Display, DisplayRange, to_display
from app.widgets.event_view import event_colours
from app.window.theme import current_theme, theme_bus
from protocol.analysis import FaceBox
from protocol.errors import GlimpseError
from protocol.streams import Stream
from recorder.browse.events import EventBrowser, Mode
from recorder.browse.pictures import PictureBrowser, Shown

AGAIN_MS = 15  # between two looks whether a picture is decoded
PICTURES = (Stream.FRAMES, Stream.RGB, Stream.THERMAL)
# Row, column, rows and columns of each view: events are what is labelled, so they have the most room.
PLACES = {
    Stream.EVENTS: (0, 0, 2, 1),
    Stream.RGB: (0, 1, 2, 1),
    Stream.FRAMES: (0, 2, 1, 1),
    Stream.THERMAL: (1, 2, 1, 1),
}
NARROW = (Stream.FRAMES, Stream.THERMAL)
SHARES = (5, 5, 3)


class Viewed(Protocol):
    """What of the annotator's desk is shown here."""

    @property
    def events(self) -> EventBrowser | None:
        """None without a take."""

    @property
    def pictures(self) -> Mapping[Stream, PictureBrowser]:
        """Of the streams that the take has."""

    @property
    def face(self) -> FaceBox | None:
        """In pixels of the event camera, None where nobody looked."""


class CursorViews(QWidget):
    """`show_take` once, then `show_at` whenever the cursor moves; the same cursor again costs nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk: Viewed | None = None
        self._at: tuple[int, int] | None = None
        self._mode, self._cropped = Mode.COUNTS, False
        self._painter = EventPainter(event_colours())
        self._drawn: dict[Stream, tuple[int, bool]] = {}  # the picture's number, and whether it is the full one
        self._pixels: dict[Stream, Display] = {}
        self._range = DisplayRange()
        self._current = Stream.EVENTS
        self.panes = {
            stream: Pane(_title(stream), _empty(stream), narrow=stream in NARROW) for stream in (Stream.EVENTS, *PICTURES)
        }
        self._again = QTimer(self)
        self._again.setInterval(AGAIN_MS)
        self._again.timeout.connect(self._look)
        self._build()
        theme_bus().changed.connect(self._restyle)

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(current_theme().space(2))
        for stream, place in PLACES.items():
            grid.addWidget(self.panes[stream], *place)
            self.panes[stream].stage.used.connect(lambda stream=stream: self.choose_view(stream))
            self.panes[stream].stage.set_smooth(stream is not Stream.EVENTS)
        for column, share in enumerate(SHARES):
            grid.setColumnStretch(column, share)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.choose_view(self._current)

    def sizeHint(self) -> QSize:
        """Above a timeline on a small screen."""
        return QSize(900, 360)

    # --- what is shown

    def show_take(self, desk: Viewed | None) -> None:
        """Show another take, from the next `show_at` on; None: no take."""
        self._desk, self._at = desk, None
        self._drawn.clear()
        self._range = DisplayRange()
        self._again.stop()
        for stream, pane in self.panes.items():
            pane.stage.show_pixels(None)
            pane.stage.set_hint("")
            pane.stage.set_empty_text(_empty(stream) if desk is not None else tr("No take is open."))
            pane.time.show_text("")
            pane.time.setToolTip("")
        self._crop()

    def show_at(self, cursor_us: int, window_us: int) -> None:
        """Show the cursor's instant: the events of [cursor - window, cursor) and the nearest pictures."""
        if self._desk is not None and (cursor_us, window_us) != self._at:
            self._at = (cursor_us, window_us)
            self._show_events()
            self._look()

    def set_mode(self, mode: Mode) -> None:
        """Events by polarity (COUNTS) or by age (SURFACE)."""
        if mode is not self._mode:
            self._mode = mode
            self._show_events()

    def set_crop(self, cropped: bool) -> None:
        """Show only the face and a margin in the views of the event camera, whose pixels the face is known in."""
        self._cropped = cropped
        self._crop()

    @property
    def waiting(self) -> bool:
        """Whether a picture is still being decoded."""
        return self._again.isActive()

    def _crop(self) -> None:
        desk = self._desk
        size = desk.events.resolution if desk is not None and desk.events is not None else (0, 0)
        crop = face_crop(desk.face, size) if desk is not None and self._cropped else None
        for stream in (Stream.EVENTS, Stream.FRAMES):
            self.panes[stream].stage.set_crop(crop)
        missing = self._cropped and crop is None and desk is not None
        self.panes[Stream.EVENTS].stage.set_hint(tr("No face is known in this take.") if missing else "", "unknown" * missing)

    # --- one view of them

    def choose_view(self, stream: Stream) -> None:
        """Zoom and move this one from now on."""
        self._current = stream
        for other, pane in self.panes.items():
            pane.stage.current = other is stream
            pane.stage.update()

    def next_view(self, way: int = 1) -> None:
        """Zoom and move the next one."""
        order = list(PLACES)
        self.choose_view(order[(order.index(self._current) + way) % len(order)])

    @property
    def current(self) -> Stream:
        """Which one is zoomed and moved."""
        return self._current

    def zoom(self, factor: float) -> None:
        """Zoom the chosen view."""
        self.panes[self._current].stage.zoom_at(factor)

    def pan(self, right: float, down: float) -> None:
        """Look farther to the right and down in the chosen view, in steps."""
        self.panes[self._current].stage.pan(right, down)

    def reset(self) -> None:
        """Show all of every view, or all of the face."""
        for pane in self.panes.values():
            pane.stage.reset()

    # --- drawing

    def _show_events(self) -> None:
        pane, desk = self.panes[Stream.EVENTS], self._desk
        if desk is None or self._at is None:
            return
        browser, (cursor_us, window_us) = desk.events, self._at
        if browser is None or browser.span_us is None:
            pane.stage.show_pixels(None)
            return
        try:
            window = browser.accumulate(cursor_us - window_us, cursor_us, self._mode)
        except GlimpseError as error:
            self._refuse(pane, str(error))
            return
        except ValueError:  # the file was closed: another take comes
            return
        pane.stage.show_pixels(self._painter.paint(window, self._mode))
        pane.time.show_text(tr("the last {length}").format(length=span_text(window_us)))

    def _look(self) -> None:
        """Show what is decoded of every camera, and look again for what is not."""
        missing = [stream for stream in PICTURES if not self._show_picture(stream)]
        if missing and self.isVisible():
            self._again.start()
        else:
            self._again.stop()

    def _show_picture(self, stream: Stream) -> bool:
        """Whether nothing better is to be had of this camera."""
        browser = self._desk.pictures.get(stream) if self._desk is not None else None
        if browser is None or self._at is None or not len(browser):
            return True
        pane, cursor_us = self.panes[stream], self._at[0]
        if (known := self._known(stream, browser, cursor_us)) is not None:
            self._tell(stream, browser, known, cursor_us)
            return True
        try:
            shown = browser.peek(cursor_us)
        except (GlimpseError, ValueError) as error:
            self._drawn.pop(stream, None)
            self._refuse(pane, str(error))
            return True
        if shown is None or shown.image is None:
            return self._show_none(stream, browser, shown is not None)
        self._draw(stream, shown)
        self._tell(stream, browser, shown, cursor_us)
        return shown.full

    def _known(self, stream: Stream, browser: PictureBrowser, cursor_us: int) -> Shown | None:
        """The picture of the cursor without its image, where that is seen already: asking costs a conversion."""
        index, full = self._drawn.get(stream, (0, False))
        if not full or browser.index_at(cursor_us) != index:
            return None
        time_us = int(browser.times_us[index])
        return Shown(index, time_us, browser.uncertainty_us(time_us), None)

    def _draw(self, stream: Stream, shown: Shown) -> None:
        if self._drawn.get(stream) == (shown.index, shown.full) or shown.image is None:
            return
        self._drawn[stream] = (shown.index, shown.full)
        thermal = stream is Stream.THERMAL and shown.image.ndim == 2
        limits = None
        if thermal:
            # One scale for the whole take: colours that follow each picture could not be compared.
            limits = self._range.see(shown.image, shown.t_us)
            self._range.fix()
        colours = Palette.IRON if thermal else Palette.GREY
        before = self._pixels.get(stream)
        pixels = self._pixels[stream] = to_display(shown.image, colours, limits, before)
        self.panes[stream].stage.show_pixels(pixels)

    def _tell(self, stream: Stream, browser: PictureBrowser, shown: Shown, cursor_us: int) -> None:
        pane, own = self.panes[stream], stream is Stream.FRAMES
        pane.time.show_text(away_text(shown, cursor_us, own_clock=own))
        pane.time.setToolTip(tr("same clock") if own else status_text(browser.status))
        if abs(shown.t_us - cursor_us) > FAR_US:
            pane.stage.set_hint(tr("far from the cursor"), "check")
        else:
            pane.stage.set_hint("" if shown.full else tr("small copy"))

    def _show_none(self, stream: Stream, browser: PictureBrowser, damaged: bool) -> bool:
        """Nothing yet, or nothing ever; what was shown before would be taken for the cursor's."""
        pane, problem = self.panes[stream], browser.problem
        self._drawn.pop(stream, None)
        pane.stage.show_pixels(None)
        pane.stage.set_hint("")
        pane.time.show_text("")
        if problem or damaged:
            self._refuse(pane, problem or tr("This picture is damaged."))
            return True
        pane.stage.set_empty_text(tr("Loading the picture ..."))
        return False

    def _refuse(self, pane: Pane, problem: str) -> None:
        pane.stage.show_pixels(None)
        pane.stage.set_empty_text(tr("The picture cannot be shown: {problem}").format(problem=problem))

    def _restyle(self) -> None:
        self._painter.recolour(event_colours())
        self._show_events()

    def showEvent(self, event: QShowEvent) -> None:
        """What was decoded meanwhile is shown."""
        super().showEvent(event)
        self._look()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is looked for while nobody looks."""
        self._again.stop()
        super().hideEvent(event)


def _title(stream: Stream) -> str:
    titles = {
        Stream.EVENTS: tr("Events"),
        Stream.FRAMES: tr("APS"),
        Stream.RGB: tr("Colour"),
        Stream.THERMAL: tr("Thermal"),
    }
    return titles[stream]


def _empty(stream: Stream) -> str:
    texts = {
        Stream.EVENTS: tr("The take has no events."),
        Stream.FRAMES: tr("The take has no grey pictures."),
        Stream.RGB: tr("The take has no colour pictures."),
        Stream.THERMAL: tr("The take has no thermal pictures."),
    }
    return texts[stream]
