"""What the cameras see now: events large, the other pictures beside them, the event rate below. Pulled by the page's timer."""

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.i18n import tr
from app.preview.taps import RigTaps
from app.widgets.event_view import EventView
from app.widgets.picture_view import PictureView
from app.widgets.rate_strip import Band, RateStrip, StripMark
from app.window.theme import current_theme
from protocol.streams import Stream

LATEST_US = 50_000  # events that are older than this fade though no newer ones have come
PICTURES = (Stream.RGB, Stream.FRAMES, Stream.THERMAL)


class LiveViews(QWidget):
    """`pull` once a frame. Only the newest is drawn, whatever came since."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.events = EventView()
        self.pictures = {stream: PictureView(stream) for stream in PICTURES}
        self.strip = RateStrip()
        self._taps: RigTaps | None = None
        self._runtime: Path | None = None
        self.now_us: int | None = None
        self._lay_out()
        self.use_runtime(None)

    def _lay_out(self) -> None:
        theme = current_theme()
        self._beside = QWidget()  # hidden as a whole without pictures: an empty layout would keep its share of the width
        self._side = QBoxLayout(QBoxLayout.Direction.TopToBottom, self._beside)
        self._side.setContentsMargins(0, 0, 0, 0)
        self._side.setSpacing(theme.space(2))
        for view in self.pictures.values():
            view.setMinimumSize(120, 96)
            self._side.addWidget(view, 1)
        self._row = row = QHBoxLayout()
        row.setSpacing(theme.space(2))
        row.addWidget(self.events, 5)
        row.addWidget(self._beside, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space(2))
        column.addLayout(row, 1)
        column.addWidget(self.strip)
        self.strip.setFixedHeight(112)
        self.events.stage.set_empty_text(tr("Waiting for the cameras ..."))

    def set_low(self, low: bool) -> None:
        """All pictures side by side, where the prompter needs the height."""
        self._side.setDirection(QBoxLayout.Direction.LeftToRight if low else QBoxLayout.Direction.TopToBottom)
        for view in self.pictures.values():
            view.set_narrow(low)
        self._row.setStretch(1, 6 if low else 3)
        self._row.setStretch(0, 3 if low else 5)

    def use_runtime(self, runtime: Path | None) -> None:
        """Look at the rings of this capture process; None: there is none."""
        if runtime == self._runtime and self._taps is not None:
            return
        if self._taps is not None:
            self._taps.close()
        self._runtime = runtime
        self._taps = RigTaps(runtime) if runtime is not None else None
        if runtime is None:
            self.strip.clear()
            self.events.use_resolution(None)
            self.show_streams(())

    def show_streams(self, names: Sequence[str]) -> None:
        """Show the pictures of the cameras that there are."""
        for stream, view in self.pictures.items():
            view.setVisible(stream.value in names)
            if stream.value not in names:
                view.show_picture(None)
        self._beside.setVisible(any(not view.isHidden() for view in self.pictures.values()))

    def use_resolution(self, resolution: tuple[int, int] | None) -> None:
        """(width, height) of the event camera."""
        if resolution != self.events.resolution:
            self.events.use_resolution(resolution)

    def pull(self) -> None:
        """Take what came since the last call and draw it."""
        if self._taps is None or self.events.resolution is None:
            return
        events = self._taps.newest_events()
        self.now_us = self._taps.now_us()
        self.events.feed(events)
        self.strip.feed(events)
        shown_us = self._shown_us()
        self.events.refresh(shown_us)
        self.strip.refresh(shown_us)
        now_ns = time.monotonic_ns()
        for stream, view in self.pictures.items():
            if view.isVisible():
                view.show_picture(self._taps.frame(stream), now_ns)

    def _shown_us(self) -> int | None:
        """Now, or a little after the newest event where the camera is behind: a slow rig is not an empty picture."""
        newest_us = self.strip.history.newest_us
        if self.now_us is None or newest_us is None:
            return self.now_us
        return min(self.now_us, newest_us + LATEST_US)

    def show_script(self, bands: Sequence[Band], marks: Sequence[StripMark], zero_us: int | None) -> None:
        """The running take's script on the strip; it stands still over the take's whole length."""
        span = (bands[0].start_us, bands[-1].end_us) if bands else None
        self.strip.show_take(span, zero_us)
        self.strip.set_script(bands, marks)

    def hide_script(self) -> None:
        """No take runs: the strip scrolls."""
        self.strip.show_take(None)
        self.strip.set_script(())

    def set_guide(self, guide: bool) -> None:
        """The oval where the face belongs."""
        self.events.stage.set_guide(guide)
        for stream in (Stream.RGB, Stream.FRAMES):
            self.pictures[stream].stage.set_guide(guide)

    def set_mirrored(self, mirrored: bool) -> None:
        """The colour picture as in a mirror, for whoever practises."""
        self.pictures[Stream.RGB].set_mirrored(mirrored)

    def toggle_mirrored(self) -> None:
        """The other way round."""
        self.set_mirrored(not self.pictures[Stream.RGB].mirrored)

    def shut(self) -> None:
        """Let go of the rings."""
        self.use_runtime(None)
