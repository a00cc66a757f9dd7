"""The pictures of a frame camera live: grey, colour, or temperature in false colours. Shown by its page, newest only."""

from collections import deque

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from app.i18n import tr
from app.preview.palettes import Palette
from app.preview.render import DisplayRange, to_display
from app.preview.taps import Picture
from app.sentences import number
from app.widgets.labels import Elided
from app.widgets.stage import Stage
from app.window.icons import icon
from app.window.theme import current_theme, theme_bus
from protocol.streams import Stream

FPS_OVER_NS = 2_000_000_000
SILENT_NS = 3_000_000_000  # a thermal camera that closes its shutter is silent for half a second, one that stopped for good


class PictureView(QWidget):
    """One of FRAMES, RGB, THERMAL. `show_picture` once a frame; the same picture again costs nothing."""

    def __init__(self, stream: Stream, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stream = stream
        self.stage = Stage()
        self.stage.set_smooth(True)
        self.range = DisplayRange()
        self._shown: Picture | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self._arrivals: deque[tuple[int, int]] = deque(maxlen=64)
        self._fps = Elided()
        self._fps.setProperty("tone", "muted")
        self._choices: dict[Palette, QAction] = {}
        self._palette = Palette.IRON if stream is Stream.THERMAL else Palette.GREY
        self.stage.setAccessibleName(self._title())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(current_theme().space(1))
        column.addLayout(self._header())
        column.addWidget(self.stage, 1)
        self._restyle()
        theme_bus().changed.connect(self._restyle)

    def _title(self) -> str:
        titles = {Stream.FRAMES: tr("APS"), Stream.RGB: tr("Colour"), Stream.THERMAL: tr("Thermal")}
        return titles[self.stream]

    def _header(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(current_theme().space(1))
        title = Elided(self._title())
        title.setProperty("role", "label")
        row.addWidget(title, 3)
        row.addWidget(self._fps, 2)
        self._colours = _button(tr("Colours and range"))
        self._colours.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._colours.setMenu(self._menu())
        row.addWidget(self._colours)
        if self.stream is not Stream.THERMAL:
            self._colours.hide()  # never shown by name: a button without a parent would be a window for an instant
        self._mirror = _button(tr("Mirror"))
        self._mirror.setCheckable(True)
        self._mirror.toggled.connect(self.stage.set_mirrored)
        row.addWidget(self._mirror)
        row.addStrut(self._mirror.sizeHint().height())  # as high without its buttons
        return row

    def _menu(self) -> QMenu:
        names = {Palette.IRON: tr("Iron"), Palette.INFERNO: tr("Inferno"), Palette.GREY: tr("Grey")}
        menu, group = QMenu(self), QActionGroup(self)
        for palette, name in names.items():
            action = menu.addAction(name)
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, palette=palette: self.set_palette(palette))
            group.addAction(action)
            self._choices[palette] = action
        self._choices[self._palette].setChecked(True)
        menu.addSeparator()
        self.hold_action = menu.addAction(tr("Hold the range of temperatures"))
        self.hold_action.setCheckable(True)
        self.hold_action.toggled.connect(self._hold_range)
        return menu

    def set_narrow(self, narrow: bool) -> None:
        """Title and rate alone, where the buttons would take their room."""
        self._mirror.setVisible(not narrow)
        self._colours.setVisible(not narrow and self.stream is Stream.THERMAL)

    @property
    def mirrored(self) -> bool:
        """Whether left and right are as in a mirror."""
        return self._mirror.isChecked()

    def set_mirrored(self, mirrored: bool) -> None:
        """Left and right as in a mirror, or as the camera sees them."""
        self._mirror.setChecked(mirrored)

    def set_palette(self, palette: Palette) -> None:
        """Other colours for the numbers of a grey or thermal picture."""
        self._palette = palette
        if palette in self._choices:
            self._choices[palette].setChecked(True)
        self._draw()

    def _hold_range(self, hold: bool) -> None:
        if hold:
            self.range.fix()
        else:
            self.range.follow()

    def show_picture(self, picture: Picture | None, now_ns: int | None = None) -> None:
        """Show the newest picture; None: there is none. now_ns: of the host's monotonic clock, to tell when they stopped."""
        if picture is self._shown:
            if picture is not None and now_ns is not None and now_ns - picture.host_ns > SILENT_NS:
                self._stopped()
            return
        self._shown = picture
        if picture is None:
            self._arrivals.clear()
            self._pixels = None
            self._fps.show_text("")
            self.stage.show_pixels(None)
            return
        self._count(picture)
        self._draw()

    def _stopped(self) -> None:
        """The last picture stays; that it is an old one must be said."""
        if self._arrivals:
            self._arrivals.clear()
            self._fps.show_text(tr("stopped"))

    def _count(self, picture: Picture) -> None:
        if self._arrivals and picture.index <= self._arrivals[-1][0]:
            self._arrivals.clear()  # a camera that was opened anew counts from 0
        self._arrivals.append((picture.index, picture.host_ns))
        while picture.host_ns - self._arrivals[0][1] > FPS_OVER_NS:
            self._arrivals.popleft()
        fps = self.fps
        self._fps.show_text("" if fps is None else tr("{fps} fps").format(fps=number(fps, 1)))

    @property
    def fps(self) -> float | None:
        """Pictures per second that came over the last two seconds, None before there are two."""
        if len(self._arrivals) < 2:
            return None
        (first, begin_ns), (last, end_ns) = self._arrivals[0], self._arrivals[-1]
        return None if end_ns <= begin_ns else (last - first) * 1e9 / (end_ns - begin_ns)

    @property
    def rate_text(self) -> str:
        """What stands beside the title."""
        return self._fps.whole()

    def _draw(self) -> None:
        picture = self._shown
        if picture is None:
            return
        deep = picture.image.dtype == np.uint16
        limits = self.range.see(picture.image, picture.host_ns // 1000) if deep else None
        self._pixels = to_display(picture.image, self._palette, limits, self._pixels)
        self.stage.show_pixels(self._pixels)

    def _restyle(self) -> None:
        self._mirror.setIcon(icon("mirror"))
        self._colours.setIcon(icon("advanced"))


def _button(text: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(text)
    button.setAccessibleName(text)
    return button
