"""A take once more: its events around the cue, with onset, apex and offset as suggested. Read in a thread of its own."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QWidget

from app.i18n import tr
from app.pages.record.panels import button, column_of, heading
from app.widgets.event_view import EventView
from app.widgets.labels import Elided
from app.window.shortcuts import Shortcut, table
from protocol.errors import GlimpseError
from protocol.streams import EVENT_DTYPE, Array, Stream
from recorder.analysisstore import read_analysis
from recorder.take import Take

PLAYBACK = "Play back"
BEFORE_US, AFTER_US = 1_000_000, 500_000  # of the cue and of the stop
MOST_EVENTS = 20_000_000  # are kept; of more only the first, around the cue
FRAME_MS = 33
SPEEDS = (1.0, 0.5, 0.25, 0.1)
SLIDER_STEPS = 1000

table.add(
    Shortcut("playback.pause", "Space", "Pause and go on", PLAYBACK),
    Shortcut("playback.back", "Left", "Back by 0.1 s", PLAYBACK),
    Shortcut("playback.forward", "Right", "Forward by 0.1 s", PLAYBACK),
    Shortcut("playback.close", "P Esc", "Back to the verdict", PLAYBACK),
)


@dataclass(frozen=True, eq=False)
class Clip:
    """Part of a take. events: [n] of EVENT_DTYPE; marks: (name, event time); problem: why there is nothing to see."""

    events: Array = field(default_factory=lambda: np.empty(0, EVENT_DTYPE))
    resolution: tuple[int, int] | None = None
    start_us: int = 0
    end_us: int = 0
    marks: tuple[tuple[str, int], ...] = ()
    problem: str | None = None


def read_clip(path: Path) -> Clip:
    """The part of a take around its cue; the whole of one without a cue."""
    try:
        with Take(path) as take:
            manifest = take.manifest if take.manifest_problem is None else None
            cue, stop = (manifest.cue_us, manifest.stop_us) if manifest else (None, None)
            span = (None, None) if cue is None else (cue - BEFORE_US, (stop or cue + 5_000_000) + AFTER_US)
            events = take.events(*span)[:MOST_EVENTS]
            resolution = take.resolution(Stream.EVENTS)
    except (GlimpseError, OSError) as error:
        return Clip(problem=str(error))
    if not len(events) or resolution is None:
        return Clip(problem=tr("There are no events to see."))
    marks = ((tr("cue"), cue),) if cue is not None else ()
    return Clip(events, resolution, int(events["t"][0]), int(events["t"][-1]), (*marks, *_suggested(path)))


def _suggested(path: Path) -> tuple[tuple[str, int], ...]:
    try:
        analysis = read_analysis(path)
    except (GlimpseError, OSError):
        return ()  # a suggestion is no part of the take; what is wrong with its file the label page says
    found = analysis.onset.intervals[:1] if analysis is not None and analysis.onset is not None else ()
    names = (tr("onset"), tr("apex"), tr("offset"))
    return tuple(pair for one in found for pair in zip(names, (one.onset_us, one.apex_us, one.offset_us), strict=True))


class PlaybackPanel(QWidget):
    """Plays a take's events in a loop. closed: the operator has seen enough."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clip: Clip | None = None
        self._read: list[Clip] = []
        self._thread: threading.Thread | None = None
        self._at_us = 0.0
        self._drawn = 0
        self._last_s = 0.0
        self.paused = False
        self._build()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        for name, call in (
            ("playback.pause", self.toggle),
            ("playback.back", lambda: self.step(-100_000)),
            ("playback.forward", lambda: self.step(100_000)),
            ("playback.close", self._close),
        ):
            table.action(name, self, call)

    def _build(self) -> None:
        column = column_of(self)
        column.addWidget(heading(tr("Play back"), "headline"))
        self.name = Elided("")
        self.name.setProperty("tone", "muted")
        column.addWidget(self.name)
        self.view = EventView()
        column.addWidget(self.view, 1)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, SLIDER_STEPS)
        self.slider.sliderMoved.connect(self._dragged)
        column.addWidget(self.slider)
        self.where = QLabel()
        self.where.setWordWrap(True)
        column.addWidget(self.where)
        row = QHBoxLayout()
        self.speed = QComboBox()
        for speed in SPEEDS:
            self.speed.addItem(tr("{speed:g} x speed").format(speed=speed), speed)
        self.speed.setCurrentIndex(1)
        row.addWidget(self.speed)
        row.addStretch(1)
        row.addWidget(button(tr("Pause"), "playback.pause", self.toggle))
        row.addWidget(button(tr("Back"), "playback.close", self._close, "primary"))
        column.addLayout(row)

    def play(self, path: Path) -> None:
        """Play the take at `path`."""
        self.shut()
        self.name.show_text(path.name)
        self.where.setText(tr("Reading ..."))
        self.view.use_resolution(None)
        self._clip, self._read, self.paused = None, [], False
        into = self._read
        self._thread = threading.Thread(target=lambda: into.append(read_clip(path)), name="playback", daemon=True)
        self._thread.start()
        self._timer.start(FRAME_MS)

    def toggle(self) -> None:
        """Pause, or go on."""
        self.paused = not self.paused

    def step(self, by_us: int) -> None:
        """Move by so much and stay there."""
        self.paused = True
        if self._clip is not None:
            self._seek(self._at_us + by_us)

    def _dragged(self, value: int) -> None:
        if self._clip is not None:
            self.paused = True
            self._seek(self._clip.start_us + value / SLIDER_STEPS * (self._clip.end_us - self._clip.start_us))

    def _seek(self, at_us: float) -> None:
        clip = self._clip
        if clip is None:
            return
        self._at_us = min(max(at_us, clip.start_us), clip.end_us)
        before_us = self._at_us - 300_000  # what still glows
        self._drawn = int(np.searchsorted(clip.events["t"], before_us))
        self.view.use_resolution(None)
        self.view.use_resolution(clip.resolution)
        self._draw()

    def _tick(self) -> None:
        if self._clip is None:
            self._begin()
            return
        now_s = time.monotonic()
        passed_us, self._last_s = (now_s - self._last_s) * 1e6, now_s
        if self.paused or self._clip.problem:
            return
        self._at_us += passed_us * float(self.speed.currentData())
        if self._at_us > self._clip.end_us:
            self._seek(self._clip.start_us)
        self._draw()

    def _begin(self) -> None:
        if not self._read:
            return
        self._clip, self._last_s = self._read[0], time.monotonic()
        if self._clip.problem:
            self.where.setText(self._clip.problem)
            return
        self._seek(self._clip.start_us)

    def _draw(self) -> None:
        clip = self._clip
        if clip is None or clip.resolution is None:
            return
        until = int(np.searchsorted(clip.events["t"], self._at_us))
        self.view.feed(clip.events[self._drawn : until])
        self._drawn = max(self._drawn, until)
        self.view.refresh(int(self._at_us))
        self.slider.setValue(round((self._at_us - clip.start_us) / max(1, clip.end_us - clip.start_us) * SLIDER_STEPS))
        self.where.setText(self._place(clip))

    def _place(self, clip: Clip) -> str:
        """Seconds from the cue, and the landmarks that have passed."""
        zero_us = clip.marks[0][1] if clip.marks else clip.start_us
        seconds = tr("{seconds:+.2f} s from the cue") if clip.marks else tr("{seconds:.2f} s")
        passed = [name for name, at_us in clip.marks[1:] if at_us <= self._at_us]
        text = seconds.format(seconds=(self._at_us - zero_us) / 1e6)
        return f"{text} - {passed[-1]}" if passed else text

    def refresh(self) -> None:
        """Nothing to do: it draws by its own timer, which its speed needs."""

    def _close(self) -> None:
        self.shut()
        self.closed.emit()

    def shut(self) -> None:
        """Stop playing and let go of the take."""
        self._timer.stop()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._clip = None
        self._read = []
